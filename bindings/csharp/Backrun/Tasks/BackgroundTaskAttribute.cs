using System;

namespace Backrun;

/// <summary>
/// Names the tasks that a class runs. Without it their name is the full name of the class, which a rename in the source
/// would change: tasks that a durable store still has would then find no handler.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class BackgroundTaskAttribute : Attribute
{
    /// <summary>Names the tasks of the class.</summary>
    /// <param name="name">1 to 200 bytes of printable UTF-8, for example <c>import-contacts</c>.</param>
    public BackgroundTaskAttribute(string name) => Name = name;

    /// <summary>The task name.</summary>
    public string Name { get; }

    /// <summary>Earlier names: tasks that were accepted under them are run by this class too.</summary>
#pragma warning disable CA1819 // An attribute takes arrays only.
    public string[] Aliases { get; set; } = [];
#pragma warning restore CA1819
}
