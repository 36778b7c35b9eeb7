//! What a C program meets after a panic of ours.

use super::bytes::{backrun_bytes, backrun_str};
use super::engine::*;
use super::handler::{backrun_engine_register, backrun_handler, BACKRUN_RUN_DONE};
use super::lookup::*;
use super::observer::*;
use super::stats::*;
use super::status::*;
use super::submit::*;
use super::task::*;
use crate::engine::poison::on_purpose::{self, Who};
use crate::engine::poison::Place;
use std::mem::{size_of, zeroed};
use std::os::raw::c_void;
use std::ptr::{null, null_mut};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Running,
    Released,
    Ended(i64, u32),
    Watched(i32),
}

/// What the callbacks of one engine share.
struct World {
    open: Mutex<bool>,
    opened: Condvar,
    told: Mutex<Sender<Told>>,
}

impl World {
    /// # Safety
    /// `user_data` is a world.
    unsafe fn tell(user_data: *mut c_void, told: Told) {
        // SAFETY: the caller's contract.
        unsafe { &*user_data.cast::<World>() }.told.lock().unwrap().send(told).unwrap();
    }
}

fn text(text: &'static str) -> backrun_str {
    backrun_str::of(text)
}

/// An address that may go to another thread.
struct Shared<T>(*mut T);

// SAFETY: engines may be used on any thread.
unsafe impl<T> Send for Shared<T> {}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

impl<T> Shared<T> {
    fn get(self) -> *mut T {
        self.0
    }
}

fn later(body: impl FnOnce() -> i32 + Send + 'static) -> Receiver<i32> {
    let (done, result) = channel();
    thread::spawn(move || done.send(body()).unwrap());
    result
}

/// The code of a call and what its error says.
fn said(call: impl FnOnce(*mut *mut backrun_error) -> i32) -> (i32, String) {
    let mut error = null_mut();
    let code = call(&raw mut error);
    // SAFETY: an error or NULL, freed once.
    unsafe {
        let message = backrun_error_message(error).as_str("message").unwrap().to_owned();
        backrun_error_free(error);
        (code, message)
    }
}

