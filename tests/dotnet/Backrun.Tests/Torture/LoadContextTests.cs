using System;
using System.IO;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Torture;

/// <summary>Assemblies that can be unloaded, and the assembly more than once in a process.</summary>
public sealed class LoadContextTests
{
    private const string Unloadable = """
        using System.Collections.Generic;
        using System.Threading;
        using System.Threading.Tasks;
        using Backrun;
        public sealed class Parameters { public int Number { get; set; } }
        public sealed class Sync : IBackgroundTask<int> { public void Run(int parameters) { } }
        public sealed class Async : IAsyncBackgroundTask<int> { public Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken) => Task.CompletedTask; }
        public sealed class ForUser : IBackgroundTask<int>, IUserConnectionRequired { public void SetUserConnection(UserConnection userConnection) { } public void Run(int parameters) { } }
        public static class Calls
        {
            public static void Register(BackrunEngine engine) => engine.Register<Sync, int>("by a name");
            public static void StartNew(BackrunEngine engine) => engine.StartNew<Async, int>(1);
            public static void StartNewWithUserConnection(BackrunEngine engine) => engine.StartNewWithUserConnection<ForUser, int>(1);
            public static void SubmitMany(BackrunEngine engine) => engine.SubmitMany<Sync, int>([1, 2]);
            public static void SubmitAsync(BackrunEngine engine) => engine.SubmitAsync<Sync, int>(1);
            public static void GenericTask(BackrunEngine engine) => engine.StartNew<Backrun.Tests.Torture.LoadContextTests.GenericTask<Parameters>, int>(1);
            public static void ParametersOnly(BackrunEngine engine) => engine.StartNew<Backrun.Tests.Torture.LoadContextTests.GenericParameters<Parameters>, Parameters>(new Parameters());
            public static void ParametersInside(BackrunEngine engine) => engine.StartNew<Backrun.Tests.Torture.LoadContextTests.GenericParameters<List<Parameters[]>>, List<Parameters[]>>([]);
        }
        """;

    private const string Twice = """
        using System;
        using System.Collections.Generic;
        using System.IO;
        using System.Linq;
        using System.Reflection;
        using System.Runtime.Loader;
        using System.Threading;
        using System.Threading.Tasks;
        using Backrun;

        public sealed class Add : IBackgroundTask<int> { public static int Sum; public void Run(int parameters) => Interlocked.Add(ref Sum, parameters); }

        public sealed class AddLater : IAsyncBackgroundTask<int>
        {
            public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
            {
                await Task.Yield();
                if (BackgroundTaskContext.Current is null) { throw new InvalidOperationException("no context"); }
                Interlocked.Add(ref Add.Sum, parameters);
            }
        }

        public sealed class Fail : IBackgroundTask<int> { public void Run(int parameters) => throw new InvalidOperationException("on purpose"); }

        public sealed class Loop : IBackgroundTask<int>
        {
            public static readonly ManualResetEventSlim Running = new();
            public void Run(int parameters) { Running.Set(); while (true) { Thread.Sleep(1); } }
        }

        public static class Plugin
        {
            public static Task<string> UseAsync() => Task.Run(async () =>
            {
                using (BackrunEngine engine = new(new BackrunOptions { Workers = 2, LoggerFactory = Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance }))
                {
                    Task[] all = Enumerable.Range(1, 200).SelectMany(number => new[] { engine.StartNew<Add, int>(number).Completion, engine.StartNew<AddLater, int>(number).Completion }).ToArray();
                    Task failing = engine.StartNew<Fail, int>(1).Completion;
                    await Task.WhenAll(all);
                    try { await failing; return "did not fail"; } catch (InvalidOperationException) { }
                }

                BackgroundTasks.StartNew<Loop, int>(1);
                Loop.Running.Wait();
                return $"{Add.Sum}";
            });
        }

        public sealed class Context(string name, string folder) : AssemblyLoadContext(name)
        {
            protected override Assembly? Load(AssemblyName assemblyName) =>
                assemblyName.Name == "Backrun" ? LoadFromAssemblyPath(Path.Combine(folder, "Backrun.dll")) : null;

            public Type Plugin => LoadFromAssemblyPath(Path.Combine(folder, "child.dll")).GetType("Plugin")!;
        }

        public static class Program
        {
            private static string MoveTo(string name)
            {
                // .NET looks beside the program first.
                string library = Path.Combine(AppContext.BaseDirectory, "libbackrun.so");
                if (File.Exists(library)) { File.Move(library, library + ".aside"); }
                string folder = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, name)).FullName;
                foreach (string file in new[] { "Backrun.dll", "child.dll" }) { File.Copy(Path.Combine(AppContext.BaseDirectory, file), Path.Combine(folder, file)); }
                File.Copy(library + ".aside", Path.Combine(folder, "libbackrun.so"));
                return folder;
            }

            public static async Task<int> Main(string[] arguments)
            {
                Type[] plugins = arguments[0] == "one library"
                    ? [typeof(Plugin), new Context("one", AppContext.BaseDirectory).Plugin]
                    : [new Context("one", MoveTo("one")).Plugin, new Context("two", MoveTo("two")).Plugin];
                if (plugins.Distinct().Count() != plugins.Length) { return 1; }
                Task<string>[] uses = plugins.Select(static plugin => plugin.GetMethod("UseAsync")!.CreateDelegate<Func<Task<string>>>()()).ToArray();
                Console.WriteLine(string.Join(' ', await Task.WhenAll(uses)));
                Console.WriteLine(AssemblyLoadContext.All.Count(static context => context.Assemblies.Any(static assembly => assembly.GetName().Name == "Backrun")));
                Console.WriteLine(File.ReadLines("/proc/self/maps").Where(static line => line.EndsWith("/libbackrun.so")).Select(static line => line[line.IndexOf('/')..]).Distinct().Count());
                return 42;
            }
        }
        """;

