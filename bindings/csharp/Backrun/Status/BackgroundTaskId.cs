using System.Globalization;

namespace Backrun;

/// <summary>The id of a task: a positive number that grows and is never used again within one store.</summary>
/// <param name="Value">The number.</param>
public readonly record struct BackgroundTaskId(long Value)
{
    /// <summary>The number.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
