//! The C# tests: every test project of the solution, the tests once more in other ways, and the examples that pages show.

use super::counts;
use super::sanitizers::{build_sanitized_library, has_nightly};
use super::tally::Tally;
use crate::cross;
use crate::folders;
use crate::process::{capture, exists, program, root, run as to_the_end, stdout, tee, within, Result};
use crate::tools::{dotnet, Verdict};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Programs that pages show, with what they print.
const EXAMPLES: &[(&str, &str)] = &[
    ("examples/csharp/Readme", "readme.expected"),
    ("examples/csharp/Durable", "durable.expected"),
    ("examples/csharp/BesideC", "besidec.expected"),
    ("examples/csharp/Hosting", "hosting.expected"),
    ("examples/csharp/Creatio", "creatio.expected"),
];
const TESTS: &str = "tests/dotnet/Backrun.Tests";
const TESTS_OUTPUT: &str = "tests/dotnet/Backrun.Tests/bin/Release/net10.0";
/// Where the tests' Directory.Build.props has other builds of them put, each below its project's name.
const VARIANTS: &str = "artifacts/variants";
const SANITIZED: &str = "artifacts/variants/Backrun.Tests/asan";

/// Another way to build a project of tests.
struct Variant {
    name: &'static str,
    /// In `tests/dotnet`.
    project: &'static str,
    property: &'static str,
    /// In [`VARIANTS`], below the project.
    output: &'static str,
    /// What need not be tested again.
    filter: &'static [&'static str],
}

const OTHER_BUILDS: &[Variant] = &[
    Variant {
        name: "the net8.0 build, rolled forward",
        project: "Backrun.Tests",
        property: "-p:TestFramework=net8.0",
        output: "net8.0/bin/Release/net8.0",
        filter: &[],
    },
    Variant {
        name: "the net8.0 build in a host, rolled forward",
        project: "Backrun.Hosting.Tests",
        property: "-p:TestFramework=net8.0",
        output: "net8.0/bin/Release/net8.0",
        filter: &[],
    },
    Variant {
        name: "the net8.0 build under a test's hand, rolled forward",
        project: "Backrun.Testing.Tests",
        property: "-p:TestFramework=net8.0",
        output: "net8.0/bin/Release/net8.0",
        filter: &[],
    },
    Variant {
        name: "the net8.0 build under Creatio's names, rolled forward",
        project: "Backrun.Creatio.Tests",
        property: "-p:TestFramework=net8.0",
        output: "net8.0/bin/Release/net8.0",
        filter: &[],
    },
    Variant {
        name: "MessagePack 3 under Creatio's names",
        project: "Backrun.Creatio.Tests",
        property: "-p:Mp=3",
        output: "mp3/bin/Release/net10.0",
        filter: &[],
    },
    Variant {
        name: "MessagePack 3, as the analyzers have it",
        project: "Backrun.Analyzers.Tests",
        property: "-p:Mp=3",
        output: "mp3/bin/Release/net10.0",
        // What of it is about MessagePack.
        filter: &["--filter-class", "Backrun.Analyzers.Tests.TruthTests"],
    },
    Variant {
        name: "MessagePack 3",
        project: "Backrun.Tests",
        property: "-p:Mp=3",
        output: "mp3/bin/Release/net10.0",
        // What tortures the engine and the process has nothing to do with it.
        filter: &["--filter-not-namespace", "Backrun.Tests.Torture"],
    },
];

