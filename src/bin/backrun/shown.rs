//! Tasks as people and programs read them.

use backrun::codec::dotnet::DateTime;
use backrun::codec::{to_json, Settings};
use backrun::store::durable::{RunAt, StoredTask};
use backrun::{PayloadFormat, State};
use serde_json::{json, Map, Value};

/// A state's name, as SQL, docs and the C ABI have it.
pub fn state(state: State) -> &'static str {
    match state {
        State::Scheduled => "scheduled",
        State::Ready => "ready",
        State::Running => "running",
        State::Pending => "pending",
        State::Succeeded => "succeeded",
        State::Dead => "dead",
        State::Cancelled => "cancelled",
        State::Dropped => "dropped",
        _ => "another state",
    }
}

pub fn format(format: PayloadFormat) -> &'static str {
    match format {
        PayloadFormat::Contractless => "contractless",
        PayloadFormat::Standard => "standard",
        PayloadFormat::Typeless => "typeless",
        _ => "other",
    }
}

/// A time as RFC 3339 in UTC, to the millisecond.
pub fn time(unix_ms: i64) -> String {
    let (seconds, ms) = (unix_ms.div_euclid(1000), unix_ms.rem_euclid(1000));
    let Some(time) = DateTime::from_unix(seconds, ms as u32 * 1_000_000) else {
        return format!("{unix_ms} ms from 1970 UTC");
    };
    let shown = time.to_string();
    // Of its seven places after the point, three.
    format!("{}Z", &shown[..shown.len() - "0000Z".len()])
}

fn run_at_ms(task: &StoredTask) -> Option<i64> {
    task.run_at.map(|(RunAt::Elapsed(at) | RunAt::Wall(at))| at)
}

/// What a list tells of a task.
pub fn summary(task: &StoredTask) -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    add("id", json!(task.id.value()));
    add("state", json!(state(task.state)));
    add("task_name", json!(&*task.task_name));
    add("queue", json!(&*task.queue));
    add("priority", json!(task.priority.level()));
    add("attempt", json!(task.claims.saturating_sub(task.uncounted)));
    add("submitted_at", json!(time(task.submitted_us.div_euclid(1000))));
    if let Some(at) = run_at_ms(task) {
        add("run_at", json!(time(at)));
    }
    if task.finished_us > 0 {
        add("finished_at", json!(time(task.finished_us.div_euclid(1000))));
    }
    if task.crashes > 0 {
        add("crashes", json!(task.crashes));
    }
    if let Some(failure) = &task.failure {
        add("error_type", json!(failure.error_type()));
        add("error", json!(failure.text()));
    }
    if let Some(reason) = &task.reason {
        add("cancel_reason", json!(&**reason));
    }
    all
}

/// A payload or a result as JSON, where it is MessagePack; else what is wrong with it.
fn messagepack(bytes: &[u8]) -> Value {
    match to_json(bytes, &Settings::default()) {
        Ok(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        Err(error) => json!({ "not_messagepack": error.to_string(), "bytes": bytes.len() }),
    }
}

/// All that is known of a task, its bytes as JSON.
pub fn in_full(task: &StoredTask) -> Value {
    let mut all = summary(task);
    let mut add = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    add("lease", json!(task.claims));
    add("payload_format", json!(format(task.payload_format)));
    if !task.payload.is_empty() {
        add("payload", messagepack(&task.payload));
    }
    if let Some(id) = &task.key_id {
        add("encrypted_with", json!(&**id));
    }
    if let Some(why) = &task.unreadable {
        add("unreadable", json!(&**why));
    }
    if let Some(context) = &task.user_context {
        add("user_context_bytes", json!(context.len()));
    }
    let headers: Map<_, _> = task.header_pairs().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    if !headers.is_empty() {
        add("headers", Value::Object(headers));
    }
    if let Some(failure) = task.failure.as_ref().filter(|failure| !failure.detail().is_empty()) {
        add("error_detail", json!(failure.detail()));
    }
    if let Some(result) = &task.result {
        add("result", messagepack(result));
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(time(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
        assert_eq!(time(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(time(32_503_680_000_000), "3000-01-01T00:00:00.000Z");
    }
}
