//! The native library: where every other language's build looks for it (artifacts/native), and as a package has that of one system.

use crate::crates;
use crate::files::{read_bytes, write};
use crate::folders;
use crate::header;
use crate::process::{exists, program, root, run, Result};
use crate::systems::{Names, System, NAMES_HERE};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As build.rs names it to the linker.
const SONAME: &str = "libbackrun.so.1";
/// Libraries of systems, as a package has them: `RID/native/FILE`.
const NATIVES: &str = "artifacts/natives";

pub fn command(arguments: &[String]) -> Result<()> {
    let mut profile = Profile::Release;
    let mut for_msbuild = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--release" => profile = Profile::Release,
            "--debug" => profile = Profile::Debug,
            "--for-msbuild" => for_msbuild = true,
            "--for" => {
                let rid = rest.next().ok_or("--for is followed by the name of a system: linux-arm64, say")?;
                if arguments.len() > 2 {
                    return Err("--for stands alone: what a package has is a release build".to_owned());
                }
                let folder = root().join(NATIVES);
                println!("{}", build_for(System::of(rid)?, &folder)?.display());
                return Ok(());
            }
            other => return Err(format!("native does not know {other}: it takes --release, --debug, --for RID")),
        }
    }
    build(profile, for_msbuild).map(|_| ())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Release,
    Debug,
}

/// Builds the library where every other language looks for it, and returns the folder that holds the shared and the static one; on Linux
/// also `libbackrun.so.1`.
pub fn build(profile: Profile, for_msbuild: bool) -> Result<PathBuf> {
    build_into("artifacts/native", profile, for_msbuild)
}

/// [`build`] into another folder.
pub fn build_into(folder: &str, profile: Profile, for_msbuild: bool) -> Result<PathBuf> {
    // The target folder is named, so that a setting of the user's does not move the outputs away.
    let mut cargo = library_of(crates::cargo()?, "target");
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
    folders::make(&folder)?;
    let Names { library, built, archive } = NAMES_HERE;
    put(&outputs.join(built), &folder.join(library))?;
    put(&outputs.join(archive), &folder.join(archive))?;
    link_soname(&folder)?;
    Ok(folder)
}

/// Builds the shared library of a system, in release and without debug information, as `RID/native/FILE` below the folder. Returns the file.
pub fn build_for(system: &System, folder: &Path) -> Result<PathBuf> {
    let built = match system.is_here() {
        true => build(Profile::Release, false)?.join(system.names.library),
        false => cross_build(system)?.join(system.names.built),
    };
    let to = system.place(folder);
    folders::make_for(&to)?;
    without_debug_information(system, &built, &to)?;
    system
        .check(&read_bytes(&to)?, &header::declared_functions()?)
        .map_err(|why| format!("{} is not what it should be: {why}", to.display()))?;
    Ok(to)
}

/// Builds for another system, where this machine has rustc's library and GNU's tools for it. Returns the folder of the library.
fn cross_build(system: &System) -> Result<PathBuf> {
    let own = || format!("build it there: `cargo xtask native --for {}`", system.rid);
    let compiler =
        system.tool("gcc").ok_or_else(|| format!("{} is not built on another system; {}", system.rid, own()))?;
    if !exists(&compiler) {
        return Err(format!("there is no {compiler}, which links for {}. Install it, or {}", system.rid, own()));
    }
    let target = system.target;
    let mut cargo = library_of(crates::cargo_for(&compiler)?, "target/systems");
    cargo.args(["--release", "--target", target]);
    let linker = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    if std::env::var_os(&linker).is_none() {
        cargo.env(linker, compiler);
    }
    // winapi brings import libraries along, which Debian's package of it lacks. The cross tools have their own.
    cargo.env("WINAPI_NO_BUNDLED_LIBRARIES", "1");
    run(&mut cargo).map_err(|why| {
        format!("{why}\nIf rustc has no library for {target}: `rustup target add {target}`. Or {}", own())
    })?;
    Ok(root().join("target/systems").join(target).join("release"))
}

fn library_of(mut cargo: Command, target_folder: &str) -> Command {
    cargo
        .args(["build", "--package", "backrun", "--lib", "--target-dir", target_folder])
        .env_remove("CARGO_BUILD_TARGET");
    cargo
}

/// It is twice the rest of the file, and of use to those only who have the sources.
fn without_debug_information(system: &System, from: &Path, to: &Path) -> Result<()> {
    if cfg!(target_env = "msvc") {
        // It is in a file beside it.
        return write(to, read_bytes(from)?);
    }
    let strip = system.tool("strip").filter(|strip| exists(strip));
    let strip = strip.ok_or("there is no strip, which takes debug information out of the library: install binutils")?;
    run(program(strip).arg("-S").arg("-o").arg(to).arg(from))
}

/// Copies where the content differs, so that builds which look at times do nothing when nothing changed; by a rename, so that a process which
/// has the old file loaded keeps it.
fn put(from: &Path, to: &Path) -> Result<()> {
    let new = read_bytes(from)?;
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    let unfinished = to.with_extension(format!("unfinished-{}", std::process::id()));
    fs::write(&unfinished, new)
        .and_then(|()| fs::rename(&unfinished, to))
        .map_err(|e| format!("cannot write {}: {e}", to.display()))
}

/// A C program linked with the library asks for it by its SONAME.
#[cfg(target_os = "linux")]
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

#[cfg(not(target_os = "linux"))]
fn link_soname(_: &Path) -> Result<()> {
    Ok(())
}
