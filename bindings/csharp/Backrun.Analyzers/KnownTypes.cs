using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace Backrun.Analyzers;

/// <summary>The types that the rules are about, looked up once a compilation.</summary>
internal sealed class KnownTypes
{
    private readonly ImmutableHashSet<INamedTypeSymbol> _tasks;
    private readonly ImmutableHashSet<INamedTypeSymbol> _starters;
    private readonly ImmutableHashSet<INamedTypeSymbol> _connected;
    private readonly INamedTypeSymbol? _tasksInterface;

    private KnownTypes(Compilation compilation)
    {
        Compilation = compilation;
        INamedTypeSymbol? Find(string name) => compilation.GetTypeByMetadataName(name);
        ImmutableHashSet<INamedTypeSymbol> All(params string[] names) => names.Select(Find).OfType<INamedTypeSymbol>().ToImmutableHashSet<INamedTypeSymbol>(SymbolEqualityComparer.Default);

        // The platform's own assemblies have types of these names too. They count where they are Backrun.Creatio's.
        bool hasFacade = Find("Backrun.Creatio.CreatioTasks") is not null;
        PlatformTask = hasFacade ? Find("Terrasoft.Core.Tasks.IBackgroundTask`1") : null;
        _tasks = All("Backrun.IBackgroundTask`1", "Backrun.IAsyncBackgroundTask`1");
        _connected = hasFacade ? All("Backrun.IUserConnectionRequired", "Terrasoft.Core.IUserConnectionRequired") : All("Backrun.IUserConnectionRequired");
        PlatformStarters = hasFacade ? All("Backrun.Creatio.CreatioTasks", "Terrasoft.Core.Tasks.Task") : All();
        _starters = PlatformStarters.Union(All(
            "Backrun.BackrunEngine",
            "Backrun.IBackgroundTasks",
            "Backrun.BackgroundTasks",
            "Backrun.Hosting.BackrunBuilder",
            "Backrun.Hosting.BackrunHostOptions",
            "Microsoft.Extensions.DependencyInjection.BackrunServiceCollectionExtensions"));
        _tasksInterface = Find("Backrun.IBackgroundTasks");
        UserConnection = Find("Backrun.UserConnection");
        Context = Find("Backrun.BackgroundTaskContext");
        NameAttribute = Find("Backrun.BackgroundTaskAttribute");
        CancellationToken = Find("System.Threading.CancellationToken");
        CancellationTokenSource = Find("System.Threading.CancellationTokenSource");
        DoesNotReturn = Find("System.Diagnostics.CodeAnalysis.DoesNotReturnAttribute");
    }

    internal Compilation Compilation { get; }

    /// <summary>The interface of operations with Creatio's names.</summary>
    internal INamedTypeSymbol? PlatformTask { get; }

    internal ImmutableHashSet<INamedTypeSymbol> PlatformStarters { get; }

    internal INamedTypeSymbol? UserConnection { get; }

    internal INamedTypeSymbol? Context { get; }

    internal INamedTypeSymbol? NameAttribute { get; }

    internal INamedTypeSymbol? CancellationToken { get; }

    internal INamedTypeSymbol? CancellationTokenSource { get; }

    internal INamedTypeSymbol? DoesNotReturn { get; }

    /// <returns>Null where the compilation has nothing to do with Backrun.</returns>
    internal static KnownTypes? Of(Compilation compilation) =>
        compilation.GetTypeByMetadataName("Backrun.IBackgroundTaskHandler`1") is null ? null : new KnownTypes(compilation);

    /// <summary>The parameters of a task, where a type is one of the interfaces that tasks are run by; else null.</summary>
    internal ITypeSymbol? ParametersOf(INamedTypeSymbol type) =>
        type.IsGenericType && (_tasks.Contains(type.OriginalDefinition) || IsPlatformTask(type)) ? type.TypeArguments[0] : null;

    internal bool IsPlatformTask(INamedTypeSymbol type) => SymbolEqualityComparer.Default.Equals(type.OriginalDefinition, PlatformTask);

    /// <summary>Whether a method starts or registers tasks of a class: its first type argument is that class, the second what it takes.</summary>
    internal bool StartsOrRegisters(IMethodSymbol method) =>
        method.TypeArguments.Length == 2 && (_starters.Contains((method.ReducedFrom ?? method).ContainingType) || IsOfTasks(method));

    /// <summary>Whether a method is SetUserConnection of the interfaces, or implements it.</summary>
    internal bool SetsConnection(IMethodSymbol method)
    {
        if (method.Name != "SetUserConnection" && method.ExplicitInterfaceImplementations.IsEmpty)
        {
            return false;
        }

        return _connected.Contains(method.ContainingType)
            || _connected.Any(each => method.ContainingType.AllInterfaces.Contains(each, SymbolEqualityComparer.Default)
                && each.GetMembers("SetUserConnection").Any(member => IsOrOverrides(method, method.ContainingType.FindImplementationForInterfaceMember(member))));
    }

    /// <summary>Whether a method is the Run or RunAsync of a task's class.</summary>
    internal bool IsRun(IMethodSymbol method) =>
        method.ContainingType is { TypeKind: TypeKind.Class } type
        && (method.Name is "Run" or "RunAsync" || !method.ExplicitInterfaceImplementations.IsEmpty)
        && type.AllInterfaces.Any(each => ParametersOf(each) is not null && each.GetMembers().Any(member => IsOrOverrides(method, type.FindImplementationForInterfaceMember(member))));

    internal bool IsConnection(ITypeSymbol type)
    {
        for (ITypeSymbol? each = type; each is not null; each = each.BaseType)
        {
            if (SymbolEqualityComparer.Default.Equals(each, UserConnection))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a method is one of IBackgroundTasks, of any class that implements it: an engine of Backrun.Testing, or what stands before one.</summary>
    private bool IsOfTasks(IMethodSymbol method) =>
        _tasksInterface is not null && method.ContainingType.AllInterfaces.Contains(_tasksInterface, SymbolEqualityComparer.Default) && !_tasksInterface.GetMembers(method.Name).IsEmpty;

    private static bool IsOrOverrides(IMethodSymbol method, ISymbol? implementation)
    {
        for (IMethodSymbol? each = method; each is not null; each = each.OverriddenMethod)
        {
            if (SymbolEqualityComparer.Default.Equals(each, implementation))
            {
                return true;
            }
        }

        return false;
    }
}
