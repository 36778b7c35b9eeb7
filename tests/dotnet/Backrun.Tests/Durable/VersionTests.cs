using System.Threading.Tasks;
using Backrun.Tests.Support;
using MessagePack;
using Xunit;

namespace Backrun.Tests.Durable;

/// <summary>A program changes while its tasks wait in the file: classes get other names, parameters other members, and the engine another payload format.</summary>
public sealed class VersionTests
{
    private const string TaskName = "import-contacts";

    [Theory]
    [InlineData(PayloadFormat.Contractless, PayloadFormat.Standard)]
    [InlineData(PayloadFormat.Standard, PayloadFormat.Contractless)]
    public async Task Tasks_of_an_older_version_run_with_what_both_versions_know_in_the_format_that_they_were_written_in(PayloadFormat before, PayloadFormat after)
    {
        using StoreFile file = new();
        BackgroundTaskId id;
        BackrunOptions options = file.Options();
        options.PayloadFormat = before;
        using (BackrunEngine engine = new(options))
        {
            engine.PauseQueue("default");
            engine.Register<Older, Arguments1>(TaskName);
            id = engine.StartNew<Older, Arguments1>(new Arguments1 { File = "a.csv", Separator = ";" }).Id;
        }

        options = file.Options();
        options.PayloadFormat = after;
        using (BackrunEngine engine = new(options))
        {
            engine.Register<Newer, Arguments2>(TaskName);
            engine.ResumeQueue("default");
            await engine.GetHandle(id).Done();
            Assert.Equal("a.csv, 100 a page", engine.GetStatus(id)!.GetResult<string>());

            // What is started now is of the new version, in the new format.
            BackgroundTaskHandle next = engine.StartNew<Newer, Arguments2>(new Arguments2 { File = "b.csv", PageSize = 7 });
            await next.Done();
            Assert.Equal("b.csv, 7 a page", engine.GetStatus(next.Id)!.GetResult<string>());
        }
    }

    [MessagePackObject]
    public sealed class Arguments1
    {
        [Key(0)]
        public string File { get; set; } = "";

        [Key(1)]
        public string Separator { get; set; } = "";
    }

    /// <summary>One member is gone, one is new.</summary>
    [MessagePackObject]
    public sealed class Arguments2
    {
        [Key(0)]
        public string File { get; set; } = "";

        [Key(2)]
        public int PageSize { get; set; } = 100;
    }

    public sealed class Older : IBackgroundTask<Arguments1>
    {
        public void Run(Arguments1 parameters) => throw new System.InvalidOperationException("This version is gone.");
    }

    public sealed class Newer : IBackgroundTask<Arguments2>
    {
        public void Run(Arguments2 parameters) => BackgroundTaskContext.Current!.SetResult($"{parameters.File}, {parameters.PageSize} a page");
    }
}
