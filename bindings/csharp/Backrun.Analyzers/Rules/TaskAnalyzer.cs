using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Backrun.Analyzers;

/// <summary>What looks at compilations that have to do with Backrun, and at no others.</summary>
public abstract class TaskAnalyzer : DiagnosticAnalyzer
{
    private protected TaskAnalyzer(params DiagnosticDescriptor[] rules) => SupportedDiagnostics = ImmutableArray.Create(rules);

    /// <inheritdoc/>
    public sealed override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; }

    /// <inheritdoc/>
    public sealed override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            if (KnownTypes.Of(start.Compilation) is { } known)
            {
                Start(start, known);
            }
        });
    }

    /// <summary>Says what is to be looked at in a compilation.</summary>
    private protected abstract void Start(CompilationStartAnalysisContext start, KnownTypes known);
}
