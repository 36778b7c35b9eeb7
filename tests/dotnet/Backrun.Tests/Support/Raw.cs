using System;
using Backrun.Internals;
using Backrun.Native;

namespace Backrun.Tests.Support;

/// <summary>Past the serialiser: what a store could hold that this process did not write.</summary>
internal static unsafe class Raw
{
    /// <summary>Submits bytes as the parameters of a task whose class is known to the engine.</summary>
    internal static BackgroundTaskHandle Submit<TTask, TParameters>(
        BackrunEngine engine, byte[] payload, PayloadFormat format = PayloadFormat.Contractless, byte[]? userContext = null, string? headerName = null, string? headerValue = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>
    {
        engine.Register<TTask, TParameters>();
        Utf8Arena texts = default;
        try
        {
            fixed (byte* data = payload)
            fixed (byte* user = userContext)
            {
                backrun_header header = new() { struct_size = (uint)sizeof(backrun_header), name = texts.Add(headerName), value = texts.Add(headerValue) };
                backrun_submission submission = new()
                {
                    struct_size = (uint)sizeof(backrun_submission),
                    task_name = texts.Add(TypeNames.Of(typeof(TTask))),
                    payload = new backrun_bytes { data = data, len = (nuint)payload.Length },
                    user_context = new backrun_bytes { data = user, len = (nuint)(userContext?.Length ?? 0) },
                    payload_format = (uint)format,
                    headers = headerName is null ? null : &header,
                    header_count = headerName is null ? 0u : 1u,
                };
                long id;
                backrun_error* error = null;
                using EngineHandle.Use use = engine.Borrow();
                NativeError.ThrowIfFailed(NativeMethods.backrun_engine_submit(use.Pointer, &submission, &id, &error), error);
                return new BackgroundTaskHandle(engine, new BackgroundTaskId(id));
            }
        }
        finally
        {
            texts.Dispose();
        }
    }

    /// <summary>The bytes that native has of a queued task.</summary>
    internal static byte[] PayloadOf(BackrunEngine engine, BackgroundTaskId id)
    {
        backrun_buffer* buffer = null;
        backrun_error* error = null;
        using (EngineHandle.Use use = engine.Borrow())
        {
            NativeError.ThrowIfFailed(NativeMethods.backrun_engine_payload(use.Pointer, id.Value, &buffer, &error), error);
        }

        using BufferHandle owned = new(buffer);
        backrun_bytes bytes = NativeMethods.backrun_buffer_bytes(owned.Pointer);
        return new ReadOnlySpan<byte>(bytes.data, (int)bytes.len).ToArray();
    }
}
