using System;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using Backrun;
using Backrun.Creatio;
using Backrun.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Terrasoft.Configuration;
using Terrasoft.Core.Process;
using Xunit;
using UserConnection = Terrasoft.Core.UserConnection;

namespace CreatioTests;

/// <summary>Source as it is written for the platform, without any set-up, on the default engine.</summary>
public sealed class PlatformTests
{
    [Fact]
    public async Task The_example_of_the_platforms_documentation_runs_on_behalf_of_the_user()
    {
        using UserConnection mine = new(Users.Ada);
        using (Backrun.UserConnection.Use(mine))
        {
            Assert.True(new UsrNoteProcess().ScriptTaskExecute());
        }

        object[] got = await Happened.Soon("Activity Note created by background task");
        Assert.Equal(ActivityConsts.TaskTypeUId, got[0]);
        UserConnection run = Assert.IsType<UserConnection>(got[1]);
        Assert.NotSame(mine, run);
        Assert.Equal(Users.Ada, run.Identity);
    }

    [Fact]
    public async Task Parameters_made_by_their_constructor_arrive_with_private_setters_and_a_connection_that_is_null()
    {
        Guid id = Guid.NewGuid();
        new SessionStartListener().Update(id);
        object[] got = await Happened.Soon("audience");
        Assert.Null(got[0]);
        Assert.Equal(["BulkEmailSplit", id, true], got[1..4]);
        Assert.Equal("System", Assert.IsType<UserConnection>(got[4]).Identity.Name);
    }

    [Fact]
    public async Task A_bool_is_enough_of_a_parameter_and_nobody_being_logged_on_is_the_system_user()
    {
        new SessionStartListener().OnSessionStart();
        object[] got = await Happened.Soon("session");
        Assert.Equal(true, got[0]);
        Assert.Equal("System", Assert.IsType<UserConnection>(got[1]).Identity.Name);
    }

    [Fact]
    public async Task A_task_with_two_constructors_and_data_contracts_runs()
    {
        FormHandlerTask.Dto sent = new()
        {
            webFormId = Guid.NewGuid(),
            FormData = new FormData { FormId = "f", Fields = [new FormFieldsData { Name = "n", Value = Guid.Empty }], NotAMember = "left out" }.Keep("kept"),
        };
        Terrasoft.Core.Tasks.Task.StartNewWithUserConnection<FormHandlerTask, FormHandlerTask.Dto>(sent);
        object[] got = await Happened.Soon($"form {sent.webFormId}");
        FormHandlerTask.Dto dto = Assert.IsType<FormHandlerTask.Dto>(got[0]);
        Assert.Null(dto.ReferrerUri);
        Assert.Equal("f", dto.FormData.FormId);
        Assert.Null(dto.FormData.NotAMember);
        Assert.Equal("kept", dto.FormData.Secret());
        Assert.Equal(("n", (object)Guid.Empty), (dto.FormData.Fields[0].Name, dto.FormData.Fields[0].Value));
        Assert.NotNull(got[1]);
    }

    [Fact]
    public async Task Files_that_import_both_kinds_of_tasks_start_them()
    {
        await Usr.Inside.Pinger.StartAsync();
        await Usr.Aliased.Pinger.StartAsync();
        await Usr.Qualified.Pinger.StartAsync();
        Assert.Equal(["from inside"], await Happened.Soon("inside"));
        Assert.Equal(["by an alias"], await Happened.Soon("aliased"));
        Assert.Equal(["by its whole name"], await Happened.Soon("qualified"));
    }

    [Fact]
    public async Task Constructor_parameters_come_from_the_engines_services()
    {
        using ServiceProvider services = new ServiceCollection().AddSingleton<IAudienceRepository>(new Repository()).BuildServiceProvider();
        await using BackrunEngine engine = Engines.New(new BackrunOptions { Services = services });
        await CreatioTasks.StartNew<AudienceSession, string[]>(engine, ["a", "b"]).Done();
        object[] got = await Happened.Soon("injected");
        Assert.Equal("from the container", got[0]);
        Assert.Equal(["a", "b"], Assert.IsType<string[]>(got[1]));

        // With a container that has no such parameter, and another constructor without.
        await CreatioTasks.StartNewWithUserConnection<FormHandlerTask, FormHandlerTask.Dto>(engine, new FormHandlerTask.Dto()).Done();
        Assert.NotNull((await Happened.Soon($"form {Guid.Empty}"))[1]);
    }

    [Fact]
    public async Task A_task_runs_in_the_culture_of_whoever_started_it()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("de-AT");
            Terrasoft.Core.Tasks.Task.StartNew<Speaking, double>(1.5);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }

        Assert.Equal(("de-AT", "1,5"), await Speaking.Said.Soon());
    }

    [Fact]
    public async Task Tasks_that_loop_do_not_hold_up_the_others()
    {
        int loops = BackrunEngine.Default.GetStatistics().Queues["default"].Workers + 2;
        try
        {
            for (int index = 0; index < loops; index++)
            {
                Terrasoft.Core.Tasks.Task.StartNew<Looping, int>(index);
            }

            for (int index = 0; index < 100; index++)
            {
                Terrasoft.Core.Tasks.Task.StartNew<Short, int>(index);
            }

            Assert.True(Short.Done.Wait(Patience.Long));
        }
        finally
        {
            Volatile.Write(ref Looping.Goes, false);
        }

        await Patience.Until(() => BackrunEngine.Default.GetStatistics().Queues["default"].Running == 0);
    }

    private sealed class Repository : IAudienceRepository
    {
        public string Name => "from the container";
    }

    private sealed class Speaking : Terrasoft.Core.Tasks.IBackgroundTask<double>
    {
        internal static readonly TaskCompletionSource<(string, string)> Said = Patience.Signal<(string, string)>();

        public void Run(double parameters) => Said.SetResult((CultureInfo.CurrentCulture.Name, parameters.ToString("F1", CultureInfo.CurrentCulture)));
    }

    private sealed class Looping : Terrasoft.Core.Tasks.IBackgroundTask<int>
    {
        internal static bool Goes = true;

        public void Run(int parameters)
        {
            while (Volatile.Read(ref Goes))
            {
                Thread.Yield();
            }
        }
    }

    private sealed class Short : Terrasoft.Core.Tasks.IBackgroundTask<int>
    {
        internal static readonly CountdownEvent Done = new(100);

        public void Run(int parameters) => Done.Signal();
    }
}
