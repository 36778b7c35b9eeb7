//! The native library, where every other language's build looks for it: artifacts/native.

use crate::crates;
use crate::process::{root, run, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// As build.rs names it to the linker.
const SONAME: &str = "libbackrun.so.1";

pub fn command(arguments: &[String]) -> Result<()> {
    let mut profile = Profile::Release;
    let mut for_msbuild = false;
    for argument in arguments {
        match argument.as_str() {
            "--release" => profile = Profile::Release,
            "--debug" => profile = Profile::Debug,
            "--for-msbuild" => for_msbuild = true,
            other => return Err(format!("native does not know {other}: it takes --release, --debug, --for-msbuild")),
        }
    }
    build(profile, for_msbuild).map(|_| ())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Release,
    Debug,
}

/// Builds the library where every other language looks for it, and returns the folder that holds `libbackrun.so`, `libbackrun.so.1` and
/// `libbackrun.a`.
pub fn build(profile: Profile, for_msbuild: bool) -> Result<PathBuf> {
    build_into("artifacts/native", profile, for_msbuild)
}

/// [`build`] into another folder.
pub fn build_into(folder: &str, profile: Profile, for_msbuild: bool) -> Result<PathBuf> {
    if !cfg!(target_os = "linux") {
        return Err("the native library is built on Linux only, so far".to_owned());
    }
    let mut cargo = crates::cargo()?;
    // The target folder is named, so that a setting of the user's does not move the outputs away.
    cargo.args(["build", "--package", "backrun", "--lib", "--target-dir", "target"]).env_remove("CARGO_BUILD_TARGET");
    let outputs = match profile {
        Profile::Release => {
            cargo.arg("--release");
            root().join("target/release")
        }
        Profile::Debug => root().join("target/debug"),
    };
    if for_msbuild {
        // One line an error, as MSBuild can read it.
        cargo.args(["--quiet", "--message-format", "short", "--color", "never"]);
    }
    run(&mut cargo)?;

    let folder = root().join(folder);
    fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    for file in ["libbackrun.so", "libbackrun.a"] {
        put(&outputs.join(file), &folder.join(file))?;
    }
    link_soname(&folder)?;
    Ok(folder)
}

/// Copies where the content differs, so that builds which look at times do nothing when nothing changed; by a rename, so that a process which
/// has the old file loaded keeps it.
fn put(from: &Path, to: &Path) -> Result<()> {
    let new = fs::read(from).map_err(|e| format!("cannot read {}: {e}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    let unfinished = to.with_extension(format!("unfinished-{}", std::process::id()));
    fs::write(&unfinished, new)
        .and_then(|()| fs::rename(&unfinished, to))
        .map_err(|e| format!("cannot write {}: {e}", to.display()))
}

/// A C program linked with the library asks for it by its SONAME.
#[cfg(unix)]
fn link_soname(folder: &Path) -> Result<()> {
    let link = folder.join(SONAME);
    if fs::read_link(&link).is_ok_and(|target| target == Path::new("libbackrun.so")) {
        return Ok(());
    }
    match std::os::unix::fs::symlink("libbackrun.so", &link) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(format!("cannot make {}: {e}", link.display())),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn link_soname(_: &Path) -> Result<()> {
    Ok(())
}
