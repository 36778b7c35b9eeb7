//! What a history is played on: the engine by its Rust API, or by its C functions.

use crate::common::{options, LONG};
use crate::world::{Answer, Cancelled, Counts, End, Phase, Policy, GRACE_MS};
use backrun::{
    Backoff, CancelResult, Engine, Error, Failure, Lease, Outcome, RetryPolicy, ShutdownMode, State, Submission,
    TaskContext, TaskFilter, TaskId, TaskOptions,
};
use std::sync::mpsc::{channel, Sender};
use std::sync::Mutex;
use std::time::Duration;

/// What a run says when it begins, and how it is let go.
pub struct Begun {
    pub id: i64,
    pub lease: i64,
    pub attempt: i64,
    pub let_go: Sender<End>,
}

/// When a submission wants to run.
#[derive(Clone, Copy)]
pub enum When {
    Now,
    AfterMs(u64),
    AtUnixMs(u64),
}

/// What the status of a task says.
pub struct Look {
    pub phase: Phase,
    pub lease: i64,
    pub attempt: i64,
    pub run_at_us: i64,
}

/// Counters since the start, and how many are scheduled, ready, running and pending now.
pub type Counted = (Counts, [u64; 4]);

/// Nobody is replaced here (tests/watchdog.rs is about that): half a century.
pub const NEVER_MS: u64 = 50 * 365 * 24 * 3_600_000;

pub trait Driver: Send + Sync {
    fn submit(&self, when: When, policy: Option<Policy>, limit_ms: Option<u64>) -> i64;
    fn cancel(&self, id: i64) -> Cancelled;
    fn settle(&self, id: i64, lease: i64, end: End) -> Answer;
    fn replay(&self, id: i64) -> Answer;
    /// Forgets finished tasks with a larger id, up to so many (0: all). How many.
    fn purge(&self, after: i64, limit: u32) -> u64;
    fn advance(&self, ms: u64);
    fn jump(&self, ms: i64);
    fn pause(&self, pause: bool);
    fn look(&self, id: i64) -> Option<Look>;
    fn counted(&self) -> Counted;
    /// Cancels all, and waits. Whether nothing was left.
    fn shut_down(&self) -> bool;
}

/// Tells the history of a run that begins, and waits until it is let go.
fn run(tell: &Mutex<Sender<Begun>>, id: i64, lease: i64, attempt: i64) -> End {
    let (let_go, wait) = channel();
    // Where nobody hears of it or lets it go, the history has failed.
    let _ = tell.lock().unwrap().send(Begun { id, lease, attempt, let_go });
    wait.recv().unwrap_or(End::Done)
}

pub struct Rust(Engine);

impl Rust {
    pub fn new(workers: u32, tell: Sender<Begun>) -> Self {
        let mut options = options(workers);
        options.manual_time = true;
        options.keep_finished = backrun::Retention::Newest(1_000_000);
        options.keep_dead = backrun::Retention::Newest(1_000_000);
        options.default_queue.stall_threshold = Duration::from_millis(NEVER_MS);
        let engine = Engine::start(options).unwrap();
        let tell = Mutex::new(tell);
        let mut options = TaskOptions::default();
        options.grace = Some(Duration::from_millis(GRACE_MS));
        let step = move |task: &TaskContext<'_>| {
            outcome(run(&tell, task.id().value(), task.lease().value(), i64::from(task.attempt())))
        };
        engine.register_with("step", options, || step).unwrap();
        Self(engine)
    }
}

fn id_of(id: i64) -> TaskId {
    TaskId::new(id).unwrap()
}

fn outcome(end: End) -> Outcome {
    let failure = || Failure::message("as the history says");
    match end {
        End::Done => Outcome::Done,
        End::Failed => Outcome::Failed(failure()),
        End::RetryAfter(ms) => Outcome::RetryAfter(failure(), Some(Duration::from_millis(ms))),
        End::Fatal => Outcome::Fatal(failure()),
        End::Cancelled => Outcome::Cancelled,
        End::Pending => Outcome::Pending,
    }
}

