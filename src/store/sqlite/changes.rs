//! What changes in the tables, statement by statement.

use crate::crypto::Part;
use crate::error::Result;
use crate::store::durable::{Answer, Change, Move, RunAt, StoredTask};
use crate::store::sqlite::prepared::Prepared;
use crate::store::sqlite::retention::{Keep, Looks};
use crate::store::sqlite::sealing::Keys;
use crate::store::sqlite::{failed, own};
use crate::task::{State, TaskId};
use rusqlite::{params, Connection, Row, ToSql};
use std::collections::HashMap;
use std::sync::Arc;

/// The numbers of states in the file: those of the C ABI (BACKRUN_STATE_*).
pub(super) fn state_number(state: State) -> i64 {
    state as i64 + 1
}

pub(super) fn state_numbered(number: i64) -> Option<State> {
    usize::try_from(number - 1).ok().and_then(|index| State::ALL.get(index)).copied()
}

/// Makes changes, within a transaction of the caller's.
pub(super) struct Changes<'c> {
    pub(super) prepared: Prepared<'c>,
    /// Numbers of task names and queues.
    names: HashMap<String, i64>,
    keys: Arc<Keys>,
    pub(super) keep: Keep,
    pub(super) looks: Looks,
    pub(super) counts: Counts,
    /// The same as of the last commit.
    committed: Counts,
}

/// What an end leaves as it was: task name, queue, priority, payload format, crashes, when it was accepted.
type Unchanged = [i64; 6];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// The last place in the row of ends.
    last_seq: i64,
    pub(super) finished: i64,
    pub(super) dead: i64,
}

impl<'c> Changes<'c> {
    pub(super) fn new(connection: &'c Connection, keep: Keep, keys: Arc<Keys>) -> Result<Self> {
        // Its index has dead tasks only where the number of the state stands in the text.
        let count = "SELECT coalesce(max(seq), 0), count(*), (SELECT count(*) FROM task WHERE state = 6) FROM finished";
        let counts =
            |row: &rusqlite::Row<'_>| Ok(Counts { last_seq: row.get(0)?, finished: row.get(1)?, dead: row.get(2)? });
        let counts = connection.query_row(count, [], counts).map_err(failed)?;
        let prepared = Prepared::new(connection);
        Ok(Self { prepared, names: HashMap::new(), keys, keep, looks: Looks::default(), counts, committed: counts })
    }

    /// The transaction came to nothing: what was noted of it goes too.
    pub(super) fn rolled_back(&mut self) {
        self.names.clear();
        self.counts = self.committed;
    }

