using System;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using System.Text;
using MessagePack;
using MessagePack.Formatters;

namespace Backrun.Internals;

/// <summary>A type that payloads may name: its name as they have it, and its formatter.</summary>
internal abstract class NamedType
{
    /// <summary>The longest name in bytes: one is read to its end before anything else is known of it.</summary>
    internal const int MostBytes = 8192;

    private protected NamedType(Type type)
    {
        Name = Encoding.UTF8.GetBytes(Qualified(type));
        if (Name.Length > MostBytes)
        {
            throw new MessagePackSerializationException($"The name of {TypeNames.Of(type)} takes {Name.Length} bytes; payloads may name types with up to {MostBytes}.");
        }
    }

    /// <summary>The assembly-qualified name without versions, in UTF-8.</summary>
    internal byte[] Name { get; }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "See Formatters: the application's own call names the types.")]
    [UnconditionalSuppressMessage("Trimming", "IL2055", Justification = "NamedType<T> asks nothing of T.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "PayloadFormat.Typeless is not for NativeAOT, as its documentation says.")]
    internal static NamedType Of(Type type) => (NamedType)Activator.CreateInstance(typeof(NamedType<>).MakeGenericType(type), nonPublic: true)!;

    /// <summary>Writes a value of exactly this type, without the name.</summary>
    internal abstract void Write(ref MessagePackWriter writer, object value, MessagePackSerializerOptions options);

    // As MessagePack-CSharp writes with OmitAssemblyVersion.
    private static string Qualified(Type type) => $"{Full(type)}, {type.Assembly.GetName().Name}";

    private static string Full(Type type)
    {
        if (type.IsArray)
        {
            return $"{Full(type.GetElementType()!)}{(type.IsSZArray ? "[]" : type.GetArrayRank() == 1 ? "[*]" : $"[{new string(',', type.GetArrayRank() - 1)}]")}";
        }

        return type.IsConstructedGenericType
            ? $"{type.GetGenericTypeDefinition().FullName}[{string.Join(',', type.GenericTypeArguments.Select(static argument => $"[{Qualified(argument)}]"))}]"
            : type.FullName!;
    }
}

/// <inheritdoc/>
#pragma warning disable MA0048 // The same, with its type known.
internal sealed class NamedType<T> : NamedType
{
    private IMessagePackFormatter<T>? _formatter;

    public NamedType()
        : base(typeof(T))
    {
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "See Formatters: the application's own call names the types.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "PayloadFormat.Typeless is not for NativeAOT, as its documentation says.")]
    internal override void Write(ref MessagePackWriter writer, object value, MessagePackSerializerOptions options) =>
        (_formatter ??= options.Resolver.GetFormatterWithVerify<T>()).Serialize(ref writer, (T)value, options);
}
