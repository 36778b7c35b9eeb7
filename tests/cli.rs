//! The program `backrun`, on a file that an engine has left and beside one that has it.
#![cfg(feature = "cli")]

#[path = "common/folder.rs"]
mod folder;

use backrun::{
    Engine, EngineOptions, Failure, Outcome, RetryPolicy, ShutdownMode, State, StoreKind, Submission, TaskContext,
    TaskId,
};
use folder::Folder;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::Mutex;
use std::time::Duration;

const SOON: Option<Duration> = Some(Duration::from_secs(20));

struct Ran {
    success: bool,
    out: String,
    error: String,
    bytes: Vec<u8>,
}

fn backrun(arguments: &[&str], file: &Path, more: &[&str], input: &[u8]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backrun"));
    command.args(arguments).arg(file).args(more);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        success: output.status.success(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        error: String::from_utf8_lossy(&output.stderr).into_owned(),
        bytes: output.stdout,
    }
}

fn done(arguments: &[&str], file: &Path, more: &[&str]) -> String {
    let ran = backrun(arguments, file, more, b"");
    assert!(ran.success, "{arguments:?}: {}{}", ran.out, ran.error);
    ran.out
}

fn engine(file: &Path) -> Engine {
    let mut options = EngineOptions::default();
    options.workers = Some(1);
    options.store =
        StoreKind::Sqlite { path: file.into(), owner_wait: Some(Duration::ZERO), keep_for: None, encryption: None };
    Engine::start(options).unwrap()
}

/// A succeeded, a dead, a scheduled and a cancelled task, in this order.
fn fill(engine: &Engine) -> [TaskId; 4] {
    engine
        .register("import-contacts", |task: &TaskContext<'_>| {
            if task.payload() == [0xc0] {
                return Outcome::Fatal(Failure::new("System.Exception", "no such file\nsecond line", "at Import()"));
            }
            task.set_result(&[0x2a]).unwrap();
            Outcome::Done
        })
        .unwrap();
    // {"path": "a"}
    let payload = [0x81, 0xa4, b'p', b'a', b't', b'h', 0xa1, b'a'];
    let mut submission = Submission::new("import-contacts", &payload).user_context(b"secret");
    submission.headers.push(("culture", "de-DE"));
    let succeeded = engine.submit(&submission).unwrap();
    let dead = engine.submit(&Submission::new("import-contacts", &[0xc0])).unwrap();
    submission.delay = Duration::from_secs(3600);
    submission.retry = Some(RetryPolicy::attempts(7));
    let scheduled = engine.submit(&submission).unwrap();
    let cancelled = engine.submit(&submission).unwrap();
    engine.cancel(cancelled, "not wanted").unwrap();
    assert_eq!(engine.wait(succeeded, SOON).unwrap().state, State::Succeeded);
    assert_eq!(engine.wait(dead, SOON).unwrap().state, State::Dead);
    [succeeded, dead, scheduled, cancelled]
}

fn end(engine: Engine) {
    engine.shutdown(ShutdownMode::Cancel, SOON).unwrap();
}

#[test]
fn list_show_stats_check_and_export_work_beside_a_running_engine() {
    let folder = Folder::new();
    let file = folder.file();
    let engine = engine(&file);
    let [succeeded, dead, scheduled, _] = fill(&engine);
    let listed = done(&["list"], &file, &[]);
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 5, "{listed}");
    assert!(
        lines[2].contains(&format!("{dead}  dead")) && lines[2].ends_with("import-contacts: no such file"),
        "{listed}"
    );
    assert_eq!(done(&["list"], &file, &["--state", "dead", "--json"]).lines().count(), 1);
    assert_eq!(done(&["list"], &file, &["--limit", "2", "--json"]).lines().count(), 2);
    assert_eq!(done(&["list"], &file, &["--name", "nobody"]), "");
    let shown = done(&["show"], &file, &[&scheduled.to_string()]);
    for part in ["\"path\": \"a\"", "\"culture\": \"de-DE\"", "\"state\": \"scheduled\"", "\"user_context_bytes\": 6"] {
        assert!(shown.contains(part), "{part} is in {shown}");
    }
    assert!(!shown.contains("secret"));
    assert!(done(&["show"], &file, &[&succeeded.to_string()]).contains("\"result\": 42"));
    assert!(done(&["show"], &file, &[&dead.to_string()]).contains("at Import()"));
    assert!(done(&["stats"], &file, &[]).contains("           1  not ended of 'import-contacts'"));
    assert!(done(&["check"], &file, &[]).contains("is sound: 4 tasks"));
    assert_eq!(done(&["export"], &file, &[]).lines().count(), 2, "what has a payload");
    // What would change something is refused, by the number of who has the file.
    for arguments in [&["cancel"][..], &["retry"], &["purge"], &["import"]] {
        let more: &[&str] =
            if arguments[0].len() == 6 && arguments[0] != "import" || arguments[0] == "retry" { &["1"] } else { &[] };
        let ran = backrun(arguments, &file, more, b"");
        assert!(
            !ran.success && ran.error.contains(&format!("in use by process {}", std::process::id())),
            "{}",
            ran.error
        );
    }
    end(engine);
}

