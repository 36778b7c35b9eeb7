using System;
using System.IO;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backrun.Native;

/// <summary>Finds the native library, and refuses one of another ABI version, before anything else is called in it.</summary>
internal static class NativeLibraryLoader
{
    private static readonly object Gate = new();

    // On Windows backrun.dll would be the assembly's own name.
    private static readonly string FileName =
        OperatingSystem.IsWindows() ? "libbackrun.dll" : OperatingSystem.IsMacOS() ? "libbackrun.dylib" : "libbackrun.so";

    // As the package's folders are called, on Linux with glibc. What RuntimeInformation.RuntimeIdentifier says may name a distribution.
    private static readonly string Rid =
        $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    private static volatile bool _ready;
    private static nint _library;

    /// <exception cref="PlatformNotSupportedException">The native library is not there, or does not run here.</exception>
    /// <exception cref="BackrunException">It is of another ABI version than this assembly.</exception>
    /// <exception cref="NotSupportedException">This assembly could be unloaded.</exception>
    internal static void EnsureReady()
    {
        if (_ready)
        {
            return;
        }

        RefuseCollectible(typeof(NativeLibraryLoader).Assembly);

        lock (Gate)
        {
            if (_ready)
            {
                return;
            }

            // In a NativeAOT program the library may be linked in: then there is nothing to find.
            if (_library == 0 && RuntimeFeature.IsDynamicCodeSupported)
            {
                _library = Find(typeof(NativeLibraryLoader).Assembly);
                NativeLibrary.SetDllImportResolver(typeof(NativeLibraryLoader).Assembly, Resolve);
            }

            CheckVersion();
            _ready = true;
        }
    }

    private static void RefuseCollectible(Assembly assembly)
    {
        if (assembly.IsCollectible)
        {
            throw new NotSupportedException(
                $"{assembly.GetName().Name} was loaded into a collectible AssemblyLoadContext and could be unloaded while the engine's threads still call it. Load it into one that is not collectible: " +
                "usually the default one, shared with the plug-ins.");
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        string.Equals(name, NativeMethods.LibraryName, StringComparison.Ordinal) ? _library : 0;

    private static nint Find(Assembly assembly)
    {
        Exception? first = null;
        try
        {
            return NativeLibrary.Load(OperatingSystem.IsWindows() ? FileName : NativeMethods.LibraryName, assembly, searchPath: null);
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            first = exception;
        }

        foreach (string path in Candidates())
        {
            if (File.Exists(path) && NativeLibrary.TryLoad(path, out nint library))
            {
                return library;
            }
        }

        throw new PlatformNotSupportedException(
            $"Backrun's native library ({FileName}) could not be loaded on {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}. " +
            $"It lies beside the application ({AppContext.BaseDirectory}) or in its folder runtimes/{Rid}/native, where the package Backrun puts it for " +
            "the systems that it was made for: the project's own has Linux x64 with glibc only. Run there (WSL 2 or a container will do), or build the library for this system: " +
            $"https://github.com/backrun/backrun/blob/main/docs/other-systems.md. {first.Message}",
            first);
    }

    private static string[] Candidates() =>
    [
        Path.Combine(AppContext.BaseDirectory, FileName),
        Path.Combine(AppContext.BaseDirectory, "runtimes", Rid, "native", FileName),
        Path.Combine(AppContext.BaseDirectory, "runtimes", Rid.Replace("linux-", "linux-musl-", StringComparison.Ordinal), "native", FileName),
    ];

    private static void CheckVersion()
    {
        uint version;
        try
        {
            version = NativeMethods.backrun_abi_version();
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            throw new PlatformNotSupportedException(
                $"What was loaded as Backrun's native library is not it, or too old: {exception.Message} Install the package Backrun anew, so that its assembly and its native library are of one version.",
                exception);
        }

        if (version != NativeConstants.BACKRUN_ABI_VERSION)
        {
            throw new BackrunException(
                BackrunErrorCode.AbiMismatch,
                $"The native library has ABI version {version}, and this assembly was built for version {NativeConstants.BACKRUN_ABI_VERSION}. " +
                $"Use the library that came with the package Backrun: an older {FileName} may lie beside the application.");
        }
    }
}
