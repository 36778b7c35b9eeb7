//! What a store knows of runs when the process has ended: who ran, how often, and who was asked to stop.

use super::{accepted, ask_to_stop, bring, failure, made, move_to, to, Subject, TOLD};
use crate::store::durable::{apply, Answer, Change, InterruptedRun, Move, RunAt};
use crate::task::State;

pub(super) fn who_ran_is_told(subject: &dyn Subject) {
    let store = subject.open();
    let (runs, ended, idle) = (accepted(&*store), accepted(&*store), accepted(&*store));
    let pending = accepted(&*store);
    made(&*store, vec![to(pending, 1, Move::Pending)]);
    for (worker, id) in [(0, runs), (3, ended), (5, idle)] {
        store.claim(worker, Some(InterruptedRun { id, claims: 1 }));
    }
    store.claim(5, None);
    made(&*store, vec![to(ended, 1, Move::DONE)]);
    subject.kill(store);
    let store = subject.open();
    assert_eq!(store.interrupted(), [InterruptedRun { id: runs, claims: 1 }]);
    let task = store.get(runs).unwrap().unwrap();
    assert_eq!((task.state, task.claims, task.crashes), (State::Ready, 1, 1));
    assert_eq!(store.get(idle).unwrap().unwrap().crashes, 0);
    let task = store.get(pending).unwrap().unwrap();
    let stands = (task.state, task.claims, task.uncounted, task.crashes);
    assert_eq!(stands, (State::Ready, 1, 1, 1), "what was pending ran too, and nobody knows how it ended");
    // A second time it is counted only if it runs again.
    subject.kill(store);
    let store = subject.open();
    assert_eq!(store.interrupted(), []);
    store.claim(0, Some(InterruptedRun { id: runs, claims: 2 }));
    subject.kill(store);
    let task = subject.open().get(runs).unwrap().unwrap();
    assert_eq!((task.claims, task.crashes), (2, 2));
}

pub(super) fn what_was_asked_to_stop_is_cancelled(subject: &dyn Subject) {
    for is_clean in [false, true] {
        let store = subject.open();
        let (runs, retried, pending) = (accepted(&*store), accepted(&*store), accepted(&*store));
        for (worker, (id, claims)) in [(runs, 1), (retried, 2), (pending, 1)].into_iter().enumerate() {
            if claims > 1 {
                let later = Move::Scheduled { run_at: RunAt::Elapsed(1), failure: Some(failure()) };
                made(&*store, vec![to(id, claims - 1, later)]);
            }
            store.claim(worker, Some(InterruptedRun { id, claims }));
            made(&*store, vec![ask_to_stop(id, claims)]);
            let task = store.get(id).unwrap().unwrap();
            assert_eq!(
                (task.state, task.claims, task.reason),
                (State::Running, claims, Some("nobody wants it".into()))
            );
        }
        made(&*store, vec![to(pending, 1, Move::Pending)]);
        let task = store.get(pending).unwrap().unwrap();
        assert_eq!((task.state, task.reason), (State::Pending, Some("nobody wants it".into())), "it still is");
        let asked_while_pending = accepted(&*store);
        made(&*store, vec![to(asked_while_pending, 1, Move::Pending), ask_to_stop(asked_while_pending, 1)]);
        if is_clean {
            store.close().unwrap();
            drop(store);
        } else {
            subject.kill(store);
        }
        let store = subject.open();
        assert_eq!(store.interrupted(), []);
        assert_eq!(store.unfinished().unwrap(), []);
        for (id, claims) in [(runs, 1), (retried, 2), (pending, 1), (asked_while_pending, 1)] {
            let task = store.get(id).unwrap().unwrap();
            let stands = (task.state, task.claims, task.crashes, task.reason, task.failure);
            let crashes = u32::from(!is_clean);
            assert_eq!(stands, (State::Cancelled, claims, crashes, Some("nobody wants it".into()), None));
            assert!(task.finished_us >= task.submitted_us);
            assert_eq!(apply(&*store, vec![Change::Forget(id)]).unwrap(), [Answer::Done]);
            assert_eq!(store.get(id).unwrap(), None);
        }
        subject.kill(store);
    }
}

