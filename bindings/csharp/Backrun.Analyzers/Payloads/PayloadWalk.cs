using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace Backrun.Analyzers;

/// <summary>
/// Looks through a parameters' type for what cannot travel, as MessagePack-CSharp does when it makes the formatter of the type. It says only what is certain of every value of the type, in 2.5 and 3.1
/// alike: a test has real engines serialise each of the cases.
/// </summary>
internal sealed class PayloadWalk
{
    // More than this nobody reads, and it bounds the walk.
    private const int MostProblems = 8;

    private readonly KnownTypes _known;
    private readonly Contract _contract;
    private readonly PayloadKind _kind;
    private readonly ImmutableHashSet<string> _withFormatters;
    private readonly HashSet<ITypeSymbol> _seen = new(SymbolEqualityComparer.Default);
    private readonly ImmutableArray<Problem>.Builder _found = ImmutableArray.CreateBuilder<Problem>();

    private readonly string _root;

    private PayloadWalk(ITypeSymbol parameters, KnownTypes known, Contract contract, PayloadKind kind, ImmutableHashSet<string> withFormatters)
    {
        _root = parameters.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat.RemoveMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier));
        _known = known;
        _contract = contract;
        _kind = kind;
        _withFormatters = withFormatters;
    }

    internal static ImmutableArray<Problem> Look(ITypeSymbol parameters, KnownTypes known, Contract contract, PayloadKind kind, ImmutableHashSet<string> withFormatters)
    {
        PayloadWalk walk = new(parameters, known, contract, kind, withFormatters);
        walk.Look(parameters, walk._root, parameters);
        return walk._found.ToImmutable();
    }

    /// <param name="type">What is written.</param>
    /// <param name="path">Where.</param>
    /// <param name="at">The member, or the parameters' type.</param>
    private void Look(ITypeSymbol type, string path, ISymbol at)
    {
        if (_found.Count == MostProblems)
        {
            return;
        }

        switch (type)
        {
            case IArrayTypeSymbol array:
                if (array.Rank > 4)
                {
                    Add(ProblemKind.NoData, path, $"is an array of {array.Rank} dimensions, of which MessagePack writes up to 4", at);
                }
                else
                {
                    Look(array.ElementType, path + "[]", at);
                }

                break;
            case IPointerTypeSymbol or IFunctionPointerTypeSymbol:
                Add(ProblemKind.NoData, path, "is a pointer, which means nothing to another process", at);
                break;
            case INamedTypeSymbol { TypeKind: not TypeKind.Error } named:
                LookAtNamed(named, path, at);
                break;
        }
    }

    private void LookAtNamed(INamedTypeSymbol type, string path, ISymbol at)
    {
        if (MessagePackNames.IsScalar(type) || type.SpecialType == SpecialType.System_Object || _withFormatters.Contains(MessagePackNames.FullName(type)) || _contract.HasFormatter(type))
        {
            return;
        }

        if (_known.IsConnection(type))
        {
            Add(ProblemKind.Connection, path, string.Empty, at);
        }
        else if (type.IsRefLikeType)
        {
            Add(ProblemKind.NoData, path, "is a ref struct, which cannot be kept", at);
        }
        else if (MessagePackNames.IsContainer(type))
        {
            foreach (ITypeSymbol argument in type.TypeArguments)
            {
                Look(argument, type.OriginalDefinition.SpecialType == SpecialType.System_Nullable_T ? path : path + "[]", at);
            }
        }
        else if (MessagePackNames.WhyNoData(type) is { } reason)
        {
            if (_kind != PayloadKind.Typeless)
            {
                Add(ProblemKind.NoData, path, reason, at);
            }
        }
        else if (type.TypeKind == TypeKind.Interface || type.IsAbstract)
        {
            LookAtAbstract(type, path, at);
        }
        else if (IsCollection(type))
        {
            // A formatter is found by the interfaces of the class, or by rules of its own: nothing here is certain.
        }
        else if (_seen.Add(type))
        {
            LookAtMembers(type, path, at);
        }
    }

    private void LookAtAbstract(INamedTypeSymbol type, string path, ISymbol at)
    {
        if (_kind != PayloadKind.Typeless && !_contract.IsUnion(type) && !MessagePackNames.IsPlainInterface(type))
        {
            Add(
                ProblemKind.Abstract,
                path,
                $"is {(type.TypeKind == TypeKind.Interface ? "of the interface" : "of the abstract class")} '{type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)}' without [Union], which does not say what is in it",
                at);
        }
    }

    private void LookAtMembers(INamedTypeSymbol type, string path, ISymbol at)
    {
        IReadOnlyList<DataMember> members = DataMembers.Of(type, _contract, withPrivate: _kind == PayloadKind.Typeless);
        if (_contract.IsObject(type, out bool byName) && !byName)
        {
            foreach (DataMember member in members)
            {
                if (!_contract.HasKey(member.Symbol))
                {
                    Add(ProblemKind.Key, Inside(path, member), "has neither [Key] nor [IgnoreMember], in a class with [MessagePackObject]", member.Symbol);
                }
                else
                {
                    LookAtMember(member, path);
                }
            }

            return;
        }

        if (!byName && _contract.IsDataContract(type))
        {
            foreach (DataMember member in members.Where(each => _contract.IsDataMember(each.Symbol)))
            {
                LookAtMember(member, path);
            }

            return;
        }

        if (_kind == PayloadKind.Standard && !byName)
        {
            Add(ProblemKind.NoContract, path, $"is of '{type.Name}', which has no [MessagePackObject], and the project says that the engine's format is Standard", at);
        }
        else if (_kind == PayloadKind.Typeless)
        {
            foreach (DataMember member in members.Where(static each => each.IsWritable))
            {
                LookAtMember(member, path);
            }
        }
        else
        {
            LookAtNames(type, members, byName, path, at);
        }
    }

    /// <summary>A class whose public members are written by their names.</summary>
    private void LookAtNames(INamedTypeSymbol type, IReadOnlyList<DataMember> members, bool byName, string path, ISymbol at)
    {
        // Generated formatters of MessagePack 3 see what is internal.
        if (!byName && !type.IsAnonymousType && type.DeclaredAccessibility != Accessibility.Public)
        {
            Add(ProblemKind.NotPublic, path, $"is of '{type.Name}', which is {Words(type.DeclaredAccessibility)}; MessagePack writes public types, others only with [MessagePackFormatter]", type);
            return;
        }

        if (!TryFindConstructor(type, members, out IMethodSymbol? constructor))
        {
            if (!byName)
            {
                Add(ProblemKind.Constructor, path, $"is of '{type.Name}', which has no public constructor whose parameters have the names and types of public members", type);
            }

            return;
        }

        foreach (DataMember member in members)
        {
            if (member.IsWritable || (constructor?.Parameters.Any(each => IsNamed(each, member)) ?? false))
            {
                LookAtMember(member, path);
            }
        }
    }

    private void LookAtMember(DataMember member, string path)
    {
        // One that is only written to is not in the payload, so that nobody asks how it would be read.
        if (member.IsReadable && !_contract.HasFormatter(member.Symbol))
        {
            Look(member.Type, Inside(path, member), member.Symbol);
        }
    }

    /// <param name="type">The class.</param>
    /// <param name="members">Its public members.</param>
    /// <param name="constructor">Null where a value can be made without one.</param>
    /// <returns>Whether values can be made.</returns>
    private bool TryFindConstructor(INamedTypeSymbol type, IReadOnlyList<DataMember> members, out IMethodSymbol? constructor)
    {
        constructor = type.InstanceConstructors.FirstOrDefault(_contract.IsSerialisationConstructor);
        if (constructor is not null)
        {
            // What is wrong with one that was chosen, MessagePack's own analyzer says.
            return true;
        }

        List<IMethodSymbol> candidates = type.InstanceConstructors.Where(each => each.DeclaredAccessibility == Accessibility.Public && !(type.IsValueType && each.IsImplicitlyDeclared && each.Parameters.IsEmpty)).ToList();
        if (candidates.Count == 0)
        {
            return type.IsValueType;
        }

        constructor = candidates.OrderByDescending(static each => each.Parameters.Length).FirstOrDefault(each => each.Parameters.All(parameter => members.Any(member => Fits(parameter, member))));
        return constructor is not null;
    }

    private bool Fits(IParameterSymbol parameter, DataMember member) =>
        IsNamed(parameter, member) && member.IsReadable && _known.Compilation.ClassifyCommonConversion(member.Type, parameter.Type) is { Exists: true, IsUserDefined: false, IsImplicit: true };

    private static bool IsNamed(IParameterSymbol parameter, DataMember member) => string.Equals(parameter.Name, member.Symbol.Name, StringComparison.OrdinalIgnoreCase);

    private static bool IsCollection(INamedTypeSymbol type) => type.AllInterfaces.Any(static each => each.SpecialType == SpecialType.System_Collections_IEnumerable);

    private static string Inside(string path, DataMember member) => $"{path}.{member.Symbol.Name}";

    private static string Words(Accessibility accessibility) => accessibility switch
    {
        Accessibility.Private => "private",
        Accessibility.Protected => "protected",
        _ => "internal",
    };

    private void Add(ProblemKind kind, string path, string reason, ISymbol at)
    {
        if (_found.Count < MostProblems)
        {
            _found.Add(new Problem(kind, path, reason, at, path == _root));
        }
    }
}
