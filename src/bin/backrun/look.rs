//! What only reads.

use crate::{id, keys, shown, Filter, Result};
use backrun::store::durable::{self, Page, StoredTask, PAGE_BYTES};
use backrun::store::sqlite::SqliteView;
use backrun::TaskId;
use std::io::{stdout, BufWriter, Write};
use std::path::Path;

const PAGE: usize = 500;

pub fn open(file: &Path, keys: Option<&Path>) -> Result<SqliteView> {
    SqliteView::open(file, &keys::read(keys)?).map_err(|error| error.to_string())
}

/// Writes a line; whoever reads may have had enough, which is the empty error.
pub fn line(out: &mut impl Write, text: &str) -> Result<()> {
    writeln!(out, "{text}").map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => String::new(),
        _ => format!("cannot write: {error}"),
    })
}

/// Visits the tasks that a filter means, until `visit` says that it has enough.
pub fn each(view: &SqliteView, filter: &Filter, visit: impl FnMut(&StoredTask) -> Result<bool>) -> Result<()> {
    each_of(|page| view.list(page).map_err(|error| error.to_string()), filter, visit)
}

/// The same of anything that has pages, of which `list` takes what it needs.
pub fn each_of(
    list: impl Fn(&Page<'_>) -> Result<Vec<StoredTask>>,
    filter: &Filter,
    mut visit: impl FnMut(&StoredTask) -> Result<bool>,
) -> Result<()> {
    let after = filter.after.map(id).transpose()?;
    let page = Page {
        states: &filter.states,
        task_name: filter.name.as_deref(),
        after,
        before: None,
        limit: PAGE,
        most_bytes: Some(PAGE_BYTES),
        brief: false,
    };
    durable::each(page, list, |task| {
        if filter.queue.as_deref().is_none_or(|queue| *task.queue == *queue) {
            visit(task)
        } else {
            Ok(true)
        }
    })
}

pub fn list(file: &Path, filter: &Filter, limit: usize, json: bool) -> Result<()> {
    let view = open(file, None)?;
    let mut out = BufWriter::new(stdout().lock());
    let mut count = 0;
    let brief = |page: &Page<'_>| view.list(&Page { brief: true, ..*page }).map_err(|error| error.to_string());
    each_of(brief, filter, |task| {
        if count == limit {
            return Ok(false);
        }
        if json {
            line(&mut out, &serde_json::Value::Object(shown::summary(task)).to_string())?;
        } else {
            if count == 0 {
                let head = ["id", "state", "attempt", "queue", "submitted", "task name and error"];
                line(&mut out, &row(head.map(str::to_owned)))?;
            }
            let error =
                task.failure.as_ref().map_or(String::new(), |failure| format!(": {}", first_line(failure.text())));
            line(
                &mut out,
                &row([
                    task.id.to_string(),
                    shown::state(task.state).to_owned(),
                    task.claims.saturating_sub(task.uncounted).to_string(),
                    task.queue.to_string(),
                    shown::time(task.submitted_us.div_euclid(1000)),
                    format!("{}{error}", task.task_name),
                ]),
            )?;
        }
        count += 1;
        Ok(true)
    })?;
    out.flush().map_err(|error| format!("cannot write: {error}"))
}

fn row([id, state, attempt, queue, submitted, name]: [String; 6]) -> String {
    format!("{id:>10}  {state:<9}  {attempt:>7}  {queue:<12}  {submitted:<24}  {name}")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn unknown(id: TaskId, file: &Path) -> String {
    format!("'{}' has no task {id}, or no longer", file.display())
}

pub fn show(file: &Path, ids: &[i64], keys: Option<&Path>) -> Result<()> {
    let view = open(file, keys)?;
    for &number in ids {
        let id = id(number)?;
        let task = view.get(id).map_err(|error| error.to_string())?.ok_or_else(|| unknown(id, file))?;
        let text = serde_json::to_string_pretty(&shown::in_full(&task)).map_err(|error| error.to_string())?;
        line(&mut stdout().lock(), &text)?;
    }
    Ok(())
}

pub fn check(file: &Path, keys: Option<&Path>) -> Result<()> {
    let view = open(file, keys)?;
    let wrong = view.check().map_err(|error| error.to_string())?;
    for text in &wrong {
        line(&mut stdout().lock(), text)?;
    }
    if wrong.is_empty() {
        // Every task can be read, and not only its pages.
        let (mut count, mut unreadable) = (0u64, 0u64);
        let all = Filter { states: Vec::new(), name: None, queue: None, after: None };
        each(&view, &all, |task| {
            count += 1;
            // Without keys that is no damage.
            if let Some(why) = task.unreadable.as_ref().filter(|_| keys.is_some()) {
                unreadable += 1;
                line(&mut stdout().lock(), &format!("task {}: {why}", task.id))?;
            }
            Ok(true)
        })?;
        if unreadable > 0 {
            return Err(format!(
                "'{}' is sound but for {unreadable} of {count} tasks that do not decrypt",
                file.display()
            ));
        }
        return line(&mut stdout().lock(), &format!("'{}' is sound: {count} tasks", file.display()));
    }
    Err(format!(
        "'{}' is damaged: export what can be read into a new file, and keep this one for whoever looks into it",
        file.display()
    ))
}

pub fn stats(file: &Path) -> Result<()> {
    let view = open(file, None)?;
    let stored = view.stored().map_err(|error| error.to_string())?;
    let mut out = stdout().lock();
    let counts = [
        ("scheduled", stored.scheduled),
        ("ready or running", stored.ready),
        ("pending", stored.pending),
        ("dead", stored.dead),
        ("succeeded or cancelled, kept", stored.finished),
        ("bytes of the file", stored.bytes),
    ];
    for (what, count) in counts {
        line(&mut out, &format!("{count:>12}  {what}"))?;
    }
    for name in view.unfinished().map_err(|error| error.to_string())? {
        line(&mut out, &format!("{:>12}  not ended of '{}'", name.count, name.task_name))?;
    }
    for part in view.key_uses().map_err(|error| error.to_string())? {
        if let Some(id) = &part.key_id {
            line(&mut out, &format!("{:>12}  encrypted with key '{id}'", part.count))?;
        }
    }
    for queue in view.paused().map_err(|error| error.to_string())? {
        line(&mut out, &format!("{:>12}  queue '{queue}'", "paused"))?;
    }
    Ok(())
}
