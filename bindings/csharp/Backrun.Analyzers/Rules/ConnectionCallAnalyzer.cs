using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Backrun.Analyzers;

/// <summary>SetUserConnection called by other code than the engine (BACKRUN105).</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ConnectionCallAnalyzer() : TaskAnalyzer(Descriptors.ConnectionSetByHand)
{
    // A test that runs a task without an engine stands in for the engine, and its helpers do.
    private static readonly string[] TestAttributes = ["Xunit.FactAttribute", "NUnit.Framework.TestAttribute", "Microsoft.VisualStudio.TestTools.UnitTesting.TestMethodAttribute"];

    private protected override void Start(CompilationStartAnalysisContext start, KnownTypes known)
    {
        if (!TestAttributes.Any(name => start.Compilation.GetTypeByMetadataName(name) is not null))
        {
            start.RegisterOperationAction(call => Look(call, known), OperationKind.Invocation);
        }
    }

    private static void Look(OperationAnalysisContext context, KnownTypes known)
    {
        IInvocationOperation call = (IInvocationOperation)context.Operation;
        if (call.TargetMethod.Name != "SetUserConnection"
            || !known.SetsConnection(call.TargetMethod)
            || (context.ContainingSymbol is IMethodSymbol method && (known.SetsConnection(method) || known.IsRun(method)))
            || IsRunByHand(call, known))
        {
            return;
        }

        string task = (call.Instance?.Type ?? call.TargetMethod.ContainingType).ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
        context.ReportDiagnostic(Diagnostic.Create(Descriptors.ConnectionSetByHand, call.Syntax.GetLocation(), task));
    }

    /// <summary>Whether the same code also runs the task: then it does what the engine does, on purpose.</summary>
    private static bool IsRunByHand(IInvocationOperation call, KnownTypes known)
    {
        IOperation body = call;
        while (body.Parent is not null)
        {
            body = body.Parent;
        }

        return body.Descendants().OfType<IInvocationOperation>().Any(each =>
            known.ParametersOf(each.TargetMethod.ContainingType) is not null || known.IsRun(each.TargetMethod));
    }
}
