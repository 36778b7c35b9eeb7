using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace Backrun.Hosting.Internals;

/// <summary>The engines of a host, by name. Ends those that the host has not.</summary>
internal sealed class HostedEngines(IServiceProvider services, IEnumerable<AddedEngine> added) : IDisposable, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, HostedEngine> _all = new(StringComparer.Ordinal);

    public void Dispose()
    {
        foreach (HostedEngine engine in _all.Values)
        {
            engine.Dispose();
        }
    }

    // At the same time: each may take its 5 s.
    public async ValueTask DisposeAsync() => await Task.WhenAll(_all.Values.Select(static engine => engine.DisposeAsync().AsTask())).ConfigureAwait(false);

    /// <exception cref="InvalidOperationException">Nobody has added such an engine.</exception>
    internal static HostedEngine Of(IServiceProvider services, string name) =>
        services.GetService<HostedEngines>()?.Of(name) ?? throw NotAdded(name, []);

    private static InvalidOperationException NotAdded(string name, IEnumerable<string> added) => new(
        $"{(name.Length == 0 ? "No engine without a name" : $"No engine '{name}'")} was added to the services; {(name.Length == 0 ? "AddBackrun(o => …)" : $"AddBackrun(\"{name}\", o => …)")} adds it."
        + (added.Any() ? $" There are: {string.Join(", ", added.Select(static each => each.Length == 0 ? "the one without a name" : $"'{each}'"))}." : string.Empty));

    private HostedEngine Of(string name) => !added.Any(each => string.Equals(each.Name, name, StringComparison.Ordinal))
        ? throw NotAdded(name, added.Select(static each => each.Name))
        : _all.GetOrAdd(name, static (key, services) => new HostedEngine(key, services), services);
}
