using System.Composition;
using System.Threading.Tasks;
using Backrun.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Backrun.CodeFixes;

/// <summary>For a call of SetUserConnection by other code than the engine (BACKRUN105): removes it, where it is a statement of its own.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(RemoveCallFix))]
[Shared]
public sealed class RemoveCallFix() : TaskFix(Descriptors.ConnectionSetByHand)
{
    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        SyntaxNode? root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        if (root?.FindNode(context.Span, getInnermostNodeForTie: true).FirstAncestorOrSelf<ExpressionStatementSyntax>() is { Parent: BlockSyntax } statement)
        {
            context.RegisterCodeFix(
                CodeAction.Create(
                    "Remove the call: the engine makes it",
                    _ => Task.FromResult(context.Document.WithSyntaxRoot(root.RemoveNode(statement, SyntaxRemoveOptions.KeepUnbalancedDirectives)!)),
                    nameof(RemoveCallFix)),
                context.Diagnostics);
        }
    }
}
