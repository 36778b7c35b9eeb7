//! The sample, run as a user runs it, against what other programs say about the same files.

use super::sample_files::{self, Facts};
use super::tally::Tally;
use crate::folders;
use crate::json;
use crate::process::{capture, exists, line, root, run as to_the_end, within, Result};
use crate::tools::{dotnet, Verdict};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

const PROJECT: &str = "dotnet-sample";

pub fn run(tally: &mut Tally) {
    if !root().join(PROJECT).is_dir() {
        return tally.skip("the sample", "the folder dotnet-sample is not there yet");
    }
    for needed in ["dotnet", "sha256sum"] {
        if !exists(needed) {
            return tally.missing("the sample", &format!("{needed} is not installed"));
        }
    }
    if let Err(what) = to_the_end(dotnet().args(["build", PROJECT, "-c", "Release", "--verbosity", "quiet"])) {
        return tally.fail("the sample's build", &what);
    }
    tally.check("the sample agrees with sha256sum on 10,000 files", agrees_on_many_files);
    tally.check(
        "a link is listed, a name that is not UTF-8 is a named failure, and the rest is done",
        names_what_it_cannot_do,
    );
    tally.check(
        "--loop names the tasks that loop for ever, every file is done all the same, and the process ends",
        loops_do_not_stop_the_files,
    );
    tally.check(
        "a run that is killed in the middle is finished by the next one, and the one after that begins afresh",
        a_killed_run_is_finished,
    );
    tally.check("--seed runs the seed's own example", seed_runs);
    tally.check("a folder that does not exist is exit code 2", missing_folder_is_told);
}

fn agrees_on_many_files() -> Result<Verdict> {
    let folder = sample_files::make()?;
    let out = output_file("many.jsonl")?;
    let arguments = [folder.as_os_str(), "--json".as_ref(), out.as_os_str(), "--memory".as_ref()];
    sample(&arguments)?.ended_with(0)?;
    let expected = sample_files::facts(&folder)?;
    if expected.len() != sample_files::COUNT {
        return Err(format!("there are {} files to compare, not {}", expected.len(), sample_files::COUNT));
    }
    compare(&read_results(&out)?, &expected)?;
    Ok(Verdict::Fine)
}

fn names_what_it_cannot_do() -> Result<Verdict> {
    let folder = root().join("target/sample-trouble");
    make_trouble(&folder).map_err(|e| format!("the files in {}: {e}", folder.display()))?;
    let out = output_file("trouble.jsonl")?;
    let arguments = [folder.as_os_str(), "--json".as_ref(), out.as_os_str(), "--memory".as_ref()];
    let said = sample(&arguments)?.ended_with(1)?;
    for name in ["dangling-link", "not-utf8"] {
        if !said.contains(name) {
            return Err(format!("it does not name {name}:\n{said}"));
        }
    }
    let done: Vec<String> = read_results(&out)?.into_iter().map(|(path, _)| path).collect();
    if done != ["empty", "one.txt", "two words.txt"] {
        return Err(format!("it has done {done:?}"));
    }
    Ok(Verdict::Fine)
}

#[cfg(unix)]
fn make_trouble(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("empty"), "")?;
    fs::write(folder.join("one.txt"), "one\n")?;
    fs::write(folder.join("two words.txt"), "two words\n")?;
    fs::write(
        folder.join(OsStr::from_bytes(b"not-utf8-\xff.txt")),
        "unreachable for a program that thinks in UTF-16\n",
    )?;
    std::os::unix::fs::symlink("nowhere", folder.join("dangling-link"))
}

#[cfg(not(unix))]
fn make_trouble(_: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("such names are made on Unix only"))
}

fn loops_do_not_stop_the_files() -> Result<Verdict> {
    let folder = root().join("target/sample-loop");
    let is_made = |number: u32| fs::write(folder.join(format!("{number:03}.txt")), format!("file {number}\n"));
    fs::create_dir_all(&folder)
        .and_then(|()| (0..300).try_for_each(is_made))
        .map_err(|e| format!("the files in {}: {e}", folder.display()))?;
    let out = output_file("loop.jsonl")?;
    let arguments = [folder.as_os_str(), "--json".as_ref(), out.as_os_str(), "--memory".as_ref(), "--loop".as_ref()];
    let said = sample(&arguments)?.ended_with(0)?;
    let done = read_results(&out)?.len();
    if done != 300 {
        return Err(format!("it has done {done} of 300 files:\n{said}"));
    }
    // One for each worker, of which there are at least two. Once the first has a replacement, so few files are done before the
    // watchdog looks at the second.
    let is_stuck = |line: &&str| line.contains("'Backrun.Sample.LoopForever'") && line.contains("did not stop");
    let stuck: Vec<_> = said.lines().filter(is_stuck).collect();
    if stuck.len() < 2 || !stuck.iter().any(|line| line.contains("held worker")) {
        return Err(format!("it does not name the stuck tasks, and what they held:\n{said}"));
    }
    Ok(Verdict::Fine)
}