pub(super) fn what_was_asked_to_stop_may_end(subject: &dyn Subject) {
    let store = subject.open();
    let mut waits = Vec::new();
    for into in [State::Scheduled, State::Ready, State::Succeeded, State::Dead, State::Cancelled] {
        for from in [State::Running, State::Pending] {
            let Some(next) = move_to(into) else { continue };
            let id = accepted(&*store);
            if from == State::Pending {
                made(&*store, vec![to(id, 1, Move::Pending)]);
            }
            made(&*store, vec![ask_to_stop(id, 1), to(id, 1, next)]);
            let task = store.get(id).unwrap().unwrap();
            let reason = (into == State::Cancelled).then(|| "asked for".into());
            assert_eq!((task.state, task.claims, task.reason), (into, 1, reason), "{from:?} to {into:?}");
            assert_eq!(task.failure, (into == State::Dead).then(failure), "{from:?} to {into:?}");
            if matches!(into, State::Scheduled | State::Ready) {
                waits.push(id);
            }
        }
    }
    // It was said to the run that is over, and not to the next one.
    for id in &waits {
        store.claim(0, Some(InterruptedRun { id: *id, claims: 2 }));
        made(&*store, vec![to(*id, 2, Move::Pending)]);
    }
    subject.kill(store);
    let store = subject.open();
    for id in waits {
        assert_eq!(store.get(id).unwrap().unwrap().state, State::Ready);
    }
}

pub(super) fn only_a_run_is_asked_to_stop(subject: &dyn Subject) {
    let store = subject.open();
    for state in TOLD {
        for more in [0, 1] {
            let (id, claims) = bring(&*store, state);
            let was = store.get(id).unwrap().unwrap();
            let may = match state {
                State::Ready | State::Scheduled => more == 1,
                State::Running | State::Pending => more == 0,
                _ => false,
            };
            let due = if may { Answer::Done } else { Answer::Refused(state) };
            assert_eq!(apply(&*store, vec![ask_to_stop(id, claims + more)]).unwrap(), [due], "{state:?}, {more} more");
            if !may {
                assert_eq!(store.get(id).unwrap().unwrap(), was, "{state:?}, {more} more");
            }
        }
    }
    let unknown = store.reserve_ids(1).unwrap();
    assert_eq!(apply(&*store, vec![ask_to_stop(unknown, 1)]).unwrap(), [Answer::NotFound]);
}

pub(super) fn only_the_last_claim_counts(subject: &dyn Subject) {
    let store = subject.open();
    let (retried, put_back) = (accepted(&*store), accepted(&*store));
    let later = Move::Scheduled { run_at: RunAt::Elapsed(1), failure: Some(failure()) };
    made(&*store, vec![to(retried, 1, later), to(put_back, 1, Move::Ready)]);
    // The time of one has come, which is not written. The other one's place is not cleared yet.
    store.claim(0, Some(InterruptedRun { id: retried, claims: 2 }));
    store.claim(1, Some(InterruptedRun { id: put_back, claims: 1 }));
    subject.kill(store);
    let store = subject.open();
    assert_eq!(store.interrupted(), [InterruptedRun { id: retried, claims: 2 }]);
    let task = store.get(retried).unwrap().unwrap();
    assert_eq!((task.state, task.run_at, task.claims, task.crashes), (State::Ready, None, 2, 1));
    let task = store.get(put_back).unwrap().unwrap();
    assert_eq!((task.state, task.claims, task.crashes), (State::Ready, 1, 0));
}

pub(super) fn nobody_ran_at_a_clean_end(subject: &dyn Subject) {
    let store = subject.open();
    let (runs, pending) = (accepted(&*store), accepted(&*store));
    store.claim(0, Some(InterruptedRun { id: runs, claims: 1 }));
    made(&*store, vec![to(pending, 1, Move::Pending)]);
    store.close().unwrap();
    drop(store);
    let store = subject.open();
    assert_eq!(store.interrupted(), []);
    assert_eq!(store.get(runs).unwrap().unwrap().crashes, 0);
    // Whoever was to settle it is gone.
    assert_eq!(store.get(pending).unwrap().unwrap().state, State::Ready);
}
