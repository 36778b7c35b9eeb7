using System.Linq;
using System.Threading.Tasks;
using Backrun.Internals;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

public sealed class AwaitedTableTests
{
    [Fact]
    public void Each_entry_is_found_until_it_is_taken_once()
    {
        using BackrunEngine engine = Engines.New();
        AwaitedTable table = new();
        const int Count = 5_000;
        Awaited[] all = Enumerable.Range(1, Count).Select(id => table.GetOrAdd(engine, id * 3L, out bool added) is { } entry && added ? entry : null!).ToArray();
        foreach (Awaited each in all)
        {
            Assert.Same(each, table.GetOrAdd(engine, each.Id, out bool added));
            Assert.False(added);
        }

        Assert.Null(table.Take(1));
        foreach (Awaited each in all.Where(static each => each.Id % 2 == 0))
        {
            Assert.Same(each, table.Take(each.Id));
            Assert.Null(table.Take(each.Id));
        }

        Assert.Equal(all.Where(static each => each.Id % 2 != 0).Select(static each => each.Id), table.TakeAll().Select(static each => each.Id).Order());
        Assert.Empty(table.TakeAll());
        Assert.Null(table.Take(3));
    }

    [Fact]
    public void It_can_be_filled_and_emptied_again_and_again()
    {
        using BackrunEngine engine = Engines.New();
        AwaitedTable table = new();
        for (long round = 0; round < 3; round++)
        {
            for (long id = 1; id <= 40_000; id++)
            {
                table.GetOrAdd(engine, (round * 40_000) + id, out _);
            }

            for (long id = 40_000; id >= 1; id--)
            {
                Assert.NotNull(table.Take((round * 40_000) + id));
            }
        }

        Assert.Empty(table.TakeAll());
    }

    [Fact]
    public void Threads_that_add_and_take_at_once_each_get_their_own()
    {
        using BackrunEngine engine = Engines.New();
        AwaitedTable table = new();
        Parallel.For(0, 8, thread =>
        {
            for (long index = 0; index < 20_000; index++)
            {
                long id = (index * 8) + thread + 1;
                Awaited mine = table.GetOrAdd(engine, id, out bool added);
                Assert.True(added);
                Assert.Same(mine, table.Take(id));
            }
        });
        Assert.Empty(table.TakeAll());
    }
}
