using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>The classes that run tasks in an engine, by their types and by the names of their tasks.</summary>
internal sealed class Registrations
{
    private readonly object _gate = new();
    private readonly ConcurrentDictionary<(Type FrontEnd, Type Task, Type Parameters), TaskRegistration> _byTypes = new();

    // Names by which tasks were started that no class here runs.
    private readonly ConcurrentDictionary<(string Name, Type Parameters), TaskRegistration> _foreign = new();

    // Names that native knows. Guarded by the gate.
    private readonly Dictionary<string, TaskRegistration> _byName = new(StringComparer.Ordinal);
    private readonly EngineCore _core;

    internal Registrations(EngineCore core) => _core = core;

    /// <summary>The registration of these types, made with every default where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal TaskRegistration<TParameters> Get<TFrontEnd, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(EngineHandle engine)
        where TFrontEnd : struct, IFrontEnd
        where TTask : class
    {
        TaskRegistration<TParameters>? last = Last<TFrontEnd, TTask, TParameters>.Registration;
        return last is not null && ReferenceEquals(last.Core, _core) ? last : Find<TFrontEnd, TTask, TParameters>(engine);
    }

    /// <summary>Registers these types under a name; null is the class's own.</summary>
    /// <exception cref="ArgumentException">The types, the name or the options do not fit.</exception>
    internal TaskRegistration<TParameters> Register<TFrontEnd, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(
        EngineHandle engine, string? name, TaskOptions? options)
        where TFrontEnd : struct, IFrontEnd
        where TTask : class
    {
        lock (_gate)
        {
            if (_byTypes.TryGetValue((typeof(TFrontEnd), typeof(TTask), typeof(TParameters)), out TaskRegistration? existing))
            {
                CheckSame(existing, name, options);
                return (TaskRegistration<TParameters>)existing;
            }

            RefuseCollectible(typeof(TTask));
            RefuseCollectible(typeof(TParameters));
            TaskInvoker<TParameters> invoker = TFrontEnd.For<TTask, TParameters>(_core.Services);
            TaskNames names = TaskNames.Of(typeof(TTask), name);
            foreach (string each in names.All)
            {
                CheckFree(each, typeof(TFrontEnd), typeof(TTask), typeof(TParameters));
            }

            TaskRegistration<TParameters> made = new(_core, typeof(TFrontEnd), names.Name, options ?? new TaskOptions(), invoker, Last<TFrontEnd, TTask, TParameters>.Forget);
            _core.Formats.Typeless.Types.Add(typeof(TTask));
            _core.Formats.Typeless.Types.Add(typeof(TParameters));
            RegisterNative(engine, made, names);
            _byTypes[(typeof(TFrontEnd), typeof(TTask), typeof(TParameters))] = made;
            Volatile.Write(ref Last<TFrontEnd, TTask, TParameters>.Registration, made);
            return made;
        }
    }

    /// <summary>The registration of a name: that of the class that has it here, else one that only submits.</summary>
    /// <exception cref="ArgumentException">The class takes other parameters.</exception>
    /// <exception cref="BackrunException">Native knows no such name.</exception>
    internal unsafe TaskRegistration<TParameters> Named<TParameters>(EngineHandle engine, string name)
    {
        if (_foreign.TryGetValue((name, typeof(TParameters)), out TaskRegistration? known))
        {
            return (TaskRegistration<TParameters>)known;
        }

        lock (_gate)
        {
            if (_byName.TryGetValue(name, out TaskRegistration? ours))
            {
                return ours as TaskRegistration<TParameters> ?? throw new ArgumentException(
                    $"The task name '{name}' belongs to {TypeNames.Of(ours.TaskType)}, which takes {TypeNames.Of(ours.ParametersType)} and not {TypeNames.Of(typeof(TParameters))}.");
            }
        }

        RefuseCollectible(typeof(TParameters));
        TaskRegistration<TParameters> made = new(_core, typeof(TaskInvokers), name, new TaskOptions(), TaskInvokers.OfAnother<TParameters>(), static _ => { });
        _core.Formats.Typeless.Types.Add(typeof(TParameters));
        using (EngineHandle.Use use = engine.Borrow())
        {
            made.FindNumber(use.Pointer);
        }

        return (TaskRegistration<TParameters>)_foreign.GetOrAdd((name, typeof(TParameters)), made);
    }

