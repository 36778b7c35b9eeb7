//! Handing work over: submissions, one, many, and asynchronously.

use super::bytes::{backrun_bytes, backrun_str};
use super::convert;
use super::engine::backrun_engine;
use super::handler::{backrun_retry_policy, check_flags, read_retry};
use super::panic::{check_out, preset, with_engine, Health};
use super::status::{backrun_error, BACKRUN_OK};
use super::structs::{of_this_version, read, read_array, Versioned};
use crate::alloc;
use crate::engine::{Engine, Named, Work};
use crate::error::{Error, Result};
use crate::options::{MAX_DELAY, MAX_PAYLOAD_BYTES, MAX_TIME_LIMIT};
use crate::task::{PayloadFormat, Priority, Submission, TaskId, TaskNumber};
use std::os::raw::c_void;

/// The payload is as MessagePack-CSharp's ContractlessStandardResolver writes it. The default.
pub const BACKRUN_FORMAT_CONTRACTLESS: u32 = 1;
/// The payload is as MessagePack-CSharp's StandardResolver writes it.
pub const BACKRUN_FORMAT_STANDARD: u32 = 2;
/// The payload names its types as MessagePack-CSharp's TypelessContractlessStandardResolver does. The engine does not look at them; whoever reads the payload decides which
/// names it trusts.
pub const BACKRUN_FORMAT_TYPELESS: u32 = 3;

/// The payload is compressed as one LZ4 block (ext 99). Not yet: BACKRUN_NOT_SUPPORTED.
pub const BACKRUN_PAYLOAD_LZ4_BLOCK: u32 = 1;
/// The payload is compressed as an array of LZ4 blocks (ext 98). Not yet: BACKRUN_NOT_SUPPORTED.
pub const BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY: u32 = 2;
/// The payload is to be encrypted in the store. Not yet: BACKRUN_NOT_SUPPORTED.
pub const BACKRUN_PAYLOAD_ENCRYPTED: u32 = 4;

/// The first of the five levels of priority; 0 is normal, -1 and 1 lie between.
pub const BACKRUN_PRIORITY_LOWEST: i32 = -2;
/// The last of the five levels of priority.
pub const BACKRUN_PRIORITY_HIGHEST: i32 = 2;

/// A small named text that travels with a task.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_header {
    /// sizeof(backrun_header).
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Not empty, printable UTF-8, once a task.
    pub name: backrun_str,
    /// UTF-8.
    pub value: backrun_str,
}

// SAFETY: integers and pointers; no padding.
unsafe impl Versioned for backrun_header {
    const NAME: &'static str = "backrun_header";
    const FIRST_SIZE: usize = 40;
}

/// Work to be handed over. All zero but for `struct_size`, `task_name` and the payload is every default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct backrun_submission {
    /// sizeof(backrun_submission).
    pub struct_size: u32,
    /// -2 (lowest) to 2 (highest); 0 is normal.
    pub priority: i32,
    /// The task name: that of a registered handler. Not looked at where there is a `task_number`.
    pub task_name: backrun_str,
    /// The MessagePack bytes of the parameters, up to 4 MiB. Copied; not looked into.
    pub payload: backrun_bytes,
    /// On whose behalf the task runs, up to 64 KiB. Empty: nobody's. Copied; not looked into.
    pub user_context: backrun_bytes,
    /// The queue. Empty: that of the task's options, else `default`.
    pub queue: backrun_str,
    /// Headers; may be NULL if `header_count` is 0. Names and values together up to 4 KiB.
    pub headers: *const backrun_header,
    /// How many.
    pub header_count: usize,
    /// One of BACKRUN_FORMAT_CONTRACTLESS and its kin. 0: contractless.
    pub payload_format: u32,
    /// The sum of BACKRUN_PAYLOAD_LZ4_BLOCK and its kin. Not yet: another value than 0 is BACKRUN_NOT_SUPPORTED.
    pub payload_flags: u32,
    /// One of BACKRUN_DURABILITY_COMMITTED and its kin. 0: the engine's.
    pub durability: u32,
    /// One of BACKRUN_WHEN_FULL_REFUSE and its kin. 0: the queue's.
    pub when_full: u32,
    /// How long BACKRUN_WHEN_FULL_WAIT waits, in milliseconds. 0: 30 s; < 0: for ever. Only with `when_full`.
    pub when_full_timeout_ms: i64,
    /// Not to be started before so many milliseconds have passed, up to a hundred years. 0: at once.
    pub delay_ms: i64,
    /// Not to be started before this time of day, in milliseconds since 1970 UTC, as this machine's clock says then; in the past:
    /// at once. 0: at once. Not together with `delay_ms`.
    pub run_at_unix_ms: i64,
    /// How long each run may take, in milliseconds. 0: as the task's options say.
    pub time_limit_ms: i64,
    /// What follows a failed run. NULL: as the task's options say.
    pub retry: *const backrun_retry_policy,
    /// 0.
    pub flags: u32,
    /// In place of `task_name`: what backrun_engine_task_number gives for it, which costs less. 0: by the name.
    pub task_number: u32,
}

