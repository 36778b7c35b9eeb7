//! The second way to the crates: Debian's `librust-*-dev` packages, unpacked into a cargo directory source. Nothing is installed, and no rights
//! are needed; the machine's own apt state stays as it is.

use crate::apt_sources;
use crate::files::{entries, write};
use crate::folders;
use crate::process::{exists, program, run, stdout, Result};
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release whose packages are used on every machine, whatever its own release: one set of versions to build and test with.
const SUITE: &str = "trixie";
const CRATES: &str = include_str!("../debian-crates.txt");

/// Where the crates of this list are kept once they are there.
pub fn folder() -> Result<PathBuf> {
    let list = format!("{SUITE} {}", names().join(" "));
    Ok(cache()?.join(format!("crates-{:016x}", hash(list.as_bytes()))))
}

fn cache() -> Result<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let cache = cache.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    Ok(cache.ok_or("neither XDG_CACHE_HOME nor HOME is set: no place to keep packages")?.join("backrun"))
}

/// The cargo home in such a folder. It holds the configuration that sends cargo to the crates beside it.
pub fn cargo_home(folder: &Path) -> PathBuf {
    folder.join("cargo-home")
}

/// Fetches and unpacks the crates unless they are there. Safe to be called by several processes at once: one prepares, the others wait for it.
pub fn prepare() -> Result<PathBuf> {
    let folder = folder()?;
    once(
        folder,
        "cargo's registry is not reachable; fetching Debian's packages of the crates (once, about a minute)",
        fill,
    )
}

/// Fetches and unpacks SQLite's static library, that of the machine's own release: it is linked with the machine's own libc. Safe
/// to be called by several processes at once.
pub fn sqlite() -> Result<PathBuf> {
    let release = codename();
    let folder = cache()?.join(format!("sqlite-{release}"));
    once(folder, "fetching Debian's package of SQLite's static library (once)", |at, _| {
        let apt = Apt::new(at, &release)?;
        apt.download(&["libsqlite3-dev".to_owned()])?;
        apt.unpack(at)
    })
}

/// Makes a folder and what is in it, unless it is there.
fn once(folder: PathBuf, why: &str, fill: impl FnOnce(&Path, &Path) -> Result<()>) -> Result<PathBuf> {
    if folder.is_dir() {
        return Ok(folder);
    }
    for needed in ["apt-get", "apt-config", "dpkg"] {
        if !exists(needed) {
            return Err(format!("there is no {needed}, so Debian's packages cannot be used either"));
        }
    }
    let parent = folder.parent().expect("a folder in the cache");
    folders::make(parent)?;
    let _lock = Lock::take(&folder.with_extension("lock"))?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let unfinished = folder.with_extension("unfinished");
    remove(&unfinished)?; // of a process that was killed: the lock is ours
    eprintln!("xtask: {why}");
    fill(&unfinished, &folder)?;
    fs::rename(&unfinished, &folder).map_err(|e| format!("cannot rename {}: {e}", unfinished.display()))?;
    Ok(folder)
}

fn fill(at: &Path, later_at: &Path) -> Result<()> {
    let apt = Apt::new(at, SUITE)?;
    let wanted = names().into_iter().map(|name| format!("librust-{}-dev", name.replace('_', "-")));
    let plan = stdout(apt.get().args(["-q", "-s", "install"]).args(wanted))?;
    let closure = librust_packages(&plan);
    if closure.is_empty() {
        return Err("apt-get found no librust package".to_owned());
    }
    apt.download(&closure)?;
    apt.unpack(&at.join("unpacked"))?;
    let registry = later_at.join("unpacked/usr/share/cargo/registry");
    // A file and not `--config` flags: cbindgen starts a cargo of its own, which sees this home by its environment variable.
    let config = format!(
        "# Written by xtask.\n[source.crates-io]\nreplace-with = \"debian\"\n\n[source.debian]\ndirectory = {:?}\n",
        registry.display().to_string()
    );
    folders::make(&cargo_home(at))?;
    write(&cargo_home(at).join("config.toml"), &config)
}

/// An apt of our own in a folder, for one release.
struct Apt<'a> {
    at: &'a Path,
}

impl<'a> Apt<'a> {
    fn new(at: &'a Path, suite: &str) -> Result<Self> {
        for folder in ["lists/partial", "apt-cache/archives/partial", "packages"].map(|folder| at.join(folder)) {
            folders::make(&folder)?;
        }
        write(&at.join("status"), "")?;
        write(&at.join("sources.list"), &source_line(suite)?)?;
        write(&at.join("apt.conf"), apt_configuration(at, &machines_acquire_settings()?))?;
        let apt = Self { at };
        stdout(apt.get().args(["-q", "update"]))?;
        Ok(apt)
    }