fn answer(result: Result<(), Error>) -> Answer {
    match result {
        Ok(()) => Answer::Ok,
        Err(Error::StaleLease { .. }) => Answer::StaleLease,
        Err(Error::NotFound(_)) => Answer::NotFound,
        Err(Error::InvalidArgument(_)) => Answer::Invalid,
        Err(other) => panic!("{other}"),
    }
}

impl Driver for Rust {
    fn submit(&self, when: When, policy: Option<Policy>, limit_ms: Option<u64>) -> i64 {
        let mut submission = Submission::new("step", b"payload");
        submission = match when {
            When::Now => submission,
            When::AfterMs(ms) => submission.delay(Duration::from_millis(ms)),
            When::AtUnixMs(ms) => submission.run_at_unix_ms(ms as i64),
        };
        if let Some(Policy { attempts, delay_ms }) = policy {
            let retry = RetryPolicy::attempts(attempts).backoff(Backoff::Fixed).jitter_percent(0);
            submission = submission.retry(retry.delay(Duration::from_millis(delay_ms)));
        }
        if let Some(ms) = limit_ms {
            submission = submission.time_limit(Duration::from_millis(ms));
        }
        self.0.submit(&submission).unwrap().value()
    }

    fn cancel(&self, id: i64) -> Cancelled {
        match self.0.cancel(id_of(id), "the history").unwrap() {
            CancelResult::Queued => Cancelled::Queued,
            CancelResult::Running => Cancelled::Running,
            CancelResult::AlreadyFinal => Cancelled::AlreadyFinal,
            CancelResult::Unknown => Cancelled::Unknown,
        }
    }

    fn settle(&self, id: i64, lease: i64, end: End) -> Answer {
        answer(self.0.settle(id_of(id), Lease::new(lease), outcome(end)))
    }

    fn replay(&self, id: i64) -> Answer {
        answer(self.0.replay(id_of(id)))
    }

    fn purge(&self, after: i64, limit: u32) -> u64 {
        let mut filter = TaskFilter::default();
        filter.after = TaskId::new(after).ok();
        filter.limit = (limit > 0).then_some(limit as usize);
        self.0.purge(&filter).unwrap()
    }

    fn advance(&self, ms: u64) {
        self.0.advance_time(Duration::from_millis(ms)).unwrap();
    }

    fn jump(&self, ms: i64) {
        self.0.jump_wall_clock(ms).unwrap();
    }

    fn pause(&self, pause: bool) {
        if pause { self.0.pause("default") } else { self.0.resume("default") }.unwrap();
    }

    fn look(&self, id: i64) -> Option<Look> {
        let status = self.0.status(id_of(id))?;
        let phase = match status.state {
            State::Scheduled => Phase::Scheduled,
            State::Ready => Phase::Ready,
            State::Running => Phase::Running,
            State::Pending => Phase::Pending,
            State::Succeeded => Phase::Succeeded,
            State::Dead => Phase::Dead,
            State::Cancelled => Phase::Cancelled,
            other => panic!("task {id} is {other:?}"),
        };
        let (lease, attempt) = (status.lease.value(), i64::from(status.attempt));
        Some(Look { phase, lease, attempt, run_at_us: status.run_at_us })
    }

    fn counted(&self) -> Counted {
        let counters = self.0.statistics().unwrap().engine;
        let counts = Counts {
            accepted: counters.accepted,
            started: counters.started,
            succeeded: counters.succeeded,
            runs_failed: counters.runs_failed,
            retried: counters.retried,
            dead: counters.dead,
            cancelled: counters.cancelled,
            stale_settles: counters.stale_settles,
        };
        (counts, [counters.scheduled, counters.ready, counters.running, counters.pending])
    }

    fn shut_down(&self) -> bool {
        self.0.shutdown(ShutdownMode::Cancel, LONG).unwrap().is_complete()
    }
}

pub use c::C;

