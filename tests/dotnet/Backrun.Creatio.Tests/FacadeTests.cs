using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Runtime.Versioning;
using Backrun;
using Backrun.Creatio;
using Backrun.Tests.Support;
using MessagePack;
using Microsoft.CodeAnalysis;
using Xunit;
using IUserConnectionRequired = Terrasoft.Core.IUserConnectionRequired;
using UserConnection = Terrasoft.Core.UserConnection;

namespace CreatioTests;

/// <summary>The names and shapes that source written for the platform asks for.</summary>
public sealed class FacadeTests
{
    [Theory]
    [InlineData("StartNew", false)]
    [InlineData("StartNewWithUserConnection", true)]
    public void Task_has_one_public_method_of_each_name_static_and_void_without_a_new_constraint(string name, bool withUser)
    {
        MethodInfo method = Assert.Single(typeof(Terrasoft.Core.Tasks.Task).GetMembers(), member => member.Name == name) as MethodInfo ?? throw new InvalidOperationException();
        Assert.True(method.IsPublic && method.IsStatic && method.ReturnType == typeof(void));
        Type[] arguments = method.GetGenericArguments();
        Assert.Equal(2, arguments.Length);
        Assert.Equal(GenericParameterAttributes.ReferenceTypeConstraint, arguments[0].GenericParameterAttributes);
        Assert.Equal(GenericParameterAttributes.None, arguments[1].GenericParameterAttributes);
        Type[] expected = [typeof(Terrasoft.Core.Tasks.IBackgroundTask<>).MakeGenericType(arguments[1]), .. withUser ? new[] { typeof(IUserConnectionRequired) } : []];
        Assert.Equal(expected, arguments[0].GetGenericParameterConstraints());
        Assert.Equal(arguments[1], Assert.Single(method.GetParameters()).ParameterType);
    }

    [Fact]
    public void The_interfaces_are_those_of_the_platform_and_stand_alone()
    {
        Assert.NotNull(typeof(Terrasoft.Core.Tasks.IBackgroundTask<>).GetMethod("Run"));
        Assert.Empty(typeof(Terrasoft.Core.Tasks.IBackgroundTask<>).GetInterfaces());
        Assert.Equal(GenericParameterAttributes.Contravariant, typeof(Terrasoft.Core.Tasks.IBackgroundTask<>).GetGenericArguments()[0].GenericParameterAttributes);
        Assert.Equal(typeof(UserConnection), Assert.Single(typeof(IUserConnectionRequired).GetMethod("SetUserConnection")!.GetParameters()).ParameterType);
        Assert.Empty(typeof(IUserConnectionRequired).GetInterfaces());
        Assert.False(typeof(UserConnection).IsSealed);
    }

    [Fact]
    public async System.Threading.Tasks.Task Tasks_are_started_by_reflection()
    {
        MethodInfo start = typeof(Terrasoft.Core.Tasks.Task).GetMethod("StartNew")!.MakeGenericMethod(typeof(Terrasoft.Configuration.UsrReflected), typeof(Dictionary<string, object>));
        start.Invoke(null, [new Dictionary<string, object> { ["id"] = Guid.Empty }]);
        object[] got = await Terrasoft.Configuration.Happened.Soon("reflected");
        Assert.Equal(Guid.Empty, Assert.IsType<Dictionary<string, object>>(got[0])["id"]);
    }

    [Theory]
    [InlineData("using System.Threading.Tasks; using Terrasoft.Core.Tasks;", "CS0104")]
    [InlineData("global using System.Threading.Tasks; using Terrasoft.Core.Tasks;", "CS0104")]
    [InlineData("using System.Threading.Tasks; using Terrasoft.Core.Tasks; using Task = Terrasoft.Core.Tasks.Task;", null)]
    [InlineData("using System.Threading.Tasks; namespace N { using Terrasoft.Core.Tasks; BODY }", null)]
    [InlineData("global using System.Threading.Tasks; namespace N; using Terrasoft.Core.Tasks;", null)]
    [InlineData("using Terrasoft.Core.Tasks; using Terrasoft.Core; using Backrun;", "CS0104")]
    public void Where_C_sharp_finds_the_name_ambiguous_the_page_says_so(string usings, string? error)
    {
        const string Body = "class P : IBackgroundTask<int> { public void Run(int p) {} static void M() { Task.StartNew<P, int>(1); } }";
        string source = usings.Contains("BODY", StringComparison.Ordinal) ? usings.Replace("BODY", Body, StringComparison.Ordinal) : $"{usings} {Body}";
        string[] errors = Compiler.Compile(source).GetDiagnostics(TestContext.Current.CancellationToken).Where(static each => each.Severity == DiagnosticSeverity.Error).Select(static each => each.Id).Distinct().ToArray();
        if (error is null)
        {
            Assert.Empty(errors);
        }
        else
        {
            Assert.Contains(error, errors);
        }
    }

    [Fact]
    public void A_class_with_the_interfaces_of_both_front_ends_is_started_through_one_of_them()
    {
        using BackrunEngine engine = Engines.New();
        CreatioTasks.Register<Both, int>(engine);
        ArgumentException thrown = Assert.Throws<ArgumentException>(() => engine.StartNew<Both, int>(1));
        Assert.Contains("interfaces of Backrun and those of Backrun.Creatio", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_builds_and_the_MessagePack_beside_them_are_those_that_were_asked_for()
    {
        foreach (Type type in new[] { typeof(BackrunEngine), typeof(CreatioTasks) })
        {
            Assert.Equal($".NETCoreApp,Version=v{AskedFor("LibraryFramework")["net".Length..]}", type.Assembly.GetCustomAttribute<TargetFrameworkAttribute>()!.FrameworkName);
        }

        Assert.Equal(AskedFor("MessagePackMajor"), $"{typeof(MessagePackSerializer).Assembly.GetName().Version!.Major}");
    }

    private static string AskedFor(string name) => typeof(FacadeTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(each => each.Key == name).Value!;

    private sealed class Both : Terrasoft.Core.Tasks.IBackgroundTask<int>, Backrun.IBackgroundTask<int>
    {
        public void Run(int parameters)
        {
        }
    }
}
