using System;
using System.Buffers;
using System.Collections;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Dynamic;
using System.Globalization;
using System.Linq;
using System.Numerics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using MessagePack;

namespace Backrun.Vectors.Text;

/// <summary>Values as the lines of the golden vectors tell them: tests/golden/README.md lists the tags.</summary>
internal static class Describe
{
    private const BindingFlags Own =
        BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    public static string Value(object? value)
    {
        var json = new Json();
        Write(json, value);
        return json.ToString();
    }

    private static void Write(Json json, object? value)
    {
        if (!Scalar(json, value!) && !Bytes(json, value!) && !Wrapped(json, value!) && !Many(json, value!))
            Members(json, value!);
    }

    private static bool Scalar(Json json, object? value)
    {
        switch (value)
        {
            case null: json.Raw("null"); break;
            case bool truth: json.Truth(truth); break;
            case string text: json.Text(text); break;
            case Enum number: WriteEnum(json, number); break;
            case sbyte number: json.Tag("i8", Digits(number)); break;
            case byte number: json.Tag("u8", Digits(number)); break;
            case short number: json.Tag("i16", Digits(number)); break;
            case ushort number: json.Tag("u16", Digits(number)); break;
            case int number: json.Tag("i32", Digits(number)); break;
            case uint number: json.Tag("u32", Digits(number)); break;
            case long number: json.Tag("i64", Digits(number)); break;
            case ulong number: json.Tag("u64", Digits(number)); break;
            case Int128 number: json.Tag("i128", Digits(number)); break;
            case UInt128 number: json.Tag("u128", Digits(number)); break;
            case BigInteger number: json.Tag("bigint", Digits(number)); break;
            case Half number: WriteFloat(json, "f16", Digits(number), $"{BitConverter.HalfToUInt16Bits(number):x4}"); break;
            case float number: WriteFloat(json, "f32", Digits(number), $"{BitConverter.SingleToUInt32Bits(number):x8}"); break;
            case double number: WriteFloat(json, "f64", Digits(number), $"{BitConverter.DoubleToUInt64Bits(number):x16}"); break;
            case char unit: json.Open('{').Name("char").Number(unit).Close('}'); break;
            case Rune rune: json.Open('{').Name("rune").Number(rune.Value).Close('}'); break;
            case decimal number: WriteDecimal(json, number); break;
            case Guid guid: json.Tag("guid", guid.ToString()); break;
            case Uri uri: json.Tag("uri", uri.OriginalString); break;
            case Version version: json.Tag("version", version.ToString()); break;
            case Type type: json.Tag("type", type.FullName!); break;
            case StringBuilder text: json.Tag("stringbuilder", text.ToString()); break;
            case Nil: json.Open('{').Name("nil").Truth(true).Close('}'); break;
            case Complex number: WriteComplex(json, number); break;
            case BitArray bits: json.Tag("bits", string.Concat(bits.Cast<bool>().Select(bit => bit ? '1' : '0'))); break;
            case DateTime time: WriteTime(json, time); break;
            case DateTimeOffset time: WriteTime(json, time); break;
            case TimeSpan span: json.Tag("timespan_ticks", Digits(span.Ticks)); break;
            case DateOnly date: WriteDate(json, date); break;
            case TimeOnly time: json.Tag("timeonly_ticks", Digits(time.Ticks)); break;
            default: return false;
        }
        return true;
    }

