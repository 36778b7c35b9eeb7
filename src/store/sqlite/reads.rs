//! What is asked of the tables.

use crate::alloc::Text;
use crate::error::Result;
use crate::store::durable::{Page, RunAt, Stored, StoredTask, Unfinished};
use crate::store::sqlite::changes::{state_number, state_numbered};
use crate::store::sqlite::sealing::Keys;
use crate::store::sqlite::{failed, length, own};
use crate::task::{Failure, PayloadFormat, Priority, State, TaskId};
use rusqlite::{Connection, OptionalExtension, Row};
use std::path::Path;

/// The columns of a task that has not ended, and of one that has: the same, in the same order.
const UNFINISHED: &str = "SELECT task.id, state, n.text, q.text, priority, payload_format, claims, uncounted, crashes, submitted_us, \
     finished_us, run_at_ms, by_wall, own, payload, user_context, headers, failure_type, failure_message, failure_detail, \
     iif(failure_type IS NULL, failure_message, NULL), NULL, sealed_by, NULL FROM task JOIN name n ON n.number = task_name JOIN name q ON q.number = queue LEFT JOIN note ON note.id = task.id";
const FINISHED: &str =
    "SELECT finished.id, state, n.text, q.text, priority, payload_format, claims, uncounted, crashes, submitted_us, \
     finished_us, NULL, NULL, NULL, x'', NULL, NULL, NULL, NULL, NULL, reason, result, \
     sealed_by, result_until_us FROM finished JOIN name n ON n.number = task_name JOIN name q ON q.number = queue";
/// What of those a brief list does without.
const LARGE: &str = "payload, user_context, headers";

/// Whoever reads, and what is encrypted.
#[derive(Clone, Copy)]
pub(super) struct Reading<'c> {
    pub(super) connection: &'c Connection,
    pub(super) keys: &'c Keys,
}

fn task(row: &Row<'_>, keys: &Keys) -> rusqlite::Result<StoredTask> {
    let mut task = as_it_is(row)?;
    if let Err(why) = keys.open(&mut task, row.get(22)?) {
        (task.payload, task.user_context, task.result) = (Vec::new(), None, None);
        task.unreadable = Some(why);
    }
    Ok(task)
}

fn as_it_is(row: &Row<'_>) -> rusqlite::Result<StoredTask> {
    let odd = |column| rusqlite::Error::IntegralValueOutOfRange(column, 0);
    let id: i64 = row.get(0)?;
    let format: i64 = row.get(5)?;
    let run_at_ms: Option<i64> = row.get(11)?;
    let by_wall: Option<bool> = row.get(12)?;
    let (retry, time_limit) = own::decode(row.get_ref(13)?.as_blob_or_null()?);
    let failure_type: Option<String> = row.get(17)?;
    let failure = match failure_type {
        Some(kind) => Some(Failure::new(&kind, &row.get::<_, String>(18)?, &row.get::<_, String>(19)?)),
        None => None,
    };
    Ok(StoredTask {
        id: TaskId::new(id).map_err(|_| odd(0))?,
        state: state_numbered(row.get(1)?).ok_or(odd(1))?,
        task_name: text(row, 2)?.unwrap_or_default(),
        queue: text(row, 3)?.unwrap_or_default(),
        priority: Priority::from_level(row.get(4)?).map_err(|_| odd(4))?,
        payload_format: format_numbered(format).ok_or(odd(5))?,
        claims: row.get(6)?,
        uncounted: row.get(7)?,
        crashes: row.get(8)?,
        submitted_us: row.get(9)?,
        finished_us: row.get::<_, Option<i64>>(10)?.unwrap_or(0),
        run_at: run_at_ms.map(|at| if by_wall == Some(true) { RunAt::Wall(at) } else { RunAt::Elapsed(at) }),
        retry,
        time_limit,
        payload: row.get(14)?,
        user_context: row.get(15)?,
        headers: row.get::<_, Option<Vec<u8>>>(16)?.unwrap_or_default(),
        failure,
        reason: text(row, 20)?,
        result: row.get(21)?,
        result_until_us: row.get(23)?,
        key_id: None,
        unreadable: None,
    })
}

pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Text>> {
    Ok(row.get_ref(column)?.as_str_or_null()?.map(|text| Text::say(format_args!("{text}"))))
}

fn format_numbered(number: i64) -> Option<PayloadFormat> {
    PayloadFormat::ALL.into_iter().find(|format| *format as i64 == number)
}

pub(super) fn get(reading: Reading<'_>, id: TaskId) -> Result<Option<StoredTask>> {
    for (columns, table) in [(UNFINISHED, "task"), (FINISHED, "finished")] {
        let sql = format!("{columns} WHERE {table}.id = ?");
        let one = |row: &Row<'_>| task(row, reading.keys);
        let found = reading.connection.prepare_cached(&sql);
        let found = found.and_then(|mut find| find.query_row([id.value()], one).optional());
        if let Some(found) = found.map_err(failed)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

pub(super) fn list(reading: Reading<'_>, page: &Page<'_>) -> Result<Vec<StoredTask>> {
    let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
    let after = page.after.map_or(0, TaskId::value);
    let before = page.before.map_or(i64::MAX, TaskId::value);
    let mut numbers = page.states.iter().map(|state| state_number(*state));
    // A number that no state has: nothing is asked of them all.
    let wanted = numbers.try_fold(0i64, |set, number| Some(set | 1 << number)).unwrap_or(0);
    let most_bytes = page.most_bytes.unwrap_or(u64::MAX);
    let mut all = Vec::new();
    // The last one of those tables that are not read to the end, so that none of the other one that comes later takes its place.
    let mut last: Option<TaskId> = None;
    for (columns, table) in [(UNFINISHED, "task"), (FINISHED, "finished")] {
        let columns = if page.brief { columns.replace(LARGE, "x'', NULL, NULL") } else { columns.to_owned() };
        let sql = format!(
            "{columns} WHERE {table}.id > ?1 AND {table}.id < ?5 AND (?2 = 0 OR (?2 >> state) & 1) \
             AND (?3 IS NULL OR n.text = ?3) ORDER BY {table}.id LIMIT ?4"
        );
        let mut find = reading.connection.prepare_cached(&sql).map_err(failed)?;
        let one = |row: &Row<'_>| task(row, reading.keys);
        let rows =
            find.query_map(rusqlite::params![after, wanted, page.task_name, limit, before], one).map_err(failed)?;
        let mut bytes = 0;
        for row in rows {
            let task = row.map_err(failed)?;
            bytes += bytes_of(&task);
            let id = task.id;
            all.push(task);
            if bytes >= most_bytes {
                last = Some(last.map_or(id, |last| last.min(id)));
                break;
            }
        }
    }
    all.sort_unstable_by_key(|task: &StoredTask| task.id);
    if let Some(last) = last {
        all.retain(|task| task.id <= last);
    }
    all.truncate(page.limit);
    Ok(all)
}

/// What is large of a task.
fn bytes_of(task: &StoredTask) -> u64 {
    let user_context = task.user_context.as_ref().map_or(0, Vec::len);
    let result = task.result.as_ref().map_or(0, Vec::len);
    let failure = task.failure.as_ref().map_or(0, |failure| failure.text().len() + failure.detail().len());
    (task.payload.len() + user_context + task.headers.len() + result + failure) as u64
}

/// What an earlier process has left.
pub(super) struct Left {
    pub(super) unfinished: Vec<Unfinished>,
    pub(super) has_pending: bool,
}

pub(super) fn unfinished(connection: &Connection) -> Result<Vec<Unfinished>> {
    left(connection).map(|left| left.unfinished)
}

/// Looks at every task that has not ended, once: with ten million of them, each more look is seconds of a start, and a `GROUP BY` would sort
/// them all.
pub(super) fn left(connection: &Connection) -> Result<Left> {
    let (pending, dead) = (state_number(State::Pending), state_number(State::Dead));
    let mut names: Vec<OfName> = Vec::new();
    let (mut has_pending, mut current) = (false, 0);
    let mut all = connection.prepare_cached("SELECT id, state, task_name FROM task ORDER BY id").map_err(failed)?;
    let mut rows = all.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let (id, state, number): (i64, i64, i64) = row.try_into().map_err(failed)?;
        has_pending |= state == pending;
        if state == dead {
            continue;
        }
        // Mostly the name of the one before.
        if names.get(current).is_none_or(|name| name.number != number) {
            current = names.iter().position(|name| name.number == number).unwrap_or(names.len());
            if current == names.len() {
                names.push(OfName { number, count: 0, first: id, last: id });
            }
        }
        names[current].count += 1;
        names[current].last = id;
    }
    names.sort_unstable_by_key(|name| name.number);
    let text_of = "SELECT text FROM name WHERE number = ?";
    let told = names.into_iter().map(|OfName { number, count, first, last }| {
        let task_name =
            connection.prepare_cached(text_of)?.query_row([number], |row| text(row, 0))?.unwrap_or_default();
        let id = |id| TaskId::new(id).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, id));
        Ok(Unfinished { task_name, count, first: id(first)?, last: id(last)? })
    });
    Ok(Left { unfinished: told.collect::<rusqlite::Result<_>>().map_err(failed)?, has_pending })
}

