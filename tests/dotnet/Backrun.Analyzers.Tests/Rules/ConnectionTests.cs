using System.Linq;
using System.Threading.Tasks;
using Backrun.Analyzers.Tests.Support;
using Backrun.CodeFixes;
using Microsoft.CodeAnalysis;
using Xunit;

namespace Backrun.Analyzers.Tests.Rules;

/// <summary>BACKRUN103, BACKRUN104 and BACKRUN105.</summary>
public sealed class ConnectionTests
{
    private const string Task = """
        public class A : IBackgroundTask<int>, IUserConnectionRequired
        {
            private UserConnection? _connection;
            public virtual void SetUserConnection(UserConnection userConnection) => _connection = userConnection;
            public void Run(int parameters) { }
        }

        """;

    [Fact]
    public async Task A_connection_inside_parameters_is_warned_of_and_one_under_Creatios_names_is_mentioned()
    {
        Diagnostic[] told = [.. await Analysis.Of(
            """
            public class Own : UserConnection { public Own(UserIdentity identity) : base(identity) { } }
            public class Args { public Inner? Inner { get; set; } }
            public class Inner { public Own? Connection { get; set; } }
            public class A : IBackgroundTask<Args> { public void Run(Args parameters) { } }
            public class Data { private Terrasoft.Core.UserConnection? _connection; public bool Has() => _connection is not null; }
            public class B : Terrasoft.Core.Tasks.IBackgroundTask<Data> { public void Run(Data parameters) { } }
            """)];
        Assert.Equal([("BACKRUN103", DiagnosticSeverity.Warning), ("BACKRUN104", DiagnosticSeverity.Info)], told.Select(static each => (each.Id, each.Severity)));
        Assert.StartsWith("'Args.Inner.Connection' is a user connection inside the parameters of 'A'", told[0].GetMessage(System.Globalization.CultureInfo.InvariantCulture));
        Assert.StartsWith("'Data._connection' is a user connection inside the parameters of 'B'", told[1].GetMessage(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public Task The_fix_has_the_task_take_its_connection_from_the_engine() => Fix<ParametersAnalyzer, ConnectionFix>.Makes(
        """
        public class Args
        {
            public UserConnection? Connection { get; set; }
        }

        public class A : IBackgroundTask<{|BACKRUN103:Args|}>
        {
            public void Run(Args parameters)
            {
                Console.WriteLine(parameters.Connection!.Identity);
                Use(parameters.Connection);
            }

            private static void Use(UserConnection? connection) { }
        }
        """,
        """
        public class Args
        {
            [IgnoreMember]
            public UserConnection? Connection { get; set; }
        }

        public class A : IBackgroundTask<Args>, IUserConnectionRequired
        {
            private UserConnection? _userConnection;

            public void SetUserConnection(UserConnection userConnection) => _userConnection = userConnection;

            public void Run(Args parameters)
            {
                Console.WriteLine(_userConnection!.Identity);
                Use(_userConnection);
            }

            private static void Use(UserConnection? connection) { }
        }
        """);

    [Fact]
    public Task The_fix_leaves_a_task_that_takes_one_already_as_it_is() => Fix<ParametersAnalyzer, ConnectionFix>.Makes(
        """
        public class Args
        {
            public UserConnection? Connection;
        }

        public class A : IBackgroundTask<{|BACKRUN103:Args|}>, IUserConnectionRequired
        {
            public void SetUserConnection(UserConnection userConnection) { }

            public void Run(Args parameters) { }
        }
        """,
        """
        public class Args
        {
            [IgnoreMember]
            public UserConnection? Connection;
        }

        public class A : IBackgroundTask<Args>, IUserConnectionRequired
        {
            public void SetUserConnection(UserConnection userConnection) { }

            public void Run(Args parameters) { }
        }
        """);

    [Theory]
    [InlineData("void M(A task, UserConnection connection) { task.SetUserConnection(connection); }")]
    [InlineData("void M(IUserConnectionRequired task, UserConnection connection) => task.SetUserConnection(connection);")]
    [InlineData("void M(B task, UserConnection connection) => task.SetUserConnection(connection);")]
    [InlineData("void M(Terrasoft.Core.IUserConnectionRequired task, Terrasoft.Core.UserConnection connection) => task.SetUserConnection(connection);")]
    [InlineData("void M(BackrunEngine engine, UserConnection connection) { new A().SetUserConnection(connection); engine.StartNew<A, int>(1); }")]
    public async Task A_call_of_SetUserConnection_is_warned_of(string method) =>
        Assert.Equal("BACKRUN105", Assert.Single(await Analysis.Of($"{Task}public class B : A {{ }} class Program {{ {method} }}")).Id);

    [Theory]
    [InlineData("class B : A { public override void SetUserConnection(UserConnection userConnection) { base.SetUserConnection(userConnection); } }")]
    [InlineData("class Program { void M(A task, UserConnection connection) { task.SetUserConnection(connection); task.Run(1); } }")]
    [InlineData("class Program { void M(UserConnection connection) { Action run = () => { var task = new A(); task.SetUserConnection(connection); ((IBackgroundTask<int>)task).Run(1); }; run(); } }")]
    [InlineData("class Program { void SetUserConnection(int other) { } void M() { SetUserConnection(1); } }")]
    public async Task A_call_that_does_what_the_engine_does_is_left_alone(string source) => Assert.Empty(await Analysis.Of(Task + source));

    [Fact]
    public async Task A_project_of_tests_is_left_alone() =>
        Assert.Empty(await Analysis.Of(
            $"{Task}class Program {{ void M(A task, UserConnection connection) {{ task.SetUserConnection(connection); }} }} namespace Xunit {{ class FactAttribute : Attribute {{ }} }}"));

    [Fact]
    public Task The_fix_removes_the_call() => Fix<ConnectionCallAnalyzer, RemoveCallFix>.Makes(
        $$"""
        {{Task}}
        class Program
        {
            void M(BackrunEngine engine, UserConnection connection)
            {
                var task = new A();
                {|BACKRUN105:task.SetUserConnection(connection)|};
                engine.StartNewWithUserConnection<A, int>(1);
            }
        }
        """,
        $$"""
        {{Task}}
        class Program
        {
            void M(BackrunEngine engine, UserConnection connection)
            {
                var task = new A();
                engine.StartNewWithUserConnection<A, int>(1);
            }
        }
        """);
}
