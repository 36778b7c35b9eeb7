using System;
using System.Collections.Frozen;
using System.Collections.Generic;

namespace Backrun;

/// <summary>Who somebody is: what a task that runs on behalf of a user carries, and all that it carries, of that user.</summary>
/// <remarks>Immutable: the properties are copied. Two identities are equal if all their values are, the properties included.</remarks>
/// <param name="Id">The user's id.</param>
/// <param name="Name">The user's name.</param>
/// <param name="Culture">The user's culture, such as <c>de-AT</c>; empty if it does not matter. The culture of a run is that of whoever started it.</param>
/// <param name="TimeZone">The user's time zone, such as <c>Europe/Vienna</c>; empty if it does not matter.</param>
/// <param name="Properties">More, as the application needs it. Everything together has to fit into 64 KiB.</param>
public sealed record UserIdentity(Guid Id, string Name, string Culture, string TimeZone, IReadOnlyDictionary<string, string> Properties)
{
    private readonly IReadOnlyDictionary<string, string> _properties = Copy(Properties);
    private readonly string _name = NotNull(Name, nameof(Name));
    private readonly string _culture = NotNull(Culture, nameof(Culture));
    private readonly string _timeZone = NotNull(TimeZone, nameof(TimeZone));

    /// <summary>The user's name.</summary>
    public string Name
    {
        get => _name;
        init => _name = NotNull(value, nameof(Name));
    }

    /// <summary>The user's culture, such as <c>de-AT</c>; empty if it does not matter.</summary>
    public string Culture
    {
        get => _culture;
        init => _culture = NotNull(value, nameof(Culture));
    }

    /// <summary>The user's time zone, such as <c>Europe/Vienna</c>; empty if it does not matter.</summary>
    public string TimeZone
    {
        get => _timeZone;
        init => _timeZone = NotNull(value, nameof(TimeZone));
    }

    /// <summary>More, as the application needs it. A copy of what was given.</summary>
    public IReadOnlyDictionary<string, string> Properties
    {
        get => _properties;
        init => _properties = Copy(value);
    }

    /// <summary>Whether all values are equal, the properties included.</summary>
    public bool Equals(UserIdentity? other)
    {
        if (ReferenceEquals(this, other))
        {
            return true;
        }

        return other is not null
            && Id == other.Id
            && string.Equals(Name, other.Name, StringComparison.Ordinal)
            && string.Equals(Culture, other.Culture, StringComparison.Ordinal)
            && string.Equals(TimeZone, other.TimeZone, StringComparison.Ordinal)
            && SameProperties(other.Properties);
    }

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Id, Name, Culture, TimeZone, Properties.Count);

    private static string NotNull(string value, string name)
    {
        ArgumentNullException.ThrowIfNull(value, name);
        return value;
    }

    private static FrozenDictionary<string, string> Copy(IReadOnlyDictionary<string, string> properties)
    {
        ArgumentNullException.ThrowIfNull(properties, nameof(Properties));
        foreach (KeyValuePair<string, string> property in properties)
        {
            if (property.Value is null)
            {
                throw new ArgumentException($"The property '{property.Key}' of a UserIdentity is null. Leave it out, or give it an empty text.", nameof(properties));
            }
        }

        return properties as FrozenDictionary<string, string> ?? properties.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private bool SameProperties(IReadOnlyDictionary<string, string> other)
    {
        if (Properties.Count != other.Count)
        {
            return false;
        }

        foreach (KeyValuePair<string, string> property in Properties)
        {
            if (!other.TryGetValue(property.Key, out string? value) || !string.Equals(property.Value, value, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }
}
