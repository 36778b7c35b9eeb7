using System;
using Spectre.Console;

namespace Backrun.Sample;

/// <summary>Where the program speaks to its user.</summary>
internal static class Terminal
{
    /// <summary>
    /// A console for people on a terminal; plain text, in lines as long as they need to be, for a file or a pipe.
    /// </summary>
    public static IAnsiConsole Open()
    {
        if (!Console.IsOutputRedirected)
        {
            return AnsiConsole.Console;
        }
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Console.Out),
        });
        console.Profile.Width = short.MaxValue;
        return console;
    }
}
