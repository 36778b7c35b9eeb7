//! Encryption at rest: what lies in the file, and who can read it.

#[path = "common/folder.rs"]
mod folder;

use backrun::store::conformance::plain_task;
use backrun::store::durable::{apply, Change, Move, Page, Store, StoredTask};
use backrun::store::sqlite::{encrypt, SqliteOptions, SqliteStore, SqliteView};
use backrun::{
    Encryption, EncryptionKey, Engine, EngineOptions, Error, Failure, Outcome, QueueName, QueueOptions, ShutdownMode,
    State, StoreKind, Submission, TaskContext, TaskId, TaskOptions,
};
use folder::Folder;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

const SOON: Option<Duration> = Some(Duration::from_secs(20));
/// What nobody may find in a file.
const SECRETS: [&[u8]; 3] = [b"secret of the payload", b"secret of the user", b"secret of the result"];

fn key(id: &str) -> EncryptionKey {
    let secret: Vec<u8> = id.bytes().cycle().zip(1..=32u8).map(|(letter, place)| letter ^ place).collect();
    EncryptionKey::new(id, &secret).unwrap()
}

fn with(keys: &[&str]) -> Encryption {
    Encryption::with(keys.iter().map(|id| key(id)).collect())
}

fn required(keys: &[&str]) -> Encryption {
    let mut encryption = with(keys);
    encryption.required = true;
    encryption
}

fn options(file: &Path, encryption: Option<Encryption>) -> EngineOptions {
    let mut options = EngineOptions::default();
    options.workers = Some(1);
    options.store =
        StoreKind::Sqlite { path: file.into(), owner_wait: Some(Duration::ZERO), keep_for: None, encryption };
    options
}

fn engine(file: &Path, encryption: Option<Encryption>) -> Engine {
    Engine::start(options(file, encryption)).unwrap()
}

fn end(engine: Engine) {
    assert!(engine.shutdown(ShutdownMode::Cancel, SOON).unwrap().is_complete());
}

fn store_options(file: &Path, encryption: Option<Encryption>) -> SqliteOptions {
    let mut options = SqliteOptions::new(file);
    options.owner_wait = Duration::ZERO;
    options.encryption = encryption;
    options
}

fn refused(file: &Path, encryption: Option<Encryption>) -> String {
    match Engine::start(options(file, encryption)) {
        Err(error @ Error::Store(_)) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("an engine starts"),
    }
}

fn paused() -> TaskOptions {
    let mut options = TaskOptions::default();
    options.queue = Some(QueueName::new("paused").unwrap());
    options
}

/// A task that waits until somebody resumes its queue.
fn put(engine: &Engine, payload: &[u8]) -> TaskId {
    engine.configure_queue("paused", QueueOptions::default()).unwrap();
    engine.pause("paused").unwrap();
    match engine.register_with("wait", paused(), || |_: &TaskContext<'_>| ()) {
        Ok(()) | Err(Error::AlreadyRegistered(_)) => {}
        Err(error) => panic!("{error}"),
    }
    engine.submit(&Submission::new("wait", payload).user_context(SECRETS[1])).unwrap()
}

/// A waiting, a dead and a succeeded task with a result, in this order; each knows secrets.
fn fill(engine: &Engine) -> [TaskId; 3] {
    engine.register("fail", |_: &TaskContext<'_>| Outcome::Fatal(Failure::message("no luck"))).unwrap();
    engine
        .register("answer", |task: &TaskContext<'_>| {
            assert_eq!((task.payload(), task.user_context()), (SECRETS[0], Some(SECRETS[1])));
            task.set_result(SECRETS[2]).unwrap();
        })
        .unwrap();
    let submit =
        |name: &'static str| engine.submit(&Submission::new(name, SECRETS[0]).user_context(SECRETS[1])).unwrap();
    let ids = [put(engine, SECRETS[0]), submit("fail"), submit("answer")];
    for (id, state) in ids[1..].iter().zip([State::Dead, State::Succeeded]) {
        assert_eq!(engine.wait(*id, SOON).unwrap().state, state);
    }
    ids
}