    [Theory]
    [InlineData("Register")]
    [InlineData("StartNew")]
    [InlineData("StartNewWithUserConnection")]
    [InlineData("SubmitMany")]
    [InlineData("SubmitAsync")]
    [InlineData("GenericTask")]
    [InlineData("ParametersOnly")]
    [InlineData("ParametersInside")]
    public async Task Types_that_can_be_unloaded_are_refused_wherever_they_come_and_are_not_kept(string call)
    {
        using BackrunEngine engine = Engines.New();
        WeakReference context = RefuseAndUnload(engine, call);
        await Patience.UntilCollected(() => !context.IsAlive);
        Assert.Equal(0, engine.GetStatistics().Accepted);
        await engine.Start(static () => { }).Done();
    }

    [Fact]
    public void Types_of_a_dynamic_assembly_that_can_be_collected_are_refused()
    {
        AssemblyBuilder assembly = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("Collectible"), AssemblyBuilderAccess.RunAndCollect);
        TypeBuilder type = assembly.DefineDynamicModule("Main").DefineType("Dynamic", TypeAttributes.Public, typeof(Base));
        using BackrunEngine engine = Engines.New();
        MethodInfo register = typeof(BackrunEngine).GetMethod(nameof(BackrunEngine.Register))!.MakeGenericMethod(type.CreateType(), typeof(int));
        TargetInvocationException thrown = Assert.Throws<TargetInvocationException>(() => register.Invoke(engine, [null, null]));
        Assert.Contains("collectible", Assert.IsType<ArgumentException>(thrown.InnerException).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_assembly_itself_is_refused_in_a_context_that_can_be_unloaded()
    {
        AssemblyLoadContext context = new("collectible", isCollectible: true);
        Type type = context.LoadFromAssemblyPath(typeof(BackrunEngine).Assembly.Location).GetType(typeof(BackrunEngine).FullName!)!;
        Assert.NotEqual(typeof(BackrunEngine), type);
        TargetInvocationException thrown = Assert.Throws<TargetInvocationException>(() => Activator.CreateInstance(type, [null]));
        Assert.Contains("collectible", Assert.IsType<NotSupportedException>(thrown.InnerException).Message, StringComparison.Ordinal);
        context.Unload();
    }

    [Theory]
    [InlineData("one library", 1)]
    [InlineData("a library each", 2)]
    public async Task The_assembly_twice_in_a_process_works_in_each_context_by_itself_and_each_tells_what_is_left(string how, int libraries)
    {
        using ChildProgram program = ChildProgram.Compile(Twice);
        ChildProgram.Result result = await program.RunAsync([how]);
        Assert.Equal((42, $"40200 40200\n2\n{libraries}\n"), (result.ExitCode, result.Output + (result.ExitCode == 42 ? string.Empty : result.Errors)));
        Assert.Equal(2, result.ErrorLines.Length);
        Assert.All(result.ErrorLines, static line => Assert.Contains("The process ends with 1 tasks still running (1 'Loop')", line, StringComparison.Ordinal));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference RefuseAndUnload(BackrunEngine engine, string call)
    {
        AssemblyLoadContext context = new("collectible", isCollectible: true);
        using MemoryStream image = new();
        Assert.True(Compiler.Compile(Unloadable).Emit(image).Success);
        image.Position = 0;
        Action<BackrunEngine> act = context.LoadFromStream(image).GetType("Calls")!.GetMethod(call)!.CreateDelegate<Action<BackrunEngine>>();
        using UserConnection mine = new(Users.Ada);
        using (UserConnection.Use(mine))
        {
            for (int round = 0; round < 2; round++)
            {
                Assert.Contains("collectible", Assert.Throws<ArgumentException>(() => act(engine)).Message, StringComparison.Ordinal);
            }
        }

        context.Unload();
        return new WeakReference(context);
    }

    public class Base : IBackgroundTask<int>
    {
        public void Run(int parameters)
        {
        }
    }

    public sealed class GenericTask<T> : IBackgroundTask<int>
    {
        public void Run(int parameters) => Console.WriteLine(typeof(T));
    }

    public sealed class GenericParameters<T> : IBackgroundTask<T>
    {
        public void Run(T parameters) => Console.WriteLine(parameters);
    }
}
