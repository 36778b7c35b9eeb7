using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using Microsoft.Extensions.Logging;

namespace Backrun.Hosting.Tests.Support;

/// <summary>Remembers what a host logs, with the scopes around it.</summary>
internal sealed class HostLogLines : ILoggerProvider, ISupportExternalScope
{
    private readonly ConcurrentQueue<Line> _lines = new();
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    internal IReadOnlyList<Line> Lines => _lines.ToArray();

    internal IEnumerable<string> Warnings => Lines.Where(static line => line.Level >= LogLevel.Warning).Select(static line => line.Text);

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
    }

    internal sealed record Line(string Category, LogLevel Level, string Text, IReadOnlyDictionary<string, object?> Scope);

    private sealed class Logger(HostLogLines owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => owner._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Dictionary<string, object?> scope = new(StringComparer.Ordinal);
            owner._scopes.ForEachScope(
                static (each, values) =>
                {
                    foreach ((string key, object? value) in each as IReadOnlyList<KeyValuePair<string, object?>> ?? [])
                    {
                        values[key] = value;
                    }
                },
                scope);
            owner._lines.Enqueue(new Line(category, logLevel, formatter(state, exception), scope));
        }
    }
}
