using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Backrun.Analyzers;

/// <summary>
/// A loop in the Run or RunAsync of a task that has no end, nor a look at the token (BACKRUN106). One with a way out of its own (break, return, goto, throw, a method that does not return) is left alone, and one
/// that may look: it names a token or a source of tokens, hands on the context of the task, or calls a method of this program that does one of these.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class EndlessLoopAnalyzer() : TaskAnalyzer(Descriptors.EndlessLoop)
{
    private protected override void Start(CompilationStartAnalysisContext start, KnownTypes known)
    {
        start.RegisterOperationAction(loop => Look(loop, known), OperationKind.Loop);
    }

    private static void Look(OperationAnalysisContext context, KnownTypes known)
    {
        ILoopOperation loop = (ILoopOperation)context.Operation;
        if (!IsEndless(loop)
            || context.ContainingSymbol is not IMethodSymbol method
            || !known.IsRun(method)
            || IsInsideAnotherFunction(loop)
            || loop.SemanticModel?.AnalyzeControlFlow(loop.Syntax) is not { Succeeded: true, EndPointIsReachable: false } flow
            || !flow.ExitPoints.IsEmpty
            || !flow.ReturnStatements.IsEmpty
            || loop.Body.DescendantsAndSelf().Any(each => LeavesOrLooks(each, known, context.CancellationToken)))
        {
            return;
        }

        SyntaxToken first = loop.Syntax.GetFirstToken();
        context.ReportDiagnostic(Diagnostic.Create(Descriptors.EndlessLoop, first.GetLocation(), method.ContainingType.Name));
    }

    private static bool IsEndless(ILoopOperation loop) => loop switch
    {
        IWhileLoopOperation { Condition: { } condition, ConditionIsUntil: false } => condition.ConstantValue is { HasValue: true, Value: true },
        IForLoopOperation @for => @for.Condition is null || @for.Condition.ConstantValue is { HasValue: true, Value: true },
        _ => false,
    };

    private static bool IsInsideAnotherFunction(IOperation operation)
    {
        for (IOperation? each = operation.Parent; each is not null; each = each.Parent)
        {
            if (each is IAnonymousFunctionOperation or ILocalFunctionOperation)
            {
                return true;
            }
        }

        return false;
    }

    private static bool LeavesOrLooks(IOperation operation, KnownTypes known, CancellationToken cancellationToken) => operation switch
    {
        IThrowOperation thrown => !IsInsideAnotherFunction(thrown),
        IInvocationOperation call => Leaves(call.TargetMethod, known) || MayLook(call.TargetMethod, known, cancellationToken),
        IObjectCreationOperation { Constructor: { } made } => MayLook(made, known, cancellationToken),
        IDefaultValueOperation => false,
        IPropertyReferenceOperation { Property: { Name: "None", IsStatic: true } none } when IsToken(none.Type, known) => false,
        IPropertyReferenceOperation property => IsToken(property.Type, known) || MayLook(property.Property, known, cancellationToken) || (IsContext(property, known) && !IsOnlyAsked(property)),
        ILocalReferenceOperation or IParameterReferenceOperation or IFieldReferenceOperation => IsToken(operation.Type, known) || (IsContext(operation, known) && !IsOnlyAsked(operation)),
        _ => false,
    };

    private static bool Leaves(IMethodSymbol method, KnownTypes known) =>
        method.GetAttributes().Any(each => known.DoesNotReturn is not null && SymbolEqualityComparer.Default.Equals(each.AttributeClass, known.DoesNotReturn))
        || (method is { Name: "Exit" or "FailFast", ContainingType: { Name: "Environment", ContainingNamespace: { Name: "System", ContainingNamespace.IsGlobalNamespace: true } } });

    private static bool IsToken(ITypeSymbol? type, KnownTypes known) =>
        SymbolEqualityComparer.Default.Equals(type, known.CancellationToken) || SymbolEqualityComparer.Default.Equals(type, known.CancellationTokenSource);

    private static bool IsContext(IOperation operation, KnownTypes known) => SymbolEqualityComparer.Default.Equals(operation.Type, known.Context);

    /// <summary>Whether a context is asked for something of its own, which is not its token: that would have been seen as one.</summary>
    private static bool IsOnlyAsked(IOperation context)
    {
        return context.Parent is IMemberReferenceOperation or IConditionalAccessOperation
            || (context.Parent is IInvocationOperation call && call.Instance == context);
    }

    /// <summary>Whether code of this program that the loop calls names a token, or may leave by an exception. By its words: what they mean is not looked up.</summary>
    private static bool MayLook(ISymbol called, KnownTypes known, CancellationToken cancellationToken)
    {
        if (called.DeclaringSyntaxReferences.IsEmpty)
        {
            return false;
        }

        HashSet<string> words = ["CancellationToken", "ThrowIfCancellationRequested", "IsCancellationRequested", "BackgroundTaskContext"];
        foreach (ISymbol member in called.ContainingType.GetMembers())
        {
            if (member is IFieldSymbol { Type: { } field } && (IsToken(field, known) || SymbolEqualityComparer.Default.Equals(field, known.Context)))
            {
                words.Add(member.Name);
            }
        }

        return called.DeclaringSyntaxReferences.Any(reference => reference.GetSyntax(cancellationToken).DescendantNodes(static node => node is not ParameterListSyntax).Any(node =>
            node is ThrowStatementSyntax or ThrowExpressionSyntax || (node is SimpleNameSyntax name && words.Contains(name.Identifier.ValueText))));
    }
}
