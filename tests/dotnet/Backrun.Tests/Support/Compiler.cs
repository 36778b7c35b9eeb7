using System;
using System.IO;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Backrun.Tests.Support;

/// <summary>Compiles programs against the library under test.</summary>
internal static class Compiler
{
    internal static CSharpCompilation Compile(string program, OutputKind kind = OutputKind.DynamicallyLinkedLibrary)
    {
        string[] platform = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        return CSharpCompilation.Create(
            "Compiled" + Guid.NewGuid().ToString("N"),
            [CSharpSyntaxTree.ParseText(program)],
            platform.Select(static path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(kind, allowUnsafe: true));
    }
}
