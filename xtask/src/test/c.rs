//! The C and C++ programs: built by CMake in several ways, run by ctest.

use super::counts;
use super::tally::Tally;
use crate::native;
use crate::process::{capture, exists, line, program, root, tee, within, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A way to build and run folders with a CMakeLists.txt of their own.
struct Way {
    name: &'static str,
    /// The folder of the build, in target.
    folder: &'static str,
    projects: &'static [&'static str],
    library: native::Profile,
    /// For C and for C++.
    compilers: (&'static str, &'static str),
    flags: &'static str,
    ctest: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const SANITIZERS: &str = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g";
const GCC: (&str, &str) = ("gcc", "g++");

const SANITIZED: &[Way] = &[
    Way {
        name: "gcc, sanitizers",
        folder: "cmake",
        projects: &["examples", "tests/c", "tests/cpp"],
        library: native::Profile::Release,
        compilers: GCC,
        flags: SANITIZERS,
        ctest: &[],
        environment: &[],
    },
    Way {
        name: "clang, sanitizers",
        folder: "cmake-clang",
        projects: &["tests/c", "tests/cpp"],
        library: native::Profile::Release,
        compilers: ("clang-14", "clang++-14"),
        flags: SANITIZERS,
        // The header's own compilations have been seen with every compiler above.
        ctest: &["--exclude-regex", "^the_header_compiles"],
        environment: &[],
    },
    // With overflow checks and debug assertions in Rust, and so slower.
    Way {
        name: "gcc, sanitizers, debug library",
        folder: "cmake-debug",
        projects: &["tests/c", "tests/cpp"],
        library: native::Profile::Debug,
        compilers: GCC,
        flags: SANITIZERS,
        ctest: &["--exclude-regex", "^the_header_compiles"],
        environment: &[("BACKRUN_STORM_TASKS", "50000"), ("BACKRUN_TEST_SECONDS", "25")],
    },
];

// valgrind and sanitizers exclude each other.
const IN_VALGRIND: Way = Way {
    name: "valgrind",
    folder: "cmake-valgrind",
    projects: &["examples", "tests/c"],
    library: native::Profile::Release,
    compilers: GCC,
    flags: "-g -O1",
    ctest: &["--tests-regex", "in_valgrind$"],
    environment: &[],
};

pub fn run(tally: &mut Tally) {
    for way in SANITIZED {
        run_by(tally, way);
    }
}

pub fn run_in_valgrind(tally: &mut Tally) {
    if exists("valgrind") {
        run_by(tally, &IN_VALGRIND);
    } else {
        tally.missing("C and C++ in valgrind", "valgrind is not installed");
    }
}

fn run_by(tally: &mut Tally, way: &Way) {
    for needed in ["cmake", "ctest", way.compilers.0, way.compilers.1] {
        if !exists(needed) {
            return tally.missing(way.name, &format!("{needed} is not installed"));
        }
    }
    let library = match way.library {
        native::Profile::Release => native::build(way.library, false),
        native::Profile::Debug => native::build_into("target/native-debug", way.library, false),
    };
    let library = match library {
        Ok(library) => library,
        Err(what) => return tally.fail(way.name, &format!("there is no native library: {what}")),
    };
    for project in way.projects {
        let name = format!("{project} ({})", way.name);
        println!("-- {name}");
        match build(way, project, &library) {
            Ok(folder) => {
                let mut ctest = program("ctest");
                ctest.arg("--test-dir").arg(folder).args(["--output-on-failure", "--no-tests=error"]);
                ctest.args(["--timeout", "300"]).args(way.ctest).envs(way.environment.iter().copied());
                let (output, ended) = tee(&mut within(Duration::from_secs(1800), ctest));
                let mut counts = counts::of_ctest(&output);
                for test in counts.failures.iter_mut().chain(&mut counts.skips) {
                    *test = format!("{name}: {test}");
                }
                tally.add(&name, counts, ended);
            }
            Err(what) => tally.fail(&name, &what),
        }
    }
}

fn build(way: &Way, project: &str, library: &Path) -> Result<PathBuf> {
    let folder = root().join("target").join(way.folder).join(project);
    let (c, cpp) = way.compilers;
    let mut configure = program("cmake");
    configure.arg("-S").arg(root().join(project)).arg("-B").arg(&folder).arg("-DCMAKE_BUILD_TYPE=Debug");
    configure.arg(format!("-DCMAKE_C_COMPILER={c}")).arg(format!("-DCMAKE_CXX_COMPILER={cpp}"));
    configure.arg(format!("-DCMAKE_C_FLAGS={}", way.flags)).arg(format!("-DCMAKE_CXX_FLAGS={}", way.flags));
    configure.arg(format!("-DBACKRUN_NATIVE_DIR={}", library.display()));
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
