//! What every durable store is put to. For whoever writes one: call [`run_all`] from a test of yours.
//!
//! Each check panics where the store does not keep its word; its name is the promise.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "these are tests: they may end where memory is short"
)]

mod runs;

use crate::error::Error;
use crate::options::{Durability, RetryPolicy};
use crate::store::durable::{
    apply, each, Answer, Batch, Change, InterruptedRun, Move, Page, RunAt, Store, StoredTask, Unfinished,
};
use crate::task::{Failure, PayloadFormat, Priority, State, TaskId, MOVES};
use std::sync::mpsc::{channel, Receiver};
use std::time::Duration;

/// A store that is put to the test.
pub trait Subject {
    /// Opens it, as the next process would: what was there before is there.
    fn open(&self) -> Box<dyn Store>;

    /// Ends a store as a process that is killed does: nothing more is written.
    fn kill(&self, store: Box<dyn Store>);
}

type Answers = Result<Vec<Answer>, Error>;

/// A check, and its name.
pub type Check = (&'static str, fn(&dyn Subject));

/// All checks.
pub const ALL: &[Check] = &[
    ("what_was_accepted_is_there_after_the_next_start_bit_for_bit", what_was_accepted_is_there),
    ("a_batch_is_made_whole_or_not_at_all", a_batch_is_whole),
    ("a_batch_that_fails_takes_no_other_with_it", a_failed_batch_is_alone),
    ("batches_and_their_changes_take_effect_in_their_order", the_order_is_kept),
    ("what_was_told_of_as_buffered_outlives_the_process", what_was_buffered_is_there),
    ("every_move_of_the_table_of_states_is_made_and_no_other", the_table_of_states_holds),
    ("an_outcome_of_an_older_claim_changes_nothing", an_older_claim_changes_nothing),
    ("ids_are_never_given_out_twice", ids_are_new),
    ("who_ran_at_an_unclean_end_is_told_and_counted", runs::who_ran_is_told),
    ("a_retry_that_ran_is_counted_and_a_run_that_has_ended_is_not", runs::only_the_last_claim_counts),
    ("nobody_ran_at_a_clean_end", runs::nobody_ran_at_a_clean_end),
    ("what_was_asked_to_stop_is_cancelled_once_its_process_has_ended", runs::what_was_asked_to_stop_is_cancelled),
    ("a_run_that_was_asked_to_stop_may_still_end_in_any_way", runs::what_was_asked_to_stop_may_end),
    ("only_a_run_that_goes_on_can_be_asked_to_stop", runs::only_a_run_is_asked_to_stop),
    ("what_has_ended_is_known_and_forgotten_when_it_is_asked_for", what_has_ended_is_known),
    ("a_dead_task_that_is_tried_again_has_not_ended_any_more", a_replay_has_not_ended),
    ("a_paused_queue_stays_paused", a_pause_stays),
    ("a_list_is_in_the_order_of_the_ids_and_has_what_was_asked_for", a_list_is_in_order),
    ("a_page_has_no_more_than_its_bytes_and_the_next_one_the_rest", a_page_has_its_bytes),
    ("a_brief_page_has_no_payloads", a_brief_page_is_small),
    ("the_close_waits_for_what_was_asked_for_before", the_close_waits),
    ("after_the_close_everything_is_refused", a_closed_store_refuses),
];

/// Puts a store to all of them, each with a subject of its own.
pub fn run_all(subject: impl Fn(&str) -> Box<dyn Subject>) {
    for (name, check) in ALL {
        check(&*subject(name));
    }
}

/// A task with everything that a task can have.
#[must_use]
pub fn full_task(id: TaskId) -> StoredTask {
    StoredTask {
        id,
        state: State::Scheduled,
        task_name: "names.may-be: ünïcode".into(),
        queue: "mails".into(),
        priority: Priority::AboveNormal,
        payload_format: PayloadFormat::Standard,
        claims: 0,
        uncounted: 0,
        crashes: 0,
        submitted_us: 1_700_000_000_123_456,
        finished_us: 0,
        run_at: Some(RunAt::Wall(1_800_000_000_000)),
        retry: Some(RetryPolicy::attempts(5)),
        time_limit: Some(Duration::from_secs(30)),
        payload: vec![0, 1, 2, 0xff],
        user_context: Some(vec![7]),
        headers: vec![1, 0, 1, 0, b'a', b'b'],
        failure: None,
        reason: None,
        result: None,
        result_until_us: None,
        key_id: None,
        unreadable: None,
    }
}

/// A task with nothing but what every task has.
#[must_use]
pub fn plain_task(id: TaskId) -> StoredTask {
    StoredTask {
        state: State::Ready,
        task_name: "plain".into(),
        queue: "default".into(),
        priority: Priority::Normal,
        payload_format: PayloadFormat::Contractless,
        run_at: None,
        retry: None,
        time_limit: None,
        payload: Vec::new(),
        user_context: None,
        headers: Vec::new(),
        ..full_task(id)
    }
}

fn made(store: &dyn Store, changes: Vec<Change>) {
    let count = changes.len();
    assert_eq!(apply(store, changes).unwrap(), vec![Answer::Done; count]);
}

fn accepted(store: &dyn Store) -> TaskId {
    let id = store.reserve_ids(1).unwrap();
    made(store, vec![Change::Accept(Box::new(plain_task(id)))]);
    id
}

fn to(id: TaskId, claims: u32, to: Move) -> Change {
    Change::Move { id, claims, uncounted: 0, now_us: 1_700_000_001_000_000, to }
}

fn failure() -> Failure {
    Failure::new("Kind", "message", "detail")
}

fn move_to(state: State) -> Option<Move> {
    Some(match state {
        State::Scheduled => Move::Scheduled { run_at: RunAt::Elapsed(5), failure: None },
        State::Ready => Move::Ready,
        State::Pending => Move::Pending,
        State::Succeeded => Move::DONE,
        State::Dead => Move::Dead { failure: failure() },
        State::Cancelled => Move::Cancelled { reason: "asked for".into() },
        // A claim is told by `Store::claim`, and a durable store drops nothing.
        State::Running | State::Dropped => return None,
    })
}

fn ask_to_stop(id: TaskId, claims: u32) -> Change {
    Change::AskToStop { id, claims, uncounted: 0, reason: "nobody wants it".into() }
}

fn what_was_accepted_is_there(subject: &dyn Subject) {
    let store = subject.open();
    let first = store.reserve_ids(2).unwrap();
    let second = TaskId::new(first.value() + 1).unwrap();
    let (full, plain) = (full_task(first), plain_task(second));
    made(&*store, vec![Change::Accept(Box::new(full.clone())), Change::Accept(Box::new(plain.clone()))]);
    subject.kill(store);
    let store = subject.open();
    assert_eq!(store.get(first).unwrap().unwrap(), full);
    assert_eq!(store.get(second).unwrap().unwrap(), plain);
    for format in PayloadFormat::ALL {
        let id = store.reserve_ids(1).unwrap();
        let task = StoredTask { payload_format: format, ..plain_task(id) };
        made(&*store, vec![Change::Accept(Box::new(task.clone()))]);
        assert_eq!(store.get(id).unwrap().unwrap(), task);
    }
}

fn a_batch_is_whole(subject: &dyn Subject) {
    let store = subject.open();
    let there = accepted(&*store);
    let new = store.reserve_ids(1).unwrap();
    // The second one cannot be: its id is taken.
    let answer =
        apply(&*store, vec![Change::Accept(Box::new(plain_task(new))), Change::Accept(Box::new(plain_task(there)))]);
    assert!(matches!(answer, Err(Error::Store(_))), "{answer:?}");
    assert_eq!(store.get(new).unwrap(), None);
    // And what comes after it is none the worse.
    made(&*store, vec![Change::Accept(Box::new(plain_task(new)))]);
    subject.kill(store);
    assert_eq!(subject.open().get(new).unwrap().unwrap(), plain_task(new));
}

/// Has changes made, and does not wait: what is told comes by itself.
fn ask(store: &dyn Store, durability: Durability, changes: Vec<Change>) -> Receiver<(Vec<Change>, Answers)> {
    let (tell, told) = channel();
    let tell = move |changes, answers| drop(tell.send((changes, answers)));
    store.apply(Batch { changes, durability, told: Box::new(tell) });
    told
}

fn new_task(store: &dyn Store) -> (TaskId, Change) {
    let id = store.reserve_ids(1).unwrap();
    (id, Change::Accept(Box::new(plain_task(id))))
}

fn a_failed_batch_is_alone(subject: &dyn Subject) {
    let store = subject.open();
    let there = accepted(&*store);
    let mut good = Vec::new();
    let mut told = Vec::new();
    // Asked for at once, so that they may share what they cost.
    for number in 0..30 {
        let (id, accept) = new_task(&*store);
        let mut changes = vec![accept];
        if number % 3 == 1 {
            changes.push(Change::Accept(Box::new(plain_task(there))));
        } else {
            good.push(id);
        }
        told.push(ask(&*store, Durability::Committed, changes));
    }
    for (number, told) in told.into_iter().enumerate() {
        let (changes, answers) = told.recv().expect("every batch is told of");
        assert_eq!(answers.is_err(), number % 3 == 1, "{number}: {answers:?}");
        assert_eq!(changes.len(), 1 + usize::from(answers.is_err()), "its changes are handed back");
    }
    subject.kill(store);
    let page = Page { limit: 100, after: Some(there), ..Page::default() };
    assert_eq!(subject.open().list(&page).unwrap().iter().map(|task| task.id).collect::<Vec<_>>(), good);
}

fn the_order_is_kept(subject: &dyn Subject) {
    let store = subject.open();
    let (id, accept) = new_task(&*store);
    let mut told = vec![ask(&*store, Durability::Buffered, vec![accept, to(id, 1, Move::Ready)])];
    // In any other order one of them is late, and refused.
    for claims in 1..100 {
        let durability = if claims % 7 == 0 { Durability::Committed } else { Durability::Buffered };
        let changes = vec![to(id, 2 * claims, Move::Ready), to(id, 2 * claims + 1, Move::Ready)];
        told.push(ask(&*store, durability, changes));
    }
    for told in told {
        let (changes, answers) = told.recv().expect("every batch is told of");
        assert_eq!(answers.unwrap(), [Answer::Done; 2], "{changes:?}");
    }
    assert_eq!(store.get(id).unwrap().unwrap().claims, 199);
}

fn what_was_buffered_is_there(subject: &dyn Subject) {
    let store = subject.open();
    let (id, accept) = new_task(&*store);
    let told = ask(&*store, Durability::Buffered, vec![accept, Change::Pause("mails".into(), true)]);
    told.recv().expect("every batch is told of").1.unwrap();
    subject.kill(store);
    let store = subject.open();
    assert_eq!(store.get(id).unwrap().unwrap(), plain_task(id));
    assert_eq!(store.paused().unwrap(), ["mails"]);
}

fn a_replay_has_not_ended(subject: &dyn Subject) {
    let store = subject.open();
    let id = accepted(&*store);
    store.claim(0, Some(InterruptedRun { id, claims: 1 }));
    subject.kill(store);
    let store = subject.open();
    assert_eq!(store.get(id).unwrap().unwrap().crashes, 1);
    made(&*store, vec![to(id, 2, Move::Dead { failure: failure() }), to(id, 2, Move::Ready)]);
    subject.kill(store);
    let task = subject.open().get(id).unwrap().unwrap();
    let stands = (task.state, task.finished_us, task.failure, task.crashes);
    assert_eq!(stands, (State::Ready, 0, Some(failure()), 0), "the crashes before are forgiven");
}

fn the_close_waits(subject: &dyn Subject) {
    let store = subject.open();
    let mut ids = Vec::new();
    let mut told = Vec::new();
    for _ in 0..200 {
        let (id, accept) = new_task(&*store);
        ids.push(id);
        told.push(ask(&*store, Durability::Buffered, vec![accept]));
    }
    store.close().unwrap();
    for told in told {
        assert_eq!(told.try_recv().expect("it was told of before the close was over").1.unwrap(), [Answer::Done]);
    }
    drop(store);
    let page = Page { limit: 1000, ..Page::default() };
    assert_eq!(subject.open().list(&page).unwrap().iter().map(|task| task.id).collect::<Vec<_>>(), ids);
}

/// The states that a store tells.
const TOLD: [State; 7] =
    [State::Scheduled, State::Ready, State::Running, State::Pending, State::Succeeded, State::Dead, State::Cancelled];

/// Brings a new task into a state. Its claims.
fn bring(store: &dyn Store, state: State) -> (TaskId, u32) {
    let id = accepted(store);
    let (claims, changes) = match state {
        State::Ready => (0, vec![]),
        State::Running => (1, vec![ask_to_stop(id, 1)]),
        State::Dropped => panic!("a store does not say {state:?}"),
        _ => (1, move_to(state).into_iter().map(|next| to(id, 1, next)).collect()),
    };
    made(store, changes);
    (id, claims)
}

fn the_table_of_states_holds(subject: &dyn Subject) {
    let store = subject.open();
    for from in TOLD {
        for into in TOLD {
            let (id, claims) = bring(&*store, from);
            let Some(next) = move_to(into) else { continue };
            let answer = apply(&*store, vec![to(id, claims, next.clone())]).unwrap();
            let due = if MOVES.contains(&(from, into)) { Answer::Done } else { Answer::Refused(from) };
            assert_eq!(answer, [due], "{from:?} to {into:?}");
            let stands = if due == Answer::Done { into } else { from };
            assert_eq!(store.get(id).unwrap().unwrap().state, stands, "{from:?} to {into:?}");
            // A claim is not written: with one more, it is a move of a task that runs.
            let (id, claims) = bring(&*store, from);
            let answer = apply(&*store, vec![to(id, claims + 1, next)]).unwrap();
            let from_now = if matches!(from, State::Ready | State::Scheduled) { State::Running } else { from };
            let may = MOVES.contains(&(from_now, into));
            let due = if may { Answer::Done } else { Answer::Refused(from) };
            assert_eq!(answer, [due], "{from:?}, claimed, to {into:?}");
        }
    }
    let unknown = store.reserve_ids(1).unwrap();
    assert_eq!(apply(&*store, vec![to(unknown, 1, Move::Ready)]).unwrap(), [Answer::NotFound]);
}

fn an_older_claim_changes_nothing(subject: &dyn Subject) {
    let store = subject.open();
    let id = accepted(&*store);
    made(
        &*store,
        vec![
            to(id, 2, Move::Scheduled { run_at: RunAt::Elapsed(1), failure: Some(failure()) }),
            to(id, 2, Move::Ready),
        ],
    );
    let late = apply(&*store, vec![to(id, 1, Move::DONE)]).unwrap();
    assert_eq!(late, [Answer::Refused(State::Ready)]);
    let task = store.get(id).unwrap().unwrap();
    assert_eq!((task.state, task.claims, task.failure), (State::Ready, 2, Some(failure())));
    made(&*store, vec![to(id, 3, Move::Succeeded { result: Some(vec![9]), result_until_us: None })]);
    let again = apply(&*store, vec![to(id, 3, Move::Dead { failure: failure() })]).unwrap();
    assert_eq!(again, [Answer::Refused(State::Succeeded)]);
}

fn ids_are_new(subject: &dyn Subject) {
    let mut last = 0;
    for round in 0..6 {
        let store = subject.open();
        for count in [1, 5, 3_000_000, 1] {
            let first = store.reserve_ids(count).unwrap().value();
            assert!(first > last, "{first} after {last}");
            last = first + count as i64 - 1;
        }
        if round % 2 == 0 {
            subject.kill(store);
        } else {
            store.close().unwrap();
        }
    }
}

fn what_has_ended_is_known(subject: &dyn Subject) {
    let store = subject.open();
    let (done, dead) = (accepted(&*store), accepted(&*store));
    made(
        &*store,
        vec![
            to(done, 1, Move::Succeeded { result: Some(vec![1, 2]), result_until_us: None }),
            to(dead, 1, Move::Dead { failure: failure() }),
        ],
    );
    subject.kill(store);
    let store = subject.open();
    let task = store.get(done).unwrap().unwrap();
    assert_eq!(
        (task.state, task.result, task.finished_us),
        (State::Succeeded, Some(vec![1, 2]), 1_700_000_001_000_000)
    );
    let task = store.get(dead).unwrap().unwrap();
    assert_eq!((task.state, task.failure, task.payload), (State::Dead, Some(failure()), plain_task(dead).payload));
    let unfinished = accepted(&*store);
    let answers = apply(&*store, vec![Change::Forget(done), Change::Forget(dead), Change::Forget(unfinished)]).unwrap();
    assert_eq!(answers, [Answer::Done, Answer::Done, Answer::Refused(State::Ready)]);
    assert_eq!((store.get(done).unwrap(), store.get(dead).unwrap()), (None, None));
    assert_eq!(apply(&*store, vec![Change::Forget(done)]).unwrap(), [Answer::NotFound]);
}

fn a_pause_stays(subject: &dyn Subject) {
    let store = subject.open();
    made(&*store, vec![Change::Pause("mails".into(), true), Change::Pause("default".into(), true)]);
    made(&*store, vec![Change::Pause("default".into(), false)]);
    subject.kill(store);
    assert_eq!(subject.open().paused().unwrap(), ["mails"]);
}

fn a_page_has_its_bytes(subject: &dyn Subject) {
    const SIZE: u64 = 100;
    let store = subject.open();
    let first = store.reserve_ids(7).unwrap().value();
    let ids: Vec<_> = (first..first + 7).map(|id| TaskId::new(id).unwrap()).collect();
    for id in &ids {
        let task = StoredTask { payload: vec![7; SIZE as usize], ..plain_task(*id) };
        made(&*store, vec![Change::Accept(Box::new(task))]);
    }
    // Those that have ended may lie elsewhere, and have no payload any more.
    for id in [ids[1], ids[2], ids[5]] {
        made(&*store, vec![to(id, 0, Move::Cancelled { reason: "asked for".into() })]);
    }
    let listed = |most_bytes, after| {
        let page = Page { limit: 100, most_bytes: Some(most_bytes), after, ..Page::default() };
        store.list(&page).unwrap().iter().map(|task| task.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(1, None), ids[..1], "at least one");
    assert_eq!(listed(SIZE + 1, None), ids[..4]);
    assert_eq!(listed(SIZE, Some(ids[3])), ids[4..5]);
    assert_eq!(listed(7 * SIZE, None), ids);
    for most_bytes in [0, 1, SIZE + 1, 2 * SIZE] {
        let mut seen = Vec::new();
        let page = Page { limit: 3, most_bytes: Some(most_bytes), ..Page::default() };
        let visit = |task: &StoredTask| {
            seen.push(task.id);
            Ok::<_, Error>(true)
        };
        each(page, |page| store.list(page), visit).unwrap();
        assert_eq!(seen, ids, "pages of {most_bytes} bytes");
    }
}

fn a_brief_page_is_small(subject: &dyn Subject) {
    let store = subject.open();
    let id = store.reserve_ids(1).unwrap();
    let task = full_task(id);
    made(&*store, vec![Change::Accept(Box::new(task.clone()))]);
    let [listed] = &store.list(&Page { limit: 100, brief: true, ..Page::default() }).unwrap()[..] else { panic!() };
    let brief = StoredTask { payload: Vec::new(), user_context: None, headers: Vec::new(), ..task };
    assert_eq!(*listed, brief);
}

fn a_list_is_in_order(subject: &dyn Subject) {
    let store = subject.open();
    let states = [State::Succeeded, State::Ready, State::Dead, State::Scheduled, State::Ready];
    let ids: Vec<_> = states.map(|state| bring(&*store, state).0).into();
    let list = |page: &Page<'_>| store.list(page).unwrap().iter().map(|task| task.id).collect::<Vec<_>>();
    assert_eq!(list(&Page { limit: 100, ..Page::default() }), ids);
    assert_eq!(list(&Page { limit: 2, after: Some(ids[0]), ..Page::default() }), ids[1..3]);
    assert_eq!(list(&Page { limit: 100, before: Some(ids[2]), ..Page::default() }), ids[..2]);
    let ready = Page { limit: 100, states: &[State::Ready, State::Succeeded], ..Page::default() };
    assert_eq!(list(&ready), [ids[0], ids[1], ids[4]]);
    assert_eq!(list(&Page { limit: 100, task_name: Some("nobody"), ..Page::default() }), []);
    assert_eq!(list(&Page { limit: 100, task_name: Some("plain"), ..Page::default() }), ids);
    let stored = store.stored().unwrap();
    assert_eq!((stored.ready, stored.scheduled, stored.dead, stored.finished), (2, 1, 1, 1));
    let unfinished = Unfinished { task_name: "plain".into(), count: 3, first: ids[1], last: ids[4] };
    assert_eq!(store.unfinished().unwrap(), [unfinished]);
}

fn a_closed_store_refuses(subject: &dyn Subject) {
    let store = subject.open();
    let id = accepted(&*store);
    store.close().unwrap();
    assert_eq!(apply(&*store, vec![to(id, 1, Move::Ready)]), Err(Error::ShuttingDown));
    assert_eq!(store.reserve_ids(10_000_000), Err(Error::ShuttingDown));
}
