using System;
using System.Threading.Tasks;
using Spectre.Console;

namespace Backrun.Sample;

/// <summary>Shows how far the work is while it runs, where somebody is looking.</summary>
internal static class Progress
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    public static async Task ShowAsync(IAnsiConsole console, Report report, Task work)
    {
        if (console.Profile.Capabilities is { Interactive: true, Ansi: true })
        {
            await console.Progress()
                .Columns(
                    new TaskDescriptionColumn(),
                    new ProgressBarColumn(),
                    new PercentageColumn(),
                    new ElapsedTimeColumn(),
                    new SpinnerColumn())
                .StartAsync(bar => FollowAsync(bar.AddTask("Indexing"), report, work));
        }
        await work;
    }

    private static async Task FollowAsync(ProgressTask bar, Report report, Task work)
    {
        do
        {
            await Task.WhenAny(work, Task.Delay(Glance));
            // Files are found while others are done already: the whole grows with them.
            bar.MaxValue = Math.Max(1, report.Submitted);
            bar.Value = report.Ended;
            bar.IsIndeterminate = !report.IsAllFound;
            bar.Description = report.Line();
        }
        while (!work.IsCompleted);
        bar.StopTask();
    }
}
