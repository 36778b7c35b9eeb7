namespace Backrun.Testing;

/// <summary>When the tasks of a <see cref="TestEngine"/> run.</summary>
public enum TestMode
{
    /// <summary>At the call: when what starts a task returns, that task has run. What it threw comes out of the call.</summary>
    Inline = 1,

    /// <summary>When the test says so, by <see cref="TestEngine.Drain"/> or <see cref="TestEngine.RunNext"/>. Until then a task is only started, which can be asserted.</summary>
    Manual = 2,
}
