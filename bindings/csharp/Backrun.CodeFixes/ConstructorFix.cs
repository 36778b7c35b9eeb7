using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using System.Threading.Tasks;
using Backrun.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;

namespace Backrun.CodeFixes;

/// <summary>For a task's class without a public constructor (BACKRUN108): makes the one that it has public. Of several, which one is its author's to say.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ConstructorFix))]
[Shared]
public sealed class ConstructorFix : CodeFixProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create(Descriptors.NotMakeable.Id);

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

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
                async cancellationToken =>
                {
                    DocumentEditor editor = await DocumentEditor.CreateAsync(found.Document, cancellationToken).ConfigureAwait(false);
                    editor.SetAccessibility(constructors[0], Accessibility.Public);
                    return editor.GetChangedDocument();
                },
                nameof(ConstructorFix)),
            diagnostic);
    }
}
