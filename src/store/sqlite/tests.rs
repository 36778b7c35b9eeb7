use super::*;
use crate::store::conformance::{self, plain_task, Subject};
use crate::store::durable::{apply, Answer, Change, Move};
use std::fs;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("backrun-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn options(&self) -> SqliteOptions {
        SqliteOptions { owner_wait: Duration::ZERO, ..SqliteOptions::new(self.0.join("tasks.db")) }
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.options()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The ids of all that the store knows.
fn known(store: &SqliteStore) -> Vec<TaskId> {
    let all = store.list(&Page { limit: 100, ..Page::default() }).unwrap();
    all.iter().map(|task| task.id).collect()
}

impl Subject for Folder {
    fn open(&self) -> Box<dyn Store> {
        Box::new(Folder::open(self))
    }

    /// A copy of the files as they are, which is what a process that is killed leaves.
    fn kill(&self, store: Box<dyn Store>) {
        let copy = Folder::new(&format!("{}-killed", self.0.file_name().unwrap().to_string_lossy()));
        for file in fs::read_dir(&self.0).unwrap().flatten() {
            fs::copy(file.path(), copy.0.join(file.file_name())).unwrap();
        }
        drop(store);
        for file in fs::read_dir(&self.0).unwrap().flatten() {
            fs::remove_file(file.path()).unwrap();
        }
        for file in fs::read_dir(&copy.0).unwrap().flatten() {
            fs::copy(file.path(), self.0.join(file.file_name())).unwrap();
        }
    }
}

#[test]
fn it_keeps_the_word_of_every_durable_store() {
    conformance::run_all(|name| Box::new(Folder::new(name)));
}

#[test]
fn a_file_that_another_one_has_is_refused_by_its_number_and_free_at_its_end() {
    let folder = Folder::new("owner");
    let first = folder.open();
    let error = SqliteStore::open(folder.options()).err().unwrap().to_string();
    assert!(error.contains(&format!("in use by process {}", std::process::id())), "{error}");
    drop(first);
    folder.open();
}

#[test]
fn a_file_of_another_program_and_one_of_a_newer_version_are_refused_and_left_as_they_are() {
    let folder = Folder::new("foreign");
    let path = folder.options().path;
    let foreign = Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)").unwrap();
    drop(foreign);
    let error = SqliteStore::open(folder.options()).err().unwrap().to_string();
    assert!(error.contains("another program"), "{error}");
    fs::remove_file(&path).unwrap();
    drop(folder.open());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStore::open(folder.options()).err().unwrap().to_string();
    assert!(error.contains("newer Backrun"), "{error}");
}

#[test]
fn what_is_no_database_is_refused_and_left_as_it_is() {
    let folder = Folder::new("garbage");
    let path = folder.options().path;
    fs::write(&path, vec![b'x'; 10_000]).unwrap();
    let error = SqliteStore::open(folder.options()).err().unwrap().to_string();
    assert!(error.contains("not a database"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), vec![b'x'; 10_000]);
}

#[test]
fn of_what_has_ended_the_newest_are_kept_also_after_the_next_start() {
    let folder = Folder::new("retention");
    let options = SqliteOptions { keep_finished: 3, ..folder.options() };
    let finish = |store: &SqliteStore, count: usize| {
        let mut ids = Vec::new();
        for _ in 0..count {
            let id = store.reserve_ids(1).unwrap();
            let end = Change::Move { id, claims: 1, uncounted: 0, now_us: 1, to: Move::DONE };
            assert_eq!(apply(store, vec![Change::Accept(Box::new(plain_task(id))), end]).unwrap(), [Answer::Done; 2]);
            ids.push(id);
        }
        ids
    };
    let store = SqliteStore::open(options.clone()).unwrap();
    let first = finish(&store, 5);
    assert_eq!(known(&store), first[2..]);
    drop(store);
    let store = SqliteStore::open(options).unwrap();
    let second = finish(&store, 2);
    assert_eq!(known(&store), [first[4], second[0], second[1]]);
    // What somebody forgets takes no other one with it.
    apply(&store, vec![Change::Forget(second[0])]).unwrap();
    let third = finish(&store, 1);
    assert_eq!(known(&store), [first[4], second[1], third[0]]);
}

