using System;
using MessagePack;

namespace Backrun.Internals;

/// <summary>
/// MessagePack-CSharp's options of <see cref="PayloadFormat.Typeless"/>. Of one engine, since each has its own list of types that payloads may name.
/// </summary>
internal sealed class TypelessOptions : MessagePackSerializerOptions
{
    // Without versions in the names: a new version of an assembly, or of .NET, still finds its tasks. It also saves 70 bytes a name.
    private static readonly MessagePackSerializerOptions Template = Standard
        .WithResolver(UserConnectionGuard<TypelessResolver>.Instance)
        .WithOmitAssemblyVersion(true)
        .WithAllowAssemblyVersionMismatch(true);

    internal TypelessOptions(TypelessTypes types, IFormatterResolver? first)
        : base(first is null ? Template : Template.WithResolver(new OwnResolver(first, Template.Resolver))) => Types = types;

    private TypelessOptions(TypelessOptions other)
        : base(other) => Types = other.Types;

    internal TypelessTypes Types { get; }

    /// <summary>Never null: MessagePack-CSharp would look for the type by itself then.</summary>
    public override Type LoadType(string typeName) => Types.Load(typeName);

    public override void ThrowIfDeserializingTypeIsDisallowed(Type type)
    {
        if (!Types.IsKnown(type))
        {
            // What MessagePack-CSharp denies, it denies whatever this engine allows.
            base.ThrowIfDeserializingTypeIsDisallowed(type);
            Types.Check(type);
        }
    }

    /// <summary>How a type is written with its name.</summary>
    /// <exception cref="MessagePackSerializationException">Payloads may not name it.</exception>
    internal NamedType Named(Type type) => Types.Find(type) ?? Types.Know(type, this);

    protected override MessagePackSerializerOptions Clone() => new TypelessOptions(this);
}
