using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Backrun.Hosting.Internals;

/// <summary>Reads the options of an engine from a configuration. What it cannot read it notes, with key and value; limits are the engine's to check.</summary>
internal sealed class ConfigurationReader
{
    private readonly BackrunHostOptions _options;
    private readonly string? _contentRoot;
    private readonly Dictionary<string, Action<IConfigurationSection>> _keys;

    /// <param name="options">Receives what is read.</param>
    /// <param name="contentRoot">What relative paths are under; null: the current directory.</param>
    internal ConfigurationReader(BackrunHostOptions options, string? contentRoot)
    {
        _options = options;
        _contentRoot = contentRoot;
        _keys = new(StringComparer.OrdinalIgnoreCase)
        {
            ["Store"] = ReadStore,
            ["Durability"] = section => Enum<Durability>(section, value => options.Durability = value),
            ["OwnerWait"] = section => Time(section, value => options.OwnerWait = value),
            ["Workers"] = section => Int(section, value => options.Workers = value),
            ["MaxWorkers"] = section => Int(section, value => options.MaxWorkers = value),
            ["MaxCrashes"] = section => Int(section, value => options.MaxCrashes = value),
            ["PayloadFormat"] = section => Enum<PayloadFormat>(section, value => options.PayloadFormat = value),
            ["TypelessAssemblies"] = ReadTypelessAssemblies,
            ["TypelessTypes"] = ReadTypelessTypes,
            ["VerifyRoundTrip"] = section => Bool(section, value => options.VerifyRoundTrip = value),
            ["KeepFinished"] = section => Long(section, value => options.KeepFinished = value),
            ["KeepDead"] = section => Long(section, value => options.KeepDead = value),
            ["KeepFor"] = section => Time(section, value => options.KeepFor = value),
            ["WorkerStackBytes"] = section => Long(section, value => options.WorkerStackBytes = value),
            ["ObserverCapacity"] = section => Int(section, value => options.ObserverCapacity = value),
            ["Encryption"] = ReadEncryption,
            ["LogScopes"] = section => Bool(section, value => options.LogScopes = value),
            ["Shutdown"] = section => Enum<ShutdownMode>(section, value => options.Shutdown = value),
            ["ShutdownTimeout"] = section => Time(section, value => options.ShutdownTimeout = value),
            ["UseAsDefault"] = section => Bool(section, value => options.UseAsDefault = value),
            ["Queues"] = ReadQueues,
        };
    }

    internal void Read(IConfiguration section)
    {
        if (section is IConfigurationSection { Value: { Length: > 0 } value } named)
        {
            Problem(named, $"is '{value}'; it has to be a section, with options of Backrun in it.");
            return;
        }

        ReadAll(section, _keys, string.Empty, section is IConfigurationRoot ? " Pass the section with the options, such as GetSection(\"Backrun\"), and not the whole configuration." : string.Empty);
    }

    private void ReadAll(IConfiguration from, Dictionary<string, Action<IConfigurationSection>> keys, string of, string hint = "")
    {
        foreach (IConfigurationSection child in from.GetChildren())
        {
            if (keys.TryGetValue(child.Key, out Action<IConfigurationSection>? read))
            {
                // The names by which the engine's own checks know it.
                string name = keys.Keys.First(each => string.Equals(each, child.Key, StringComparison.OrdinalIgnoreCase));
                foreach (string type in (string[])["BackrunOptions", "BackrunHostOptions", "QueueOptions"])
                {
                    _options.Keys[$"{type}.{name}{of}"] = child.Path;
                }

                read(child);
            }
            else
            {
                Problem(child, $"is no option of {(of.Length == 0 ? "Backrun" : of.StartsWith(" of queue", StringComparison.Ordinal) ? "a queue" : "Encryption")}; there are {string.Join(", ", keys.Keys.Order(StringComparer.Ordinal))}.{hint}");
            }
        }
    }

    private void ReadStore(IConfigurationSection section)
    {
        IConfigurationSection[] children = section.GetChildren().ToArray();
        if (children.Length == 0 && string.Equals(section.Value, "Memory", StringComparison.OrdinalIgnoreCase))
        {
            _options.Store = BackrunStore.Memory;
        }
        else if (children is [{ Value.Length: > 0 } only] && string.Equals(only.Key, "Sqlite", StringComparison.OrdinalIgnoreCase))
        {
            _options.Store = BackrunStore.Sqlite(Path.GetFullPath(Path.Combine(_contentRoot ?? Directory.GetCurrentDirectory(), only.Value)));
        }
        else
        {
            // What stands there may be a connection string with a password: it is not shown.
            string there = children.Length == 0 ? $"is '{section.Value}'" : $"has the keys {string.Join(", ", children.Select(static child => child.Key))}";
            Problem(section, $"{there}; give it \"Memory\", or {{ \"Sqlite\": \"<path of a file>\" }}, where a relative path is under the content root.");
        }
    }

    private void ReadTypelessAssemblies(IConfigurationSection section) => ReadNames(section, "assemblies", name =>
    {
        try
        {
            _options.TypelessAssemblies.Add(Assembly.Load(new AssemblyName(name)));
            return true;
        }
        catch (Exception exception) when (exception is IOException or BadImageFormatException or ArgumentException)
        {
            return false;
        }
    });

