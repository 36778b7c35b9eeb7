//! Panics on purpose, and whatever else a test has happen at a place.

use super::Place;
use crate::engine::Engine;
use crate::sys;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread::{self, ThreadId};

/// Whom it meets: the tests of a process run at the same time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    ThreadsOf(u64),
    Thread(ThreadId),
}

struct Armed {
    place: Place,
    who: Who,
    action: Box<dyn FnOnce() + Send>,
}

static COUNT: AtomicUsize = AtomicUsize::new(0);
static ARMED: Mutex<Vec<Armed>> = Mutex::new(Vec::new());

/// The next one of these to come to the place panics, once.
pub(crate) fn arm(place: Place, who: Who) {
    at(place, who, move || panic!("{}", text(place)));
}

/// The next one of these to come to the place does this, once.
pub(crate) fn at(place: Place, who: Who, action: impl FnOnce() + Send + 'static) {
    ARMED.lock().unwrap().push(Armed { place, who, action: Box::new(action) });
    COUNT.fetch_add(1, Ordering::SeqCst);
}

/// What the panic says.
pub(crate) fn text(place: Place) -> String {
    format!("on purpose at {place:?}")
}

pub(crate) fn point(place: Place) {
    if COUNT.load(Ordering::SeqCst) == 0 {
        return;
    }
    let meets = |who: Who| match who {
        Who::ThreadsOf(engine) => sys::is_thread_of(engine),
        Who::Thread(thread) => thread == thread::current().id(),
    };
    let mut all = ARMED.lock().unwrap();
    let Some(found) = all.iter().position(|armed| armed.place == place && meets(armed.who)) else { return };
    let armed = all.remove(found);
    COUNT.fetch_sub(1, Ordering::SeqCst);
    drop(all);
    (armed.action)();
}

impl Engine {
    /// This engine's own threads.
    pub(crate) fn threads(&self) -> Who {
        Who::ThreadsOf(self.inner.number)
    }

    /// The next thread of this engine to come to the place panics, once.
    pub(crate) fn arm_threads(&self, place: Place) {
        arm(place, self.threads());
    }
}
