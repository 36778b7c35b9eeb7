using MessagePack;
using MessagePack.Resolvers;

namespace Backrun.Benchmarks.Contenders;

internal static class Formats
{
    /// <summary>The serialiser's options that Backrun uses for a format.</summary>
    public static MessagePackSerializerOptions OptionsOf(PayloadFormat format) => format switch
    {
        PayloadFormat.Standard => MessagePackSerializerOptions.Standard,
        PayloadFormat.Typeless => TypelessContractlessStandardResolver.Options,
        _ => ContractlessStandardResolver.Options,
    };
}
