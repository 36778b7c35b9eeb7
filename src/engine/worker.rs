//! Worker threads: take the next task, run it, record the outcome.

use crate::engine::core::{Claim, Core, Phase};
use crate::engine::handler::TaskContext;
use crate::engine::Inner;
use crate::error::{panic_text, Error, Result};
use crate::sys;
use crate::task::{Failure, Outcome};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

/// Brings the workers of a queue up to their target. On failure those started stay, and the caller lowers the target.
pub(crate) fn start_missing(inner: &Arc<Inner>, core: &mut Core, queue: usize) -> Result<()> {
    while core.queues[queue].workers < core.queues[queue].target {
        core.last_thread += 1;
        let number = core.last_thread;
        let worker = Worker {
            inner: inner.clone(),
            queue,
            number,
        };
        // "backrun-worker-12" would be cut after the dash: Linux keeps 15 bytes.
        let name = format!("backrun-w-{number}");
        let thread = sys::start_thread(name, Some(inner.resolved.stack_bytes), inner.number, move || {
            worker.run()
        })
        .map_err(|cause| Error::System {
            what: format!("worker thread {number}"),
            cause: cause.to_string(),
        })?;
        core.threads.insert(number, thread);
        core.queues[queue].workers += 1;
    }
    Ok(())
}

struct Worker {
    inner: Arc<Inner>,
    queue: usize,
    number: u64,
}

impl Worker {
    fn run(self) {
        let caught = catch_unwind(AssertUnwindSafe(|| while self.run_one() {}));
        if let Err(panic) = &caught {
            // A bug of ours (a handler's panic is caught closer to it): nobody may build on the state it left.
            self.inner.poison(&Error::from_panic(&**panic));
        }
        let mut core = self.inner.core.lock();
        if caught.is_err() {
            core.queues[self.queue].workers -= 1;
            // Its run cannot end any more; no shutdown may wait for it.
            core.runs.retain(|_, run| run.worker != self.number);
        }
        if let Some(thread) = core.threads.remove(&self.number) {
            core.ended_threads.push(thread);
        }
        drop(core);
        self.inner.changed.notify_all();
    }

    /// Runs one task, or says that it is time to go.
    fn run_one(&self) -> bool {
        let Some(claim) = self.next() else { return false };
        let outcome = execute(&claim);
        let Claim {
            id,
            lease,
            handler,
            task,
            ..
        } = claim;
        let mut core = self.inner.core.lock();
        let leftovers = core.run_returned(id, lease, outcome, &self.inner.observation);
        let shutting_down = core.phase > Phase::Open;
        drop(core);
        // What may call user code is dropped where no lock is held.
        drop((leftovers, handler, task));
        if shutting_down {
            self.inner.changed.notify_all();
        }
        true
    }

    /// Waits for the next task. `None`: this worker is no longer needed, and no longer counted.
    fn next(&self) -> Option<Claim> {
        let mut core = self.inner.core.lock();
        let work = core.queues[self.queue].work.clone();
        loop {
            if let Some(claim) = core.claim(self.queue, self.number, &self.inner.observation) {
                return Some(claim);
            }
            let queue = &core.queues[self.queue];
            let drained = core.phase == Phase::Draining && queue.lanes.is_empty();
            if drained || core.phase > Phase::Draining || queue.workers > queue.target {
                core.queues[self.queue].workers -= 1;
                return None;
            }
            core.queues[self.queue].idle += 1;
            core = work.wait(core);
            core.queues[self.queue].idle -= 1;
        }
    }
}

/// Runs user code.
fn execute(claim: &Claim) -> Outcome {
    let context = TaskContext {
        id: claim.id,
        task_name: &claim.task_name,
        queue: &claim.queue,
        priority: claim.priority,
        attempt: claim.attempt,
        lease: claim.lease,
        task: &claim.task,
        cancelled: &claim.cancelled,
    };
    catch_unwind(AssertUnwindSafe(|| claim.handler.run(&context)))
        .unwrap_or_else(|panic| Outcome::Failed(Failure::new("panic", panic_text(&*panic), "")))
}
