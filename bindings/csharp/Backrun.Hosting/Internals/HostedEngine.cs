using System;
using System.Collections.Concurrent;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Backrun.Hosting.Internals;

/// <summary>The engine of one name: made once, by whoever asks first.</summary>
internal sealed class HostedEngine(string name, IServiceProvider services) : IDisposable, IAsyncDisposable
{
    private readonly object _gate = new();
    private BackrunEngine? _engine;
    private bool _isBeingMade;
    private bool _disposed;

    internal string Name { get; } = name;

    /// <summary>For people.</summary>
    internal string DisplayName => Name.Length == 0 ? "the engine" : $"engine '{Name}'";

    internal BackrunHostOptions Options => services.GetRequiredService<IOptionsMonitor<BackrunHostOptions>>().Get(Name);

    /// <summary>The engine, if it was made.</summary>
    internal BackrunEngine? Existing => Volatile.Read(ref _engine);

    /// <summary>What health checks remember from one look to the next, by their names.</summary>
    internal ConcurrentDictionary<string, HealthMemory> Health { get; } = new(StringComparer.Ordinal);

    /// <summary>The engine, made and with its tasks registered.</summary>
    internal BackrunEngine Engine => Existing ?? Make();

    public void Dispose() => End()?.Dispose();

    public ValueTask DisposeAsync() => End()?.DisposeAsync() ?? ValueTask.CompletedTask;

    private BackrunEngine? End()
    {
        lock (_gate)
        {
            _disposed = true;
            return _engine;
        }
    }

    private BackrunEngine Make()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_isBeingMade)
            {
                throw new InvalidOperationException(
                    $"Making {DisplayName} asks the services for {nameof(BackrunEngine)} or {nameof(IBackgroundTasks)} again: its {nameof(IUserConnectionFactory)} or logger needs one of them. Have that ask for it when it is used, by its {nameof(IServiceProvider)}.");
            }

            if (_engine is null)
            {
                _isBeingMade = true;
                try
                {
                    Volatile.Write(ref _engine, MakeOnce());
                }
                finally
                {
                    _isBeingMade = false;
                }
            }

            return _engine!;
        }
    }

    private BackrunEngine MakeOnce()
    {
        BackrunHostOptions options = Options;
        options.Services ??= services;
        options.Name ??= Name.Length == 0 ? null : Name;
        BackrunEngine engine = new(options);
        try
        {
            foreach (Action<BackrunEngine> register in options.Registrations)
            {
                register(engine);
            }

            if (options.UseAsDefault)
            {
                BackrunEngine.Default = engine;
            }
        }
        catch
        {
            engine.Dispose();
            throw;
        }

        return engine;
    }
}
