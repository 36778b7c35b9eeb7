using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Threading;
using Backrun.Benchmarks.Measuring;
using MessagePack;

namespace Backrun.Benchmarks.Contenders;

/// <summary>Through the C ABI: two workers, and a payload of 100 bytes each.</summary>
internal sealed class BackrunDelayed : IDelayedContender
{
    private readonly BackrunNative _engine = new(workers: 2, delayed: true);

    public TimeSpan Lead => TimeSpan.FromSeconds(1.5);

    public void HandOver(int tasks, Func<Due> next) => _engine.HandOverDelayed(tasks, next);

    public void Dispose() => _engine.Dispose();
}

/// <summary>The package: <see cref="StartOptions.Delay"/>, two workers, and a parameter of 92 bytes and a number.</summary>
internal sealed class PackageDelayed : IDelayedContender
{
    private readonly BackrunEngine _engine = new(new BackrunOptions { Workers = 2 });
    private readonly byte[] _bytes = NoOpPayload.New().AsSpan(8).ToArray();

    public TimeSpan Lead => TimeSpan.FromSeconds(1.5);

    public void HandOver(int tasks, Func<Due> next)
    {
        var parameters = new DelayedParameters { Bytes = _bytes };
        var options = new StartOptions();
        for (int i = 0; i < tasks; i++)
        {
            Due due = next();
            parameters.DueAt = due.At;
            options.Delay = TimeSpan.FromMilliseconds(due.DelayMs);
            _engine.StartNew<DelayedTask, DelayedParameters>(parameters, options);
        }
    }

    public void Dispose() => _engine.Dispose();
}

/// <summary>When a task was due, and as many bytes more as make a payload of about 100.</summary>
[MessagePackObject]
public sealed class DelayedParameters
{
    [Key(0)]
    public long DueAt { get; set; }

    [Key(1)]
    public byte[] Bytes { get; set; } = [];
}

/// <summary>Tells how late it is.</summary>
internal sealed class DelayedTask : IBackgroundTask<DelayedParameters>
{
    public void Run(DelayedParameters parameters) => Lateness.OfOne(parameters.DueAt);
}

/// <summary>A <see cref="Timer"/> each, whose state is a copy of 100 bytes.</summary>
internal sealed class TimerDelayed : IDelayedContender
{
    private readonly byte[] _payload = NoOpPayload.New();

    // Somebody has to: a timer that nobody refers to is collected, and does not fire.
    private readonly List<Timer> _timers = new(capacity: 1_000_000);

    public TimeSpan Lead => TimeSpan.FromSeconds(1.5);

    public void HandOver(int tasks, Func<Due> next)
    {
        for (int i = 0; i < tasks; i++)
        {
            Due due = next();
            byte[] payload = _payload.AsSpan().ToArray();
            BinaryPrimitives.WriteInt64LittleEndian(payload, due.At);
            _timers.Add(new Timer(Run, payload, due.DelayMs, Timeout.Infinite));
        }
    }

    private static void Run(object? payload) => Lateness.OfOne(BinaryPrimitives.ReadInt64LittleEndian((byte[])payload!));

    public void Dispose() => _timers.ForEach(timer => timer.Dispose());
}
