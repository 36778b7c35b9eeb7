using System;
using System.Collections.Generic;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>What is wrong with options, told without making an engine: one problem of the engine itself, and one of each queue.</summary>
internal static class OptionProblems
{
    internal static IEnumerable<string> Of(BackrunOptions options)
    {
        if (Try(() => CheckName(options)) is { } name)
        {
            yield return name;
        }

        if (Try(() => Write(options)) is { } engine)
        {
            yield return engine;
        }

        foreach (KeyValuePair<string, QueueOptions> queue in options.Queues)
        {
            if (Try(() => Write(queue.Key, queue.Value)) is { } problem)
            {
                yield return problem;
            }
        }
    }

    /// <summary>The message of what a check throws, or null.</summary>
    internal static string? Try(Action check)
    {
        try
        {
            check();
            return null;
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            // .NET adds the parameter's name and the value, which the message has already.
            int added = exception.Message.IndexOf(" (Parameter '", StringComparison.Ordinal);
            return added < 0 ? exception.Message : exception.Message[..added];
        }
    }

    internal static void CheckName(BackrunOptions options)
    {
        if (options.Name is not null)
        {
            OptionChecks.Name(options.Name, "BackrunOptions.Name", Limits.QueueNameBytes, nameof(options));
        }
    }

    private static void Write(BackrunOptions options)
    {
        Utf8Arena texts = default;
        NativeKeys keys = default;
        try
        {
            backrun_engine_options native = default;
            NativeOptions.Write(options, ref texts, ref native);
            keys.Write(options.Encryption, ref native);
        }
        finally
        {
            keys.Dispose();
            texts.Dispose();
        }
    }

    private static void Write(string name, QueueOptions options)
    {
        OptionChecks.Name(name, "The name of a queue", Limits.QueueNameBytes, nameof(name));
        Utf8Arena texts = default;
        try
        {
            backrun_queue_options native = default;
            NativeOptions.Write(name, options, ref texts, ref native);
        }
        finally
        {
            texts.Dispose();
        }
    }
}
