using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

/// <summary>An engine that ends while threads start tasks in it: who calls it then keeps it from being freed, and the last of them has it freed.</summary>
public sealed class EndUnderLoadTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_call_is_served_or_refused_and_the_engine_is_freed_behind_the_last(bool wait)
    {
        for (int round = 0; round < 20; round++)
        {
            BackrunEngine engine = Engines.New(new BackrunOptions
            {
                Workers = 1,
                Queues = { ["default"] = new QueueOptions { Capacity = 100, WhenFull = wait ? WhenFull.Wait : WhenFull.Refuse } },
            });
            using CountdownEvent running = new(4);
            Task[] producers = Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() => StartUntilDisposed(engine, running), TaskCreationOptions.LongRunning)).ToArray();
            Assert.True(running.Wait(Patience.Long));
            engine.Dispose();
            await Task.WhenAll(producers).WaitAsync(Patience.Long);
            Assert.True(engine.Handle.IsClosed);
            Assert.Throws<ObjectDisposedException>(() => engine.Start(static () => { }));
        }
    }

    private static void StartUntilDisposed(BackrunEngine engine, CountdownEvent running)
    {
        for (bool counted = false; ;)
        {
            try
            {
                engine.StartNew<DoNothing, int>(1);
                if (!counted)
                {
                    counted = true;
                    running.Signal();
                }
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (QueueFullException)
            {
                Thread.Yield();
            }
            catch (BackrunException exception) when (exception.Code == BackrunErrorCode.ShuttingDown)
            {
            }
        }
    }

    public sealed class DoNothing : IBackgroundTask<int>
    {
        public void Run(int parameters)
        {
        }
    }
}
