//! Where cargo gets crates from on this machine: its registry, or else Debian's packages.

use crate::debian;
use crate::process::{capture, program, root, Output, Result};
use crate::sqlite;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How to reach the crates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// As cargo does by itself.
    Registry,
    /// Through the cargo home that `debian` prepared.
    Debian { cargo_home: PathBuf },
}

impl Route {
    /// Finds out which way works. The answer is kept in `target`, for as long as the manifests, the lock and the cargo home stay the same.
    pub fn find() -> Result<Route> {
        let remembered = root().join("target/crate-route");
        if let Some(route) = Route::recall(&remembered, &question()) {
            return Ok(route);
        }
        let route = Route::ask()?;
        let question = question();
        let answer = match &route {
            Route::Registry => format!("{question}\nregistry"),
            Route::Debian { cargo_home } => format!("{question}\n{}", cargo_home.display()),
        };
        // Only a faster next time: a target folder that cannot be written is for cargo to complain about.
        let _ = fs::create_dir_all(root().join("target")).and_then(|()| fs::write(&remembered, answer));
        Ok(route)
    }

    fn recall(remembered: &Path, question: &str) -> Option<Route> {
        let text = fs::read_to_string(remembered).ok()?;
        let (asked, answer) = text.split_once('\n')?;
        if asked != question {
            return None;
        }
        if answer == "registry" {
            return Some(Route::Registry);
        }
        let cargo_home = PathBuf::from(answer);
        cargo_home.is_dir().then_some(Route::Debian { cargo_home })
    }

    fn ask() -> Result<Route> {
        let by_registry = resolve(&Route::Registry)?;
        if by_registry.success {
            return Ok(Route::Registry);
        }
        let prepared = debian::prepare().map_err(|why| neither(&why, &by_registry.stderr))?;
        let route = Route::Debian { cargo_home: debian::cargo_home(&prepared) };
        let by_debian = resolve(&route)?;
        if by_debian.success {
            return Ok(route);
        }
        Err(neither(&format!("with Debian's packages cargo says:\n{}", by_debian.stderr), &by_registry.stderr))
    }

    /// Sends this cargo, and every cargo that it starts, along the route.
    pub fn apply(&self, command: &mut Command) {
        if let Route::Debian { cargo_home } = self {
            command.env("CARGO_HOME", cargo_home);
        }
    }

    /// The lines for a shell to `eval`; none where plain cargo works.
    pub fn exports(&self) -> String {
        match self {
            Route::Registry => String::new(),
            Route::Debian { cargo_home } => {
                format!("export CARGO_HOME='{}'\n", cargo_home.display().to_string().replace('\'', r"'\''"))
            }
        }
    }
}

/// A cargo that reaches the crates, in the repository's root.
pub fn cargo() -> Result<Command> {
    cargo_with(sqlite::variables()?)
}

/// The same, to build for the system that this C compiler is of.
pub fn cargo_for(compiler: &str) -> Result<Command> {
    cargo_with(sqlite::variables_of(compiler)?)
}

fn cargo_with(sqlite: sqlite::Variables) -> Result<Command> {
    let route = Route::find()?;
    let mut command = program("cargo");
    route.apply(&mut command);
    command.envs(sqlite);
    Ok(command)
}

/// Asks cargo whether every crate can be had this way. A Cargo.lock that the other way left (its checksums differ) is put aside and written anew.
fn resolve(route: &Route) -> Result<Output> {
    let lock = root().join("Cargo.lock");
    let first = metadata(route)?;
    if first.success || !lock.exists() {
        return Ok(first);
    }
    let aside = root().join("target/Cargo.lock.aside");
    let moved = fs::create_dir_all(root().join("target")).and_then(|()| fs::rename(&lock, &aside));
    moved.map_err(|e| format!("cannot move Cargo.lock aside: {e}"))?;
    let second = metadata(route)?;
    if !second.success {
        fs::rename(&aside, &lock).map_err(|e| format!("cannot put Cargo.lock back: {e}"))?;
    }
    Ok(second)
}

fn metadata(route: &Route) -> Result<Output> {
    let mut command = program("cargo");
    // Without retries the answer comes at once where the registry's name does not resolve; with them it takes ten seconds.
    command.args(["metadata", "--format-version", "1", "--quiet", "--color", "never"]).env("CARGO_NET_RETRY", "0");
    route.apply(&mut command);
    capture(&mut command)
}

/// What the kept answer depends on.
fn question() -> String {
    let mut text = include_str!("../debian-crates.txt").to_owned();
    for file in ["Cargo.toml", "tools/header/Cargo.toml", "tools/vectors/Cargo.toml", "Cargo.lock"] {
        text.push_str(&fs::read_to_string(root().join(file)).unwrap_or_default());
    }
    text.push_str(&env::var("CARGO_HOME").unwrap_or_default());
    format!("{:016x}", debian::hash(text.as_bytes()))
}

fn neither(debian: &str, registry: &str) -> String {
    format!(
        "the crates cannot be had.\n\
         - From cargo's registry: cargo says:\n{}\n\
         - From Debian's packages: {debian}\n\
         Either let cargo reach its registry (or a mirror: `[source]` in cargo's config.toml), or work on Debian or a derivative with a Debian\n\
         mirror in its apt sources and the packages apt, dpkg and debian-archive-keyring.",
        registry.trim_end()
    )
}
