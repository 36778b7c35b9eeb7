using System;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Backrun.Testing.Tests.Support;

/// <summary>Keeps the warnings and errors of an engine.</summary>
internal sealed class LogLines : ILoggerFactory, ILogger
{
    internal ConcurrentQueue<string> WarningsAndWorse { get; } = new();

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        WarningsAndWorse.Enqueue(formatter(state, exception));
}
