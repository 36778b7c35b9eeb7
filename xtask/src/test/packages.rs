//! What users install, installed and used: the tree of `cmake --install`, and the NuGet packages.

use super::tally::Tally;
use crate::files;
use crate::folders;
use crate::native::{self, Profile};
use crate::pack;
use crate::process::{exists, program, root, stdout, within, Result};
use crate::tools::{dotnet, Verdict};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What the analyzers and the generator of the package are to warn of.
const WRONG: &str = "
using Backrun;

[BackgroundTask(\"wrong\")]
public abstract class Wrong : IBackgroundTask<System.Action>
{
    public void Run(System.Action parameters)
    {
        while (true)
        {
        }
    }
}
";

pub fn run(tally: &mut Tally) {
    for needed in ["cmake", "ctest", "gcc", "g++", "pkg-config"] {
        if !exists(needed) {
            return tally.missing("the installed tree", &format!("{needed} is not installed"));
        }
    }
    let mut prefix = PathBuf::new();
    tally.check("`cmake --install` leaves headers, libraries, a CMake package and a pkg-config file", || {
        prefix = install()?;
        Ok(Verdict::Fine)
    });
    if prefix.as_os_str().is_empty() {
        return;
    }
    tally.check("the examples are built and run on the installed tree, by find_package", || by_cmake(&prefix));
    tally.check("a program is built and runs on the installed tree, by pkg-config", || by_pkg_config(&prefix));
    if !exists("dotnet") {
        return tally.missing("the NuGet packages", "the .NET SDK is not installed");
    }
    tally.check("the NuGet packages are made, restored into a new project, and run there", packages);
    tally.check(
        "a package has the libraries of other systems where NuGet looks for them, and none that is another's",
        systems,
    );
}

fn folder(name: &str) -> Result<PathBuf> {
    folders::empty(root().join("target/packages").join(name))
}

/// Says what it said only where it failed.
fn quietly(command: Command) -> Result<String> {
    stdout(&mut within(Duration::from_secs(300), command))
}

fn install() -> Result<PathBuf> {
    let native = native::build(Profile::Release, false)?;
    let build = folder("build")?;
    let prefix = folder("prefix")?;
    let mut configure = program("cmake");
    configure.arg("-S").arg(root()).arg("-B").arg(&build).arg(format!("-DBACKRUN_NATIVE_DIR={}", native.display()));
    quietly(configure)?;
    let mut install = program("cmake");
    install.arg("--install").arg(&build).arg("--prefix").arg(&prefix);
    quietly(install)?;
    Ok(prefix)
}

fn by_cmake(prefix: &Path) -> Result<Verdict> {
    let build = folder("examples")?;
    let mut configure = program("cmake");
    configure.arg("-S").arg(root().join("examples")).arg("-B").arg(&build);
    // The module of the examples is for the sources; a user has the package only.
    configure.args(["-DCMAKE_FIND_PACKAGE_PREFER_CONFIG=ON", "-DVALGRIND=VALGRIND-NOTFOUND"]);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    quietly(configure)?;
    let cache = fs::read_to_string(build.join("CMakeCache.txt")).map_err(|e| format!("cannot read its cache: {e}"))?;
    if !cache.contains(&format!("Backrun_DIR:PATH={}", prefix.display())) {
        return Err("find_package has not found the installed package".to_owned());
    }
    let mut compile = program("cmake");
    compile.arg("--build").arg(&build).args(["--parallel", "2"]);
    quietly(compile)?;
    let mut test = program("ctest");
    test.arg("--test-dir").arg(&build).args(["--output-on-failure", "--no-tests=error"]);
    let said = quietly(test)?;
    if said.contains("background_tasks_c_static") {
        return Ok(Verdict::Fine);
    }
    Err(format!("the static library was not linked:\n{said}"))
}

fn by_pkg_config(prefix: &Path) -> Result<Verdict> {
    let path = stdout(program("find").arg(prefix).args(["-name", "pkgconfig"]))?;
    let mut ask = program("pkg-config");
    ask.args(["--cflags", "--libs", "backrun"]).env("PKG_CONFIG_PATH", path.trim());
    let flags = quietly(ask)?;
    let built = folder("pkg-config")?.join("readme");
    let mut compile = program("gcc");
    compile.arg("-o").arg(&built).arg(root().join("examples/c/readme.c")).args(flags.split_whitespace());
    let library = path.trim().trim_end_matches("/pkgconfig");
    compile.arg(format!("-Wl,-rpath,{library}"));
    quietly(compile)?;
    let said = quietly(program(&built))?;
    let expected = fs::read_to_string(root().join("examples/c/readme.expected"));
    if expected.is_ok_and(|expected| said == expected) {
        return Ok(Verdict::Fine);
    }
    Err(format!("it printed:\n{said}"))
}

fn packages() -> Result<Verdict> {
    let made = pack::pack(None)?;
    let (version, names) = package_names(&made)?;
    let project = folder("consumer")?;
    let references: String = names
        .iter()
        .map(|name| format!("    <PackageReference Include=\"{name}\" Version=\"{version}\" />\n"))
        .collect();
    let write = |name: &str, text: String| files::write(&project.join(name), text);
    // Nothing of the repository's: what a user types.
    for file in ["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"] {
        write(file, "<Project />\n".to_owned())?;
    }
    write(
        "nuget.config",
        format!(
            "<configuration>\n  <packageSources>\n    <add key=\"made\" value=\"{}\" />\n  </packageSources>\n</configuration>\n",
            made.display()
        ),
    )?;
    write(
        "consumer.csproj",
        format!(
            "<Project Sdk=\"Microsoft.NET.Sdk\">\n  <PropertyGroup>\n    <OutputType>Exe</OutputType>\n    \
             <TargetFramework>net10.0</TargetFramework>\n    <Nullable>enable</Nullable>\n    \
             <RestorePackagesPath>{}</RestorePackagesPath>\n  </PropertyGroup>\n  <ItemGroup>\n{references}  </ItemGroup>\n</Project>\n",
            project.join("restored").display()
        ),
    )?;
    let example = root().join("examples/csharp/Durable");
    let program =
        fs::read_to_string(example.join("Program.cs")).map_err(|e| format!("cannot read the example: {e}"))?;
    write("Program.cs", program)?;
    let mut run = dotnet();
    run.args(["run", "--project"]).arg(project.join("consumer.csproj")).current_dir(&project);
    let said = quietly(run)?;
    let expected = fs::read_to_string(example.join("durable.expected")).map_err(|e| format!("cannot read it: {e}"))?;
    let restored = project.join("restored/backrun").join(&version);
    let native = restored.join("runtimes/linux-x64/native/libbackrun.so");
    if said != expected || !native.exists() {
        return Err(format!("with {} there: {}, it printed:\n{said}", native.display(), native.exists()));
    }
    // Editors load this one, and no compiler.
    let fixes = restored.join("analyzers/dotnet/cs/Backrun.CodeFixes.dll");
    if !fixes.exists() {
        return Err(format!("{} is missing", fixes.display()));
    }
    write("Wrong.cs", WRONG.to_owned())?;
    let mut build = dotnet();
    build.args(["build"]).arg(project.join("consumer.csproj")).current_dir(&project);
    let said = quietly(build)?;
    match ["BACKRUN101", "BACKRUN102", "BACKRUN106"].iter().find(|rule| !said.contains(*rule)) {
        None => Ok(Verdict::Fine),
        Some(rule) => Err(format!("the compiler says nothing of {rule}:\n{said}")),
    }
}

/// What looks like a library of another system is this one's with another machine in its header: only how it is packed is tried.
fn systems() -> Result<Verdict> {
    const ARM64: [u8; 2] = [183, 0];
    let natives = folder("natives")?;
    pack::gather(&natives, None)?;
    let library = files::read_bytes(&natives.join("linux-x64/native/libbackrun.so"))?;
    let others = folder("others")?;
    let place = |rid: &str, file: &str, library: &[u8]| {
        let place = others.join(rid).join("native");
        folders::make(&place)?;
        files::write(&place.join(file), library)
    };
    let mut of_arm64 = library.clone();
    of_arm64[18..20].copy_from_slice(&ARM64);
    place("linux-arm64", "libbackrun.so", &of_arm64)?;
    place("win-x64", "libbackrun.dll", &library)?;
    match pack::gather(&folder("natives")?, Some(&others)) {
        Err(why) if why.contains("a library of linux-x64") && why.contains("that of win-x64") => {}
        other => return Err(format!("a library in the place of another system's is {other:?}")),
    }
    fs::remove_dir_all(others.join("win-x64")).map_err(|e| format!("cannot remove it: {e}"))?;
    let natives = folder("natives")?;
    pack::gather(&natives, Some(&others))?;
    let made = folder("systems")?;
    let mut packing = pack::packing("bindings/csharp/Backrun/Backrun.csproj", &natives, &made);
    packing.arg("--no-build");
    quietly(packing)?;
    let (version, _) = package_names(&made)?;
    let package = files::read_bytes(&made.join(format!("Backrun.{version}.nupkg")))?;
    // A zip has its names as they are.
    for name in ["runtimes/linux-x64/native/libbackrun.so", "runtimes/linux-arm64/native/libbackrun.so"] {
        if !package.windows(name.len()).any(|window| window == name.as_bytes()) {
            return Err(format!("the package has no {name}"));
        }
    }
    Ok(Verdict::Fine)
}

/// The version of all packages in a folder, and their names.
fn package_names(folder: &Path) -> Result<(String, Vec<String>)> {
    let files = files::entries(folder)?;
    let names = files.iter().map(|file| files::name(file));
    let names: Vec<_> = names.filter_map(|file| file.strip_suffix(".nupkg").map(str::to_owned)).collect();
    let of_backrun = names
        .iter()
        .find_map(|name| name.strip_prefix("Backrun.").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())));
    let Some(version) = of_backrun.map(str::to_owned) else {
        return Err(format!("{} has no package Backrun: {names:?}", folder.display()));
    };
    let ending = format!(".{version}");
    let names = names.iter().filter_map(|name| name.strip_suffix(&ending).map(str::to_owned)).collect();
    Ok((version, names))
}
