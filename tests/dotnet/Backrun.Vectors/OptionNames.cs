using System;
using System.Collections.Concurrent;
using MessagePack;
using MessagePack.Resolvers;

namespace Backrun.Vectors;

/// <summary>The serializer's options, by the names that the lines give them.</summary>
internal static class OptionNames
{
    private static readonly IFormatterResolver[] Natives =
        [NativeDateTimeResolver.Instance, NativeGuidResolver.Instance, NativeDecimalResolver.Instance];

    private static readonly ConcurrentDictionary<string, MessagePackSerializerOptions> Known = new();

    public static MessagePackSerializerOptions Find(string name) => Known.GetOrAdd(name, Make);

    private static MessagePackSerializerOptions Make(string name)
    {
        var parts = name.Split('+');
        var options = MessagePackSerializerOptions.Standard.WithResolver(Resolver(parts[0]));
        foreach (var part in parts[1..])
        {
            options = part switch
            {
                "oldspec" => options.WithOldSpec(true),
                "lz4block" => options.WithCompression(MessagePackCompression.Lz4Block),
                "lz4blockarray" => options.WithCompression(MessagePackCompression.Lz4BlockArray),
                "omitversion" => options.WithOmitAssemblyVersion(true),
                "allowmismatch" => options.WithAllowAssemblyVersionMismatch(true),
                "untrusted" => options.WithSecurity(MessagePackSecurity.UntrustedData),
                _ => throw new ArgumentException($"There is no option {part}.", nameof(name)),
            };
        }
        return options;
    }

    private static IFormatterResolver Resolver(string name) => name switch
    {
        "standard" => StandardResolver.Instance,
        "standard-private" => StandardResolverAllowPrivate.Instance,
        "contractless" => ContractlessStandardResolver.Instance,
        "contractless-private" => ContractlessStandardResolverAllowPrivate.Instance,
        "typeless" => TypelessContractlessStandardResolver.Instance,
        "native" => CompositeResolver.Create([.. Natives, StandardResolver.Instance]),
        "native-contractless" => CompositeResolver.Create([.. Natives, ContractlessStandardResolver.Instance]),
        "enumstring" => CompositeResolver.Create(DynamicEnumAsStringResolver.Instance, StandardResolver.Instance),
        "primitive-object" => PrimitiveObjectResolver.Instance,
        _ => throw new ArgumentException($"There are no options {name}.", nameof(name)),
    };
}
