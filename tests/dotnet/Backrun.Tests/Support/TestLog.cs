using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;

namespace Backrun.Tests.Support;

/// <summary>A logger that remembers.</summary>
internal sealed class TestLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<Line> _lines = new();
    private readonly SemaphoreSlim _more = new(0);

    internal TestLog(LogLevel least = LogLevel.Debug) => Least = least;

    internal LogLevel Least { get; }

    internal string? Category { get; private set; }

    internal IReadOnlyList<Line> Lines => _lines.ToArray();

    /// <summary>Waits for a line, including those that came before.</summary>
    internal async Task<Line> WaitFor(Func<Line, bool> wanted)
    {
        using CancellationTokenSource limit = new(Patience.Long);
        while (true)
        {
            if (_lines.FirstOrDefault(wanted) is { } found)
            {
                return found;
            }

            await _more.WaitAsync(limit.Token);
        }
    }

    public ILogger CreateLogger(string categoryName)
    {
        Category = categoryName;
        return this;
    }

    public bool IsEnabled(LogLevel logLevel) => logLevel >= Least;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        Dictionary<string, object?> values = (state as IReadOnlyList<KeyValuePair<string, object?>>)?.ToDictionary(static pair => pair.Key, static pair => pair.Value) ?? [];
        _lines.Enqueue(new Line(logLevel, formatter(state, exception), exception, values));
        _more.Release();
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    internal sealed record Line(LogLevel Level, string Text, Exception? Exception, IReadOnlyDictionary<string, object?> Values);
}
