using System;
using System.Collections.Generic;
using System.Reflection;

namespace Backrun.Internals;

/// <summary>The names of the tasks of a class: its own and its aliases.</summary>
internal readonly struct TaskNames
{
    private TaskNames(string name, IReadOnlyList<string> all)
    {
        Name = name;
        All = all;
    }

    internal string Name { get; }

    /// <summary>The name and the aliases.</summary>
    internal IReadOnlyList<string> All { get; }

    /// <param name="type">The class.</param>
    /// <param name="given">A name that takes the place of the class's own, and then the aliases do not count; or null.</param>
    /// <exception cref="ArgumentException">A name is empty or too long.</exception>
    internal static TaskNames Of(Type type, string? given)
    {
        if (given is not null)
        {
            OptionChecks.Name(given, "The task name", Limits.TaskNameBytes, nameof(given));
            return new TaskNames(given, [given]);
        }

        BackgroundTaskAttribute? attribute = type.GetCustomAttribute<BackgroundTaskAttribute>(inherit: false);
        if (attribute is not null)
        {
            OptionChecks.Name(attribute.Name, $"The name in [BackgroundTask] of {TypeNames.Of(type)}", Limits.TaskNameBytes, nameof(type));
            List<string> all = [attribute.Name];
            foreach (string alias in attribute.Aliases ?? [])
            {
                OptionChecks.Name(alias, $"An alias in [BackgroundTask] of {TypeNames.Of(type)}", Limits.TaskNameBytes, nameof(type));
                if (!all.Contains(alias))
                {
                    all.Add(alias);
                }
            }

            return new TaskNames(attribute.Name, all);
        }

        string name = TypeNames.Of(type);
        int length = System.Text.Encoding.UTF8.GetByteCount(name);
        if (length > Limits.TaskNameBytes)
        {
            throw new ArgumentException(
                $"The full name of {name} takes {length} bytes as UTF-8; as a task name it may have {Limits.TaskNameBytes}. Give the class a shorter one by [BackgroundTask(\"…\")], or call Register with one.");
        }

        return new TaskNames(name, [name]);
    }
}