#[test]
fn of_dead_tasks_the_newest_are_kept_and_one_that_is_tried_again_is_none() {
    let folder = Folder::new("dead");
    let options = SqliteOptions { keep_dead: 2, ..folder.options() };
    let die = |store: &SqliteStore| {
        let id = store.reserve_ids(1).unwrap();
        let failure = crate::task::Failure::message("no luck");
        let end = Change::Move { id, claims: 1, uncounted: 0, now_us: 1, to: Move::Dead { failure } };
        assert_eq!(apply(store, vec![Change::Accept(Box::new(plain_task(id))), end]).unwrap(), [Answer::Done; 2]);
        id
    };
    let store = SqliteStore::open(options.clone()).unwrap();
    let first: Vec<_> = (0..3).map(|_| die(&store)).collect();
    assert_eq!(known(&store), first[1..]);
    let again = Change::Move { id: first[1], claims: 1, uncounted: 1, now_us: 2, to: Move::Ready };
    assert_eq!(apply(&store, vec![again]).unwrap(), [Answer::Done]);
    drop(store);
    let store = SqliteStore::open(options).unwrap();
    let second: Vec<_> = (0..2).map(|_| die(&store)).collect();
    assert_eq!(known(&store), [first[1], second[0], second[1]], "the one that is tried again does not count");
    let notes: i64 = store.reader().query_row("SELECT count(*) FROM note", [], |row| row.get(0)).unwrap();
    assert_eq!(notes, 3);
    apply(&store, vec![Change::Forget(second[0])]).unwrap();
    let third = die(&store);
    assert_eq!(known(&store), [first[1], second[1], third]);
}

#[test]
fn what_has_ended_longer_ago_than_it_is_kept_goes_with_the_next_commit() {
    let folder = Folder::new("age");
    let store = folder.open();
    let end = |now_us: i64, to: Move| {
        let id = store.reserve_ids(1).unwrap();
        let end = Change::Move { id, claims: 1, uncounted: 0, now_us, to };
        assert_eq!(apply(&store, vec![Change::Accept(Box::new(plain_task(id))), end]).unwrap(), [Answer::Done; 2]);
        id
    };
    let dead = || Move::Dead { failure: crate::task::Failure::message("no luck") };
    let now_us = crate::sys::unix_micros();
    let two_hours_ago = now_us - 2 * 3_600_000_000;
    let finished = [two_hours_ago, now_us].map(|at| end(at, Move::DONE));
    let died = [two_hours_ago, now_us, two_hours_ago].map(|at| end(at, dead()));
    let again = Change::Move { id: died[2], claims: 1, uncounted: 1, now_us, to: Move::Ready };
    apply(&store, vec![again]).unwrap();
    drop(store);
    let store =
        SqliteStore::open(SqliteOptions { keep_for: Some(Duration::from_secs(3600)), ..folder.options() }).unwrap();
    assert_eq!(known(&store), [finished[0], finished[1], died[0], died[1], died[2]], "nothing was committed yet");
    let next = store.reserve_ids(1).unwrap();
    assert_eq!(known(&store), [finished[1], died[1], died[2]]);
    assert_eq!(store.get(died[2]).unwrap().unwrap().failure.unwrap().text(), "no luck", "it has not ended any more");
    let notes: i64 = store.reader().query_row("SELECT count(*) FROM note", [], |row| row.get(0)).unwrap();
    assert_eq!(notes, 2);
    // The numbers by which surplus is reckoned are right still.
    drop(store);
    let store = SqliteStore::open(SqliteOptions { keep_dead: 1, keep_finished: 1, ..folder.options() }).unwrap();
    apply(&store, vec![Change::Accept(Box::new(plain_task(next)))]).unwrap();
    assert_eq!(known(&store), [finished[1], died[1], died[2], next]);
}

#[test]
fn what_is_left_is_told_as_it_was_at_the_opening_and_looked_at_anew_once_something_has_changed() {
    let folder = Folder::new("left");
    let store = folder.open();
    let ids: Vec<_> = (0..3).map(|_| store.reserve_ids(1).unwrap()).collect();
    let accept = |id: TaskId| Change::Accept(Box::new(plain_task(id)));
    apply(&store, ids.iter().map(|id| accept(*id)).collect()).unwrap();
    drop(store);
    let store = folder.open();
    let left =
        |store: &SqliteStore| store.unfinished().unwrap().first().map(|name| (name.count, name.first, name.last));
    let end = |id: TaskId| Change::Move {
        id,
        claims: 1,
        uncounted: 0,
        now_us: 1,
        to: Move::Succeeded { result: None, result_until_us: None },
    };
    assert_eq!(left(&store), Some((3, ids[0], ids[2])));
    drop(store);
    let store = folder.open();
    apply(&store, vec![end(ids[0])]).unwrap();
    assert_eq!(left(&store), Some((2, ids[1], ids[2])), "it was asked for after a change");
    apply(&store, vec![end(ids[1]), end(ids[2])]).unwrap();
    assert_eq!(left(&store), None);
}
