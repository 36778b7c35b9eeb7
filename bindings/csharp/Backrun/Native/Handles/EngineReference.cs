using System;
using System.Runtime.InteropServices;

namespace Backrun.Native;

/// <summary>Keeps an engine for a library that calls the C functions itself: the engine is freed only after it.</summary>
internal sealed class EngineReference : SafeHandle
{
    private readonly EngineHandle _engine;

    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    internal EngineReference(EngineHandle engine)
        : base(0, ownsHandle: true)
    {
        _engine = engine;
        if (!engine.TryKeep())
        {
            // There is nothing to release.
            SetHandleAsInvalid();
            throw new ObjectDisposedException(nameof(BackrunEngine), "This BackrunEngine was disposed of: it takes no calls any more. Make a new one.");
        }

        SetHandle(engine.DangerousGetHandle());
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        _engine.DangerousRelease();
        return true;
    }
}