// SAFETY: integers and pointers; no padding.
unsafe impl Versioned for backrun_submission {
    const NAME: &'static str = "backrun_submission";
    const FIRST_SIZE: usize = 152;
}

impl backrun_submission {
    /// # Safety
    /// Its pointers are valid for `'a`.
    unsafe fn to_submission<'a>(self) -> Result<Submission<'a>> {
        check_flags(self.flags, "backrun_submission.flags")?;
        check_payload_flags(self.payload_flags)?;
        // SAFETY: the caller's contract, for every view below.
        unsafe {
            let payload = self.payload.as_slice("backrun_submission.payload")?;
            let mut submission = match TaskNumber::new(self.task_number) {
                Some(number) => Submission::numbered(number, payload),
                None => Submission::new(self.task_name.as_str("backrun_submission.task_name")?, payload),
            };
            let user_context = self.user_context.as_slice("backrun_submission.user_context")?;
            submission.user_context = (!user_context.is_empty()).then_some(user_context);
            submission.queue = self.queue.as_optional("backrun_submission.queue")?;
            submission.priority = Priority::from_level(self.priority)?;
            submission.payload_format = convert::payload_format(self.payload_format)?;
            submission.durability = convert::durability(self.durability)?;
            submission.when_full = convert::when_full(self.when_full, self.when_full_timeout_ms)?;
            submission.delay =
                convert::millis(self.delay_ms, "backrun_submission.delay_ms", MAX_DELAY)?.unwrap_or_default();
            submission.run_at_unix_ms = convert::time_of_day(self.run_at_unix_ms, "backrun_submission.run_at_unix_ms")?;
            submission.time_limit =
                convert::millis(self.time_limit_ms, "backrun_submission.time_limit_ms", MAX_TIME_LIMIT)?;
            submission.retry = read_retry(self.retry)?;
            let headers = read_array(self.headers, self.header_count)?;
            submission.headers = alloc::list(self.header_count)?;
            for header in headers {
                let header = header?;
                check_flags(header.reserved, "backrun_header.reserved")?;
                submission
                    .headers
                    .push((header.name.as_str("backrun_header.name")?, header.value.as_str("backrun_header.value")?));
            }
            Ok(submission)
        }
    }
}

