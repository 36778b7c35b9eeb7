using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Backrun.Analyzers;

/// <summary>
/// A task's class of which the engine cannot make instances (BACKRUN108). Said where a class is started or registered, and of classes with [BackgroundTask]: what only implements the interfaces may be made to
/// derive from. Constructor parameters are fine, since services may have them.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MakeableAnalyzer() : TaskAnalyzer(Descriptors.NotMakeable)
{
    private protected override void Start(CompilationStartAnalysisContext start, KnownTypes known)
    {
        start.RegisterSymbolAction(type => AtClass(type, known), SymbolKind.NamedType);
        start.RegisterOperationAction(call => AtCall(call, known), OperationKind.Invocation);
    }

    private static void AtClass(SymbolAnalysisContext context, KnownTypes known)
    {
        INamedTypeSymbol type = (INamedTypeSymbol)context.Symbol;
        if (type is { TypeKind: TypeKind.Class, IsAbstract: false, IsStatic: false } && HasName(type, known) && type.AllInterfaces.Any(each => known.ParametersOf(each) is not null) && WhyNot(type) is { } reason)
        {
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.NotMakeable, type.Locations[0], [type.Locations[0]], type.Name, reason));
        }
    }

    private static void AtCall(OperationAnalysisContext context, KnownTypes known)
    {
        IInvocationOperation call = (IInvocationOperation)context.Operation;
        IMethodSymbol method = call.TargetMethod;
        if (!known.StartsOrRegisters(method) || method.TypeArguments[0] is not INamedTypeSymbol type || HasName(type, known))
        {
            return;
        }

        if ((WhyNot(type) ?? WhyNotBy(type, method.TypeArguments[1], known)) is { } reason)
        {
            Location at = TypeArguments.Place(call, 0);
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.NotMakeable, at, type.DeclaringSyntaxReferences.IsEmpty ? [] : [type.Locations[0]], type.Name, reason));
        }
    }

    private static bool HasName(INamedTypeSymbol type, KnownTypes known) =>
        !type.IsAbstract && !type.DeclaringSyntaxReferences.IsEmpty && type.GetAttributes().Any(each => SymbolEqualityComparer.Default.Equals(each.AttributeClass, known.NameAttribute));

    private static string? WhyNot(INamedTypeSymbol type)
    {
        if (type.TypeKind == TypeKind.Interface)
        {
            return "it is an interface; name the class that implements it";
        }

        if (type.IsAbstract)
        {
            return "it is abstract; name a class that derives from it";
        }

        return type.InstanceConstructors.Any(static each => each.DeclaredAccessibility == Accessibility.Public) ? null : "it has no public constructor";
    }

    private static string? WhyNotBy(INamedTypeSymbol type, ITypeSymbol parameters, KnownTypes known)
    {
        int ways = type.AllInterfaces.Where(each => SymbolEqualityComparer.Default.Equals(known.ParametersOf(each), parameters) && !known.IsPlatformTask(each)).Count();
        string name = parameters.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
        return ways == 2 ? $"it implements both IBackgroundTask<{name}> and IAsyncBackgroundTask<{name}>, of which a task has one"
            : type.AllInterfaces.Any(each => known.ParametersOf(each) is not null) ? null
            : $"it implements neither IBackgroundTask<{name}> nor IAsyncBackgroundTask<{name}>";
    }
}
