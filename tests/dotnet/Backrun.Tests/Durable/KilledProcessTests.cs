using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Durable;

/// <summary>Processes that end while their tasks run, and those that come after them.</summary>
public sealed class KilledProcessTests
{
    private const string Program = """
        using System;
        using System.IO;
        using System.Linq;
        using System.Runtime.InteropServices;
        using System.Threading;
        using Backrun;
        public sealed class Note : IBackgroundTask<int>
        {
            public static string Path = "";
            public void Run(int parameters) { lock (Path) { File.AppendAllText(Path, parameters + "\n"); } }
        }
        public sealed class Hang : IBackgroundTask<string>
        {
            public static bool Hangs;
            public void Run(string parameters)
            {
                BackgroundTaskContext context = BackgroundTaskContext.Current!;
                Console.WriteLine($"{parameters} {context.Attempt}");
                if (Hangs) { context.CancellationToken.WaitHandle.WaitOne(); context.CancellationToken.ThrowIfCancellationRequested(); }
            }
        }
        public static class Program
        {
            public static int Main(string[] arguments)
            {
                string file = arguments[1];
                Note.Path = file + ".notes";
                Hang.Hangs = arguments[0] != "finish";
                BackrunEngine engine = new(new BackrunOptions { Store = BackrunStore.Sqlite(file), Workers = 2 });
                engine.Register<Hang, string>();
                if (arguments[0] != "finish")
                {
                    engine.StartNew<Hang, string>("run");
                    engine.ConfigureQueue("notes", new QueueOptions());
                    engine.PauseQueue("notes");
                    engine.SubmitMany<Note, int>(Enumerable.Range(0, 100), new StartOptions { Queue = "notes" });
                    using PosixSignalRegistration terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
                    {
                        // As hosts do.
                        signal.Cancel = true;
                        ThreadPool.QueueUserWorkItem(_ => Environment.Exit(143));
                    });
                    Console.WriteLine("ready");
                    Thread.Sleep(Timeout.Infinite);
                }
                engine.ConfigureQueue("notes", new QueueOptions());
                engine.ResumeQueue("notes");
                engine.Register<Note, int>();
                foreach (BackgroundTaskStatus task in engine.ListTasks()) { engine.GetHandle(task.Id).Completion.Wait(); }
                ShutdownReport report = engine.ShutdownAsync(ShutdownMode.Drain, TimeSpan.FromMinutes(1)).Result;
                Console.WriteLine($"left {report.QueuedCount}");
                engine.Dispose();
                return 0;
            }
        }
        """;

    [Fact]
    public async Task A_process_that_is_killed_loses_no_task_and_the_next_one_finishes_what_ran_and_what_did_not()
    {
        using ChildProgram child = ChildProgram.Compile(Program);
        using StoreFile file = new();
        using Process killed = child.Start(["fill", file.Path]);
        await Lines(killed, 2);
        killed.Kill();
        await killed.WaitForExitAsync().WaitAsync(Patience.Long);
        Assert.Equal(137, killed.ExitCode);
        Assert.False(File.Exists(file.Path + ".notes"));

        ChildProgram.Result result = await child.RunAsync(["finish", file.Path]);
        Assert.True(result.ExitCode == 0, result.Errors);
        Assert.Equal("run 1\nleft 0\n", result.Output);
        Assert.Contains("was running at 1 unclean ends of a process", result.Errors, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, 100), File.ReadLines(file.Path + ".notes").Select(int.Parse).Order());

        // Nothing is left for a third one.
        result = await child.RunAsync(["finish", file.Path]);
        Assert.Equal((0, "left 0\n", string.Empty), (result.ExitCode, result.Output, result.Errors));
        Assert.Equal(100, File.ReadLines(file.Path + ".notes").Count());
    }

    [Fact]
    public async Task A_process_that_ends_at_SIGTERM_ends_cleanly_and_what_ran_gets_its_attempt_back()
    {
        using ChildProgram child = ChildProgram.Compile(Program);
        using StoreFile file = new();
        using Process ended = child.Start(["fill", file.Path]);
        await Lines(ended, 2);
        Command.Run("kill", "-TERM", $"{ended.Id}");
        await ended.WaitForExitAsync().WaitAsync(Patience.Long);
        Assert.Equal(143, ended.ExitCode);

        ChildProgram.Result result = await child.RunAsync(["finish", file.Path]);
        Assert.Equal((0, "run 1\nleft 0\n"), (result.ExitCode, result.Output));
        Assert.DoesNotContain("unclean", result.Errors, StringComparison.Ordinal);
        Assert.Equal(100, File.ReadLines(file.Path + ".notes").Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task A_file_that_another_process_has_is_refused_with_its_number_and_free_once_that_is_dead()
    {
        using ChildProgram child = ChildProgram.Compile(Program);
        using StoreFile file = new();
        using Process owner = child.Start(["fill", file.Path]);
        await Lines(owner, 2);
        BackrunException thrown = Assert.Throws<BackrunException>(() => file.Open());
        Assert.Equal(BackrunErrorCode.Store, thrown.Code);
        Assert.Contains($"in use by process {owner.Id}", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("BackrunOptions.OwnerWait", thrown.Message, StringComparison.Ordinal);
        Task<BackrunEngine> waiting = Task.Run(() => new BackrunEngine(new BackrunOptions { Store = BackrunStore.Sqlite(file.Path), OwnerWait = Patience.Long }));
        owner.Kill();
        using BackrunEngine engine = await waiting.WaitAsync(Patience.Long);
        Assert.Equal(101, engine.ListTasks().Count);
    }

    private static async Task Lines(Process process, int count)
    {
        for (int line = 0; line < count; line++)
        {
            Assert.NotNull(await process.StandardOutput.ReadLineAsync().WaitAsync(Patience.Long));
        }
    }
}
