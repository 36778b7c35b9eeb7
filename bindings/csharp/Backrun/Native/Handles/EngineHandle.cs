using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace Backrun.Native;

/// <summary>
/// Owns an engine. Freed when it was disposed of and no call and no pending run uses it any more; given up without waiting
/// where the garbage collector found it, since a finalizer must not block.
/// </summary>
internal sealed unsafe class EngineHandle : SafeHandle
{
    private readonly Action<bool> _released;
    private bool _abandon = true;
    private volatile bool _ended;

    /// <param name="pointer">From backrun_engine_new.</param>
    /// <param name="released">Called once after the engine is gone, with whether nobody had ended it: then it was found by the finalizer, and this is its thread.</param>
    internal EngineHandle(backrun_engine* pointer, Action<bool> released)
        : base(0, ownsHandle: true)
    {
        _released = released;
        SetHandle((nint)pointer);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Ends this handle after a shutdown, complete or not: freeing never waits then.</summary>
    internal void Free()
    {
        _abandon = false;
        End();
    }

    /// <summary>Ends this handle without waiting, on a thread that must not wait for the engine.</summary>
    internal void Abandon() => End();

    /// <summary>backrun_engine_submit. Not counted as a use, and outside of any try block, so that the call and its transition are compiled in line.</summary>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal int Submit(backrun_submission* submission, long* id, backrun_error** error)
    {
        CallSlot slot = CallSlot.OfThisThread;
        if (slot.Engine is not null)
        {
            return SubmitInside(submission, id, error);
        }

        slot.Engine = this;
        if (_ended)
        {
            Leave(slot);
            ThrowDisposed();
        }

        // Native throws nothing. It may tell of tasks that it drops from a full queue.
        int code = NativeMethods.backrun_engine_submit((backrun_engine*)handle, submission, id, error);
        slot.Engine = null;
        if (_ended)
        {
            Leave(slot);
        }

        return code;
    }

    /// <summary>backrun_engine_tell_end, in the same way.</summary>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal int TellEnd(long id, uint* state, long* lease, backrun_error** error)
    {
        CallSlot slot = CallSlot.OfThisThread;
        if (slot.Engine is not null)
        {
            return TellEndInside(id, state, lease, error);
        }

        slot.Engine = this;
        if (_ended)
        {
            Leave(slot);
            ThrowDisposed();
        }

        int code = NativeMethods.backrun_engine_tell_end((backrun_engine*)handle, id, state, lease, error);
        slot.Engine = null;
        if (_ended)
        {
            Leave(slot);
        }

        return code;
    }

    /// <summary>Borrows the engine for a call. Dispose of the result as soon as the call has returned.</summary>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    internal Use Borrow()
    {
        // Pending runs may keep the native engine for longer than that.
        if (!TryKeep())
        {
            ThrowDisposed();
        }

        return new Use(this);
    }

    /// <summary>Keeps the engine for a run that goes on elsewhere; false if it is gone. Ended by <see cref="SafeHandle.DangerousRelease"/>.</summary>
    internal bool TryKeep()
    {
        if (_ended)
        {
            return false;
        }

        bool added = false;
        try
        {
            DangerousAddRef(ref added);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }

        return added;
    }

    protected override bool ReleaseHandle()
    {
        if (_abandon)
        {
            NativeMethods.backrun_engine_abandon((backrun_engine*)handle);
        }
        else
        {
            NativeMethods.backrun_engine_free((backrun_engine*)handle);
        }

        _released(!_ended);
        return true;
    }

    [DoesNotReturn]
    private static void ThrowDisposed() =>
        throw new ObjectDisposedException(nameof(BackrunEngine), "This BackrunEngine was disposed of: it takes no calls any more. Make a new one.");

    private void End()
    {
        _ended = true;
        Interlocked.MemoryBarrierProcessWide();
        DisposeIfUnused();
    }

    // The slot is taken where native, in a call that is not counted, tells of an end, and the one who awaits it has a SynchronizationContext or a TaskScheduler of its own
    // that calls an engine there and then. The slot stays the outer call's, and this one is counted.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int SubmitInside(backrun_submission* submission, long* id, backrun_error** error)
    {
        using Use use = Borrow();
        return NativeMethods.backrun_engine_submit(use.Pointer, submission, id, error);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int TellEndInside(long id, uint* state, long* lease, backrun_error** error)
    {
        using Use use = Borrow();
        return NativeMethods.backrun_engine_tell_end(use.Pointer, id, state, lease, error);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Leave(CallSlot slot)
    {
        slot.Engine = null;
        DisposeIfUnused();
    }

    // Where a thread is calling the engine still, that thread does it when it leaves. Twice does no harm.
    private void DisposeIfUnused()
    {
        if (!CallSlot.AnyIn(this))
        {
            Dispose();
        }
    }

    /// <summary>A borrowed engine.</summary>
    internal readonly ref struct Use
    {
        private readonly EngineHandle _owner;

        internal Use(EngineHandle owner) => _owner = owner;

        internal backrun_engine* Pointer => (backrun_engine*)_owner.handle;

        public void Dispose() => _owner.DangerousRelease();
    }
}
