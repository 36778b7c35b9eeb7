using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>
/// Spans of the source <c>Backrun</c>: a producer's for each call that starts tasks, whose context travels as the headers <c>traceparent</c> and <c>tracestate</c>, and a consumer's for each run, its child and
/// linked with it.
/// </summary>
/// <remarks>
/// Named after the task and not, as the conventions propose unless a system says otherwise, after the queue: nearly every task of a program is in the queue <c>default</c>, and spans of one name are what
/// tools put together.
/// </remarks>
internal static unsafe class Tracing
{
    internal static readonly ActivitySource Source = new(Conventions.Source, Conventions.Version);

    /// <summary>Begins the span of a call that starts tasks, and makes it the current one; null where nobody wants it.</summary>
    internal static Activity? StartSend(TaskRegistration registration, string queue)
    {
        List<KeyValuePair<string, object?>> tags = Tags(registration, queue, Conventions.Send);
        return Source.StartActivity(ActivityKind.Producer, tags: tags, name: $"{Conventions.Send} {registration.Name}");
    }

    /// <summary>Begins the span of a run, and makes it the current one; null where nobody wants it.</summary>
    internal static Activity? StartRun(TaskRegistration registration, backrun_task* task)
    {
        List<KeyValuePair<string, object?>> tags = Tags(registration, NativeText.ToManaged(NativeMethods.backrun_task_queue(task)), Conventions.Process);
        tags.Add(new(Conventions.MessageId, NativeMethods.backrun_task_id(task).ToString(CultureInfo.InvariantCulture)));
        tags.Add(new(Conventions.Attempt, (int)NativeMethods.backrun_task_attempt(task)));
        string name = $"{Conventions.Process} {registration.Name}";
        string? sender = HeaderSet.Find(task, HeaderSet.TraceParent);
        return sender is not null && ActivityContext.TryParse(sender, HeaderSet.Find(task, HeaderSet.TraceState), isRemote: true, out ActivityContext context)
            ? Source.StartActivity(ActivityKind.Consumer, context, tags, [new ActivityLink(context)], name: name)
            : Source.StartActivity(ActivityKind.Consumer, tags: tags, name: name);
    }

    /// <summary>Notes what an operation failed by.</summary>
    internal static void Fail(Activity? activity, Exception exception)
    {
        if (activity is null)
        {
            return;
        }

        string type = ExceptionText.TypeOf(exception);
        activity.SetStatus(ActivityStatusCode.Error, ExceptionText.MessageOf(exception));
        activity.SetTag(Conventions.ErrorType, type);
        if (activity.IsAllDataRequested)
        {
            activity.AddEvent(new ActivityEvent("exception", tags: new ActivityTagsCollection
            {
                { "exception.type", type },
                { "exception.message", ExceptionText.MessageOf(exception) },
                { "exception.stacktrace", ExceptionText.DetailOf(exception) },
            }));
        }
    }

    private static List<KeyValuePair<string, object?>> Tags(TaskRegistration registration, string queue, string operation)
    {
        List<KeyValuePair<string, object?>> tags = new(8)
        {
            new(Conventions.System, Conventions.SystemName),
            new(Conventions.OperationName, operation),
            new(Conventions.OperationType, operation),
            new(Conventions.Destination, queue),
            new(Conventions.TaskName, registration.Name),
        };
        if (registration.Core.Name is { } engine)
        {
            tags.Add(new(Conventions.Engine, engine));
        }

        return tags;
    }
}
