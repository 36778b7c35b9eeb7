namespace Backrun;

/// <summary>How parameters are written as MessagePack. It travels with each task, which is read as it was written.</summary>
public enum PayloadFormat
{
    /// <summary>As MessagePack-CSharp's <c>ContractlessStandardResolver</c> writes: public members under their names, no attributes needed. The default.</summary>
    Contractless = 1,

    /// <summary>As MessagePack-CSharp's <c>StandardResolver</c> writes: types with <c>[MessagePackObject]</c> and <c>[Key]</c>. Smaller, and fit for NativeAOT.</summary>
    Standard = 2,

    /// <summary>
    /// As MessagePack-CSharp's <c>TypelessContractlessStandardResolver</c> writes: private members too, and with the names of types where a member or element is declared as <see cref="object"/>, an abstract
    /// class or an interface, or parameters are of a class derived from the declared one: they come back as what they were. Only types on a list are named and read
    /// (<see cref="BackrunOptions.TypelessAssemblies"/>). Larger and slower; not for trimmed programs nor for NativeAOT.
    /// </summary>
    Typeless = 3,
}
