using System.Linq;
using System.Threading.Tasks;
using Backrun.Analyzers.Tests.Support;
using Backrun.CodeFixes;
using Xunit;

namespace Backrun.Analyzers.Tests.Rules;

/// <summary>BACKRUN106.</summary>
public sealed class EndlessLoopTests
{
    [Theory]
    [InlineData("while (true) { Thread.Sleep(1); }")]
    [InlineData("while (true) ;")]
    [InlineData("for (;;) { }")]
    [InlineData("for (int i = 0; true; i++) { }")]
    [InlineData("do { Thread.Sleep(1); } while (true);")]
    [InlineData("while (1 == 1) { }")]
    [InlineData("if (parameters > 1) { while (true) { } }")]
    [InlineData("while (true) { for (int i = 0; i < 3; i++) { break; } }")]
    [InlineData("while (true) { switch (parameters) { case 1: break; } }")]
    [InlineData("while (true) { Action act = () => throw new Exception(); }")]
    [InlineData("while (true) { Func<int> f = () => { return 1; }; f(); }")]
    [InlineData("while (true) { Pass(CancellationToken.None); }")]
    [InlineData("while (true) { Pass(default); }")]
    [InlineData("while (true) { BackgroundTaskContext.Current!.ReportProgress(0); }")]
    [InlineData("while (true) { Nothing(); }")]
    [InlineData("while (true) { try { Nothing(); } catch { continue; } }")]
    [InlineData("CancellationToken token = BackgroundTaskContext.Current!.CancellationToken; while (true) { }")]
    public async Task A_loop_without_end_and_without_a_look_at_the_token_is_warned_of(string body) =>
        Assert.Equal("BACKRUN106", Assert.Single(await Analysis.Of(Sync(body))).Id);

    [Theory]
    [InlineData("while (parameters > 0) { }")]
    [InlineData("for (int i = 0; i < 3; i++) { }")]
    [InlineData("while (true) { if (parameters > 1) { break; } }")]
    [InlineData("while (true) { return; }")]
    [InlineData("while (true) { goto end; } end: ;")]
    [InlineData("while (true) { if (parameters > 1) throw new Exception(); }")]
    [InlineData("while (true) { _ = parameters > 1 ? 1 : throw new Exception(); }")]
    [InlineData("while (true) { BackgroundTaskContext.Current!.CancellationToken.ThrowIfCancellationRequested(); }")]
    [InlineData("while (true) { BackgroundTaskContext.Current?.CancellationToken.ThrowIfCancellationRequested(); }")]
    [InlineData("CancellationToken token = BackgroundTaskContext.Current!.CancellationToken; while (true) { Pass(token); }")]
    [InlineData("CancellationToken token = BackgroundTaskContext.Current!.CancellationToken; while (true) { token.WaitHandle.WaitOne(10); }")]
    [InlineData("using var source = CancellationTokenSource.CreateLinkedTokenSource(CancellationToken.None); while (true) { Pass(source.Token); }")]
    [InlineData("BackgroundTaskContext context = BackgroundTaskContext.Current!; while (true) { Hand(context); }")]
    [InlineData("while (true) { Hand(BackgroundTaskContext.Current!); }")]
    [InlineData("while (true) { Looks(); }")]
    [InlineData("while (true) { Throws(); }")]
    [InlineData("while (true) { LooksByField(); }")]
    [InlineData("while (true) { if (Stops) { Nothing(); } }")]
    [InlineData("while (true) { Environment.Exit(1); }")]
    [InlineData("while (true) { Environment.FailFast(null); }")]
    [InlineData("Action act = () => { while (true) { } }; act();")]
    public async Task A_loop_that_ends_or_may_look_is_left_alone(string body) => Assert.Empty(await Analysis.Of(Sync(body)));

    [Fact]
    public async Task A_method_that_no_engine_calls_is_left_alone() =>
        Assert.Empty(await Analysis.Of("public class NoTask { public void Run(int parameters) { while (true) { } } }"));

    [Fact]
    public async Task Explicit_implementations_overrides_and_the_names_of_Creatio_count() =>
        Assert.Equal(4, (await Analysis.Of(
            """
            public class A : IBackgroundTask<int> { void IBackgroundTask<int>.Run(int parameters) { while (true) { } } }
            public abstract class B : IBackgroundTask<int> { public abstract void Run(int parameters); }
            public class C : B { public override void Run(int parameters) { while (true) { } } }
            public class D : Terrasoft.Core.Tasks.IBackgroundTask<int> { public void Run(int parameters) { while (true) { } } }
            public class E : IAsyncBackgroundTask<int> {
                public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken cancellationToken) { while (true) { await Task.Delay(1); } } }
            """)).Count(static each => each.Id == "BACKRUN106"));

    [Fact]
    public Task The_fix_looks_at_the_token_first_in_the_loop() => Fix<EndlessLoopAnalyzer, LookAtTokenFix>.Makes(
        """
        public class A : IAsyncBackgroundTask<int>
        {
            public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken stop)
            {
                {|BACKRUN106:while|} (true)
                {
                    await Task.Delay(1);
                }
            }
        }

        public class B : IBackgroundTask<int>
        {
            public void Run(int parameters)
            {
                {|BACKRUN106:for|} (;;)
                    Thread.Sleep(1);
            }
        }

        public class C : IBackgroundTask<int>
        {
            public void Run(int parameters)
            {
                {|BACKRUN106:do|}
                {
                }
                while (true);
            }
        }
        """,
        """
        public class A : IAsyncBackgroundTask<int>
        {
            public async Task RunAsync(int parameters, BackgroundTaskContext context, CancellationToken stop)
            {
                while (true)
                {
                    stop.ThrowIfCancellationRequested();
                    await Task.Delay(1);
                }
            }
        }

        public class B : IBackgroundTask<int>
        {
            public void Run(int parameters)
            {
                for (;;)
                {
                    BackgroundTaskContext.Current!.CancellationToken.ThrowIfCancellationRequested();
                    Thread.Sleep(1);
                }
            }
        }

        public class C : IBackgroundTask<int>
        {
            public void Run(int parameters)
            {
                do
                {
                    BackgroundTaskContext.Current!.CancellationToken.ThrowIfCancellationRequested();
                }
                while (true);
            }
        }
        """,
        iterations: 3);

    private static string Sync(string body) =>
        $$"""
        public class A : IBackgroundTask<int>
        {
            private readonly CancellationToken _stop;

            public void Run(int parameters) { {{body}} }

            private static void Nothing() { }
            private static void Pass(CancellationToken token) { }
            private static void Hand(BackgroundTaskContext context) { }
            private static void Looks() { BackgroundTaskContext.Current!.CancellationToken.ThrowIfCancellationRequested(); }
            private void LooksByField() { _stop.Register(() => { }); }
            private bool Stops => _stop.CanBeCanceled;
            private static void Throws() { throw new Exception(); }
        }
        """;
}
