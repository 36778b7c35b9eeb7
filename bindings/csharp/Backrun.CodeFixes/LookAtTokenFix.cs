using System.Composition;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Backrun.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Formatting;
using Microsoft.CodeAnalysis.Simplification;

namespace Backrun.CodeFixes;

/// <summary>For an endless loop of a task (BACKRUN106): looks at the token, first in the loop.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(LookAtTokenFix))]
[Shared]
public sealed class LookAtTokenFix() : TaskFix(Descriptors.EndlessLoop)
{
    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        SyntaxNode? root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        if (root?.FindToken(context.Span.Start).Parent is StatementSyntax loop && BodyOf(loop) is { } body)
        {
            context.RegisterCodeFix(
                CodeAction.Create("Look at the task's cancellation token first", cancellationToken => Fix(context.Document, body, cancellationToken), nameof(LookAtTokenFix)),
                context.Diagnostics);
        }
    }

    private static StatementSyntax? BodyOf(StatementSyntax loop) => loop switch
    {
        WhileStatementSyntax @while => @while.Statement,
        ForStatementSyntax @for => @for.Statement,
        DoStatementSyntax @do => @do.Statement,
        _ => null,
    };

    private static async Task<Document> Fix(Document document, StatementSyntax body, CancellationToken cancellationToken)
    {
        DocumentEditor editor = await DocumentEditor.CreateAsync(document, cancellationToken).ConfigureAwait(false);
        IMethodSymbol? run = editor.SemanticModel.GetEnclosingSymbol(body.SpanStart, cancellationToken) as IMethodSymbol;
        string? parameter = run?.Parameters.FirstOrDefault(static each => each.Type is { Name: "CancellationToken", ContainingNamespace.Name: "Threading" })?.Name;
        ExpressionSyntax token = parameter is null ? OfContext(editor.SemanticModel.GetNullableContext(body.SpanStart).AnnotationsEnabled()) : SyntaxFactory.IdentifierName(parameter);
        StatementSyntax look = SyntaxFactory.ExpressionStatement(SyntaxFactory.InvocationExpression(Member(token, "ThrowIfCancellationRequested"))).WithAdditionalAnnotations(Formatter.Annotation);
        BlockSyntax changed = body is BlockSyntax block
            ? block.WithStatements(block.Statements.Insert(0, look))
            : SyntaxFactory.Block(look, body.WithoutTrivia()).WithAdditionalAnnotations(Formatter.Annotation);
        editor.ReplaceNode(body, changed);
        return editor.GetChangedDocument();
    }

    /// <summary>Of the run that stands on this thread. A task's methods are called by runs only.</summary>
    private static MemberAccessExpressionSyntax OfContext(bool isNullable)
    {
        ExpressionSyntax current = Member(SyntaxFactory.ParseExpression("global::Backrun.BackgroundTaskContext").WithAdditionalAnnotations(Simplifier.Annotation), "Current");
        return Member(isNullable ? SyntaxFactory.PostfixUnaryExpression(SyntaxKind.SuppressNullableWarningExpression, current) : current, "CancellationToken");
    }

    private static MemberAccessExpressionSyntax Member(ExpressionSyntax of, string name) =>
        SyntaxFactory.MemberAccessExpression(SyntaxKind.SimpleMemberAccessExpression, of, SyntaxFactory.IdentifierName(name));
}
