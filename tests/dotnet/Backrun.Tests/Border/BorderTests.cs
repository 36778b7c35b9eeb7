using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using Backrun.Native;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Border;

public sealed class BorderTests
{
    [Fact]
    public void The_library_exports_exactly_what_the_header_declares()
    {
        string symbols = Command.Run("nm", "-D", "--defined-only", Path.Combine(AppContext.BaseDirectory, "libbackrun.so"));
        IEnumerable<string> exported = symbols.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(' ')[^1].Split('@')[0]);
        Assert.Equal(Header.OfRepository.Functions.Keys.Order(StringComparer.Ordinal), exported.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_shim_declares_exactly_what_the_header_declares() =>
        Assert.Equal(Header.OfRepository.Functions.Keys.Order(StringComparer.Ordinal), Declarations.Functions.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void Every_declaration_has_the_signature_of_the_header()
    {
        foreach ((string name, string signature) in Header.OfRepository.Functions)
        {
            Assert.Equal($"{name}: {signature}", $"{name}: {Declarations.Functions[name]}");
        }
    }

    [Fact]
    public void The_header_was_understood_whole()
    {
        // Guards the parser of these tests: a prototype in a form it does not know would be left out silently.
        string text = File.ReadAllText(Repository.PathOf("include", "backrun.h"));
        int lines = text.Split('\n').Count(static line =>
            line.Contains("backrun_", StringComparison.Ordinal) && line.Contains('(', StringComparison.Ordinal)
            && !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && !line.StartsWith("typedef", StringComparison.Ordinal));
        Assert.Equal(lines, Header.OfRepository.Functions.Count);
        Assert.Equal(text.Split('\n').Count(static line => line.StartsWith("typedef struct", StringComparison.Ordinal) && line.EndsWith('{')), Header.OfRepository.Structs.Count);
    }

    [Fact]
    public void Constants_have_the_numbers_of_the_header()
    {
        Dictionary<string, long> declared = typeof(NativeConstants)
            .GetFields(BindingFlags.Static | BindingFlags.NonPublic)
            .ToDictionary(static field => field.Name, static field => Convert.ToInt64(field.GetRawConstantValue(), System.Globalization.CultureInfo.InvariantCulture), StringComparer.Ordinal);
        Assert.Equal(Header.OfRepository.Constants.OrderBy(static pair => pair.Key, StringComparer.Ordinal), declared.OrderBy(static pair => pair.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(typeof(BackgroundTaskState), "BACKRUN_STATE_")]
    [InlineData(typeof(CancelResult), "BACKRUN_CANCEL_")]
    [InlineData(typeof(Durability), "BACKRUN_DURABILITY_")]
    [InlineData(typeof(PayloadFormat), "BACKRUN_FORMAT_")]
    [InlineData(typeof(RetryKind), "BACKRUN_RETRY_")]
    [InlineData(typeof(ShutdownMode), "BACKRUN_SHUTDOWN_")]
    [InlineData(typeof(WhenFull), "BACKRUN_WHEN_FULL_")]
    public void Enums_have_the_numbers_of_the_header(Type type, string prefix)
    {
        IEnumerable<long> declared = Enum.GetValuesAsUnderlyingType(type).Cast<object>().Select(static value => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
        IEnumerable<long> expected = Header.OfRepository.Constants
            .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal) && pair.Key != "BACKRUN_SHUTDOWN_INCOMPLETE")
            .Select(static pair => pair.Value);
        Assert.Equal(expected.Order(), declared.Order());
        foreach (string name in Enum.GetNames(type))
        {
            string constant = prefix + string.Concat(name.Select(static (letter, index) => index > 0 && char.IsUpper(letter) ? $"_{letter}" : char.ToUpperInvariant(letter).ToString()));
            constant = constant.Replace("CANCEL_ALREADY_FINAL", "CANCEL_FINAL", StringComparison.Ordinal);
            Assert.Equal(Header.OfRepository.Constants[constant], Convert.ToInt64(Enum.Parse(type, name), System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    [Fact]
    public void Error_codes_have_the_numbers_of_the_header()
    {
        string[] names = ["INVALID_ARGUMENT", "ABI_MISMATCH", "UNSUPPORTED_FIELD", "NOT_SUPPORTED", "NOT_FOUND", "QUEUE_FULL", "SHUTTING_DOWN", "SHUTDOWN_INCOMPLETE", "WOULD_DEADLOCK",
            "STALE_LEASE", "OUT_OF_MEMORY", "FORKED", "PANIC", "TOO_LARGE", "ALREADY_REGISTERED", "NO_HANDLER", "SYSTEM", "STORE"];
        foreach (string name in names)
        {
            BackrunErrorCode code = Enum.Parse<BackrunErrorCode>(name.Replace("_", string.Empty, StringComparison.Ordinal), ignoreCase: true);
            Assert.Equal(Header.OfRepository.Constants[$"BACKRUN_{name}"], (long)code);
        }
    }
}