fn a_killed_run_is_finished() -> Result<Verdict> {
    const SMALL: usize = 2_000;
    let folder = root().join("target/sample-killed");
    let told = |e: std::io::Error| format!("the files in {}: {e}", folder.display());
    let path_of = |number: usize| folder.join(format!("{}/{number}.txt", number % 7));
    let make = || -> std::io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        for number in 0..SMALL {
            let path = path_of(number);
            fs::create_dir_all(path.parent().expect("a file in a folder"))?;
            fs::write(path, format!("file {number}\n").repeat(number % 50))?;
        }
        // A hole that takes longer to read than this test lasts: no run with it comes to its end.
        fs::File::create(folder.join("large"))?.set_len(1 << 40)
    };
    make().map_err(told)?;
    let (store, out) = (output_file("killed.db")?, output_file("killed.jsonl")?);
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", store.display()));
    for suffix in ["-wal", "-shm", "-owner", "-running"] {
        let _ = fs::remove_file(beside(suffix));
    }
    let arguments = [folder.as_os_str(), "--json".as_ref(), out.as_os_str(), "--store".as_ref(), store.as_os_str()];

    // Not by `dotnet run`: the sample itself is killed. Twice, in the middle: of the first run, and of what goes on with it.
    let killed_when = |is_in_the_middle: &dyn Fn(u32) -> bool| -> Result<()> {
        let mut command = dotnet();
        command.arg(format!("{PROJECT}/bin/Release/net10.0/dotnet-sample.dll")).args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut killed = command.spawn().map_err(|e| format!("`{}` does not start: {e}", line(&command)))?;
        let limit = Instant::now() + Duration::from_secs(60);
        while !is_in_the_middle(killed.id()) && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(1));
        }
        let ended = killed.try_wait();
        let _ = killed.kill();
        let _ = killed.wait();
        match ended {
            Ok(None) if Instant::now() < limit => Ok(()),
            _ => Err(format!("`{}` was to be killed in the middle, but: {ended:?}", line(&command))),
        }
    };
    // So much is written when all is handed over and half of it is done.
    killed_when(&|_| beside("-wal").metadata().is_ok_and(|wal| wal.len() > 500_000))?;
    killed_when(&|id| fs::read_to_string(beside("-owner")).is_ok_and(|owner| owner.trim() == id.to_string()))?;

    // What is not done by then, and changes, is done as it is now; and so is what comes.
    fs::write(folder.join("large"), "small now\n").map_err(told)?;
    fs::write(folder.join("new"), "new\n").map_err(told)?;
    let before = sample_files::facts(&folder)?;
    if before.len() != SMALL + 2 {
        return Err(format!("there are {} files to compare, not {}", before.len(), SMALL + 2));
    }
    // Other content that no program can tell from the old one by looking: what is done already still has the old one's hash.
    for number in 0..SMALL {
        let path = path_of(number);
        let change = || -> std::io::Result<()> {
            let modified = path.metadata()?.modified()?;
            fs::write(&path, format!("FILE {number}\n").repeat(number % 50))?;
            fs::File::options().write(true).open(&path)?.set_modified(modified)
        };
        change().map_err(told)?;
    }
    let mut expected = sample_files::facts(&folder)?;
    sample(&arguments)?.ended_with(0)?;
    let results = read_results(&out)?;
    let mut kept = 0;
    for (path, facts) in before {
        let is_kept = results.iter().any(|(other, found)| *other == path && *found == facts);
        kept += usize::from(is_kept && expected[&path] != facts);
        if is_kept {
            expected.insert(path, facts);
        }
    }
    compare(&results, &expected)?;
    if kept == 0 {
        return Err("nothing that the killed runs had done was kept: all was done anew".to_owned());
    }

    // That run has ended: nothing of it is told again.
    fs::remove_file(path_of(11)).map_err(told)?;
    sample(&arguments)?.ended_with(0)?;
    compare(&read_results(&out)?, &sample_files::facts(&folder)?)?;
    fs::remove_dir_all(&folder).map_err(told)?;
    Ok(Verdict::Fine)
}

fn seed_runs() -> Result<Verdict> {
    sample(&["--seed".as_ref(), "--memory".as_ref()])?.ended_with(0)?;
    Ok(Verdict::Fine)
}