/// The secrets that lie open in a store's files.
fn open_secrets(folder: &Folder) -> Vec<&'static [u8]> {
    let mut all = Vec::new();
    for file in std::fs::read_dir(&folder.0).unwrap().flatten() {
        all.extend(std::fs::read(file.path()).unwrap());
    }
    assert!(all.len() > 4096);
    SECRETS.into_iter().filter(|secret| all.windows(secret.len()).any(|part| part == *secret)).collect()
}

fn view(folder: &Folder, keys: &[&str], id: TaskId) -> StoredTask {
    let keys: Vec<_> = keys.iter().map(|id| key(id)).collect();
    SqliteView::open(&folder.file(), &keys).unwrap().get(id).unwrap().unwrap()
}

#[test]
fn payloads_user_contexts_and_results_lie_encrypted_and_are_read_with_their_key() {
    let folder = Folder::new();
    let first = engine(&folder.file(), Some(required(&["k1"])));
    let [waits, dead, done] = fill(&first);
    assert_eq!(open_secrets(&folder), <[&[u8]; 0]>::default(), "while the engine has the file");
    end(first);
    assert_eq!(open_secrets(&folder), <[&[u8]; 0]>::default());
    let second = engine(&folder.file(), Some(required(&["k1"])));
    let (told, tells) = channel();
    second.configure_queue("paused", QueueOptions::default()).unwrap();
    second
        .register_with("wait", paused(), move || {
            let told = told.clone();
            move |task: &TaskContext<'_>| {
                told.send((task.payload().to_vec(), task.user_context().map(<[u8]>::to_vec))).unwrap();
            }
        })
        .unwrap();
    second.resume("paused").unwrap();
    assert_eq!(second.wait(waits, SOON).unwrap().state, State::Succeeded);
    assert_eq!(tells.recv().unwrap(), (SECRETS[0].to_vec(), Some(SECRETS[1].to_vec())));
    assert_eq!(second.status(done).unwrap().result.unwrap().as_ref(), SECRETS[2]);
    assert_eq!(second.payload(dead).unwrap(), SECRETS[0]);
    end(second);
    let seen = view(&folder, &["k1"], dead);
    assert_eq!((&*seen.payload, seen.key_id.as_deref(), seen.unreadable), (SECRETS[0], Some("k1"), None));
    // Whoever has no key sees all but what is encrypted, and why.
    let seen = view(&folder, &[], dead);
    assert_eq!((&*seen.payload, &*seen.task_name, seen.failure.unwrap().text()), (&[][..], "fail", "no luck"));
    assert!(seen.unreadable.unwrap().contains("'k1', which was not given"));
}

#[test]
fn without_encryption_the_same_lies_open() {
    let folder = Folder::new();
    let engine = engine(&folder.file(), None);
    fill(&engine);
    assert_eq!(open_secrets(&folder), SECRETS);
    end(engine);
}

#[test]
fn a_missing_or_wrong_key_is_refused_by_its_id_before_anything_runs_and_the_right_one_finds_all() {
    let folder = Folder::new();
    let first = engine(&folder.file(), Some(with(&["k1"])));
    let [waits, ..] = fill(&first);
    end(first);
    let before = std::fs::read(folder.file()).unwrap();
    let error = refused(&folder.file(), None);
    assert!(error.contains("3 tasks and results are encrypted with key 'k1', which was not given"), "{error}");
    let error = refused(&folder.file(), Some(with(&["k2"])));
    assert!(error.contains("'k1', which was not given; give it too"), "{error}");
    let mut other = with(&["k2"]);
    other.keys.push(EncryptionKey::new("k1", b"0123456789abcdef0123456789abcdef").unwrap());
    let error = refused(&folder.file(), Some(other));
    assert!(error.contains("'k1' is not the one that the file knows"), "{error}");
    assert_eq!(std::fs::read(folder.file()).unwrap(), before, "nothing was changed");
    end(engine(&folder.file(), Some(with(&["k2", "k1"]))));
    assert_eq!(view(&folder, &["k1"], waits).payload, SECRETS[0]);
}

