using System;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>Which retry policy a task gets, checked, and as native takes it.</summary>
internal static unsafe class RetryPolicies
{
    private const int MostAttempts = 100_000;
    private const int MostDelayDays = 365;
    private static readonly RetryPolicy Nothing = new();
    private static readonly TimeSpan DefaultDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DefaultMaxDelay = TimeSpan.FromHours(1);

    /// <summary>A policy that says something; null for one that is null or all of whose values are.</summary>
    /// <exception cref="ArgumentException">It says how to retry and not how often.</exception>
    internal static RetryPolicy? Effective(RetryPolicy? policy, string name)
    {
        if (policy is null || policy == Nothing)
        {
            return null;
        }

        if (policy.MaxAttempts is null)
        {
            throw new ArgumentException($"{name} says how to wait between attempts and not how many there are. Set its MaxAttempts: 1 (no retries) to {MostAttempts} runs in all.", name);
        }

        return policy;
    }

    /// <summary>What one start says, with the task's own policy for what it does not; null if it says nothing.</summary>
    /// <exception cref="ArgumentException">It says the number of attempts twice, or how to retry and not how often.</exception>
    internal static RetryPolicy? Of(StartOptions options, TaskOptions ofTask)
    {
        if (options.MaxAttempts is null && (options.Retry is null || options.Retry == Nothing))
        {
            return null;
        }

        if (options.MaxAttempts is not null && options.Retry?.MaxAttempts is not null)
        {
            throw new ArgumentException($"StartOptions has both MaxAttempts ({options.MaxAttempts}) and Retry.MaxAttempts ({options.Retry.MaxAttempts}); set one of them.", nameof(options));
        }

        RetryPolicy own = options.Retry ?? Nothing;
        RetryPolicy rest = ofTask.Retry ?? Nothing;
        return Effective(
            new RetryPolicy
            {
                MaxAttempts = options.MaxAttempts ?? own.MaxAttempts ?? rest.MaxAttempts,
                Kind = own.Kind ?? rest.Kind,
                Delay = own.Delay ?? rest.Delay,
                MaxDelay = own.MaxDelay ?? rest.MaxDelay,
                JitterPercent = own.JitterPercent ?? rest.JitterPercent,
            },
            "StartOptions.Retry");
    }

    internal static void Write(RetryPolicy policy, ref backrun_retry_policy native)
    {
        native.struct_size = (uint)sizeof(backrun_retry_policy);
        native.max_attempts = (uint)OptionChecks.Count(policy.MaxAttempts, "MaxAttempts", 1, MostAttempts, "runs");
        native.kind = OptionChecks.Defined(policy.Kind, "RetryPolicy.Kind");
        native.delay_ms = OptionChecks.Milliseconds(policy.Delay, "RetryPolicy.Delay", MostDelayDays);
        native.max_delay_ms = OptionChecks.Milliseconds(policy.MaxDelay, "RetryPolicy.MaxDelay", MostDelayDays);
        native.jitter_percent = policy.JitterPercent == 0 ? -1 : (int)OptionChecks.Count(policy.JitterPercent, "RetryPolicy.JitterPercent", 1, 100, "percent");
        TimeSpan delay = policy.Delay ?? DefaultDelay;
        if (policy.MaxDelay is null && delay > DefaultMaxDelay)
        {
            // Who asks for two hours does not mean one.
            native.max_delay_ms = native.delay_ms;
        }
        else if (delay > policy.MaxDelay)
        {
            throw new ArgumentException(
                $"RetryPolicy.Delay is {delay}{(policy.Delay is null ? " (its default)" : string.Empty)}, longer than RetryPolicy.MaxDelay, {policy.MaxDelay}. Give it a shorter delay or a longer MaxDelay.",
                nameof(policy));
        }
    }
}
