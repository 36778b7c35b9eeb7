using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Backrun.Benchmarks.Measuring;

namespace Backrun.Benchmarks.Contenders;

/// <summary>
/// The engine itself, called from C# and calling back into C#, without the package: what it and the border cost where
/// nothing is serialised. The structs are those of include/backrun.h; what is 0 in them is a default.
/// </summary>
internal sealed unsafe partial class BackrunNative : IThroughputContender
{
    private const string Library = "backrun";
    private const uint AbiVersion = 1;

    private readonly byte[] _payload = GC.AllocateUninitializedArray<byte>(NoOpPayload.Size, pinned: true);
    private readonly byte[] _taskName = GC.AllocateUninitializedArray<byte>(5, pinned: true);
    private readonly int _batch;
    private readonly uint _taskNumber;
    private void* _engine;

    /// <param name="workers">As many as the others have.</param>
    /// <param name="batch">Tasks of one call; 1: backrun_engine_submit, more: backrun_engine_submit_many.</param>
    /// <param name="delayed">Whether it is for <see cref="HandOverDelayed"/>: its tasks tell how late they are.</param>
    public BackrunNative(int workers, int batch = 1, bool delayed = false)
    {
        _batch = batch;
        Name = batch == 1 ? "Backrun, C ABI" : $"Backrun, C ABI, {batch} a call";
        Random.Shared.NextBytes(_payload);
        "no-op"u8.CopyTo(_taskName);
        var options = new EngineOptions
        {
            StructSize = (uint)sizeof(EngineOptions),
            AbiVersion = AbiVersion,
            Workers = (uint)workers,
        };
        void* engine;
        void* error;
        Check(backrun_engine_new(&options, &engine, &error), error);
        _engine = engine;
        var handler = new Handler { StructSize = (uint)sizeof(Handler), Run = delayed ? &RunDelayed : &Run };
        Check(backrun_engine_register(_engine, View(_taskName), &handler, null, &error), error);
        uint number;
        Check(backrun_engine_task_number(_engine, View(_taskName), &number, &error), error);
        _taskNumber = number;
    }

    public string Name { get; }

    public void HandOver(int tasks)
    {
        var submissions = stackalloc Submission[_batch];
        long* ids = stackalloc long[_batch];
        for (int i = 0; i < _batch; i++)
        {
            submissions[i] = new Submission
            {
                StructSize = (uint)sizeof(Submission),
                TaskNumber = _taskNumber,
                Payload = View(_payload),
            };
        }
        if (_batch == 1)
        {
            for (int i = 0; i < tasks; i++)
            {
                Check(backrun_engine_submit(_engine, submissions, ids, null));
            }
            return;
        }
        for (int left = tasks; left > 0; left -= _batch)
        {
            Check(backrun_engine_submit_many(_engine, submissions, (nuint)Math.Min(left, _batch), ids, null));
        }
    }

    /// <summary>The same, one at a time, and each is due so many milliseconds later.</summary>
    public void HandOverDelayed(int tasks, Func<Due> next)
    {
        var submission = new Submission
        {
            StructSize = (uint)sizeof(Submission),
            TaskNumber = _taskNumber,
            Payload = View(_payload),
        };
        long id;
        for (int i = 0; i < tasks; i++)
        {
            Due due = next();
            submission.DelayMs = due.DelayMs;
            BinaryPrimitives.WriteInt64LittleEndian(_payload, due.At);
            Check(backrun_engine_submit(_engine, &submission, &id, null));
        }
    }

    public void Dispose()
    {
        backrun_engine_free(_engine);
        _engine = null;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Run(void* userData, void* task, Bytes payload, void* taskState)
    {
        Done.One();
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RunDelayed(void* userData, void* task, Bytes payload, void* taskState)
    {
        Lateness.OfOne(BinaryPrimitives.ReadInt64LittleEndian(new ReadOnlySpan<byte>(payload.Data, (int)payload.Length)));
        return 0;
    }

    private static Bytes View(byte[] pinned) => new()
    {
        Data = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned)),
        Length = (nuint)pinned.Length,
    };

    private static void Check(int status, void* error = null)
    {
        if (status != 0)
        {
            Bytes message = backrun_error_message(error);
            string text = Encoding.UTF8.GetString(message.Data, (int)message.Length);
            throw new InvalidOperationException($"The engine answered {status}. {text}");
        }
    }

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int backrun_engine_new(EngineOptions* options, void** engine, void** error);

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int backrun_engine_register(
        void* engine,
        Bytes name,
        Handler* handler,
        void* options,
        void** error);

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int backrun_engine_task_number(void* engine, Bytes taskName, uint* number, void** error);

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int backrun_engine_submit(void* engine, Submission* submission, long* id, void** error);

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int backrun_engine_submit_many(
        void* engine,
        Submission* submissions,
        nuint count,
        long* ids,
        void** error);

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial Bytes backrun_error_message(void* error);

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial void backrun_engine_free(void* engine);

#pragma warning disable CS0649 // Most fields keep their default.
    private struct Bytes
    {
        public byte* Data;
        public nuint Length;
    }

    private struct EngineOptions
    {
        public uint StructSize;
        public uint AbiVersion;
        public uint Workers;
        public uint MaxWorkers;
        public uint Store;
        public uint Durability;
        public Bytes StoreAddress;
        public ulong WorkerStackBytes;
        public long KeepFinished;
        public long KeepDead;
        public void* DefaultQueue;
        public void* OnLog;
        public void* OnEvent;
        public void* ObserverUserData;
        public void* ObserverRelease;
        public ulong EventKinds;
        public uint LogLevel;
        public uint ObserverCapacity;
        public long OwnerWaitMs;
    }

    private struct Handler
    {
        public uint StructSize;
        public uint Flags;
        public void* UserData;
        public void* SetUserConnection;
        public delegate* unmanaged[Cdecl]<void*, void*, Bytes, void*, int> Run;
        public void* DropTaskState;
        public void* CancelRequested;
        public void* Release;
    }

    private struct Submission
    {
        public uint StructSize;
        public int Priority;
        public Bytes TaskName;
        public Bytes Payload;
        public Bytes UserContext;
        public Bytes Queue;
        public void* Headers;
        public nuint HeaderCount;
        public uint PayloadFormat;
        public uint PayloadFlags;
        public uint Durability;
        public uint WhenFull;
        public long WhenFullTimeoutMs;
        public long DelayMs;
        public long RunAtUnixMs;
        public long TimeLimitMs;
        public void* Retry;
        public uint Flags;
        public uint TaskNumber;
    }
#pragma warning restore CS0649
}
