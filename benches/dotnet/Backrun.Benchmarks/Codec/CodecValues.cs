using System;
using System.Linq;
using Backrun.Benchmarks.Work;

namespace Backrun.Benchmarks.Codec;

/// <summary>The values of the codec's scenarios, which are those of benches/codec/src/values.rs.</summary>
internal static class CodecValues
{
    public static NamedParameters Named() => new()
    {
        Id = new Guid("00112233-4455-6677-8899-aabbccddeeff"),
        Name = "import of contacts 7",
        Count = 1234,
        At = new DateTime(638_397_614_456_789_012, DateTimeKind.Utc),
        Tags = ["crm", "nightly", "eu-west"],
    };

    public static KeyedParameters Keyed()
    {
        NamedParameters named = Named();
        return new() { Id = named.Id, Name = named.Name, Count = named.Count, At = named.At, Tags = named.Tags };
    }

    public static NamedParameters[] List() => [.. Enumerable.Range(0, 1000).Select(_ => Named())];

    /// <summary>1 MiB of them, without their headers.</summary>
    public static string[] Texts() =>
        [.. Enumerable.Repeat("a text of 64 characters, as it stands in many columns of a table", 16 * 1024)];
}
