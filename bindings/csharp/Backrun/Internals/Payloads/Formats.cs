using MessagePack;

namespace Backrun.Internals;

/// <summary>The options of MessagePack-CSharp for the formats that are the same in every engine without formatters of its own.</summary>
internal static class Formats
{
    internal static readonly MessagePackSerializerOptions Contractless =
        MessagePackSerializerOptions.Standard.WithResolver(UserConnectionGuard<ContractlessResolver>.Instance);

    internal static readonly MessagePackSerializerOptions Keyed =
        MessagePackSerializerOptions.Standard.WithResolver(UserConnectionGuard<KeyedResolver>.Instance);
}