/// Those that were asked to stop and have not ended: which, by how many claims, of which so many are no attempts, and why. By their notes (a
/// `CROSS JOIN` keeps the order), which are few: nothing finds them among the tasks but a look at each.
pub(super) fn asked_to_stop(connection: &Connection) -> Result<Vec<(TaskId, u32, u32, Text)>> {
    let asked = "SELECT task.id, claims, uncounted, failure_message FROM note CROSS JOIN task ON task.id = note.id \
                 WHERE state IN (?, ?) AND failure_type IS NULL";
    let mut find = connection.prepare_cached(asked).map_err(failed)?;
    let rows = find.query_map([state_number(State::Running), state_number(State::Pending)], |row| {
        let id = TaskId::new(row.get(0)?).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, 0))?;
        Ok((id, row.get(1)?, row.get(2)?, text(row, 3)?.unwrap_or_default()))
    });
    rows.and_then(Iterator::collect).map_err(failed)
}

/// Tasks of a name, by its number.
struct OfName {
    number: i64,
    count: u64,
    first: i64,
    last: i64,
}

pub(super) fn paused(connection: &Connection) -> Result<Vec<Text>> {
    let mut find = connection.prepare_cached("SELECT queue FROM paused").map_err(failed)?;
    let rows = find.query_map([], |row| Ok(text(row, 0)?.unwrap_or_default())).map_err(failed)?;
    rows.map(|row| row.map_err(failed)).collect()
}

/// `path`: of the file.
pub(super) fn stored(connection: &Connection, path: &Path) -> Result<Stored> {
    let mut stored = Stored { bytes: length(path), ..Stored::default() };
    let mut count = connection.prepare_cached("SELECT state, count(*) FROM task GROUP BY state").map_err(failed)?;
    let rows = count.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).map_err(failed)?;
    for row in rows {
        let (state, count) = row.map_err(failed)?;
        let place = match state_numbered(state) {
            Some(State::Scheduled) => &mut stored.scheduled,
            Some(State::Pending) => &mut stored.pending,
            Some(State::Dead) => &mut stored.dead,
            _ => &mut stored.ready,
        };
        *place += count as u64;
    }
    let finished: i64 = connection.query_row("SELECT count(*) FROM finished", [], |row| row.get(0)).map_err(failed)?;
    stored.finished = finished as u64;
    Ok(stored)
}
