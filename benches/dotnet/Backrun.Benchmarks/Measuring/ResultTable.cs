using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Backrun.Benchmarks.Measuring;

/// <summary>What a scenario has measured: for each contender, for each round, a value of each column.</summary>
/// <param name="Name">The scenario's.</param>
/// <param name="Title">The scenario's.</param>
/// <param name="Columns">What the values are.</param>
/// <param name="MoreIsBetter">Of each column.</param>
internal sealed record ResultTable(string Name, string Title, string[] Columns, bool[] MoreIsBetter)
{
    private const int NameWidth = 33;

    private readonly List<string> _contenders = [];
    private readonly Dictionary<string, List<double[]>> _rounds = [];

    /// <summary>Where a value of the first column reaches this it was not waited for longer: it is more than that.</summary>
    public double? Limit { get; init; }

    public IReadOnlyList<string> Contenders => _contenders;

    public void Add(string contender, double[] round)
    {
        if (!_rounds.TryGetValue(contender, out List<double[]>? rounds))
        {
            _rounds[contender] = rounds = [];
            _contenders.Add(contender);
        }
        rounds.Add(round);
    }

    public double[] Values(string contender, int column) => [.. _rounds[contender].Select(round => round[column])];

    public double Median(string contender, int column) => Median(Values(contender, column));

    /// <summary>
    /// How much better the first contender is than this one: more than 1 is better, whatever the column. The median
    /// over the rounds, each compared with the other one's value of the same round, since what else the machine does
    /// changes from round to round.
    /// </summary>
    public double Ratio(string contender, int column)
    {
        double[] first = Values(_contenders[0], column);
        double[] other = Values(contender, column);
        // Who was not asked again has no rounds to compare with.
        return first.Length == other.Length
            ? Median([.. first.Zip(other, (a, b) => Ratio(a, b, MoreIsBetter[column]))])
            : Ratio(Median(first), Median(other), MoreIsBetter[column]);
    }

    public void Print(TextWriter output)
    {
        output.WriteLine();
        output.WriteLine($"{Name}: {Title}");
        output.Write("".PadRight(NameWidth));
        foreach (string column in Columns)
        {
            output.Write($"{column,11}{"min",9}{"max",9}{"ratio",9}");
        }
        output.WriteLine();
        foreach (string contender in _contenders)
        {
            output.Write(contender.PadRight(NameWidth));
            for (int column = 0; column < Columns.Length; column++)
            {
                double[] values = Values(contender, column);
                string more = column == 0 && Median(values) >= Limit ? ">" : "";
                string ratio = contender == _contenders[0] ? "" : more + RatioText(Ratio(contender, column));
                output.Write($"{more + Number(Median(values)),11}{Number(values.Min()),9}{Number(values.Max()),9}{ratio,9}");
            }
            output.WriteLine();
        }
        output.Flush();
    }

    // Of next to nothing everything is a million times as much.
    private static double Ratio(double first, double other, bool moreIsBetter) =>
        moreIsBetter ? first / other : first < 1 ? double.NaN : other / first;

    private static double Median(double[] values)
    {
        Array.Sort(values);
        int middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }

    private static string RatioText(double ratio) => Text(ratio, ratio < 100 ? "0.00x" : "0x");

    private static string Number(double value) => Text(value, Math.Abs(value) < 100 ? "N1" : "N0");

    private static string Text(double value, string format) =>
        double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "-";
}
