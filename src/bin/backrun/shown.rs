//! Tasks as people and programs read them.

use backrun::codec::{to_json, Settings};
use backrun::store::durable::{RunAt, StoredTask};
use backrun::{PayloadFormat, Priority, State};
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
        _ => "other",
    }
}

pub fn priority(priority: Priority) -> i32 {
    priority.level()
}

/// A time as RFC 3339 in UTC, to the millisecond.
pub fn time(unix_ms: i64) -> String {
    let (days, ms) = (unix_ms.div_euclid(86_400_000), unix_ms.rem_euclid(86_400_000));
    // The proleptic Gregorian calendar, with the year that begins in March.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
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
    add("priority", json!(priority(task.priority)));
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
