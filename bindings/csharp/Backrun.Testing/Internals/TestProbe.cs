using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Internals;

namespace Backrun.Testing.Internals;

/// <summary>What stands beside a test's engine: it notes what is started, lets tasks run when they are to, and waits for them. The running itself is the engine's.</summary>
internal sealed class TestProbe : EngineProbe
{
    private const long MostDead = 10_000;
    private static readonly IDisposable NoPlace = new CancellationTokenSource();
    private readonly TestEngineOptions _options;
    private readonly TestQueues _queues;
    private readonly Waiting _waiting;
    private BackrunEngine? _engine;
    // Of runs that wait for others while tasks are let run, by the tasks; negative: of whichever.
    private readonly ConcurrentDictionary<long, IDisposable> _places = new();
    private long _lastPlace;
    private int _submitting;
    private long _runs;
    private long _mostRuns = long.MaxValue;
    private Picked? _picked;

    internal TestProbe(TestMode mode, TestEngineOptions options)
    {
        OptionChecks.Defined<TestMode>(mode, "TestMode");
        Mode = mode;
        _options = options.Checked();
        _queues = new TestQueues(mode, _options.Concurrency);
        _waiting = new Waiting(_options.Limit);
        Clock = new TestClock(_options.Clock, TimePassed);
    }

    internal TestMode Mode { get; }

    internal TestClock Clock { get; }

    internal Ledger Ledger { get; } = new();

    internal BackrunEngine? Engine => Volatile.Read(ref _engine);

    internal override BackgroundTaskContext? Starter => BackgroundTaskContext.Current is { } run && run.Core == Engine?.Core ? run : null;

    /// <summary>Sets what an engine for a test has, whatever else is asked for.</summary>
    internal void Prepare(BackrunOptions options)
    {
        options.Probe = this;
        options.ManualTime = true;
        options.VerifyRoundTrip = true;
        options.Workers = _options.Concurrency;
        options.MaxWorkers = Math.Max(options.MaxWorkers ?? 0, 512);

        // One that is not kept could not be told of.
        options.KeepDead = options.KeepDead is < MostDead ? MostDead : options.KeepDead;
    }

    internal override QueueOptions Adapt(QueueOptions options) => _queues.Adapt(options);

    internal override void EngineMade(BackrunEngine engine)
    {
        QueueConfigured(engine, BackrunEngine.DefaultQueue, engine.Core.Queues.GetValueOrDefault(BackrunEngine.DefaultQueue) ?? new QueueOptions());
        Clock.Start(engine);
        Volatile.Write(ref _engine, engine);
    }

    internal override void QueueConfigured(BackrunEngine engine, string queue, QueueOptions options)
    {
        _queues.Add(queue, options);
        if (Mode == TestMode.Manual)
        {
            engine.SetPausedNative(queue, paused: true);
        }
    }

    internal override void SetPaused(BackrunEngine engine, string queue, bool paused)
    {
        // Where the test says what runs, a queue is paused anyway. Native says whether there is such a queue.
        engine.SetPausedNative(queue, paused || Mode == TestMode.Manual);
        _queues.SetPaused(queue, paused);
    }

    internal override BackgroundTaskContext? Starting(TaskRegistration registration)
    {
        Clock.Follow();
        BackgroundTaskContext? run = Starter;
        if (Mode == TestMode.Inline && run is not null && Find(run.Id.Value) is { } parent && parent.Depth >= _options.MostNested)
        {
            throw new InvalidOperationException(
                $"Task '{registration.Name}' would be the {parent.Depth + 1}th of tasks that start one another at the call, and that looks like a chain without an end: {Texts.Chain(parent, Ledger)}. " +
                "Start it with a Delay, so that the test's clock has a say; or test it with TestMode.Manual; or raise TestEngineOptions.MostNested.");
        }

        Interlocked.Increment(ref _submitting);
        return run;
    }

    internal override void NotStarted() => Interlocked.Decrement(ref _submitting);

    internal override void Started(long id, TaskRegistration registration, byte[] payload, StartOptions? options, UserConnection? user, BackgroundTaskContext? starter)
    {
        StartRecord? parent = starter is null ? null : Find(starter.Id.Value);
        Ledger.Add(new StartRecord(id, registration, payload, options?.Copy(), user?.Identity, parent?.Id ?? 0, parent?.Root ?? id, (parent?.Depth ?? 0) + 1));
    }

