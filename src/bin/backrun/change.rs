//! What changes a file, which must be free for that.

use crate::{id, keys, look, Filter, Result};
use backrun::store::durable::{self, Answer, Change, Move, Page, Store};
use backrun::store::sqlite::{self, SqliteOptions, SqliteStore};
use backrun::{Encryption, State, Text};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Changes of one step.
const BATCH: usize = 1000;

/// What has ended is all kept: how much is, is the application's choice.
fn options(file: &Path) -> SqliteOptions {
    let mut options = SqliteOptions::new(file);
    options.owner_wait = Duration::ZERO;
    options.keep_finished = u64::MAX;
    options.keep_dead = u64::MAX;
    options
}

/// Takes a file over, to add to it.
pub fn open(file: &Path, encryption: Option<Encryption>) -> Result<SqliteStore> {
    let mut options = options(file);
    options.encryption = encryption;
    SqliteStore::open(options).map_err(|error| error.to_string())
}

fn existing(file: &Path) -> Result<SqliteStore> {
    check_exists(file)?;
    let mut options = options(file);
    // What tasks carry is neither read nor written.
    options.may_lack_keys = true;
    SqliteStore::open(options).map_err(|error| error.to_string())
}

fn check_exists(file: &Path) -> Result<()> {
    if file.exists() {
        Ok(())
    } else {
        Err(format!("there is no file '{}'", file.display()))
    }
}

pub fn encrypt(file: &Path, keys: Option<&Path>) -> Result<()> {
    check_exists(file)?;
    let mut options = options(file);
    options.encryption = keys::encryption(keys)?;
    if options.encryption.is_none() {
        return Err(
            "pass --keys FILE with the key to encrypt with first, and all others that the file was encrypted with"
                .to_owned(),
        );
    }
    let done = sqlite::encrypt(&options).map_err(|error| error.to_string())?;
    println!("{} tasks are encrypted", done.tasks);
    for (id, why) in &done.unreadable {
        println!("task {id} is as it was: {why}");
    }
    if done.unreadable.is_empty() {
        Ok(())
    } else {
        Err(format!("{} tasks cannot be read, and were not encrypted", done.unreadable.len()))
    }
}

pub fn vacuum(file: &Path) -> Result<()> {
    check_exists(file)?;
    let before = file.metadata().map_or(0, |metadata| metadata.len());
    sqlite::vacuum(&options(file)).map_err(|error| error.to_string())?;
    let after = file.metadata().map_or(0, |metadata| metadata.len());
    println!("'{}' had {before} bytes, and has {after} now", file.display());
    Ok(())
}

pub fn close(store: &SqliteStore) -> Result<()> {
    store.close().map_err(|error| error.to_string())
}

pub fn apply(store: &SqliteStore, changes: Vec<Change>) -> Result<Vec<Answer>> {
    durable::apply(store, changes).map_err(|error| error.to_string())
}

fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

/// Moves tasks one by one, and says of each that cannot be moved why.
fn move_tasks(store: &SqliteStore, ids: &[i64], what: &str, to: impl Fn(u32) -> (u32, Move)) -> Result<()> {
    let mut refused = 0;
    for &number in ids {
        let id = id(number)?;
        let task = store.get(id).map_err(|error| error.to_string())?;
        let Some(task) = task else {
            println!("task {id}: there is no such task, or no longer");
            refused += 1;
            continue;
        };
        let (uncounted, to) = to(task.claims);
        let uncounted = uncounted.max(task.uncounted);
        let change = Change::Move { id, claims: task.claims, uncounted, now_us: now_us(), to };
        match apply(store, vec![change])?.first() {
            Some(Answer::Done) => println!("task {id}: {what}"),
            _ => {
                println!("task {id}: it is {}, which cannot be {what}", crate::shown::state(task.state));
                refused += 1;
            }
        }
    }
    if refused > 0 {
        return Err(format!("{refused} of {} tasks were not {what}", ids.len()));
    }
    Ok(())
}

pub fn retry(file: &Path, ids: &[i64], name: Option<&str>) -> Result<()> {
    let store = existing(file)?;
    let mut all = Vec::new();
    if ids.is_empty() {
        let filter = Filter { states: vec![State::Dead], name: name.map(str::to_owned), queue: None, after: None };
        look::each_of(
            |page| store.list(&Page { brief: true, ..*page }).map_err(|error| error.to_string()),
            &filter,
            |task| {
                all.push(task.id.value());
                Ok(true)
            },
        )?;
    }
    let ids = if ids.is_empty() { &all } else { ids };
    // Its attempts count anew.
    move_tasks(&store, ids, "ready to run again", |claims| (claims, Move::Ready))?;
    close(&store)
}

pub fn cancel(file: &Path, ids: &[i64], reason: &str) -> Result<()> {
    let store = existing(file)?;
    let reason = Text::from(reason.to_owned());
    move_tasks(&store, ids, "cancelled", |_| (0, Move::Cancelled { reason: reason.clone() }))?;
    close(&store)
}

pub fn purge(file: &Path, filter: &Filter, older_than: Option<Duration>) -> Result<()> {
    let store = existing(file)?;
    let ended_before_us = now_us() - older_than.map_or(0, |time| time.as_micros() as i64);
    let states = match &filter.states[..] {
        [] => vec![State::Succeeded, State::Dead, State::Cancelled],
        states => states.to_vec(),
    };
    if let Some(state) = states.iter().find(|state| !state.is_final()) {
        return Err(format!(
            "{} tasks have not ended, and are not forgotten; cancel them first",
            crate::shown::state(*state)
        ));
    }
    let filter = Filter { states, name: filter.name.clone(), queue: filter.queue.clone(), after: filter.after };
    let mut changes = Vec::new();
    look::each_of(
        |page| store.list(&Page { brief: true, ..*page }).map_err(|error| error.to_string()),
        &filter,
        |task| {
            if older_than.is_none() || task.finished_us <= ended_before_us {
                changes.push(Change::Forget(task.id));
            }
            Ok(true)
        },
    )?;
    let count = changes.len();
    while !changes.is_empty() {
        let rest = changes.split_off(changes.len().min(BATCH));
        apply(&store, std::mem::replace(&mut changes, rest))?;
    }
    println!("{count} tasks are forgotten");
    close(&store)
}
