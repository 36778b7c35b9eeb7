//! Tasks on their way from one file to another.

use crate::{change, keys, look, shown, Filter, Result};
use backrun::codec;
use backrun::store::durable::{Change, RunAt, Store, StoredTask};
use backrun::store::sqlite::SqliteView;
use backrun::{Backoff, PayloadFormat, Priority, RetryPolicy, State, TaskId, Text};
use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::io::{stdin, stdout, BufRead, BufWriter, Read, Write};
use std::path::Path;
use std::time::Duration;

/// Bytes: in JSON as base64 text, in MessagePack as they are.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&STANDARD.encode(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            return STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom);
        }
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> std::result::Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

#[derive(Serialize, Deserialize)]
struct Exported {
    id: i64,
    state: String,
    task_name: String,
    queue: String,
    priority: i32,
    payload_format: String,
    payload: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_context: Option<Bytes>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    submitted_us: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_at_ms: Option<i64>,
    #[serde(default)]
    by_wall_clock: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<Retry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_limit_ms: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Retry {
    attempts: u32,
    exponential: bool,
    delay_ms: u64,
    max_delay_ms: u64,
    jitter_percent: u8,
}

impl Exported {
    fn of(task: &StoredTask) -> Self {
        let (run_at_ms, by_wall_clock) = match task.run_at {
            Some(RunAt::Wall(at)) => (Some(at), true),
            Some(RunAt::Elapsed(at)) => (Some(at), false),
            None => (None, false),
        };
        Self {
            id: task.id.value(),
            state: shown::state(task.state).to_owned(),
            task_name: task.task_name.to_string(),
            queue: task.queue.to_string(),
            priority: task.priority.level(),
            payload_format: shown::format(task.payload_format).to_owned(),
            payload: Bytes(task.payload.clone()),
            user_context: task.user_context.clone().map(Bytes),
            headers: task.header_pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            submitted_us: task.submitted_us,
            run_at_ms,
            by_wall_clock,
            retry: task.retry.map(|retry| Retry {
                attempts: retry.attempts,
                exponential: matches!(retry.backoff, Backoff::Exponential),
                delay_ms: retry.delay.as_millis() as u64,
                max_delay_ms: retry.max_delay.as_millis() as u64,
                jitter_percent: retry.jitter_percent,
            }),
            time_limit_ms: task.time_limit.map(|limit| limit.as_millis() as u64),
        }
    }

