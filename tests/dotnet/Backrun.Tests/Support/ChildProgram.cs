using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Emit;

namespace Backrun.Tests.Support;

/// <summary>A program of its own, compiled and run in a folder of its own: for what ends a process.</summary>
internal static class ChildProgram
{
    internal sealed record Result(int ExitCode, string Output, string Errors, TimeSpan Duration);

    internal static async Task<Result> RunAsync(string program)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("backrun-child-");
        try
        {
            foreach (string pattern in new[] { "Backrun.dll", "libbackrun.so", "MessagePack*.dll", "Microsoft.Extensions.*.dll", "Microsoft.NET.StringTools.dll" })
            {
                foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory, pattern))
                {
                    File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
                }
            }

            string path = Path.Combine(folder.FullName, "child.dll");
            EmitResult emitted = Compiler.Compile(program, OutputKind.ConsoleApplication).Emit(path);
            if (!emitted.Success)
            {
                throw new InvalidOperationException(string.Join('\n', emitted.Diagnostics.Where(static each => each.Severity == DiagnosticSeverity.Error)));
            }

            string framework = $"{Environment.Version.Major}.{Environment.Version.Minor}.0";
            await File.WriteAllTextAsync(
                Path.Combine(folder.FullName, "child.runtimeconfig.json"),
                """{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"VERSION"}}}""".Replace("VERSION", framework, StringComparison.Ordinal));
            return await RunFileAsync(path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<Result> RunFileAsync(string path)
    {
        Stopwatch clock = Stopwatch.StartNew();
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [path]) { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new InvalidOperationException("dotnet did not start.");
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return new Result(process.ExitCode, await output, await errors, clock.Elapsed);
    }
}
