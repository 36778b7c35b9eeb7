using System;
using System.IO;
using System.Linq;
using System.Runtime;
using System.Runtime.InteropServices;

namespace Backrun.Benchmarks.Measuring;

/// <summary>What the results are of.</summary>
internal sealed record Machine(
    int Cores,
    string Processor,
    long MemoryMiB,
    string OS,
    string DotNet,
    bool ServerGC,
    bool ConcurrentGC,
    string Time)
{
    public static Machine This() => new(
        Environment.ProcessorCount,
        ProcessorName(),
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024 * 1024),
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription,
        GCSettings.IsServerGC,
        GCSettings.LatencyMode != GCLatencyMode.Batch,
        DateTime.UtcNow.ToString("O"));

    public override string ToString()
    {
        string gc = (ServerGC ? "server GC" : "workstation GC") + (ConcurrentGC ? ", concurrent" : "");
        return $"{Cores} cores of {Processor}, {MemoryMiB} MiB, {OS}, {DotNet}, {gc}.";
    }

    private static string ProcessorName()
    {
        const string Key = "model name";
        string? line = OperatingSystem.IsLinux()
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal))
            : null;
        return line?[Key.Length..].Trim(' ', '\t', ':') ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
