using System;

namespace Backrun.Native;

/// <summary>The .NET names of what native's messages name by struct and field.</summary>
internal static class OptionNames
{
    // A name that begins another one stands after it.
    private static readonly (string Native, string Managed)[] Names =
    [
        ("backrun_submission.delay_ms", "StartOptions.Delay"),
        ("backrun_submission.run_at_unix_ms", "StartOptions.RunAt"),
        ("backrun_submission.time_limit_ms", "StartOptions.TimeLimit"),
        ("backrun_submission.durability", "StartOptions.Durability"),
        ("backrun_submission.payload_format", "BackrunOptions.PayloadFormat"),
        ("backrun_submission.when_full_timeout_ms", "StartOptions.WhenFullTimeout"),
        ("backrun_submission.when_full", "StartOptions.WhenFull"),
        ("backrun_submission.queue", "StartOptions.Queue"),
        ("backrun_retry_policy.max_attempts", "MaxAttempts"),
        ("backrun_retry_policy.jitter_percent", "RetryPolicy.JitterPercent"),
        ("backrun_retry_policy.delay_ms", "RetryPolicy.Delay"),
        ("backrun_retry_policy.max_delay_ms", "RetryPolicy.MaxDelay"),
        ("backrun_retry_policy.kind", "RetryPolicy.Kind"),
        ("backrun_task_options.time_limit_ms", "TaskOptions.TimeLimit"),
        ("backrun_task_options.grace_ms", "TaskOptions.Grace"),
        ("backrun_task_options.result_retention_ms", "TaskOptions.ResultRetention"),
        ("backrun_task_options.queue", "TaskOptions.Queue"),
        ("backrun_queue_options.stall_threshold_ms", "QueueOptions.StallThreshold"),
        ("backrun_queue_options.concurrency_limit", "QueueOptions.ConcurrencyLimit"),
        ("backrun_queue_options.capacity_bytes", "QueueOptions.CapacityBytes"),
        ("backrun_queue_options.capacity", "QueueOptions.Capacity"),
        ("backrun_queue_options.when_full_timeout_ms", "QueueOptions.WhenFullTimeout"),
        ("backrun_queue_options.when_full", "QueueOptions.WhenFull"),
        ("backrun_queue_options.ageing_step_ms", "QueueOptions.AgeingStep"),
        ("backrun_queue_options.workers", "QueueOptions.Workers"),
        ("backrun_queue_options.name", "the queue's name"),
        ("backrun_engine_options.max_workers", "BackrunOptions.MaxWorkers"),
        ("backrun_engine_options.workers", "BackrunOptions.Workers"),
        ("backrun_engine_options.store_address", "BackrunOptions.Store"),
        ("backrun_engine_options.store", "BackrunOptions.Store"),
        ("backrun_engine_options.durability", "BackrunOptions.Durability"),
        ("backrun_engine_options.owner_wait_ms", "BackrunOptions.OwnerWait"),
        ("owner_wait", "BackrunOptions.OwnerWait"),
        ("max_crashes", "BackrunOptions.MaxCrashes"),
        ("backrun_engine_options.keep_for_ms", "BackrunOptions.KeepFor"),
        ("backrun_engine_options.encryption_keys", "BackrunOptions.Encryption"),
        ("backrun_engine_options.worker_stack_bytes", "BackrunOptions.WorkerStackBytes"),
        ("backrun_engine_options.keep_finished", "BackrunOptions.KeepFinished"),
        ("backrun_engine_options.keep_dead", "BackrunOptions.KeepDead"),
        ("backrun_engine_options.observer_capacity", "BackrunOptions.ObserverCapacity"),
        ("backrun_engine_pause", "BackrunEngine.PauseQueue"),
        ("backrun_engine_resume", "BackrunEngine.ResumeQueue"),
        ("backrun_engine_list", "BackrunEngine.ListTasks"),
        ("backrun_engine_replay", "BackrunEngine.Replay"),
        ("backrun_engine_purge", "BackrunEngine.Purge"),
        ("backrun_engine_set_progress", "BackgroundTaskContext.ReportProgress"),
        ("backrun_task_set_progress", "BackgroundTaskContext.ReportProgress"),
        ("backrun_task_set_result", "BackgroundTaskContext.SetResult"),
        ("durability 'committed'", "Durability.Committed"),
        ("BACKRUN_STORE_SQLITE", "BackrunStore.Sqlite"),
        ("BACKRUN_STORE_POSTGRES", "BackrunStore.Postgres"),
        ("BACKRUN_FORMAT_TYPELESS", "PayloadFormat.Typeless"),
        ("backrun_engine_configure_queue", "BackrunEngine.ConfigureQueue"),
        ("backrun_engine_shutdown", "BackrunEngine.ShutdownAsync"),
        ("backrun_engine_register", "BackrunEngine.Register"),
    ];

    internal static string Translate(string message)
    {
        foreach ((string native, string managed) in Names)
        {
            message = message.Replace(native, managed, StringComparison.Ordinal);
        }

        return message;
    }
}
