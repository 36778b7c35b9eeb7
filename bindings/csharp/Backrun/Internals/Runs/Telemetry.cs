using System.Diagnostics;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>Runs as activities of the source <c>Backrun</c>, children of the activity that started the task.</summary>
internal static unsafe class Telemetry
{
    internal static readonly ActivitySource Source = new("Backrun");

    internal static Activity? Start(string taskName, backrun_task* task)
    {
        string? parent = HeaderSet.Find(task, HeaderSet.TraceParent);
        if (parent is null || !ActivityContext.TryParse(parent, HeaderSet.Find(task, HeaderSet.TraceState), isRemote: true, out ActivityContext context))
        {
            context = default;
        }

        return Source.StartActivity(taskName, ActivityKind.Consumer, context);
    }
}