#[test]
fn a_new_key_encrypts_what_is_new_and_an_old_one_is_needed_until_nothing_is_left_of_it() {
    let folder = Folder::new();
    let first = engine(&folder.file(), Some(with(&["k1"])));
    let old = put(&first, b"old");
    end(first);
    let second = engine(&folder.file(), Some(with(&["k2", "k1"])));
    let new = put(&second, b"new");
    assert_eq!(view(&folder, &["k2", "k1"], old).key_id.as_deref(), Some("k1"));
    assert_eq!(view(&folder, &["k2", "k1"], new).key_id.as_deref(), Some("k2"));
    end(second);
    assert!(refused(&folder.file(), Some(with(&["k2"]))).contains("1 tasks and results are encrypted with key 'k1'"));
    let third = engine(&folder.file(), Some(with(&["k2", "k1"])));
    put(&third, b"third");
    third.resume("paused").unwrap();
    for id in [old, new] {
        assert_eq!(third.wait(id, SOON).unwrap().state, State::Succeeded);
    }
    end(third);
    end(engine(&folder.file(), Some(with(&["k2"]))));
}

#[test]
fn what_is_plain_is_read_unless_encryption_is_required_and_encrypted_as_a_whole_it_leaves_no_trace() {
    let folder = Folder::new();
    let first = engine(&folder.file(), None);
    let [waits, dead, done] = fill(&first);
    end(first);
    let error = refused(&folder.file(), Some(required(&["k1"])));
    assert!(error.contains("3 tasks and results are not encrypted, and encryption is required"), "{error}");
    // Beside what is plain, what is new is encrypted.
    let second = engine(&folder.file(), Some(with(&["k1"])));
    let new = put(&second, b"new");
    assert_eq!(second.payload(waits).unwrap(), SECRETS[0]);
    end(second);
    assert!(view(&folder, &[], new).unreadable.is_some());
    let encrypted = encrypt(&store_options(&folder.file(), Some(with(&["k2", "k1"])))).unwrap();
    assert_eq!((encrypted.tasks, encrypted.unreadable), (4, Vec::new()));
    assert_eq!(open_secrets(&folder), <[&[u8]; 0]>::default());
    let third = engine(&folder.file(), Some(required(&["k2"])));
    assert_eq!(third.payload(dead).unwrap(), SECRETS[0]);
    assert_eq!(third.status(done).unwrap().result.unwrap().as_ref(), SECRETS[2]);
    assert_eq!(third.payload(new).unwrap(), b"new");
    end(third);
    let again = encrypt(&store_options(&folder.file(), Some(with(&["k2"])))).unwrap();
    assert_eq!(again.tasks, 0);
}

