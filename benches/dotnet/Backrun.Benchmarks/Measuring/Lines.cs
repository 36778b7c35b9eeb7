using System;
using System.Collections.Generic;

namespace Backrun.Benchmarks.Measuring;

/// <summary>Makes the contenders of a scenario: all, or those that were asked for.</summary>
internal static class Lines
{
    public static T[] Make<T>(Func<int, T>[] contenders, BenchmarkOptions options)
        where T : IContender
    {
        var made = new List<T>();
        foreach (Func<int, T> make in contenders)
        {
            T contender = make(options.Workers);
            if (options.WantsLine(contender.Name))
            {
                made.Add(contender);
            }
            else
            {
                contender.Dispose();
            }
        }
        return [.. made];
    }
}
