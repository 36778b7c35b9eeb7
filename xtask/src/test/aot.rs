//! The program that NativeAOT compiles: published with the native library beside it and linked in, and run.

use super::tally::Tally;
use crate::folders;
use crate::native::{self, Profile};
use crate::process::{capture, exists, line, program, root, run as to_the_end, within, Result};
use crate::tools::{dotnet, Verdict};
use std::fs;
use std::time::Duration;

const PROJECT: &str = "tests/dotnet/Backrun.Aot";
const LINKED: &str = "static";
const PRINTED: &str = "sum 42\nAda has 1 and 2\n";

pub fn run(tally: &mut Tally) {
    for needed in ["dotnet", "gcc"] {
        if !exists(needed) {
            return tally.missing("NativeAOT", &format!("{needed} is not installed"));
        }
    }
    tally.check("a NativeAOT program runs durable tasks, the native library beside it", || {
        publish_and_run("beside", &[])
    });
    tally.check("a NativeAOT program runs durable tasks, beside MessagePack 3", || {
        publish_and_run("mp3", &["-p:Mp=3".to_owned()])
    });
    tally.check("a NativeAOT program runs durable tasks, the native library linked into it", || {
        let library = native::build(Profile::Release, false)?;
        publish_and_run(LINKED, &[format!("-p:BackrunStatic={}", library.display())])
    });
}

fn publish_and_run(name: &str, properties: &[String]) -> Result<Verdict> {
    let folder = folders::empty(root().join("target/aot").join(name))?;
    let published = folder.join("program");
    let mut publish = dotnet();
    publish.args(["publish", PROJECT, "-c", "Release", "-r", "linux-x64", "--verbosity", "minimal", "--output"]);
    publish.arg(&published).args(properties);
    to_the_end(&mut publish)?;
    if name == LINKED {
        // What is linked in is not looked for.
        fs::remove_file(published.join("libbackrun.so")).map_err(|e| format!("cannot remove the library: {e}"))?;
    }
    let mut run = program(published.join("Backrun.Aot"));
    run.arg(folder.join("store"));
    let mut run = within(Duration::from_secs(60), run);
    let output = capture(&mut run)?;
    print!("{}", output.stderr);
    if output.success && output.stdout == PRINTED {
        return Ok(Verdict::Fine);
    }
    Err(format!("`{}`: exit code {:?}, it printed:\n{}", line(&run), output.code, output.stdout))
}
