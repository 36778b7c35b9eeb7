using System;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

// Alone: another test may listen to the activities of all runs, of which each is an object then.
[Collection(Alone.Name)]
public sealed class HotPathTests
{
    [Fact]
    public async Task Starting_a_task_allocates_nothing()
    {
        using BackrunEngine engine = Engines.New();
        StartOptions urgent = new() { Priority = BackgroundTaskPriority.Highest };
        using UserConnection mine = new(Users.Ada);
        long plain = long.MaxValue;
        long withOptions = long.MaxValue;
        long withUser = long.MaxValue;
        long structs = long.MaxValue;

        // The best of many rounds: the runtime may itself allocate on this thread while it compiles the methods anew.
        for (int round = 0; round < 200 && (plain, withOptions, withUser, structs) != (0, 0, 0, 0); round++)
        {
            plain = Math.Min(plain, Measure(() => engine.StartNew<Idle, int>(1)));
            withOptions = Math.Min(withOptions, Measure(() => engine.StartNew<Idle, int>(1, urgent)));
            structs = Math.Min(structs, Measure(() => engine.StartNew<IdleOfStruct, Pair>(new Pair { A = 1, B = 2 })));
            using (UserConnection.Use(mine))
            {
                withUser = Math.Min(withUser, Measure(() => engine.StartNewWithUserConnection<IdleForUser, int>(1)));
            }

            await engine.StartNew<Idle, int>(1).Done();
        }

        Assert.Equal((0, 0, 0, 0), (plain, withOptions, withUser, structs));
    }

    [Fact]
    public async Task Running_a_task_allocates_nothing_but_the_task_itself()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        engine.SubmitMany<Measuring, int>(new int[20_000]);
        await engine.StartNew<Measuring, int>(1).Done();

        // An instance with one field is 24 bytes.
        Assert.Equal(24, Measuring.Least);
    }

    private static long Measure(Func<BackgroundTaskHandle> start)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        start();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    public record struct Pair
    {
        public int A { get; set; }

        public long B { get; set; }
    }

    public sealed class Idle : IBackgroundTask<int>
    {
        public void Run(int parameters)
        {
        }
    }

    public sealed class IdleOfStruct : IBackgroundTask<Pair>
    {
        public void Run(Pair parameters)
        {
        }
    }

    public sealed class IdleForUser : IBackgroundTask<int>, IUserConnectionRequired
    {
        public void SetUserConnection(UserConnection userConnection)
        {
        }

        public void Run(int parameters)
        {
        }
    }

    /// <summary>What this thread allocated from one run to the next.</summary>
    public sealed class Measuring : IBackgroundTask<int>
    {
        private static long _last;
        private static long _least = long.MaxValue;
        private readonly long _madeAt = Environment.TickCount64;

        internal static long Least => Volatile.Read(ref _least);

        public void Run(int parameters)
        {
            _ = _madeAt;
            long now = GC.GetAllocatedBytesForCurrentThread();
            if (_last != 0)
            {
                Volatile.Write(ref _least, Math.Min(_least, now - _last));
            }

            _last = now;
        }
    }
}
