using System;
using System.Collections;
using System.Collections.Generic;
using System.Dynamic;
using System.Linq;
using Backrun.Vectors.Making;

namespace Backrun.Vectors.Text;

/// <summary>Finds the type of a name that <see cref="TypeName"/> gave, or somebody who writes as C# does.</summary>
internal static class TypeNames
{
    private static readonly Dictionary<string, Type> Known = AllKnown();

    private static Dictionary<string, Type> AllKnown()
    {
        Type[] others =
        [
            typeof(object), typeof(Int128), typeof(UInt128), typeof(System.Text.Rune), typeof(Lazy<>), typeof(IGrouping<,>), typeof(KeyValuePair<,>),
            typeof(ArrayList), typeof(Hashtable), typeof(IList), typeof(IDictionary), typeof(IEnumerable), typeof(ICollection),
            typeof(ExpandoObject),
        ];
        Type[] all = [.. Scalars.Types, .. Types.Sequences, .. Types.Maps, .. Types.TupleTypes, .. Types.EnumTypes, .. others];
        var known = new Dictionary<string, Type>();
        foreach (var type in all.Where(t => !t.IsArray))
            known[Key(Bare(type), type.GetGenericArguments().Length)] = type;
        return known;
    }

    private static string Bare(Type type) => type.IsGenericTypeDefinition ? type.Name.Split('`')[0] : TypeName.Of(type);

    private static string Key(string name, int arguments) => $"{name}`{arguments}";

    public static Type Find(string name)
    {
        var at = 0;
        var type = Parse(name, ref at);
        return at == name.Length ? type : throw new FormatException($"'{name}' is no type's name: what begins at character {at}?");
    }

    private static Type Parse(string name, ref int at)
    {
        var begun = at;
        while (at < name.Length && (char.IsLetterOrDigit(name[at]) || name[at] is '_' or '.'))
            at++;
        var bare = name[begun..at];
        var arguments = new List<Type>();
        if (Take(name, ref at, '<'))
        {
            do
                arguments.Add(Parse(name, ref at));
            while (Take(name, ref at, ','));
            if (!Take(name, ref at, '>'))
                throw new FormatException($"'{name}' is no type's name: > is missing at character {at}.");
        }
        if (!Known.TryGetValue(Key(bare, arguments.Count), out var type))
            throw new FormatException($"'{name}': there is no type {bare} with {arguments.Count} arguments.");
        if (arguments.Count > 0)
            type = type.MakeGenericType([.. arguments]);
        if (Take(name, ref at, '?'))
            type = typeof(Nullable<>).MakeGenericType(type);
        return Ranked(name, ref at, type);
    }

    // The outermost array comes first, and is made last.
    private static Type Ranked(string name, ref int at, Type element)
    {
        if (!Take(name, ref at, '['))
            return element;
        var rank = 1;
        while (Take(name, ref at, ','))
            rank++;
        if (!Take(name, ref at, ']'))
            throw new FormatException($"'{name}' is no type's name: ] is missing at character {at}.");
        var inner = Ranked(name, ref at, element);
        return rank == 1 ? inner.MakeArrayType() : inner.MakeArrayType(rank);
    }

    private static bool Take(string name, ref int at, char due)
    {
        if (at >= name.Length || name[at] != due)
            return false;
        at++;
        return true;
    }
}
