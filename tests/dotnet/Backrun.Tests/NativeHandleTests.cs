using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using Backrun.Native;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests;

#pragma warning disable CA1806 // The first error of a writer or a reader sticks: the last outcome is looked at.

/// <summary>Beside a library that calls the C functions itself. What stands here for C are those functions, by their declarations.</summary>
public sealed class NativeHandleTests
{
    [Fact]
    public async Task What_CSharp_starts_by_its_name_runs_in_a_native_handler_which_reads_the_parameters()
    {
        using BackrunEngine engine = Engines.New();
        using SafeHandle handle = engine.GetNativeHandle();
        RegisterReadSum(handle, "read-in-c");
        await engine.StartByName("read-in-c", new Numbers { Name = "sum", Values = [1, -2, 300] }).Done();
        BackgroundTaskFailedException failed =
            await engine.StartByName("read-in-c", new Numbers { Name = "sum", Values = [1, 2] }).Fails<BackgroundTaskFailedException>();
        Assert.Contains("the sum is 3", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_native_submits_runs_in_the_class_of_its_name_with_what_native_wrote()
    {
        using BackrunEngine engine = Engines.New();
        engine.Register<Take<Numbers>, Numbers>("take-numbers");
        using SafeHandle handle = engine.GetNativeHandle();
        long id = SubmitNumbers(handle);
        await engine.CompletionOf(new BackgroundTaskId(id)).WaitAsync(Patience.Long, TestContext.Current.CancellationToken);
        Numbers got = Take<Numbers>.LastIn(engine);
        Assert.Equal("from C", got.Name);
        Assert.Equal([-1L, long.MaxValue], got.Values);
    }

    [Fact]
    public async Task A_name_is_that_of_a_class_of_this_program_too()
    {
        using BackrunEngine engine = Engines.New();
        engine.Register<Take<string>, string>("take-text");
        await engine.StartByName("take-text", "hello", new StartOptions { Priority = BackgroundTaskPriority.Highest }).Done();
        Assert.Equal("hello", Take<string>.LastIn(engine));
        ArgumentException other = Assert.Throws<ArgumentException>(() => engine.StartByName("take-text", 5));
        Assert.Contains("which takes System.String and not System.Int32", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_nobody_has_registered_is_refused()
    {
        using BackrunEngine engine = Engines.New();
        BackrunException refused = Assert.Throws<BackrunException>(() => engine.StartByName("nobody", 1));
        Assert.Equal(BackrunErrorCode.NoHandler, refused.Code);
        Assert.Throws<ArgumentNullException>(() => engine.StartByName(null!, 1));
    }

    [Fact]
    public unsafe void The_native_engine_lives_until_the_last_handle_is_disposed_of()
    {
        BackrunEngine engine = Engines.New();
        SafeHandle handle = engine.GetNativeHandle();
        engine.Dispose();
        backrun_stats* stats = null;
        backrun_error* error = null;
        NativeError.ThrowIfFailed(NativeMethods.backrun_engine_stats(PointerOf(handle), &stats, &error), error);
        NativeMethods.backrun_stats_free(stats);
        handle.Dispose();
        Assert.Throws<ObjectDisposedException>(engine.GetNativeHandle);
    }

    private static unsafe backrun_engine* PointerOf(SafeHandle handle) => (backrun_engine*)handle.DangerousGetHandle();

    private static unsafe void RegisterReadSum(SafeHandle handle, string name)
    {
        Utf8Arena texts = default;
        try
        {
            backrun_handler handler = new() { struct_size = (uint)sizeof(backrun_handler), run = &ReadSum };
            backrun_error* error = null;
            NativeError.ThrowIfFailed(NativeMethods.backrun_engine_register(PointerOf(handle), texts.Add(name), &handler, null, &error), error);
        }
        finally
        {
            texts.Dispose();
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int ReadSum(void* userData, backrun_task* task, backrun_bytes payload, void* taskState)
    {
        backrun_reader* reader = null;
        backrun_str text;
        nuint members = 0, values = 0;
        long sum = 0;
        NativeMethods.backrun_reader_new(payload, null, &reader, null);
        NativeMethods.backrun_reader_begin_map(reader, &members, null);
        for (; members > 0; members--)
        {
            NativeMethods.backrun_reader_str(reader, &text, null);
            if (new ReadOnlySpan<byte>(text.data, (int)text.len).SequenceEqual("Values"u8))
            {
                NativeMethods.backrun_reader_begin_array(reader, &values, null);
                for (; values > 0; values--)
                {
                    long value;
                    NativeMethods.backrun_reader_int(reader, &value, null);
                    sum += value;
                }

                NativeMethods.backrun_reader_end(reader, null);
            }
            else
            {
                NativeMethods.backrun_reader_skip(reader, null, null);
            }
        }

        NativeMethods.backrun_reader_end(reader, null);
        int code = NativeMethods.backrun_reader_finish(reader, null);
        NativeMethods.backrun_reader_free(reader);
        if (code == NativeConstants.BACKRUN_OK && sum == 299)
        {
            return NativeConstants.BACKRUN_RUN_DONE;
        }

        Utf8Arena texts = default;
        NativeMethods.backrun_task_fail(task, texts.Add($"the sum is {sum}, the code {code}"), null);
        texts.Dispose();
        return NativeConstants.BACKRUN_RUN_FATAL;
    }

    private static unsafe long SubmitNumbers(SafeHandle handle)
    {
        Utf8Arena texts = default;
        backrun_writer* writer = null;
        try
        {
            backrun_error* error = null;
            NativeMethods.backrun_writer_new(null, &writer, null);
            NativeMethods.backrun_writer_begin_map(writer, 2, null);
            NativeMethods.backrun_writer_key(writer, texts.Add("Values"), null);
            NativeMethods.backrun_writer_begin_array(writer, 2, null);
            NativeMethods.backrun_writer_int(writer, -1, null);
            NativeMethods.backrun_writer_int(writer, long.MaxValue, null);
            NativeMethods.backrun_writer_end(writer, null);
            NativeMethods.backrun_writer_key(writer, texts.Add("Name"), null);
            NativeMethods.backrun_writer_str(writer, texts.Add("from C"), null);
            NativeMethods.backrun_writer_end(writer, null);
            backrun_submission submission = new() { struct_size = (uint)sizeof(backrun_submission), task_name = texts.Add("take-numbers") };
            NativeError.ThrowIfFailed(NativeMethods.backrun_writer_bytes(writer, &submission.payload, &error), error);
            long id;
            NativeError.ThrowIfFailed(NativeMethods.backrun_engine_submit(PointerOf(handle), &submission, &id, &error), error);
            return id;
        }
        finally
        {
            NativeMethods.backrun_writer_free(writer);
            texts.Dispose();
        }
    }

    public sealed class Numbers
    {
        public string Name { get; set; } = "";

        public List<long> Values { get; set; } = [];
    }
}
