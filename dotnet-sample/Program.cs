using System;
using System.Threading.Tasks;
using Spectre.Console;

namespace Backrun.Sample;

/// <summary>
/// Indexes a folder in the background: a task a file, on behalf of whoever started the program.
/// Exit codes are in <see cref="Options.Usage"/>.
/// </summary>
internal static class Program
{
    private const int AllDone = 0;
    private const int SomeFailed = 1;
    private const int CouldNotRun = 2;

    private static async Task<int> Main(string[] arguments)
    {
        if (!Options.TryParse(arguments, out Options options, out string? complaint))
        {
            return Complain(complaint);
        }
        if (options.Help)
        {
            Console.Out.WriteLine(Options.Usage);
            return AllDone;
        }
        try
        {
            using var interrupt = new Interrupt();
            IAnsiConsole console = Terminal.Open();
            bool fine = !options.Seed || await SeedExample.RunAsync(console);
            fine &= options.Folder is null || await IndexAsync(options, options.Folder, console, interrupt);
            return interrupt.ExitCode ?? (fine ? AllDone : SomeFailed);
        }
        catch (Exception e) when (e is CouldNotRunException or BackrunException or PlatformNotSupportedException)
        {
            return Complain(e.Message);
        }
    }

    private static async Task<bool> IndexAsync(Options options, Folder folder, IAnsiConsole console, Interrupt interrupt)
    {
        // Opened first: better to hear of a place that cannot be written to before the work than after it.
        using JsonLines? output = options.Json is null ? null : JsonLines.Create(options.Json);
        var report = new Report(folder, isKept: options.Store is not null);
        using (var index = new FolderIndex(folder, report, options.Store, keepResults: output is not null, options.Loop))
        {
            Task work = index.RunAsync(leaveOut: output?.Path, interrupt.Token);
            await Progress.ShowAsync(console, report, work);
            report.Print(console);
            output?.Write(index.Results, folder);
        }
        return report.Failures == 0;
    }

    private static int Complain(string complaint)
    {
        Console.Error.WriteLine(Printable.Of(complaint));
        return CouldNotRun;
    }
}
