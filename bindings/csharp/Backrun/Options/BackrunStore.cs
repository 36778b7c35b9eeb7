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

    internal string? Address { get; }

    private string Description { get; }

    /// <summary>In an SQLite file. Not yet: an engine with it throws <see cref="NotSupportedException"/>.</summary>
    /// <param name="path">The file; made if it does not exist.</param>
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
