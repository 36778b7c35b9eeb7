using System;
using Backrun.Testing.Internals;

namespace Backrun.Testing;

/// <summary>A task that was started in a <see cref="TestEngine"/>: what it was started with, and how to ask what became of it.</summary>
public class StartedTask
{
    private readonly StartRecord _record;
    private readonly BackrunEngine _engine;

    private protected StartedTask(StartedTask same)
        : this(same._record, same._engine)
    {
    }

    internal StartedTask(StartRecord record, BackrunEngine engine)
    {
        _record = record;
        _engine = engine;
    }

    /// <summary>The id of the task.</summary>
    public BackgroundTaskId Id => new(_record.Id);

    /// <summary>The class that runs it.</summary>
    public Type TaskType => _record.Registration.TaskType;

    /// <summary>The task name.</summary>
    public string TaskName => _record.Registration.Name;

    /// <summary>As what its parameters were declared where it was started.</summary>
    public Type ParametersType => _record.Registration.ParametersType;

    /// <summary>The parameters as a run gets them, read from the bytes: never the object that it was started with. A new copy with each call.</summary>
    /// <exception cref="TaskSerializationException">They cannot be read: a run fails by that.</exception>
    public object? Parameters => _record.Registration.Read(_record.Payload);

    /// <summary>The parameters as MessagePack.</summary>
    public ReadOnlyMemory<byte> Payload => _record.Payload;

    /// <summary>The queue that it was started in.</summary>
    public string Queue => _record.Registration.QueueOf(_record.Options);

    /// <summary>The options of the call that started it, as they were then; those with every default where it had none.</summary>
    public StartOptions Options => _record.Options?.Copy() ?? new StartOptions();

    /// <summary>On whose behalf it was started; null: nobody's.</summary>
    public UserIdentity? User => _record.User;

    /// <summary>The task that started it; null: no task did.</summary>
    public BackgroundTaskId? StartedBy => _record.Parent == 0 ? null : new BackgroundTaskId(_record.Parent);

    /// <summary>The task, as the call that started it returned it.</summary>
    public BackgroundTaskHandle Handle => _engine.GetHandle(Id);

    internal StartRecord Record => _record;

    /// <summary>What is known of it now, or null where it is no longer kept: see <see cref="BackrunEngine.GetStatus"/>.</summary>
    public BackgroundTaskStatus? GetStatus() => _engine.GetStatus(Id);

    /// <summary>Class, parameters and options, for people.</summary>
    public override string ToString() => Texts.Of(_record, _engine);
}
