//! Ten thousand files for the sample to work on, and what is true about them. The same on every machine and in every run.

use crate::process::{program, root, stdout, Result};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What the sample should say of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    pub bytes: u64,
    pub lines: u64,
    pub words: u64,
    pub sha256: String,
}

pub const COUNT: usize = 10_000;
const LARGE: usize = 64 * 1024 * 1024;

/// Makes the files below `target`, unless they are there from the last time.
pub fn make() -> Result<PathBuf> {
    let folder = root().join("target/sample-files");
    // Raise it with each change of what is written below.
    let mark = root().join("target/sample-files.v1");
    if mark.exists() && folder.is_dir() {
        return Ok(folder);
    }
    remake(&folder)
        .and_then(|()| fs::write(&mark, ""))
        .map_err(|e| format!("the files in {}: {e}", folder.display()))?;
    Ok(folder)
}

fn remake(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for index in 0..COUNT - 1 {
        let path = folder.join(path_of(index));
        fs::create_dir_all(path.parent().expect("a file in a folder"))?;
        fs::write(path, content_of(index, &mut random))?;
    }
    let mut large = std::io::BufWriter::new(fs::File::create(folder.join("large file.bin"))?);
    for _ in 0..LARGE / 8 {
        large.write_all(&random.next().to_le_bytes())?;
    }
    large.flush()
}

/// Up to four folders deep, with spaces, accents, other scripts and what a shell or a JSON writer would trip over.
fn path_of(index: usize) -> PathBuf {
    let names = [
        "plain",
        "with a space",
        "gr\u{fc}n",
        "\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}",
        "\u{65e5}\u{672c}",
        "\u{1f600}",
        "quo\"te",
        "a+b&c",
    ];
    let mut path = PathBuf::new();
    let mut rest = index;
    for _ in 0..index % 5 {
        path.push(names[rest % names.len()]);
        rest /= 3;
    }
    let ending = ["txt", "cs", "md", "bin", "tar.gz"][index % 5];
    path.join(format!("{} {index}.{ending}", names[index / 7 % names.len()]))
}

/// Text, bytes of all kinds, or nothing; at most 4 KiB.
fn content_of(index: usize, random: &mut Random) -> Vec<u8> {
    if index % 50 == 0 {
        return Vec::new();
    }
    let length = (random.next() % 4096) as usize;
    // All that separates words, and letters between them, one of which takes two bytes.
    let text = b"aaabcdefgh \t\n\x0b\x0c\r  \n\xc3\xa9";
    let mut byte = || random.next().to_le_bytes()[3];
    if index % 3 == 0 {
        return (0..length).map(|_| byte()).collect();
    }
    (0..length).map(|_| text[usize::from(byte()) % text.len()]).collect()
}

/// xorshift64: enough to fill files.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// The truth about every file below a folder, by its path with `/`: hashes by `sha256sum`, the rest counted here.
pub fn facts(folder: &Path) -> Result<BTreeMap<String, Facts>> {
    let mut paths = Vec::new();
    list(folder, "", &mut paths).map_err(|e| format!("cannot list {}: {e}", folder.display()))?;
    let mut facts = BTreeMap::new();
    for some in paths.chunks(1000) {
        let printed = stdout(program("sha256sum").arg("-z").arg("--").args(some).current_dir(folder))?;
        for entry in printed.split_terminator('\0') {
            let (sha256, path) = entry.split_once("  ").ok_or_else(|| format!("sha256sum printed {entry}"))?;
            let content = fs::read(folder.join(path)).map_err(|e| format!("cannot read {path}: {e}"))?;
            let (lines, words) = count(&content);
            facts.insert(
                path.to_owned(),
                Facts { bytes: content.len() as u64, lines, words, sha256: sha256.to_owned() },
            );
        }
    }
    Ok(facts)
}

fn list(folder: &Path, prefix: &str, into: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|n| std::io::Error::other(format!("{n:?} is not UTF-8")))?;
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{path}/"), into)?;
        } else {
            into.push(path);
        }
    }
    Ok(())
}

/// Bytes 0x0A, and runs of bytes other than 0x09 to 0x0D and 0x20.
fn count(content: &[u8]) -> (u64, u64) {
    let separates = |b: &u8| matches!(b, 0x09..=0x0d | 0x20);
    let lines = content.iter().filter(|b| **b == b'\n').count();
    let words = content.split(separates).filter(|run| !run.is_empty()).count();
    (lines as u64, words as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_words_are_counted_by_bytes() {
        assert_eq!(count(b""), (0, 0));
        assert_eq!(count(b"one two\n\x0bthree\xc3\xa9 \r\n"), (2, 3));
        assert_eq!(count(b"\x00\x85"), (0, 1));
    }

    #[test]
    fn paths_differ() {
        let paths: std::collections::BTreeSet<_> = (0..COUNT).map(path_of).collect();
        assert_eq!(paths.len(), COUNT);
    }
}
