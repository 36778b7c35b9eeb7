namespace Backrun;

/// <summary>How parameters are written as MessagePack. It travels with each task, which is read as it was written.</summary>
public enum PayloadFormat
{
    /// <summary>As MessagePack-CSharp's <c>ContractlessStandardResolver</c> writes: public members under their names, no attributes needed. The default.</summary>
    Contractless = 1,

    /// <summary>As MessagePack-CSharp's <c>StandardResolver</c> writes: types with <c>[MessagePackObject]</c> and <c>[Key]</c>. Smaller, and fit for NativeAOT.</summary>
    Standard = 2,

    /// <summary>With the names of types in it. Not yet: throws <see cref="System.NotSupportedException"/>.</summary>
    Typeless = 3,
}
