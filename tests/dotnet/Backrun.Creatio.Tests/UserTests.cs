using System;
using System.Threading.Tasks;
using Backrun;
using Backrun.Creatio;
using Backrun.Tests.Support;
using Xunit;
using UserConnection = Terrasoft.Core.UserConnection;

namespace CreatioTests;

/// <summary>Whose connection a run gets. Alone: the settings are the process's.</summary>
[Collection(Alone.Name)]
public sealed class UserTests : IDisposable
{
    private readonly UserIdentity? _system = CreatioTasks.SystemUser;

    public void Dispose()
    {
        CreatioTasks.SystemUser = _system;
        CreatioTasks.UserConnectionFactory = null;
    }

    [Fact]
    public async Task The_system_user_is_the_applications_to_name_and_to_refuse()
    {
        await using BackrunEngine engine = Engines.New();
        CreatioTasks.SystemUser = Users.Ada;
        Assert.Equal(Users.Ada, (await Run(engine)).Identity);
        CreatioTasks.SystemUser = null;
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => CreatioTasks.StartNewWithUserConnection<Taking, int>(engine, 1));
        Assert.Contains("no current user connection", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_factory_opens_the_applications_own_connection_which_is_the_current_one_and_ends_with_the_run()
    {
        await using BackrunEngine engine = Engines.New();
        CreatioTasks.UserConnectionFactory = static identity => new Own(identity);
        using Own mine = new(Users.Ada);
        using IDisposable use = Backrun.UserConnection.Use(mine);
        Assert.Same(mine, UserConnection.Current);
        Own run = Assert.IsType<Own>(await Run(engine));
        Assert.Equal(Users.Ada, run.Identity);
        Assert.Same(run, Taking.CurrentInRun);
        Assert.True(run.IsDisposed);
        Assert.False(mine.IsDisposed);
    }

    [Fact]
    public async Task The_engines_factory_serves_where_there_is_no_other_and_has_to_give_a_fitting_connection()
    {
        await using BackrunEngine fit = Engines.New(new BackrunOptions { UserConnectionFactory = new Factory(static identity => new Own(identity)) });
        Assert.IsType<Own>(await Run(fit));
        await using BackrunEngine unfit = Engines.New(new BackrunOptions { UserConnectionFactory = new Factory(static identity => new Backrun.UserConnection(identity)) });
        InvalidOperationException thrown = await CreatioTasks.StartNewWithUserConnection<Taking, int>(unfit, 1).Fails<InvalidOperationException>();
        Assert.Contains("Terrasoft.Core.UserConnection", thrown.Message, StringComparison.Ordinal);
        CreatioTasks.UserConnectionFactory = static identity => new Own(identity);
        Assert.IsType<Own>(await Run(unfit));
        CreatioTasks.UserConnectionFactory = static _ => null!;
        thrown = await CreatioTasks.StartNewWithUserConnection<Taking, int>(unfit, 1).Fails<InvalidOperationException>();
        Assert.Contains("returned null", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StartNew_gives_no_connection_even_to_a_class_that_would_take_one()
    {
        await using BackrunEngine engine = Engines.New();
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = Backrun.UserConnection.Use(mine);
        await CreatioTasks.StartNew<Taking, int>(engine, 1).Done();
        Assert.Null(Taking.Last);
    }

    private static async Task<UserConnection> Run(BackrunEngine engine)
    {
        await CreatioTasks.StartNewWithUserConnection<Taking, int>(engine, 1).Done();
        return Taking.Last!;
    }

    private sealed class Own(UserIdentity identity) : UserConnection(identity)
    {
        internal bool IsDisposed { get; private set; }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }

    private sealed class Factory(Func<UserIdentity, Backrun.UserConnection> open) : IUserConnectionFactory
    {
        public Backrun.UserConnection Open(UserIdentity identity) => open(identity);
    }

    private sealed class Taking : Terrasoft.Core.Tasks.IBackgroundTask<int>, Terrasoft.Core.IUserConnectionRequired
    {
        private UserConnection? _connection;

        internal static UserConnection? Last { get; private set; }

        internal static UserConnection? CurrentInRun { get; private set; }

        public void SetUserConnection(UserConnection userConnection) => _connection = userConnection;

        public void Run(int parameters) => (Last, CurrentInRun) = (_connection, UserConnection.Current);
    }
}
