using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Simplification;

namespace Backrun.CodeFixes;

/// <summary>Finds and changes what a diagnostic's additional location declares, which may stand in another document.</summary>
internal static class Declarations
{
    /// <summary>The declaration of a kind at a diagnostic's additional location, with its document.</summary>
    internal static async Task<(Document Document, T Syntax)?> Find<T>(Solution solution, Diagnostic diagnostic, CancellationToken cancellationToken)
        where T : SyntaxNode
    {
        if (diagnostic.AdditionalLocations.Count == 0 || diagnostic.AdditionalLocations[0] is not { SourceTree: { } tree } place || solution.GetDocument(tree) is not { } document)
        {
            return null;
        }

        SyntaxNode root = await tree.GetRootAsync(cancellationToken).ConfigureAwait(false);
        return root.FindNode(place.SourceSpan).FirstAncestorOrSelf<T>() is { } found ? (document, found) : null;
    }

    /// <summary>The property or field, where it is one to which an attribute can be added: no positional member of a record, no field among several.</summary>
    internal static MemberDeclarationSyntax? WithAttributes(SyntaxNode node) => node switch
    {
        PropertyDeclarationSyntax property => property,
        FieldDeclarationSyntax { Declaration.Variables.Count: 1 } field => field,
        VariableDeclaratorSyntax { Parent: VariableDeclarationSyntax { Variables.Count: 1, Parent: FieldDeclarationSyntax field } } => field,
        _ => null,
    };

    /// <summary>Adds an attribute on a line of its own.</summary>
    /// <param name="document">Where the member is.</param>
    /// <param name="member">What gets it.</param>
    /// <param name="name">In full.</param>
    /// <param name="argument">Null for none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal static async Task<Document> AddAttribute(Document document, MemberDeclarationSyntax member, string name, ExpressionSyntax? argument, CancellationToken cancellationToken)
    {
        DocumentEditor editor = await DocumentEditor.CreateAsync(document, cancellationToken).ConfigureAwait(false);
        AddAttribute(editor, member, name, argument);
        return editor.GetChangedDocument();
    }

    /// <summary>The same beside other changes.</summary>
    internal static void AddAttribute(DocumentEditor editor, MemberDeclarationSyntax member, string name, ExpressionSyntax? argument)
    {
        NameSyntax written = SyntaxFactory.ParseName($"global::{name}").WithAdditionalAnnotations(Simplifier.Annotation);
        AttributeSyntax attribute = SyntaxFactory.Attribute(written, argument is null ? null : SyntaxFactory.AttributeArgumentList(SyntaxFactory.SingletonSeparatedList(SyntaxFactory.AttributeArgument(argument))));
        editor.AddAttribute(member, SyntaxFactory.AttributeList(SyntaxFactory.SingletonSeparatedList(attribute)));
    }

    /// <summary>Makes a type or a constructor public.</summary>
    internal static async Task<Document> MakePublic(Document document, SyntaxNode declaration, CancellationToken cancellationToken)
    {
        DocumentEditor editor = await DocumentEditor.CreateAsync(document, cancellationToken).ConfigureAwait(false);
        editor.SetAccessibility(declaration, Accessibility.Public);
        return editor.GetChangedDocument();
    }
}
