//! Who may know whom: the rooms of docs/architecture.md, held against every `crate::` and `super::` path in src.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A room and the rooms it may name. A room that is not here may not exist.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("alloc", &[]),
    ("error", &["alloc"]),
    ("codec", &["alloc", "error"]),
    ("crypto", &["alloc", "error"]),
    ("sync", &["alloc"]),
    ("sys", &["alloc"]),
    ("retry", &["alloc", "error", "sys"]),
    ("options", &["alloc", "error", "crypto", "sys", "retry"]),
    ("task", &["alloc", "error", "options"]),
    ("queue", &["alloc", "error", "sync", "sys", "task", "options"]),
    ("store", &["alloc", "error", "crypto", "sync", "sys", "task", "options"]),
    ("engine", &["alloc", "error", "sync", "sys", "retry", "task", "options", "queue", "store"]),
    ("typed", &["alloc", "error", "options", "task", "engine", "codec"]),
    (
        "ffi",
        &["alloc", "error", "crypto", "sync", "sys", "retry", "task", "options", "queue", "store", "engine", "codec"],
    ),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The room of a file, by the first part of its path below src.
fn room(file: &Path) -> String {
    let first = file.iter().next().unwrap().to_string_lossy().into_owned();
    first.strip_suffix(".rs").unwrap_or(&first).to_owned()
}

/// The rooms that a line of code names through `crate::` or, from a room's own files, through `super::`.
fn named_rooms(file: &Path, line: &str) -> BTreeSet<String> {
    let code = line.split("//").next().unwrap_or_default();
    // `super::` leads out of a room only from the room's own top file or from a file at the top of src.
    let depth = file.iter().count();
    let top = depth == 1 || (depth == 2 && file.ends_with("mod.rs"));
    let mut found = BTreeSet::new();
    for prefix in ["crate::", "super::"] {
        if prefix == "super::" && !top {
            continue;
        }
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.insert(name);
        }
    }
    found
}

#[test]
fn every_room_knows_only_the_rooms_it_may_know() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 20, "the sources are where they are looked for");
    let rooms: BTreeSet<_> = MAY_KNOW.iter().map(|(room, _)| *room).collect();
    let mut wrong = Vec::new();
    for file in files {
        let below = file.strip_prefix(&src).unwrap();
        let room = room(below);
        // The program is a crate of its own, which can name only what the library shows everybody.
        if room == "lib" || room == "bin" {
            continue;
        }
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(known, _)| *known == room) else {
            wrong.push(format!("{} is in no room of the plan", below.display()));
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            for named in named_rooms(below, line) {
                // Inside `mod tests`, `super::` is the file itself: its items are no rooms.
                if rooms.contains(named.as_str()) && named != room && !allowed.contains(&named.as_str()) {
                    wrong.push(format!("{}:{} names {named}", below.display(), number + 1));
                }
            }
            if line.contains("use crate::{") {
                wrong.push(format!(
                    "{}:{}: name one room a line, so that this test can read it",
                    below.display(),
                    number + 1
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_stands_only_in_ffi_in_the_log_and_where_memory_or_the_system_asks_for_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let with_unsafe: BTreeSet<_> = files
        .into_iter()
        .filter(|file| {
            let text = fs::read_to_string(file).unwrap();
            text.lines().any(|line| line.split("//").next().unwrap_or_default().contains("unsafe"))
        })
        .map(|file| room(file.strip_prefix(&src).unwrap()))
        .collect();
    let expected: BTreeSet<_> = ["alloc", "ffi", "queue", "sys"].into_iter().map(String::from).collect();
    assert_eq!(with_unsafe, expected);
}
