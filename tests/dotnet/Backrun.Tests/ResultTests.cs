using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using MessagePack;
using Xunit;

namespace Backrun.Tests;

/// <summary>What a run says of itself: how far it is, and what came out.</summary>
public sealed class ResultTests
{
    [Fact]
    public async Task Progress_is_in_the_status_while_the_run_lasts_and_after_it()
    {
        using BackrunEngine engine = Engines.New();
        using ManualResetEventSlim gate = new();
        TaskCompletionSource halfway = Patience.Signal();
        BackgroundTaskHandle handle = engine.Start(() =>
        {
            BackgroundTaskContext context = BackgroundTaskContext.Current!;
            context.ReportProgress(0.25, "a quarter, ünï");
            context.ReportProgress(0.5);
            halfway.SetResult();
            gate.WaitSoon();
            context.ReportProgress(1, "done");
        });
        await halfway.Soon();
        Assert.Equal((0.5, null), (engine.GetStatus(handle.Id)!.Progress, engine.GetStatus(handle.Id)!.ProgressText));
        gate.Set();
        await handle.Done();
        Assert.Equal((1.0, "done"), (engine.GetStatus(handle.Id)!.Progress, engine.GetStatus(handle.Id)!.ProgressText));
        BackgroundTaskHandle silent = engine.Start(static () => { });
        await silent.Done();
        Assert.Null(engine.GetStatus(silent.Id)!.Progress);
    }

    [Fact]
    public async Task An_asynchronous_run_tells_its_progress_and_leaves_its_result_before_and_after_it_has_waited()
    {
        using BackrunEngine engine = Engines.New();
        TaskCompletionSource told = Patience.Signal();
        TaskCompletionSource gate = Patience.Signal();
        BackgroundTaskHandle handle = engine.StartAsync(async (context, _) =>
        {
            context.SetResult("early");
            await Task.Yield();
            context.ReportProgress(0.75, "waiting");
            told.SetResult();
            await gate.Soon();
            context.SetResult("late");
        });
        await told.Soon();
        BackgroundTaskStatus status = engine.GetStatus(handle.Id)!;
        Assert.Equal((0.75, "waiting"), (status.Progress, status.ProgressText));
        gate.SetResult();
        await handle.Done();
        Assert.Equal("late", engine.GetStatus(handle.Id)!.GetResult<string>());

        BackgroundTaskHandle early = engine.StartAsync(static async (context, _) =>
        {
            context.SetResult("early");
            await Task.Yield();
        });
        await early.Done();
        Assert.Equal("early", engine.GetStatus(early.Id)!.GetResult<string>());

        BackgroundTaskHandle atOnce = engine.StartAsync(static (context, _) =>
        {
            context.SetResult("at once");
            return Task.CompletedTask;
        });
        await atOnce.Done();
        Assert.Equal("at once", engine.GetStatus(atOnce.Id)!.GetResult<string>());
    }