    internal override void Finish(long[] ids, BackgroundTaskContext? starter)
    {
        Interlocked.Decrement(ref _submitting);
        if (Mode == TestMode.Manual)
        {
            return;
        }

        BackrunEngine engine = Engine!;

        // That one has its place, and waits for these.
        using (starter is null ? null : _queues.LetIn(engine, starter.Queue))
        {
            foreach (long id in ids)
            {
                WaitForEnd(engine, new BackgroundTaskId(id));
            }
        }

        if (starter is null && ids.Length != 0)
        {
            // What a task inside of these failed by is told here too: thrown there, it would change what the outer task does.
            HashSet<long> roots = [.. ids];
            ThrowFailures(ids[0], record => roots.Contains(record.Root));
        }
    }

    internal override Task FinishAsync(long[] ids, BackgroundTaskContext? starter)
    {
        if (Mode == TestMode.Manual)
        {
            Finish(ids, starter);
            return Task.CompletedTask;
        }

        return OnThreadOfItsOwn(() =>
        {
            Finish(ids, starter);
            return true;
        });
    }

    internal override void RunBegins(long id, string queue)
    {
        long runs = Interlocked.Increment(ref _runs);
        Picked? picked = Volatile.Read(ref _picked);
        if (picked is not null && string.Equals(picked.Queue, queue, StringComparison.Ordinal) && picked.TrySet(id))
        {
            // Before anything else may begin: the queue lets one in at a time, and this is it.
            Engine?.SetPausedNative(queue, paused: true);
        }
        else if (Mode == TestMode.Manual && runs > Interlocked.Read(ref _mostRuns))
        {
            Engine?.SetPausedNative(queue, paused: true);
        }
    }

    internal override void Awaited()
    {
        if (Mode == TestMode.Manual && Starter is { } run && Engine is { } engine && _places.TryAdd(run.Id.Value, NoPlace))
        {
            // It waits for a task that may be behind it. One more is let in as long as it runs, for however many it waits.
            _places[run.Id.Value] = _queues.LetIn(engine, run.Queue);
        }
    }

    /// <summary>Lets run what is ready, and what comes of it, to the end.</summary>
    /// <returns>Runs that began.</returns>
    internal int Drain()
    {
        BackrunEngine engine = Outside("Drain");
        lock (_waiting)
        {
            Clock.Follow();
            long before = Interlocked.Read(ref _runs);
            long most = MostFromHere(engine);
            Interlocked.Exchange(ref _mostRuns, most);
            Set(engine, paused: false);
            try
            {
                WaitUntilQuiet(engine, most, pendingToo: true);
            }
            finally
            {
                Set(engine, paused: true);
                Interlocked.Exchange(ref _mostRuns, long.MaxValue);
                LetInAsBefore();
            }

            ThrowFailures(1, static _ => true);
            return checked((int)(Interlocked.Read(ref _runs) - before));
        }
    }

    /// <summary>Lets one task of a queue run.</summary>
    /// <returns>Its id; null where none was ready.</returns>
    internal BackgroundTaskId? RunNext(string queue)
    {
        BackrunEngine engine = Outside("RunNext");
        if (Mode != TestMode.Manual)
        {
            throw new InvalidOperationException("RunNext is for an engine of TestMode.Manual: in this one tasks run when they are started.");
        }

        lock (_waiting)
        {
            // Whether there is such a queue.
            engine.SetPausedNative(queue, paused: true);
            Clock.Follow();
            if (_queues.IsPaused(queue) || !AnyOnTheWay(engine, queue))
            {
                return null;
            }

            Picked picked = new(queue);
            QueueOptions options = engine.Core.Queues.GetValueOrDefault(queue) ?? new QueueOptions();
            engine.ConfigureNative(queue, options with { Workers = 1, ConcurrencyLimit = 1 });
            Volatile.Write(ref _picked, picked);
            try
            {
                engine.SetPausedNative(queue, paused: false);

                // It may be cancelled before it begins. One that has begun, and ended maybe, is known by then.
                _waiting.Until(() => !AnyOnTheWay(engine, queue) || picked.Id != 0, () => Texts.StillOnTheWay(engine));
                if (picked.Id != 0)
                {
                    _waiting.Until(() => engine.Look(new BackgroundTaskId(picked.Id))?.State is not (BackgroundTaskState.Ready or BackgroundTaskState.Running or BackgroundTaskState.Pending), () => Texts.StillOnTheWay(engine));
                }
            }
            finally
            {
                engine.SetPausedNative(queue, paused: true);
                Volatile.Write(ref _picked, null);
                LetInAsBefore();
                engine.ConfigureNative(queue, _queues.Adapt(options));
            }

            ThrowFailures(picked.Id, record => record.Id == picked.Id);
            return picked.Id == 0 ? null : new BackgroundTaskId(picked.Id);
        }
    }

