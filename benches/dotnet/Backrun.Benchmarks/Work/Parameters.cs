using System;
using MessagePack;

namespace Backrun.Benchmarks.Work;

/// <summary>
/// Parameters as applications have them: about 100 bytes. Written member by member under integer keys.
/// </summary>
[MessagePackObject]
public sealed class KeyedParameters : ISample<KeyedParameters>
{
    /// <summary>An id.</summary>
    [Key(0)]
    public Guid Id { get; set; }

    /// <summary>20 characters.</summary>
    [Key(1)]
    public string Name { get; set; } = "";

    /// <summary>A number.</summary>
    [Key(2)]
    public int Count { get; set; }

    /// <summary>A time.</summary>
    [Key(3)]
    public DateTime At { get; set; }

    /// <summary>Three short texts.</summary>
    [Key(4)]
    public string[] Tags { get; set; } = [];

    /// <inheritdoc/>
    public static KeyedParameters Sample() => new()
    {
        Id = Guid.NewGuid(),
        Name = "import of contacts 7",
        Count = 1234,
        At = DateTime.UtcNow,
        Tags = ["crm", "nightly", "eu-west"],
    };
}

/// <summary>The same, written under the members' names.</summary>
public sealed class NamedParameters : ISample<NamedParameters>
{
    /// <summary>An id.</summary>
    public Guid Id { get; set; }

    /// <summary>20 characters.</summary>
    public string Name { get; set; } = "";

    /// <summary>A number.</summary>
    public int Count { get; set; }

    /// <summary>A time.</summary>
    public DateTime At { get; set; }

    /// <summary>Three short texts.</summary>
    public string[] Tags { get; set; } = [];

    /// <inheritdoc/>
    public static NamedParameters Sample() => new()
    {
        Id = Guid.NewGuid(),
        Name = "import of contacts 7",
        Count = 1234,
        At = DateTime.UtcNow,
        Tags = ["crm", "nightly", "eu-west"],
    };
}

/// <summary>Parameters that can make an example of themselves.</summary>
/// <typeparam name="TSelf">Their own type.</typeparam>
public interface ISample<TSelf>
{
    /// <summary>Makes an example.</summary>
    static abstract TSelf Sample();
}
