//! A poisoned engine: one in which a panic of ours, a bug, was caught. Nobody may build on the state that it left, so the engine
//! takes and starts nothing more, and tells whoever waits. Status, statistics, shutdown and free still answer.
//!
//! Locks are let go of by the panic itself, and are not poisoned (`sync`). What runs goes on, and its end is recorded as well
//! as it can be. What nobody can run any more is not waited for.

use crate::alloc::Text;
use crate::engine::intake::Phase;
use crate::engine::observer::guarded;
use crate::engine::shutdown::wake_all;
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::options::LogLevel;
use crate::sync::Ordering;
use std::panic::{catch_unwind, AssertUnwindSafe};

impl Engine {
    /// Does what needs an engine that has not panicked, and poisons it where it panics.
    pub(crate) fn sound<R>(&self, body: impl FnOnce() -> Result<R>) -> Result<R> {
        self.inner.sound(body)
    }

    /// Whether no panic has left the engine in an unknown state.
    pub(crate) fn check_sound(&self) -> Result<()> {
        self.inner.check_sound()
    }

    pub(crate) fn poison(&self, error: &Error) {
        self.inner.poison(error);
    }
}

impl Inner {
    /// Notes a bug. Not with a lock held.
    #[cold]
    pub(crate) fn poison(&self, error: &Error) {
        let text = match error {
            Error::Panic(text) => text.clone(),
            other => Text::say(format_args!("{other}")),
        };
        // The first one counts; what panics after it mostly does because of it.
        let _ = self.poison.set(text);
        self.poisoned.store(true, Ordering::SeqCst);
        // Each step on its own: one that panics in turn must not keep the others from those who wait.
        guarded(|| self.observation.log(LogLevel::Error, format_args!("{error}")));
        guarded(|| {
            let mut intake = self.intake.0.lock();
            intake.broken = self.poison.get().cloned();
            drop(intake);
            // Nothing more starts. What runs is not asked to stop: that is for a shutdown to say.
            self.enter(Phase::Cancelling);
        });
        guarded(|| self.fail_watches(error));
        guarded(|| self.give_up_tasks());
        guarded(|| wake_all(self));
    }

    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn check_sound(&self) -> Result<()> {
        if self.is_poisoned() {
            return Err(Error::Panic(self.poison.get().cloned().unwrap_or_default()));
        }
        Ok(())
    }

    /// Does what needs an engine that has not panicked, and poisons it where it panics.
    pub(crate) fn sound<R>(&self, body: impl FnOnce() -> Result<R>) -> Result<R> {
        self.check_sound()?;
        self.caught(body)
    }

    /// Does something that poisons the engine where it panics.
    pub(crate) fn caught<R>(&self, body: impl FnOnce() -> Result<R>) -> Result<R> {
        catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
            let error = Error::from_panic(&*panic);
            self.poison(&error);
            Err(error)
        })
    }

    /// A step that a panic of ours must not stop: others would wait for ever, or something would be kept. It poisons.
    pub(crate) fn survive<R: Default>(&self, step: impl FnOnce() -> R) -> R {
        catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
            self.poison(&Error::from_panic(&*panic));
            R::default()
        })
    }

    /// [`Inner::survive`], and whether there was no panic.
    pub(crate) fn survives(&self, step: impl FnOnce()) -> bool {
        let done = || {
            step();
            true
        };
        self.survive(done)
    }

    /// [`Inner::survive`] of what must be done to the end and may be begun again.
    pub(crate) fn insist(&self, step: impl Fn()) {
        if !self.survives(&step) {
            self.survive(step);
        }
    }
}

/// Where tests make an engine panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A worker has taken a record, and holds the lanes' lock.
    Take,
    /// It is about to claim it.
    Claim,
    /// It has claimed it.
    Claimed,
    /// It is about to run it.
    Begun,
    /// A run has returned; the extras' lock is held.
    Returned,
    /// A task has come to its end, and nobody is told yet; the extras' lock is held.
    Ended,
    /// Somebody was told of an end, which is about to be told to the store.
    Told,
    /// Plain successes are about to be told to the store.
    Keep,
    /// A worker has found nothing; the crew's lock is held.
    Search,
    /// It is no longer needed; the crew's lock is held.
    Leave,
    /// The observer thread takes what it tells next; the buffer's lock is held.
    ObserverTake,
    /// It is about to call.
    ObserverTell,
    /// A submit is let in; the intake's lock is held.
    Submit,
    /// A submit is known to the table and not to the workers; the intake's lock is held.
    Written,
    /// A submit has found nothing to drop from a full queue; the intake's lock is held.
    Undropped,
    /// The extras' lock is held.
    Cancel,
    /// The extras' lock is held.
    Settle,
    /// The extras' lock is held, and the watch is noted.
    Watch,
    /// The lanes' lock is held.
    Payload,
    /// The intake's and the registrations' locks are held.
    Register,
    /// The intake's and the crew's locks are held.
    Configure,
    /// The intake's lock is held.
    Statistics,
    /// The stall of a run is over, and its worker still names it.
    StallOver,
    /// A shutdown looks whether there is still something to wait for.
    Unfinished,
    /// It has seen what is queued, and is about to look at the workers.
    Queued,
    /// A shutdown cancels what is queued.
    CancelReady,
    /// A shutdown closes the books; the extras' lock is held.
    Close,
    /// A shutdown lets go of the handlers.
    Release,
    /// A durable store has done what it was asked for, and tells it, on its thread.
    Stored,
}

/// A place where a test may have the engine panic. Nothing in any other build.
#[cfg(not(all(test, not(loom))))]
#[inline(always)]
pub(crate) fn point(_: Place) {}

#[cfg(all(test, not(loom)))]
pub(crate) use on_purpose::point;

#[cfg(all(test, not(loom)))]
pub(crate) mod on_purpose;
#[cfg(all(test, not(loom)))]
mod tests;
