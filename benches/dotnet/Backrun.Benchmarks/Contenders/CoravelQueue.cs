using System.Threading;
using System.Threading.Tasks;
using Backrun.Benchmarks.Work;
using Coravel;
using Coravel.Invocable;
using Coravel.Queuing;
using Coravel.Queuing.Interfaces;
using MessagePack;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Backrun.Benchmarks.Contenders;

/// <summary>
/// Coravel's queue in its host, which looks each second (the shortest that there is) and runs all there is on one thread, one
/// after the other. It has no number of workers.
/// </summary>
internal sealed class CoravelBurdened : IBurdenedContender
{
    private readonly IHost _host;
    private readonly IQueue _queue;

    public CoravelBurdened()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration["Coravel:Queue:ConsummationDelay"] = "1";
        builder.Services.AddQueue();
        _host = builder.Build();
        _queue = _host.Services.GetRequiredService<IQueue>();
        _host.Start();
    }

    public void HandOver(Burden burden, int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _queue.QueueTask(() => Burdens.Run(burden));
        }
    }

    public void Dispose()
    {
        _host.StopAsync().Wait();
        _host.Dispose();
    }
}

/// <summary>
/// The queue with parameters, by the way that its documentation recommends: an invocable with a payload. A thread consumes it
/// as soon as something is there, so that what is measured is not the second between two looks.
/// </summary>
/// <typeparam name="TParameters">The parameters, which travel as the bytes that Backrun keeps.</typeparam>
internal sealed class CoravelTyped<TParameters> : IThroughputContender
    where TParameters : ISample<TParameters>
{
    private static MessagePackSerializerOptions? _options;

    private readonly TParameters _parameters = TParameters.Sample();
    private readonly AutoResetEvent _queued = new(initialState: false);
    private readonly ServiceProvider _services;
    private readonly Queue _queue;
    private readonly Thread _consumer;
    private bool _ends;

    public CoravelTyped(PayloadFormat format)
    {
        _options = Formats.OptionsOf(format);
        _services = new ServiceCollection().AddQueue().AddTransient<Invocable>().BuildServiceProvider();
        _queue = (Queue)_services.GetRequiredService<IQueue>();
        _consumer = new Thread(Consume) { Name = "coravel", IsBackground = true };
        _consumer.Start();
    }

    public string Name => "Coravel";

    public int Burst => 50_000;

    public void HandOver(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _queue.QueueInvocableWithPayload<Invocable, byte[]>(MessagePackSerializer.Serialize(_parameters, _options));
            if (i % 1000 == 0)
            {
                _queued.Set();
            }
        }
        _queued.Set();
    }

    public void Dispose()
    {
        Volatile.Write(ref _ends, true);
        _queued.Set();
        _consumer.Join();
        _queued.Dispose();
        _services.Dispose();
    }

    private void Consume()
    {
        while (_queued.WaitOne() && !Volatile.Read(ref _ends))
        {
            _queue.ConsumeQueueAsync().Wait();
        }
    }

    internal sealed class Invocable : IInvocable, IInvocableWithPayload<byte[]>
    {
        public byte[] Payload { get; set; } = [];

        public Task Invoke()
        {
            new CountingTask<TParameters>().Run(MessagePackSerializer.Deserialize<TParameters>(Payload, _options));
            return Task.CompletedTask;
        }
    }
}
