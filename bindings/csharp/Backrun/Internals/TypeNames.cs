using System;
using System.Linq;
using System.Text;

namespace Backrun.Internals;

/// <summary>
/// The names of types as tasks carry them: the full name and, for generic types, the full names of the arguments; never an assembly or a version, so that a new
/// version of either still finds its tasks.
/// </summary>
internal static class TypeNames
{
    internal static string Of(Type type)
    {
        if (type.IsArray)
        {
            return $"{Of(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        }

        if (!type.IsGenericType)
        {
            return type.FullName ?? type.Name;
        }

        // Outer`1+Inner`2 has the arguments of both in one list.
        string open = type.GetGenericTypeDefinition().FullName ?? type.Name;
        Type[] arguments = type.GetGenericArguments();
        StringBuilder name = new();
        int used = 0;
        for (int at = 0; at < open.Length;)
        {
            if (open[at] != '`')
            {
                name.Append(open[at++]);
                continue;
            }

            int count = 0;
            for (at++; at < open.Length && char.IsAsciiDigit(open[at]); at++)
            {
                count = (count * 10) + (open[at] - '0');
            }

            name.Append('<').AppendJoin(',', arguments.Skip(used).Take(count).Select(Of)).Append('>');
            used += count;
        }

        return name.ToString();
    }
}
