using System.Linq;
using Microsoft.CodeAnalysis;

namespace Backrun.Analyzers;

/// <summary>The attributes by which a type says how MessagePack is to write it.</summary>
internal sealed class Contract(Compilation compilation)
{
    private readonly INamedTypeSymbol? _object = compilation.GetTypeByMetadataName("MessagePack.MessagePackObjectAttribute");
    private readonly INamedTypeSymbol? _key = compilation.GetTypeByMetadataName("MessagePack.KeyAttribute");
    private readonly INamedTypeSymbol? _union = compilation.GetTypeByMetadataName("MessagePack.UnionAttribute");
    private readonly INamedTypeSymbol? _formatter = compilation.GetTypeByMetadataName("MessagePack.MessagePackFormatterAttribute");
    private readonly INamedTypeSymbol? _constructor = compilation.GetTypeByMetadataName("MessagePack.SerializationConstructorAttribute");
    private readonly INamedTypeSymbol? _ignored = compilation.GetTypeByMetadataName("MessagePack.IgnoreMemberAttribute");
    private readonly INamedTypeSymbol? _dataContract = compilation.GetTypeByMetadataName("System.Runtime.Serialization.DataContractAttribute");
    private readonly INamedTypeSymbol? _dataMember = compilation.GetTypeByMetadataName("System.Runtime.Serialization.DataMemberAttribute");
    private readonly INamedTypeSymbol? _dataIgnored = compilation.GetTypeByMetadataName("System.Runtime.Serialization.IgnoreDataMemberAttribute");
    private readonly INamedTypeSymbol? _nonSerialized = compilation.GetTypeByMetadataName("System.NonSerializedAttribute");

    internal bool HasFormatter(ISymbol symbol) => Has(symbol, _formatter);

    internal bool IsUnion(ITypeSymbol type) => Has(type, _union);

    internal bool IsDataContract(ITypeSymbol type) => Has(type, _dataContract);

    internal bool IsDataMember(ISymbol member) => Has(member, _dataMember);

    internal bool IsSerialisationConstructor(IMethodSymbol constructor) => Has(constructor, _constructor);

    internal bool IsIgnored(ISymbol member) => Has(member, _ignored) || Has(member, _dataIgnored) || Has(member, _nonSerialized);

    /// <summary>Properties inherit the attribute from what they override.</summary>
    internal bool HasKey(ISymbol member)
    {
        for (ISymbol? each = member; each is not null; each = (each as IPropertySymbol)?.OverriddenProperty)
        {
            if (Has(each, _key))
            {
                return true;
            }
        }

        return false;
    }

    /// <param name="type">Any.</param>
    /// <param name="byName">Whether its members are written by their names, without keys.</param>
    internal bool IsObject(ITypeSymbol type, out bool byName)
    {
        AttributeData? attribute = type.GetAttributes().FirstOrDefault(each => _object is not null && SymbolEqualityComparer.Default.Equals(each.AttributeClass, _object));
        byName = attribute is not null
            && (attribute.ConstructorArguments.Any(static each => each.Value is true) || attribute.NamedArguments.Any(static each => each is { Key: "KeyAsPropertyName", Value.Value: true }));
        return attribute is not null;
    }

    private static bool Has(ISymbol symbol, INamedTypeSymbol? attribute)
    {
        if (attribute is null)
        {
            return false;
        }

        foreach (AttributeData each in symbol.GetAttributes())
        {
            if (SymbolEqualityComparer.Default.Equals(each.AttributeClass, attribute))
            {
                return true;
            }
        }

        return false;
    }
}
