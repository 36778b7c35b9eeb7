using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks;

namespace Backrun.Testing.Internals;

/// <summary>What dead tasks threw.</summary>
internal static class Failures
{
    /// <summary>What its completion fails with.</summary>
    internal static Exception Of(BackrunEngine engine, BackgroundTaskStatus dead)
    {
        Task completion = engine.Core.Completions.Of(engine, dead.Id);

        // Of a task that is dead already: it ends at once, or on a worker that is just about to end it.
        ((IAsyncResult)completion).AsyncWaitHandle.WaitOne();
        return completion.Exception?.InnerException ?? new BackgroundTaskFailedException(dead.Id, dead.TaskName, dead.Error);
    }

    internal static void Throw(List<Exception> failures)
    {
        if (failures.Count == 1)
        {
            ExceptionDispatchInfo.Throw(failures[0]);
        }

        if (failures.Count > 1)
        {
            throw new AggregateException(string.Create(CultureInfo.InvariantCulture, $"{failures.Count} tasks failed."), failures);
        }
    }
}