    fn get(&self) -> Command {
        let mut command = program("apt-get");
        command.env("APT_CONFIG", self.at.join("apt.conf")).env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    fn download(&self, packages: &[String]) -> Result<()> {
        stdout(self.get().args(["-q", "download"]).args(packages).current_dir(self.at.join("packages"))).map(drop)
    }

    /// Unpacks what was downloaded, and removes what is no longer needed for that.
    fn unpack(&self, to: &Path) -> Result<()> {
        let packages = self.at.join("packages");
        for package in entries(&packages)? {
            run(Command::new("dpkg").arg("-x").arg(package).arg(to))?;
        }
        ["packages", "lists", "apt-cache"].into_iter().try_for_each(|folder| remove(&self.at.join(folder)))
    }
}

/// An apt of our own: an empty status file, so that the whole closure counts as missing, and only our one source.
fn apt_configuration(at: &Path, acquire: &str) -> String {
    let at = at.display();
    format!(
        "{acquire}\
         Dir::State::Lists \"{at}/lists\";\n\
         Dir::State::status \"{at}/status\";\n\
         Dir::Cache \"{at}/apt-cache\";\n\
         Dir::Etc::sourcelist \"{at}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::preferences \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\n\
         Dir::Etc::main \"/dev/null\";\n\
         Dir::Etc::parts \"/dev/null\";\n\
         Acquire::Languages \"none\";\n\
         APT::Install-Recommends \"false\";\n\
         APT::Get::List-Cleanup \"false\";\n\
         APT::Sandbox::User \"root\";\n"
    )
}

/// How the machine reaches its mirrors (proxies, retries), without its hooks and its package choices.
fn machines_acquire_settings() -> Result<String> {
    let dump = stdout(program("apt-config").arg("dump"))?;
    let kept = ["Acquire::http", "Acquire::https", "Acquire::Retries", "Acquire::ForceIPv"];
    let lines = dump.lines().filter(|line| kept.iter().any(|k| line.starts_with(k)) && !line.ends_with(" \"\";"));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}

/// The machine's own release.
fn codename() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).unwrap_or_default();
    codename.trim_matches('"').to_owned()
}

fn source_line(suite: &str) -> Result<String> {
    let (uri, own_key) = apt_sources::debian_mirror(&apt_sources::of_machine(), &codename())
        .ok_or("this machine's apt sources name no Debian mirror with the component main")?;
    let archive_key = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let key = if Path::new(archive_key).exists() { Some(archive_key.to_owned()) } else { own_key };
    let option = key.map(|key| format!("[signed-by={key}] ")).unwrap_or_default();
    Ok(format!("deb {option}{uri} {suite} main\n"))
}

/// The crates among what `apt-get -s install` would install: `Inst librust-libc-dev (0.2.169-1 ...)`. The C libraries come from the machine.
fn librust_packages(plan: &str) -> Vec<String> {
    let named = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split_whitespace().next());
    named.filter(|name| name.starts_with("librust-")).map(str::to_owned).collect()
}

fn names() -> Vec<&'static str> {
    let mut names: Vec<_> =
        CRATES.lines().map(|l| l.split('#').next().unwrap_or_default().trim()).filter(|l| !l.is_empty()).collect();
    names.sort_unstable();
    names
}

/// FNV-1a, 64 bits: a name for a list, the same on every machine.
pub fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("cannot remove {}: {e}", folder.display())),
        _ => Ok(()),
    }
}

/// An advisory lock on a file, held until it is dropped or the process ends.
struct Lock(#[allow(dead_code, reason = "closing the file gives the lock back")] File);

impl Lock {
    #[cfg(unix)]
    fn take(path: &Path) -> Result<Lock> {
        use std::os::fd::AsRawFd;
        // `File::lock` came with Rust 1.89; Debian's own rustc is older.
        extern "C" {
            fn flock(file: i32, operation: i32) -> i32;
        }
        const EXCLUSIVE: i32 = 2;
        let file = File::create(path).map_err(|e| format!("cannot open {}: {e}", path.display()))?;
        // SAFETY: flock takes two integers, and the descriptor is open for the whole call.
        while unsafe { flock(file.as_raw_fd(), EXCLUSIVE) } != 0 {
            let error = std::io::Error::last_os_error();
            if error.kind() != std::io::ErrorKind::Interrupted {
                return Err(format!("cannot lock {}: {error}", path.display()));
            }
        }
        Ok(Lock(file))
    }

    #[cfg(not(unix))]
    fn take(_: &Path) -> Result<Lock> {
        Err("Debian's packages can be used on Linux only".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_are_kept_of_what_apt_would_install() {
        let plan = "NOTE: This is only a simulation!\nInst gcc-14-base (14.2.0-19 Debian:13.0/stable [amd64])\n\
                    Inst librust-libc-dev (0.2.169-1 Debian:13.0/stable [amd64])\nConf librust-libc-dev (0.2.169-1 Debian:13.0/stable [amd64])\n";
        assert_eq!(librust_packages(plan), ["librust-libc-dev"]);
    }

    #[test]
    fn the_list_names_crates_without_comments() {
        assert!(names().contains(&"libc"));
        assert!(names().iter().all(|n| n.chars().all(|c| c.is_ascii_alphanumeric() || "-_+".contains(c))));
    }
}
