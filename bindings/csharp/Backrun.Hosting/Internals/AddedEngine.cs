namespace Backrun.Hosting.Internals;

/// <summary>Says in the collection of services that an engine of this name is there already.</summary>
internal sealed record AddedEngine(string Name);