    [UnconditionalSuppressMessage("Trimming", "IL2057", Justification = "What a trimmed program no longer has is not found, which the host says when it starts.")]
    private void ReadTypelessTypes(IConfigurationSection section) => ReadNames(section, "types, each with its assembly (\"Shop.Orders.Order, Shop.Orders\")", name =>
    {
        try
        {
            if (Type.GetType(name, throwOnError: false) is not { } type)
            {
                return false;
            }

            _options.TypelessTypes.Add(type);
            return true;
        }
        catch (Exception exception) when (exception is IOException or BadImageFormatException or ArgumentException or TypeLoadException)
        {
            return false;
        }
    });

    private void ReadNames(IConfigurationSection section, string what, Func<string, bool> read)
    {
        if (section.Value is { Length: > 0 } value)
        {
            Problem(section, $"is '{value}'; it has to be a list of names of {what}.");
        }

        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (string.IsNullOrWhiteSpace(child.Value) || !read(child.Value))
            {
                Problem(child, $"is '{child.Value}', which is not found beside the application; give it names of {what}.");
            }
        }
    }

    private void ReadQueues(IConfigurationSection section)
    {
        if (section.Value is { Length: > 0 } value)
        {
            Problem(section, $"is '{value}'; it has to be a section with a section for each queue.");
        }

        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!_options.Queues.TryGetValue(child.Key, out QueueOptions? queue))
            {
                _options.Queues[child.Key] = queue = new QueueOptions();
            }

            Dictionary<string, Action<IConfigurationSection>> keys = new(StringComparer.OrdinalIgnoreCase)
            {
                ["Workers"] = section => Int(section, value => queue.Workers = value),
                ["ConcurrencyLimit"] = section => Int(section, value => queue.ConcurrencyLimit = value),
                ["Capacity"] = section => Long(section, value => queue.Capacity = value),
                ["CapacityBytes"] = section => Long(section, value => queue.CapacityBytes = value),
                ["WhenFull"] = section => Enum<WhenFull>(section, value => queue.WhenFull = value),
                ["WhenFullTimeout"] = section => Time(section, value => queue.WhenFullTimeout = value),
                ["StallThreshold"] = section => Time(section, value => queue.StallThreshold = value),
                ["AgeingStep"] = section => Time(section, value => queue.AgeingStep = value),
            };
            ReadAll(child, keys, $" of queue '{child.Key}'");
        }
    }

    // A wrong key is named by its place: no message has a secret, or what may have been meant as one.
    private void ReadEncryption(IConfigurationSection section)
    {
        EncryptionOptions encryption = _options.Encryption ??= new EncryptionOptions();
        if (section.Value is { Length: > 0 })
        {
            Problem(section, "is a value; it has to be a section with Keys, and Required where it is to be.");
        }

        ReadAll(
            section,
            new(StringComparer.OrdinalIgnoreCase)
            {
                ["Required"] = section => Bool(section, value => encryption.Required = value),
                ["Keys"] = section =>
                {
                    foreach (IConfigurationSection key in section.GetChildren())
                    {
                        ReadKey(key, encryption);
                    }
                },
            },
            " of Encryption");
    }

    private void ReadKey(IConfigurationSection section, EncryptionOptions encryption)
    {
        string? id = section["Id"];
        byte[] secret = new byte[EncryptionKey.SecretLength];
        if (string.IsNullOrWhiteSpace(id)
            || !Convert.TryFromBase64String(section["Secret"] ?? string.Empty, secret, out int length)
            || length != secret.Length
            || section.GetChildren().Count() != 2)
        {
            Problem(section, $"is no key; give it {{ \"Id\": \"<a name>\", \"Secret\": \"<{EncryptionKey.SecretLength} random bytes in Base64>\" }}, the secret from where secrets are kept.");
            return;
        }

        encryption.Keys.Add(new EncryptionKey(id, secret));
        Array.Clear(secret);
    }

    private void Int(IConfigurationSection section, Action<int> set) =>
        Read(section, int.TryParse(section.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value), value, set, "a whole number, without separators");

    private void Long(IConfigurationSection section, Action<long> set) =>
        Read(section, long.TryParse(section.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value), value, set, "a whole number, without separators");

    private void Bool(IConfigurationSection section, Action<bool> set) => Read(section, bool.TryParse(section.Value, out bool value), value, set, "true or false");

    // .NET reads "30" as 30 days, which nobody means.
    private void Time(IConfigurationSection section, Action<TimeSpan> set) =>
        Read(
            section,
            TimeSpan.TryParse(section.Value, CultureInfo.InvariantCulture, out TimeSpan value) && section.Value!.Contains(':', StringComparison.Ordinal),
            value,
            set,
            "a time as hh:mm:ss or d.hh:mm:ss, such as 00:00:30 for 30 seconds");

    // .NET takes numbers for names.
    private void Enum<TEnum>(IConfigurationSection section, Action<TEnum> set)
        where TEnum : struct, Enum =>
        Read(
            section,
            System.Enum.TryParse(section.Value, ignoreCase: true, out TEnum value) && System.Enum.GetNames<TEnum>().Contains(section.Value!.Trim(), StringComparer.OrdinalIgnoreCase),
            value,
            set,
            $"one of {string.Join(", ", System.Enum.GetNames<TEnum>())}");

    private void Read<T>(IConfigurationSection section, bool isRead, T value, Action<T> set, string wanted)
    {
        if (section.GetChildren().Any())
        {
            Problem(section, $"is a section; give it {wanted}.");
        }
        else if (!string.IsNullOrWhiteSpace(section.Value) && !isRead)
        {
            Problem(section, $"is '{section.Value}'; give it {wanted}.");
        }
        else if (isRead)
        {
            // What is empty, or null in JSON, is as if it were not there.
            set(value);
        }
    }

    private void Problem(IConfigurationSection section, string what) => _options.Problems.Add($"{section.Path} {what}");
}
