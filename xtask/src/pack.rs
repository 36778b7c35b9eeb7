//! The NuGet packages: `cargo xtask pack`.

use crate::folders;
use crate::native::{self, Profile};
use crate::process::{exists, program, root, run, Result};
use crate::tools::dotnet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where they lie then.
const PACKAGES: &str = "artifacts/packages";
/// What is of one system, as the package has it: `RID/native/file`.
const NATIVE: &str = "artifacts/package-native";
/// The one system that is built for so far.
const RID: &str = "linux-x64";

pub fn command(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        return Err("pack takes no arguments".to_owned());
    }
    println!("{}", pack()?.display());
    Ok(())
}

/// Makes the packages anew, and returns their folder.
pub fn pack() -> Result<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("packages are made on Linux x64 only, so far: theirs is the only native library".to_owned());
    }
    let library = native::build(Profile::Release, false)?.join("libbackrun.so");
    let folder = folders::empty(root().join(PACKAGES))?;
    let natives = folders::empty(root().join(NATIVE))?;
    let place = natives.join(RID).join("native");
    fs::create_dir_all(&place).map_err(|e| format!("cannot make {}: {e}", place.display()))?;
    without_debug_information(&library, &place.join("libbackrun.so"))?;
    let mut pack = dotnet();
    pack.args(["pack", "Backrun.slnx", "-c", "Release", "--verbosity", "minimal", "--output"]).arg(&folder);
    // The library is there already, and is not to be built by each framework.
    pack.arg(format!("-p:NativePackageFolder={}", natives.display())).arg("-p:BuildNativeLibrary=false");
    run(&mut pack)?;
    Ok(folder)
}

/// It is twice the rest of the file, and of use to those only who have the sources.
fn without_debug_information(from: &Path, to: &Path) -> Result<()> {
    if !exists("strip") {
        return Err("there is no strip, which takes debug information out of the library: install binutils".to_owned());
    }
    run(program("strip").arg("--strip-debug").arg("-o").arg(to).arg(from))
}