    [Theory]
    [InlineData(PayloadFormat.Contractless)]
    [InlineData(PayloadFormat.Standard)]
    public async Task A_result_is_read_as_it_was_left_whatever_its_type(PayloadFormat format)
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { PayloadFormat = format });
        async Task<BackgroundTaskStatus> Leave<T>(T value)
        {
            BackgroundTaskHandle handle = engine.Start(() => BackgroundTaskContext.Current!.SetResult(value));
            await handle.Done();
            return engine.GetStatus(handle.Id)!;
        }

        Assert.Equal(42, (await Leave(42)).GetResult<int>());
        Assert.Null((await Leave<string?>(null)).GetResult<string?>());
        Assert.True((await Leave<string?>(null)).HasResult);
        BackgroundTaskStatus status = await Leave(new Sum { Total = 7, Names = ["a", "ü"] });
        Sum sum = status.GetResult<Sum>();
        Assert.Equal((7, "a ü"), (sum.Total, string.Join(' ', sum.Names)));
        Assert.NotSame(sum, status.GetResult<Sum>());
        Assert.Equal(4_000_000, (await Leave(new byte[4_000_000])).GetResult<byte[]>().Length);
    }

    [Fact]
    public async Task A_result_that_is_not_there_or_of_another_type_is_told_so()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle none = engine.Start(static () => { });
        await none.Done();
        BackgroundTaskStatus status = engine.GetStatus(none.Id)!;
        Assert.False(status.HasResult);
        Assert.Contains("left none", Assert.Throws<InvalidOperationException>(() => status.GetResult<int>()).Message, StringComparison.Ordinal);

        BackgroundTaskHandle text = engine.Start(static () => BackgroundTaskContext.Current!.SetResult("text"));
        await text.Done();
        TaskSerializationException thrown = Assert.Throws<TaskSerializationException>(() => engine.GetStatus(text.Id)!.GetResult<int>());
        Assert.Equal(("Backrun.Tests.Support.Act", typeof(int)), (thrown.TaskName, thrown.ParametersType));
        Assert.Contains("The result of task", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_result_of_a_run_that_failed_or_was_cancelled_is_not_kept()
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskHandle failed = engine.Start(static () =>
        {
            BackgroundTaskContext.Current!.SetResult(1);
            throw new InvalidTimeZoneException("on purpose");
        });
        BackgroundTaskHandle failedLater = engine.StartAsync(static async (context, _) =>
        {
            await Task.Yield();
            context.SetResult(1);
            throw new InvalidTimeZoneException("on purpose");
        });
        await failed.Fails<InvalidTimeZoneException>();
        await failedLater.Fails<InvalidTimeZoneException>();
        Assert.False(engine.GetStatus(failed.Id)!.HasResult);
        Assert.False(engine.GetStatus(failedLater.Id)!.HasResult);
    }

    [Fact]
    public async Task A_result_is_kept_for_as_long_as_the_tasks_options_say()
    {
        using BackrunEngine engine = Times.NewEngine();
        engine.Register<Act, int>(options: new TaskOptions { ResultRetention = Times.Hour });
        BackgroundTaskHandle handle = engine.Start(static () => BackgroundTaskContext.Current!.SetResult(5));
        await handle.Done();
        engine.AdvanceTime(Times.Hour - Times.Millisecond);
        Assert.Equal(5, engine.GetStatus(handle.Id)!.GetResult<int>());
        engine.AdvanceTime(2 * Times.Millisecond);
        Assert.Equal((false, BackgroundTaskState.Succeeded), (engine.GetStatus(handle.Id)!.HasResult, engine.StateOf(handle)));
    }

    [Fact]
    public async Task What_cannot_be_a_result_is_refused_where_it_is_left()
    {
        using BackrunEngine engine = Engines.New();
        await engine.Start(static () =>
        {
            BackgroundTaskContext context = BackgroundTaskContext.Current!;
            BackrunException large = Assert.Throws<BackrunException>(() => context.SetResult(new byte[5_000_000]));
            Assert.Equal(BackrunErrorCode.TooLarge, large.Code);
            Assert.Contains("5000005 bytes; the limit is 4194304", large.Message, StringComparison.Ordinal);
            List<object> endless = [];
            endless.Add(endless);
            Assert.Contains("contains itself", Assert.Throws<TaskSerializationException>(() => context.SetResult(endless)).Message, StringComparison.Ordinal);
            Assert.Contains("user connection", Assert.Throws<TaskSerializationException>(() => context.SetResult(new UserConnection(Users.Ada))).Message, StringComparison.Ordinal);
            Assert.Contains("NaN", Assert.Throws<ArgumentOutOfRangeException>(() => context.ReportProgress(double.NaN)).Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentOutOfRangeException>(() => context.ReportProgress(1.01));
        }).Done();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_its_end_a_run_says_no_more(bool asynchronous)
    {
        using BackrunEngine engine = Engines.New();
        BackgroundTaskContext? context = null;
        BackgroundTaskHandle handle = asynchronous
            ? engine.StartAsync(async (own, _) =>
            {
                await Task.Yield();
                context = own;
            })
            : engine.Start(() => context = BackgroundTaskContext.Current);
        await handle.Done();
        Assert.Equal(BackrunErrorCode.StaleLease, Assert.Throws<BackrunException>(() => context!.SetResult(1)).Code);
        Assert.Equal(BackrunErrorCode.StaleLease, Assert.Throws<BackrunException>(() => context!.ReportProgress(1)).Code);
        Assert.False(engine.GetStatus(handle.Id)!.HasResult);
    }

    [Fact]
    public async Task Many_runs_at_once_keep_their_progress_and_results_apart()
    {
        using BackrunEngine engine = Engines.New(new BackrunOptions { Workers = 4 });
        BackgroundTaskHandle[] handles = Enumerable.Range(0, 500).Select(number => engine.StartAsync(async (context, _) =>
        {
            context.ReportProgress(0.5, $"{number}");
            if (number % 2 == 0)
            {
                await Task.Yield();
            }

            context.SetResult(number);
        })).ToArray();
        await Task.WhenAll(handles.Select(static handle => handle.Done()));
        Assert.Equal(
            Enumerable.Range(0, 500).Select(static number => (number, $"{number}")),
            handles.Select(handle => engine.GetStatus(handle.Id)!).Select(static status => (status.GetResult<int>(), status.ProgressText!)));
    }

    [MessagePackObject]
    public sealed class Sum
    {
        [Key(0)]
        public int Total { get; set; }

        [Key(1)]
        public string[] Names { get; set; } = [];
    }
}
