//! The NuGet packages: `cargo xtask pack`.

use crate::files::{entries, name, read_bytes, write};
use crate::folders;
use crate::header;
use crate::native;
use crate::process::{root, run, Result};
use crate::systems::System;
use crate::tools::dotnet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where they lie then.
const PACKAGES: &str = "artifacts/packages";
/// What is of one system, as the package has it: `RID/native/file`.
const NATIVE: &str = "artifacts/package-native";
/// The system that packages are made on.
const HERE: &str = "linux-x64";

pub fn command(arguments: &[String]) -> Result<()> {
    let others = match arguments {
        [] => None,
        [with, folder] if with == "--with" => Some(Path::new(folder)),
        _ => {
            return Err("pack takes nothing, or --with FOLDER: libraries of other systems, as FOLDER/RID/native/FILE"
                .to_owned())
        }
    };
    println!("{}", pack(others)?.display());
    Ok(())
}

/// Makes the packages anew, and returns their folder. The libraries of other systems lie in `others` as they will in the package.
pub fn pack(others: Option<&Path>) -> Result<PathBuf> {
    let natives = folders::empty(root().join(NATIVE))?;
    gather(&natives, others)?;
    let folder = folders::empty(root().join(PACKAGES))?;
    run(&mut packing("Backrun.slnx", &natives, &folder))?;
    Ok(folder)
}

/// Makes what is of one system, in a folder that is empty.
pub fn gather(natives: &Path, others: Option<&Path>) -> Result<()> {
    let here = System::here()?.rid;
    if here != HERE {
        return Err(format!(
            "packages are made on {HERE}, and this is {here}: `cargo xtask native --for {here}` builds what they have for it"
        ));
    }
    // One that was built elsewhere may be for an older glibc.
    if others.is_none_or(|others| !others.join(HERE).exists()) {
        native::build_for(System::of(HERE)?, natives)?;
    }
    others.map_or(Ok(()), |others| take(others, natives))
}

/// Makes the packages of a project or solution. The library is there already, and is not to be built by each framework.
pub fn packing(what: &str, natives: &Path, folder: &Path) -> Command {
    let mut pack = dotnet();
    pack.args(["pack", what, "-c", "Release", "--verbosity", "minimal", "--output"]).arg(folder);
    pack.arg(format!("-p:NativePackageFolder={}", natives.display())).arg("-p:BuildNativeLibrary=false");
    pack
}

/// Copies libraries that were built before, each of which has to be one of its system and of these sources.
fn take(others: &Path, natives: &Path) -> Result<()> {
    let functions = header::declared_functions()?;
    for folder in entries(others)? {
        let system = System::of(&name(&folder)).map_err(|why| format!("{}: {why}", folder.display()))?;
        let (from, to) = (system.place(others), system.place(natives));
        let library = read_bytes(&from)?;
        system.check(&library, &functions).map_err(|why| format!("{}: {why}", from.display()))?;
        folders::make_for(&to)?;
        write(&to, library)?;
    }
    Ok(())
}
