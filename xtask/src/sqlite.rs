//! Where SQLite's static library is, which the durable store links: on the machine, or else in Debian's package of it, unpacked.

use crate::debian;
use crate::process::{capture, exists, program, Result};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

const LIBRARY: &str = if cfg!(target_env = "msvc") { "sqlite3.lib" } else { "libsqlite3.a" };

/// What cargo's build script of SQLite reads. All three: without the second it silently links the shared library.
pub type Variables = [(&'static str, PathBuf); 3];

pub fn variables() -> Result<Variables> {
    folder().map(variables_with)
}

/// The same, to build for the system that this C compiler is of. What the environment names comes second: it may be that of this machine.
pub fn variables_of(compiler: &str) -> Result<Variables> {
    of_compiler(compiler).or_else(named).map(variables_with).ok_or_else(|| {
        format!("{compiler} does not find {LIBRARY} of its system: let SQLITE3_LIB_DIR name the folder that has it")
    })
}

fn variables_with(folder: PathBuf) -> Variables {
    [("SQLITE3_STATIC", PathBuf::from("1")), ("SQLITE3_NO_PKG_CONFIG", PathBuf::from("1")), ("SQLITE3_LIB_DIR", folder)]
}

fn named() -> Option<PathBuf> {
    env::var_os("SQLITE3_LIB_DIR").map(PathBuf::from).filter(|folder| folder.join(LIBRARY).is_file())
}

/// The folder that has the library.
fn folder() -> Result<PathBuf> {
    if let Some(folder) = named().or_else(of_machine) {
        return Ok(folder);
    }
    debian::sqlite().and_then(|unpacked| find(&unpacked)).map_err(|why| {
        format!(
            "{LIBRARY} cannot be had: the C compiler does not find it, and of Debian's package: {why}\n\
             Install it (Debian, Ubuntu: libsqlite3-dev; macOS: brew install sqlite; Windows: vcpkg install sqlite3:x64-windows-static-md; \
             Fedora: sqlite-devel has none, build SQLite with --enable-static), and where the compiler does not find it either, let \
             SQLITE3_LIB_DIR name the folder that has it."
        )
    })
}

/// Where the C compiler, which links, finds it.
fn of_machine() -> Option<PathBuf> {
    of_compiler(["cc", "gcc", "clang"].into_iter().find(|name| exists(name))?)
}

fn of_compiler(compiler: &str) -> Option<PathBuf> {
    let output = capture(program(compiler).arg(format!("-print-file-name={LIBRARY}"))).ok()?;
    // What it does not find it prints as it was asked.
    let path = PathBuf::from(output.stdout.trim());
    let path = fs::canonicalize(path).ok().filter(|path| path.is_absolute() && path.is_file())?;
    path.parent().map(Path::to_path_buf)
}

/// The folder below this one that has the library: its name tells the architecture.
fn find(unpacked: &Path) -> Result<PathBuf> {
    let libraries = unpacked.join("usr/lib");
    let folders = fs::read_dir(&libraries).map_err(|e| format!("cannot read {}: {e}", libraries.display()))?;
    let mut folders = folders.flatten().map(|entry| entry.path());
    folders.find(|folder| folder.join(LIBRARY).is_file()).ok_or_else(|| format!("it has no {LIBRARY}"))
}

/// The same, for a shell to `eval`.
pub fn exports() -> Result<String> {
    let quoted = |value: &Path| value.display().to_string().replace('\'', r"'\''");
    Ok(variables()?.iter().map(|(name, value)| format!("export {name}='{}'\n", quoted(value))).collect())
}
