using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backrun.Tests;

public sealed class UserConnectionTests
{
    [Fact]
    public async Task A_run_gets_a_connection_of_the_starters_identity_with_all_its_values()
    {
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource<UserConnection?> got = Patience.Signal<UserConnection?>();
        BackgroundTaskHandle handle;
        using (UserConnection mine = new(Users.Ada))
        using (UserConnection.Use(mine))
        {
            handle = engine.StartNewWithUserConnection<UserAct, int>(Acts.Add(got.SetResult));
        }

        await handle.Done();
        UserConnection run = (await got.Soon())!;
        Assert.NotSame(Users.Ada, run.Identity);
        Assert.Equal(Users.Ada, run.Identity);
        Assert.Equal("códé", run.Identity.Properties["ünï"]);
        Assert.Null(UserConnection.Current);
    }

    [Fact]
    public async Task SetUserConnection_comes_right_before_Run_on_the_same_thread_after_the_constructor()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { UserConnectionFactory = new Users.Factory(static identity => new Users.DerivedConnection(identity)) });
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = UserConnection.Use(mine);
        await engine.StartNewWithUserConnection<Ordered, int>(1).Done();
        Ordered run = Ordered.Last!;
        Assert.Equal(["constructor", "SetUserConnection", "Run"], run.Calls.Select(static call => call.What));
        Assert.Single(run.Calls.Select(static call => call.Thread).Distinct());
        Users.DerivedConnection connection = Assert.IsType<Users.DerivedConnection>(run.Connection);
        Assert.Equal(run.Calls[0].Thread, connection.OpenedOnThread);
        Assert.Same(connection, run.AmbientInRun);
        Assert.Same(connection, run.AmbientInConstructor);
    }

    [Fact]
    public async Task The_connection_of_a_run_is_disposed_of_once_after_it()
    {
        List<Users.DerivedConnection> opened = [];
        using BackrunEngine engine = Engines.New(new BackrunOptions
        {
            UserConnectionFactory = new Users.Factory(identity =>
            {
                Users.DerivedConnection connection = new(identity);
                lock (opened)
                {
                    opened.Add(connection);
                }

                return connection;
            }),
        });
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = UserConnection.Use(mine);
        int disposalsInRun = -1;
        await engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(connection => disposalsInRun = ((Users.DerivedConnection)connection!).Disposals))).Done();
        await engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(static _ => throw new InvalidOperationException("on purpose")))).Fails<InvalidOperationException>();
        await engine.StartNewWithUserConnection<AsyncUserAct, int>(1).Done();
        Assert.Equal(0, disposalsInRun);
        Assert.Equal(3, opened.Count);
        Assert.All(opened, static connection => Assert.Equal(1, connection.Disposals));
    }

    [Fact]
    public async Task Plain_StartNew_carries_no_identity_and_never_calls_SetUserConnection()
    {
        int opened = 0;
        using BackrunEngine engine = Engines.New(new BackrunOptions
        {
            UserConnectionFactory = new Users.Factory(identity =>
            {
                Interlocked.Increment(ref opened);
                return new UserConnection(identity);
            }),
        });
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = UserConnection.Use(mine);
        TaskCompletionSource<(UserConnection?, UserConnection?)> got = Patience.Signal<(UserConnection?, UserConnection?)>();
        await engine.StartNew<UserAct, int>(Acts.Add((Action<UserConnection?>)(connection => got.SetResult((connection, UserConnection.Current))))).Done();
        Assert.Equal((null, null), await got.Soon());
        Assert.Equal(0, opened);
    }

    [Fact]
    public async Task A_task_that_takes_no_connection_never_gets_one_whatever_it_carries()
    {
        using BackrunEngine engine = Engines.New();
        int number = Acts.Add((Action)(static () => Assert.Null(UserConnection.Current)));
        byte[] payload = MessagePack.MessagePackSerializer.Serialize(number, cancellationToken: TestContext.Current.CancellationToken);
        using UserConnection mine = new(Users.Ada);
        await Raw.Submit<Act, int>(engine, payload, userContext: mine.EncodedIdentity()).Done();
    }

    [Fact]
    public void Without_a_current_connection_the_call_throws_and_says_what_to_do()
    {
        using BackrunEngine engine = Engines.New();
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => engine.StartNewWithUserConnection<UserAct, int>(1));
        Assert.Contains("UserConnection.Use", thrown.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => { engine.SubmitAsyncWithUserConnection<UserAct, int>(1); });
        Assert.Throws<InvalidOperationException>(() => engine.SubmitManyWithUserConnection<UserAct, int>([1]));
        Assert.Equal(0, engine.GetStatistics().Accepted);
    }

    [Fact]
    public async Task Tasks_started_inside_a_run_keep_its_user()
    {
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource<UserIdentity> inner = Patience.Signal<UserIdentity>();
        using UserConnection mine = new(Users.Ada);
        using (UserConnection.Use(mine))
        {
            engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(_ =>
                engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(connection => inner.SetResult(connection!.Identity)))))));
        }

        Assert.Equal(Users.Ada, await inner.Soon());
    }

    [Fact]
    public async Task One_run_s_user_does_not_reach_the_next_run_of_the_thread()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 1 });
        using UserConnection mine = new(Users.Ada);
        using (UserConnection.Use(mine))
        {
            engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(static _ => UserConnection.Use(new UserConnection(Users.Bob)))));
        }

        TaskCompletionSource<UserConnection?> after = Patience.Signal<UserConnection?>();
        await engine.Start(() => after.SetResult(UserConnection.Current)).Done();
        Assert.Null(await after.Soon());
    }

    [Fact]
    public async Task Many_users_at_once_are_not_mixed_up()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 4 });
        BackgroundTaskHandle[] handles = Enumerable.Range(0, 200).Select(index =>
        {
            UserIdentity identity = Users.Bob with { Name = $"user {index}" };
            using UserConnection mine = new(identity);
            using IDisposable use = UserConnection.Use(mine);
            return engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(connection => Assert.Equal(identity, connection!.Identity))));
        }).ToArray();
        await Task.WhenAll(handles.Select(static handle => handle.Done()));
    }

    [Fact]
    public async Task An_async_run_has_its_user_before_and_after_its_awaits()
    {
        using BackrunEngine engine = Engines.New();
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = UserConnection.Use(mine);
        await engine.StartNewWithUserConnection<AsyncUserAct, int>(1).Done();
        await engine.SubmitManyWithUserConnection<AsyncUserAct, int>([1, 2])[1].Done();
        await (await engine.SubmitAsyncWithUserConnection<AsyncUserAct, int>(1)).Done();
    }

    [Theory]
    [InlineData(true, "returned null")]
    [InlineData(false, "cannot open")]
    public async Task A_factory_that_returns_null_or_throws_fails_that_task_before_its_run(bool returnsNull, string message)
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions
        {
            UserConnectionFactory = new Users.Factory(_ => returnsNull ? null : throw new InvalidOperationException("cannot open")),
        });
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = UserConnection.Use(mine);
        bool ran = false;
        BackgroundTaskHandle handle = engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(_ => ran = true)));
        InvalidOperationException thrown = await handle.Fails<InvalidOperationException>();
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
        Assert.False(ran);
        Assert.Equal("System.InvalidOperationException", engine.GetStatus(handle.Id)!.Error!.Type);
        await engine.Start(static () => { }).Done();
    }

    [Fact]
    public async Task A_task_that_is_cancelled_between_SetUserConnection_and_Run_never_runs_and_leaves_nothing_open()
    {
        Users.DerivedConnection? opened = null;
        using BackrunEngine engine = Engines.New(new BackrunOptions { UserConnectionFactory = new Users.Factory(identity => opened = new Users.DerivedConnection(identity)) });
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = UserConnection.Use(mine);
        BackgroundTaskHandle handle = engine.StartNewWithUserConnection<HeldInSetter, int>(1);
        HeldInSetter.Entered.WaitSoon();
        Assert.Equal(CancelResult.Running, engine.Cancel(handle.Id));
        HeldInSetter.Released.Set();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handle.Done());
        Assert.Equal((false, true, 1), (HeldInSetter.Ran, HeldInSetter.Disposed, opened!.Disposals));
    }

    [Fact]
    public async Task A_corrupt_user_context_fails_that_task_before_its_run()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle handle = Raw.Submit<UserAct, int>(engine, [0x01], userContext: [0x96, 0x05]);
        BackrunException thrown = await handle.Fails<BackrunException>();
        Assert.Contains("user context", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(BackgroundTaskState.Dead, engine.GetStatus(handle.Id)!.State);
    }

    [Fact]
    public void An_identity_over_64_KiB_is_refused_with_its_size_and_the_limit()
    {
        using BackrunEngine engine = Engines.New();
        using UserConnection mine = new(Users.Bob with { Properties = new Dictionary<string, string> { ["rights"] = new('x', 65_536) } });
        using IDisposable use = UserConnection.Use(mine);
        BackrunException thrown = Assert.Throws<BackrunException>(() => engine.StartNewWithUserConnection<UserAct, int>(1));
        Assert.Equal(BackrunErrorCode.TooLarge, thrown.Code);
        Assert.Contains("65536", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Identities_are_copies_and_equal_by_value()
    {
        Dictionary<string, string> properties = new() { ["a"] = "1" };
        UserIdentity identity = new(Guid.Empty, "n", "c", "t", properties);
        properties["a"] = "2";
        Assert.Equal("1", identity.Properties["a"]);
        Assert.Equal(identity, identity with { Properties = new Dictionary<string, string> { ["a"] = "1" } });
        Assert.NotEqual(identity, identity with { Properties = properties });
        Assert.Throws<ArgumentNullException>(() => new UserIdentity(Guid.Empty, null!, "c", "t", properties));
        Assert.Throws<ArgumentNullException>(() => new UserIdentity(Guid.Empty, "n", "c", "t", null!));
        Assert.Throws<ArgumentNullException>(() => new UserConnection(null!));
    }

    [Fact]
    public async Task Use_restores_what_was_current_and_flows_with_async_calls()
    {
        using UserConnection outer = new(Users.Ada);
        using UserConnection inner = new(Users.Bob);
        using (UserConnection.Use(outer))
        {
            await Task.Run(() => Assert.Same(outer, UserConnection.Current), TestContext.Current.CancellationToken);
            IDisposable use = UserConnection.Use(inner);
            Assert.Same(inner, UserConnection.Current);
            use.Dispose();
            Assert.Same(outer, UserConnection.Current);
            use.Dispose();
            Assert.Same(outer, UserConnection.Current);
        }

        Assert.Null(UserConnection.Current);
    }

    [Fact]
    public async Task A_connection_that_cannot_be_disposed_of_is_a_log_line_and_not_the_task_s_failure()
    {
        TestLog log = new();
        using BackrunEngine engine = new(new BackrunOptions { LoggerFactory = log, UserConnectionFactory = new Users.Factory(static identity => new Stubborn(identity)) });
        using UserConnection mine = new(Users.Ada);
        using IDisposable use = UserConnection.Use(mine);
        await engine.StartNewWithUserConnection<UserAct, int>(Acts.Add((Action<UserConnection?>)(static _ => { }))).Done();
        TestLog.Line line = await log.WaitFor(static each => each.Exception is NotSupportedException);
        Assert.Equal(LogLevel.Warning, line.Level);
        Assert.Contains(nameof(Stubborn), line.Text, StringComparison.Ordinal);
    }

    public sealed class Ordered : IBackgroundTask<int>, IUserConnectionRequired
    {
        public Ordered()
        {
            AmbientInConstructor = UserConnection.Current;
            Note("constructor");
        }

        internal static Ordered? Last { get; private set; }

        internal List<(string What, int Thread)> Calls { get; } = [];

        internal UserConnection? Connection { get; private set; }

        internal UserConnection? AmbientInConstructor { get; }

        internal UserConnection? AmbientInRun { get; private set; }

        public void SetUserConnection(UserConnection userConnection)
        {
            Connection = userConnection;
            Note("SetUserConnection");
        }

        public void Run(int parameters)
        {
            AmbientInRun = UserConnection.Current;
            Note("Run");
            Last = this;
        }

        private void Note(string what) => Calls.Add((what, Environment.CurrentManagedThreadId));
    }

    public sealed class HeldInSetter : IBackgroundTask<int>, IUserConnectionRequired, IDisposable
    {
        internal static readonly ManualResetEventSlim Entered = new();
        internal static readonly ManualResetEventSlim Released = new();

        internal static bool Ran { get; private set; }

        internal static bool Disposed { get; private set; }

        public void SetUserConnection(UserConnection userConnection)
        {
            Entered.Set();
            Released.WaitSoon();
        }

        public void Run(int parameters) => Ran = true;

        public void Dispose() => Disposed = true;
    }

    public sealed class AsyncUserAct : IAsyncBackgroundTask<int>, IUserConnectionRequired
    {
        private UserConnection? _connection;

        public void SetUserConnection(UserConnection userConnection) => _connection = userConnection;

        public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
        {
            Assert.Same(_connection, UserConnection.Current);
            await Task.Yield();
            Assert.Same(_connection, UserConnection.Current);
            Assert.Equal(Users.Ada, _connection!.Identity);
        }
    }

    private sealed class Stubborn(UserIdentity identity) : UserConnection(identity)
    {
        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            throw new NotSupportedException("not to be disposed of");
        }
    }
}
