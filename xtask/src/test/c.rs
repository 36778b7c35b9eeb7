//! The C and C++ programs: built by CMake with gcc's address and undefined-behaviour sanitizers, run by ctest.

use super::counts;
use super::tally::Tally;
use crate::native;
use crate::process::{capture, exists, line, program, root, tee, within, Result};
use std::path::PathBuf;
use std::time::Duration;

/// Folders with a CMakeLists.txt of their own.
const PROJECTS: &[&str] = &["examples", "tests/c", "tests/cpp"];

pub fn run(tally: &mut Tally) {
    let (there, not_yet): (Vec<_>, Vec<_>) =
        PROJECTS.iter().partition(|project| root().join(project).join("CMakeLists.txt").is_file());
    for project in not_yet {
        tally.skip(project, "it has no CMakeLists.txt yet");
    }
    if there.is_empty() {
        return;
    }
    for needed in ["cmake", "ctest", "gcc", "g++"] {
        if !exists(needed) {
            return tally.missing("C and C++", &format!("{needed} is not installed"));
        }
    }
    if let Err(what) = native::build(native::Profile::Release, false) {
        return tally.fail("the native library for C and C++", &what);
    }
    for project in there {
        println!("-- {project}");
        match build(project) {
            Ok(folder) => {
                let mut ctest = program("ctest");
                ctest.arg("--test-dir").arg(folder).args([
                    "--output-on-failure",
                    "--no-tests=error",
                    "--timeout",
                    "300",
                ]);
                let (output, ended) = tee(&mut within(Duration::from_secs(1800), ctest));
                tally.add(project, counts::of_ctest(&output), ended);
            }
            Err(what) => tally.fail(project, &what),
        }
    }
}

fn build(project: &str) -> Result<PathBuf> {
    let folder = root().join("target/cmake").join(project);
    let sanitizers = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g";
    let mut configure = program("cmake");
    configure.arg("-S").arg(root().join(project)).arg("-B").arg(&folder);
    configure.args(["-DCMAKE_C_COMPILER=gcc", "-DCMAKE_CXX_COMPILER=g++", "-DCMAKE_BUILD_TYPE=Debug"]);
    configure.arg(format!("-DCMAKE_C_FLAGS={sanitizers}")).arg(format!("-DCMAKE_CXX_FLAGS={sanitizers}"));
    let mut compile = program("cmake");
    compile.arg("--build").arg(&folder).args(["--parallel", "2"]);
    // Both say much when all is well, and only then it is of no interest.
    for command in [&mut configure, &mut compile] {
        let output = capture(command)?;
        if !output.success {
            return Err(format!("`{}` failed:\n{}{}", line(command), output.stdout, output.stderr));
        }
    }
    Ok(folder)
}
