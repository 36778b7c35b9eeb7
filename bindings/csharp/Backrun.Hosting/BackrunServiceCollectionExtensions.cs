using System;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using Backrun;
using Backrun.Hosting;
using Backrun.Hosting.Internals;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds Backrun to the services of a host.</summary>
/// <remarks>
/// The engine is a singleton, as <see cref="BackrunEngine"/> and as <see cref="IBackgroundTasks"/>. It is made when the host starts its services, in the order in which they were added, or when it is first asked
/// for, and ended with the host, in the opposite order: what was added before it is there for its tasks, from the first to the last.
/// </remarks>
public static class BackrunServiceCollectionExtensions
{
    /// <summary>Adds an engine. Adding it again adds to its options only.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="configure">Sets the options; at least <see cref="BackrunOptions.Store"/>, unless somebody else does.</param>
    /// <returns>More to say about that engine.</returns>
    public static BackrunBuilder AddBackrun(this IServiceCollection services, Action<BackrunHostOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return Add(services, Options.Options.DefaultName, section: null, configure);
    }

    /// <summary>Adds an engine whose options are in a configuration.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="section">A section of it, usually <c>Backrun</c>. A key that is no option, or a value that does not fit, is an error when the host starts.</param>
    /// <returns>More to say about that engine.</returns>
    public static BackrunBuilder AddBackrun(this IServiceCollection services, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return Add(services, Options.Options.DefaultName, section, configure: null);
    }

    /// <summary>Adds an engine whose options are in a configuration, and in code.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="section">A section of it, usually <c>Backrun</c>. A key that is no option, or a value that does not fit, is an error when the host starts.</param>
    /// <param name="configure">Sets what the configuration does not; what both set is as this says.</param>
    /// <returns>More to say about that engine.</returns>
    public static BackrunBuilder AddBackrun(this IServiceCollection services, IConfiguration section, Action<BackrunHostOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(section);
        ArgumentNullException.ThrowIfNull(configure);
        return Add(services, Options.Options.DefaultName, section, configure);
    }

    /// <summary>Adds an engine of a name of its own: <c>[FromKeyedServices("reports")] IBackgroundTasks</c>. Adding it again adds to its options only.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="name">The key of its services, the name of its options, and <see cref="BackrunOptions.Name"/> where that is not set.</param>
    /// <param name="configure">Sets the options; at least <see cref="BackrunOptions.Store"/>, unless somebody else does.</param>
    /// <returns>More to say about that engine.</returns>
    public static BackrunBuilder AddBackrun(this IServiceCollection services, string name, Action<BackrunHostOptions> configure)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(configure);
        return Add(services, name, section: null, configure);
    }

    /// <summary>Adds an engine of a name of its own, whose options are in a configuration.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="name">The key of its services, the name of its options, and <see cref="BackrunOptions.Name"/> where that is not set.</param>
    /// <param name="section">A section of it. A key that is no option, or a value that does not fit, is an error when the host starts.</param>
    /// <returns>More to say about that engine.</returns>
    public static BackrunBuilder AddBackrun(this IServiceCollection services, string name, IConfiguration section)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(section);
        return Add(services, name, section, configure: null);
    }

    /// <summary>Adds an engine of a name of its own, whose options are in a configuration, and in code.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="name">The key of its services, the name of its options, and <see cref="BackrunOptions.Name"/> where that is not set.</param>
    /// <param name="section">A section of it. A key that is no option, or a value that does not fit, is an error when the host starts.</param>
    /// <param name="configure">Sets what the configuration does not; what both set is as this says.</param>
    /// <returns>More to say about that engine.</returns>
    public static BackrunBuilder AddBackrun(this IServiceCollection services, string name, IConfiguration section, Action<BackrunHostOptions> configure)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(section);
        ArgumentNullException.ThrowIfNull(configure);
        return Add(services, name, section, configure);
    }

    /// <summary>Names a class that runs tasks in the engine without a name: see <see cref="BackrunBuilder.AddTask"/>.</summary>
    /// <typeparam name="TTask">The class.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="services">Where the engine is, or will be, added.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="name">The task name. Null: that of its <see cref="BackgroundTaskAttribute"/>, else its full name.</param>
    public static IServiceCollection AddBackrunTask<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(
        this IServiceCollection services, TaskOptions? options = null, string? name = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>
    {
        ArgumentNullException.ThrowIfNull(services);
        return new BackrunBuilder(services, Options.Options.DefaultName).AddTask<TTask, TParameters>(options, name).Services;
    }

    private static BackrunBuilder Add(IServiceCollection services, string name, IConfiguration? section, Action<BackrunHostOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<BackrunHostOptions> options = services.AddOptions<BackrunHostOptions>(name);
        if (section is not null)
        {
            options.Configure<IServiceProvider>((host, provider) => new ConfigurationReader(host, provider.GetService<IHostEnvironment>()?.ContentRootPath).Read(section));
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }

        if (!services.Any(each => each.ServiceType == typeof(AddedEngine) && string.Equals(((AddedEngine)each.ImplementationInstance!).Name, name, StringComparison.Ordinal)))
        {
            options.ValidateOnStart();
            services.AddSingleton(new AddedEngine(name));
            AddServices(services, name);
        }

        return new BackrunBuilder(services, name);
    }

    private static void AddServices(IServiceCollection services, string name)
    {
        services.TryAddSingleton<HostedEngines>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<BackrunHostOptions>, OptionsValidator>());
        if (name.Length == 0)
        {
            services.TryAddSingleton(static provider => Of(provider, Options.Options.DefaultName).Engine);
            services.TryAddSingleton<IBackgroundTasks>(static provider => provider.GetRequiredService<BackrunEngine>());
        }
        else
        {
            services.TryAddKeyedSingleton(name, static (provider, key) => Of(provider, (string)key!).Engine);
            services.TryAddKeyedSingleton<IBackgroundTasks>(name, static (provider, key) => provider.GetRequiredKeyedService<BackrunEngine>(key));
        }

        services.AddSingleton<IHostedService>(provider => new BackrunHostedService(Of(provider, name), provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance));
    }

    private static HostedEngine Of(IServiceProvider provider, string name) => HostedEngines.Of(provider, name);
}
