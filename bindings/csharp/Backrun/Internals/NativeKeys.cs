using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Backrun.Native;

namespace Backrun.Internals;

/// <summary>Encryption keys as native takes them, for the time of one call; the copies are wiped after it.</summary>
[StructLayout(LayoutKind.Auto)]
internal ref struct NativeKeys
{
    private unsafe byte* _block;
    private int _length;

    internal unsafe void Write(EncryptionOptions? options, ref backrun_engine_options native)
    {
        if (options is null)
        {
            return;
        }

        IList<EncryptionKey> keys = options.Keys;
        int texts = 0;
        foreach (EncryptionKey? key in keys)
        {
            texts += key is null
                ? throw new ArgumentException("BackrunOptions.Encryption.Keys has an element that is null; pass keys.")
                : Encoding.UTF8.GetByteCount(key.Id) + EncryptionKey.SecretLength;
        }

        if (keys.Count == 0)
        {
            throw new ArgumentException("BackrunOptions.Encryption.Keys is empty; add the key to encrypt with, or leave Encryption null.");
        }

        int structs = keys.Count * sizeof(backrun_encryption_key);
        _length = structs + texts;
        _block = (byte*)NativeMemory.AllocZeroed((nuint)_length);
        backrun_encryption_key* next = (backrun_encryption_key*)_block;
        byte* text = _block + structs;
        foreach (EncryptionKey key in keys)
        {
            next->struct_size = (uint)sizeof(backrun_encryption_key);
            int length = Encoding.UTF8.GetBytes(key.Id, new Span<byte>(text, (int)(_block + _length - text)));
            next->id = new backrun_str { data = text, len = (nuint)length };
            text += length;
            key.Secret.CopyTo(new Span<byte>(text, EncryptionKey.SecretLength));
            next->secret = new backrun_bytes { data = text, len = EncryptionKey.SecretLength };
            text += EncryptionKey.SecretLength;
            next++;
        }

        native.encryption_keys = (backrun_encryption_key*)_block;
        native.encryption_key_count = (nuint)keys.Count;
        native.flags |= options.Required ? NativeConstants.BACKRUN_ENGINE_ENCRYPTION_REQUIRED : 0;
    }

    public unsafe void Dispose()
    {
        CryptographicOperations.ZeroMemory(new Span<byte>(_block, _length));
        NativeMemory.Free(_block);
        _block = null;
        _length = 0;
    }
}
