using System;
using System.Threading.Tasks;

namespace Backrun.Tests.Support;

/// <summary>Engines whose time passes when a test says so, and what such tests ask of them.</summary>
internal static class Times
{
    internal static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);
    internal static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    internal static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    internal static BackrunEngine NewEngine(BackrunOptions? options = null)
    {
        options ??= new BackrunOptions { Workers = 2 };
        options.ManualTime = true;
        return Engines.New(options);
    }

    internal static BackgroundTaskState StateOf(this BackrunEngine engine, BackgroundTaskHandle handle) => engine.GetStatus(handle.Id)!.State;

    internal static Task UntilIn(this BackrunEngine engine, BackgroundTaskHandle handle, BackgroundTaskState state) => Patience.Until(() => engine.StateOf(handle) == state);

    /// <summary>Waits until the task waits for its time, lets that pass, and so on, until it has ended.</summary>
    /// <returns>Its last status.</returns>
    internal static async Task<BackgroundTaskStatus> ToItsEnd(this BackrunEngine engine, BackgroundTaskHandle handle, TimeSpan step)
    {
        while (true)
        {
            await Patience.Until(() => engine.GetStatus(handle.Id)! is { IsFinal: true } or { State: BackgroundTaskState.Scheduled });
            if (engine.GetStatus(handle.Id)! is { IsFinal: true } last)
            {
                return last;
            }

            engine.AdvanceTime(step);
        }
    }
}
