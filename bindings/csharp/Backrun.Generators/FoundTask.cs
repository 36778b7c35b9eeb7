using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Backrun.Generators;

/// <summary>A class with [BackgroundTask]: its types as the generated code names them, or why it cannot. Values only, so that the compiler sees when nothing has changed.</summary>
internal readonly record struct FoundTask(string Type, string? Parameters, string? Problem, string File, TextSpan Span, LinePositionSpan Lines)
{
    internal static FoundTask Of(GeneratorAttributeSyntaxContext context, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        INamedTypeSymbol type = (INamedTypeSymbol)context.TargetSymbol;
        Location place = ((TypeDeclarationSyntax)context.TargetNode).Identifier.GetLocation();
        ITypeSymbol[] parameters = type.AllInterfaces.Where(IsTask).Select(static each => each.TypeArguments[0]).ToArray();
        string? problem = ProblemOf(type, parameters, context.SemanticModel.Compilation);
        return new FoundTask(
            Name(type),
            problem is null ? Name(parameters[0]) : null,
            problem,
            place.SourceTree?.FilePath ?? string.Empty,
            place.SourceSpan,
            place.GetLineSpan().Span);
    }

    private static string Name(ITypeSymbol type) => type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat);

    private static string? ProblemOf(INamedTypeSymbol type, ITypeSymbol[] parameters, Compilation compilation)
    {
        if (type.IsAbstract)
        {
            return "it is abstract; put the attribute on the classes that derive from it";
        }

        if (IsGeneric(type))
        {
            return "it is generic; register each of its kinds with a name of its own, by Register";
        }

        if (type.IsFileLocal || !compilation.IsSymbolAccessibleWithin(type, compilation.Assembly))
        {
            return "generated code cannot see it; make it public or internal, and what it is nested in too";
        }

        return parameters.Length switch
        {
            0 => "it implements neither IBackgroundTask<T> nor IAsyncBackgroundTask<T>",
            1 when !compilation.IsSymbolAccessibleWithin(parameters[0], compilation.Assembly) => "generated code cannot see its parameters' class; make that public or internal",
            1 => null,
            _ => "it runs tasks in more than one way; register each with a name of its own, by Register",
        };
    }

    private static bool IsGeneric(INamedTypeSymbol type) => type.IsGenericType || (type.ContainingType is not null && IsGeneric(type.ContainingType));

    private static bool IsTask(INamedTypeSymbol each) =>
        each.MetadataName is "IBackgroundTask`1" or "IAsyncBackgroundTask`1" && each.ContainingNamespace is { Name: "Backrun", ContainingNamespace.IsGlobalNamespace: true };
}
