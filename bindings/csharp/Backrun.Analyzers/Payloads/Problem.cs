using Microsoft.CodeAnalysis;

namespace Backrun.Analyzers;

/// <summary>Something inside parameters that cannot travel.</summary>
internal sealed class Problem(ProblemKind kind, string path, string reason, ISymbol at, bool isRoot)
{
    internal ProblemKind Kind { get; } = kind;

    /// <summary>From the parameters' type: <c>ImportArgs.Source.Stream</c>.</summary>
    internal string Path { get; } = path;

    /// <summary>What follows the path in a sentence.</summary>
    internal string Reason { get; } = reason;

    /// <summary>The member or type where something can be done about it.</summary>
    internal ISymbol At { get; } = at;

    /// <summary>Whether the parameters' own type says too little, and that of a start may say more.</summary>
    internal bool IsOpenRoot => Kind == ProblemKind.Abstract && isRoot;
}

/// <summary>What a fix can be made of.</summary>
internal enum ProblemKind
{
    /// <summary>A type that is no data.</summary>
    NoData,

    /// <summary>A place that does not say what is in it.</summary>
    Abstract,

    /// <summary>A class that MessagePack cannot make.</summary>
    Constructor,

    /// <summary>A class that only this assembly sees.</summary>
    NotPublic,

    /// <summary>A member without the key that the others have.</summary>
    Key,

    /// <summary>A class without attributes, where the format asks for them.</summary>
    NoContract,

    /// <summary>A user connection.</summary>
    Connection,
}
