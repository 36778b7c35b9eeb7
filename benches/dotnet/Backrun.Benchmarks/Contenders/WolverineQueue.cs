using System.Threading.Tasks;
using Backrun.Benchmarks.Work;
using MessagePack;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Wolverine;

namespace Backrun.Benchmarks.Contenders;

/// <summary>
/// A local queue of Wolverine's, in memory, which handles as many messages at once as there are workers. The parameters
/// travel as the bytes that Backrun keeps.
/// </summary>
internal sealed class WolverineTyped : IThroughputContender
{
    private readonly NamedParameters _parameters = NamedParameters.Sample();
    private readonly MessagePackSerializerOptions _options = Formats.OptionsOf(PayloadFormat.Contractless);
    private readonly IHost _host;

    public WolverineTyped(int workers)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseWolverine(options =>
        {
            options.Discovery.DisableConventionalDiscovery().IncludeType(typeof(WolverineHandler));
            options.Durability.Mode = DurabilityMode.Solo;
            options.PublishMessage<WolverineMessage>().ToLocalQueue("tasks").BufferedInMemory()
                .MaximumParallelMessages(workers);
        });
        _host = builder.Build();
        _host.Start();
    }

    public string Name => "Wolverine, local queue";

    public int Burst => 50_000;

    public void HandOver(int tasks) => PublishAsync(tasks).Wait();

    public void Dispose()
    {
        _host.StopAsync().Wait();
        _host.Dispose();
    }

    private async Task PublishAsync(int tasks)
    {
        using IServiceScope scope = _host.Services.CreateScope();
        IMessageBus bus = scope.ServiceProvider.GetRequiredService<IMessageBus>();
        for (int i = 0; i < tasks; i++)
        {
            var message = new WolverineMessage(MessagePackSerializer.Serialize(_parameters, _options));
            await bus.PublishAsync(message).ConfigureAwait(false);
        }
    }
}

/// <summary>What travels.</summary>
/// <param name="Payload">The parameters.</param>
public sealed record WolverineMessage(byte[] Payload);

/// <summary>What Wolverine calls, by code that it generates at the start: hence public.</summary>
public static class WolverineHandler
{
    private static readonly MessagePackSerializerOptions Options = Formats.OptionsOf(PayloadFormat.Contractless);

    /// <summary>Runs a task.</summary>
    public static void Handle(WolverineMessage message) =>
        new CountingTask<NamedParameters>().Run(MessagePackSerializer.Deserialize<NamedParameters>(message.Payload, Options));
}
