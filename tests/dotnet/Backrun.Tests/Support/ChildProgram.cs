using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Emit;

namespace Backrun.Tests.Support;

/// <summary>A program of its own, compiled and run in a folder of its own: for what ends a process.</summary>
internal sealed class ChildProgram : IDisposable
{
    /// <summary>Reached by a program that hangs, and by no other, however busy the machine is.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(Effort.Long ? 60 : 10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("backrun-child-");

    private ChildProgram(string program)
    {
        try
        {
            Build(program);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Compiles a program, to be run as often as one likes.</summary>
    internal static ChildProgram Compile(string program) => new(program);

    /// <summary>Compiles a program and runs it once.</summary>
    internal static async Task<Result> RunAsync(string program, IReadOnlyDictionary<string, string>? environment = null)
    {
        using ChildProgram child = new(program);
        return await child.RunAsync([], environment);
    }

    internal async Task<Result> RunAsync(string[] arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        using Process process = Start(arguments, environment);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The program with arguments '{string.Join(' ', arguments)}' did not end within {Limit}. It wrote:\n{await output}{await errors}");
        }

        return new Result(process.ExitCode, await output, await errors);
    }

    /// <summary>Starts the program. It writes to pipes, which whoever starts it reads.</summary>
    internal Process Start(string[] arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new("dotnet", [Path.Combine(_folder.FullName, "child.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (KeyValuePair<string, string> variable in environment ?? new Dictionary<string, string>())
        {
            start.Environment[variable.Key] = variable.Value;
        }

        return Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Build(string program)
    {
        foreach (string pattern in new[] { "Backrun.dll", "libbackrun.so", "MessagePack*.dll", "Microsoft.Extensions.*.dll", "Microsoft.NET.StringTools.dll" })
        {
            foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory, pattern))
            {
                File.Copy(file, Path.Combine(_folder.FullName, Path.GetFileName(file)));
            }
        }

        EmitResult emitted = Compiler.Compile(program, OutputKind.ConsoleApplication).Emit(Path.Combine(_folder.FullName, "child.dll"));
        if (!emitted.Success)
        {
            throw new InvalidOperationException(string.Join('\n', emitted.Diagnostics.Where(static each => each.Severity == DiagnosticSeverity.Error)));
        }

        string framework = $"{Environment.Version.Major}.{Environment.Version.Minor}.0";
        File.WriteAllText(
            Path.Combine(_folder.FullName, "child.runtimeconfig.json"),
            """{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"VERSION"}}}""".Replace("VERSION", framework, StringComparison.Ordinal));
    }

    internal sealed record Result(int ExitCode, string Output, string Errors)
    {
        /// <summary>The lines of the standard error output.</summary>
        internal string[] ErrorLines => Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
