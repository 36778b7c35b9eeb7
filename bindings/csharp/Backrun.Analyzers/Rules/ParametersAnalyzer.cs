using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Backrun.Analyzers;

/// <summary>
/// Parameters that cannot travel (BACKRUN102), with a user connection inside them (BACKRUN103, BACKRUN104). Said where a class names its parameters; at a start or a registration only what that place adds: a
/// class of another assembly, or parameters of a more derived type.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ParametersAnalyzer() : TaskAnalyzer(Descriptors.NotSerialisable, Descriptors.ConnectionInParameters, Descriptors.ConnectionInPlatformParameters)
{
    /// <summary>The property of a diagnostic that says what kind of problem it is.</summary>
    internal const string Kind = "Kind";

    private protected override void Start(CompilationStartAnalysisContext start, KnownTypes known)
    {
        Looks looks = new(known);
        start.RegisterSyntaxNodeAction(looks.AtBase, SyntaxKind.SimpleBaseType, SyntaxKind.PrimaryConstructorBaseType);
        start.RegisterOperationAction(looks.AtCall, OperationKind.Invocation);
    }

    private sealed class Looks(KnownTypes known)
    {
        private readonly Contract _contract = new(known.Compilation);

        // Of one setting of the project each: nearly every project has one.
        private readonly ConcurrentDictionary<(ITypeSymbol Type, PayloadKind Kind, string Formatters), ImmutableArray<Problem>> _known = new(new Same());

        internal void AtBase(SyntaxNodeAnalysisContext context)
        {
            BaseTypeSyntax syntax = (BaseTypeSyntax)context.Node;
            if (syntax.Parent?.Parent is not (ClassDeclarationSyntax or RecordDeclarationSyntax)
                || context.SemanticModel.GetTypeInfo(syntax.Type, context.CancellationToken).Type is not INamedTypeSymbol type)
            {
                return;
            }

            foreach ((ITypeSymbol parameters, bool isPlatform) in ParametersBy(type))
            {
                TypeSyntax at = syntax.Type.DescendantNodesAndSelf().OfType<GenericNameSyntax>().FirstOrDefault()?.TypeArgumentList.Arguments.FirstOrDefault() ?? syntax.Type;
                string task = ((TypeDeclarationSyntax)syntax.Parent.Parent).Identifier.ValueText;
                foreach (Problem problem in ProblemsOf(parameters, isPlatform, context.Options, syntax.SyntaxTree))
                {
                    // A start may name a class that derives from these parameters.
                    if (!problem.IsOpenRoot)
                    {
                        context.ReportDiagnostic(Say(problem, task, isPlatform, at.GetLocation()));
                    }
                }
            }
        }

        internal void AtCall(OperationAnalysisContext context)
        {
            IInvocationOperation call = (IInvocationOperation)context.Operation;
            IMethodSymbol method = call.TargetMethod;
            if (!known.StartsOrRegisters(method) || method.TypeArguments[0] is not INamedTypeSymbol task)
            {
                return;
            }

            ITypeSymbol parameters = method.TypeArguments[1];
            bool isPlatform = known.PlatformStarters.Contains(method.ContainingType);
            bool isSaid = task.AllInterfaces.Any(each => SymbolEqualityComparer.Default.Equals(known.ParametersOf(each), parameters)) && !task.OriginalDefinition.DeclaringSyntaxReferences.IsEmpty && !task.IsGenericType;
            Location at = TypeArguments.Place(call, 1);
            foreach (Problem problem in ProblemsOf(parameters, isPlatform, context.Options, call.Syntax.SyntaxTree))
            {
                if (!isSaid || problem.IsOpenRoot)
                {
                    context.ReportDiagnostic(Say(problem, task.Name, isPlatform, at));
                }
            }
        }

        /// <summary>The parameters of the tasks that a class runs because of one of its bases.</summary>
        private IEnumerable<(ITypeSymbol Parameters, bool IsPlatform)> ParametersBy(INamedTypeSymbol type)
        {
            if (known.ParametersOf(type) is { } own)
            {
                yield return (own, known.IsPlatformTask(type));
            }

            // What a base class of this assembly says of itself, it says itself.
            if (type is { TypeKind: TypeKind.Class, IsGenericType: false, DeclaringSyntaxReferences.IsEmpty: false })
            {
                yield break;
            }

            foreach (INamedTypeSymbol each in type.AllInterfaces)
            {
                if (known.ParametersOf(each) is { } inherited)
                {
                    yield return (inherited, known.IsPlatformTask(each));
                }
            }
        }

        private ImmutableArray<Problem> ProblemsOf(ITypeSymbol parameters, bool isPlatform, AnalyzerOptions options, SyntaxTree tree)
        {
            PayloadKind kind = isPlatform ? PayloadKind.Typeless : ProjectSettings.FormatOf(options, tree);
            ImmutableHashSet<string> formatters = ProjectSettings.TypesWithFormatters(options, tree);
            return _known.GetOrAdd((parameters, kind, string.Join(",", formatters)), _ => PayloadWalk.Look(parameters, known, _contract, kind, formatters));
        }

        private static Diagnostic Say(Problem problem, string task, bool isPlatform, Location at)
        {
            DiagnosticDescriptor rule = problem.Kind != ProblemKind.Connection ? Descriptors.NotSerialisable
                : isPlatform ? Descriptors.ConnectionInPlatformParameters
                : Descriptors.ConnectionInParameters;
            IEnumerable<Location> where = problem.At.DeclaringSyntaxReferences.IsEmpty ? [] : [problem.At.Locations[0]];
            return Diagnostic.Create(rule, at, where, ImmutableDictionary<string, string?>.Empty.Add(Kind, problem.Kind.ToString()), task, problem.Path, problem.Reason);
        }

        private sealed class Same : IEqualityComparer<(ITypeSymbol Type, PayloadKind Kind, string Formatters)>
        {
            public bool Equals((ITypeSymbol Type, PayloadKind Kind, string Formatters) x, (ITypeSymbol Type, PayloadKind Kind, string Formatters) y) =>
                x.Kind == y.Kind && x.Formatters == y.Formatters && SymbolEqualityComparer.Default.Equals(x.Type, y.Type);

            public int GetHashCode((ITypeSymbol Type, PayloadKind Kind, string Formatters) key) => SymbolEqualityComparer.Default.GetHashCode(key.Type) ^ (int)key.Kind;
        }
    }
}
