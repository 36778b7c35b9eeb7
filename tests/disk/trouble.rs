//! What goes wrong with a disk, and what then becomes of what is asked for: a clear error, nothing accepted falsely, and when the cause is
//! gone it goes on.

use crate::cut::Image;
use crate::disk::{Call, Disk, Kind, Mounted, Part, Verdict, NAME};
use crate::random::Random;
use crate::workload::options;
use backrun::store::conformance::{full_task, plain_task};
use backrun::store::durable::{apply, Answer, Change, Page, Store, StoredTask};
use backrun::store::sqlite::SqliteStore;
use backrun::{Error, TaskId};
use rusqlite::ffi;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn disk() -> Mounted {
    Disk::mount(&Image::default())
}

fn open(disk: &Disk) -> Result<SqliteStore, Error> {
    SqliteStore::open(options(disk))
}

fn refusal(disk: &Disk) -> String {
    open(disk).err().expect("it does not open").to_string()
}

fn accept(store: &SqliteStore) -> (TaskId, Result<Vec<Answer>, Error>) {
    let id = store.reserve_ids(1).unwrap();
    let mut task = plain_task(id);
    task.payload = vec![7; 10_000];
    (id, apply(store, vec![Change::Accept(Box::new(task))]))
}

fn accepted(store: &SqliteStore) -> TaskId {
    let (id, answer) = accept(store);
    assert_eq!(answer.unwrap(), [Answer::Done]);
    id
}

fn all(store: &SqliteStore) -> Result<Vec<StoredTask>, Error> {
    store.list(&Page { limit: usize::MAX, ..Page::default() })
}

fn ids(store: &SqliteStore) -> Vec<TaskId> {
    all(store).unwrap().iter().map(|task| task.id).collect()
}

/// The files as a kill would leave them.
fn copy(disk: &Disk) -> Mounted {
    let mut image = Image::default();
    for file in fs::read_dir(disk.folder()).unwrap().flatten() {
        image.files.insert(file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap());
    }
    Disk::mount(&image)
}

/// While the disk does this, every batch is refused by an error that says so; then it goes on, and what was refused is not there.
fn refused_while(said: &str, rule: impl FnMut(&Call) -> Verdict + Send + 'static) {
    let disk = disk();
    let store = open(&disk).unwrap();
    let mut there = vec![accepted(&store)];
    disk.set_rule(rule);
    for _ in 0..5 {
        let (id, answer) = accept(&store);
        let error = answer.unwrap_err().to_string();
        assert!(error.contains(said) && error.contains(disk.path().to_str().unwrap()), "{error}");
        assert_eq!(store.get(id).unwrap(), None);
    }
    assert_eq!(ids(&store), there, "what is there can be read meanwhile");
    disk.works_again();
    there.extend([accepted(&store), accepted(&store)]);
    assert_eq!(ids(&store), there);
    assert_eq!(ids(&open(&copy(&disk)).unwrap()), there, "as the next process sees it");
    store.close().unwrap();
    drop(store);
    assert_eq!(ids(&open(&disk).unwrap()), there);
}

#[test]
fn on_a_full_disk_nothing_is_accepted_until_there_is_room() {
    refused_while("the disk is full; make room", |call| match call.kind {
        Kind::Write if call.at + call.len > call.size => Verdict::Fail(ffi::SQLITE_FULL),
        _ => Verdict::Do,
    });
}

#[test]
fn while_syncs_fail_nothing_is_accepted_as_committed() {
    refused_while("the disk has failed to read or to write", |call| match call.kind {
        Kind::Sync => Verdict::Fail(ffi::SQLITE_IOERR_FSYNC),
        _ => Verdict::Do,
    });
}

#[test]
fn while_writes_fail_nothing_is_accepted() {
    refused_while("the disk has failed to read or to write", |call| match call.kind {
        Kind::Write => Verdict::Fail(ffi::SQLITE_IOERR_WRITE),
        _ => Verdict::Do,
    });
}

#[test]
fn a_full_disk_at_the_first_start_is_an_error_and_the_next_start_works() {
    let disk = disk();
    disk.set_rule(|call| match call.kind {
        Kind::Write if call.part == Part::Main => Verdict::Fail(ffi::SQLITE_FULL),
        _ => Verdict::Do,
    });
    let error = refusal(&disk);
    assert!(error.contains("the disk is full; make room") && error.contains(NAME), "{error}");
    disk.works_again();
    accepted(&open(&disk).unwrap());
}

