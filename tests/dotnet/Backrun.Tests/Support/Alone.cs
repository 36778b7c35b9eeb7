using Xunit;

namespace Backrun.Tests.Support;

/// <summary>The tests that measure what belongs to the whole process: they run when no other does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    internal const string Name = "alone";
}
