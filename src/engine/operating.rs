//! What a running engine is told besides tasks: that a queue pauses, how far a run is, what time it is.

use crate::engine::clock::Clock;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::options::LogLevel;
use crate::sys;
use crate::task::{Lease, TaskId};
use std::time::Duration;

impl Engine {
    /// Lets no further task of a queue start; what runs goes on, and submits are still taken. A drain does not wait for what is
    /// queued there. Pausing a paused queue changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] (no such queue), [`Error::ShuttingDown`], [`Error::Store`] (the pause could not be stored; nothing has changed),
    /// [`Error::WouldDeadlock`] (from what the store's thread tells).
    pub fn pause(&self, queue: &str) -> Result<()> {
        self.sound(|| self.set_paused(queue, true))
    }

    /// Ends a pause. Resuming a queue that is not paused changes nothing.
    ///
    /// # Errors
    /// As [`Engine::pause`].
    pub fn resume(&self, queue: &str) -> Result<()> {
        self.sound(|| self.set_paused(queue, false))
    }

    fn set_paused(&self, name: &str, paused: bool) -> Result<()> {
        let intake = self.inner.intake.0.lock();
        intake.check_open()?;
        let queue = intake.entrances[intake.queue_named(name)?].queue.clone();
        drop(intake);
        if let Some(journal) = &self.inner.journal {
            // First there: a pause that is told of holds after the next start too.
            journal.pause(&self.inner, &queue.name, paused)?;
        }
        queue.set_paused(paused);
        if !paused {
            queue.parking.wake_all();
            // All of them may be at runs that last.
            self.inner.control.start_watching();
        }
        self.inner.observation.log(
            LogLevel::Info,
            format_args!("queue '{}' is {}", queue.name, if paused { "paused" } else { "resumed" }),
        );
        Ok(())
    }

    /// Tells how far a run is that is known by id and lease, such as a pending one:
    /// [`TaskContext::set_progress`](crate::TaskContext::set_progress).
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::StaleLease`], [`Error::InvalidArgument`], [`Error::OutOfMemory`].
    pub fn set_progress(&self, id: TaskId, lease: Lease, fraction: f64, text: &str) -> Result<()> {
        self.sound(|| self.inner.set_progress(id, lease, fraction, text))
    }

    /// Leaves the result of a run that is known by id and lease, such as a pending one:
    /// [`TaskContext::set_result`](crate::TaskContext::set_result).
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::StaleLease`], [`Error::TooLarge`], [`Error::OutOfMemory`].
    pub fn set_result(&self, id: TaskId, lease: Lease, result: &[u8]) -> Result<()> {
        self.sound(|| self.inner.set_result(id, lease, result))
    }

    /// Lets time pass for an engine with [`EngineOptions::manual_time`](crate::EngineOptions::manual_time), the clock on the
    /// wall too, and waits until what is due then has been done: scheduled tasks are ready, runs past their limit are asked to stop or given up.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] (the engine has no manual time), [`Error::WouldDeadlock`] (on a thread of this engine).
    pub fn advance_time(&self, by: Duration) -> Result<()> {
        self.set_clock(|clock| clock.advance(by))
    }

    /// Has the clock on the wall of an engine with [`EngineOptions::manual_time`](crate::EngineOptions::manual_time) jump by so
    /// many milliseconds, forward or back, while no time passes.
    ///
    /// # Errors
    /// As [`Engine::advance_time`].
    pub fn jump_wall_clock(&self, by_ms: i64) -> Result<()> {
        self.set_clock(|clock| clock.jump(by_ms))
    }

    fn set_clock(&self, set: impl FnOnce(&mut Clock) -> bool) -> Result<()> {
        if sys::is_thread_of(self.inner.number) {
            return Err(Error::WouldDeadlock {
                operation: "setting the time",
                instead: "do it on a thread of your own",
            });
        }
        if self.inner.control.set_clock(set) {
            return Ok(());
        }
        Err(Error::InvalidArgument("the engine's time is the system's; start it with manual_time to set it".into()))
    }
}