    /// The task that it becomes: one that waits, or is tried anew where it was dead.
    fn into_task(self, id: TaskId) -> Result<StoredTask> {
        let scheduled = self.state == "scheduled";
        let run_at = self.run_at_ms.filter(|_| scheduled);
        let payload_format = PayloadFormat::ALL
            .into_iter()
            .find(|format| shown::format(*format) == self.payload_format)
            .ok_or_else(|| {
                format!("payload_format is '{}'; contractless, standard and typeless are known", self.payload_format)
            })?;
        let headers = self.headers.iter().map(|(name, value)| (&**name, &**value));
        Ok(StoredTask {
            id,
            state: if run_at.is_some() { State::Scheduled } else { State::Ready },
            task_name: Text::from(self.task_name),
            queue: Text::from(self.queue),
            priority: Priority::from_level(self.priority).map_err(|error| error.to_string())?,
            payload_format,
            claims: 0,
            uncounted: 0,
            crashes: 0,
            submitted_us: self.submitted_us,
            finished_us: 0,
            run_at: run_at.map(|at| if self.by_wall_clock { RunAt::Wall(at) } else { RunAt::Elapsed(at) }),
            retry: self.retry.map(|retry| {
                let mut policy = RetryPolicy::attempts(retry.attempts);
                policy.backoff = if retry.exponential { Backoff::Exponential } else { Backoff::Fixed };
                (policy.delay, policy.max_delay) =
                    (Duration::from_millis(retry.delay_ms), Duration::from_millis(retry.max_delay_ms));
                policy.jitter_percent = retry.jitter_percent;
                policy
            }),
            time_limit: self.time_limit_ms.map(Duration::from_millis),
            payload: self.payload.0,
            user_context: self.user_context.map(|context| context.0),
            headers: StoredTask::encode_headers(headers).map_err(|error| error.to_string())?,
            failure: None,
            reason: None,
            result: None,
            result_until_us: None,
            key_id: None,
            unreadable: None,
        })
    }
}

pub fn export(file: &Path, filter: &Filter, messagepack: bool, keys: Option<&Path>) -> Result<()> {
    let view = look::open(file, keys)?;
    let mut out = BufWriter::new(stdout().lock());
    let mut count = 0;
    each_to_export(&view, filter, |task| {
        if task.reason.is_some() {
            // It was asked to stop: it is not to be begun anew elsewhere.
            return Ok(true);
        }
        if let Some(why) = &task.unreadable {
            return Err(format!("task {} cannot be exported: {why}; pass --keys FILE with its key, or leave it out with --state, --name, --queue or --after", task.id));
        }
        let exported = Exported::of(task);
        if messagepack {
            let bytes = codec::to_vec(&exported).map_err(|error| error.to_string())?;
            out.write_all(&bytes).map_err(|error| format!("cannot write: {error}"))?;
        } else {
            look::line(&mut out, &serde_json::to_string(&exported).map_err(|error| error.to_string())?)?;
        }
        count += 1;
        Ok(true)
    })?;
    out.flush().map_err(|error| format!("cannot write: {error}"))?;
    eprintln!("{count} tasks are exported");
    Ok(())
}

fn each_to_export(view: &SqliteView, filter: &Filter, visit: impl FnMut(&StoredTask) -> Result<bool>) -> Result<()> {
    let exported = [State::Scheduled, State::Ready, State::Pending, State::Dead];
    let states = match &filter.states[..] {
        [] => exported.to_vec(),
        states => states.to_vec(),
    };
    if let Some(state) = states.iter().find(|state| !exported.contains(state)) {
        return Err(format!("{} tasks have no payload any more, and cannot be exported", shown::state(*state)));
    }
    let filter = Filter { states, name: filter.name.clone(), queue: filter.queue.clone(), after: filter.after };
    look::each(view, &filter, visit)
}

pub fn import(file: &Path, messagepack: bool, keys: Option<&Path>) -> Result<()> {
    let all = if messagepack { read_messagepack()? } else { read_lines()? };
    let store = change::open(file, keys::encryption(keys)?)?;
    let count = all.len();
    let mut changes = Vec::new();
    if count > 0 {
        let first = store.reserve_ids(count as u64).map_err(|error| error.to_string())?;
        for (index, exported) in all.into_iter().enumerate() {
            let id = TaskId::new(first.value() + index as i64).map_err(|error| error.to_string())?;
            let old = exported.id;
            let task =
                exported.into_task(id).map_err(|what| format!("exported task {old}: {what}; nothing is imported"))?;
            changes.push(Change::Accept(Box::new(task)));
        }
        // In one step: all of them or none.
        change::apply(&store, changes)?;
    }
    change::close(&store)?;
    println!("{count} tasks are imported");
    Ok(())
}

fn read_lines() -> Result<Vec<Exported>> {
    let mut all = Vec::new();
    for (number, line) in stdin().lock().lines().enumerate() {
        let line = line.map_err(|error| format!("cannot read: {error}"))?;
        if line.trim().is_empty() {
            continue;
        }
        all.push(
            serde_json::from_str(&line)
                .map_err(|error| format!("line {}: {error}; nothing is imported", number + 1))?,
        );
    }
    Ok(all)
}

fn read_messagepack() -> Result<Vec<Exported>> {
    let mut bytes = Vec::new();
    stdin().lock().read_to_end(&mut bytes).map_err(|error| format!("cannot read: {error}"))?;
    let mut all = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let mut reader = codec::Reader::new(rest);
        reader.skip().map_err(|error| format!("map {}: {error}; nothing is imported", all.len() + 1))?;
        let (one, after) = rest.split_at(reader.offset());
        all.push(
            codec::from_slice(one).map_err(|error| format!("map {}: {error}; nothing is imported", all.len() + 1))?,
        );
        rest = after;
    }
    Ok(all)
}
