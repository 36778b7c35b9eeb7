using System;
using System.IO;
using Backrun.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Backrun.Tests.Durable;

/// <summary>The file of a durable store, in a folder that goes with the test.</summary>
internal sealed class StoreFile : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("backrun-store-");

    internal string Path => System.IO.Path.Combine(_folder.FullName, "tasks.db");

    /// <summary>An engine on the file, as the next process would have one.</summary>
    internal BackrunEngine Open(ILoggerFactory? log = null, params (string Name, QueueOptions Options)[] queues)
    {
        BackrunOptions options = Options();
        options.LoggerFactory = log;
        foreach ((string name, QueueOptions queue) in queues)
        {
            options.Queues[name] = queue;
        }

        return Engines.New(options);
    }

    internal BackrunOptions Options() => new() { Store = BackrunStore.Sqlite(Path), Workers = 2, OwnerWait = TimeSpan.Zero };

    public void Dispose() => _folder.Delete(recursive: true);
}
