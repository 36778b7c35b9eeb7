using System;
using System.Threading.Tasks;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>A registration, with the types of its class and parameters known.</summary>
/// <typeparam name="TParameters">What the tasks are started with.</typeparam>
#pragma warning disable MA0048 // Its file is named after what it is.
internal sealed unsafe class TaskRegistration<TParameters> : TaskRegistration
{
    // What set_user_connection leaves for run says only that this thread's run has begun: there is nothing to find through it.
    private static readonly void* Begun = (void*)1;
    private readonly Formatters<TParameters> _formatters = new();
    private readonly TaskInvoker<TParameters> _invoker;
    private readonly Action<object, TParameters>? _run;

    internal TaskRegistration(EngineCore core, Type frontEnd, string name, TaskOptions options, TaskInvoker<TParameters> invoker, Action<TaskRegistration> forget)
        : base(core, frontEnd, name, options, invoker.PayloadFormat)
    {
        _invoker = invoker;
        _run = invoker.Run;
        Forgetter = forget;
    }

    internal override Type TaskType => _invoker.TaskType;

    internal override Type ParametersType => typeof(TParameters);

    internal override bool TakesUserConnection => _invoker.SetUserConnection is not null;

    private Action<TaskRegistration> Forgetter { get; }

    /// <summary>Appends the bytes of parameters.</summary>
    /// <exception cref="TaskSerializationException">They cannot be serialised, or not be read back where that is asked for.</exception>
    /// <exception cref="BackrunException">They are too large.</exception>
    internal void Serialize(PayloadWriter writer, TParameters parameters) =>
        PayloadSerializer.Serialize(writer, parameters, _formatters, PayloadFormat, Core.VerifyRoundTrip, this);

    internal override void Forget() => Forgetter(this);

    internal override object? Read(byte[] payload)
    {
        fixed (byte* data = payload)
        {
            return PayloadSerializer.Deserialize(new backrun_bytes { data = data, len = (nuint)payload.Length }, _formatters, PayloadFormat, this);
        }
    }

    internal override int SetUserConnection(backrun_task* task, backrun_bytes userContext, void** taskState)
    {
        WorkerRun run = WorkerRun.OfThisThread();
        run.Enter(this, task);
        try
        {
            run.Prepare();
            UserConnection connection = run.OpenConnection(userContext, _invoker);
            object instance = run.Make(_invoker);

            // For Run to find, whether it is to be disposed of or not.
            run.Resources.Instance = instance;
            _invoker.SetUserConnection!(instance, connection);
            *taskState = Begun;
            return NativeConstants.BACKRUN_RUN_DONE;
        }
        catch (Exception exception)
        {
            int code = run.Fail(exception);
            run.Leave();
            return code == NativeConstants.BACKRUN_RUN_CANCELLED ? NativeConstants.BACKRUN_RUN_FAILED : code;
        }
    }

    internal override int Run(backrun_task* task, backrun_bytes payload, void* taskState)
    {
        WorkerRun run = WorkerRun.OfThisThread();
        if (taskState is null)
        {
            run.Enter(this, task);
        }

        // Native is asked outside of the try block: inside of one the JIT does not put calls of native in line.
        PayloadFormat format = (PayloadFormat)NativeMethods.backrun_task_payload_format(task);
        try
        {
            if (taskState is null)
            {
                run.Prepare();
            }

            TParameters parameters = PayloadSerializer.Deserialize(payload, _formatters, format, this);
            object instance = run.Resources.Instance ?? run.Make(_invoker);
            if (_run is null)
            {
                return StartAsync(run, instance, parameters);
            }

            _run(instance, parameters);
            return NativeConstants.BACKRUN_RUN_DONE;
        }
        catch (Exception exception)
        {
            return run.Fail(exception);
        }
        finally
        {
            run.Leave();
        }
    }

    private int StartAsync(WorkerRun run, object instance, TParameters parameters)
    {
        BackgroundTaskContext context = run.Context;
        PendingRun pending = new(this, context, run.TakeResources());
        Task<Exception?> whole = pending.RunAsync(_invoker.RunAsync!, instance, parameters);
        if (whole.IsCompletedSuccessfully)
        {
            return whole.Result is { } exception ? run.Fail(exception) : NativeConstants.BACKRUN_RUN_DONE;
        }

        pending.SettleAfter(whole, run.HandOver());
        return NativeConstants.BACKRUN_RUN_PENDING;
    }
}
