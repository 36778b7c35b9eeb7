using System;
using System.Collections.Generic;
using System.Linq;
using Backrun.Vectors.Making;
using Golden;
using MessagePack;

namespace Backrun.Vectors;

/// <summary>A sort of lines.</summary>
/// <param name="Name">Its lines' ids begin with it.</param>
/// <param name="Weight">How often it comes, beside the others'.</param>
/// <param name="Line">Makes one from random numbers, under that id.</param>
internal sealed record Family(string Name, int Weight, Func<Source, string, string> Line);

/// <summary>All of them.</summary>
internal static class Families
{
    /// <summary>What a program's own class may be, closed over other types.</summary>
    private static readonly Type[] Plain =
    [
        typeof(One<>), typeof(Two<,>), typeof(Four<,,,>), typeof(Struct<>), typeof(Record<,>), typeof(RecordStruct<>), typeof(RecordAndMore<>),
        typeof(ReadOnly<>), typeof(Constructed<>), typeof(Child<>), typeof(Outside<>), typeof(Nothing), typeof(Initialised), typeof(Node),
        typeof(Grandparent), typeof(Parent), typeof(Names), typeof(Sixteen), typeof(LeftOut), typeof(Slots), typeof(Widths), typeof(Invoice),
        typeof(Private), typeof(PrivateBelow), typeof(ListOfInts), typeof(MapOfInts), typeof(SetOfInts),
    ];

    private static readonly Type[] Keyed =
    [
        typeof(KNothing), typeof(KOne<>), typeof(KTwo<,>), typeof(KHoles<,>), typeof(KFar<>), typeof(KVeryFar), typeof(KStruct<>), typeof(KRecord<>),
        typeof(KConstructed<>), typeof(KParent), typeof(KChild<>), typeof(KNode), typeof(KComputed), typeof(KDefaults), typeof(KSlots), typeof(KCalled),
        typeof(KEverything), typeof(STwo<,>), typeof(SNamed<>), typeof(SRecord<>), typeof(SNothing), typeof(SDefaults), typeof(DNamed<>),
        typeof(DOrdered<>), typeof(IShape), typeof(Tree), typeof(Circle), typeof(Branch),
    ];

    public static readonly IReadOnlyList<Family> All =
    [
        new("scalar", 10, (s, id) => Written(s, id, s.Pick(["standard", "standard", "standard", "native", "contractless"]), Types.Scalar(s))),
        new("nested", 12, (s, id) => Written(s, id, "standard", Types.Any(s, s.Between(1, 3)))),
        new("slot", 8, (s, id) => Written(s, id, s.Pick(["standard", "standard", "contractless", "primitive-object"]), typeof(object))),
        new("plain", 10, (s, id) => Written(s, id, s.Pick(["contractless", "contractless", "native-contractless"]), Classes(s, Plain))),
        new("private", 3, (s, id) => Written(s, id, "contractless-private", Classes(s, [.. Plain, typeof(Hidden)]))),
        new("keyed", 10, (s, id) => Written(s, id, s.Pick(["standard", "standard", "native", "contractless", "enumstring"]), Classes(s, Keyed))),
        new("typeless", 10, (s, id) => Typeless(s, id)),
        new("native", 3, (s, id) => Written(s, id, "native", Types.Any(s, s.Below(3), Native))),
        new("enumstring", 3, (s, id) => Written(s, id, "enumstring", Types.Any(s, s.Below(2), Types.Enumeration))),
        new("oldspec", 3, (s, id) => Written(s, id, "standard+oldspec", Types.Any(s, s.Below(3), Old))),
        new("lz4", 4, Lz4),
        new("read-lz4", 3, ReadLz4),
        new("read-code", 12, ReadCode),
        new("read-wide", 4, (s, id) => ReadChanged(s, id, Messages.Widen)),
        new("read-broken", 8, (s, id) => ReadChanged(s, id, Messages.Break)),
        new("read-as", 6, ReadAs),
        new("read-class", 5, ReadClass),
        new("tojson", 10, (s, id) => Lines.ToJson(id, Compressed(s), Message(s))),
        new("fromjson", 8, (s, id) => Lines.FromJson(id, "standard", JsonTexts.Any(s))),
        new("serializetojson", 3, (s, id) => ToJson(s, id)),
    ];

