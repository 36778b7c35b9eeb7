//! The systems that the native library can be built for, and what their libraries look like.

use crate::process::Result;
use std::path::{Path, PathBuf};

/// What a system's libraries are called.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// The shared one, as .NET looks for it.
    pub library: &'static str,
    /// The same, as cargo leaves it.
    pub built: &'static str,
    /// The static one, as the system's own cargo leaves it.
    pub archive: &'static str,
}

const LINUX: Names = Names { library: "libbackrun.so", built: "libbackrun.so", archive: "libbackrun.a" };
const MACOS: Names = Names { library: "libbackrun.dylib", built: "libbackrun.dylib", archive: "libbackrun.a" };
const WINDOWS: Names = Names {
    // Backrun.dll, which is the same name there, is the assembly.
    library: "libbackrun.dll",
    built: "backrun.dll",
    archive: if cfg!(target_env = "msvc") { "backrun.lib" } else { "libbackrun.a" },
};

/// Those of the system that this program runs on.
pub const NAMES_HERE: &Names = if cfg!(windows) {
    &WINDOWS
} else if cfg!(target_os = "macos") {
    &MACOS
} else {
    &LINUX
};

/// A system, as a package of NuGet tells them apart.
#[derive(Debug, PartialEq, Eq)]
pub struct System {
    /// As NuGet names it.
    pub rid: &'static str,
    /// As Rust names it, where it is built for from another one.
    pub target: &'static str,
    pub names: &'static Names,
    format: Format,
    /// What the names of its GNU tools begin with elsewhere. None: it is built for on its own kind of machine only.
    tools: Option<&'static str>,
}

/// What a shared library is, by its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Elf { machine: u16, libc: Libc },
    Pe { machine: u16 },
    MachO { machine: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Libc {
    Glibc,
    Musl,
}

const X64_OF_ELF: u16 = 62;
const ARM64_OF_ELF: u16 = 183;
const X64_OF_PE: u16 = 0x8664;
const X64_OF_MACH_O: u32 = 0x0100_0007;
const ARM64_OF_MACH_O: u32 = 0x0100_000c;

const fn glibc(rid: &'static str, target: &'static str, machine: u16, tools: &'static str) -> System {
    let format = Format::Elf { machine, libc: Libc::Glibc };
    System { rid, target, names: &LINUX, format, tools: Some(tools) }
}

const fn mac(rid: &'static str, target: &'static str, machine: u32) -> System {
    System { rid, target, names: &MACOS, format: Format::MachO { machine }, tools: None }
}

pub const SYSTEMS: &[System] = &[
    glibc("linux-x64", "x86_64-unknown-linux-gnu", X64_OF_ELF, "x86_64-linux-gnu-"),
    glibc("linux-arm64", "aarch64-unknown-linux-gnu", ARM64_OF_ELF, "aarch64-linux-gnu-"),
    System {
        rid: "linux-musl-x64",
        target: "x86_64-unknown-linux-musl",
        names: &LINUX,
        format: Format::Elf { machine: X64_OF_ELF, libc: Libc::Musl },
        tools: None,
    },
    System {
        rid: "win-x64",
        target: "x86_64-pc-windows-gnu",
        names: &WINDOWS,
        format: Format::Pe { machine: X64_OF_PE },
        tools: Some("x86_64-w64-mingw32-"),
    },
    mac("osx-x64", "x86_64-apple-darwin", X64_OF_MACH_O),
    mac("osx-arm64", "aarch64-apple-darwin", ARM64_OF_MACH_O),
];

impl System {
    /// The one of this name.
    pub fn of(rid: &str) -> Result<&'static System> {
        let found = SYSTEMS.iter().find(|system| system.rid == rid);
        found.ok_or_else(|| format!("{rid} is no system that Backrun is built for; these are: {}", names()))
    }

    /// The one that this program runs on.
    pub fn here() -> Result<&'static System> {
        let found = SYSTEMS.iter().find(|system| system.is_here());
        found.ok_or_else(|| format!("{} is no system that packages have so far; these are: {}", rid_here(), names()))
    }

    pub fn is_here(&self) -> bool {
        self.rid == rid_here()
    }

    /// Where its library lies below a folder of several systems' libraries, as a package has them.
    pub fn place(&self, natives: &Path) -> PathBuf {
        natives.join(self.rid).join("native").join(self.names.library)
    }

    /// The GNU tool of this name that makes files of this system: its own one there, and a cross tool elsewhere.
    pub fn tool(&self, name: &str) -> Option<String> {
        if self.is_here() {
            return Some(name.to_owned());
        }
        self.tools.map(|prefix| format!("{prefix}{name}"))
    }

    /// Refuses what is no shared library of this system, or not of these sources: the name of every function stands in it.
    pub fn check(&self, library: &[u8], functions: &[String]) -> Result<()> {
        let format = format_of(library);
        if format != Some(self.format) {
            let other = SYSTEMS.iter().find(|other| format == Some(other.format));
            return Err(match other {
                Some(other) => {
                    format!("it is a library of {}, and stands where that of {} belongs", other.rid, self.rid)
                }
                None => format!("it is no shared library of {}, nor of another system that packages have", self.rid),
            });
        }
        let missing = functions.iter().find(|function| !has(library, function.as_bytes()));
        missing.map_or(Ok(()), |function| Err(format!("it has no {function}: it was built from other sources")))
    }
}

