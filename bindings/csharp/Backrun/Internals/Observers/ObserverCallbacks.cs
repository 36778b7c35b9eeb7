using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>
/// What native calls on the observer thread, and, at the end of a task that somebody awaits, on whichever thread recorded it. The user data is a key into <see cref="EngineTable"/>, not a handle: a call that came after the engine's end would find
/// nothing, and do nothing. No exception leaves any of them.
/// </summary>
internal static unsafe class ObserverCallbacks
{
    [ThreadStatic]
    private static EngineCore? _engine;

    internal static delegate* unmanaged[Cdecl]<void*, backrun_log_record*, nuint, void> LogFunction => &OnLog;

    internal static delegate* unmanaged[Cdecl]<void*, backrun_event*, nuint, void> EventFunction => &OnEvent;

    internal static delegate* unmanaged[Cdecl]<void*, long, long, uint, void> EndFunction => &OnEnd;

    internal static delegate* unmanaged[Cdecl]<void*, void> ReleaseFunction => &OnReleased;

    /// <summary>Whether the current thread is in one of these callbacks of this engine.</summary>
    internal static bool IsInCallbackOf(EngineCore core) => _engine == core;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnLog(void* userData, backrun_log_record* records, nuint count)
    {
        try
        {
            if (Enter(userData) is { } core)
            {
                byte* at = (byte*)records;
                for (nuint index = 0; index < count; index++, at += records->struct_size)
                {
                    core.Log.Write((backrun_log_record*)at);
                }
            }
        }
        catch (Exception exception)
        {
            LastResort.Report("log lines were lost", exception);
        }
        finally
        {
            _engine = null;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnEvent(void* userData, backrun_event* events, nuint count)
    {
        try
        {
            if (Enter(userData) is { } core)
            {
                byte* at = (byte*)events;
                for (nuint index = 0; index < count; index++, at += events->struct_size)
                {
                    core.Finished.Add((backrun_event*)at);
                }
            }
        }
        catch (Exception exception)
        {
            LastResort.Report("events were lost", exception);
        }
        finally
        {
            _engine = null;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnEnd(void* userData, long id, long lease, uint state)
    {
        // Who cancels in a logger ends a task inside of another callback.
        EngineCore? before = _engine;
        try
        {
            Enter(userData)?.Completions.Ended(id, lease, state);
        }
        catch (Exception exception)
        {
            LastResort.Report("the end of a task could not be told", exception);
        }
        finally
        {
            _engine = before;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnReleased(void* userData)
    {
        try
        {
            EngineTable.Find((nint)userData)?.ObserverReleased();
        }
        catch (Exception exception)
        {
            LastResort.Report("the end of an observer could not be noted", exception);
        }
    }

    private static EngineCore? Enter(void* userData)
    {
        EngineCore? core = EngineTable.Find((nint)userData);
        _engine = core;
        return core;
    }
}
