using System;
using System.Collections.Generic;
using System.Linq;
using Backrun.Internals;
using Microsoft.Extensions.Options;

namespace Backrun.Hosting.Internals;

/// <summary>Says when the host starts, and in one go, what is wrong with the options of an engine.</summary>
internal sealed class OptionsValidator : IValidateOptions<BackrunHostOptions>
{
    public ValidateOptionsResult Validate(string? name, BackrunHostOptions options)
    {
        List<string> problems = [.. options.Problems];

        // One that could not be read was chosen.
        if (options.ChosenStore is null && options.Problems.Count == 0)
        {
            string call = string.IsNullOrEmpty(name) ? "AddBackrun(o => …)" : $"AddBackrun(\"{name}\", o => …)";
            problems.Add(
                $"No store is chosen for the tasks. In {call}, or in the configuration, say where they live: " +
                "o.Store = BackrunStore.Sqlite(Path.Combine(builder.Environment.ContentRootPath, \"tasks.db\")), or \"Store\": { \"Sqlite\": \"tasks.db\" }, for tasks that survive the process; " +
                "o.Store = BackrunStore.Memory, or \"Store\": \"Memory\", for tasks that end with it.");
        }

        problems.AddRange(OptionProblems.Of(options).Select(problem => Named(problem, options)));
        problems.AddRange(OfTheEnd(options).Select(problem => Named(problem, options)));
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static IEnumerable<string> OfTheEnd(BackrunHostOptions options)
    {
        if (OptionProblems.Try(() => OptionChecks.Defined(options.Shutdown, "BackrunHostOptions.Shutdown")) is { } mode)
        {
            yield return mode;
        }

        if (OptionProblems.Try(() => OptionChecks.Milliseconds(options.ShutdownTimeout, "BackrunHostOptions.ShutdownTimeout")) is { } limit)
        {
            yield return limit;
        }
    }

    /// <summary>Names what came from a configuration by its key there.</summary>
    private static string Named(string problem, BackrunHostOptions options)
    {
        foreach ((string property, string key) in options.Keys)
        {
            if (problem.StartsWith($"{property} ", StringComparison.Ordinal))
            {
                return string.Concat(key, problem.AsSpan(property.Length));
            }
        }

        return problem;
    }
}
