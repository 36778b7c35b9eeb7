using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.Versioning;
using Backrun.Tests.Support;
using MessagePack;
using Xunit;

namespace Backrun.Tests;

/// <summary>The tests run more than once, against more than one build and more than one MessagePack: see Directory.Build.props.</summary>
public sealed class VariantTests
{
    [Fact]
    public void The_build_of_the_library_and_the_MessagePack_beside_it_are_those_that_were_asked_for()
    {
        string framework = typeof(BackrunEngine).Assembly.GetCustomAttribute<TargetFrameworkAttribute>()!.FrameworkName;
        Assert.Equal($".NETCoreApp,Version=v{AskedFor("LibraryFramework")["net".Length..]}", framework);
        Assert.Equal(AskedFor("MessagePackMajor"), $"{typeof(MessagePackSerializer).Assembly.GetName().Version!.Major}");

        // The library itself is built against the oldest that it takes.
        AssemblyName referred = typeof(BackrunEngine).Assembly.GetReferencedAssemblies().Single(static each => each.Name == "MessagePack");
        Assert.Equal(2, referred.Version!.Major);
    }

    [Fact]
    public void The_native_library_was_built_with_the_address_sanitizer_where_that_was_asked_for()
    {
        string symbols = Command.Run("nm", "-D", "--undefined-only", Path.Combine(AppContext.BaseDirectory, "libbackrun.so"));
        Assert.Equal(Environment.GetEnvironmentVariable("BACKRUN_SANITIZED") == "1", symbols.Contains("__asan_init", StringComparison.Ordinal));
    }

    private static string AskedFor(string name) =>
        typeof(VariantTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(each => string.Equals(each.Key, name, StringComparison.Ordinal)).Value!;
}
