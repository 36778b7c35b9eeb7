using System;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Backrun.Benchmarks;

/// <summary>What the user asked for.</summary>
internal sealed class BenchmarkOptions
{
    public const string Usage = """
        cargo xtask bench [--json OUT] [--rounds N] [--only NAME] [--line NAME]
                          [--workers N] [--quick]

          --json OUT    write all rounds of all contenders, and the machine, to the file OUT
          --rounds N    measure each contender N times, in turns with the others; by default 7
          --only NAME   only scenarios with NAME in their name
          --line NAME   only lines of a table with NAME in their name: to look at one of them with a profiler
          --workers N   threads (or loops) that run tasks, the same for all; by default 2
          --quick       3 short rounds: to see whether it works, not how fast
        """;

    public string? Json { get; private set; }

    public int Rounds { get; private set; } = 7;

    public string? Only { get; private set; }

    public string? Line { get; private set; }

    public int Workers { get; private set; } = 2;

    public bool Quick { get; private set; }

    public bool Help { get; private set; }

    /// <summary>How long a round lasts, about.</summary>
    public TimeSpan RoundTime => TimeSpan.FromSeconds(Quick ? 0.15 : 0.7);

    /// <summary>
    /// How long a contender runs before it is measured: the JIT has several goes at hot code.
    /// </summary>
    public TimeSpan WarmUpTime => TimeSpan.FromSeconds(Quick ? 0.3 : 1.5);

    /// <summary>Tasks of a round where it is their latency that is measured: 1 ms each.</summary>
    public int LatencySamples => Quick ? 200 : 1000;

    public bool Wants(string scenario) => Only is null || scenario.Contains(Only, StringComparison.OrdinalIgnoreCase);

    public bool WantsLine(string contender) => Line is null || contender.Contains(Line, StringComparison.OrdinalIgnoreCase);

    public static bool TryParse(
        string[] arguments,
        out BenchmarkOptions options,
        [NotNullWhen(false)] out string? complaint)
    {
        options = new BenchmarkOptions();
        bool hasRounds = false;
        complaint = null;
        for (int i = 0; i < arguments.Length && complaint is null; i++)
        {
            string? value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            switch (arguments[i])
            {
                case "--json" when value is not null:
                    options.Json = value;
                    i++;
                    break;
                case "--only" when value is not null:
                    options.Only = value;
                    i++;
                    break;
                case "--rounds" when TryCount(value, out int rounds):
                    options.Rounds = rounds;
                    hasRounds = true;
                    i++;
                    break;
                case "--line" when value is not null:
                    options.Line = value;
                    i++;
                    break;
                case "--workers" when TryCount(value, out int workers):
                    options.Workers = workers;
                    i++;
                    break;
                case "--quick":
                    options.Quick = true;
                    break;
                case "--help" or "-h":
                    options.Help = true;
                    break;
                default:
                    complaint = $"'{arguments[i]}' is no option, or what follows it is missing or wrong.";
                    break;
            }
        }
        if (options.Quick && !hasRounds)
        {
            options.Rounds = 3;
        }
        return complaint is null;
    }

    private static bool TryCount(string? text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0;
}