#[test]
fn a_place_that_cannot_be_read_is_an_error_and_no_task_is_said_not_to_be_there() {
    let disk = disk();
    let store = open(&disk).unwrap();
    let there = accepted(&store);
    store.close().unwrap();
    drop(store);
    let store = open(&disk).unwrap();
    disk.set_rule(|call| match call.kind {
        Kind::Read => Verdict::Fail(ffi::SQLITE_IOERR_READ),
        _ => Verdict::Do,
    });
    let error = store.get(there).unwrap_err().to_string();
    assert!(error.contains("the disk has failed to read") && error.contains(NAME), "{error}");
    disk.works_again();
    assert_eq!(ids(&store), [there]);
}

/// While the file is gone nothing is accepted; what is done when it is back goes on.
fn refused_while_gone(name: &str, said: &str, make_another: impl FnOnce(&Path)) {
    let disk = disk();
    let store = open(&disk).unwrap();
    let first = accepted(&store);
    assert_eq!(ids(&store), [first]);
    let (path, aside) = (disk.folder().join(name), disk.folder().join("aside"));
    fs::rename(&path, &aside).unwrap();
    make_another(&path);
    for _ in 0..3 {
        let (id, answer) = accept(&store);
        let error = answer.unwrap_err().to_string();
        assert!(error.contains(said) && error.contains(path.to_str().unwrap()), "{error}");
        assert_eq!(store.get(id).unwrap(), None);
    }
    fs::rename(&aside, &path).unwrap();
    let second = accepted(&store);
    assert_eq!(ids(&store), [first, second]);
    assert_eq!(ids(&open(&copy(&disk)).unwrap()), [first, second]);
}

#[test]
fn nothing_is_accepted_into_a_file_that_was_deleted_or_moved_away() {
    refused_while_gone(NAME, "deleted or moved away", |_| ());
    refused_while_gone(&format!("{NAME}-wal"), "deleted or moved away", |_| ());
}

#[test]
fn nothing_is_accepted_into_a_file_in_whose_place_another_one_was_put_and_that_one_is_left_alone() {
    refused_while_gone(NAME, "replaced", |path| fs::write(path, "theirs").unwrap());
    let disk = disk();
    let store = open(&disk).unwrap();
    accepted(&store);
    fs::rename(disk.path(), disk.folder().join("aside")).unwrap();
    fs::write(disk.path(), "theirs").unwrap();
    assert!(accept(&store).1.is_err());
    assert!(store.close().is_err(), "the end is not said to be clean");
    drop(store);
    assert_eq!(fs::read(disk.path()).unwrap(), b"theirs");
}

#[test]
fn a_batch_is_not_said_to_be_safe_if_its_file_is_deleted_during_the_commit() {
    let disk = disk();
    let store = open(&disk).unwrap();
    accepted(&store);
    let path = disk.path();
    disk.set_rule(move |call| {
        if call.kind == Kind::Sync {
            let _ = fs::remove_file(&path);
        }
        Verdict::Do
    });
    let error = accept(&store).1.unwrap_err().to_string();
    assert!(error.contains("deleted or moved away"), "{error}");
}

#[test]
fn after_a_clean_end_the_file_alone_is_everything() {
    let disk = disk();
    let store = open(&disk).unwrap();
    let there = [accepted(&store), accepted(&store)];
    store.close().unwrap();
    drop(store);
    let alone = Disk::mount(&Image { files: [(NAME.to_owned(), fs::read(disk.path()).unwrap())].into() });
    assert_eq!(ids(&open(&alone).unwrap()), there);
}

#[test]
fn the_log_is_put_back_into_the_tables_before_it_is_large_whatever_the_tasks_are() {
    let disk = disk();
    let store = open(&disk).unwrap();
    let mut most = 0;
    // Many small commits, then few large ones: what was reckoned of the first does not hold for the others.
    for bytes in [vec![10; 700], vec![100_000; 250], vec![10; 300]].concat() {
        let id = store.reserve_ids(1).unwrap();
        let task = StoredTask { payload: vec![1; bytes], ..plain_task(id) };
        apply(&store, vec![Change::Accept(Box::new(task))]).unwrap();
        most = most.max(fs::metadata(disk.folder().join(format!("{NAME}-wal"))).unwrap().len());
    }
    println!("the log had {most} bytes at most");
    assert!(most > 1 << 20, "it is not put back all the time: {most}");
    assert!(most < 20 << 20, "{most}");
}

