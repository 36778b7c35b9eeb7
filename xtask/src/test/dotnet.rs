//! The C# tests: every test project of the solution, and the example that README shows.

use super::counts;
use super::tally::Tally;
use crate::process::{capture, exists, root, run as to_the_end, tee, within, Result};
use crate::tools::{dotnet, Verdict};
use std::fs;
use std::time::Duration;

const EXAMPLE: &str = "examples/csharp/Readme";

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
    tally.check("README's C# program prints what is expected", example_prints_what_is_expected);
}

fn example_prints_what_is_expected() -> Result<Verdict> {
    let expected = root().join(EXAMPLE).join("readme.expected");
    let expected = fs::read_to_string(&expected).map_err(|e| format!("cannot read {}: {e}", expected.display()))?;
    let mut run = dotnet();
    run.args(["run", "--project", EXAMPLE, "-c", "Release", "--no-build"]);
    let output = capture(&mut within(Duration::from_secs(60), run))?;
    if output.success && output.stdout == expected && output.stderr.is_empty() {
        return Ok(Verdict::Fine);
    }
    Err(format!("exit code {:?}, it printed:\n{}{}", output.code, output.stdout, output.stderr))
}
