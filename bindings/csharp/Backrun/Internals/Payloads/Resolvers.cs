using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;

namespace Backrun.Internals;

/// <summary>MessagePack-CSharp's resolver of members by name, as a type that the guard can stand before.</summary>
internal sealed class ContractlessResolver : IFormatterResolver
{
    public IMessagePackFormatter<T>? GetFormatter<T>() => ContractlessStandardResolver.Instance.GetFormatter<T>();
}

/// <summary>MessagePack-CSharp's resolver of members by key, as a type that the guard can stand before.</summary>
internal sealed class KeyedResolver : IFormatterResolver
{
    public IMessagePackFormatter<T>? GetFormatter<T>() => StandardResolver.Instance.GetFormatter<T>();
}
