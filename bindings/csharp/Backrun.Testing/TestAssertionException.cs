using System;

namespace Backrun.Testing;

/// <summary>What a test says of started tasks is not so; the message tells what was started instead.</summary>
public sealed class TestAssertionException : Exception
{
    /// <summary>Makes an exception.</summary>
    public TestAssertionException()
        : base("What was started is not what the test expected.")
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">For people.</param>
    public TestAssertionException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">For people.</param>
    /// <param name="innerException">The cause, or null.</param>
    public TestAssertionException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
