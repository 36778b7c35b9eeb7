using System;
using Backrun.Native;

namespace Backrun;

/// <summary>Where accepted tasks live until they are done.</summary>
public sealed class BackrunStore
{
    private BackrunStore(uint kind, string? address, string description)
    {
        Kind = kind;
        Address = address;
        Description = description;
    }

    /// <summary>In memory: they end with the process. The default.</summary>
    public static BackrunStore Memory { get; } = new(NativeConstants.BACKRUN_STORE_MEMORY, address: null, "Memory");

    internal uint Kind { get; }

    /// <summary>Whether tasks outlive the process.</summary>
    internal bool IsDurable => Kind != NativeConstants.BACKRUN_STORE_MEMORY;

    internal string? Address { get; }

    private string Description { get; }

    /// <summary>
    /// In an SQLite file, without a server and without a package more: they survive the process, however it ends. One process has the file at a time; another one waits for it
    /// (<see cref="BackrunOptions.OwnerWait"/>), and then its engine's constructor throws a <see cref="BackrunException"/> with <see cref="BackrunErrorCode.Store"/>. What an earlier
    /// process left runs once its class is registered (<see cref="BackrunEngine.Register"/>).
    /// </summary>
    /// <param name="path">
    /// The file, on a local disk (no network file system); made if it does not exist, in a folder that does. Beside it lie others whose names begin with its name and belong to it.
    /// </param>
    public static BackrunStore Sqlite(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return new BackrunStore(NativeConstants.BACKRUN_STORE_SQLITE, path, $"Sqlite({path})");
    }

    /// <summary>In a PostgreSQL database. Not yet: an engine with it throws <see cref="NotSupportedException"/>.</summary>
    /// <param name="connectionString">As libpq takes it.</param>
    public static BackrunStore Postgres(string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);

        // A connection string may hold a password: it is not shown.
        return new BackrunStore(NativeConstants.BACKRUN_STORE_POSTGRES, connectionString, "Postgres");
    }

    /// <inheritdoc/>
    public override string ToString() => Description;
}
