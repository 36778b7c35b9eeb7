using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Backrun.Sample;

/// <summary>
/// Ctrl+C and SIGTERM ask the program to stop what it is doing and say how far it got.
/// The second time they end it at once.
/// </summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _ctrlC;
    private readonly PosixSignalRegistration _terminate;
    private int _exitCode;

    public Interrupt()
    {
        _ctrlC = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Stop(signal, 128 + 2));
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Stop(signal, 128 + 15));
    }

    public CancellationToken Token => _source.Token;

    /// <summary>What a shell expects of a program that a signal has stopped; null: there was none.</summary>
    public int? ExitCode => _exitCode == 0 ? null : _exitCode;

    public void Dispose()
    {
        _ctrlC.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void Stop(PosixSignalContext signal, int exitCode)
    {
        if (Interlocked.CompareExchange(ref _exitCode, exitCode, 0) == 0)
        {
            signal.Cancel = true;
            _source.Cancel();
        }
    }
}