impl backrun_submission {
    /// The usual case, in a few comparisons: nothing but what and whose it is. `None`: there is more to it, or something wrong
    /// with it, and [`Self::to_submission`] knows what.
    ///
    /// # Safety
    /// Its pointers are valid for `'a`.
    #[inline(always)]
    unsafe fn as_plain<'a>(&self) -> Option<Work<'a>> {
        let small = self.payload_flags | self.durability | self.when_full | self.flags;
        let lengths = self.user_context.len | self.queue.len | self.header_count | self.retry as usize;
        let times = self.when_full_timeout_ms | self.delay_ms | self.run_at_unix_ms | self.time_limit_ms;
        if small != 0 || lengths != 0 || times != 0 {
            return None;
        }
        let format = match self.payload_format {
            0 | BACKRUN_FORMAT_CONTRACTLESS => PayloadFormat::Contractless,
            BACKRUN_FORMAT_STANDARD => PayloadFormat::Standard,
            BACKRUN_FORMAT_TYPELESS => PayloadFormat::Typeless,
            _ => return None,
        };
        let priority = *Priority::ALL.get(self.priority.wrapping_sub(BACKRUN_PRIORITY_LOWEST) as usize)?;
        // SAFETY: the caller's contract.
        let payload = unsafe { small_enough(self.payload) }?;
        let task = match TaskNumber::new(self.task_number) {
            Some(number) => Named::Number(number),
            // SAFETY: likewise.
            None => Named::Name(unsafe { self.task_name.as_str("").ok()? }),
        };
        Some(Work::plain(task, payload, priority, format))
    }

    /// Whether another one says the same but for its payload.
    fn is_like(&self, other: &Self) -> bool {
        let mut same = true;
        for (word, (one, another)) in self.words().into_iter().zip(other.words()).enumerate() {
            same &= one == another || PAYLOAD_WORDS.contains(&word);
        }
        same
    }

    fn words(&self) -> [u64; size_of::<Self>() / 8] {
        // SAFETY: of the same size, and without padding (contract of Versioned), so all of it is initialised.
        unsafe { std::mem::transmute_copy(self) }
    }
}

/// Where the payload lies, in words of eight bytes.
const PAYLOAD_WORDS: std::ops::Range<usize> = {
    let at = std::mem::offset_of!(backrun_submission, payload) / 8;
    at..at + size_of::<backrun_bytes>() / 8
};

/// A payload, if nothing is wrong with it.
///
/// # Safety
/// It points to so many bytes that stay unchanged for `'a`, or is NULL.
unsafe fn small_enough<'a>(payload: backrun_bytes) -> Option<&'a [u8]> {
    if payload.len > MAX_PAYLOAD_BYTES {
        return None;
    }
    // SAFETY: the caller's contract.
    unsafe { payload.as_slice("").ok() }
}

fn check_payload_flags(flags: u32) -> Result<()> {
    let known = BACKRUN_PAYLOAD_LZ4_BLOCK | BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY | BACKRUN_PAYLOAD_ENCRYPTED;
    if flags & !known != 0 {
        return Err(Error::invalid(format_args!(
            "backrun_submission.payload_flags is {flags:#x}; pass a sum of BACKRUN_PAYLOAD_LZ4_BLOCK and its kin, or 0"
        )));
    }
    if flags != 0 {
        return Err(Error::not_supported(
            "backrun_submission.payload_flags",
            "this version takes plain payloads only; pass 0",
        ));
    }
    Ok(())
}

/// Hands a task over: it will run.
///
/// `submission`: may not be NULL; copied.
/// `out_id`: receives the id, a positive number; 0 on failure; may be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors, and then nothing was accepted: BACKRUN_QUEUE_FULL, BACKRUN_NO_HANDLER, BACKRUN_NOT_FOUND (no such queue),
/// BACKRUN_TOO_LARGE, BACKRUN_INVALID_ARGUMENT, BACKRUN_UNSUPPORTED_FIELD, BACKRUN_NOT_SUPPORTED, BACKRUN_SHUTTING_DOWN,
/// BACKRUN_WOULD_DEADLOCK (waiting for room on a thread of this engine), BACKRUN_OUT_OF_MEMORY, BACKRUN_FORKED, BACKRUN_PANIC.
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_submit(
    engine: *mut backrun_engine,
    submission: *const backrun_submission,
    out_id: *mut i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out_id, 0);
        with_engine(engine, Health::Sound, out_error, |engine| {
            let id = match of_this_version(submission).and_then(|raw| raw.as_plain()) {
                Some(work) => engine.hand_over(&work)?,
                None => submit_in_full(engine, submission)?,
            };
            if !out_id.is_null() {
                out_id.write(id.value());
            }
            Ok(())
        })
    }
}

