using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Analyzers.Tests.Support;
using Xunit;

namespace Backrun.Analyzers.Tests.Rules;

/// <summary>BACKRUN107. There is no fix: which of the two keeps a name that files may hold is its author's to say.</summary>
public sealed class NamesTests
{
    [Theory]
    [InlineData("\"import\"", "\"import\"")]
    [InlineData("\"import\"", "\"other\", Aliases = [\"older\", \"import\"]")]
    [InlineData("\"a\", Aliases = new[] { \"import\" }", "\"b\", Aliases = [\"import\"]")]
    public async Task Two_classes_with_one_name_are_warned_of_both(string first, string second)
    {
        string[] told = [.. (await Analysis.Of(Classes(first, second))).Select(static each => $"{each.Id} {each.GetMessage(CultureInfo.InvariantCulture)}")];
        Assert.Equal(2, told.Length);
        Assert.StartsWith("BACKRUN107 'A' has the task name 'import', which is one of 'Shop.B' too", told[0]);
        Assert.StartsWith("BACKRUN107 'Shop.B' has the task name 'import', which is one of 'A' too", told[1]);
    }

    [Theory]
    [InlineData("\"import\"", "\"Import\"")]
    [InlineData("\"import\", Aliases = [\"import\"]", "\"other\"")]
    [InlineData("\"import\"", "null!, Aliases = null")]
    public async Task Names_that_differ_and_those_of_one_class_are_fine(string first, string second) => Assert.Empty(await Analysis.Of(Classes(first, second)));

    [Fact]
    public async Task What_is_not_registered_by_its_name_does_not_count() =>
        Assert.Empty(await Analysis.Of(
            """
            [BackgroundTask("a")] public abstract class A : IBackgroundTask<int> { public abstract void Run(int parameters); }
            [BackgroundTask("a")] public partial class B : A { public override void Run(int parameters) { } }
            public partial class B { }
            """));

    private static string Classes(string first, string second) =>
        $$"""
        [BackgroundTask({{first}})] public class A : IBackgroundTask<int> { public void Run(int parameters) { } }
        namespace Shop { [BackgroundTask({{second}})] public class B : IBackgroundTask<int> { public void Run(int parameters) { } } }
        """;
}
