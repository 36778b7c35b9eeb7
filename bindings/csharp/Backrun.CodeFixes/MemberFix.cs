using System;
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

/// <summary>For parameters that cannot be serialised (BACKRUN102): leaves a member out, gives it a key, makes its type public.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(MemberFix))]
[Shared]
public sealed class MemberFix() : TaskFix(Descriptors.NotSerialisable)
{
    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        Solution solution = context.Document.Project.Solution;
        Diagnostic diagnostic = context.Diagnostics[0];
        string? kind = diagnostic.Properties.TryGetValue(ParametersAnalyzer.Kind, out string? value) ? value : null;
        if (kind == nameof(ProblemKind.NotPublic))
        {
            if (await Declarations.Find<BaseTypeDeclarationSyntax>(solution, diagnostic, context.CancellationToken).ConfigureAwait(false) is { } type && CanBePublic(type.Syntax))
            {
                context.RegisterCodeFix(
                    CodeAction.Create(
                        $"Make '{type.Syntax.Identifier.ValueText}' public",
                        cancellationToken => Declarations.MakePublic(type.Document, type.Syntax, cancellationToken),
                        "Public"),
                    diagnostic);
            }

            return;
        }

        if (kind is not (nameof(ProblemKind.Key) or nameof(ProblemKind.NoData) or nameof(ProblemKind.Abstract))
            || await Declarations.Find<SyntaxNode>(solution, diagnostic, context.CancellationToken).ConfigureAwait(false) is not { } found
            || Declarations.WithAttributes(found.Syntax) is not { } member)
        {
            return;
        }

        if (kind == nameof(ProblemKind.Key) && member.Parent is TypeDeclarationSyntax owner)
        {
            ExpressionSyntax key = NextKey(owner, found.Syntax);
            context.RegisterCodeFix(
                CodeAction.Create(
                    $"Add [Key({key})]", cancellationToken => Declarations.AddAttribute(found.Document, member, "MessagePack.Key", key, cancellationToken), "Key"),
                diagnostic);
        }

        // What a constructor takes would be missing there.
        if (kind == nameof(ProblemKind.Key) || IsWritable(member))
        {
            context.RegisterCodeFix(
                CodeAction.Create(
                    "Leave it out, by [IgnoreMember]", cancellationToken => Declarations.AddAttribute(found.Document, member, "MessagePack.IgnoreMember", argument: null, cancellationToken), "Ignore"),
                diagnostic);
        }
    }

    private static bool CanBePublic(BaseTypeDeclarationSyntax type) =>
        !type.Modifiers.Any(SyntaxKind.FileKeyword) && type.Ancestors().OfType<BaseTypeDeclarationSyntax>().All(static outer => outer.Modifiers.Any(SyntaxKind.PublicKeyword));

    private static bool IsWritable(MemberDeclarationSyntax member) => member switch
    {
        PropertyDeclarationSyntax property => property.AccessorList?.Accessors.Any(static each => each.Kind() is SyntaxKind.SetAccessorDeclaration or SyntaxKind.InitAccessorDeclaration) ?? false,
        FieldDeclarationSyntax field => !field.Modifiers.Any(SyntaxKind.ReadOnlyKeyword),
        _ => false,
    };

    /// <summary>The number after the last, or the name where the other members have names.</summary>
    private static LiteralExpressionSyntax NextKey(TypeDeclarationSyntax owner, SyntaxNode member)
    {
        ExpressionSyntax[] keys = owner.Members
            .SelectMany(static each => each.AttributeLists)
            .SelectMany(static list => list.Attributes)
            .Where(static attribute => attribute.Name.ToString().Split('.').Last() is "Key" or "KeyAttribute")
            .Select(static attribute => attribute.ArgumentList?.Arguments.FirstOrDefault()?.Expression)
            .OfType<ExpressionSyntax>()
            .ToArray();
        if (keys.Any(static key => !key.IsKind(SyntaxKind.NumericLiteralExpression)))
        {
            string name = member is PropertyDeclarationSyntax property ? property.Identifier.ValueText : member.DescendantNodesAndSelf().OfType<VariableDeclaratorSyntax>().First().Identifier.ValueText;
            return SyntaxFactory.LiteralExpression(SyntaxKind.StringLiteralExpression, SyntaxFactory.Literal(name));
        }

        int last = keys.Select(static key => ((LiteralExpressionSyntax)key).Token.Value).OfType<int>().DefaultIfEmpty(-1).Max();
        return SyntaxFactory.LiteralExpression(SyntaxKind.NumericLiteralExpression, SyntaxFactory.Literal(Math.Max(0, last + 1)));
    }
}
