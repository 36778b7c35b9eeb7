using System;
using System.Runtime.InteropServices;
using System.Text;
using Backrun.Benchmarks.Work;

namespace Backrun.Benchmarks.Codec;

/// <summary>
/// benches/codec, the native side of the codec's scenarios: each round is timed over there. <c>cargo xtask bench</c>
/// builds it and says where it is.
/// </summary>
internal static unsafe class NativeCodec
{
    private const string Variable = "BACKRUN_CODEC_BENCH";

    private static readonly nint Library = Load();
    private static readonly delegate* unmanaged<uint, ulong> LengthOf =
        (delegate* unmanaged<uint, ulong>)NativeLibrary.GetExport(Library, "codec_bench_length");

    private static readonly delegate* unmanaged<uint, ulong> HashOf =
        (delegate* unmanaged<uint, ulong>)NativeLibrary.GetExport(Library, "codec_bench_hash");

    private static readonly delegate* unmanaged<uint, uint, ulong, ulong> RunOf =
        (delegate* unmanaged<uint, uint, ulong, ulong>)NativeLibrary.GetExport(Library, "codec_bench_run");

    private static readonly delegate* unmanaged<ulong> CpuOf =
        (delegate* unmanaged<ulong>)NativeLibrary.GetExport(Library, "codec_bench_cpu");

    /// <summary>Processor time of this thread in nanoseconds, by the clock that the native side has.</summary>
    public static double Cpu => CpuOf();

    /// <summary>What is done with a value; the numbers are those of <c>Operation</c> in benches/codec/src/lib.rs.</summary>
    internal enum Operation
    {
        /// <summary>To bytes of their own.</summary>
        Write,

        /// <summary>Into a buffer that is kept.</summary>
        WriteKept,

        /// <summary>From bytes.</summary>
        Read,

        /// <summary>Over the bytes, value by value.</summary>
        Skip,

        /// <summary>Over the bytes, looking at all there is.</summary>
        Validate,

        /// <summary>Each byte loaded once.</summary>
        Load,
    }

    /// <summary>A value and a way to it; the numbers are those of <c>all</c> in benches/codec/src/values.rs.</summary>
    internal enum Case
    {
        ContractlessSerde,
        ContractlessEncode,
        ContractlessRmp,
        IntKeysSerde,
        IntKeysEncode,
        IntKeysRmp,
        TypelessEncode,
        ListSerde,
        ListEncode,
        TextsSerde,
        TextsEncode,
        ContractlessBorrowed,
    }

    /// <summary>Nanoseconds of processor time that so many times took.</summary>
    public static double Run(Case value, Operation operation, long times)
    {
        ulong nanoseconds = RunOf((uint)value, (uint)operation, (ulong)times);
        return nanoseconds > 0
            ? nanoseconds
            : throw new InvalidOperationException($"benches/codec has no {operation} of {value}.");
    }

    /// <summary>Complains if the native side has another value.</summary>
    public static void MustEqual(Case value, byte[] bytes)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (byte b in bytes)
        {
            hash = unchecked((hash ^ b) * 0x100000001b3);
        }
        if (LengthOf((uint)value) != (ulong)bytes.Length || HashOf((uint)value) != hash)
        {
            throw new InvalidOperationException(
                $"{value}: the native side writes {LengthOf((uint)value)} bytes that are not the {bytes.Length} of MessagePack-CSharp. " +
                "Make benches/codec/src/values.rs and CodecValues.cs say the same.");
        }
    }

    private static nint Load()
    {
        string path = Environment.GetEnvironmentVariable(Variable)
            ?? throw new InvalidOperationException($"{Variable} says not where benches/codec is; use cargo xtask bench.");
        nint library = NativeLibrary.Load(path);
        byte[] name = Encoding.UTF8.GetBytes(typeof(NamedParameters).AssemblyQualifiedName!);
        fixed (byte* first = name)
        {
            var setName = (delegate* unmanaged<byte*, nuint, void>)NativeLibrary.GetExport(library, "codec_bench_set_name");
            setName(first, (nuint)name.Length);
        }
        return library;
    }
}
