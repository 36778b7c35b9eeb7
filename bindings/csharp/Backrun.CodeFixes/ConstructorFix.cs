using System.Composition;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Backrun.CodeFixes;

/// <summary>For a task's class without a public constructor (BACKRUN108): makes the one that it has public. Of several, which one is its author's to say.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ConstructorFix))]
[Shared]
public sealed class ConstructorFix() : TaskFix(Descriptors.NotMakeable)
{
    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        Diagnostic diagnostic = context.Diagnostics[0];
        if (await Declarations.Find<TypeDeclarationSyntax>(context.Document.Project.Solution, diagnostic, context.CancellationToken).ConfigureAwait(false) is not { } found
            || found.Syntax.Modifiers.Any(SyntaxKind.AbstractKeyword)
            || found.Syntax.Members.OfType<ConstructorDeclarationSyntax>().Where(static each => !each.Modifiers.Any(SyntaxKind.StaticKeyword)).ToArray() is not { Length: 1 } constructors)
        {
            return;
        }

        context.RegisterCodeFix(
            CodeAction.Create(
                $"Make the constructor of '{found.Syntax.Identifier.ValueText}' public",
                cancellationToken => Declarations.MakePublic(found.Document, constructors[0], cancellationToken),
                nameof(ConstructorFix)),
            diagnostic);
    }
}
