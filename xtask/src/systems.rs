//! The systems that the native library can be built for, and what their libraries look like.

use crate::process::Result;

/// A system, as a package of NuGet tells them apart.
#[derive(Debug, PartialEq, Eq)]
pub struct System {
    /// As NuGet names it.
    pub rid: &'static str,
    /// As Rust names it, where it is built for from another one.
    pub target: &'static str,
    /// Its shared library, as .NET looks for it.
    pub library: &'static str,
    /// The same, as cargo leaves it.
    pub built: &'static str,
    /// Its static one, as the system's own cargo leaves it.
    pub archive: &'static str,
    machine: Machine,
    /// What the names of its GNU tools begin with elsewhere. None: it is built for on its own kind of machine only.
    tools: Option<&'static str>,
}

/// For what a library is, by its own first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Machine {
    Elf(u16),
    Pe(u16),
    MachO(u32),
}

const X64_OF_ELF: u16 = 62;
const ARM64_OF_ELF: u16 = 183;
const X64_OF_PE: u16 = 0x8664;
const X64_OF_MACH_O: u32 = 0x0100_0007;
const ARM64_OF_MACH_O: u32 = 0x0100_000c;

const fn linux(rid: &'static str, target: &'static str, machine: u16, tools: Option<&'static str>) -> System {
    let (library, machine) = ("libbackrun.so", Machine::Elf(machine));
    System { rid, target, library, built: library, archive: "libbackrun.a", machine, tools }
}

const fn mac(rid: &'static str, target: &'static str, machine: u32) -> System {
    let (library, machine) = ("libbackrun.dylib", Machine::MachO(machine));
    System { rid, target, library, built: library, archive: "libbackrun.a", machine, tools: None }
}

pub const SYSTEMS: &[System] = &[
    linux("linux-x64", "x86_64-unknown-linux-gnu", X64_OF_ELF, Some("x86_64-linux-gnu-")),
    linux("linux-arm64", "aarch64-unknown-linux-gnu", ARM64_OF_ELF, Some("aarch64-linux-gnu-")),
    linux("linux-musl-x64", "x86_64-unknown-linux-musl", X64_OF_ELF, None),
    System {
        rid: "win-x64",
        target: "x86_64-pc-windows-gnu",
        // Backrun.dll, which is the same name there, is the assembly.
        library: "libbackrun.dll",
        built: "backrun.dll",
        archive: if cfg!(target_env = "msvc") { "backrun.lib" } else { "libbackrun.a" },
        machine: Machine::Pe(X64_OF_PE),
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
        found.ok_or_else(|| {
            let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
            format!("Backrun is not built for {os} on {arch} so far; it is for: {}", names())
        })
    }

    pub fn is_here(&self) -> bool {
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
        self.rid == format!("{os}-{musl}{arch}")
    }

    /// The GNU tool of this name that makes files of this system: its own one there, and a cross tool elsewhere.
    pub fn tool(&self, name: &str) -> Option<String> {
        if self.is_here() {
            return Some(name.to_owned());
        }
        self.tools.map(|prefix| format!("{prefix}{name}"))
    }

    /// Refuses what is no shared library of this system, or not of these sources: it has to export every function.
    pub fn check(&self, library: &[u8], functions: &[String]) -> Result<()> {
        match machine_of(library) {
            Some(machine) if machine == self.machine => {}
            Some(_) => {
                let other = SYSTEMS.iter().find(|other| machine_of(library) == Some(other.machine));
                let what = other.map_or("another machine", |other| other.rid);
                return Err(format!("it is a library of {what}, and stands where that of {} belongs", self.rid));
            }
            None => return Err("it is no shared library of any system that Backrun is built for".to_owned()),
        }
        let missing = functions.iter().find(|function| !has(library, function.as_bytes()));
        missing
            .map_or(Ok(()), |function| Err(format!("it does not export {function}: it was built from other sources")))
    }
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

fn machine_of(library: &[u8]) -> Option<Machine> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(library.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(library.get(at..at + 4)?.try_into().ok()?));
    if library.starts_with(b"\x7fELF") {
        return u16_at(18).map(Machine::Elf);
    }
    if library.starts_with(b"MZ") {
        let header = u32_at(0x3c)? as usize;
        return library[header.min(library.len())..]
            .starts_with(b"PE\0\0")
            .then(|| u16_at(header + 4).map(Machine::Pe))?;
    }
    if u32_at(0) == Some(0xfeed_facf) {
        return u32_at(4).map(Machine::MachO);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTIONS: [&str; 2] = ["backrun_engine_new", "backrun_engine_free"];

    fn functions() -> Vec<String> {
        FUNCTIONS.map(str::to_owned).to_vec()
    }

    fn elf(machine: u16) -> Vec<u8> {
        let mut file = b"\x7fELF".to_vec();
        file.resize(18, 0);
        file.extend(machine.to_le_bytes());
        file.extend(b"\0backrun_engine_new\0backrun_engine_free\0");
        file
    }

    fn pe() -> Vec<u8> {
        let mut file = b"MZ".to_vec();
        file.resize(0x3c, 0);
        file.extend(0x40_u32.to_le_bytes());
        file.extend(b"PE\0\0");
        file.extend(X64_OF_PE.to_le_bytes());
        file.extend(b"\0backrun_engine_free\0backrun_engine_new\0");
        file
    }

    fn mach_o() -> Vec<u8> {
        let mut file = 0xfeed_facf_u32.to_le_bytes().to_vec();
        file.extend(ARM64_OF_MACH_O.to_le_bytes());
        file.extend(b"\0_backrun_engine_free\0_backrun_engine_new\0");
        file
    }

    #[test]
    fn each_system_takes_its_own_library_and_says_whose_another_one_is() {
        let files = [
            ("linux-x64", elf(X64_OF_ELF)),
            ("linux-arm64", elf(ARM64_OF_ELF)),
            ("win-x64", pe()),
            ("osx-arm64", mach_o()),
        ];
        for (rid, _) in &files {
            for (other, file) in &files {
                let checked = System::of(rid).unwrap().check(file, &functions());
                assert_eq!(checked.is_ok(), rid == other, "{rid} of {other}: {checked:?}");
                assert!(rid == other || checked.unwrap_err().contains(other), "{rid} of {other}");
            }
        }
    }

    #[test]
    fn what_is_no_library_and_what_is_cut_off_is_refused() {
        for file in [&b""[..], b"MZ", b"#!/bin/sh", &pe()[..0x42], &elf(X64_OF_ELF)[..10], &mach_o()[..4]] {
            let refused = System::of("win-x64").unwrap().check(file, &[]).unwrap_err();
            assert!(refused.contains("no shared library"), "{refused}");
        }
    }

    #[test]
    fn a_library_that_lacks_a_function_was_built_from_other_sources() {
        let mut functions = functions();
        // It is there as a part of another name only.
        functions.push("backrun_engine".to_owned());
        let refused = System::of("win-x64").unwrap().check(&pe(), &functions).unwrap_err();
        assert!(refused.contains("backrun_engine:") && refused.contains("other sources"), "{refused}");
    }

    #[test]
    fn this_machine_is_one_of_them_and_another_name_is_refused_with_all_there_are() {
        assert!(System::here().unwrap().is_here());
        let refused = System::of("win-x86").unwrap_err();
        assert!(refused.contains("win-x86") && refused.contains("linux-arm64"), "{refused}");
    }
}
