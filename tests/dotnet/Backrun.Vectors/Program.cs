using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Backrun.Vectors.Checking;
using Backrun.Vectors.Making;

namespace Backrun.Vectors;

/// <summary>
/// <c>make --seed N --count M [--family NAME]... [--from I] OUT</c> writes lines of the golden vectors' format to a file.
/// The number I of a family's lines depends on the seed alone, so that one line can be had again.
/// <c>check FILE</c> reads lines of that format which another made.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        // Local times are written as UTC: the zone that the format's lines are made in, which has no summer time.
        Environment.SetEnvironmentVariable("TZ", "Etc/GMT-9");
        TimeZoneInfo.ClearCachedData();
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            switch (arguments)
            {
                case ["make", .. var rest]:
                    Make(new(rest));
                    return 0;
                case ["check", var file]:
                    return new Check().Run(file) ? 0 : 1;
                default:
                    Console.Error.WriteLine("Usage: make [--seed N] [--count M] [--family NAME]... [--from I] OUT, or check FILE");
                    return 2;
            }
        }
        catch (ArgumentException wrong)
        {
            Console.Error.WriteLine(wrong.Message);
            return 2;
        }
    }

    private static void Make(Arguments arguments)
    {
        var wanted = arguments.All("--family");
        var families = Families.All.Where(f => wanted.Count == 0 || wanted.Contains(f.Name)).ToArray();
        if (families.Length == 0)
            throw new ArgumentException($"The families are {string.Join(", ", Families.All.Select(f => f.Name))}.");
        var seed = arguments.Number("--seed", 1);
        var count = arguments.Number("--count", 1000);
        var from = (int)arguments.Number("--from", 0);
        var weight = (ulong)families.Sum(f => f.Weight);
        var output = arguments.Rest().Single();
        WriteTypes(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(output))!, "types.cs.txt"));
        using var file = new StreamWriter(output);
        foreach (var family in families)
        {
            var lines = Math.Max(1, (int)(count * (ulong)family.Weight / weight));
            for (var i = from; i < from + lines; i++)
                file.Write(Line(family, seed, i) + "\n");
        }
        Console.WriteLine($"{families.Length} families, seed {seed}, MessagePack {Lines.Version}");
    }

    /// <summary>Tells the C# types that the lines name, where a reader of the lines looks for them.</summary>
    private static void WriteTypes(string path)
    {
        using var types = new StreamWriter(path);
        var assembly = typeof(Program).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
        {
            using var source = new StreamReader(assembly.GetManifestResourceStream(name)!);
            types.WriteLine(source.ReadToEnd());
        }
    }

    private static string Line(Family family, ulong seed, int number)
    {
        var id = $"{family.Name}/{seed}-{number}";
        try
        {
            return family.Line(Source.Of(seed, family.Name, number), id);
        }
        catch (Exception thrown) when (thrown is not ArgumentException { ParamName: "name" })
        {
            throw new InvalidOperationException($"The line {id} cannot be made: this program is wrong.", thrown);
        }
    }

    /// <summary>What the program was called with.</summary>
    private sealed class Arguments(IReadOnlyList<string> all)
    {
        private readonly HashSet<int> _used = [];

        public List<string> All(string name)
        {
            var found = new List<string>();
            for (var i = 0; i < all.Count; i++)
            {
                if (all[i] != name)
                    continue;
                if (i + 1 == all.Count)
                    throw new ArgumentException($"{name} needs a value.");
                found.Add(all[i + 1]);
                _used.UnionWith([i, i + 1]);
            }
            return found;
        }

        public ulong Number(string name, ulong otherwise) =>
            All(name) is [.., var last] ? ulong.Parse(last, CultureInfo.InvariantCulture) : otherwise;

        public IEnumerable<string> Rest() => Enumerable.Range(0, all.Count).Where(i => !_used.Contains(i)).Select(i => all[i]);
    }
}
