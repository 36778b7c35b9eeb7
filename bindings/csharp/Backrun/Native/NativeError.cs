using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Backrun.Native;

/// <summary>Turns a native status code and error object into an exception, and frees the object.</summary>
internal static unsafe class NativeError
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void ThrowIfFailed(int code, backrun_error* error)
    {
        if (code != NativeConstants.BACKRUN_OK)
        {
            Throw(code, error);
        }
    }

    [DoesNotReturn]
    private static void Throw(int code, backrun_error* error) => throw ToException(code, error);

    /// <summary>Frees <paramref name="error"/>. Native names the fields of its structs; here they get the names that .NET programs know them by.</summary>
    internal static Exception ToException(int code, backrun_error* error)
    {
        string message = TakeMessage(code, error);
        return (BackrunErrorCode)code switch
        {
            BackrunErrorCode.NotSupported => new NotSupportedException(OptionNames.Translate(message)),
            BackrunErrorCode.QueueFull => new QueueFullException(OptionNames.Translate(message)),
            BackrunErrorCode known => new BackrunException(known, OptionNames.Translate(message)),
        };
    }

    /// <summary>Frees <paramref name="error"/>.</summary>
    internal static string TakeMessage(int code, backrun_error* error)
    {
        if (error is null)
        {
            return $"The native engine answered {(BackrunErrorCode)code} ({code}) without a message.";
        }

        using ErrorHandle owned = new(error);
        return NativeText.ToManaged(NativeMethods.backrun_error_message(error));
    }
}
