using System;

namespace Backrun.Sample;

/// <summary>There is nothing to do the work with: exit code 2. The message is for the user.</summary>
internal sealed class CouldNotRunException(string message) : Exception(message);