pub fn run(tally: &mut Tally) {
    if !exists("dotnet") {
        return tally.missing("C#", "the .NET SDK is not installed");
    }
    if let Err(what) = to_the_end(dotnet().args(["build", "Backrun.slnx", "-c", "Release", "--verbosity", "minimal"])) {
        return tally.fail("the C# build", &what);
    }
    let mut test = dotnet();
    test.args(["test", "--solution", "Backrun.slnx", "-c", "Release", "--no-build", "--no-ansi", "--no-progress"]);
    let (output, ended) = tee(&mut within(Duration::from_secs(1800), test));
    tally.add("dotnet test", counts::of_dotnet(&output), ended);
    for variant in OTHER_BUILDS {
        println!("-- {}", variant.name);
        let mut build = dotnet();
        build.args(["build", &format!("tests/dotnet/{}", variant.project), "-c", "Release", "--verbosity", "minimal"]);
        match to_the_end(build.arg(variant.property)) {
            Ok(()) => {
                let modules = format!("{VARIANTS}/{0}/{1}/{0}.dll", variant.project, variant.output);
                test_again(tally, variant.name, &modules, variant.filter, |_| ());
            }
            Err(what) => tally.fail(variant.name, &what),
        }
    }
    // The same lines each time; `cargo xtask torture dotnet` makes others, and many more.
    for peer in cross::PEERS {
        tally.check(&format!("the codec agrees with {} on random vectors", peer.name), || {
            println!("{}", cross::run_lines(peer, 1, 2000)?);
            Ok(Verdict::Fine)
        });
        tally.check(&format!("{} reads what the codec writes, at random", peer.name), || {
            println!("{}", cross::check_lines(peer, 1, 2000)?);
            Ok(Verdict::Fine)
        });
    }
    for (project, expected) in EXAMPLES {
        let name = format!("{project} prints what is expected");
        tally.check(&name, || example_prints_what_is_expected(project, expected));
    }
}

/// The same tests, with a library that was built with the address sanitizer.
pub fn run_under_the_address_sanitizer(tally: &mut Tally) {
    let name = "C# under the address sanitizer";
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return tally.skip(name, "it is set up for Linux x64 only");
    }
    for needed in ["dotnet", "gcc"] {
        if !exists(needed) {
            return tally.missing(name, &format!("{needed} is not installed"));
        }
    }
    if !has_nightly() {
        return tally.skip(name, "there is no nightly toolchain");
    }
    match prepare_sanitized() {
        Ok(runtime) => test_again(
            tally,
            name,
            &format!("{SANITIZED}/Backrun.Tests.dll"),
            // The sanitizer keeps freed memory for a while, which that class would take for growth.
            &["--filter-not-class", "Backrun.Tests.Torture.ManyEnginesTests"],
            |test| {
                // .NET leaks on purpose, and handles SIGSEGV itself, on stacks of its own.
                let options = "detect_leaks=0:handle_segv=0:use_sigaltstack=0:allocator_may_return_null=1";
                test.env("ASAN_OPTIONS", options).env("LD_PRELOAD", runtime).env("BACKRUN_SANITIZED", "1");
            },
        ),
        Err(what) => tally.fail(name, &what),
    }
}

/// Puts the usual build of the tests beside a sanitized library, and returns the path of the sanitizer's own.
fn prepare_sanitized() -> Result<String> {
    let library = build_sanitized_library()?;
    to_the_end(dotnet().args(["build", TESTS, "-c", "Release", "--verbosity", "minimal"]))?;
    let folder = folders::empty(root().join(SANITIZED))?;
    to_the_end(program("cp").args(["-R", "--no-target-directory", TESTS_OUTPUT]).arg(&folder))?;
    fs::copy(&library, folder.join("libbackrun.so")).map_err(|e| format!("cannot copy {}: {e}", library.display()))?;
    Ok(stdout(program("gcc").arg("-print-file-name=libasan.so"))?.trim().to_owned())
}

/// `modules`: a pattern, which is relative.
fn test_again(tally: &mut Tally, name: &str, modules: &str, filter: &[&str], more: impl FnOnce(&mut Command)) {
    let mut test = dotnet();
    test.args(["test", "--test-modules", modules, "--no-ansi", "--no-progress"]).args(filter);
    more(&mut test);
    let (output, ended) = tee(&mut within(Duration::from_secs(1800), test));
    let counts = counts::of_dotnet(&output);
    tally.add(name, counts.run_as(name), ended);
}

fn example_prints_what_is_expected(project: &str, expected: &str) -> Result<Verdict> {
    let expected = root().join(project).join(expected);
    let expected = fs::read_to_string(&expected).map_err(|e| format!("cannot read {}: {e}", expected.display()))?;
    let mut run = dotnet();
    run.args(["run", "--project", project, "-c", "Release", "--no-build"]);
    let output = capture(&mut within(Duration::from_secs(60), run))?;
    if output.success && output.stdout == expected && output.stderr.is_empty() {
        return Ok(Verdict::Fine);
    }
    Err(format!("exit code {:?}, it printed:\n{}{}", output.code, output.stdout, output.stderr))
}
