using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Backrun.Testing.Tests.Support;

/// <summary>Parameters that can be changed, so that a copy can be told from the object.</summary>
public sealed class Mail
{
    public string To { get; set; } = string.Empty;

    public IList<string> Attachments { get; set; } = [];

    /// <summary>Not written, since it is private: what only the caller's object has.</summary>
    internal object? OfCaller { get; set; }
}

/// <summary>Does nothing with it.</summary>
[BackgroundTask("send-mail")]
public sealed class SendMail : IBackgroundTask<Mail>
{
    public void Run(Mail parameters)
    {
    }
}

/// <summary>Another class with the same parameters.</summary>
public sealed class SendLetter : IBackgroundTask<Mail>
{
    public void Run(Mail parameters)
    {
    }
}

/// <summary>Fails.</summary>
[BackgroundTask("always-fails")]
public sealed class AlwaysFails : IBackgroundTask<string>
{
    public void Run(string parameters) => throw new IOException(parameters);
}

/// <summary>Fails after an await.</summary>
public sealed class FailsLater : IAsyncBackgroundTask<string>
{
    public async Task RunAsync(string parameters, BackgroundTaskContext context, CancellationToken cancellationToken)
    {
        await Task.Yield();
        throw new IOException(parameters);
    }
}

/// <summary>Starts itself again.</summary>
[BackgroundTask("endless")]
public sealed class Endless(IBackgroundTasks tasks) : IBackgroundTask<int>
{
    public void Run(int parameters) => tasks.StartNew<Endless, int>(parameters + 1);
}

/// <summary>Has one service: the engine that its tasks start others in.</summary>
internal sealed class Services : IServiceProvider
{
    internal IBackgroundTasks? Tasks { get; set; }

    public object? GetService(Type serviceType) => serviceType == typeof(IBackgroundTasks) ? Tasks : null;
}
