using System;
using System.Runtime.Serialization;

namespace Golden;

public enum Color { None = 0, Red = 1, Green = 2, Blue = -3, Big = 70000, Least = int.MinValue }

public enum Tiny : byte { A, B = 127, C = 128, D = 255 }

public enum SignedTiny : sbyte { A = -128, B = -33, C = -32, D = 0, E = 127 }

public enum Small : short { A = short.MinValue, B = -129, C = 0, D = short.MaxValue }

public enum UnsignedSmall : ushort { A, B = 256, C = ushort.MaxValue }

public enum Unsigned : uint { A, B = 65536, C = uint.MaxValue }

public enum Long : long { A = long.MinValue, B = -1, C = 5, D = long.MaxValue }

public enum UnsignedLong : ulong { A, B = 1UL << 63, C = ulong.MaxValue }

[Flags]
public enum Rights { None = 0, Read = 1, Write = 2, Exec = 4, All = 7, Far = 1 << 20 }

/// <summary>Names that are told otherwise, one of them like another's.</summary>
public enum Named
{
    [EnumMember(Value = "first-one")] One = 1,
    Two = 2,
    [EnumMember(Value = "\u00e9t\u00e9")] Summer = 3,
    [EnumMember] Same = 4,
}

/// <summary>No value of it has a name.</summary>
public enum Hollow { }
