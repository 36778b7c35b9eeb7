using System;

namespace Backrun;

/// <summary>
/// The engine refused something, or failed. <see cref="Code"/> says what, the message names the value, the limit and what to do.
/// </summary>
/// <remarks>
/// Bad arguments that the method itself finds are an <see cref="ArgumentException"/> or one of its kin, what this version cannot do yet is a
/// <see cref="NotSupportedException"/>, and every call after <see cref="BackrunEngine.Dispose"/> is an <see cref="ObjectDisposedException"/>; all else is this.
/// </remarks>
public class BackrunException : Exception
{
    /// <summary>Makes an exception without a code.</summary>
    public BackrunException()
        : this(BackrunErrorCode.None, "Backrun failed.")
    {
    }

    /// <summary>Makes an exception without a code.</summary>
    /// <param name="message">For people.</param>
    public BackrunException(string message)
        : this(BackrunErrorCode.None, message)
    {
    }

    /// <summary>Makes an exception without a code.</summary>
    /// <param name="message">For people.</param>
    /// <param name="innerException">The cause, or null.</param>
    public BackrunException(string message, Exception? innerException)
        : this(BackrunErrorCode.None, message, innerException)
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="code">What went wrong.</param>
    /// <param name="message">For people.</param>
    /// <param name="innerException">The cause, or null.</param>
    public BackrunException(BackrunErrorCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>What went wrong.</summary>
    public BackrunErrorCode Code { get; }
}
