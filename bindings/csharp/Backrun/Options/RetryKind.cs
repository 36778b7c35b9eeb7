namespace Backrun;

/// <summary>How the delay before the next attempt grows.</summary>
public enum RetryKind
{
    /// <summary>It stays the same.</summary>
    Fixed = 1,

    /// <summary>It doubles with each attempt, up to <see cref="RetryPolicy.MaxDelay"/>. The default.</summary>
    Exponential = 2,
}
