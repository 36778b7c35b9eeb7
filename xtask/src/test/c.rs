//! The C and C++ programs: built by CMake in several ways, run by ctest.

use super::counts::{self, Counts};
use super::effort::Effort;
use super::tally::Tally;
use crate::native;
use crate::process::{exists, program, root, stdout, tee, within, Result};
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
    tests: &'static [Tests],
    /// The same in the long form.
    long: &'static [Tests],
    environment: &'static [(&'static str, &'static str)],
}

/// A selection of tests, as ctest's arguments say it, and what it is run with.
struct Tests {
    ctest: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const fn tests(ctest: &'static [&'static str]) -> Tests {
    Tests { ctest, environment: &[] }
}

/// The header's own compilations are seen with every compiler by the first way.
const BUT_THE_HEADER: &[Tests] = &[tests(&["--exclude-regex", "^the_header_compiles"])];

/// The storms with a million tasks, and the others again and again, to see what happens seldom.
const STORMS_AND_REPETITIONS: &[Tests] = &[
    Tests {
        ctest: &["--tests-regex", r"test_(storm|stress|backlog)\."],
        environment: &[("BACKRUN_STORM_TASKS", "1000000"), ("BACKRUN_TEST_SECONDS", "600")],
    },
    tests(&["--exclude-regex", r"(test_(storm|stress|backlog)|leak)\.|compile", "--repeat", "until-fail:20"]),
];

const SANITIZERS: &str = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g";
const GCC: (&str, &str) = ("gcc", "g++");

const SANITIZED: &[Way] = &[
    Way {
        name: "gcc, sanitizers",
        folder: "cmake",
        projects: &["examples", "tests/c", "tests/cpp", "tests/fuzz/guided"],
        library: native::Profile::Release,
        compilers: GCC,
        flags: SANITIZERS,
        tests: &[tests(&[])],
        long: STORMS_AND_REPETITIONS,
        environment: &[],
    },
    Way {
        name: "clang, sanitizers",
        folder: "cmake-clang",
        projects: &["tests/c", "tests/cpp"],
        library: native::Profile::Release,
        compilers: ("clang-14", "clang++-14"),
        flags: SANITIZERS,
        tests: BUT_THE_HEADER,
        long: STORMS_AND_REPETITIONS,
        environment: &[],
    },
    // With overflow checks and debug assertions in Rust, and so slower.
    Way {
        name: "gcc, sanitizers, debug library",
        folder: "cmake-debug",
        projects: &["tests/c", "tests/cpp", "tests/fuzz/guided"],
        library: native::Profile::Debug,
        compilers: GCC,
        flags: SANITIZERS,
        tests: BUT_THE_HEADER,
        long: STORMS_AND_REPETITIONS,
        environment: &[("BACKRUN_STORM_TASKS", "50000")],
    },
];

// valgrind and sanitizers exclude each other.
const IN_VALGRIND: Way = Way {
    name: "valgrind",
    folder: "cmake-valgrind",
    projects: &["examples", "tests/c", "tests/cpp"],
    library: native::Profile::Release,
    compilers: GCC,
    flags: "-g -O1",
    tests: &[tests(&["--tests-regex", "in_valgrind$"])],
    long: &[tests(&["--tests-regex", r"(test_(storm|stress|backlog)|cpp.*)\.in_valgrind$"])],
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
    let selections = if tally.effort.is_long() { way.long } else { way.tests };
    for project in way.projects {
        let name = format!("{project} ({})", way.name);
        println!("-- {name}");
        match build(way, project, &library, tally.effort) {
            Ok(folder) => selections.iter().for_each(|tests| run_tests(tally, way, &name, &folder, tests)),
            Err(what) => tally.fail(&name, &what),
        }
    }
}

fn run_tests(tally: &mut Tally, way: &Way, name: &str, folder: &Path, tests: &Tests) {
    let mut ctest = program("ctest");
    // In the long form a selection may leave nothing of a project.
    let none = if tally.effort.is_long() { "ignore" } else { "error" };
    ctest.arg("--test-dir").arg(folder).args(["--output-on-failure", "--timeout", "300"]);
    ctest.arg(format!("--no-tests={none}")).args(tests.ctest);
    ctest.envs(way.environment.iter().chain(tests.environment).copied()).envs(tally.effort.environment());
    let limit = tally.effort.limit(Duration::from_secs(1800));
    let (output, ended) = tee(&mut within(limit, ctest));
    let counts = counts::of_ctest(&output);
    if counts == Counts::default() && tally.effort.is_long() && ended.is_ok() {
        return;
    }
    tally.add(name, counts.run_as(name), ended);
}

fn build(way: &Way, project: &str, library: &Path, effort: Effort) -> Result<PathBuf> {
    let folder = root().join("target").join(way.folder).join(project);
    let (c, cpp) = way.compilers;
    let mut configure = program("cmake");
    configure.arg("-S").arg(root().join(project)).arg("-B").arg(&folder).arg("-DCMAKE_BUILD_TYPE=Debug");
    configure.arg(format!("-DCMAKE_C_COMPILER={c}")).arg(format!("-DCMAKE_CXX_COMPILER={cpp}"));
    configure.arg(format!("-DCMAKE_C_FLAGS={}", way.flags)).arg(format!("-DCMAKE_CXX_FLAGS={}", way.flags));
    configure.arg(format!("-DBACKRUN_NATIVE_DIR={}", library.display()));
    let tasks = if effort.is_long() { 500_000 } else { 50_000 };
    configure.args(["--no-warn-unused-cli".to_owned(), format!("-DBACKRUN_VALGRIND_TASKS={tasks}")]);
    let mut compile = program("cmake");
    compile.arg("--build").arg(&folder).args(["--parallel", "2"]);
    // Both say much when all is well, and only then it is of no interest.
    stdout(&mut configure)?;
    stdout(&mut compile)?;
    Ok(folder)
}
