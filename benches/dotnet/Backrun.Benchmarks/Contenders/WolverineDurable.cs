using System.Threading.Tasks;
using Backrun.Benchmarks.Measuring;
using Backrun.Benchmarks.Work;
using MessagePack;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Wolverine;
using Wolverine.Sqlite;

namespace Backrun.Benchmarks.Contenders;

/// <summary>A durable local queue of Wolverine's, its messages in SQLite, two at once. One caller, who awaits each.</summary>
internal sealed class WolverineDurable : IDurableContender
{
    private readonly NamedParameters _parameters = NamedParameters.Sample();
    private readonly MessagePackSerializerOptions _options = Formats.OptionsOf(PayloadFormat.Contractless);
    private readonly IHost _host;
    private readonly IServiceScope _scope;
    private readonly IMessageBus _bus;

    public WolverineDurable(string file)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseWolverine(options =>
        {
            options.Discovery.DisableConventionalDiscovery()
                .IncludeType(typeof(WolverineHandler)).IncludeType(typeof(WolverineStampHandler));
            options.PersistMessagesWithSqlite($"Data Source={file}");
            // The only node there is: it need not elect a leader among several.
            options.Durability.Mode = DurabilityMode.Solo;
            options.PublishMessage<WolverineMessage>().ToLocalQueue("tasks").UseDurableInbox().MaximumParallelMessages(2);
            options.PublishMessage<WolverineStamp>().ToLocalQueue("tasks").UseDurableInbox().MaximumParallelMessages(2);
        });
        _host = builder.Build();
        _host.Start();
        _scope = _host.Services.CreateScope();
        _bus = _scope.ServiceProvider.GetRequiredService<IMessageBus>();
    }

    public int Tasks => 3_000;

    public int Samples => 300;

    public void Enqueue(int tasks) => PublishAsync(tasks).Wait();

    public void WaitForEnds(long total) => Done.WaitFor(total);

    public void Stamp(long submittedAt) => _bus.PublishAsync(new WolverineStamp(submittedAt)).AsTask().Wait();

    public void Dispose()
    {
        _scope.Dispose();
        _host.StopAsync().Wait();
        _host.Dispose();
    }

    private async Task PublishAsync(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            var message = new WolverineMessage(MessagePackSerializer.Serialize(_parameters, _options));
            await _bus.PublishAsync(message).ConfigureAwait(false);
        }
    }
}

/// <summary>When it was sent.</summary>
/// <param name="SubmittedAt">In ticks of the stopwatch.</param>
public sealed record WolverineStamp(long SubmittedAt);

/// <summary>What Wolverine calls for it.</summary>
public static class WolverineStampHandler
{
    /// <summary>Says when it began.</summary>
    public static void Handle(WolverineStamp message) => Latencies.Started(0, message.SubmittedAt);
}