#[test]
fn a_task_that_was_changed_in_the_file_or_is_not_encrypted_as_it_must_be_is_dead_and_holds_up_nobody() {
    let folder = Folder::new();
    let store = SqliteStore::open(store_options(&folder.file(), Some(required(&["k1"])))).unwrap();
    let first = store.reserve_ids(4).unwrap().value();
    let ids: Vec<_> = (first..first + 4).map(|id| TaskId::new(id).unwrap()).collect();
    let task = |id| Box::new(StoredTask { payload: SECRETS[0].to_vec(), ..plain_task(id) });
    apply(&store, ids.iter().map(|id| Change::Accept(task(*id))).collect()).unwrap();
    store.close().unwrap();
    let file = rusqlite::Connection::open(folder.file()).unwrap();
    let alter = |sql: &str| assert_eq!(file.execute(sql, []).unwrap(), 1);
    alter(&format!("UPDATE task SET payload = (SELECT payload FROM task WHERE id = {}) WHERE id = {}", ids[3], ids[0]));
    alter(&format!("UPDATE task SET payload = x'93010203', sealed_by = NULL WHERE id = {}", ids[1]));
    alter(&format!("UPDATE task SET sealed_by = 99 WHERE id = {}", ids[2]));
    drop(file);
    let mut wanted = required(&["k1"]);
    let engine = engine(&folder.file(), Some(wanted.clone()));
    engine.register("plain", |task: &TaskContext<'_>| assert_eq!(task.payload(), SECRETS[0])).unwrap();
    assert_eq!(engine.wait(ids[3], SOON).unwrap().state, State::Succeeded);
    for (id, why) in ids.iter().zip(["it was changed or moved", "it is not encrypted", "which was not given"]) {
        let status = engine.wait(*id, SOON).unwrap();
        let failure = status.failure.unwrap();
        assert_eq!((status.state, failure.error_type()), (State::Dead, "unreadable"));
        assert!(failure.text().contains(why), "{}", failure.text());
        assert!(engine.replay(*id).unwrap_err().to_string().contains(why));
    }
    end(engine);
    // Its bytes are as they were: whoever may read them can.
    wanted.required = false;
    let store = SqliteStore::open(store_options(&folder.file(), Some(wanted))).unwrap();
    assert_eq!(store.get(ids[1]).unwrap().unwrap().payload, [0x93, 1, 2, 3]);
}

#[test]
fn who_looks_after_an_encrypted_file_without_its_keys_can_move_and_forget_and_adds_nothing() {
    let folder = Folder::new();
    let first = engine(&folder.file(), Some(with(&["k1"])));
    let [waits, dead, done] = fill(&first);
    end(first);
    let mut options = store_options(&folder.file(), None);
    options.may_lack_keys = true;
    let store = SqliteStore::open(options).unwrap();
    let to = |id, claims, to| Change::Move { id, claims, uncounted: 0, now_us: 1, to };
    let cancelled = Move::Cancelled { reason: "by hand".into() };
    apply(&store, vec![to(waits, 0, cancelled), to(dead, 1, Move::Ready), Change::Forget(done)]).unwrap();
    let id = store.reserve_ids(1).unwrap();
    let error = apply(&store, vec![Change::Accept(Box::new(plain_task(id)))]).unwrap_err().to_string();
    assert!(error.contains("no key was given: nothing can be added"), "{error}");
    let states: Vec<_> =
        store.list(&Page { limit: 9, ..Page::default() }).unwrap().iter().map(|task| task.state).collect();
    assert_eq!(states, [State::Cancelled, State::Ready]);
    store.close().unwrap();
    end(engine(&folder.file(), Some(required(&["k1"]))));
    assert_eq!(view(&folder, &["k1"], dead).payload, SECRETS[0]);
}

#[test]
fn a_result_is_kept_for_as_long_as_its_name_says_also_past_the_process() {
    let folder = Folder::new();
    let first = engine(&folder.file(), None);
    let mut short = TaskOptions::default();
    short.result_retention = Some(Duration::ZERO);
    let answer = || |task: &TaskContext<'_>| task.set_result(b"42").unwrap();
    first.register_with("short", short, answer).unwrap();
    first.register("long", answer()).unwrap();
    let ids = ["short", "long"].map(|name| first.submit(&Submission::new(name, b"")).unwrap());
    for id in ids {
        assert_eq!(first.wait(id, SOON).unwrap().state, State::Succeeded);
    }
    end(first);
    let second = engine(&folder.file(), None);
    let result = |id: TaskId| second.status(id).unwrap().result.map(|result| result.as_ref().to_vec());
    assert_eq!(ids.map(result), [None, Some(b"42".to_vec())]);
    // A commit takes what is too old out of the file.
    put(&second, b"");
    assert_eq!(ids.map(|id| view(&folder, &[], id).result), [None, Some(b"42".to_vec())]);
    end(second);
}
