//! Checks of the sources, each counted as one test.

use super::tally::Tally;
use crate::crates;
use crate::docs;
use crate::header;
use crate::native;
use crate::process::{exists, program, root, run as to_the_end, stdout, Result};
use crate::tools::{Verdict, TOOLS};
use std::collections::BTreeSet;
use std::fs;

pub fn run(tally: &mut Tally) {
    tally.check("include/backrun.h is what src/ffi says", || header::check().map(|()| Verdict::Fine));
    tally.check("the library exports what include/backrun.h declares, and nothing else", exports_match_header);
    for tool in TOOLS {
        tally.check(tool.name, tool.check);
    }
    tally.check("cargo doc", cargo_doc);
    tally.check("no file names a machine's folders or a registry's host", no_names_of_machines);
    for (page, file) in docs::SHOWN {
        tally.check(&format!("{page} shows {file} as it is"), || docs::page_shows(page, file));
    }
    for (name, check) in docs::CHECKS {
        tally.check(name, check);
    }
}

fn exports_match_header() -> Result<Verdict> {
    if !exists("nm") {
        return Ok(Verdict::Missing("nm is not installed".to_owned()));
    }
    let library = native::build(native::Profile::Release, false)?.join("libbackrun.so");
    let symbols = stdout(program("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library))?;
    let exported: BTreeSet<&str> = symbols.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let declared = header::declared_functions()?;
    let declared: BTreeSet<&str> = declared.iter().map(String::as_str).collect();
    let list = |names: Vec<&&str>| names.iter().map(|n| format!("\n  {n}")).collect::<String>();
    let undeclared: Vec<_> = exported.difference(&declared).collect();
    let not_exported: Vec<_> = declared.difference(&exported).collect();
    if undeclared.is_empty() && not_exported.is_empty() {
        return Ok(Verdict::Fine);
    }
    Err(format!(
        "exported and not declared:{}\ndeclared and not exported:{}\n\
         (cbindgen does not see functions that a macro makes, nor #[unsafe(no_mangle)]: write #[no_mangle])",
        list(undeclared),
        list(not_exported)
    ))
}

fn cargo_doc() -> Result<Verdict> {
    to_the_end(
        crates::cargo()?.args(["doc", "--quiet", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-Dwarnings"),
    )?;
    Ok(Verdict::Fine)
}

/// The repository is the same on every machine: no file of it knows where one machine keeps it, or where one machine gets packages from.
fn no_names_of_machines() -> Result<Verdict> {
    let listed = stdout(program("git").args(["ls-files", "-z", "-co", "--exclude-standard"]))?;
    let mut found = String::new();
    for file in listed.split('\0').filter(|f| !f.is_empty()) {
        let Ok(content) = fs::read(root().join(file)) else {
            continue;
        }; // deleted, or a link to nowhere
        let lines = content.split(|b| *b == b'\n').enumerate();
        for (number, name) in lines.filter_map(|(i, line)| Some((i + 1, name_of_machine_in(line)?))) {
            found.push_str(&format!("\n  {file}:{number}: {name}"));
        }
    }
    if found.is_empty() {
        return Ok(Verdict::Fine);
    }
    Err(format!("these lines hold true on one machine only:{found}"))
}

// In two parts each, so that this file does not name them.
const FOLDERS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/fa", "rm/")];
const HOSTS: &[&str] = &[
    concat!("api.nu", "get.org"),
    concat!("deb.deb", "ian.org"),
    concat!("security.deb", "ian.org"),
    concat!("snapshot.deb", "ian.org"),
    concat!("crates.io-", "index"),
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("registry.np", "mjs.org"),
    concat!("proxy.go", "lang.org"),
    concat!("files.python", "hosted.org"),
];

fn name_of_machine_in(line: &[u8]) -> Option<&'static str> {
    let starts_a_path =
        |at: usize| at == 0 || !(line[at - 1].is_ascii_alphanumeric() || b"._-~)}]/*".contains(&line[at - 1]));
    let folder = FOLDERS.iter().find(|f| positions(line, f.as_bytes()).any(starts_a_path));
    let host = HOSTS.iter().find(|h| positions(line, h.as_bytes()).next().is_some());
    folder.or(host).copied()
}

fn positions<'a>(line: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    line.windows(word.len()).enumerate().filter(move |(_, w)| *w == word).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machines_folder_is_found_and_a_folder_of_that_name_inside_another_is_not() {
        let line = |before: &str| format!("{before}{}main/x", FOLDERS[0]);
        assert_eq!(name_of_machine_in(line("see ").as_bytes()), Some(FOLDERS[0]));
        assert_eq!(name_of_machine_in(line("\"").as_bytes()), Some(FOLDERS[0]));
        assert_eq!(name_of_machine_in(line("docs").as_bytes()), None);
        assert_eq!(name_of_machine_in(b"nothing of the kind"), None);
    }

    #[test]
    fn a_registrys_host_is_found_anywhere() {
        assert_eq!(name_of_machine_in(format!("https://{}/v3", HOSTS[0]).as_bytes()), Some(HOSTS[0]));
    }
}