#[test]
fn a_run_that_was_asked_to_stop_is_shown_with_the_reason_and_not_exported() {
    let folder = Folder::new();
    let file = folder.file();
    let engine = engine(&file);
    let (came, comes) = channel();
    let (end_it, ends) = channel::<()>();
    let ends = Mutex::new(ends);
    let handler = move |task: &TaskContext<'_>| {
        came.send(task.id()).unwrap();
        let _ = ends.lock().unwrap().recv();
        Outcome::Cancelled
    };
    engine.register("waits", handler).unwrap();
    let id = engine.submit(&Submission::new("waits", &[0xc0])).unwrap();
    assert_eq!(comes.recv_timeout(SOON.unwrap()).unwrap(), id);
    assert_eq!(done(&["export"], &file, &[]).lines().count(), 1, "nobody has asked it to stop");
    engine.cancel(id, "not wanted").unwrap();
    let shown = done(&["show"], &file, &[&id.to_string()]);
    assert!(shown.contains("\"running\"") && shown.contains("not wanted"), "{shown}");
    assert_eq!(done(&["export"], &file, &[]), "");
    end_it.send(()).unwrap();
    assert_eq!(engine.wait(id, SOON).unwrap().state, State::Cancelled);
    end(engine);
}

#[test]
fn retry_cancel_and_purge_do_what_the_next_engine_sees() {
    let folder = Folder::new();
    let file = folder.file();
    let first = engine(&file);
    let [succeeded, dead, scheduled, cancelled] = fill(&first);
    end(first);
    assert!(done(&["retry"], &file, &["--all"]).contains(&format!("task {dead}: ready to run again")));
    assert!(done(&["cancel"], &file, &[&scheduled.to_string(), "--reason", "by hand"]).contains("cancelled"));
    let again = backrun(&["cancel"], &file, &[&succeeded.to_string(), "999"], b"");
    assert!(!again.success && again.out.contains("it is succeeded, which cannot be cancelled"), "{}", again.out);
    assert!(again.out.contains("task 999: there is no such task"), "{}", again.out);
    assert_eq!(done(&["purge"], &file, &["--older-than", "1h"]), "0 tasks are forgotten\n");
    assert_eq!(done(&["purge"], &file, &["--state", "succeeded"]), "1 tasks are forgotten\n");
    let engine = engine(&file);
    assert!(engine.status(succeeded).is_none());
    assert_eq!(&*engine.status(scheduled).unwrap().cancel_reason, "by hand");
    assert_eq!(engine.status(cancelled).unwrap().state, State::Cancelled);
    engine.register("import-contacts", |task: &TaskContext<'_>| assert_eq!(task.attempt(), 1)).unwrap();
    assert_eq!(engine.wait(dead, SOON).unwrap().state, State::Succeeded);
    end(engine);
}

#[test]
fn what_is_exported_is_imported_bit_for_bit_in_both_forms() {
    let folder = Folder::new();
    let file = folder.file();
    let first = engine(&file);
    fill(&first);
    end(first);
    for form in [&[][..], &["--messagepack"]] {
        let exported = backrun(&["export"], &file, form, b"").bytes;
        let other = folder.0.join(format!("other-{}.db", form.len()));
        let imported = backrun(&["import"], &other, form, &exported);
        assert!(imported.success && imported.out == "2 tasks are imported\n", "{}{}", imported.out, imported.error);
        // The ids are new ones, and the dead one is to run.
        let fields = |file: &Path| {
            let lines = done(&["export"], file, &[]);
            let without_id = lines.lines().map(|line| line.split_once(',').unwrap().1.replace("\"dead\"", "\"ready\""));
            without_id.collect::<Vec<_>>()
        };
        assert_eq!(fields(&other), fields(&file));
    }
    let ran = backrun(&["import"], &folder.0.join("bad.db"), &[], b"{\"id\":1}\n");
    assert!(!ran.success && ran.error.contains("line 1: missing field `state`"), "{}", ran.error);
    assert!(!folder.0.join("bad.db").exists());
}

#[test]
fn an_encrypted_file_is_looked_after_without_its_keys_and_shown_exported_and_encrypted_anew_with_them() {
    let folder = Folder::new();
    let file = folder.file();
    let first = engine(&file);
    let [_, dead, scheduled, _] = fill(&first);
    end(first);
    let keys = |name: &str, lines: &str| {
        let path = folder.0.join(name);
        std::fs::write(&path, lines).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let one = "k1 MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n";
    let old = keys("old", &format!("# made by hand\n\n{one}"));
    let both = keys("both", &format!("k2 ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=\n{one}"));
    let exported = done(&["export"], &file, &[]);
    assert_eq!(done(&["encrypt"], &file, &["--keys", &old]), "3 tasks are encrypted\n");
    let id = dead.to_string();
    let shown = done(&["show"], &file, &[&id]);
    assert!(shown.contains(r#""encrypted_with": "k1""#) && shown.contains("which was not given"), "{shown}");
    assert!(done(&["show", "--keys", &old], &file, &[&id]).contains(r#""payload": null"#));
    assert!(done(&["list"], &file, &[]).contains("import-contacts"));
    assert!(done(&["stats"], &file, &[]).contains("3  encrypted with key 'k1'"));
    assert!(done(&["check"], &file, &["--keys", &old]).contains("is sound"));
    let refused = backrun(&["export"], &file, &[], b"");
    assert!(!refused.success && refused.error.contains("pass --keys FILE"), "{}", refused.error);
    assert_eq!(done(&["export", "--keys", &old], &file, &[]), exported);
    assert_eq!(done(&["encrypt", "--keys", &both], &file, &[]), "3 tasks are encrypted\n");
    assert!(done(&["stats"], &file, &[]).contains("3  encrypted with key 'k2'"));
    // Who has no keys can move and forget all the same, and add nothing.
    assert!(done(&["cancel"], &file, &[&scheduled.to_string()]).contains("cancelled"));
    let refused = backrun(&["import"], &file, &[], exported.as_bytes());
    assert!(!refused.success && refused.error.contains("'k2', which was not given"), "{}", refused.error);
    assert!(backrun(&["import", "--keys", &both], &file, &[], exported.as_bytes()).success);
    assert!(done(&["vacuum"], &file, &[]).contains("bytes, and has"));
    for (lines, what) in
        [("k1\n", "line 1"), ("k1 AAA$\n", "not base64"), ("# none\n", "has no keys"), ("k1 AAAA\n", "3 bytes")]
    {
        let refused = backrun(&["show", "--keys", &keys("bad", lines)], &file, &[&id], b"");
        assert!(!refused.success && refused.error.contains(what), "{}", refused.error);
    }
    assert!(backrun(&["encrypt"], &file, &[], b"").error.contains("pass --keys"));
}

#[test]
fn wrong_arguments_and_files_are_told_with_what_to_do() {
    let folder = Folder::new();
    let missing = folder.0.join("none.db");
    for command in ["list", "check", "stats", "purge"] {
        let ran = backrun(&[command], &missing, &[], b"");
        assert!(!ran.success && ran.error.contains("none.db"), "{command}: {}", ran.error);
    }
    assert!(!missing.exists(), "looking makes no file");
    std::fs::write(
        folder.file(),
        b"this is no database, and long enough to look like one if nobody looked at its beginning",
    )
    .unwrap();
    assert!(!backrun(&["list"], &folder.file(), &[], b"").success);
    let ran = backrun(&["list"], &folder.file(), &["--state", "sleeping"], b"");
    assert!(ran.error.contains("pass scheduled, ready"), "{}", ran.error);
}
