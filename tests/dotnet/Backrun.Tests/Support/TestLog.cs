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
    private TaskCompletionSource _more = Patience.Signal();

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
            Task more = Volatile.Read(ref _more).Task;
            if (_lines.FirstOrDefault(wanted) is { } found)
            {
                return found;
            }

            try
            {
                await more.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"The line that a test waited for did not come. There are:\n{string.Join('\n', _lines.Select(static line => line.Text))}");
            }
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
        Interlocked.Exchange(ref _more, Patience.Signal()).SetResult();
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
