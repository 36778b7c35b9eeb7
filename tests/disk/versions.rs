//! Files of older versions are brought up to date with all that is in them. `versions/N.sql` is a file of version N as SQLite dumps it, with a
//! task of every kind; a new version adds one (`the_file_of_this_version`), and none is changed once it is released.

use crate::cut::Image;
use crate::disk::{Disk, Mounted};
use crate::workload::options;
use backrun::store::conformance::{full_task, plain_task};
use backrun::store::durable::{apply, Answer, Change, InterruptedRun, Move, Page, RunAt, Store, StoredTask};
use backrun::store::sqlite::SqliteStore;
use backrun::{Failure, State, TaskId};
use rusqlite::types::Value;
use rusqlite::Connection;
use std::fmt::Write as _;
use std::path::PathBuf;

fn dump_of(version: i64) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/disk/versions/{version}.sql"))
}

fn version_of(file: &Connection) -> i64 {
    file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

fn rows(file: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut find = file.prepare(sql).unwrap();
    let columns = find.column_count();
    let all = find.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
    all.map(|row| row.unwrap()).collect()
}

fn schema(file: &Connection) -> Vec<Vec<Value>> {
    rows(file, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
}

fn id(number: i64) -> TaskId {
    TaskId::new(number).unwrap()
}

fn failure() -> Failure {
    Failure::new("Kind", "it's 'quoted'", "line 1\nline 2")
}

fn to(number: i64, claims: u32, to: Move) -> Change {
    Change::Move { id: id(number), claims, uncounted: 0, now_us: 1_700_000_001_000_000, to }
}

/// One of every kind, as it is after the next start. The file was killed: task 4 was pending.
fn tasks() -> Vec<StoredTask> {
    let ended =
        |number, state| StoredTask { state, claims: 1, finished_us: 1_700_000_001_000_000, ..plain_task(id(number)) };
    vec![
        full_task(id(1)),
        plain_task(id(2)),
        StoredTask {
            state: State::Scheduled,
            claims: 1,
            run_at: Some(RunAt::Elapsed(1_750_000_000_000)),
            failure: Some(failure()),
            ..plain_task(id(3))
        },
        StoredTask { claims: 1, uncounted: 1, crashes: 1, ..plain_task(id(4)) },
        StoredTask { failure: Some(failure()), ..ended(5, State::Dead) },
        StoredTask { result: Some(vec![1, 0, 255]), ..ended(6, State::Succeeded) },
        StoredTask { claims: 0, reason: Some("asked for".into()), ..ended(7, State::Cancelled) },
    ]
}

fn made_by_this_version() -> Mounted {
    let disk = Disk::mount(&Image::default());
    let store = SqliteStore::open(options(&disk)).unwrap();
    assert_eq!(store.reserve_ids(7).unwrap(), id(1));
    let mut changes = vec![Change::Accept(Box::new(full_task(id(1))))];
    changes.extend((2..=7).map(|number| Change::Accept(Box::new(plain_task(id(number))))));
    let later = Move::Scheduled { run_at: RunAt::Elapsed(1_750_000_000_000), failure: Some(failure()) };
    changes.extend([
        to(3, 1, later),
        to(4, 1, Move::Pending),
        to(5, 1, Move::Dead { failure: failure() }),
        to(6, 1, Move::Succeeded { result: Some(vec![1, 0, 255]), result_until_us: None }),
        to(7, 0, Move::Cancelled { reason: "asked for".into() }),
        Change::Pause("mails".into(), true),
    ]);
    let count = changes.len();
    assert_eq!(apply(&store, changes).unwrap(), vec![Answer::Done; count]);
    // What it says of a file that is in use is what it says of one that was killed.
    let text = dump(&Connection::open(disk.path()).unwrap());
    drop(store);
    let killed = Disk::mount(&Image::default());
    Connection::open(killed.path()).unwrap().execute_batch(&text).unwrap();
    killed
}

/// As `sqlite3 FILE .dump` says it.
fn dump(file: &Connection) -> String {
    let literal = |value: &Value| match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Blob(bytes) => format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    };
    let mut text = String::new();
    for pragma in ["application_id", "user_version"] {
        let value: i64 = file.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap();
        writeln!(text, "PRAGMA {pragma}={value};").unwrap();
    }
    text.push_str("BEGIN;\n");
    for kind in ["table", "index"] {
        let find =
            format!("SELECT name, sql FROM sqlite_schema WHERE type = '{kind}' AND sql IS NOT NULL ORDER BY name");
        for row in rows(file, &find) {
            let [Value::Text(name), Value::Text(sql)] = &row[..] else { panic!("{row:?}") };
            writeln!(text, "{sql};").unwrap();
            if kind == "table" {
                for row in rows(file, &format!("SELECT * FROM {name}")) {
                    let values: Vec<_> = row.iter().map(literal).collect();
                    writeln!(text, "INSERT INTO {name} VALUES ({});", values.join(",")).unwrap();
                }
            }
        }
    }
    text.push_str("COMMIT;\n");
    text
}

#[test]
fn a_file_of_every_version_there_was_is_brought_up_to_date_with_all_that_is_in_it() {
    let new = made_by_this_version();
    let fresh = Connection::open(new.path()).unwrap();
    let now = version_of(&fresh);
    for version in 1..=now {
        let dump = std::fs::read_to_string(dump_of(version)).unwrap_or_else(|cause| {
            panic!(
                "there is no file of version {version} ({cause}); BACKRUN_WRITE_VERSION=1 writes that of this version"
            )
        });
        let disk = Disk::mount(&Image::default());
        let old = Connection::open(disk.path()).unwrap();
        old.execute_batch(&dump).unwrap();
        assert_eq!(version_of(&old), version);
        let store = SqliteStore::open(options(&disk)).unwrap();
        assert_eq!(version_of(&old), now);
        assert_eq!(schema(&old), schema(&fresh), "version {version}, brought up to date, is what a new file is");
        assert_eq!(store.list(&Page { limit: 100, ..Page::default() }).unwrap(), tasks(), "version {version}");
        assert_eq!(store.paused().unwrap(), ["mails"]);
        assert_eq!(store.interrupted(), <[InterruptedRun; 0]>::default());
        assert!(store.reserve_ids(1).unwrap() > id(7));
    }
}

#[test]
fn the_file_of_this_version_is_the_newest_one_that_is_kept() {
    let new = made_by_this_version();
    let file = Connection::open(new.path()).unwrap();
    let path = dump_of(version_of(&file));
    if std::env::var_os("BACKRUN_WRITE_VERSION").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, dump(&file)).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let shown = path.display();
    assert!(
        kept == dump(&file),
        "a file of this version is not as {shown} has it. Before a release of it: BACKRUN_WRITE_VERSION=1 writes it anew. \
         Afterwards: the tables need a new version, and a migration"
    );
}
