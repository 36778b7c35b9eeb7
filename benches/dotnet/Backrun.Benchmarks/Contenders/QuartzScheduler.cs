using System;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Benchmarks.Measuring;
using Backrun.Benchmarks.Work;
using MessagePack;
using Quartz;

namespace Backrun.Benchmarks.Contenders;

/// <summary>Quartz with its store in memory and as many threads; all else is its default. A task triggers a durable job.</summary>
/// <typeparam name="TJob">The job.</typeparam>
internal sealed class QuartzInMemory<TJob> : IDisposable
    where TJob : class, IJob
{
    public const string Parameters = "parameters";

    private static readonly JobKey Key = new(typeof(TJob).Name);
    private readonly IScheduler _scheduler;

    public QuartzInMemory(int workers)
    {
        var builder = QuartzSchedulerBuilder.Create(options =>
        {
            options.ConfigureScheduler(scheduler => scheduler.InstanceName = typeof(TJob).FullName!);
            options.UseInMemoryStore();
            options.UseDefaultThreadPool(workers);
        });
        _scheduler = builder.BuildScheduler().AsTask().Result;
        IJobDetail job = JobBuilder.Create<TJob>().WithIdentity(Key).StoreDurably().Build();
        _scheduler.AddJob(job).AsTask().Wait();
        _scheduler.Start().AsTask().Wait();
    }

    public async Task TriggerAsync(int tasks, Func<object> parameters)
    {
        for (int i = 0; i < tasks; i++)
        {
            var data = new JobDataMap();
            data[Parameters] = parameters();
            await _scheduler.TriggerJob(Key, data).ConfigureAwait(false);
        }
    }

    /// <summary>A trigger each, which fires once when it is due.</summary>
    public async Task ScheduleAsync(int tasks, Func<Due> next)
    {
        for (int i = 0; i < tasks; i++)
        {
            Due due = next();
            ITrigger trigger = TriggerBuilder.Create().ForJob(Key).UsingJobData(Parameters, due.At)
                .StartAt(DateTimeOffset.UtcNow.AddMilliseconds(due.DelayMs)).Build();
            await _scheduler.ScheduleJob(trigger).ConfigureAwait(false);
        }
    }

    public void Dispose() => _scheduler.Shutdown(waitForJobsToComplete: true).AsTask().Wait();
}

internal sealed class QuartzBurdened(int workers) : IBurdenedContender
{
    private readonly QuartzInMemory<Job> _quartz = new(workers);

    public void HandOver(Burden burden, int tasks) => _quartz.TriggerAsync(tasks, () => burden).Wait();

    public void Dispose() => _quartz.Dispose();

    internal sealed class Job : IJob
    {
        public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        {
            Burdens.Run((Burden)context.MergedJobDataMap[QuartzInMemory<Job>.Parameters]!);
            return default;
        }
    }
}

/// <summary>The parameters travel as the bytes that Backrun keeps.</summary>
/// <typeparam name="TParameters">The parameters.</typeparam>
internal sealed class QuartzTyped<TParameters> : IThroughputContender
    where TParameters : ISample<TParameters>
{
    private static MessagePackSerializerOptions? _options;

    private readonly TParameters _parameters = TParameters.Sample();
    private readonly QuartzInMemory<Job> _quartz;

    public QuartzTyped(int workers, PayloadFormat format)
    {
        _options = Formats.OptionsOf(format);
        _quartz = new QuartzInMemory<Job>(workers);
    }

    public string Name => "Quartz in memory";

    public int Burst => 20_000;

    public void HandOver(int tasks) =>
        _quartz.TriggerAsync(tasks, () => MessagePackSerializer.Serialize(_parameters, _options)).Wait();

    public void Dispose() => _quartz.Dispose();

    internal sealed class Job : IJob
    {
        public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        {
            byte[] bytes = (byte[])context.MergedJobDataMap[QuartzInMemory<Job>.Parameters]!;
            new CountingTask<TParameters>().Run(MessagePackSerializer.Deserialize<TParameters>(bytes, _options, cancellationToken));
            return default;
        }
    }
}

/// <summary>Two threads, no parameters.</summary>
internal sealed class QuartzDelayed : IDelayedContender
{
    private readonly QuartzInMemory<Job> _quartz = new(2);

    public TimeSpan Lead => TimeSpan.FromSeconds(6);

    public void HandOver(int tasks, Func<Due> next) => _quartz.ScheduleAsync(tasks, next).Wait();

    public void Dispose() => _quartz.Dispose();

    internal sealed class Job : IJob
    {
        public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        {
            Lateness.OfOne(context.MergedJobDataMap.GetLong(QuartzInMemory<Job>.Parameters));
            return default;
        }
    }
}