fn panics(place: Place, on_a_worker: bool) {
    // In here, where the header does not look for what a library exports.
    unsafe extern "C" fn run(user_data: *mut c_void, _: *mut backrun_task, _: backrun_bytes, _: *mut c_void) -> i32 {
        // SAFETY: a world, which outlives the engine.
        unsafe {
            World::tell(user_data, Told::Running);
            let world = &*user_data.cast::<World>();
            drop(world.opened.wait_while(world.open.lock().unwrap(), |open| !*open).unwrap());
        }
        BACKRUN_RUN_DONE
    }

    unsafe extern "C" fn release(user_data: *mut c_void) {
        // SAFETY: likewise.
        unsafe { World::tell(user_data, Told::Released) }
    }

    unsafe extern "C" fn ended(user_data: *mut c_void, id: i64, _: i64, state: u32) {
        // SAFETY: likewise.
        unsafe { World::tell(user_data, Told::Ended(id, state)) }
    }

    unsafe extern "C" fn watched(user_data: *mut c_void, code: i32, _: *const backrun_task_status) {
        // SAFETY: likewise.
        unsafe { World::tell(user_data, Told::Watched(code)) }
    }

    let (tell, told) = channel();
    let world = World { open: Mutex::new(false), opened: Condvar::new(), told: Mutex::new(tell) };
    let user_data = (&raw const world).cast_mut().cast::<c_void>();
    let hear = || told.recv_timeout(LIMIT).expect("somebody is told");
    // SAFETY: pointers are valid; objects are freed once; the world outlives the engine, whose free is the last call.
    unsafe {
        let mut options: backrun_engine_options = zeroed();
        options.struct_size = size_of::<backrun_engine_options>() as u32;
        options.abi_version = BACKRUN_ABI_VERSION;
        options.workers = 2;
        options.on_end = Some(ended);
        options.observer_user_data = user_data;
        let mut engine = null_mut();
        assert_eq!(backrun_engine_new(&raw const options, &raw mut engine, null_mut()), BACKRUN_OK);
        let mut handler: backrun_handler = zeroed();
        handler.struct_size = size_of::<backrun_handler>() as u32;
        handler.user_data = user_data;
        handler.run = Some(run);
        handler.release = Some(release);
        let registered = backrun_engine_register(engine, text("held"), &raw const handler, null(), null_mut());
        assert_eq!(registered, BACKRUN_OK);
        let mut submission: backrun_submission = zeroed();
        submission.struct_size = size_of::<backrun_submission>() as u32;
        submission.task_name = text("held");
        let mut id = 0;
        assert_eq!(backrun_engine_submit(engine, &raw const submission, &raw mut id, null_mut()), BACKRUN_OK);
        assert_eq!(hear(), Told::Running);
        assert_eq!(backrun_engine_watch(engine, id, Some(watched), user_data, null_mut()), BACKRUN_OK);
        let mut state = 0;
        assert_eq!(backrun_engine_tell_end(engine, id, &raw mut state, null_mut(), null_mut()), BACKRUN_OK);
        let waiting = Shared(engine);
        let waited = later(move || {
            let mut status = null_mut();
            let code = backrun_engine_wait(waiting.get(), id, -1, &raw mut status, null_mut());
            backrun_task_status_free(status);
            code
        });

        if on_a_worker {
            (*engine).engine.arm_threads(place);
            let code = backrun_engine_submit(engine, &raw const submission, null_mut(), null_mut());
            assert_eq!(code, BACKRUN_OK);
        } else {
            on_purpose::arm(place, Who::Thread(thread::current().id()));
            let (code, message) = said(|error| backrun_engine_submit(engine, &raw const submission, null_mut(), error));
            assert_eq!(code, BACKRUN_PANIC);
            assert!(message.contains(&on_purpose::text(place)), "{message}");
        }
        assert_eq!(waited.recv_timeout(LIMIT), Ok(BACKRUN_PANIC));
        let both = [hear(), hear()];
        assert!(both.contains(&Told::Ended(id, 0)) && both.contains(&Told::Watched(BACKRUN_PANIC)), "{both:?}");

        let calls: [&dyn Fn(*mut *mut backrun_error) -> i32; 6] = [
            &|error| backrun_engine_submit(engine, &raw const submission, null_mut(), error),
            &|error| backrun_engine_cancel(engine, id, text(""), null_mut(), error),
            &|error| backrun_engine_watch(engine, id, Some(watched), user_data, error),
            &|error| backrun_engine_tell_end(engine, id, &mut 0, null_mut(), error),
            &|error| backrun_engine_register(engine, text("more"), &raw const handler, null(), error),
            &|error| backrun_engine_set_event_kinds(engine, 0, error),
        ];
        for call in calls {
            let (code, message) = said(call);
            assert_eq!(code, BACKRUN_PANIC);
            assert!(message.contains(&on_purpose::text(place)), "{message}");
        }
        let (mut status, mut stats) = (null_mut(), null_mut());
        assert_eq!(backrun_engine_wait(engine, id, 0, &raw mut status, null_mut()), BACKRUN_OK);
        backrun_task_status_free(status);
        assert_eq!(backrun_engine_stats(engine, &raw mut stats, null_mut()), BACKRUN_OK);
        backrun_stats_free(stats);

        *world.open.lock().unwrap() = true;
        world.opened.notify_all();
        let ending = Shared(engine);
        let shutdown =
            later(move || backrun_engine_shutdown(ending.get(), BACKRUN_SHUTDOWN_DRAIN, -1, null_mut(), null_mut()));
        assert_eq!(shutdown.recv_timeout(LIMIT), Ok(BACKRUN_OK));
        let freed = later(move || {
            backrun_engine_free(ending.get());
            0
        });
        assert_eq!(freed.recv_timeout(LIMIT), Ok(0));
        let rest: Vec<_> = told.try_iter().collect();
        assert_eq!(rest, [Told::Released], "each is told once, and the handler released once");
    }
}

#[test]
fn after_a_panic_in_a_call_the_library_says_so_and_only_looks_and_ends() {
    panics(Place::Submit, false);
    panics(Place::Written, false);
}

#[test]
fn after_a_panic_on_a_worker_the_library_says_so_and_only_looks_and_ends() {
    panics(Place::Take, true);
    panics(Place::Claimed, true);
    panics(Place::Begun, true);
}
