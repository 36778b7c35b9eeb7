//! Starting other programs: where, with which environment, and what is said when they fail.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What went wrong, as the person at the terminal should read it.
pub type Result<T, E = String> = std::result::Result<T, E>;

/// The repository's root: the folder above this crate.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository")
}

/// Takes out of our own environment what `cargo run` put there for xtask, so that no program started from here mistakes it for its own:
/// another cargo its manifest, dotnet the libraries of the Rust toolchain.
pub fn forget_cargo_run() {
    let ours = ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_BIN_NAME", "CARGO_CRATE_NAME"];
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ours.contains(&name.as_str()) || name.starts_with("CARGO_PKG_") {
            env::remove_var(name);
        }
    }
    if let Some(list) = env::var_os("LD_LIBRARY_PATH") {
        let kept: Vec<PathBuf> = env::split_paths(&list).filter(|p| !is_of_cargo_run(p)).collect();
        match env::join_paths(&kept) {
            Ok(list) if !kept.is_empty() => env::set_var("LD_LIBRARY_PATH", list),
            _ => env::remove_var("LD_LIBRARY_PATH"),
        }
    }
}

fn is_of_cargo_run(folder: &Path) -> bool {
    let text = folder.to_string_lossy();
    folder.as_os_str().is_empty()
        || folder.starts_with(root().join("target"))
        || text.contains("/lib/rustlib/")
        || (text.contains("/toolchains/") && text.ends_with("/lib"))
}

/// A program to be started in the repository's root.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// Whether a program of this name can be started.
pub fn exists(name: &str) -> bool {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(&file).is_file()))
}

/// Runs to the end with our own input and output; anything but exit code 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|e| cannot_start(command, &e))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("`{}` ended with {status}", line(command)))
}

/// What a program printed and how it ended.
pub struct Output {
    pub success: bool,
    /// `None` where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs to the end and keeps what it prints.
pub fn capture(command: &mut Command) -> Result<Output> {
    let output = command.stdin(Stdio::null()).output().map_err(|e| cannot_start(command, &e))?;
    Ok(Output {
        success: output.status.success(),
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs to the end and returns what it printed; anything but exit code 0 is an error that holds what it said.
pub fn stdout(command: &mut Command) -> Result<String> {
    let output = capture(command)?;
    if output.success {
        return Ok(output.stdout);
    }
    Err(format!("`{}` failed:\n{}{}", line(command), output.stdout, output.stderr))
}

/// Runs to the end, shows its standard output line by line as it comes, and returns it, with how it ended.
pub fn tee(command: &mut Command) -> (String, Result<()>) {
    let mut text = String::new();
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(e) => return (text, Err(cannot_start(command, &e))),
    };
    let mut from = BufReader::new(child.stdout.take().expect("its output is piped"));
    let mut line_read = Vec::new();
    while from.read_until(b'\n', &mut line_read).is_ok_and(|n| n > 0) {
        let line = String::from_utf8_lossy(&line_read);
        print!("{line}");
        let _ = std::io::stdout().flush();
        text.push_str(&line);
        line_read.clear();
    }
    let ended = match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", line(command))),
        Err(e) => Err(format!("`{}` was lost: {e}", line(command))),
    };
    (text, ended)
}

/// The same command, ended with all that it started once it takes longer than this, so that a test that hangs becomes a failure. At a terminal
/// there is no limit: a person is there to decide, and `timeout` would keep Ctrl-C away from the command.
pub fn within(limit: Duration, command: Command) -> Command {
    if std::io::stdout().is_terminal() || !exists("timeout") {
        return command;
    }
    let mut limited = Command::new("timeout");
    limited.arg("--kill-after=10").arg(limit.as_secs().to_string()).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` cannot be started: {error}", line(command))
}

/// The command as one would type it, shortened where it is very long.
pub fn line(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        if text.len() > 200 {
            return text + " ...";
        }
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
