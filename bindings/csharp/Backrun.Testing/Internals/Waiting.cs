using System;
using System.Diagnostics;
using System.Globalization;
using System.Threading;

namespace Backrun.Testing.Internals;

/// <summary>Waits for the engine, in real time and with a limit.</summary>
internal sealed class Waiting(TimeSpan limit)
{
    /// <exception cref="TimeoutException">It took longer than the limit.</exception>
    internal void Until(Func<bool> isSo, Func<string> what)
    {
        long begun = Stopwatch.GetTimestamp();
        SpinWait spin = default;
        while (!isSo())
        {
            if (Stopwatch.GetElapsedTime(begun) > limit && !Debugger.IsAttached)
            {
                throw new TimeoutException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"After {limit.TotalSeconds:0.###} s of real time (TestEngineOptions.Limit) there are tasks that have not ended: {what()}. A run that waits for the test's clock needs that set by another thread meanwhile."));
            }

            // At first it turns and yields, which most tasks do not outlast; then it sleeps a millisecond at a time.
            spin.SpinOnce(sleep1Threshold: 20);
        }
    }
}