    /// <summary>Whether a class of this engine runs tasks of that name.</summary>
    internal bool Knows(string name)
    {
        lock (_gate)
        {
            return _byName.ContainsKey(name);
        }
    }

    /// <summary>Lets go of what static fields keep of this engine.</summary>
    internal void Forget()
    {
        foreach (TaskRegistration registration in _byTypes.Values)
        {
            registration.Forget();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private TaskRegistration<TParameters> Find<TFrontEnd, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(EngineHandle engine)
        where TFrontEnd : struct, IFrontEnd
        where TTask : class
    {
        if (!_byTypes.TryGetValue((typeof(TFrontEnd), typeof(TTask), typeof(TParameters)), out TaskRegistration? found))
        {
            return Register<TFrontEnd, TTask, TParameters>(engine, name: null, options: null);
        }

        TaskRegistration<TParameters> registration = Unsafe.As<TaskRegistration<TParameters>>(found);
        Volatile.Write(ref Last<TFrontEnd, TTask, TParameters>.Registration, registration);
        return registration;
    }

    private unsafe void RegisterNative(EngineHandle engine, TaskRegistration registration, TaskNames names)
    {
        using EngineHandle.Use use = engine.Borrow();
        foreach (string name in names.All)
        {
            // Nothing takes a name back: one that an earlier, failed attempt left is taken over as it is.
            if (!_byName.ContainsKey(name))
            {
                registration.RegisterNative(use.Pointer, name);
                _byName[name] = registration;
            }
        }

        registration.FindNumber(use.Pointer);
    }

    private static void CheckSame(TaskRegistration existing, string? name, TaskOptions? options)
    {
        if (name is not null && !string.Equals(name, existing.Name, StringComparison.Ordinal))
        {
            throw new ArgumentException(
                $"{TypeNames.Of(existing.TaskType)} with {TypeNames.Of(existing.ParametersType)} is registered under the name '{existing.Name}' already and cannot be '{name}' too. " +
                "To run tasks of an earlier name as well, put it into the Aliases of its [BackgroundTask].",
                nameof(name));
        }

        if (options is not null && options != existing.Options)
        {
            throw new ArgumentException(
                $"Task '{existing.Name}' is registered with other options already. Call Register before the first task of this class is started, and once.", nameof(options));
        }
    }

    private void CheckFree(string name, Type frontEnd, Type task, Type parameters)
    {
        if (!_byName.TryGetValue(name, out TaskRegistration? taken) || (taken.FrontEnd == frontEnd && taken.TaskType == task && taken.ParametersType == parameters))
        {
            return;
        }

        if (taken.TaskType == task && taken.FrontEnd != frontEnd)
        {
            throw new ArgumentException(
                $"{TypeNames.Of(task)} implements the interfaces of Backrun and those of Backrun.Creatio, and tasks of the name '{name}' are run through the others already. " +
                "Start it through one of the two only, or make two classes of it.");
        }

        string hint = taken.TaskType == task
            ? $"A class that runs tasks with two kinds of parameters needs a name for the second: call Register<{task.Name}, {parameters.Name}>(\"…\") before."
            : "Give one of the two classes another name, by [BackgroundTask(\"…\")] or Register.";
        throw new ArgumentException(
            $"The task name '{name}' belongs to {TypeNames.Of(taken.TaskType)} with {TypeNames.Of(taken.ParametersType)} and cannot be that of {TypeNames.Of(task)} with {TypeNames.Of(parameters)}. {hint}");
    }

    private static void RefuseCollectible(Type type)
    {
        if (type.IsCollectible)
        {
            throw new ArgumentException(
                $"{TypeNames.Of(type)} comes from a collectible AssemblyLoadContext ({type.Assembly.GetName().Name}), which could be unloaded under a running task. Load the assembly into one that is not collectible.");
        }
    }

    /// <summary>The registration of these types that was used last, in whichever engine: nearly always the right one.</summary>
    private static class Last<TFrontEnd, TTask, TParameters>
    {
        internal static TaskRegistration<TParameters>? Registration;

        internal static readonly Action<TaskRegistration> Forget = static registration =>
            Interlocked.CompareExchange(ref Registration, null, (TaskRegistration<TParameters>)registration);
    }
}
