using System.Collections.Generic;
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

/// <summary>
/// For a user connection inside parameters (BACKRUN103): the task gets it by IUserConnectionRequired, and reads it there; the member stays, left out of what travels, since other code may set it.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ConnectionFix))]
[Shared]
public sealed class ConnectionFix() : TaskFix(Descriptors.ConnectionInParameters)
{
    private const string Field = "_userConnection";

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        Diagnostic diagnostic = context.Diagnostics[0];
        SyntaxNode? root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        if (root?.FindNode(diagnostic.Location.SourceSpan).FirstAncestorOrSelf<BaseListSyntax>()?.Parent is not TypeDeclarationSyntax task
            || await Declarations.Find<SyntaxNode>(context.Document.Project.Solution, diagnostic, context.CancellationToken).ConfigureAwait(false) is not { } found
            || Declarations.WithAttributes(found.Syntax) is not { } member)
        {
            return;
        }

        context.RegisterCodeFix(
            CodeAction.Create(
                "Take the connection from SetUserConnection, and leave the member out by [IgnoreMember]",
                cancellationToken => Fix(context.Document, task, found.Document, member, cancellationToken),
                nameof(ConnectionFix)),
            diagnostic);
    }

    private static async Task<Solution> Fix(Document document, TypeDeclarationSyntax task, Document ofMember, MemberDeclarationSyntax member, CancellationToken cancellationToken)
    {
        SemanticModel model = (await document.GetSemanticModelAsync(cancellationToken).ConfigureAwait(false))!;
        SemanticModel modelOfMember = (await ofMember.GetSemanticModelAsync(cancellationToken).ConfigureAwait(false))!;
        SyntaxNode declared = member is FieldDeclarationSyntax field ? field.Declaration.Variables[0] : member;
        ISymbol symbol = modelOfMember.GetDeclaredSymbol(declared, cancellationToken)!;
        INamedTypeSymbol type = (INamedTypeSymbol)model.GetDeclaredSymbol(task, cancellationToken)!;
        SolutionEditor editor = new(document.Project.Solution);
        DocumentEditor inTask = await editor.GetDocumentEditorAsync(document.Id, cancellationToken).ConfigureAwait(false);

        bool takesOne = type.AllInterfaces.Any(static each => each is { Name: "IUserConnectionRequired", ContainingNamespace.Name: "Backrun" });
        if (!takesOne)
        {
            bool isNullable = model.GetNullableContext(task.SpanStart).AnnotationsEnabled();
            Implement(inTask, task, symbol, model, isNullable, cancellationToken);
        }

        DocumentEditor inMember = await editor.GetDocumentEditorAsync(ofMember.Id, cancellationToken).ConfigureAwait(false);
        Declarations.AddAttribute(inMember, member, "MessagePack.IgnoreMember", argument: null);
        return editor.GetChangedSolution();
    }

    private static void Implement(DocumentEditor editor, TypeDeclarationSyntax task, ISymbol member, SemanticModel model, bool isNullable, CancellationToken cancellationToken)
    {
        foreach (ExpressionSyntax read in ReadsIn(task, member, model, cancellationToken))
        {
            ExpressionSyntax name = SyntaxFactory.IdentifierName(Field);

            // The engine sets it before the run.
            ExpressionSyntax value = isNullable && read.Parent is MemberAccessExpressionSyntax ? SyntaxFactory.PostfixUnaryExpression(SyntaxKind.SuppressNullableWarningExpression, name) : name;
            editor.ReplaceNode(read, value.WithTriviaFrom(read));
        }

        editor.AddInterfaceType(task, SyntaxFactory.ParseTypeName("global::Backrun.IUserConnectionRequired").WithAdditionalAnnotations(Simplifier.Annotation));
        MemberDeclarationSyntax[] members =
        [
            Parse($"private global::Backrun.UserConnection{(isNullable ? "?" : string.Empty)} {Field};"),
            Parse($"public void SetUserConnection(global::Backrun.UserConnection userConnection) => {Field} = userConnection;"),
        ];
        editor.InsertMembers(task, 0, members);
    }

    private static MemberDeclarationSyntax Parse(string source) =>
        SyntaxFactory.ParseMemberDeclaration(source)!.WithTrailingTrivia(SyntaxFactory.ElasticCarriageReturnLineFeed).WithAdditionalAnnotations(Formatter.Annotation, Simplifier.Annotation);

    /// <summary>Where the class reads the member of its own parameters.</summary>
    private static IEnumerable<ExpressionSyntax> ReadsIn(TypeDeclarationSyntax task, ISymbol member, SemanticModel model, CancellationToken cancellationToken) =>
        task.DescendantNodes().OfType<MemberAccessExpressionSyntax>().Where(access =>
            access.Name.Identifier.ValueText == member.Name
            && access.Expression is IdentifierNameSyntax
            && model.GetSymbolInfo(access.Expression, cancellationToken).Symbol is IParameterSymbol
            && SymbolEqualityComparer.Default.Equals(model.GetSymbolInfo(access, cancellationToken).Symbol, member)
            && !(access.Parent is AssignmentExpressionSyntax assignment && assignment.Left == access));
}
