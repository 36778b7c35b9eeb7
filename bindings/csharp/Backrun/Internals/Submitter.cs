using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>Hands tasks over to native. Nothing is allocated where a task carries neither options with texts nor headers.</summary>
internal static unsafe class Submitter
{
    // Where serialising one value ends: far beyond the limit, so that the message can say how large it is.
    private const int MostBytes = 16 * Limits.PayloadBytes;

    /// <summary>Serialises and submits one task.</summary>
    /// <returns>Its id.</returns>
    internal static long Submit<TParameters>(
        EngineHandle engine, TaskRegistration<TParameters> registration, TParameters parameters, StartOptions? options, UserConnection? user) =>
        registration.Core.Probe is { } probe ? SubmitProbed(probe, engine, registration, parameters, options, user)
            : SendWatch.IsWanted(registration.Core)
            ? SubmitWatched(engine, registration, parameters, options, user)
            : SubmitUnwatched(engine, registration, parameters, options, user);

    /// <summary><see cref="Submit"/>, where whoever calls it watches, or nobody does.</summary>
    [SkipLocalsInit]
    internal static long SubmitUnwatched<TParameters>(
        EngineHandle engine, TaskRegistration<TParameters> registration, TParameters parameters, StartOptions? options, UserConnection? user)
    {
        PayloadWriter writer = PayloadWriter.Rent(MostBytes);
        try
        {
            registration.Serialize(writer, parameters);
            backrun_submission submission;
            Unsafe.InitBlockUnaligned(&submission, 0, (uint)sizeof(backrun_submission));
            submission.payload = new backrun_bytes { data = writer.Start, len = (nuint)writer.WrittenCount };
            long id;
            backrun_error* error;
            int code = options is null && user is null && !HeaderSet.IsNeeded(registration.Core.Cultures)
                ? SendPlain(engine, registration, &submission, &id, out error)
                : Send(engine, registration, &submission, 1, &id, options, user, whenFull: 0, pending: null, out error);
            NativeError.ThrowIfFailed(code, error);
            return id;
        }
        finally
        {
            writer.Return();
        }
    }

    /// <summary>Serialises one task and hands it over to a durable store, without waiting until it is safe there.</summary>
    internal static Task<BackgroundTaskHandle> SubmitAsync<TParameters>(
        BackrunEngine engine, TaskRegistration<TParameters> registration, TParameters parameters, StartOptions? options, UserConnection? user)
    {
        PayloadWriter writer = PayloadWriter.Rent(MostBytes);
        try
        {
            registration.Serialize(writer, parameters);
            backrun_submission submission = new() { payload = new backrun_bytes { data = writer.Start, len = (nuint)writer.WrittenCount } };
            PendingSubmission pending = new(engine);
            long none;
            int code = Send(engine.Handle, registration, &submission, 1, &none, options, user, whenFull: 0, pending, out backrun_error* error);
            NativeError.ThrowIfFailed(code, error);
            return pending.Task;
        }
        finally
        {
            writer.Return();
        }
    }

    /// <summary>Serialises the parameters of one task.</summary>
    internal static byte[] Serialize<TParameters>(TaskRegistration<TParameters> registration, TParameters parameters)
    {
        PayloadWriter writer = PayloadWriter.Rent(MostBytes);
        try
        {
            registration.Serialize(writer, parameters);
            return writer.WrittenSpan.ToArray();
        }
        finally
        {
            writer.Return();
        }
    }

    /// <summary>Submits bytes as they are.</summary>
    /// <returns>The id.</returns>
    internal static long SubmitBytes(EngineHandle engine, TaskRegistration registration, byte[] payload, StartOptions? options, UserConnection? user)
    {
        fixed (byte* data = payload)
        {
            backrun_submission submission = new() { payload = new backrun_bytes { data = data, len = (nuint)payload.Length } };
            long id;
            NativeError.ThrowIfFailed(Send(engine, registration, &submission, 1, &id, options, user, whenFull: 0, pending: null, out backrun_error* error), error);
            return id;
        }
    }

    /// <summary>Submits bytes as they are, whatever the queue does when it is full: it refuses.</summary>
    /// <param name="engine">Where to.</param>
    /// <param name="registration">Whose task it is.</param>
    /// <param name="payload">Its parameters.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="user">On whose behalf, or null.</param>
    /// <param name="accepted">Ends when it is accepted.</param>
    /// <param name="full">The exception of a full queue.</param>
    /// <returns>False if the queue is full.</returns>
    internal static bool TrySubmit(
        BackrunEngine engine,
        TaskRegistration registration,
        byte[] payload,
        StartOptions? options,
        UserConnection? user,
        [NotNullWhen(true)] out Task<BackgroundTaskHandle>? accepted,
        [NotNullWhen(false)] out Exception? full)
    {
        fixed (byte* data = payload)
        {
            backrun_submission submission = new() { payload = new backrun_bytes { data = data, len = (nuint)payload.Length } };
            PendingSubmission? pending = registration.Core.IsDurable ? new PendingSubmission(engine) : null;
            long id;
            int code = Send(engine.Handle, registration, &submission, 1, &id, options, user, NativeConstants.BACKRUN_WHEN_FULL_REFUSE, pending, out backrun_error* error);
            if (code == NativeConstants.BACKRUN_OK)
            {
                full = null;
                accepted = pending?.Task ?? Task.FromResult(new BackgroundTaskHandle(engine, new BackgroundTaskId(id)));
                return true;
            }

            accepted = null;
            full = NativeError.ToException(code, error);
            return code == NativeConstants.BACKRUN_QUEUE_FULL ? false : throw full;
        }
    }

