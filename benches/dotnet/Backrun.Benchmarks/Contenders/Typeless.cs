using Akka.Actor;
using Akka.Routing;
using Backrun.Benchmarks.Work;
using MessagePack;

namespace Backrun.Benchmarks.Contenders;

/// <summary>
/// Backrun with parameters that are declared as object, so that their type is named in each payload, as in those of the
/// others here.
/// </summary>
internal sealed class BackrunTypeless : IThroughputContender
{
    private readonly NamedParameters _parameters = NamedParameters.Sample();
    private readonly BackrunEngine _engine;

    public BackrunTypeless(int workers)
    {
        _engine = new BackrunEngine(new BackrunOptions { Workers = workers, PayloadFormat = PayloadFormat.Typeless });
        _engine.Register<CountingTask<NamedParameters>, NamedParameters>();
    }

    public string Name => "Backrun, as object";

    public void HandOver(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _engine.StartNew<CountingTask<object>, object>(_parameters);
        }
    }

    public void Dispose() => _engine.Dispose();
}

/// <summary>A channel of what <see cref="MessagePackSerializer.Typeless"/> writes.</summary>
internal sealed class ChannelTypeless : IThroughputContender
{
    private readonly NamedParameters _parameters = NamedParameters.Sample();
    private readonly Workers<byte[]> _workers;

    public ChannelTypeless(int workers) => _workers = new Workers<byte[]>(workers, Run);

    public string Name => "Channel<byte[]>, as object";

    public void HandOver(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _workers.Writer.TryWrite(MessagePackSerializer.Typeless.Serialize(_parameters));
        }
    }

    public void Dispose() => _workers.Dispose();

    private static void Run(byte[] bytes) =>
        new CountingTask<object>().Run(MessagePackSerializer.Typeless.Deserialize(bytes)!);
}

/// <summary>
/// The platform's own make-up: a round-robin pool of five actors, on Akka's default dispatcher, to each of which messages
/// of such bytes are told.
/// </summary>
internal sealed class AkkaTypeless : IThroughputContender
{
    private const int Actors = 5;

    private readonly NamedParameters _parameters = NamedParameters.Sample();
    private readonly ActorSystem _system = ActorSystem.Create("typeless", "akka.loglevel = OFF, akka.stdout-loglevel = OFF");
    private readonly IActorRef _pool;

    public AkkaTypeless() => _pool = _system.ActorOf(Props.Create<Runner>().WithRouter(new RoundRobinPool(Actors)));

    public string Name => "Akka, round-robin pool of 5";

    public void HandOver(int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _pool.Tell(new Message(MessagePackSerializer.Typeless.Serialize(_parameters)));
        }
    }

    public void Dispose()
    {
        _system.Terminate().Wait();
        _system.Dispose();
    }

    private sealed record Message(byte[] Parameters);

    private sealed class Runner : ReceiveActor
    {
        public Runner() => Receive<Message>(static message =>
            new CountingTask<object>().Run(MessagePackSerializer.Typeless.Deserialize(message.Parameters)!));
    }
}
