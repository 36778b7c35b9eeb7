using System.Threading.Tasks;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backrun.Tests.Support;

/// <summary>Engines that keep their failures off the tests' own output.</summary>
internal static class Engines
{
    internal static BackrunEngine New(BackrunOptions? options = null)
    {
        options ??= new BackrunOptions();
        options.LoggerFactory ??= NullLoggerFactory.Instance;
        return new BackrunEngine(options);
    }

    internal static async Task ShutdownLater(this BackrunEngine engine, ShutdownMode mode) =>
        Assert.True((await engine.ShutdownAsync(mode, Patience.Long)).Completed);
}
