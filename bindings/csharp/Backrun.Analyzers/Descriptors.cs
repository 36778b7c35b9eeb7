using Microsoft.CodeAnalysis;

namespace Backrun.Analyzers;

/// <summary>What the analyzers say. One category, so that a project can set the severity of all of them at once; one section each of docs/analyzers.md.</summary>
internal static class Descriptors
{
    private const string Category = "Backrun";
    private const string Page = "https://github.com/backrun/backrun/blob/main/docs/analyzers.md#";

    internal static readonly DiagnosticDescriptor NotSerialisable = new(
        "BACKRUN102",
        "The parameters of a task cannot be serialised",
        "The parameters of '{0}' cannot be serialised: '{1}' {2}",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        description: "Parameters travel as MessagePack. A start of this task throws a TaskSerializationException, or its run fails for good.",
        helpLinkUri: Page + "backrun102");

    internal static readonly DiagnosticDescriptor ConnectionInParameters = new(
        "BACKRUN103",
        "A user connection stands inside the parameters of a task",
        "'{1}' is a user connection inside the parameters of '{0}'; connections never travel, and each run gets one of its own by IUserConnectionRequired",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        description: "A start with a connection inside the parameters throws, and one that is null stays null in the run.",
        helpLinkUri: Page + "backrun103");

    internal static readonly DiagnosticDescriptor ConnectionInPlatformParameters = new(
        "BACKRUN104",
        "A user connection stands inside the parameters of a background operation",
        "'{1}' is a user connection inside the parameters of '{0}'; leave it null where the operation is started, and set it in Run to the connection of SetUserConnection",
        Category,
        DiagnosticSeverity.Info,
        isEnabledByDefault: true,
        description: "Code of the Creatio platform has such members and leaves them null, which is fine. A start with one that is not null throws.",
        helpLinkUri: Page + "backrun104");

    internal static readonly DiagnosticDescriptor ConnectionSetByHand = new(
        "BACKRUN105",
        "SetUserConnection is called by the engine",
        "SetUserConnection of '{0}' is called here, but a run gets an instance and a connection of its own from the engine; start the task by a method whose name ends in WithUserConnection",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        description: "The engine makes an instance for each run and gives it the connection of the user who started the task. What another instance is given reaches no run.",
        helpLinkUri: Page + "backrun105");

    internal static readonly DiagnosticDescriptor EndlessLoop = new(
        "BACKRUN106",
        "An endless loop of a task never looks at the cancellation token",
        "This loop of '{0}' has no end and never looks at the task's cancellation token: neither a cancel nor a time limit nor a shutdown can stop it",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        description: "The engine cannot end a run from outside: it asks by the token. A loop that does not look at it holds its worker until the process ends.",
        helpLinkUri: Page + "backrun106");

    internal static readonly DiagnosticDescriptor SameName = new(
        "BACKRUN107",
        "Two classes have the same task name",
        "'{0}' has the task name '{1}', which is one of '{2}' too; an engine takes a name for one class only",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        description: "Registering the second of the classes throws. Names of [BackgroundTask] and its Aliases count.",
        helpLinkUri: Page + "backrun107",
        customTags: WellKnownDiagnosticTags.CompilationEnd);

    internal static readonly DiagnosticDescriptor NotMakeable = new(
        "BACKRUN108",
        "The engine cannot make or run instances of a task's class",
        "The engine cannot run tasks by '{0}': {1}",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        description: "An instance is made for each run, by a public constructor. Starting or registering this class throws an ArgumentException.",
        helpLinkUri: Page + "backrun108");
}