/// The C functions, as a C program calls them.
mod c {
    use super::{run, Begun, Counted, Driver, Look, When, NEVER_MS};
    use crate::world::{Answer, Cancelled, Counts, End, Phase, Policy, GRACE_MS};
    use backrun::ffi::bytes::{backrun_bytes, backrun_str};
    use backrun::ffi::engine::*;
    use backrun::ffi::handler::*;
    use backrun::ffi::lookup::*;
    use backrun::ffi::queue::*;
    use backrun::ffi::stats::*;
    use backrun::ffi::status::*;
    use backrun::ffi::submit::*;
    use backrun::ffi::task::*;
    use std::ffi::c_void;
    use std::ptr::{null, null_mut};
    use std::sync::mpsc::Sender;
    use std::sync::Mutex;

    pub struct C(*mut backrun_engine);

    // SAFETY: any thread may call the functions of an engine.
    unsafe impl Send for C {}
    // SAFETY: likewise.
    unsafe impl Sync for C {}

    type Tell = Mutex<Sender<Begun>>;

    /// A struct of the ABI whose every field is its default.
    fn empty<T>() -> T {
        // SAFETY: all structs of the ABI are integers, pointers and optional functions: zero is their default.
        let mut value: T = unsafe { std::mem::zeroed() };
        // SAFETY: each begins with its size.
        unsafe { (&raw mut value).cast::<u32>().write(size_of::<T>() as u32) };
        value
    }

    fn text(text: &'static str) -> backrun_str {
        backrun_str { data: text.as_ptr().cast(), len: text.len() }
    }

    /// Calls a function, and says what is wrong where its code is not one of those that are expected.
    fn call(expected: &[i32], function: impl FnOnce(*mut *mut backrun_error) -> i32) -> i32 {
        let mut error = null_mut();
        let code = function(&mut error);
        if !expected.contains(&code) {
            // SAFETY: an error, or NULL.
            let message = unsafe { backrun_error_message(error) };
            // SAFETY: borrowed from the error, which lives.
            let bytes = unsafe { std::slice::from_raw_parts(message.data.cast::<u8>(), message.len) };
            panic!("code {code}: {}", String::from_utf8_lossy(bytes));
        }
        // SAFETY: an error of ours, or NULL.
        unsafe { backrun_error_free(error) };
        code
    }

    fn ok(function: impl FnOnce(*mut *mut backrun_error) -> i32) {
        call(&[BACKRUN_OK], function);
    }

    fn answer(code: i32) -> Answer {
        match code {
            BACKRUN_OK => Answer::Ok,
            BACKRUN_STALE_LEASE => Answer::StaleLease,
            BACKRUN_NOT_FOUND => Answer::NotFound,
            _ => Answer::Invalid,
        }
    }

    fn code_of(end: End) -> i32 {
        match end {
            End::Done => BACKRUN_RUN_DONE,
            End::Failed => BACKRUN_RUN_FAILED,
            End::RetryAfter(_) => BACKRUN_RUN_RETRY_AFTER,
            End::Fatal => BACKRUN_RUN_FATAL,
            End::Cancelled => BACKRUN_RUN_CANCELLED,
            End::Pending => BACKRUN_RUN_PENDING,
        }
    }

    unsafe extern "C" fn run_step(
        user_data: *mut c_void,
        task: *mut backrun_task,
        _: backrun_bytes,
        _: *mut c_void,
    ) -> i32 {
        // SAFETY: a `Tell` that lives until `release`; the task is valid during the call.
        let end = unsafe {
            let tell = &*user_data.cast::<Tell>();
            let (id, lease, attempt) = (backrun_task_id(task), backrun_task_lease(task), backrun_task_attempt(task));
            run(tell, id, lease, i64::from(attempt))
        };
        if let End::RetryAfter(ms) = end {
            // SAFETY: likewise.
            ok(|error| unsafe { backrun_task_retry_after(task, ms as i64, error) });
        }
        code_of(end)
    }

    unsafe extern "C" fn release(user_data: *mut c_void) {
        // SAFETY: made by Box::into_raw, and called once.
        drop(unsafe { Box::from_raw(user_data.cast::<Tell>()) });
    }

