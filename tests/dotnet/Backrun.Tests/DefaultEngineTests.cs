using System;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

public sealed class DefaultEngineTests
{
    [Fact]
    public async Task BackgroundTasks_start_in_the_default_engine_which_is_made_once_and_cannot_be_replaced_after()
    {
        TaskCompletionSource plain = Patience.Signal();
        BackgroundTasks.StartNew<Act, int>(Acts.Add((Action)plain.SetResult));
        await plain.Soon();

        TaskCompletionSource<UserIdentity> user = Patience.Signal<UserIdentity>();
        using UserConnection mine = new(Users.Ada);
        using (UserConnection.Use(mine))
        {
            BackgroundTasks.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(connection => user.SetResult(connection!.Identity))));
        }

        Assert.Equal(Users.Ada, await user.Soon());
        Assert.Same(BackrunEngine.Default, BackrunEngine.Default);
        Assert.True(BackrunEngine.Default.GetStatistics().Workers >= 2);
        using BackrunEngine other = Engines.New();
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => BackrunEngine.Default = other);
        Assert.Contains("before", thrown.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => BackrunEngine.Default = null!);
    }
}
