using System;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>Options as native takes them.</summary>
internal static unsafe class NativeOptions
{
    internal static void Write(BackrunOptions options, ref Utf8Arena texts, ref backrun_engine_options native)
    {
        int mostWorkers = (int)OptionChecks.Count(options.MaxWorkers, "BackrunOptions.MaxWorkers", 1, 4096, "threads");
        native.struct_size = (uint)sizeof(backrun_engine_options);
        native.abi_version = NativeConstants.BACKRUN_ABI_VERSION;
        native.workers = (uint)OptionChecks.Count(
            options.Workers, "BackrunOptions.Workers", 1, mostWorkers == 0 ? 64 : mostWorkers, "threads (BackrunOptions.MaxWorkers is the upper limit)");
        native.max_workers = (uint)mostWorkers;
        native.store = options.Store.Kind;
        native.store_address = texts.Add(options.Store.Address);
        native.durability = OptionChecks.Defined(options.Durability, "BackrunOptions.Durability");
        native.owner_wait_ms = OwnerWait(options.OwnerWait);
        native.worker_stack_bytes = (ulong)OptionChecks.Count(
            options.WorkerStackBytes, "BackrunOptions.WorkerStackBytes", 3 * 512 * 1024, 1024 * 1024 * 1024, "bytes");
        native.keep_finished = Keep(options.KeepFinished, "BackrunOptions.KeepFinished");
        native.keep_dead = Keep(options.KeepDead, "BackrunOptions.KeepDead");
        native.max_crashes = (uint)OptionChecks.Count(options.MaxCrashes, "BackrunOptions.MaxCrashes", 1, int.MaxValue, "unclean ends of a process");
        native.keep_for_ms = OptionChecks.Milliseconds(options.KeepFor, "BackrunOptions.KeepFor");
        native.observer_capacity = (uint)OptionChecks.Count(options.ObserverCapacity, "BackrunOptions.ObserverCapacity", 1, int.MaxValue, "records");
        native.flags = options.ManualTime ? NativeConstants.BACKRUN_ENGINE_MANUAL_TIME : 0;
        OptionChecks.Defined<PayloadFormat>(options.PayloadFormat, "BackrunOptions.PayloadFormat");
    }

    /// <summary>
    /// For tests that count on one worker being one: on a busy machine even their short runs last past 100 ms, and then there are two. Null: native's own.
    /// </summary>
    internal static TimeSpan? StallThresholdWhereNotSaid { get; set; }

    internal static void Write(string name, QueueOptions options, ref Utf8Arena texts, ref backrun_queue_options native)
    {
        string what = $"of queue '{name}'";
        native.struct_size = (uint)sizeof(backrun_queue_options);
        native.name = texts.Add(name);
        native.workers = (uint)OptionChecks.Count(options.Workers, $"QueueOptions.Workers {what}", 1, 4096, "threads");
        native.concurrency_limit = (uint)OptionChecks.Count(options.ConcurrencyLimit, $"QueueOptions.ConcurrencyLimit {what}", 1, int.MaxValue, "runs");
        native.capacity = (ulong)OptionChecks.Count(options.Capacity, $"QueueOptions.Capacity {what}", 1, long.MaxValue, "tasks");
        native.capacity_bytes = (ulong)OptionChecks.Count(options.CapacityBytes, $"QueueOptions.CapacityBytes {what}", 1, long.MaxValue, "bytes");
        native.when_full = OptionChecks.Defined(options.WhenFull, $"QueueOptions.WhenFull {what}");
        native.when_full_timeout_ms = OptionChecks.WaitMilliseconds(options.WhenFullTimeout, $"QueueOptions.WhenFullTimeout {what}");
        native.stall_threshold_ms = OptionChecks.Milliseconds(options.StallThreshold ?? StallThresholdWhereNotSaid, $"QueueOptions.StallThreshold {what}");
        native.ageing_step_ms = OptionChecks.Milliseconds(options.AgeingStep, $"QueueOptions.AgeingStep {what}");
    }

    /// <summary>Throws what <see cref="Write(string, QueueOptions, ref Utf8Arena, ref backrun_queue_options)"/> would.</summary>
    internal static void Check(string name, QueueOptions options)
    {
        Utf8Arena texts = default;
        try
        {
            backrun_queue_options native = default;
            Write(name, options, ref texts, ref native);
        }
        finally
        {
            texts.Dispose();
        }
    }

