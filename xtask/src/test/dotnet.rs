//! The C# tests: every test project of the solution.

use super::counts;
use super::tally::Tally;
use crate::process::{exists, run as to_the_end, tee, within};
use crate::tools::dotnet;
use std::time::Duration;

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
}
