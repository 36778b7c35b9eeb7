using System;
using System.Collections.Generic;
using Microsoft.CodeAnalysis;

namespace Backrun.Analyzers;

/// <summary>The members of a type that MessagePack looks at, those of its base classes too.</summary>
internal static class DataMembers
{
    internal static IReadOnlyList<DataMember> Of(ITypeSymbol type, Contract contract, bool withPrivate)
    {
        List<DataMember> found = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (ITypeSymbol? each = type; each is not null && each.SpecialType is not (SpecialType.System_Object or SpecialType.System_ValueType); each = each.BaseType)
        {
            foreach (ISymbol member in each.GetMembers())
            {
                if (DataMember.Of(member, withPrivate) is { } made && seen.Add(member.Name) && !contract.IsIgnored(member))
                {
                    found.Add(made);
                }
            }
        }

        return found;
    }
}

/// <summary>A property or a field that MessagePack looks at.</summary>
internal sealed class DataMember(ISymbol symbol, ITypeSymbol type, bool isReadable, bool isWritable)
{
    internal ISymbol Symbol { get; } = symbol;

    internal ITypeSymbol Type { get; } = type;

    internal bool IsReadable { get; } = isReadable;

    internal bool IsWritable { get; } = isWritable;

    internal static DataMember? Of(ISymbol member, bool withPrivate)
    {
        if (member.IsStatic)
        {
            return null;
        }

        bool Sees(ISymbol? part) => part is not null && (withPrivate || part.DeclaredAccessibility == Accessibility.Public);
        switch (member)
        {
            case IPropertySymbol { IsIndexer: false, ReturnsByRef: false, ReturnsByRefReadonly: false } property:
                bool isReadable = Sees(property.GetMethod);
                bool isWritable = Sees(property.SetMethod);
                return isReadable || isWritable ? new DataMember(property, property.Type, isReadable, isWritable) : null;
            case IFieldSymbol { IsImplicitlyDeclared: false } field when Sees(field):
                return new DataMember(field, field.Type, isReadable: true, withPrivate || !field.IsReadOnly);
            default:
                return null;
        }
    }
}
