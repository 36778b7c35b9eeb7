using System;
using System.Threading.Tasks;
using Backrun.Testing.Tests.Support;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Testing.Tests;

/// <summary>Code that starts its tasks by the static methods, tested in an engine a test.</summary>
public sealed class DefaultEngineTests : IDisposable
{
    // In the constructor, as a test class would have it.
    private readonly TestEngine _engine = new(TestMode.Manual);
    private readonly IDisposable _default;

    public DefaultEngineTests() => _default = _engine.UseAsDefault();

    public void Dispose()
    {
        _default.Dispose();
        _engine.Dispose();
    }

    [Fact]
    public void The_static_methods_start_in_the_engine_that_the_tests_constructor_named()
    {
        BackgroundTasks.StartNew<SendMail, Mail>(new Mail { To = "ada@example.com" });
        Assert.Equal("ada@example.com", _engine.AssertStarted<SendMail, Mail>().Parameters.To);
        Assert.Same(_engine.Engine, BackrunEngine.Default);
    }

    [Fact]
    public async Task They_do_so_in_what_the_test_awaits_and_starts_and_each_flow_has_its_own()
    {
        await Task.Yield();
        await using TestEngine other = new(TestMode.Manual);
        await Task.Run(() =>
        {
            using (other.UseAsDefault())
            {
                BackgroundTasks.StartNew<SendMail, Mail>(new Mail());
                BackgroundTasks.StartNew<SendMail, Mail>(new Mail());
            }

            BackgroundTasks.StartNew<SendMail, Mail>(new Mail());
        }, TestContext.Current.CancellationToken);
        BackgroundTasks.StartNew<SendMail, Mail>(new Mail());
        other.AssertStartedTimes<SendMail, Mail>(2);
        _engine.AssertStartedTimes<SendMail, Mail>(2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_task_starts_by_the_static_methods_comes_into_the_engine_that_runs_it(bool asynchronous)
    {
        if (asynchronous)
        {
            _engine.Engine.StartAsync(async (_, _) =>
            {
                await Task.Yield();
                BackgroundTasks.StartNew<SendMail, Mail>(new Mail());
            });
        }
        else
        {
            _engine.Engine.Start(static () => BackgroundTasks.StartNew<SendMail, Mail>(new Mail()));
        }

        Assert.Equal(2, _engine.Drain());
        Assert.Equal(_engine.Started[0].Id, _engine.AssertStarted<SendMail, Mail>().StartedBy);
    }

    [Fact]
    public void Operations_under_the_names_of_Creatio_are_started_and_run_there_too()
    {
        Operation.Ran = null;
        Terrasoft.Core.Tasks.Task.StartNewWithUserConnection<Operation, string>("import");
        StartedTask<string> started = _engine.AssertStarted<Operation, string>(static parameters => parameters == "import");
        Assert.Equal("System", started.User!.Name);
        Assert.Equal(1, _engine.Drain());
        Assert.Equal("import by System", Operation.Ran);
    }

    public sealed class Operation : Terrasoft.Core.Tasks.IBackgroundTask<string>, Terrasoft.Core.IUserConnectionRequired
    {
        private UserConnection? _connection;

        internal static string? Ran { get; set; }

        public void SetUserConnection(Terrasoft.Core.UserConnection userConnection) => _connection = userConnection;

        public void Run(string parameters) => Ran = $"{parameters} by {_connection!.Identity.Name}";
    }
}