    impl C {
        pub fn new(workers: u32, tell: Sender<Begun>) -> Self {
            let queue = backrun_queue_options { stall_threshold_ms: NEVER_MS as i64, ..empty() };
            let options = backrun_engine_options {
                abi_version: BACKRUN_ABI_VERSION,
                workers,
                keep_finished: 1_000_000,
                keep_dead: 1_000_000,
                default_queue: &queue,
                flags: BACKRUN_ENGINE_MANUAL_TIME,
                ..empty()
            };
            let mut engine = null_mut();
            // SAFETY: all pointers are valid for the calls; the handler's user data until its release.
            unsafe {
                ok(|error| backrun_engine_new(&options, &mut engine, error));
                let tell: Box<Tell> = Box::new(Mutex::new(tell));
                let handler = backrun_handler {
                    user_data: Box::into_raw(tell).cast(),
                    run: Some(run_step),
                    release: Some(release),
                    ..empty()
                };
                let options = backrun_task_options { grace_ms: GRACE_MS as i64, ..empty() };
                ok(|error| backrun_engine_register(engine, text("step"), &handler, &options, error));
            }
            Self(engine)
        }

        /// A look at a task, while it is valid.
        fn with_status<R>(&self, id: i64, read: impl FnOnce(*const backrun_task_status) -> R) -> Option<R> {
            let mut status = null_mut();
            let expected = [BACKRUN_OK, BACKRUN_NOT_FOUND];
            // SAFETY: a live engine.
            let code = call(&expected, |error| unsafe { backrun_engine_wait(self.0, id, 0, &mut status, error) });
            if code != BACKRUN_OK {
                return None;
            }
            let read = read(status);
            // SAFETY: ours, and once.
            unsafe { backrun_task_status_free(status) };
            Some(read)
        }
    }

    impl Drop for C {
        fn drop(&mut self) {
            // SAFETY: ours, and once.
            unsafe { backrun_engine_free(self.0) };
        }
    }

    impl Driver for C {
        fn submit(&self, when: When, policy: Option<Policy>, limit_ms: Option<u64>) -> i64 {
            let mut submission = backrun_submission {
                task_name: text("step"),
                payload: backrun_bytes { data: b"payload".as_ptr(), len: 7 },
                time_limit_ms: limit_ms.unwrap_or(0) as i64,
                ..empty()
            };
            match when {
                When::Now => {}
                When::AfterMs(ms) => submission.delay_ms = ms as i64,
                When::AtUnixMs(ms) => submission.run_at_unix_ms = ms as i64,
            }
            let retry = policy.map(|policy| backrun_retry_policy {
                max_attempts: policy.attempts,
                kind: BACKRUN_RETRY_FIXED,
                jitter_percent: -1,
                delay_ms: policy.delay_ms as i64,
                ..empty()
            });
            submission.retry = retry.as_ref().map_or(null(), |retry| retry);
            let mut id = 0;
            // SAFETY: all pointers are valid for the call.
            ok(|error| unsafe { backrun_engine_submit(self.0, &submission, &mut id, error) });
            id
        }

        fn cancel(&self, id: i64) -> Cancelled {
            let mut what = 0;
            // SAFETY: likewise.
            ok(|error| unsafe { backrun_engine_cancel(self.0, id, text("the history"), &mut what, error) });
            match what {
                BACKRUN_CANCEL_QUEUED => Cancelled::Queued,
                BACKRUN_CANCEL_RUNNING => Cancelled::Running,
                BACKRUN_CANCEL_FINAL => Cancelled::AlreadyFinal,
                _ => Cancelled::Unknown,
            }
        }

        fn settle(&self, id: i64, lease: i64, end: End) -> Answer {
            let retry_after_ms = if let End::RetryAfter(ms) = end { ms as i64 } else { 0 };
            let outcome = backrun_outcome { code: code_of(end), retry_after_ms, ..empty() };
            let expected = [BACKRUN_OK, BACKRUN_STALE_LEASE, BACKRUN_NOT_FOUND];
            // SAFETY: likewise.
            answer(call(&expected, |error| unsafe { backrun_task_settle(self.0, id, lease, &outcome, error) }))
        }

