using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;

namespace Backrun.Hosting;

/// <summary>What <c>AddBackrun</c> returns: more to say about that engine.</summary>
public sealed class BackrunBuilder
{
    internal BackrunBuilder(IServiceCollection services, string name)
    {
        Services = services;
        Name = name;
    }

    /// <summary>Where the engine was added.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The key of the engine, which is the name of its <see cref="BackrunHostOptions"/> too; empty for the one without a key.</summary>
    public string Name { get; }

    /// <summary>Names a class that runs tasks in this engine: see <see cref="BackrunHostOptions.Register"/>.</summary>
    /// <typeparam name="TTask">The class. Each run of it gets a scope of services of its own, if it has constructor parameters.</typeparam>
    /// <typeparam name="TParameters">What <typeparamref name="TTask"/> takes.</typeparam>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="name">The task name. Null: that of its <see cref="BackgroundTaskAttribute"/>, else its full name.</param>
    /// <returns>This.</returns>
    public BackrunBuilder AddTask<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(TaskOptions? options = null, string? name = null)
        where TTask : class, IBackgroundTaskHandler<TParameters>
    {
        Services.Configure<BackrunHostOptions>(Name, host => host.Register<TTask, TParameters>(name, options));
        return this;
    }
}