/// # Safety
/// `raw` is NULL or points to a submission whose pointers are valid.
#[cold]
unsafe fn submit_in_full(engine: &Engine, raw: *const backrun_submission) -> Result<TaskId> {
    // SAFETY: the caller's contract, for all below.
    let submission = unsafe { read(raw).and_then(|raw| raw.to_submission()) };
    engine.submit(&submission.inspect_err(|error| refused(engine, error))?)
}

/// Notes what cannot be read, as one: nobody believes its count.
#[cold]
fn refused(engine: &Engine, error: &Error) {
    engine.refused(Named::Name(""), None, 1, error);
}

/// Hands many tasks over, all or none, in one step: cheaper than one by one. They are ready in the order of the array.
///
/// `submissions`: `count` structs, their `struct_size` being the distance between them; may be NULL if `count` is 0; copied.
/// All go to one queue or several; `durability` and `when_full` are those of the first one, and the others must say the same.
/// `out_ids`: receives `count` ids; zeros on failure; may be NULL.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: as backrun_engine_submit; a count that no queue can ever hold is BACKRUN_QUEUE_FULL at once.
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_submit_many(
    engine: *mut backrun_engine,
    submissions: *const backrun_submission,
    count: usize,
    out_ids: *mut i64,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        // A count that no array can have is answered below.
        if !out_ids.is_null() && count <= isize::MAX as usize / size_of::<i64>() {
            std::ptr::write_bytes(out_ids, 0, count);
        }
        with_engine(engine, Health::Sound, out_error, |engine| {
            let Some(first) = submit_many(engine, submissions, count)? else {
                return Ok(());
            };
            if !out_ids.is_null() {
                for index in 0..count {
                    out_ids.add(index).write(first.value() + index as i64);
                }
            }
            Ok(())
        })
    }
}

/// The first id; the others follow it. `None`: there is nothing to hand over.
///
/// # Safety
/// `raw` is NULL or points to `count` submissions whose pointers are valid.
unsafe fn submit_many(engine: &Engine, raw: *const backrun_submission, count: usize) -> Result<Option<TaskId>> {
    // SAFETY: the caller's contract, for all below.
    unsafe {
        if let Some((first, payload_bytes)) = all_alike(raw, count) {
            let payload = |index: usize| -> &[u8] { small_enough((*raw.add(index)).payload).unwrap_or_default() };
            if let Some(like) = first.as_plain() {
                return engine.hand_over_many(&like, count, payload_bytes, payload).map(Some);
            }
            let submission = first.to_submission().inspect_err(|error| refused(engine, error))?;
            return engine.submit_alike(&submission, count, payload_bytes, payload).map(Some);
        }
        let all = read_all(raw, count).inspect_err(|error| refused(engine, error))?;
        Ok(engine.submit_many(&all)?.first().copied())
    }
}

/// The first of `count` submissions, where the others say the same but for their payloads, and the bytes of these together.
///
/// # Safety
/// As [`submit_many`].
unsafe fn all_alike<'a>(raw: *const backrun_submission, count: usize) -> Option<(&'a backrun_submission, u64)> {
    // SAFETY: the caller's contract: if the first one is of this version, all are so far apart; one that says another size
    // is not like it.
    unsafe {
        if count == 0 || count > isize::MAX as usize / size_of::<backrun_submission>() {
            return None;
        }
        let first = of_this_version(raw)?;
        let mut bytes = 0;
        for index in 0..count {
            let other = &*raw.add(index);
            if !other.is_like(first) {
                return None;
            }
            bytes += small_enough(other.payload)?.len() as u64;
        }
        Some((first, bytes))
    }
}