        fn replay(&self, id: i64) -> Answer {
            let expected = [BACKRUN_OK, BACKRUN_INVALID_ARGUMENT, BACKRUN_NOT_FOUND];
            // SAFETY: likewise.
            answer(call(&expected, |error| unsafe { backrun_engine_replay(self.0, id, error) }))
        }

        fn purge(&self, after: i64, limit: u32) -> u64 {
            let filter = backrun_filter { after_id: after, limit, ..empty() };
            let mut count = 0;
            // SAFETY: likewise.
            ok(|error| unsafe { backrun_engine_purge(self.0, &filter, &mut count, error) });
            count
        }

        fn advance(&self, ms: u64) {
            // SAFETY: likewise.
            ok(|error| unsafe { backrun_engine_advance_time(self.0, ms as i64, error) });
        }

        fn jump(&self, ms: i64) {
            // SAFETY: likewise.
            ok(|error| unsafe { backrun_engine_jump_wall_clock(self.0, ms, error) });
        }

        fn pause(&self, pause: bool) {
            // SAFETY: likewise.
            ok(|error| unsafe {
                if pause {
                    backrun_engine_pause(self.0, text("default"), error)
                } else {
                    backrun_engine_resume(self.0, text("default"), error)
                }
            });
        }

        fn look(&self, id: i64) -> Option<Look> {
            // SAFETY: the status is valid in the call.
            self.with_status(id, |status| unsafe {
                let phase = match backrun_task_status_state(status) {
                    BACKRUN_STATE_SCHEDULED => Phase::Scheduled,
                    BACKRUN_STATE_READY => Phase::Ready,
                    BACKRUN_STATE_RUNNING => Phase::Running,
                    BACKRUN_STATE_PENDING => Phase::Pending,
                    BACKRUN_STATE_SUCCEEDED => Phase::Succeeded,
                    BACKRUN_STATE_DEAD => Phase::Dead,
                    BACKRUN_STATE_CANCELLED => Phase::Cancelled,
                    other => panic!("task {id} is in state {other}"),
                };
                Look {
                    phase,
                    lease: backrun_task_status_lease(status),
                    attempt: i64::from(backrun_task_status_attempt(status)),
                    run_at_us: backrun_task_status_run_at_unix_us(status),
                }
            })
        }

        fn counted(&self) -> Counted {
            let mut stats = null_mut();
            // SAFETY: likewise; the snapshot is freed once.
            unsafe {
                ok(|error| backrun_engine_stats(self.0, &mut stats, error));
                let value = |which| {
                    let mut value = 0;
                    ok(|error| backrun_stats_value(stats, which, &mut value, error));
                    value
                };
                let counts = Counts {
                    accepted: value(BACKRUN_STAT_ACCEPTED),
                    started: value(BACKRUN_STAT_STARTED),
                    succeeded: value(BACKRUN_STAT_SUCCEEDED),
                    runs_failed: value(BACKRUN_STAT_RUNS_FAILED),
                    retried: value(BACKRUN_STAT_RETRIED),
                    dead: value(BACKRUN_STAT_DEAD),
                    cancelled: value(BACKRUN_STAT_CANCELLED),
                    stale_settles: value(BACKRUN_STAT_STALE_SETTLES),
                };
                let now = [BACKRUN_STAT_SCHEDULED, BACKRUN_STAT_READY, BACKRUN_STAT_RUNNING, BACKRUN_STAT_PENDING];
                let now = now.map(value);
                backrun_stats_free(stats);
                (counts, now)
            }
        }

        fn shut_down(&self) -> bool {
            let expected = [BACKRUN_OK, BACKRUN_SHUTDOWN_INCOMPLETE];
            // SAFETY: likewise; no report is asked for.
            let code = call(&expected, |error| unsafe {
                backrun_engine_shutdown(self.0, BACKRUN_SHUTDOWN_CANCEL, 30_000, null_mut(), error)
            });
            code == BACKRUN_OK
        }
    }
}
