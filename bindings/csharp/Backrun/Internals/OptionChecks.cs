using System;
using System.Globalization;
using System.Text;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>Checks of options: what is wrong is named with its value, its limits and what to do.</summary>
internal static class OptionChecks
{
    /// <summary>0 for null, which is native's word for the default.</summary>
    internal static long Count(long? value, string name, long least, long most, string unit)
    {
        if (value is null)
        {
            return 0;
        }

        if (value < least || value > most)
        {
            throw new ArgumentOutOfRangeException(
                name, value, string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; give it {least} to {most} {unit}, or null for the default."));
        }

        return value.Value;
    }

    /// <summary>0 for null. Never 0 otherwise.</summary>
    internal static long Milliseconds(TimeSpan? value, string name) => Milliseconds(value, name, Limits.LongestDays);

    /// <summary>0 for null. Never 0 otherwise.</summary>
    internal static long Milliseconds(TimeSpan? value, string name, int mostDays)
    {
        if (value is null)
        {
            return 0;
        }

        if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(mostDays))
        {
            throw new ArgumentOutOfRangeException(
                name, value, string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; give it a time longer than zero, up to {mostDays} days, or null for the default."));
        }

        return UnixTime.ToMilliseconds(value.Value);
    }

    /// <exception cref="ArgumentOutOfRangeException">It is less than zero, or longer than a delay may be.</exception>
    internal static void Delay(TimeSpan value, string name, string zero = "at once")
    {
        if (value < TimeSpan.Zero || value > TimeSpan.FromDays(Limits.LongestDays))
        {
            throw new ArgumentOutOfRangeException(
                name, value, string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; give it zero ({zero}) to {Limits.LongestDays} days."));
        }
    }

    /// <summary>0 for null, -1 for ever; a wait of zero is the shortest there is, since 0 means the default.</summary>
    internal static long WaitMilliseconds(TimeSpan? value, string name)
    {
        if (value is null)
        {
            return 0;
        }

        if (value == System.Threading.Timeout.InfiniteTimeSpan)
        {
            return -1;
        }

        if (value < TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; give it zero or more, Timeout.InfiniteTimeSpan to wait for ever, or null for the default.");
        }

        return Math.Max(1, UnixTime.ToMilliseconds(value.Value));
    }

    /// <summary>-1 for ever, else whole milliseconds.</summary>
    internal static long TimeoutMilliseconds(TimeSpan value, string name)
    {
        if (value == System.Threading.Timeout.InfiniteTimeSpan)
        {
            return -1;
        }

        if (value < TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; give it zero or more, or Timeout.InfiniteTimeSpan to wait for ever.");
        }

        return UnixTime.ToMilliseconds(value);
    }

    /// <summary>0 for null.</summary>
    internal static uint Defined<TEnum>(TEnum? value, string name)
        where TEnum : struct, Enum
    {
        if (value is null)
        {
            return 0;
        }

        if (!Enum.IsDefined(value.Value))
        {
            throw new ArgumentOutOfRangeException(
                name, value, $"{name} is {value}; give it one of {string.Join(", ", Enum.GetNames<TEnum>())}{(default(TEnum).Equals(value.Value) ? ", or null for the default" : string.Empty)}.");
        }

        return Convert.ToUInt32(value.Value, CultureInfo.InvariantCulture);
    }

    /// <exception cref="ArgumentException">The name is empty or too long.</exception>
    internal static void Name(string name, string what, int most, string parameter)
    {
        if (string.IsNullOrWhiteSpace(name))
        {
            throw new ArgumentException($"{what} is empty; give it 1 to {most} bytes of printable text.", parameter);
        }

        int length = Encoding.UTF8.GetByteCount(name);
        if (length > most)
        {
            throw new ArgumentException($"{what} '{name}' takes {length} bytes as UTF-8; the limit is {most}. Choose a shorter one.", parameter);
        }
    }
}
