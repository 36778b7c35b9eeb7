using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>Hands many tasks over, all or none: every value is serialised into one buffer, and native is called once.</summary>
internal static unsafe class BatchSubmitter
{
    internal static BackgroundTaskHandle[] Submit<TParameters>(
        BackrunEngine owner, EngineHandle engine, TaskRegistration<TParameters> registration, IEnumerable<TParameters> all, StartOptions? options, UserConnection? user)
    {
        int count = 0;
        if (registration.Core.Probe is { } probe)
        {
            BackgroundTaskContext? starter = probe.Starting(registration);
            BackgroundTaskHandle[] probed;
            try
            {
                probed = Watched(owner, engine, registration, all, options, user, ref count);
            }
            catch
            {
                probe.NotStarted();
                throw;
            }

            probe.Finish(Array.ConvertAll(probed, static handle => handle.Id.Value), starter);
            return probed;
        }

        if (!SendWatch.IsWanted(registration.Core))
        {
            return Submit(owner, engine, registration, all, options, user, ref count);
        }

        return Watched(owner, engine, registration, all, options, user, ref count);
    }

    private static BackgroundTaskHandle[] Watched<TParameters>(
        BackrunEngine owner,
        EngineHandle engine,
        TaskRegistration<TParameters> registration,
        IEnumerable<TParameters> all,
        StartOptions? options,
        UserConnection? user,
        ref int count)
    {
        SendWatch watch = SendWatch.Begin(registration, options);
        try
        {
            BackgroundTaskHandle[] handles = Submit(owner, engine, registration, all, options, user, ref count);
            watch.AllAccepted(count);
            return handles;
        }
        catch (Exception exception)
        {
            watch.Failed(exception, count);
            throw;
        }
    }

    private static BackgroundTaskHandle[] Submit<TParameters>(
        BackrunEngine owner,
        EngineHandle engine,
        TaskRegistration<TParameters> registration,
        IEnumerable<TParameters> all,
        StartOptions? options,
        UserConnection? user,
        ref int count)
    {
        PayloadWriter writer = PayloadWriter.Rent(Array.MaxLength);
        try
        {
            List<int> ends = all.TryGetNonEnumeratedCount(out int expected) ? new List<int>(expected) : [];
            foreach (TParameters parameters in all)
            {
                SerializeOne(writer, parameters, registration, ends.Count);
                ends.Add(writer.WrittenCount);
            }

            count = ends.Count;
            return ends.Count == 0 ? [] : Send(owner, engine, registration, writer, CollectionsMarshal.AsSpan(ends), options, user);
        }
        finally
        {
            writer.Return();
        }
    }

    private static void SerializeOne<TParameters>(PayloadWriter writer, TParameters parameters, TaskRegistration<TParameters> registration, int index)
    {
        try
        {
            registration.Serialize(writer, parameters);
        }
        catch (TaskSerializationException exception)
        {
            throw new TaskSerializationException($"Item {index}: {exception.Message}", registration.Name, typeof(TParameters), exception.InnerException);
        }
        catch (BackrunException exception)
        {
            throw new BackrunException(exception.Code, $"Item {index}: {exception.Message}", exception.InnerException);
        }
    }

    private static BackgroundTaskHandle[] Send<TParameters>(
        BackrunEngine owner,
        EngineHandle engine,
        TaskRegistration<TParameters> registration,
        PayloadWriter writer,
        ReadOnlySpan<int> ends,
        StartOptions? options,
        UserConnection? user)
    {
        // The ids come behind the submissions.
        backrun_submission* submissions = (backrun_submission*)NativeMemory.AllocZeroed((nuint)ends.Length, (nuint)(sizeof(backrun_submission) + sizeof(long)));
        long* ids = (long*)(submissions + ends.Length);
        try
        {
            int start = 0;
            for (int index = 0; index < ends.Length; index++)
            {
                submissions[index].payload = new backrun_bytes { data = writer.Start + start, len = (nuint)(ends[index] - start) };
                start = ends[index];
            }

            NativeError.ThrowIfFailed(Submitter.Send(engine, registration, submissions, ends.Length, ids, options, user, whenFull: 0, pending: null, out backrun_error* error), error);
            BackgroundTaskHandle[] handles = new BackgroundTaskHandle[ends.Length];
            for (int index = 0; index < handles.Length; index++)
            {
                handles[index] = new BackgroundTaskHandle(owner, new BackgroundTaskId(ids[index]));
                if (registration.Core.Probe is { } probe)
                {
                    backrun_bytes payload = submissions[index].payload;
                    probe.Started(ids[index], registration, new ReadOnlySpan<byte>(payload.data, (int)payload.len).ToArray(), options, user, probe.Starter);
                }
            }

            return handles;
        }
        finally
        {
            NativeMemory.Free(submissions);
        }
    }
}