/// # Safety
/// `submissions` is NULL or points to `count` structs whose pointers are valid for `'a`.
unsafe fn read_all<'a>(submissions: *const backrun_submission, count: usize) -> Result<Vec<Submission<'a>>> {
    // SAFETY: the caller's contract.
    let raw = unsafe { read_array(submissions, count) }?;
    let mut all = alloc::list(count)?;
    for submission in raw {
        // SAFETY: the caller's contract.
        all.push(unsafe { submission?.to_submission() }?);
    }
    Ok(all)
}

/// The number of a task name, to be passed as `task_number` in place of the name: a submit then looks nothing up.
///
/// `task_name`: that of a registered handler.
/// `out_number`: receives the number, greater than 0; 0 on failure; may not be NULL. It is good for the life of this engine,
/// and in this engine only.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: BACKRUN_NO_HANDLER, BACKRUN_INVALID_ARGUMENT, BACKRUN_TOO_LARGE, BACKRUN_FORKED, BACKRUN_PANIC.
/// Any thread; a callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_task_number(
    engine: *mut backrun_engine,
    task_name: backrun_str,
    out_number: *mut u32,
    out_error: *mut *mut backrun_error,
) -> i32 {
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        preset(out_number, 0);
        with_engine(engine, Health::Sound, out_error, |engine| {
            check_out(out_number)?;
            let number = engine.task_number(task_name.as_str("task_name")?)?;
            out_number.write(number.value());
            Ok(())
        })
    }
}

/// Hears of an asynchronous submit: BACKRUN_OK and the id, or an error's code and 0. On the store's thread, or with the memory store on the
/// caller's before the submit returns; must return promptly, and may not wait for the store (BACKRUN_WOULD_DEADLOCK).
pub type backrun_submitted_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, code: i32, id: i64)>;

/// Hands a task over without waiting until a durable store has it: one thread can have thousands on their way, in their order. With the memory store,
/// which has nothing to wait for, `done` is called before this returns.
///
/// `submission`: may not be NULL; copied.
/// `done`: may not be NULL; called once if and only if this returns BACKRUN_OK. `user_data`: passed to it.
/// `out_error`: receives an error to be freed by backrun_error_free, or NULL; may be NULL.
///
/// Errors: as backrun_engine_submit; `done` is then not called. What fails later, in the store, `done` is told (BACKRUN_STORE). Any thread; a
/// callback may call it.
#[no_mangle]
pub unsafe extern "C" fn backrun_engine_submit_async(
    engine: *mut backrun_engine,
    submission: *const backrun_submission,
    done: backrun_submitted_fn,
    user_data: *mut c_void,
    out_error: *mut *mut backrun_error,
) -> i32 {
    let told = Submitted { done, user_data };
    // SAFETY: pointers are NULL or valid, by contract.
    unsafe {
        with_engine(engine, Health::Sound, out_error, |engine| {
            let submission = read(submission)?;
            let submission = submission.to_submission()?;
            if done.is_none() {
                return Err(Error::InvalidArgument("done is NULL; pass the function to be told".into()));
            }
            engine.submit_async(&submission, move |said| told.tell(said))
        })
    }
}

/// Who is told of an asynchronous submit.
struct Submitted {
    done: backrun_submitted_fn,
    user_data: *mut c_void,
}

// SAFETY: the caller has said that its function may be called with it on another thread.
unsafe impl Send for Submitted {}

impl Submitted {
    fn tell(self, said: Result<TaskId>) {
        let (code, id) = match said {
            Ok(id) => (BACKRUN_OK, id.value()),
            Err(error) => (error.code(), 0),
        };
        if let Some(done) = self.done {
            // SAFETY: a function of the caller's, which by contract returns and does not unwind.
            unsafe { done(self.user_data, code, id) };
        }
    }
}
