using System;

namespace Backrun;

/// <summary>A key for encryption at rest: 256 secret bits, and the id under which a store remembers which key a value was encrypted with.</summary>
/// <remarks>The secret stays in memory as long as this object does. It is in no message, no log line and not in <see cref="ToString"/>.</remarks>
public sealed class EncryptionKey
{
    /// <summary>The bytes of a key.</summary>
    public const int SecretLength = 32;

    private readonly byte[] _secret;

    /// <summary>Makes a key of bytes that are copied.</summary>
    /// <param name="id">1 to 64 of the letters a to z and A to Z, digits, <c>-</c>, <c>_</c> and <c>.</c>; the store keeps it in the clear.</param>
    /// <param name="secret">32 random bytes, as a key store or <see cref="System.Security.Cryptography.RandomNumberGenerator.GetBytes(int)"/> gives them; not a password.</param>
    /// <exception cref="ArgumentException">There are not 32 bytes, or the id is empty.</exception>
    public EncryptionKey(string id, ReadOnlySpan<byte> secret)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        if (secret.Length != SecretLength)
        {
            throw new ArgumentException($"Encryption key '{id}' has {secret.Length} bytes; pass {SecretLength} random bytes.", nameof(secret));
        }

        Id = id;
        _secret = secret.ToArray();
    }

    /// <summary>The key's id.</summary>
    public string Id { get; }

    internal ReadOnlySpan<byte> Secret => _secret;

    /// <inheritdoc/>
    public override string ToString() => $"EncryptionKey({Id})";
}
