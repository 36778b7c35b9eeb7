//! What is put right at a start: who ran at the last end, and what was pending.

use crate::error::Result;
use crate::store::durable::{Change, InterruptedRun, Move, Unfinished};
use crate::store::sqlite::board::Board;
use crate::store::sqlite::changes::{state_number, Changes};
use crate::store::sqlite::retention::Keep;
use crate::store::sqlite::sealing::Keys;
use crate::store::sqlite::{failed, reads};
use crate::sys;
use crate::task::State;
use rusqlite::{params, Connection, OptionalExtension, Transaction};
use std::sync::Arc;

/// After the last end: who was asked to stop is cancelled, who else ran at an unclean one has crashed with it once more, and what was pending
/// is ready again. From here on an end is unclean, until it is said to be clean. Who ran, and what has not ended.
pub(super) fn recover(
    connection: &mut Connection,
    board: &Board,
    keep: Keep,
    keys: Arc<Keys>,
) -> Result<(Vec<InterruptedRun>, Vec<Unfinished>)> {
    let transaction = connection.transaction().map_err(failed)?;
    let unclean: i64 =
        transaction.query_row("SELECT value FROM meta WHERE key = 'unclean'", [], |row| row.get(0)).map_err(failed)?;
    // Only those whose end is not written: it may be, and their place not used again. Such a run has a claim more than is known of its task,
    // so that no run counts twice, also where the board is there again after a power cut. It counts as no attempt, since nobody knows how it
    // ended. What was scheduled and ran anyway had its time come.
    let (is_ready, is_scheduled) = (state_number(State::Ready), state_number(State::Scheduled));
    let mut noted = board.read();
    // A task that ran twice at a time, since one run was given up, has crashed once.
    noted.sort_unstable_by_key(|noted| (noted.run.id, noted.run.claims));
    let mut runs = Vec::new();
    for of_one in noted.chunk_by(|one, other| one.run.id == other.run.id) {
        let Some(run) = of_one.last().map(|noted| noted.run) else { continue };
        let known = "SELECT claims FROM task WHERE id = ? AND state IN (?, ?) AND claims < ?";
        let values = params![run.id.value(), is_ready, is_scheduled, run.claims];
        let known: Option<u32> = transaction.query_row(known, values, |row| row.get(0)).optional().map_err(failed)?;
        let Some(known) = known else { continue };
        let has_crashed = unclean != 0 && of_one.iter().any(|noted| noted.was_running && noted.run.claims > known);
        let count =
            "UPDATE task SET crashes = crashes + ?, uncounted = uncounted + ? - claims, claims = ?, state = ?, \
                     run_at_ms = NULL, by_wall = NULL WHERE id = ?";
        let values = params![i64::from(has_crashed), run.claims, run.claims, is_ready, run.id.value()];
        transaction.execute(count, values).map_err(failed)?;
        if has_crashed {
            runs.push(run);
        }
    }
    cancel_what_was_asked_to_stop(&transaction, keep, keys, unclean != 0)?;
    let left = reads::left(&transaction)?;
    // Whoever was to settle what was pending is gone; at an unclean end it may have been what ended the process. Nobody
    // knows how it would have ended, so it counts as no attempt.
    if left.has_pending {
        let settle = "UPDATE task SET state = ?, crashes = crashes + ?, uncounted = uncounted + 1 WHERE state = ?";
        let values = params![is_ready, i64::from(unclean != 0), state_number(State::Pending)];
        transaction.execute(settle, values).map_err(failed)?;
    }
    transaction.execute("UPDATE meta SET value = 1 WHERE key = 'unclean'", []).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    board.clear();
    Ok((runs, left.unfinished))
}

/// Whoever asked was told that the run would stop. With the process it has, so that its task is what it was to become.
fn cancel_what_was_asked_to_stop(
    transaction: &Transaction<'_>,
    keep: Keep,
    keys: Arc<Keys>,
    unclean: bool,
) -> Result<()> {
    let asked = reads::asked_to_stop(transaction)?;
    if asked.is_empty() {
        return Ok(());
    }
    let now_us = sys::coarse_unix_micros();
    let mut changes = Changes::new(transaction, keep, keys)?;
    for (id, claims, uncounted, reason) in asked {
        let crashed = "UPDATE task SET crashes = crashes + ? WHERE id = ?";
        transaction.execute(crashed, params![i64::from(unclean), id.value()]).map_err(failed)?;
        changes.make(&[Change::Move { id, claims, uncounted, now_us, to: Move::Cancelled { reason } }])?;
    }
    Ok(())
}
