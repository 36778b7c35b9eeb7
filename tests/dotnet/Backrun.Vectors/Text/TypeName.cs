using System;
using System.Collections.Generic;
using System.Linq;

namespace Backrun.Vectors.Text;

/// <summary>Types as C# writes them, without namespaces: <c>Dictionary&lt;string,int?[]&gt;</c>.</summary>
internal static class TypeName
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(bool)] = "bool",
        [typeof(sbyte)] = "sbyte",
        [typeof(byte)] = "byte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(char)] = "char",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    public static string Of(Type type)
    {
        if (Keywords.TryGetValue(type, out var keyword))
            return keyword;
        if (type.IsArray)
            return OfArray(type);
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Of(underlying) + "?";
        // A type of .NET that is not public, such as what LINQ makes, is told by what can be done with it.
        var arguments = new Queue<Type>(type.GetGenericArguments());
        var names = new List<string>();
        foreach (var part in Around(type))
        {
            var bare = part.Name.Split('`')[0];
            var own = part.GetGenericArguments().Length - (part.DeclaringType?.GetGenericArguments().Length ?? 0);
            if (own > 0)
                bare += "<" + string.Join(",", Enumerable.Range(0, own).Select(_ => Of(arguments.Dequeue()))) + ">";
            names.Add(bare);
        }
        return string.Join(".", names);
    }

    // C# tells the outermost array first, reflection the innermost.
    private static string OfArray(Type type)
    {
        var ranks = "";
        while (type.IsArray)
        {
            ranks += "[" + new string(',', type.GetArrayRank() - 1) + "]";
            type = type.GetElementType()!;
        }
        return Of(type) + ranks;
    }

    private static IEnumerable<Type> Around(Type type)
    {
        if (type.DeclaringType is not null)
        {
            foreach (var outer in Around(type.DeclaringType))
                yield return outer;
        }
        yield return type;
    }
}
