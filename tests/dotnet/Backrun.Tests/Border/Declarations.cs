using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using Backrun.Native;

namespace Backrun.Tests.Border;

/// <summary>What C# declares of the border, with its types spelt out.</summary>
internal static class Declarations
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(nuint)] = "nuint",
        [typeof(double)] = "double",
        [typeof(float)] = "float",
        [typeof(ushort)] = "ushort",
        [typeof(void)] = "void",
        [typeof(byte)] = "byte",
    };

    internal static IReadOnlyDictionary<string, string> Functions { get; } = typeof(NativeMethods)
        .GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly)
        .Where(static method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
        .ToDictionary(static method => method.Name, Signature, StringComparer.Ordinal);

    /// <summary>The structs that have fields: those without are only pointed to.</summary>
    internal static IReadOnlyDictionary<string, Type> Structs { get; } = typeof(NativeMethods).Assembly.GetTypes()
        .Where(static type => type.IsValueType && type.Name.StartsWith("backrun_", StringComparison.Ordinal) && FieldsOf(type).Length != 0)
        .ToDictionary(static type => type.Name, static type => type, StringComparer.Ordinal);

    internal static FieldInfo[] FieldsOf(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

    internal static string TypeOf(FieldInfo field) => Spell(field.GetModifiedFieldType());

    private static string Signature(MethodInfo method) =>
        $"{Spell(method.ReturnParameter.GetModifiedParameterType())} ({string.Join(", ", method.GetParameters().Select(static parameter => Spell(parameter.GetModifiedParameterType())))})";

    private static string Spell(Type type)
    {
        if (type.IsPointer)
        {
            return Spell(type.GetElementType()!) + "*";
        }

        if (type.IsFunctionPointer)
        {
            string convention = string.Join(", ", type.GetFunctionPointerCallingConventions().Select(static each => each.Name.Replace("CallConv", string.Empty, StringComparison.Ordinal)));
            IEnumerable<string> types = type.GetFunctionPointerParameterTypes().Append(type.GetFunctionPointerReturnType()).Select(Spell);
            return $"delegate* unmanaged[{(type.IsUnmanagedFunctionPointer ? convention : "managed")}]<{string.Join(", ", types)}>";
        }

        Type plain = type.UnderlyingSystemType;
        return Keywords.GetValueOrDefault(plain, plain.Name);
    }
}
