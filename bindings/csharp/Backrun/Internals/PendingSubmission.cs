using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>
/// A task on its way into a durable store: native tells once when it is safe there, on the store's thread, which must not be held up. Until then native's handle keeps it, and the engine, from the garbage
/// collector.
/// </summary>
internal sealed unsafe class PendingSubmission(BackrunEngine engine) : TaskCompletionSource<BackgroundTaskHandle>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Hands a submission over. Native tells of it if and only if this returns BACKRUN_OK.</summary>
    internal int Send(EngineHandle handle, backrun_submission* submission, backrun_error** error)
    {
        using EngineHandle.Use use = handle.Borrow();
        GCHandle self = GCHandle.Alloc(this);
        int code = NativeMethods.backrun_engine_submit_async(use.Pointer, submission, &OnTold, (void*)GCHandle.ToIntPtr(self), error);
        if (code != NativeConstants.BACKRUN_OK)
        {
            self.Free();
        }

        return code;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnTold(void* userData, int code, long id)
    {
        try
        {
            GCHandle self = GCHandle.FromIntPtr((nint)userData);
            PendingSubmission submission = (PendingSubmission)self.Target!;
            self.Free();
            submission.Told(code, id);
        }
        catch (Exception exception)
        {
            LastResort.Report("nobody was told what became of an asynchronous submit", exception);
        }
    }

    private void Told(int code, long id)
    {
        if (code == NativeConstants.BACKRUN_OK)
        {
            TrySetResult(new BackgroundTaskHandle(engine, new BackgroundTaskId(id)));
            return;
        }

        BackrunErrorCode known = (BackrunErrorCode)code;
        TrySetException(new BackrunException(known, known == BackrunErrorCode.Store
            ? "The store could not take the task, and nothing was queued: its disk may be full, or its file damaged or gone. Start it again when the cause is gone."
            : $"The engine answered {known} ({code}) when the task was on its way into the store; nothing was queued."));
    }
}