fn missing_folder_is_told() -> Result<Verdict> {
    let folder = root().join("target/there-is-no-such-folder");
    let said = sample(&[folder.as_os_str(), "--memory".as_ref()])?.ended_with(2)?;
    if said.contains("there-is-no-such-folder") {
        return Ok(Verdict::Fine);
    }
    Err(format!("it does not say which folder:\n{said}"))
}

struct Ended {
    command: String,
    code: Option<i32>,
    said: String,
}

impl Ended {
    fn ended_with(self, code: i32) -> Result<String> {
        if self.code == Some(code) {
            return Ok(self.said);
        }
        let ended = self.code.map_or("no exit code".to_owned(), |c| format!("exit code {c}"));
        Err(format!("`{}` ended with {ended}, not {code}:\n{}", self.command, self.said))
    }
}

fn sample(arguments: &[&OsStr]) -> Result<Ended> {
    let mut command = dotnet();
    command.args(["run", "--project", PROJECT, "-c", "Release", "--no-build", "--"]).args(arguments);
    let mut command = within(Duration::from_secs(600), command);
    let output = capture(&mut command)?;
    Ok(Ended { command: line(&command), code: output.code, said: output.stdout + &output.stderr })
}

/// A place for the sample to write to, empty before it does.
fn output_file(name: &str) -> Result<PathBuf> {
    let folder = root().join("target/sample-results");
    folders::make(&folder)?;
    let file = folder.join(name);
    match fs::remove_file(&file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("cannot remove {}: {e}", file.display())),
        _ => Ok(file),
    }
}

/// The lines of a `--json` file, in its order.
fn read_results(file: &Path) -> Result<Vec<(String, Facts)>> {
    let text = fs::read_to_string(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    let line = |(number, line): (usize, &str)| {
        result_of(line).map_err(|what| format!("{}:{}: {what}", file.display(), number + 1))
    };
    text.lines().enumerate().map(line).collect()
}

fn result_of(line: &str) -> Result<(String, Facts)> {
    let value = json::parse(line)?;
    let facts = Facts {
        bytes: value.number("bytes")?,
        lines: value.number("lines")?,
        words: value.number("words")?,
        sha256: value.text("sha256")?.to_owned(),
    };
    if value.number("attempt")? == 0 {
        return Err("attempt is 0: nothing has run".to_owned());
    }
    Ok((value.text("path")?.to_owned(), facts))
}

fn compare(results: &[(String, Facts)], expected: &BTreeMap<String, Facts>) -> Result<()> {
    // The generator writes no names for which the orders of UTF-8 and UTF-16 differ, so there is only one way to sort.
    if let Some(pair) = results.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
        return Err(format!("not sorted, or twice: {:?} stands before {:?}", pair[0].0, pair[1].0));
    }
    let mut wrong = Vec::new();
    for (path, facts) in results {
        match expected.get(path) {
            Some(truth) if truth == facts => {}
            truth => wrong.push(format!("{path}: the sample says {facts:?}, the truth is {truth:?}")),
        }
    }
    let said: std::collections::BTreeSet<_> = results.iter().map(|(path, _)| path).collect();
    wrong.extend(expected.keys().filter(|path| !said.contains(path)).map(|path| format!("{path}: it is missing")));
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{} of {} files differ:\n{}", wrong.len(), expected.len(), wrong[..wrong.len().min(10)].join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(bytes: u64) -> Facts {
        Facts { bytes, lines: 0, words: 1, sha256: "ab".to_owned() }
    }

    #[test]
    fn a_wrong_a_missing_and_a_doubled_file_are_found() {
        let expected = BTreeMap::from([("a".to_owned(), facts(1)), ("b".to_owned(), facts(2))]);
        let results = |list: &[(&str, u64)]| list.iter().map(|(p, n)| (p.to_string(), facts(*n))).collect::<Vec<_>>();
        assert!(compare(&results(&[("a", 1), ("b", 2)]), &expected).is_ok());
        assert!(compare(&results(&[("a", 1), ("b", 3)]), &expected).is_err());
        assert!(compare(&results(&[("a", 1)]), &expected).is_err());
        assert!(compare(&results(&[("a", 1), ("a", 1), ("b", 2)]), &expected).is_err());
        assert!(compare(&results(&[("b", 2), ("a", 1)]), &expected).is_err());
        assert!(compare(&results(&[("a", 1), ("b", 2), ("c", 2)]), &expected).is_err());
    }

    #[test]
    fn a_line_of_results_is_read() {
        let line = r#"{"path":"a/b","bytes":1,"lines":0,"words":1,"sha256":"ab","attempt":1,"user":"u"}"#;
        assert_eq!(result_of(line), Ok(("a/b".to_owned(), facts(1))));
        assert!(result_of(&line.replace("\"attempt\":1", "\"attempt\":0")).is_err());
    }
}
