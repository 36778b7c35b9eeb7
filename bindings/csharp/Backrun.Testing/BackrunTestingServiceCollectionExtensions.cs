using System;
using System.Linq;
using Backrun.Hosting;
using Backrun.Hosting.Internals;
using Backrun.Testing;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Has an application's tasks run under a test's hand.</summary>
public static class BackrunTestingServiceCollectionExtensions
{
    /// <summary>
    /// Makes the engine that <c>AddBackrun</c> adds, before or after this, one for a test: in memory, with the application's registrations, queues and services, and with the test's say about when tasks run. The test asks the services
    /// for the <see cref="TestEngine"/>; the application notices nothing.
    /// </summary>
    /// <param name="services">Those of the application, in <c>ConfigureTestServices</c> of a <c>WebApplicationFactory</c> for example.</param>
    /// <param name="mode">When tasks run.</param>
    /// <param name="configure">Sets the other options. Null: the defaults.</param>
    /// <param name="engine">The name of the engine, which is the key of its <see cref="TestEngine"/> too; null: the one without.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">It was called for this engine already.</exception>
    public static IServiceCollection AddBackrunTestEngine(this IServiceCollection services, TestMode mode, Action<TestEngineOptions>? configure = null, string? engine = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        TestEngineOptions options = new();
        configure?.Invoke(options);
        string name = engine ?? Options.Options.DefaultName;
        object? key = name.Length == 0 ? null : name;
        if (services.Any(each => each.ServiceType == typeof(TestEngine) && Equals(each.ServiceKey, key)))
        {
            throw new InvalidOperationException($"AddBackrunTestEngine was called for {(key is null ? "the engine without a name" : $"engine '{name}'")} already. Call it once.");
        }

        // Not made by the services' own rules, so that the same one is found while the engine is being made.
        TestEngine Make(IServiceProvider provider) => new(mode, options, () => HostedEngines.Of(provider, name).Engine);
        if (key is null)
        {
            services.AddSingleton(Make);
        }
        else
        {
            services.AddKeyedSingleton(key, (provider, _) => Make(provider));
        }

        services.AddOptions<BackrunHostOptions>(name).PostConfigure<IServiceProvider>((host, provider) =>
            (key is null ? provider.GetRequiredService<TestEngine>() : provider.GetRequiredKeyedService<TestEngine>(key)).Take(host));
        return services;
    }
}