    /// <summary>Fills in what all submissions have in common and hands them over in one call.</summary>
    /// <param name="engine">Where to.</param>
    /// <param name="registration">Whose tasks they are.</param>
    /// <param name="submissions">Cleared but for the payload.</param>
    /// <param name="count">How many.</param>
    /// <param name="ids">Receives the ids.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="user">On whose behalf, or null.</param>
    /// <param name="whenFull">What to do instead of what the options say, or 0.</param>
    /// <param name="pending">Of one task: who is told when the store has it, in place of waiting for that. Or null.</param>
    /// <param name="error">Native's error, to be freed.</param>
    [SkipLocalsInit]
    internal static int Send(
        EngineHandle engine,
        TaskRegistration registration,
        backrun_submission* submissions,
        int count,
        long* ids,
        StartOptions? options,
        UserConnection? user,
        uint whenFull,
        PendingSubmission? pending,
        out backrun_error* error)
    {
        EngineCore core = registration.Core;
        byte[]? userContext = user?.EncodedIdentity();
        backrun_header* headers = stackalloc backrun_header[HeaderSet.Most];
        byte* headerTexts = stackalloc byte[HeaderSet.TextBytes];
        backrun_retry_policy retry = default;
        Utf8Arena texts = default;
        try
        {
            backrun_submission* first = submissions;
            FillIn(first, registration);
            if (userContext is not null)
            {
                first->user_context = new backrun_bytes { data = (byte*)NativeText.ViewOfPinned(userContext).data, len = (nuint)userContext.Length };
            }

            if (options is not null)
            {
                NativeOptions.Write(options, registration.Options, ref texts, ref *first, &retry);
                if (core.Probe is not null)
                {
                    // A test's store is in memory, and as safe as that is, whatever the code under test asks for.
                    first->durability = 0;
                }
            }

            if (whenFull != 0)
            {
                first->when_full = whenFull;
                first->when_full_timeout_ms = 0;
            }

            if (HeaderSet.IsNeeded(core.Cultures))
            {
                first->headers = headers;
                first->header_count = (nuint)HeaderSet.Capture(core.Cultures, headers, headerTexts);
            }

            backrun_error* failure = null;
            int code;
            if (pending is not null)
            {
                code = pending.Send(engine, first, &failure);
            }
            else if (count == 1)
            {
                code = engine.Submit(first, ids, &failure);
            }
            else
            {
                CopyToOthers(first, count);
                using EngineHandle.Use use = engine.Borrow();
                code = NativeMethods.backrun_engine_submit_many(use.Pointer, first, (nuint)count, ids, &failure);
            }

            error = failure;
            GC.KeepAlive(userContext);
            return code;
        }
        finally
        {
            texts.Dispose();
        }
    }

    /// <summary><see cref="Submit"/> in an engine that a test was made for.</summary>
    private static long SubmitProbed<TParameters>(
        EngineProbe probe, EngineHandle engine, TaskRegistration<TParameters> registration, TParameters parameters, StartOptions? options, UserConnection? user)
    {
        BackgroundTaskContext? starter = probe.Starting(registration);
        SendWatch watch = SendWatch.Begin(registration, options);
        byte[] payload;
        long id;
        try
        {
            payload = Serialize(registration, parameters);
            id = SubmitBytes(engine, registration, payload, options, user);
            watch.Accepted(id);
        }
        catch (Exception exception)
        {
            watch.Failed(exception);
            probe.NotStarted();
            throw;
        }

        probe.Started(id, registration, payload, options, user, starter);
        probe.Finish([id], starter);
        return id;
    }

    private static long SubmitWatched<TParameters>(
        EngineHandle engine, TaskRegistration<TParameters> registration, TParameters parameters, StartOptions? options, UserConnection? user)
    {
        SendWatch watch = SendWatch.Begin(registration, options);
        try
        {
            long id = SubmitUnwatched(engine, registration, parameters, options, user);
            watch.Accepted(id);
            return id;
        }
        catch (Exception exception)
        {
            watch.Failed(exception);
            throw;
        }
    }

    /// <summary><see cref="Send"/> of one task that carries nothing but its parameters: the usual case.</summary>
    private static int SendPlain(EngineHandle engine, TaskRegistration registration, backrun_submission* submission, long* id, out backrun_error* error)
    {
        FillIn(submission, registration);
        backrun_error* failure = null;
        int code = engine.Submit(submission, id, &failure);
        error = failure;
        return code;
    }

    private static void FillIn(backrun_submission* submission, TaskRegistration registration)
    {
        submission->struct_size = (uint)sizeof(backrun_submission);
        submission->task_number = registration.NativeNumber;
        submission->payload_format = (uint)registration.PayloadFormat;
    }

    private static void CopyToOthers(backrun_submission* first, int count)
    {
        for (int index = 1; index < count; index++)
        {
            backrun_bytes payload = first[index].payload;
            first[index] = *first;
            first[index].payload = payload;
        }
    }
}
