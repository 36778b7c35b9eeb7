using System;
using System.Diagnostics;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace Backrun.Internals;

/// <summary>
/// What a run holds and is disposed of after it: the instance, the user's connection, the scope of its services, that of its log lines, its activity. A failure to dispose is a log line, not the
/// task's failure: its work was done.
/// </summary>
internal struct RunResources
{
    internal object? Instance;
    internal UserConnection? Connection;
    internal Activity? Activity;
    internal IDisposable? LogScope;
    private IServiceScope? _scope;

    internal readonly bool IsEmpty => Instance is null && Connection is null && _scope is null && Activity is null && LogScope is null;

    internal IServiceProvider OpenScope(IServiceProvider services)
    {
        _scope ??= services.GetService<IServiceScopeFactory>()?.CreateScope();

        // Services that are no container of the usual kind may have no scopes.
        return _scope?.ServiceProvider ?? services;
    }

    internal void Dispose(LogBridge log, string taskName)
    {
        RunResources all = this;
        this = default;
        End(all.Instance, log, taskName);
        End(all.Connection, log, taskName);
        End(all._scope, log, taskName);
        End(all.LogScope, log, taskName);
        End(all.Activity, log, taskName);
    }

    internal ValueTask DisposeAsync(LogBridge log, string taskName)
    {
        RunResources all = this;
        this = default;
        return EndAsync(all, log, taskName);
    }

    private static async ValueTask EndAsync(RunResources all, LogBridge log, string taskName)
    {
        await EndAsync(all.Instance, log, taskName).ConfigureAwait(false);
        await EndAsync(all.Connection, log, taskName).ConfigureAwait(false);
        await EndAsync(all._scope, log, taskName).ConfigureAwait(false);
        await EndAsync(all.LogScope, log, taskName).ConfigureAwait(false);
        await EndAsync(all.Activity, log, taskName).ConfigureAwait(false);
    }

    private static void End(object? part, LogBridge log, string taskName)
    {
        try
        {
            // A scope can have services that end asynchronously only; an instance that offers both ends as the run did.
            if (part is IDisposable disposable and not IServiceScope)
            {
                disposable.Dispose();
            }
            else if (part is IAsyncDisposable asyncDisposable)
            {
                ValueTask end = asyncDisposable.DisposeAsync();
                if (!end.IsCompletedSuccessfully)
                {
                    end.AsTask().GetAwaiter().GetResult();
                }
            }
            else
            {
                (part as IDisposable)?.Dispose();
            }
        }
        catch (Exception exception)
        {
            Report(part, exception, log, taskName);
        }
    }

    private static async ValueTask EndAsync(object? part, LogBridge log, string taskName)
    {
        try
        {
            if (part is IAsyncDisposable asyncDisposable)
            {
                await asyncDisposable.DisposeAsync().ConfigureAwait(false);
            }
            else
            {
                (part as IDisposable)?.Dispose();
            }
        }
        catch (Exception exception)
        {
            Report(part, exception, log, taskName);
        }
    }

    private static void Report(object? part, Exception exception, LogBridge log, string taskName) =>
        log.Warning($"After a run of task '{taskName}', {TypeNames.Of(part!.GetType())} could not be disposed of; the outcome of the run stands.", exception);
}