/// Runs something as a user who may do nothing special. In a thread of its own, since it is for good.
fn as_nobody(body: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            // SAFETY: two integers; it is this thread's user for files only, as Linux has it. Where it may not be changed, it is a user
            // who may do nothing special already.
            unsafe { libc::setfsuid(65_534) };
            body();
        });
        run.join().unwrap();
    });
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_that_may_not_be_written_to_is_an_error_that_names_it() {
    let disk = disk();
    allow(disk.folder(), 0o555);
    as_nobody(|| {
        let error = refusal(&disk);
        assert!(error.contains("Permission denied") && error.contains(disk.path().to_str().unwrap()), "{error}");
    });
    allow(disk.folder(), 0o777);
    as_nobody(|| _ = accepted(&open(&disk).unwrap()));
}

#[test]
fn a_file_that_may_only_be_read_is_an_error_that_says_who_must_be_let() {
    let disk = disk();
    let store = open(&disk).unwrap();
    let there = accepted(&store);
    store.close().unwrap();
    drop(store);
    allow(disk.folder(), 0o777);
    for file in fs::read_dir(disk.folder()).unwrap().flatten() {
        allow(&file.path(), if file.file_name() == NAME { 0o444 } else { 0o666 });
    }
    as_nobody(|| {
        let error = refusal(&disk);
        assert!(error.contains("may only be read by this user") && error.contains(NAME), "{error}");
    });
    allow(&disk.path(), 0o666);
    as_nobody(|| assert_eq!(ids(&open(&disk).unwrap()), [there]));
}

#[test]
fn a_folder_that_is_not_there_is_an_error_that_names_the_file() {
    let disk = disk();
    fs::remove_dir_all(disk.folder()).unwrap();
    let error = refusal(&disk);
    assert!(error.contains("No such file") && error.contains(NAME), "{error}");
}

/// A file of some pages, closed cleanly, with every kind of task.
fn pages() -> Vec<u8> {
    let disk = disk();
    let store = open(&disk).unwrap();
    for number in 0..60 {
        let id = store.reserve_ids(1).unwrap();
        let mut task = if number % 3 == 0 { full_task(id) } else { plain_task(id) };
        task.payload = vec![number as u8; 10 + 97 * (number % 20)];
        assert_eq!(apply(&store, vec![Change::Accept(Box::new(task))]).unwrap(), [Answer::Done]);
    }
    store.close().unwrap();
    drop(store);
    fs::read(disk.path()).unwrap()
}

#[test]
fn a_file_with_flipped_bytes_is_read_or_refused_with_its_name_and_never_ends_the_process() {
    let (whole, mut random) = (pages(), Random(3));
    let (mut refused, mut read) = (0, 0);
    for _ in 0..150 {
        let mut file = whole.clone();
        for _ in 0..1 + random.below(8) {
            // Mostly where SQLite keeps the order of a page.
            let page = random.below(file.len() as u64 / 4096) * 4096;
            let within = if random.percent(70) { random.below(100) } else { random.below(4096) };
            file[(page + within) as usize] ^= 1 + random.below(255) as u8;
        }
        let disk = Disk::mount(&Image { files: [(NAME.to_owned(), file)].into() });
        let result = open(&disk).and_then(|store| {
            all(&store)?;
            store.stored()?;
            store.unfinished()?;
            let next = store.reserve_ids(1)?;
            apply(&store, vec![Change::Accept(Box::new(plain_task(next)))])?;
            store.close()
        });
        match result {
            Ok(()) => read += 1,
            Err(Error::Store(text)) => {
                assert!(text.contains(NAME), "{text}");
                refused += 1;
            }
            // An id that is none: the counter itself was hit.
            Err(Error::InvalidArgument(_)) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    println!("{refused} refused, {read} read");
    assert!(refused > 20 && read > 5, "{refused} refused, {read} read");
}