    private static string Written(Source s, string id, string options, Type type) => Lines.Write(id, options, type, Values.Make(s, type));

    private static Type Classes(Source s, Type[] classes)
    {
        Type Class(Source s)
        {
            var type = s.Pick(classes);
            if (!type.IsGenericTypeDefinition)
                return type;
            return type.MakeGenericType([.. type.GetGenericArguments().Select(_ => s.OneIn(5) ? Class(s) : Types.Any(s, s.Below(2)))]);
        }
        return Types.Named(() => s.OneIn(4) ? Types.Any(s, s.Between(1, 2), Class) : Class(s));
    }

    private static Type Native(Source s) =>
        s.Pick([typeof(DateTime), typeof(DateTime?), typeof(Guid), typeof(Guid?), typeof(decimal), typeof(decimal?), typeof(DateTimeOffset), typeof(object)]);

    private static Type Old(Source s) =>
        s.Pick([typeof(string), typeof(string), typeof(byte[]), typeof(byte[]), typeof(Guid), typeof(int), typeof(decimal), typeof(Uri), typeof(DateTime?)]);

    private static string Typeless(Source s, string id)
    {
        var options = s.Pick(["typeless", "typeless", "typeless", "typeless+omitversion"]);
        if (s.OneIn(4))
            return Written(s, id, options, Classes(s, [.. Plain, .. Keyed]));
        Type inside;
        do
            inside = s.OneIn(2) ? Types.Boxed(s, s.Below(3)) : Classes(s, [.. Plain, .. Keyed]);
        while (inside.IsInterface || Nullable.GetUnderlyingType(inside) is not null || IsOdd(inside));
        return Lines.Write(id, options, typeof(object), Values.Make(s, inside));
    }

    /// <summary>What typeless writes as an object of its private members, or reads in another order: the format does not tell that of a list.</summary>
    private static bool IsOdd(Type type)
    {
        var name = type.ToString();
        return name.Contains("Immutable", StringComparison.Ordinal) || name.Contains("Concurrent", StringComparison.Ordinal);
    }

    private static string Compressed(Source s) => s.Pick(["standard", "standard", "standard+lz4block", "standard+lz4blockarray"]);

    private static string Lz4(Source s, string id)
    {
        var options = s.Pick(["standard+lz4block", "standard+lz4blockarray"]);
        var type = s.OneIn(2) ? typeof(List<>).MakeGenericType(Types.Any(s, 1)) : Types.Any(s, 2);
        return Lines.Lz4(id, options, type, Large(s, type));
    }

    /// <summary>A value that is often large enough to be compressed, and at times larger than one block.</summary>
    private static object? Large(Source s, Type type)
    {
        if (!s.OneIn(4) || !type.IsGenericType || type.GetGenericTypeDefinition() != typeof(List<>))
            return Values.Make(s, type);
        var list = (System.Collections.IList)Activator.CreateInstance(type)!;
        var some = Enumerable.Range(0, 5).Select(_ => Values.Make(s, type.GetGenericArguments()[0])).ToArray();
        for (var count = s.Pick([20, 200, 2000]); count > 0; count--)
            list.Add(s.Pick(some));
        return list;
    }

    private static string ReadLz4(Source s, string id)
    {
        var written = OptionNames.Find(s.Pick(["standard+lz4block", "standard+lz4blockarray"]));
        var type = s.Pick([typeof(string), typeof(List<string>), typeof(int[]), typeof(object), typeof(byte[])]);
        object value = type == typeof(byte[])
            ? s.Bytes(s.Between(50, 300))
            : type == typeof(int[])
                ? Enumerable.Range(0, s.Between(20, 300)).ToArray()
                : new string((char)s.Between('a', 'z'), s.Between(50, 300));
        if (type == typeof(List<string>))
            value = new List<string> { (string)value, (string)value };
        var bytes = MessagePackSerializer.Serialize(type, value, written);
        return Lines.Read(id + "~read", Compressed(s), type, s.OneIn(2) ? bytes : Messages.Break(s, bytes));
    }

