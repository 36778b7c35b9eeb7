//! The benchmarks: `cargo xtask bench`.

use crate::native;
use crate::process::{root, run, Result};
use crate::tools::dotnet;

const PROJECT: &str = "benches/dotnet/Backrun.Benchmarks";

/// Every argument goes to the benchmark program.
pub fn command(arguments: &[String]) -> Result<()> {
    native::build(native::Profile::Release, false)?;
    // The caller's folder, so that `--json OUT` lands where the caller means it to.
    let folder = std::env::current_dir().map_err(|e| e.to_string())?;
    let project = root().join(PROJECT);
    let mut program = dotnet();
    program.current_dir(folder).args(["run", "-c", "Release", "--project"]).arg(project).arg("--").args(arguments);
    run(&mut program)
}
