using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>The one set of functions that native calls for all registrations. No exception leaves any of them.</summary>
internal static unsafe class HandlerCallbacks
{
    internal static backrun_handler Make(void* userData, bool takesUserConnection) => new()
    {
        struct_size = (uint)sizeof(backrun_handler),
        user_data = userData,
        set_user_connection = takesUserConnection ? &SetUserConnection : null,
        run = &Run,
        drop_task_state = takesUserConnection ? &DropTaskState : null,
        cancel_requested = &CancelRequested,
        release = &Release,
    };

    private static TaskRegistration Of(void* userData) => Unsafe.As<TaskRegistration>(GCHandle.FromIntPtr((nint)userData).Target!);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SetUserConnection(void* userData, backrun_task* task, backrun_bytes userContext, void** taskState)
    {
        try
        {
            return Of(userData).SetUserConnection(task, userContext, taskState);
        }
        catch (Exception exception)
        {
            return Unexpected(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Run(void* userData, backrun_task* task, backrun_bytes payload, void* taskState)
    {
        try
        {
            return Of(userData).Run(task, payload, taskState);
        }
        catch (Exception exception)
        {
            return Unexpected(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void DropTaskState(void* userData, void* taskState)
    {
        try
        {
            WorkerRun.OfThisThread().Leave();
        }
        catch (Exception exception)
        {
            Unexpected(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void CancelRequested(void* userData, long id, long lease)
    {
        try
        {
            Of(userData).Core.Cancellations.Cancel(id, lease);
        }
        catch (Exception exception)
        {
            Unexpected(userData, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(void* userData)
    {
        try
        {
            GCHandle self = GCHandle.FromIntPtr((nint)userData);
            EngineCore core = Unsafe.As<TaskRegistration>(self.Target!).Core;
            self.Free();
            core.HandlerReleased();
        }
        catch (Exception exception)
        {
            LastResort.Report("releasing a handler failed", exception);
        }
    }

    /// <summary>What the run itself could not make its failure: a bug of this assembly, or no memory left.</summary>
    private static int Unexpected(void* userData, Exception exception)
    {
        try
        {
            Of(userData).Core.Log.Internal("A callback failed", exception);
        }
        catch (Exception second)
        {
            LastResort.Report("a callback failed, and so did its log line", second);
        }

        return NativeConstants.BACKRUN_RUN_FAILED;
    }
}
