//! What is put right at a start: who ran at the last end, and what was pending.

use crate::error::Result;
use crate::store::durable::{InterruptedRun, Unfinished};
use crate::store::sqlite::board::Board;
use crate::store::sqlite::changes::state_number;
use crate::store::sqlite::{failed, reads};
use crate::task::State;
use rusqlite::{params, Connection, OptionalExtension};

/// After the last end: who ran at an unclean one has crashed with it once more, and what was pending is ready again. From here on
/// an end is unclean, until it is said to be clean. Who ran, and what has not ended.
pub(super) fn recover(connection: &mut Connection, board: &Board) -> Result<(Vec<InterruptedRun>, Vec<Unfinished>)> {
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
