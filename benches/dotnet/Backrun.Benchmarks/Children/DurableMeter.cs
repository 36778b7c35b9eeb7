using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using Backrun.Benchmarks.Contenders;
using Backrun.Benchmarks.Measuring;
using Microsoft.Win32.SafeHandles;

namespace Backrun.Benchmarks.Children;

/// <summary>
/// What it costs to have tasks outlive the process, in a file of SQLite's: how many one caller gets acknowledged a second, how many go
/// through, and how soon one runs that was submitted alone. In a process and a folder of its own.
/// </summary>
internal static class DurableMeter
{
    /// <summary>Names the folder in which files are made, and thereby the disk; without it, the one for temporary files.</summary>
    public const string FolderVariable = "BACKRUN_DURABLE_FOLDER";

    /// <summary>Has a child only enqueue so many, for whoever counts what it asks of the system.</summary>
    public const string OnlyVariable = "BACKRUN_DURABLE_ENQUEUE";

    public static readonly string[] Columns = ["accepted/s", "through/s", "p50 µs"];
    public static readonly bool[] MoreIsBetter = [true, true, false];

    private const double Disk = 0.7;

    /// <summary>The values of the child <c>durable/CONTENDER</c>, or null if it is none.</summary>
    public static double[]? Measure(string child)
    {
        string parent = Environment.GetEnvironmentVariable(FolderVariable) ?? Path.GetTempPath();
        string folder = Directory.CreateDirectory(Path.Combine(parent, $"backrun-durable-{Environment.ProcessId}")).FullName;
        try
        {
            string name = child.Split('/')[^1];
            if (name == "disk")
            {
                return MeasureDisk(Path.Combine(folder, "append"));
            }
            using IDurableContender? contender = Make(name, Path.Combine(folder, "tasks.db"));
            if (contender is null)
            {
                return null;
            }
            if (int.TryParse(Environment.GetEnvironmentVariable(OnlyVariable), out int only))
            {
                contender.Enqueue(only);
                return [only];
            }
            return Measure(contender);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IDurableContender? Make(string name, string file) => name switch
    {
        "backrun" => new BackrunDurable(file, Durability.Committed, inFlight: 1),
        "backrun-many" => new BackrunDurable(file, Durability.Committed, inFlight: 10_000),
        "backrun-buffered" => new BackrunDurable(file, Durability.Buffered, inFlight: 10_000),
        "wolverine" => new WolverineDurable(file),
        "hangfire" => new HangfireDurable(file, poll: null),
        "hangfire-polling" => new HangfireDurable(file, TimeSpan.FromMilliseconds(1)),
        _ => null,
    };

    private static double[] Measure(IDurableContender contender)
    {
        long run = contender.Tasks / 10;
        contender.Enqueue((int)run);
        contender.WaitForEnds(run);
        long started = Stopwatch.GetTimestamp();
        contender.Enqueue(contender.Tasks);
        double accepted = contender.Tasks / Stopwatch.GetElapsedTime(started).TotalSeconds;
        contender.WaitForEnds(run + contender.Tasks);
        double through = contender.Tasks / Stopwatch.GetElapsedTime(started).TotalSeconds;
        var microseconds = new double[contender.Samples];
        for (int i = 0; i < microseconds.Length; i++)
        {
            Latencies.Begin(1);
            contender.Stamp(Stopwatch.GetTimestamp());
            microseconds[i] = Latencies.End(TimeSpan.FromSeconds(60))[0];
        }
        Array.Sort(microseconds);
        // Where nothing looks for tasks most of the time, how many go through says when the first of them was seen.
        return [accepted, contender.IsAsleep ? double.NaN : through, microseconds[microseconds.Length / 2]];
    }

    private static double[] MeasureDisk(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        byte[] page = new byte[4096];
        var microseconds = new System.Collections.Generic.List<double>();
        long begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun).TotalSeconds < Disk)
        {
            long one = Stopwatch.GetTimestamp();
            RandomAccess.Write(file, page, (long)microseconds.Count * page.Length);
            if (Fdatasync(file) != 0)
            {
                throw new IOException($"The disk does not sync: error {Marshal.GetLastPInvokeError()}.");
            }
            microseconds.Add(Stopwatch.GetElapsedTime(one).TotalMicroseconds);
        }
        double rate = microseconds.Count / Stopwatch.GetElapsedTime(begun).TotalSeconds;
        microseconds.Sort();
        return [rate, double.NaN, microseconds[microseconds.Count / 2]];
    }

    [DllImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static extern int Fdatasync(SafeFileHandle file);
}
