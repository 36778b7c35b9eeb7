//! `cargo xtask fuzz --guided`: libFuzzer tries the targets of tests/fuzz/guided, guided by what of the library its inputs reach. The library
//! counts that itself, which takes a nightly compiler; clang 14 has libFuzzer.
//!
//! It begins with the inputs of tests/fuzz/guided/corpus, one a line in hexadecimal digits, and goes on with those that it found before, in
//! target/guided. `--keep` writes the shortest of all that reach as much back to the corpus; the tests call the targets with these.

use crate::arguments;
use crate::crates;
use crate::files::{entries, read_bytes, write};
use crate::folders;
use crate::process::{capture, exists, line, program, root, run, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: &str = "tests/fuzz/guided";
const FOLDER: &str = "target/guided";
const TARGET: &str = "x86_64-unknown-linux-gnu";
const TARGETS: &[&str] = &["reader", "payload"];

/// Of each target, where nobody says how long.
const MINUTES: u64 = 5;

/// What is longer is not kept: the corpus is for people too, and what is long reaches little more.
const LONGEST_KEPT: u64 = 100;

/// Before the inputs that nobody wrote.
const REACHES: &str = "# What reaches all that is reached:";

/// What libFuzzer 14 asks of code, told to a compiler with a newer LLVM; and what else finds mistakes. Panics end at the border, where
/// the targets see their status.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Zsanitizer=address --cfg fuzzing";

pub fn command(given: &[String]) -> Result<()> {
    let (mut minutes, mut seed) = (MINUTES, arguments::new_seed()?);
    let mut named = arguments::numbers(given, &mut [("--minutes", &mut minutes), ("--seed", &mut seed)])?;
    named.retain(|argument| argument != "--guided");
    let keeps = named.iter().any(|argument| argument == "--keep");
    named.retain(|argument| argument != "--keep");
    if let Some(unknown) = named.iter().find(|name| !TARGETS.contains(&name.as_str())) {
        return Err(format!("there is no target {unknown}; the targets are {}", TARGETS.join(", ")));
    }
    if !exists("clang-14") {
        return Err("clang-14 is not installed, and with libclang-rt-14-dev it has libFuzzer".to_owned());
    }
    println!("minutes of each target: {minutes}, seed: {seed}");
    let library = build_library()?;
    for target in TARGETS.iter().filter(|target| named.is_empty() || named.iter().any(|name| name == *target)) {
        let fuzzer = build_fuzzer(target, &library)?;
        try_target(&fuzzer, target, minutes, seed)?;
        if keeps {
            keep(&fuzzer, target)?;
        }
    }
    Ok(())
}

/// The library with what counts where it has been, and with debug assertions.
fn build_library() -> Result<PathBuf> {
    let mut cargo = crates::cargo()?;
    cargo
        .args(["+nightly", "rustc", "--release", "--package", "backrun", "--lib", "--crate-type", "staticlib"])
        .args(["--target", TARGET, "--target-dir", FOLDER])
        .args(["--config", "profile.release.lto=\"off\"", "--config", "profile.release.debug-assertions=true"])
        .args(["--config", "profile.release.overflow-checks=true"])
        .env("RUSTFLAGS", FLAGS);
    run(&mut cargo)?;
    Ok(root().join(FOLDER).join(TARGET).join("release/libbackrun.a"))
}

fn build_fuzzer(target: &str, library: &Path) -> Result<PathBuf> {
    let fuzzer = root().join(FOLDER).join(target);
    let mut clang = program("clang-14");
    clang
        .args(["-std=c11", "-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined"])
        .args(["-Iinclude", &format!("-DTARGET=guided_{target}")])
        .args(
            ["fuzzer", "guided", "canonical", "walk", "copy", "reader", "payload"]
                .map(|name| format!("{SOURCES}/{name}.c")),
        )
        .arg(library)
        .args(["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-o"])
        .arg(&fuzzer);
    run(&mut clang)?;
    Ok(fuzzer)
}

/// An input that takes longer than 10 s or more memory than 256 MiB at once is a mistake too.
fn fuzzer_command(fuzzer: &Path) -> Command {
    let mut command = program(fuzzer);
    command.args(["-use_value_profile=1", "-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=256", "-max_len=600"]);
    command
}

fn try_target(fuzzer: &Path, target: &str, minutes: u64, seed: u64) -> Result<()> {
    let (seeds, found, mistakes) = (folder(target, "seeds")?, folder(target, "found")?, folder(target, "mistakes")?);
    for (number, input) in read_corpus(target)?.iter().enumerate() {
        write(&seeds.join(format!("{number:05}")), input)?;
    }
    let before = entries(&mistakes)?;
    let mut command = fuzzer_command(fuzzer);
    command
        .args([format!("-max_total_time={}", minutes * 60), format!("-seed={}", seed % (1 << 32))])
        .args(["-print_final_stats=1", &format!("-artifact_prefix={}/", mistakes.display())])
        .args([&found, &seeds]);
    let ended = run(&mut command);
    for mistake in entries(&mistakes)?.into_iter().filter(|file| !before.contains(file)) {
        let input = read_bytes(&mistake)?;
        println!(
            "{target} fails with\n{}\nwhich belongs into {} once it is mended",
            hex(&input),
            corpus(target).display()
        );
    }
    ended
}

/// The shortest inputs that reach all that is reached, in place of the corpus; what its lines with # tell stays with what follows each.
fn keep(fuzzer: &Path, target: &str) -> Result<()> {
    let (seeds, found, kept) = (folder(target, "seeds")?, folder(target, "found")?, folder(target, "kept")?);
    fs::remove_dir_all(&kept)
        .and_then(|()| fs::create_dir(&kept))
        .map_err(|e| format!("cannot empty {}: {e}", kept.display()))?;
    let mut merge = fuzzer_command(fuzzer);
    // By what is reached alone: each value of each comparison would keep ten times as many.
    merge
        .args(["-use_value_profile=0", "-merge=1"])
        .arg(format!("-max_len={LONGEST_KEPT}"))
        .args([&kept, &seeds, &found]);
    let output = capture(&mut merge)?;
    if !output.success {
        return Err(format!("`{}` failed:\n{}", line(&merge), output.stderr));
    }
    let path = corpus(target);
    let text = fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let told: Vec<&str> = told(&text);
    let mut inputs = Vec::new();
    for file in entries(&kept)? {
        let input = hex(&read_bytes(&file)?);
        // An empty line would be none.
        if !input.is_empty() && !told.contains(&input.as_str()) {
            inputs.push(input);
        }
    }
    inputs.sort_by_key(|input| (input.len(), input.clone()));
    let lines = told.into_iter().map(str::to_owned).chain([REACHES.to_owned()]).chain(inputs);
    write(&path, (lines.collect::<Vec<_>>().join("\n") + "\n").as_bytes())?;
    println!("{} is rewritten", path.display());
    Ok(())
}

/// The lines that a person put there: each with a # before it, and its input.
fn told(corpus: &str) -> Vec<&str> {
    corpus.lines().take_while(|line| !line.starts_with(REACHES)).collect()
}

fn corpus(target: &str) -> PathBuf {
    root().join(SOURCES).join("corpus").join(format!("{target}.hex"))
}

fn read_corpus(target: &str) -> Result<Vec<Vec<u8>>> {
    let path = corpus(target);
    let text = fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let inputs = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    inputs.map(|line| from_hex(line).ok_or_else(|| format!("{}: what is {line}?", path.display()))).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn folder(target: &str, name: &str) -> Result<PathBuf> {
    let folder = root().join(FOLDER).join(format!("{target}-{name}"));
    folders::make(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_told_of_an_input_stays_before_it() {
        let corpus = "# it once did this\n0001\n\n# What reaches all that is reached:\n02\n";
        assert_eq!(told(corpus), ["# it once did this", "0001", ""]);
        assert_eq!(told("0001\n"), ["0001"]);
    }

    #[test]
    fn an_input_is_written_and_read_in_hexadecimal_digits() {
        assert_eq!(from_hex(&hex(&[0, 0x0f, 0xff])), Some(vec![0, 0x0f, 0xff]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("0g"), None);
    }
}
