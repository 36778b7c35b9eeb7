using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;

namespace Backrun.Aot;

/// <summary>A durable task and an asynchronous one with a user, in a program that was compiled ahead of time.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (RuntimeFeature.IsDynamicCodeSupported)
        {
            await Console.Error.WriteLineAsync("This is no program that was compiled ahead of time.");
            return 1;
        }

        Directory.CreateDirectory(arguments[0]);
        BackrunOptions options = new()
        {
            Store = BackrunStore.Sqlite(Path.Combine(arguments[0], "tasks.db")),
            FormatterResolver = CompositeResolver.Create(new NumbersFormatter()),
        };
        await using BackrunEngine engine = new(options);
        BackgroundTaskHandle sum = engine.StartNew<Sum, Numbers>(new Numbers { Left = 40, Right = 2 });
        await sum.Completion;
        TimeSpan sinceStart = DateTime.Now - Process.GetCurrentProcess().StartTime;
        Console.WriteLine($"sum {engine.GetStatus(sum.Id)!.GetResult<int>()}");
        await Console.Error.WriteLineAsync($"from the start of the process to the end of its first task: {sinceStart.TotalMilliseconds:F0} ms");

        UserIdentity ada = new(Guid.Empty, "Ada", "en-US", "UTC", new System.Collections.Generic.Dictionary<string, string>());
        using UserConnection user = new(ada);
        using (UserConnection.Use(user))
        {
            BackgroundTaskHandle greeting = engine.StartNewWithUserConnection<Greet, Numbers>(new Numbers { Left = 1, Right = 2 });
            await greeting.Completion;
            Console.WriteLine(engine.GetStatus(greeting.Id)!.GetResult<string>());
        }

        ShutdownReport report = await engine.ShutdownAsync(ShutdownMode.Drain, TimeSpan.FromSeconds(10));
        return report.Completed ? 0 : 1;
    }
}

/// <summary>What travels, as the formatter beside it writes it.</summary>
public sealed class Numbers
{
    public int Left { get; set; }

    public int Right { get; set; }
}

public sealed class NumbersFormatter : IMessagePackFormatter<Numbers?>
{
    public void Serialize(ref MessagePackWriter writer, Numbers? value, MessagePackSerializerOptions options)
    {
        if (value is null)
        {
            writer.WriteNil();
            return;
        }

        writer.WriteArrayHeader(2);
        writer.Write(value.Left);
        writer.Write(value.Right);
    }

    public Numbers? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        if (reader.TryReadNil())
        {
            return null;
        }

        int count = reader.ReadArrayHeader();
        Numbers value = new();
        for (int index = 0; index < count; index++)
        {
            switch (index)
            {
                case 0: value.Left = reader.ReadInt32(); break;
                case 1: value.Right = reader.ReadInt32(); break;
                default: reader.Skip(); break;
            }
        }

        return value;
    }
}

public sealed class Sum : IBackgroundTask<Numbers>
{
    public void Run(Numbers parameters) => BackgroundTaskContext.Current!.SetResult(parameters.Left + parameters.Right);
}

public sealed class Greet : IAsyncBackgroundTask<Numbers>, IUserConnectionRequired
{
    private UserConnection? _user;

    public void SetUserConnection(UserConnection userConnection) => _user = userConnection;

    public async Task RunAsync(Numbers parameters, BackgroundTaskContext context, System.Threading.CancellationToken cancellationToken)
    {
        await Task.Yield();
        context.SetResult($"{_user!.Identity.Name} has {parameters.Left} and {parameters.Right}");
    }
}
