using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Backrun.Analyzers;

/// <summary>Two classes of an assembly whose [BackgroundTask] has the same name, or alias (BACKRUN107).</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SameNameAnalyzer() : TaskAnalyzer(Descriptors.SameName)
{
    private protected override void Start(CompilationStartAnalysisContext start, KnownTypes known)
    {
        if (known.NameAttribute is { } attribute)
        {
            ConcurrentBag<(string Name, INamedTypeSymbol Type, Location Place)> names = [];
            start.RegisterSymbolAction(type => Collect(type, attribute, names), SymbolKind.NamedType);
            start.RegisterCompilationEndAction(end => Tell(end, names));
        }
    }

    private static void Collect(SymbolAnalysisContext context, INamedTypeSymbol attribute, ConcurrentBag<(string Name, INamedTypeSymbol Type, Location Place)> names)
    {
        INamedTypeSymbol type = (INamedTypeSymbol)context.Symbol;

        // What is abstract or generic is not registered by these names (BACKRUN101).
        if (type is not { TypeKind: TypeKind.Class, IsAbstract: false, IsGenericType: false })
        {
            return;
        }

        foreach (AttributeData each in type.GetAttributes())
        {
            if (!SymbolEqualityComparer.Default.Equals(each.AttributeClass, attribute) || each.ApplicationSyntaxReference is not { } syntax)
            {
                continue;
            }

            Location place = syntax.GetSyntax(context.CancellationToken).GetLocation();
            IEnumerable<TypedConstant> aliases = each.NamedArguments.Where(static named => named is { Key: "Aliases", Value.IsNull: false }).SelectMany(static named => named.Value.Values);
            foreach (string name in each.ConstructorArguments.Concat(aliases).Select(static value => value.Kind == TypedConstantKind.Primitive ? value.Value as string : null).OfType<string>().Distinct(StringComparer.Ordinal))
            {
                names.Add((name, type, place));
            }
        }
    }

    private static void Tell(CompilationAnalysisContext context, ConcurrentBag<(string Name, INamedTypeSymbol Type, Location Place)> names)
    {
        foreach (IGrouping<string, (string Name, INamedTypeSymbol Type, Location Place)> same in names.GroupBy(static each => each.Name, StringComparer.Ordinal))
        {
            (string Name, INamedTypeSymbol Type, Location Place)[] all = same.OrderBy(static each => each.Type.ToDisplayString(), StringComparer.Ordinal).ToArray();
            for (int index = 0; index < all.Length && all.Length > 1; index++)
            {
                INamedTypeSymbol other = all[index == 0 ? 1 : 0].Type;
                context.ReportDiagnostic(Diagnostic.Create(Descriptors.SameName, all[index].Place, all[index].Type.ToDisplayString(), same.Key, other.ToDisplayString()));
            }
        }
    }
}
