using System.Collections.Generic;

namespace Backrun;

/// <summary>How a durable store encrypts payloads, user contexts and results at rest (AES-256-GCM). Names, headers, errors and times are not encrypted: operators read them.</summary>
public sealed class EncryptionOptions
{
    /// <summary>
    /// The keys, 1 to 64 with ids of their own. The first one encrypts; the others only decrypt what was encrypted with them before. A key is replaced by putting its successor before it, and taken
    /// away when nothing is left that it has encrypted: the constructor of an engine throws a <see cref="BackrunException"/> with <see cref="BackrunErrorCode.Store"/> where one is missing, or has
    /// other bytes than under its id before. <c>backrun encrypt</c> encrypts all of a file with the first key.
    /// </summary>
    public IList<EncryptionKey> Keys { get; } = new List<EncryptionKey>();

    /// <summary>Whether a store is refused that has something that is not encrypted. If not, it is read as it is, and only what is new is encrypted.</summary>
    public bool Required { get; set; }
}
