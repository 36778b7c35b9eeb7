using Akka.Actor;
using Akka.Routing;
using Backrun.Benchmarks.Work;

namespace Backrun.Benchmarks.Contenders;

/// <summary>
/// A round-robin pool of as many actors as there are workers, on Akka's default dispatcher: an actor has a mailbox of its own,
/// so what was dealt to one is run by no other.
/// </summary>
internal sealed class AkkaBurdened : IBurdenedContender
{
    private readonly ActorSystem _system = ActorSystem.Create("peers", "akka.loglevel = OFF, akka.stdout-loglevel = OFF");
    private readonly IActorRef _pool;

    public AkkaBurdened(int workers) =>
        _pool = _system.ActorOf(Props.Create<Runner>().WithRouter(new RoundRobinPool(workers)));

    public void HandOver(Burden burden, int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            _pool.Tell(burden);
        }
    }

    public void Dispose()
    {
        _system.Terminate().Wait();
        _system.Dispose();
    }

    private sealed class Runner : ReceiveActor
    {
        public Runner() => Receive<Burden>(Burdens.Run);
    }
}
