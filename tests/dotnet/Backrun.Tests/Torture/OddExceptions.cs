using System;
using System.Collections;
using System.Threading;

namespace Backrun.Tests.Torture;

/// <summary>Exceptions that are not what they should be.</summary>
public static class OddExceptions
{
    public sealed class NoMessageException : Exception
    {
        public override string Message => null!;
    }

    public sealed class ThrowingMessageException : Exception
    {
        public override string Message => throw new InvalidOperationException("no message");
    }

    public sealed class ThrowingTextException : Exception
    {
        public override string ToString() => throw new InvalidOperationException("no text");
    }

    public sealed class ThrowingItselfException : Exception
    {
        public override string Message => throw this;

        public override string ToString() => throw this;
    }

    public sealed class ThrowingStackException : Exception
    {
        public override string? StackTrace => throw new InvalidOperationException("no stack");
    }

    public sealed class ThrowingDataException : Exception
    {
        public override IDictionary Data => throw new InvalidOperationException("no data");
    }

    public sealed class ThrowingEqualityException : Exception
    {
        public override bool Equals(object? obj) => throw new InvalidOperationException("not equal to anything");

        public override int GetHashCode() => throw new InvalidOperationException("no hash code");
    }

    /// <summary>With what no serialiser can write, and no constructor that one could call.</summary>
    public sealed class NotSerialisableException : Exception
    {
        private NotSerialisableException(Thread thread, nint address)
            : base("not to be serialised")
        {
            Thread = thread;
            Address = address;
            Self = this;
            Data["self"] = this;
            Data["thread"] = thread;
        }

        public NotSerialisableException()
            : this(Thread.CurrentThread, 1)
        {
        }

        public Thread Thread { get; }

        public nint Address { get; }

        public NotSerialisableException Self { get; }

        public Action Action => () => Thread.Join();
    }

    public sealed class GenericException<T>() : Exception(typeof(T).Name);
}
