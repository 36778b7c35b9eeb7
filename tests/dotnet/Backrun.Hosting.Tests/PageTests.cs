using System;
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Backrun.Hosting.Tests.Support;
using Backrun.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Backrun.Hosting.Tests;

/// <summary>What docs/hosting.md says is so.</summary>
public sealed class PageTests
{
    private static readonly string Page = File.ReadAllText(Repository.PathOf("docs/hosting.md"));

    [Fact]
    public async Task A_host_starts_with_the_configuration_that_the_page_shows()
    {
        string json = Regex.Match(Page, "```json\n(?<text>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, Patience.Long).Groups["text"].Value;
        await using TestHost host = await TestHost.Start(static builder => builder.Services.AddBackrun(builder.Configuration.GetSection("Backrun")), json);
        Assert.Contains("mail", host.Engine.GetStatistics().Queues.Keys);
    }

    [Fact]
    public async Task The_page_has_every_instrument_and_no_other()
    {
        ConcurrentDictionary<string, byte> published = new(StringComparer.Ordinal);
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == "Backrun")
            {
                published[instrument.Name] = 0;
            }
        };
        await using TestHost host = TestHost.Build(static builder => builder.Services.AddBackrun(o => o.Store = BackrunStore.Sqlite(Path.Combine(builder.Environment.ContentRootPath, "tasks.db"))));
        Assert.NotNull(host.Engine);
        listener.Start();
        string[] onPage = Regex.Matches(Page, "^\\| (?<cell>`(messaging|backrun)\\..*?) \\|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, Patience.Long)
            .SelectMany(static row => row.Groups["cell"].Value.Split(", "))
            .Select(static name => name.Trim('`'))
            .ToArray();
        Assert.Equal(published.Keys.Order(StringComparer.Ordinal), onPage.Order(StringComparer.Ordinal));
    }
}