    /// <summary>Any value's bytes into any type.</summary>
    private static string ReadCode(Source s, string id)
    {
        var type = s.Below(5) switch { 0 => Types.Any(s, 1), 1 => typeof(object), _ => Types.Scalar(s) };
        var options = s.Below(12) switch { 0 => "native", 1 => "enumstring", 2 => "standard+untrusted", 3 => "standard+oldspec", _ => "standard" };
        return Lines.Read(id + "~read", options, type, Messages.Any(s, s.Below(3)));
    }

    private static string ReadChanged(Source s, string id, Func<Source, byte[], byte[]> change)
    {
        var type = Types.Any(s, s.Below(3));
        return Lines.Read(id + "~read", s.OneIn(10) ? "standard+untrusted" : "standard", type, change(s, Bytes(s, "standard", type, 300)));
    }

    /// <summary>The bytes of a value of that type which has a form in this version and is not too long to be told.</summary>
    private static byte[] Bytes(Source s, string options, Type type, int limit)
    {
        for (var tries = 0; tries < 20; tries++)
        {
            try
            {
                var bytes = MessagePackSerializer.Serialize(type, Values.Make(s, type), OptionNames.Find(options));
                if (bytes.Length <= limit)
                    return bytes;
            }
            catch (MessagePackSerializationException)
            {
                break;
            }
        }
        return [0xc0];
    }

    /// <summary>What was written as one type, read as a type that is near.</summary>
    private static string ReadAs(Source s, string id)
    {
        var part = s.OneIn(2) ? typeof(int) : Types.Key(s);
        var other = s.OneIn(2) ? part : Types.Key(s);
        Type Near(Type inner) => s.Below(8) switch
        {
            0 or 1 => s.Pick(Types.Sequences).MakeGenericType(inner),
            2 => inner.MakeArrayType(),
            3 => s.Pick(Types.Maps).MakeGenericType(part, inner),
            4 => typeof(Tuple<,>).MakeGenericType(inner, inner),
            5 => typeof(ValueTuple<,>).MakeGenericType(part, inner),
            6 => typeof(KeyValuePair<,>).MakeGenericType(part, inner),
            _ => s.OneIn(2) ? typeof(object) : inner,
        };
        var bytes = Bytes(s, "standard", Near(part), 300);
        if (s.OneIn(4) && bytes.Length > 1)
            bytes = [bytes[0], .. bytes[1..], .. bytes[1..]]; // more than the header says: a rest, or doubled elements
        if (s.OneIn(4) && bytes[0] is > 0x80 and < 0x88 or > 0x90 and < 0x98)
            bytes = [(byte)((bytes[0] & 0xf0) | ((bytes[0] & 7) * 2)), .. bytes[1..], .. bytes[1..]]; // every key twice
        return Lines.Read(id + "~read", s.OneIn(8) ? "standard+untrusted" : "standard", Near(other), bytes);
    }

    private static string ReadClass(Source s, string id)
    {
        var options = s.Pick(["standard", "contractless", "typeless"]);
        var type = Classes(s, options == "standard" ? Keyed : [.. Plain, .. Keyed]);
        var bytes = Bytes(s, options, options == "typeless" && s.OneIn(2) ? typeof(object) : type, 400);
        bytes = s.Below(3) switch { 0 => bytes, 1 => Messages.Widen(s, bytes), _ => Messages.Break(s, bytes) };
        return Lines.Read(id + "~read", options, type, bytes);
    }

    private static byte[] Message(Source s)
    {
        var message = s.Below(6) switch
        {
            0 => Bytes(s, "typeless", typeof(object), 600),
            1 => Bytes(s, Compressed(s), Types.Any(s, 2), 600),
            _ => Messages.Any(s, s.Below(4)),
        };
        return s.OneIn(8) ? Messages.Break(s, message) : message;
    }

    private static string ToJson(Source s, string id)
    {
        var options = s.Pick(["standard", "contractless", "typeless", "native"]);
        var type = options is "standard" or "native" ? Types.Any(s, 2) : Classes(s, [.. Plain, .. Keyed]);
        return Lines.SerializeToJson(id, options, type, Values.Make(s, type));
    }
}