    pub(super) fn make(&mut self, changes: &[Change]) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        for change in changes {
            answers.push(match change {
                Change::Accept(task) => self.accept(task)?,
                Change::Move { id, claims, uncounted, now_us, to } => {
                    self.move_task(*id, (*claims, *uncounted), *now_us, to)?
                }
                Change::AskToStop { id, claims, uncounted, reason } => {
                    self.ask_to_stop(*id, (*claims, *uncounted), reason)?
                }
                Change::Forget(id) => self.forget(*id)?,
                Change::Pause(queue, true) => self.run("INSERT OR IGNORE INTO paused VALUES (?)", params![&**queue])?,
                Change::Pause(queue, false) => self.run("DELETE FROM paused WHERE queue = ?", params![&**queue])?,
            });
        }
        Ok(answers)
    }

    fn run(&self, sql: &'static str, parameters: &[&dyn ToSql]) -> Result<Answer> {
        self.prepared.execute(sql, parameters).map(|_| Answer::Done)
    }

    fn accept(&mut self, task: &StoredTask) -> Result<Answer> {
        let (task_name, queue) = (self.name(&task.task_name)?, self.name(&task.queue)?);
        let (run_at_ms, by_wall) = columns_of(task.run_at);
        let headers = (!task.headers.is_empty()).then_some(&task.headers[..]);
        let id = task.id.value();
        let sealed_payload = self.keys.seal(id, Part::Payload, &task.payload)?;
        let user_context = task.user_context.as_deref();
        let sealed_context =
            user_context.and_then(|plain| self.keys.seal(id, Part::UserContext, plain).transpose()).transpose()?;
        self.run(
            "INSERT INTO task VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            params![
                id,
                state_number(task.state),
                task_name,
                queue,
                task.priority.level(),
                task.payload_format as i64,
                task.claims,
                task.uncounted,
                task.crashes,
                task.submitted_us,
                run_at_ms,
                by_wall,
                own::encode(task.retry.as_ref(), task.time_limit),
                sealed_payload.as_deref().unwrap_or(&task.payload),
                sealed_context.as_deref().or(user_context),
                headers,
                self.keys.number(),
            ],
        )
    }

    fn name(&mut self, text: &str) -> Result<i64> {
        if let Some(number) = self.names.get(text) {
            return Ok(*number);
        }
        self.run("INSERT OR IGNORE INTO name (text) VALUES (?)", params![text])?;
        let number = self.prepared.row("SELECT number FROM name WHERE text = ?", params![text], |row| row.get(0))?;
        self.names.insert(text.to_owned(), number);
        Ok(number)
    }

    fn move_task(&mut self, id: TaskId, (claims, uncounted): (u32, u32), now_us: i64, to: &Move) -> Result<Answer> {
        let known = "SELECT state, claims, task_name, queue, priority, payload_format, crashes, submitted_us FROM task WHERE id = ?";
        let read = |row: &Row<'_>| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?],
            ))
        };
        let found: Option<(i64, u32, Unchanged)> = self.prepared.find(known, params![id.value()], read)?;
        let Some((state, known_claims, unchanged)) = found else { return self.answer_ended(id) };
        let state = state_numbered(state).unwrap_or(State::Dead);
        // Neither a claim is written, nor that the time of a scheduled task has come.
        let has_run = claims > known_claims && matches!(state, State::Ready | State::Scheduled);
        let from = if has_run { State::Running } else { state };
        let may = from.can_move_to(to.to());
        if !may || claims < known_claims {
            return Ok(Answer::Refused(state));
        }
        // Only a run leaves a note: of one before this move, that is.
        let has_note = known_claims > 0 || state == State::Dead;
        if state == State::Dead {
            // It has not ended any more; why it failed stays. Who tries it again takes it that it will not end a process.
            self.run("UPDATE note SET finished_us = NULL WHERE id = ?", params![id.value()])?;
            self.run("UPDATE task SET crashes = 0 WHERE id = ?", params![id.value()])?;
            self.counts.dead -= 1;
        }
        if has_note && matches!(to, Move::Succeeded { .. } | Move::Cancelled { .. }) {
            self.run("DELETE FROM note WHERE id = ?", params![id.value()])?;
        } else if state.is_active() && *to != Move::Pending {
            // That it was asked to stop was said to the run that is over. A failure takes its place, or stays.
            self.run("DELETE FROM note WHERE id = ? AND failure_type IS NULL", params![id.value()])?;
        }
        match to {
            Move::Succeeded { .. } | Move::Cancelled { .. } => {
                self.finish(id, &unchanged, (claims, uncounted), now_us, to)
            }
            Move::Dead { failure } => {
                self.note(id, Some(now_us), failure)?;
                self.counts.dead += 1;
                self.set(id, State::Dead, (claims, uncounted), None)
            }
            Move::Scheduled { run_at, failure } => {
                if let Some(failure) = failure {
                    self.note(id, None, failure)?;
                }
                self.set(id, State::Scheduled, (claims, uncounted), Some(*run_at))
            }
            Move::Ready | Move::Pending => self.set(id, to.to(), (claims, uncounted), None),
        }
    }

    /// The reason stands in the note, in place of why the run before has failed: whatever becomes of this one, that is not told any more.
    fn ask_to_stop(&self, id: TaskId, (claims, uncounted): (u32, u32), reason: &str) -> Result<Answer> {
        let known = "SELECT state, claims FROM task WHERE id = ?";
        let found: Option<(i64, u32)> =
            self.prepared.find(known, params![id.value()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let Some((state, known_claims)) = found else { return self.answer_ended(id) };
        let state = state_numbered(state).unwrap_or(State::Dead);
        match state {
            State::Ready | State::Scheduled if claims > known_claims => {
                self.set(id, State::Running, (claims, uncounted), None)?;
            }
            State::Running | State::Pending if claims == known_claims => {}
            _ => return Ok(Answer::Refused(state)),
        }
        self.run("INSERT OR REPLACE INTO note VALUES (?, NULL, NULL, ?, NULL)", params![id.value(), reason])
    }

    fn answer_ended(&self, id: TaskId) -> Result<Answer> {
        let state: Option<i64> =
            self.prepared.find("SELECT state FROM finished WHERE id = ?", params![id.value()], |row| row.get(0))?;
        Ok(state.and_then(state_numbered).map_or(Answer::NotFound, Answer::Refused))
    }

    fn set(&self, id: TaskId, state: State, (claims, uncounted): (u32, u32), run_at: Option<RunAt>) -> Result<Answer> {
        let (run_at_ms, by_wall) = columns_of(run_at);
        self.run(
            "UPDATE task SET state = ?, claims = ?, uncounted = ?, run_at_ms = ?, by_wall = ? WHERE id = ?",
            params![state_number(state), claims, uncounted, run_at_ms, by_wall, id.value()],
        )
    }

    fn note(&self, id: TaskId, finished_us: Option<i64>, failure: &crate::task::Failure) -> Result<Answer> {
        self.run(
            "INSERT OR REPLACE INTO note VALUES (?,?,?,?,?)",
            params![id.value(), finished_us, failure.error_type(), failure.text(), failure.detail()],
        )
    }

    /// Moves a task to those that have ended. Not by `INSERT … SELECT`: SQLite would keep, for each, what a page was before it.
    fn finish(
        &mut self,
        id: TaskId,
        [task_name, queue, priority, payload_format, crashes, submitted_us]: &Unchanged,
        (claims, uncounted): (u32, u32),
        now_us: i64,
        to: &Move,
    ) -> Result<Answer> {
        self.counts.last_seq += 1;
        self.counts.finished += 1;
        let (mut reason, mut result, mut until_us) = (None, None, None);
        match to {
            Move::Cancelled { reason: why } => reason = Some(&**why),
            Move::Succeeded { result: Some(bytes), result_until_us } => {
                (result, until_us) = (Some(&bytes[..]), *result_until_us);
            }
            _ => {}
        }
        let sealed =
            result.and_then(|plain| self.keys.seal(id.value(), Part::Result, plain).transpose()).transpose()?;
        let sealed_by = result.and(self.keys.number());
        self.run(
            "INSERT INTO finished VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            params![
                self.counts.last_seq,
                id.value(),
                state_number(to.to()),
                task_name,
                queue,
                priority,
                payload_format,
                claims,
                uncounted,
                crashes,
                submitted_us,
                now_us,
                reason,
                sealed.as_deref().or(result),
                sealed_by,
                until_us,
            ],
        )?;
        self.run("DELETE FROM task WHERE id = ?", params![id.value()])
    }

    /// The transaction is done.
    pub(super) fn committed(&mut self) {
        self.committed = self.counts;
    }

    /// Changes something that nobody reads, so that there is something to commit.
    pub(super) fn touch(&self) -> Result<()> {
        let touch = "INSERT INTO meta VALUES ('touched', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1";
        self.run(touch, &[]).map(drop)
    }

    fn forget(&mut self, id: TaskId) -> Result<Answer> {
        if self.prepared.execute("DELETE FROM finished WHERE id = ?", params![id.value()])? > 0 {
            self.counts.finished -= 1;
            return Ok(Answer::Done);
        }
        let dead = state_number(State::Dead);
        if self.prepared.execute("DELETE FROM task WHERE id = ? AND state = ?", params![id.value(), dead])? > 0 {
            self.prepared.execute("DELETE FROM note WHERE id = ?", params![id.value()])?;
            self.counts.dead -= 1;
            return Ok(Answer::Done);
        }
        let state: Option<i64> =
            self.prepared.find("SELECT state FROM task WHERE id = ?", params![id.value()], |row| row.get(0))?;
        Ok(state.and_then(state_numbered).map_or(Answer::NotFound, Answer::Refused))
    }

    /// Gives out ids, the first of which it returns. They are spent also where the process ends before they are used.
    pub(super) fn reserve_ids(&self, count: i64) -> Result<i64> {
        let next: i64 = self.prepared.row("SELECT value FROM meta WHERE key = 'next_id'", &[], |row| row.get(0))?;
        self.run("UPDATE meta SET value = ? WHERE key = 'next_id'", params![next + count])?;
        Ok(next)
    }

    /// Notes that nobody runs any more.
    pub(super) fn end_cleanly(&self) -> Result<()> {
        self.run("UPDATE meta SET value = 0 WHERE key = 'unclean'", &[]).map(drop)
    }
}

fn columns_of(run_at: Option<RunAt>) -> (Option<i64>, Option<bool>) {
    match run_at {
        Some(RunAt::Elapsed(at)) => (Some(at), Some(false)),
        Some(RunAt::Wall(at)) => (Some(at), Some(true)),
        None => (None, None),
    }
}
