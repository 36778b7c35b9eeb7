namespace Backrun.Native;

/// <summary>
/// Every function of include/backrun.h under its own name, with blittable parameters only. One file a file of src/ffi;
/// BorderTests holds the header, the library and these declarations together, by name and signature.
/// </summary>
internal static unsafe partial class NativeMethods
{
    internal const string LibraryName = "backrun";
}