    internal static void Write(TaskOptions options, ref Utf8Arena texts, ref backrun_task_options native, backrun_retry_policy* retry)
    {
        native.struct_size = (uint)sizeof(backrun_task_options);
        if (options.Queue is not null)
        {
            OptionChecks.Name(options.Queue, "TaskOptions.Queue", Limits.QueueNameBytes, nameof(options));
            native.queue = texts.Add(options.Queue);
        }

        native.time_limit_ms = OptionChecks.Milliseconds(options.TimeLimit, "TaskOptions.TimeLimit");
        native.grace_ms = OptionChecks.Milliseconds(options.Grace, "TaskOptions.Grace");
        native.result_retention_ms = OptionChecks.Milliseconds(options.ResultRetention, "TaskOptions.ResultRetention");
        if (RetryPolicies.Effective(options.Retry, "TaskOptions.Retry") is { } policy)
        {
            RetryPolicies.Write(policy, ref *retry);
            native.retry = retry;
        }
    }

    internal static void Write(StartOptions options, TaskOptions ofTask, ref Utf8Arena texts, ref backrun_submission native, backrun_retry_policy* retry)
    {
        if (options.Queue is not null)
        {
            OptionChecks.Name(options.Queue, "StartOptions.Queue", Limits.QueueNameBytes, nameof(options));
            native.queue = texts.Add(options.Queue);
        }

        if (options.Priority is < BackgroundTaskPriority.Lowest or > BackgroundTaskPriority.Highest)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), options.Priority, $"StartOptions.Priority is {options.Priority}; give it BackgroundTaskPriority.Lowest (-2) to BackgroundTaskPriority.Highest (2).");
        }

        native.priority = (int)options.Priority;
        native.durability = OptionChecks.Defined(options.Durability, "StartOptions.Durability");
        native.when_full = OptionChecks.Defined(options.WhenFull, "StartOptions.WhenFull");
        native.when_full_timeout_ms = OptionChecks.WaitMilliseconds(options.WhenFullTimeout, "StartOptions.WhenFullTimeout");
        native.time_limit_ms = OptionChecks.Milliseconds(options.TimeLimit, "StartOptions.TimeLimit");
        WriteTimes(options, ref native);
        if (RetryPolicies.Of(options, ofTask) is { } policy)
        {
            RetryPolicies.Write(policy, ref *retry);
            native.retry = retry;
        }
    }

    internal static void Write(TaskFilter filter, ref Utf8Arena texts, ref backrun_filter native)
    {
        native.struct_size = (uint)sizeof(backrun_filter);
        foreach (BackgroundTaskState state in filter.States ?? [])
        {
            native.states |= 1u << (int)OptionChecks.Defined<BackgroundTaskState>(state, "TaskFilter.States");
        }

        if (filter.TaskName is not null)
        {
            OptionChecks.Name(filter.TaskName, "TaskFilter.TaskName", Limits.TaskNameBytes, nameof(filter));
            native.task_name = texts.Add(filter.TaskName);
        }

        if (filter.Queue is not null)
        {
            OptionChecks.Name(filter.Queue, "TaskFilter.Queue", Limits.QueueNameBytes, nameof(filter));
            native.queue = texts.Add(filter.Queue);
        }

        native.after_id = OptionChecks.Count(filter.AfterId?.Value, "TaskFilter.AfterId", 0, long.MaxValue, "as an id");
        native.final_for_ms = OptionChecks.Milliseconds(filter.FinalFor, "TaskFilter.FinalFor");
        native.limit = (uint)OptionChecks.Count(filter.Limit, "TaskFilter.Limit", 1, int.MaxValue, "tasks");
    }

    private static void WriteTimes(StartOptions options, ref backrun_submission native)
    {
        if (options.Delay is { } delay)
        {
            OptionChecks.Delay(delay, "StartOptions.Delay");
            native.delay_ms = UnixTime.ToMilliseconds(delay);
        }

        if (options.RunAt is { } runAt)
        {
            if (options.Delay is not null)
            {
                throw new ArgumentException($"StartOptions has both Delay ({options.Delay}) and RunAt ({runAt:O}); set one of them.", nameof(options));
            }

            if (runAt > Limits.LatestRunAt)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(options), runAt, $"StartOptions.RunAt is {runAt:O}; give it a time up to {Limits.LatestRunAt:O}, or null to start at once.");
            }

            // 0 would mean "at once", and so does every time that has passed. Up, since it is not to run before.
            native.run_at_unix_ms = Math.Max(1, UnixTime.ToMilliseconds(runAt - DateTimeOffset.UnixEpoch));
        }
    }

    // Native's 0 is its default, and -1 is not to wait.
    private static long OwnerWait(TimeSpan? value)
    {
        const string Name = "BackrunOptions.OwnerWait";
        if (value is { } wait)
        {
            OptionChecks.Delay(wait, Name, "not to wait");
        }

        return value == TimeSpan.Zero ? -1 : OptionChecks.Milliseconds(value, Name);
    }

    private static long Keep(long? value, string name) => value switch
    {
        0 => -1,
        _ => OptionChecks.Count(value, name, 0, long.MaxValue, "tasks"),
    };
}
