using System;
using System.Collections.Generic;
using MessagePack;
using MessagePack.Resolvers;

namespace Backrun.Benchmarks.Codec;

/// <summary>The codec beside MessagePack-CSharp, on the same values: their bytes are held against each other first.</summary>
internal static class CodecScenarios
{
    private const string Library = "MessagePack-CSharp";
    private const string Serde = "Backrun, serde";
    private const string Encode = "Backrun, Encode";
    private const string Kept = ", buffer kept";
    private const string Rmp = "rmp-serde";

    private static MessagePackSerializerOptions Contractless => ContractlessStandardResolver.Options;

    private static MessagePackSerializerOptions Typeless => TypelessContractlessStandardResolver.Options;

    public static IEnumerable<IScenario> All() =>
    [
        .. Value("contractless", "{Guid, text of 20, int, time, 3 texts} by name", CodecValues.Named, Contractless,
            NativeCodec.Case.ContractlessSerde, NativeCodec.Case.ContractlessEncode, NativeCodec.Case.ContractlessRmp),
        .. Value("int-keys", "the same by number", CodecValues.Keyed, MessagePackSerializerOptions.Standard,
            NativeCodec.Case.IntKeysSerde, NativeCodec.Case.IntKeysEncode, NativeCodec.Case.IntKeysRmp),
        .. Value<object>("typeless", "the same with the name of its type", CodecValues.Named, Typeless,
            null, NativeCodec.Case.TypelessEncode, null),
        .. Value("list", "1,000 of the contractless", CodecValues.List, Contractless,
            NativeCodec.Case.ListSerde, NativeCodec.Case.ListEncode, null),
        .. Value("texts", "1 MiB of texts of 64", CodecValues.Texts, MessagePackSerializerOptions.Standard,
            NativeCodec.Case.TextsSerde, NativeCodec.Case.TextsEncode, null),
        Over("contractless", "the contractless", CodecValues.Named, Contractless, NativeCodec.Case.ContractlessEncode),
        Over("list", "1,000 of them", CodecValues.List, Contractless, NativeCodec.Case.ListEncode),
        Over("texts", "1 MiB of texts of 64", CodecValues.Texts, MessagePackSerializerOptions.Standard,
            NativeCodec.Case.TextsEncode),
    ];

    private static IEnumerable<IScenario> Value<T>(
        string name,
        string title,
        Func<T> make,
        MessagePackSerializerOptions options,
        NativeCodec.Case? serde,
        NativeCodec.Case encode,
        NativeCodec.Case? rmp)
    {
        var value = new Lazy<T>(make);
        var bytes = new Lazy<byte[]>(() =>
        {
            byte[] bytes = MessagePackSerializer.Serialize(value.Value, options);
            foreach (NativeCodec.Case? other in new[] { serde, encode, rmp })
            {
                if (other is { } native)
                {
                    NativeCodec.MustEqual(native, bytes);
                }
            }
            return bytes;
        });
        var write = new List<(string, Func<long, double>)>();
        var read = new List<(string, Func<long, double>)>();
        void Add(string line, NativeCodec.Case? which, bool kept)
        {
            if (which is not { } native)
            {
                return;
            }
            write.Add((line, times => NativeCodec.Run(native, NativeCodec.Operation.Write, times)));
            read.Add((line, times => NativeCodec.Run(native, NativeCodec.Operation.Read, times)));
            if (kept)
            {
                write.Add((line + Kept, times => NativeCodec.Run(native, NativeCodec.Operation.WriteKept, times)));
            }
        }
        Add(Serde, serde, kept: true);
        Add(Encode, encode, kept: true);
        write.Add((Library, times => Time(times, () => MessagePackSerializer.Serialize(value.Value, options))));
        read.Add((Library, times => Time(times, () => MessagePackSerializer.Deserialize<T>(bytes.Value, options))));
        Add(Rmp, rmp, kept: false);
        if (serde == NativeCodec.Case.ContractlessSerde)
        {
            read.Add((Serde + ", texts borrowed",
                times => NativeCodec.Run(NativeCodec.Case.ContractlessBorrowed, NativeCodec.Operation.Read, times)));
        }
        yield return new CodecScenario($"codec-{name}-write", $"writing {title}", () => bytes.Value.Length, [.. write]);
        yield return new CodecScenario($"codec-{name}-read", $"reading {title}", () => bytes.Value.Length, [.. read]);
    }

    private static CodecScenario Over<T>(
        string name, string title, Func<T> make, MessagePackSerializerOptions options, NativeCodec.Case native)
    {
        var bytes = new Lazy<byte[]>(() => MessagePackSerializer.Serialize(make(), options));
        return new CodecScenario($"codec-{name}-skip", $"going over {title}", () => bytes.Value.Length,
            ("Backrun, skip", times => NativeCodec.Run(native, NativeCodec.Operation.Skip, times)),
            ("Backrun, validate", times => NativeCodec.Run(native, NativeCodec.Operation.Validate, times)),
            ("MessagePack-CSharp, Skip", times => Time(times, () =>
            {
                var reader = new MessagePackReader(bytes.Value);
                reader.Skip();
                return reader.Consumed;
            })),
            ("(every byte loaded once)", times => NativeCodec.Run(native, NativeCodec.Operation.Load, times)));
    }

    private static double Time<T>(long times, Func<T> run)
    {
        double started = NativeCodec.Cpu;
        T last = default!;
        for (long i = 0; i < times; i++)
        {
            last = run();
        }
        GC.KeepAlive(last);
        return Math.Max(1, NativeCodec.Cpu - started);
    }
}
