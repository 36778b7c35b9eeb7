using System;
using Backrun.Native;
using Microsoft.Extensions.Logging;

namespace Backrun.Internals;

/// <summary>
/// The engine's log as an <see cref="ILogger"/> of category <c>Backrun</c>; without one, warnings and errors go to the standard error output. Never throws.
/// </summary>
internal sealed unsafe class LogBridge
{
    private readonly ILogger? _logger;
    private readonly FailureStore _failures;
    private volatile bool _processEnds;

    internal LogBridge(ILoggerFactory? factory, bool scopes, FailureStore failures)
    {
        _failures = failures;
        _logger = factory?.CreateLogger("Backrun");
        HasScopes = scopes && _logger is not null;
        NativeLevel = _logger switch
        {
            null => NativeConstants.BACKRUN_LOG_WARNING,
            _ when _logger.IsEnabled(LogLevel.Debug) => NativeConstants.BACKRUN_LOG_DEBUG,
            _ when _logger.IsEnabled(LogLevel.Information) => NativeConstants.BACKRUN_LOG_INFO,
            _ when _logger.IsEnabled(LogLevel.Warning) => NativeConstants.BACKRUN_LOG_WARNING,
            _ when _logger.IsEnabled(LogLevel.Error) => NativeConstants.BACKRUN_LOG_ERROR,
            _ => NativeConstants.BACKRUN_LOG_OFF,
        };
    }

    /// <summary>What native is to tell of, asked once.</summary>
    internal uint NativeLevel { get; }

    /// <summary>Whether the lines of each run are to stand in a scope.</summary>
    internal bool HasScopes { get; }

    /// <summary>The process ends: what is left of the engine is told in one line, and no longer in one a task.</summary>
    internal void TellOfTheEndInOneLine() => _processEnds = true;

    /// <summary>Begins the scope of a run on the current thread. Null where loggers have none, or cannot.</summary>
    internal IDisposable? BeginScope(string taskName, backrun_task* task)
    {
        try
        {
            return _logger!.BeginScope(new RunScope(NativeMethods.backrun_task_id(task), taskName, (int)NativeMethods.backrun_task_attempt(task)));
        }
        catch (Exception exception)
        {
            Warning($"The log scope of a run of task '{taskName}' could not be begun; it runs without.", exception);
            return null;
        }
    }

    /// <summary>A record of native, with the exception that it tells of where that is at hand.</summary>
    internal void Write(backrun_log_record* record)
    {
        if (_processEnds && record->event_kind == NativeConstants.BACKRUN_EVENT_ABANDONED)
        {
            return;
        }

        LogLine line = new(
            NativeText.ToManaged(record->message),
            record->task_id,
            record->lease,
            NativeText.ToManaged(record->task_name),
            NativeText.ToManaged(record->queue));
        Exception? exception = record->event_kind is NativeConstants.BACKRUN_EVENT_RUN_FAILED or NativeConstants.BACKRUN_EVENT_DEAD
            ? _failures.Find(record->task_id, record->lease)
            : null;
        Write(LevelOf(record->level), new EventId((int)record->event_kind), line, exception);
    }

    internal void Warning(string message, Exception? exception = null) => Write(LogLevel.Warning, default, new LogLine(message), exception);

    /// <summary>Something that should not happen.</summary>
    internal void Internal(string message, Exception exception) => Write(LogLevel.Error, default, new LogLine(message), exception);

    private void Write(LogLevel level, EventId kind, LogLine line, Exception? exception)
    {
        try
        {
            if (_logger is not null)
            {
                // Loggers print it by themselves; the line has what can be said of such a one.
                exception = exception is not null && ExceptionText.HasTooMuchInside(exception) ? null : exception;
                _logger.Log(level, kind, line, exception, LogLine.Format);
            }
            else if (level >= LogLevel.Warning)
            {
                string text = $"Backrun {(level == LogLevel.Warning ? "warning" : "error")}: {line}";
                Console.Error.WriteLine(exception is null ? text : $"{text}{Environment.NewLine}{ExceptionText.DetailOf(exception)}");
            }
        }
        catch (Exception second)
        {
            LastResort.Report($"a log line was lost ({line})", second);
        }
    }

    private static LogLevel LevelOf(uint level) => level switch
    {
        NativeConstants.BACKRUN_LOG_ERROR => LogLevel.Error,
        NativeConstants.BACKRUN_LOG_WARNING => LogLevel.Warning,
        NativeConstants.BACKRUN_LOG_INFO => LogLevel.Information,
        _ => LogLevel.Debug,
    };
}