    private static string Digits(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private static void WriteFloat(Json json, string tag, string text, string bits) =>
        json.Open('{').Name(tag).Text(text).Name("bits").Text(bits).Close('}');

    private static void WriteEnum(Json json, Enum value)
    {
        var underlying = Enum.GetUnderlyingType(value.GetType());
        var number = Digits((IFormattable)Convert.ChangeType(value, underlying, CultureInfo.InvariantCulture));
        json.Open('{').Name("enum").Text(TypeName.Of(value.GetType()));
        json.Name("underlying").Text(TypeName.Of(underlying));
        json.Name("n").Text(number).Name("text").Text(value.ToString()).Close('}');
    }

    private static void WriteDecimal(Json json, decimal number)
    {
        json.Open('{').Name("decimal").Text(Digits(number)).Name("bits").Open('[');
        foreach (var word in decimal.GetBits(number))
            json.Text(word.ToString("x8", CultureInfo.InvariantCulture));
        json.Close(']').Close('}');
    }

    private static void WriteComplex(Json json, Complex number)
    {
        json.Open('{').Name("complex").Open('[');
        Write(json, number.Real);
        Write(json, number.Imaginary);
        json.Close(']').Close('}');
    }

    private static void WriteTime(Json json, DateTime time)
    {
        var text = time.ToString("yyyy-MM-ddTHH:mm:ss.fffffff", CultureInfo.InvariantCulture);
        json.Open('{').Name("datetime").Text(text).Name("ticks").Text(Digits(time.Ticks));
        json.Name("kind").Text(time.Kind.ToString()).Close('}');
    }

    private static void WriteTime(Json json, DateTimeOffset time)
    {
        json.Open('{').Name("datetimeoffset").Text(time.ToString("o", CultureInfo.InvariantCulture));
        json.Name("local_ticks").Text(Digits(time.Ticks));
        json.Name("offset_min").Number((long)time.Offset.TotalMinutes).Close('}');
    }

    private static void WriteDate(Json json, DateOnly date)
    {
        json.Open('{').Name("dateonly").Text(date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        json.Name("day").Number(date.DayNumber).Close('}');
    }

    private static bool Bytes(Json json, object value)
    {
        byte[]? bytes = value switch
        {
            byte[] array when array.GetType() == typeof(byte[]) => array, // an sbyte[] passes for one
            Memory<byte> memory => memory.ToArray(),
            ReadOnlyMemory<byte> memory => memory.ToArray(),
            ReadOnlySequence<byte> sequence => sequence.ToArray(),
            ArraySegment<byte> { Array: not null } segment => segment.ToArray(),
            _ => null,
        };
        if (bytes is not null)
            json.Tag("bytes", Convert.ToHexStringLower(bytes));
        return bytes is not null;
    }

    /// <summary>What is something around others, and no sequence of them.</summary>
    private static bool Wrapped(Json json, object value)
    {
        var type = value.GetType();
        var open = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        if (value is ITuple tuple && type.Namespace == "System")
        {
            json.Open('{').Name("tuple").Open('[');
            for (var i = 0; i < tuple.Length; i++)
                Write(json, tuple[i]);
            json.Close(']').Close('}');
        }
        else if (open == typeof(KeyValuePair<,>))
        {
            json.Open('{').Name("pair");
            WritePair(json, value);
            json.Close('}');
        }
        else if (open == typeof(Lazy<>))
        {
            json.Open('{').Name("lazy");
            Write(json, Get(value, "Value"));
            json.Close('}');
        }
        else if (IsDefault(value, open))
        {
            json.Tag("default", open == typeof(ImmutableArray<>) ? "ImmutableArray" : TypeName.Of(type));
        }
        else if (Implements(type, typeof(IGrouping<,>)))
        {
            json.Open('{').Name("grouping_key");
            Write(json, Get(value, "Key"));
            json.Name("items");
            WriteAll(json, (IEnumerable)value);
            json.Close('}');
        }
        else
        {
            return false;
        }
        return true;
    }

    private static bool IsDefault(object value, Type? open) =>
        (open == typeof(ImmutableArray<>) && (bool)Get(value, "IsDefault")!)
        || (open == typeof(ArraySegment<>) && Get(value, "Array") is null);

    private static object? Get(object value, string property) =>
        value.GetType().GetProperty(property)!.GetValue(value);

    private static void WritePair(Json json, object pair)
    {
        json.Open('[');
        Write(json, Get(pair, "Key"));
        Write(json, Get(pair, "Value"));
        json.Close(']');
    }

    private static bool Many(Json json, object value)
    {
        var type = value.GetType();
        if (value is Array array && array.Rank > 1)
        {
            json.Open('{').Name("dims").Open('[');
            for (var i = 0; i < array.Rank; i++)
                json.Number(array.GetLength(i));
            json.Close(']').Name("items");
            WriteAll(json, array);
            json.Close('}');
        }
        else if (value is IDictionary or ExpandoObject || IsDictionary(type))
        {
            json.Open('{').Name("map").Open('[');
            foreach (var pair in (IEnumerable)value)
            {
                if (pair is DictionaryEntry entry)
                {
                    json.Open('[');
                    Write(json, entry.Key);
                    Write(json, entry.Value);
                    json.Close(']');
                }
                else
                {
                    WritePair(json, pair);
                }
            }
            json.Close(']').Close('}');
        }
        else if (value is IEnumerable many)
        {
            WriteAll(json, many);
        }
        else if (type.IsGenericType && type.Namespace == "System" && type.GetMethod("ToArray", Type.EmptyTypes) is { } copy)
        {
            WriteAll(json, (IEnumerable)copy.Invoke(value, null)!); // Memory<T>, ReadOnlyMemory<T>
        }
        else if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ReadOnlySequence<>))
        {
            var sequence = typeof(BuffersExtensions).GetMethod("ToArray")!.MakeGenericMethod(type.GetGenericArguments());
            WriteAll(json, (IEnumerable)sequence.Invoke(null, [value])!);
        }
        else
        {
            return false;
        }
        return true;
    }

    private static void WriteAll(Json json, IEnumerable many)
    {
        json.Open('[');
        foreach (var one in many)
            Write(json, one);
        json.Close(']');
    }

    private static bool IsDictionary(Type type) =>
        Implements(type, typeof(IReadOnlyDictionary<,>)) || Implements(type, typeof(IDictionary<,>));

    private static bool Implements(Type type, Type open) =>
        type.GetInterfaces().Append(type).Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == open);

    private static void Members(Json json, object value)
    {
        json.Open('{').Name("object").Text(TypeName.Of(value.GetType())).Name("members").Open('[');
        var told = new HashSet<MethodInfo>();
        foreach (var type in FromTheBase(value.GetType()))
        {
            foreach (var property in type.GetProperties(Own).Where(p => IsTold(p) && told.Add(p.GetMethod!.GetBaseDefinition())))
                WriteMember(json, property.Name, property.GetValue(value));
            foreach (var field in type.GetFields(Own).Where(f => !f.IsDefined(typeof(CompilerGeneratedAttribute))))
                WriteMember(json, field.Name, field.GetValue(value));
        }
        json.Close(']').Close('}');
    }

    private static bool IsTold(PropertyInfo property) =>
        property.GetMethod is not null && property.GetIndexParameters().Length == 0 && property.Name != "EqualityContract"
        && !property.IsDefined(typeof(CompilerGeneratedAttribute));

    private static void WriteMember(Json json, string name, object? value)
    {
        json.Open('[').Text(name);
        Write(json, value);
        json.Close(']');
    }

    private static IEnumerable<Type> FromTheBase(Type type)
    {
        var line = new List<Type>();
        for (var at = type; at is not null && at != typeof(object) && at != typeof(ValueType); at = at.BaseType)
            line.Insert(0, at);
        return line;
    }
}