/// What NuGet calls this system.
fn rid_here() -> String {
    let musl = if cfg!(target_env = "musl") { "musl-" } else { "" };
    let os = match std::env::consts::OS {
        "windows" => "win",
        "macos" => "osx",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}-{musl}{arch}")
}

fn names() -> String {
    SYSTEMS.iter().map(|system| system.rid).collect::<Vec<_>>().join(", ")
}

/// A name stands in the file with an end on both sides, whatever the format.
fn has(library: &[u8], name: &[u8]) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    library.windows(name.len()).enumerate().any(|(at, window)| {
        // Mach-O has an underscore in front of each.
        let before = at.checked_sub(1).map(|at| &library[at]).filter(|byte| **byte != b'_');
        window == name && is_end(before) && is_end(library.get(at + name.len()))
    })
}

fn format_of(library: &[u8]) -> Option<Format> {
    const SHARED_OF_ELF: u16 = 3;
    const SHARED_OF_PE: u16 = 0x2000;
    const SHARED_OF_MACH_O: u32 = 6;
    let u16_at = |at: usize| Some(u16::from_le_bytes(library.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(library.get(at..at + 4)?.try_into().ok()?));
    if library.starts_with(b"\x7fELF") {
        // What a library needs stands in it by name; musl's is called `libc.musl-x86_64.so.1`, or `libc.so`.
        let libc = if has(library, b"libc.so.6") { Libc::Glibc } else { Libc::Musl };
        return (u16_at(16)? == SHARED_OF_ELF).then_some(Format::Elf { machine: u16_at(18)?, libc });
    }
    if library.starts_with(b"MZ") {
        let header = u32_at(0x3c)? as usize;
        let is_shared = u32_at(header)? == u32::from_le_bytes(*b"PE\0\0") && u16_at(header + 22)? & SHARED_OF_PE != 0;
        return is_shared.then_some(Format::Pe { machine: u16_at(header + 4)? });
    }
    let is_shared = u32_at(0)? == 0xfeed_facf && u32_at(12)? == SHARED_OF_MACH_O;
    is_shared.then_some(Format::MachO { machine: u32_at(4)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTIONS: [&str; 2] = ["backrun_engine_new", "backrun_engine_free"];

    fn functions() -> Vec<String> {
        FUNCTIONS.map(str::to_owned).to_vec()
    }

    /// A file with these bytes at these places, and with the texts behind.
    fn file(pieces: &[(usize, &[u8])], texts: &str) -> Vec<u8> {
        let mut file = vec![0; 0x80];
        pieces.iter().for_each(|(at, bytes)| file[*at..at + bytes.len()].copy_from_slice(bytes));
        file.extend(texts.as_bytes());
        file
    }

    fn elf(kind: u8, machine: u16, libc: &str) -> Vec<u8> {
        let texts = format!("\0{libc}\0backrun_engine_new\0backrun_engine_free\0");
        file(&[(0, b"\x7fELF"), (16, &[kind, 0]), (18, &machine.to_le_bytes())], &texts)
    }

    fn pe(kind: u16) -> Vec<u8> {
        let pieces: &[(usize, &[u8])] =
            &[(0, b"MZ"), (0x3c, &[0x40]), (0x40, b"PE\0\0\x64\x86"), (0x40 + 22, &kind.to_le_bytes())];
        file(pieces, "\0backrun_engine_free\0backrun_engine_new\0")
    }

    fn mach_o(kind: u8) -> Vec<u8> {
        let pieces: &[(usize, &[u8])] = &[(0, b"\xcf\xfa\xed\xfe"), (4, &ARM64_OF_MACH_O.to_le_bytes()), (12, &[kind])];
        file(pieces, "\0_backrun_engine_free\0_backrun_engine_new\0")
    }

    #[test]
    fn each_system_takes_its_own_library_and_says_whose_another_one_is() {
        let files = [
            ("linux-x64", elf(3, X64_OF_ELF, "libc.so.6")),
            ("linux-arm64", elf(3, ARM64_OF_ELF, "libc.so.6")),
            ("linux-musl-x64", elf(3, X64_OF_ELF, "libc.musl-x86_64.so.1")),
            ("win-x64", pe(0x2022)),
            ("osx-arm64", mach_o(6)),
        ];
        for (rid, _) in &files {
            for (other, file) in &files {
                let checked = System::of(rid).unwrap().check(file, &functions());
                assert_eq!(checked.is_ok(), rid == other, "{rid} of {other}: {checked:?}");
                assert!(rid == other || checked.unwrap_err().contains(&format!("a library of {other},")), "{rid}");
            }
        }
    }

    #[test]
    fn what_is_no_shared_library_or_of_another_machine_or_cut_off_is_refused() {
        let (x64, arm) = (X64_OF_ELF, 40);
        let programs =
            [elf(2, x64, "libc.so.6"), elf(1, x64, "libc.so.6"), elf(3, arm, "libc.so.6"), pe(0x22), mach_o(2)];
        let mut files: Vec<&[u8]> = programs.iter().map(Vec::as_slice).collect();
        let whole = [elf(3, x64, "libc.so.6"), pe(0x2022), mach_o(6)];
        files.extend([&b""[..], b"MZ", b"#!/bin/sh", &whole[0][..17], &whole[1][..0x42], &whole[2][..13]]);
        for file in files {
            for system in SYSTEMS {
                let refused = system.check(file, &[]).unwrap_err();
                assert!(refused.contains("no shared library"), "{refused}");
            }
        }
    }

    #[test]
    fn a_library_that_lacks_a_function_was_built_from_other_sources() {
        let mut functions = functions();
        // It is there as a part of another name only.
        functions.push("backrun_engine".to_owned());
        let refused = System::of("win-x64").unwrap().check(&pe(0x2000), &functions).unwrap_err();
        assert!(refused.contains("backrun_engine:") && refused.contains("other sources"), "{refused}");
    }

    #[test]
    fn this_machine_is_one_of_them_and_another_name_is_refused_with_all_there_are() {
        let here = System::here().unwrap();
        assert!(here.is_here() && here.names == NAMES_HERE);
        let refused = System::of("win-x86").unwrap_err();
        assert!(refused.contains("win-x86") && refused.contains("linux-arm64"), "{refused}");
    }
}