    /// <summary>Lets time pass; where tasks run at the call, what is due then has run.</summary>
    internal void Advance(TimeSpan time)
    {
        BackrunEngine engine = Engine!;
        Clock.Advance(time);
        if (Mode == TestMode.Inline && !engine.Core.IsInside)
        {
            Drain();
        }
    }

    internal static Task<T> OnThreadOfItsOwn<T>(Func<T> function) =>
        Task.Factory.StartNew(function, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    /// <summary>The test's clock was set. Its thread may hold what tasks that await that clock need, so those are not waited for.</summary>
    private void TimePassed()
    {
        if (Engine is not { } engine)
        {
            return;
        }

        try
        {
            Clock.Follow();
            if (Mode == TestMode.Inline && !engine.Core.IsInside)
            {
                WaitUntilQuiet(engine, MostFromHere(engine), pendingToo: false);
            }
        }
        catch (Exception exception) when (exception is ObjectDisposedException or BackrunException or TimeoutException or InvalidOperationException)
        {
            // Thrown into a clock, it would not come out whole, or leave the clock unusable. What failed, and what hangs, the next Drain tells.
        }
    }

    /// <exception cref="InvalidOperationException">Called by a task.</exception>
    internal BackrunEngine Outside(string method)
    {
        BackrunEngine engine = Engine!;
        return engine.Core.IsInside
            ? throw new InvalidOperationException($"{method} was called inside a run of the same engine, and would wait for itself. Call it from the test.")
            : engine;
    }

    private void Set(BackrunEngine engine, bool paused)
    {
        if (Mode == TestMode.Manual)
        {
            foreach (string queue in paused ? _queues.Names : _queues.Open)
            {
                try
                {
                    engine.SetPausedNative(queue, paused);
                }
                catch (Exception exception) when (paused && exception is BackrunException or ObjectDisposedException)
                {
                    // It was shut down by what ran.
                }
            }
        }
    }

    private StartRecord? Find(long id)
    {
        // A task may begin before the call that started it has noted it.
        SpinWait spin = default;
        while (true)
        {
            bool isOnTheWay = Volatile.Read(ref _submitting) != 0;
            if (Ledger.Find(id) is { } record || !isOnTheWay)
            {
                return Ledger.Find(id);
            }

            spin.SpinOnce();
        }
    }

    /// <summary>Of runs that wait for nothing any more.</summary>
    private void TakePlacesBack(BackrunEngine engine)
    {
        foreach ((long id, IDisposable place) in _places)
        {
            if (id > 0 && !ReferenceEquals(place, NoPlace)
                && engine.Look(new BackgroundTaskId(id))?.State is not (BackgroundTaskState.Running or BackgroundTaskState.Pending)
                && _places.TryRemove(id, out _))
            {
                place.Dispose();
            }
        }
    }

    private void LetInAsBefore()
    {
        foreach (long id in _places.Keys)
        {
            if (_places.TryRemove(id, out IDisposable? place) && !ReferenceEquals(place, NoPlace))
            {
                place.Dispose();
            }
        }
    }

    /// <summary>Waits until a task has ended, or waits for what does not come by itself.</summary>
    private void WaitForEnd(BackrunEngine engine, BackgroundTaskId id)
    {
        IDisposable? place = null;
        try
        {
            _waiting.Until(
                () =>
                {
                    BackgroundTaskStatus? status = engine.Look(id);
                    if (place is null && status?.State == BackgroundTaskState.Ready && engine.GetStatistics().Queues[status.Queue] is { Running: 0, Pending: > 0 })
                    {
                        // What another call has started awaits something, the clock maybe, and is not waited for.
                        place = _queues.LetIn(engine, status.Queue);
                    }

                    return HasRun(status);
                },
                () => Texts.StillOnTheWay(engine));
        }
        finally
        {
            place?.Dispose();
        }
    }

    private bool HasRun(BackgroundTaskStatus? status)
    {
        if (status is null || status.IsFinal)
        {
            return true;
        }

        if (status.State == BackgroundTaskState.Ready)
        {
            return _queues.IsPaused(status.Queue);
        }

        if (status.State != BackgroundTaskState.Scheduled)
        {
            return false;
        }

        return status.Attempt == 0 || !PassRetry(status);
    }

    /// <summary>Has the next attempt of a task begin. False: that is the test's clock's to do.</summary>
    private bool PassRetry(BackgroundTaskStatus status)
    {
        if (Clock.IsOfTest)
        {
            return false;
        }

        if (status.Attempt >= _options.MostRuns)
        {
            throw new InvalidOperationException(
                $"Task {status.Id} '{status.TaskName}' has failed {status.Attempt} times, and another attempt follows; the last time by {status.Error?.Type}: {status.Error?.Message} " +
                "Test it with TestMode.Manual, or raise TestEngineOptions.MostRuns.");
        }

        // None: it waits for the thread of its last run, which was given up.
        if (status.NextRunAt is { } next)
        {
            Clock.AdvanceTo(next);
        }

        return true;
    }

    /// <summary>The number of the last run that is no sign of a chain without an end: those of tasks that are there already are none.</summary>
    private long MostFromHere(BackrunEngine engine)
    {
        EngineStatistics now = engine.GetStatistics();
        return Interlocked.Read(ref _runs) + now.Ready + now.Running + now.Pending + now.Scheduled + _options.MostRuns;
    }

    private void WaitUntilQuiet(BackrunEngine engine, long most, bool pendingToo)
    {
        Progress progress = new(_options.Limit / 10);
        _waiting.Until(
            () =>
            {
                long runs = Interlocked.Read(ref _runs);
                if (runs > most)
                {
                    throw new InvalidOperationException(
                        $"More than {_options.MostRuns} runs began besides those of tasks that were waiting, and that looks like tasks that start one another without an end: {Texts.Last(Ledger, engine)}. " +
                        "Start the next one with a Delay, so that the test's clock has a say; or run it by RunNext; or raise TestEngineOptions.MostRuns.");
                }

                if (progress.IsHeldUp(runs))
                {
                    // What runs may wait for what is behind it: a worker takes its place, as outside of tests.
                    foreach (string queue in _queues.Open)
                    {
                        _places[Interlocked.Decrement(ref _lastPlace)] = _queues.LetIn(engine, queue);
                    }
                }

                TakePlacesBack(engine);

                return IsQuiet(engine, pendingToo) && !PassRetries(engine);
            },
            () => Texts.StillOnTheWay(engine));
    }

    /// <summary>Has the next attempts begin of tasks that run at the call. Whether there were any.</summary>
    private bool PassRetries(BackrunEngine engine)
    {
        if (Mode != TestMode.Inline || Clock.IsOfTest)
        {
            return false;
        }

        BackgroundTaskStatus? next = engine.ListTasks(new TaskFilter { States = [BackgroundTaskState.Scheduled], Limit = int.MaxValue })
            .Where(static task => task.Attempt > 0)
            .MinBy(static task => task.NextRunAt);
        return next is not null && PassRetry(next);
    }

    /// <summary>Whether nothing runs, and nothing that could is ready.</summary>
    private bool IsQuiet(BackrunEngine engine, bool pendingToo)
    {
        // Looked at one after the other, smallest id first: what a task started before it ended is seen unless it came after the look began, and then more were accepted than before.
        long accepted = engine.GetStatistics().Accepted;
        BackgroundTaskState[] states = pendingToo
            ? [BackgroundTaskState.Ready, BackgroundTaskState.Running, BackgroundTaskState.Pending]
            : [BackgroundTaskState.Ready, BackgroundTaskState.Running];
        bool anyPaused = _queues.AnyPaused;
        IReadOnlyList<BackgroundTaskStatus> found = engine.ListTasks(new TaskFilter { States = states, Limit = anyPaused ? int.MaxValue : 1 });
        return found.All(task => task.State == BackgroundTaskState.Ready && _queues.IsPaused(task.Queue)) && engine.GetStatistics().Accepted == accepted;
    }

    private static bool AnyOnTheWay(BackrunEngine engine, string queue) => engine
        .ListTasks(new TaskFilter { Queue = queue, States = [BackgroundTaskState.Ready, BackgroundTaskState.Running, BackgroundTaskState.Pending], Limit = 1 })
        .Count != 0;

    /// <param name="from">The first id that is looked at.</param>
    /// <param name="which">Of those.</param>
    private void ThrowFailures(long from, Func<StartRecord, bool> which)
    {
        if (!_options.ThrowOnFailure)
        {
            return;
        }

        BackrunEngine engine = Engine!;
        List<Exception> failures = [];
        foreach (StartRecord record in Ledger.From(from))
        {
            if (which(record)
                && engine.Look(new BackgroundTaskId(record.Id)) is { State: BackgroundTaskState.Dead } dead
                && Ledger.Tell(record, dead.Lease))
            {
                failures.Add(Failures.Of(engine, dead));
            }
        }

        Failures.Throw(failures);
    }

    /// <summary>The one task that is let run.</summary>
    private sealed class Picked(string queue)
    {
        private long _id;

        internal string Queue { get; } = queue;

        internal long Id => Interlocked.Read(ref _id);

        internal bool TrySet(long id) => Interlocked.CompareExchange(ref _id, id, 0) == 0;
    }
}
