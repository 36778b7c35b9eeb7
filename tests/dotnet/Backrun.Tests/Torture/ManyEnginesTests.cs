using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Torture;

/// <summary>Engines come and go, and leave nothing behind.</summary>
public sealed class ManyEnginesTests
{
    private const string Program = """
        using System;
        using System.IO;
        using System.Linq;
        using System.Runtime.CompilerServices;
        using System.Runtime.InteropServices;
        using System.Threading;
        using System.Threading.Tasks;
        using Backrun;
        using Microsoft.Extensions.Logging.Abstractions;

        public sealed class Nothing : IBackgroundTask<string> { public void Run(string parameters) { } }

        public sealed class Later : IAsyncBackgroundTask<int>
        {
            public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken) => await Task.Yield();
        }

        public sealed class Fail : IBackgroundTask<int> { public void Run(int parameters) => throw new InvalidOperationException("on purpose"); }

        public record struct Measured(long Threads, long Handles, long Memory, long Heap, long Allocated);

        public static class Program
        {
            [StructLayout(LayoutKind.Sequential)]
            private struct AllocatorNumbers { public nuint Arena, Ordinary, Small, Mapped, MappedBytes, A, B, UsedBytes, FreeBytes, C; }

            [DllImport("libc.so.6")]
            private static extern AllocatorNumbers mallinfo2();

            public static async Task<int> Main(string[] arguments)
            {
                Func<int, Task> one = arguments[0] switch
                {
                    "disposed" => DisposedAsync,
                    "disposed at once" => static _ => { Make().Dispose(); return Task.CompletedTask; },
                    "forgotten" => Forgotten,
                    _ => throw new ArgumentException(arguments[0]),
                };
                int warmUp = int.Parse(arguments[1]);
                int count = int.Parse(arguments[2]);
                for (int number = 0; number < warmUp; number++) { await one(number); }
                Measured before = await MeasureAsync(null);
                for (int number = 0; number < count; number++) { await one(number); }
                Measured after = await MeasureAsync(before.Threads);
                Console.WriteLine($"{after.Threads - before.Threads} {after.Handles - before.Handles} {after.Memory - before.Memory} {after.Heap - before.Heap} {after.Allocated - before.Allocated}");
                return 0;
            }

            private static BackrunEngine Make() => new(new BackrunOptions { Workers = 1, LoggerFactory = NullLoggerFactory.Instance });

            private static async Task DisposedAsync(int number)
            {
                await using BackrunEngine engine = Make();
                engine.TaskFinished += static (_, _) => { };
                Task failing = engine.StartNew<Fail, int>(1).Completion;
                await Task.WhenAll(engine.StartNew<Nothing, string>("some text").Completion, engine.StartNew<Later, int>(1).Completion);
                try { await failing; } catch (InvalidOperationException) { }
            }

            private static async Task Forgotten(int number)
            {
                await UseAndForget();
                if (number % 50 == 49) { Collect(); }
            }

            [MethodImpl(MethodImplOptions.NoInlining)]
            private static Task UseAndForget() => Make().StartNew<Nothing, string>("some text").Completion;

            private static void Collect()
            {
                for (int round = 0; round < 3; round++)
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                }
            }

            // Threads of given-up engines end a little later: asked for again until they have, which the one who started this limits. The pool's do not count.
            private static async Task<Measured> MeasureAsync(long? expectedThreads)
            {
                long threads;
                long last = long.MaxValue;
                int same = 0;
                while (true)
                {
                    Collect();
                    threads = File.ReadLines("/proc/self/status").Where(static line => line.StartsWith("Threads:")).Select(static line => long.Parse(line[8..])).Single() - ThreadPool.ThreadCount;
                    same = threads == last ? same + 1 : 0;
                    last = threads;
                    if (expectedThreads is { } expected ? threads <= expected + 2 : same == 20) { break; }
                    await Task.Delay(20);
                }

                long handles = Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
                long memory = File.ReadLines("/proc/self/status").Where(static line => line.StartsWith("VmRSS:")).Select(static line => long.Parse(line[6..^2])).Single();
                long heap = GC.GetTotalMemory(forceFullCollection: true);
                AllocatorNumbers numbers = mallinfo2();
                return new Measured(threads, handles, memory, heap, (long)(numbers.UsedBytes + numbers.MappedBytes));
            }
        }
        """;

    /// <summary>
    /// So that what grows is engines: a small nursery of the collector, one arena of the C library's instead of some for each thread, and nothing that is compiled anew.
    /// </summary>
    private static readonly Dictionary<string, string> Quiet = new() { ["DOTNET_GCgen0size"] = "0x100000", ["MALLOC_ARENA_MAX"] = "1", ["DOTNET_TieredCompilation"] = "0" };

    [Theory]
    [InlineData("disposed", 2_000, 20_000)]
    [InlineData("disposed at once", 10_000, 50_000)]
    [InlineData("forgotten", 1_000, 20_000)]
    public async Task Engines_made_and_used_up_by_the_thousand_leave_no_threads_no_handles_and_no_memory(string how, int usual, int longForm)
    {
        int count = Effort.Times(usual, longForm);
        using ChildProgram program = ChildProgram.Compile(Program);
        ChildProgram.Result result = await program.RunAsync([how, "150", $"{count}"], Quiet);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Errors));
        long[] growth = result.Output.Split(' ').Select(static number => long.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} engines: {growth[0]} threads, {growth[1]} handles, {growth[2]} KiB resident, {growth[3]} bytes of heap, {growth[4]} allocated");
        Assert.InRange(growth[0], -20, 2);
        Assert.InRange(growth[1], -20, 2);

        // What is resident and free does not depend on the count, and what is in use hardly grows: some bytes an engine would show.
        Assert.InRange(growth[2], long.MinValue, 20 * 1024);
        Assert.InRange(growth[3], long.MinValue, 256 * 1024);
        Assert.InRange(growth[4], long.MinValue, 256 * 1024);
    }
}
