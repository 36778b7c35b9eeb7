//! Handing work over: check, find room, copy, queue.

use crate::alloc::{self, Ensure, Text};
use crate::engine::control::Time;
use crate::engine::ends::Dropped;
use crate::engine::event::{Event, EventKind};
use crate::engine::intake::{Entrance, Intake};
use crate::engine::journal::accept::{accept, accept_and_wait};
use crate::engine::observer::guarded;
use crate::engine::poison::{point, Place};
use crate::engine::queues::Queue;
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::options::{Durability, RetryPolicy, WhenFull};
use crate::queue::log::{Data, Headers};
use crate::queue::shelf::ShelfPlace;
use crate::store::table::{left_in_chunk, Entry, Word};
use crate::sync::{deadline_after, Arc, MutexGuard, Ordering};
use crate::sys;
use crate::task::{PayloadFormat, Priority, State, Submission, TaskId, TaskName, TaskNumber};
use std::ops::Range;
use std::time::{Duration, Instant};

/// A submission as it goes in: within every limit, and borrowed from whoever hands it over.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) task: Named<'a>,
    /// `None`: that of the task name's options, else `default`.
    pub(crate) queue: Option<&'a str>,
    pub(crate) data: Data<'a>,
    /// What counts against the queue's capacity.
    pub(crate) bytes: u32,
    pub(crate) priority: Priority,
    pub(crate) format: PayloadFormat,
    /// `None`: as the queue says.
    pub(crate) when_full: Option<WhenFull>,
    /// `None`: the engine's. A memory store has one only.
    pub(crate) durability: Option<Durability>,
    /// What few submissions say.
    pub(crate) own: Option<Own>,
}

/// What a submission says of its own time, retries and limit; where it says nothing of one, the task name's options do.
#[derive(Clone, Copy)]
pub(crate) struct Own {
    /// `None`: at once.
    pub(crate) time: Option<Time>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) time_limit: Option<Duration>,
}

impl Own {
    fn of(submission: &Submission<'_>) -> Option<Self> {
        let at = submission.run_at_unix_ms.map(|at_ms| Time::At(u64::try_from(at_ms).unwrap_or(0)));
        let after = (!submission.delay.is_zero()).then_some(Time::After(submission.delay));
        let own = Self { time: at.or(after), retry: submission.retry, time_limit: submission.time_limit };
        (own.time.is_some() || own.is_kept()).then_some(own)
    }

    /// Whether it is to be known until the task has ended.
    fn is_kept(&self) -> bool {
        self.retry.is_some() || self.time_limit.is_some()
    }
}

/// A task name as a submission says it.
#[derive(Clone, Copy)]
pub(crate) enum Named<'a> {
    Name(&'a str),
    Number(TaskNumber),
}

impl<'a> Named<'a> {
    fn of(submission: &Submission<'a>) -> Self {
        match submission.task_number {
            Some(number) => Named::Number(number),
            None => Named::Name(submission.task_name),
        }
    }
}

impl<'a> Work<'a> {
    /// A submission that says nothing but what and whose it is. `payload` is within its limit.
    #[inline]
    pub(crate) fn plain(task: Named<'a>, payload: &'a [u8], priority: Priority, format: PayloadFormat) -> Self {
        let data = Data { payload, user_context: None, headers: Headers::Pairs(&[]) };
        Self {
            task,
            queue: None,
            data,
            bytes: payload.len() as u32,
            priority,
            format,
            when_full: None,
            durability: None,
            own: None,
        }
    }

    /// Whether it can be accepted as far as it itself says.
    pub(crate) fn of(inner: &Inner, submission: &'a Submission<'a>) -> Result<Self> {
        submission.check()?;
        // Otherwise the engine's own, which was looked at when it started.
        if submission.durability.is_some() {
            inner.store_kind.check_durability(submission.durability)?;
        }
        if let Some(when_full) = submission.when_full {
            inner.store_kind.check_when_full(when_full)?;
        }
        Ok(Self {
            task: Named::of(submission),
            queue: submission.queue,
            data: Data {
                payload: submission.payload,
                user_context: submission.user_context,
                headers: Headers::Pairs(&submission.headers),
            },
            // At most 4 MiB and some: Submission::check.
            bytes: submission.bytes() as u32,
            priority: submission.priority,
            format: submission.payload_format,
            when_full: submission.when_full,
            durability: submission.durability,
            own: Own::of(submission),
        })
    }

    #[inline]
    fn word(&self, registration: usize, queue: usize) -> Word {
        Word::ready(queue, registration, self.priority, self.format)
    }

    /// [`Work::word`] where it may say more of its own.
    fn word_of_its_own(&self, registration: usize, queue: usize) -> Word {
        let Some(own) = self.own else { return self.word(registration, queue) };
        let state = if own.time.is_some() { State::Scheduled } else { State::Ready };
        let word = Word::new(state, queue, registration, self.priority, self.format);
        if own.is_kept() {
            word.slow()
        } else {
            word
        }
    }
}

impl Engine {
    /// Hands a task over: it will run.
    ///
    /// # Errors
    /// And then nothing was accepted: [`Error::QueueFull`], [`Error::NoHandler`], [`Error::NotFound`] (no such queue),
    /// [`Error::TooLarge`], [`Error::InvalidArgument`], [`Error::NotSupported`], [`Error::ShuttingDown`],
    /// [`Error::WouldDeadlock`] (waiting for room on a thread of this engine, or for the store on its thread), [`Error::Store`],
    /// [`Error::OutOfMemory`].
    pub fn submit(&self, submission: &Submission<'_>) -> Result<TaskId> {
        self.sound(|| Work::of(&self.inner, submission).and_then(|work| accept_one(&self.inner, &work)))
            .inspect_err(|error| self.refused(Named::of(submission), submission.queue, 1, error))
    }

    /// Hands a task over without waiting until it is safe: `submitted` is told then, with the task's id, on a thread of the engine's, once; it must return
    /// promptly and may not wait for the store; a panic of its own goes no further. With the memory store, which has nothing to wait for, it is told before this returns.
    ///
    /// # Errors
    /// As [`Engine::submit`]; `submitted` is then not called. What fails later, in the store, it is told ([`Error::Store`]).
    pub fn submit_async(
        &self,
        submission: &Submission<'_>,
        submitted: impl FnOnce(Result<TaskId>) + Send + 'static,
    ) -> Result<()> {
        let Some(journal) = &self.inner.journal else {
            let id = self.submit(submission)?;
            submitted(Ok(id));
            return Ok(());
        };
        self.sound(|| {
            let work = Work::of(&self.inner, submission)?;
            let submitted = move |said| guarded(|| submitted(said));
            accept(&self.inner, journal, std::slice::from_ref(&work), false, submitted)
        })
        .inspect_err(|error| self.refused(Named::of(submission), submission.queue, 1, error))
    }

    /// Hands many tasks over, all or none, in one step. They are ready in the order of the slice. `when_full` and `durability`
    /// must be the same in all.
    ///
    /// # Errors
    /// As [`Engine::submit`]; more than a queue can ever hold is [`Error::QueueFull`] at once.
    pub fn submit_many(&self, submissions: &[Submission<'_>]) -> Result<Vec<TaskId>> {
        let Some(first) = submissions.first() else {
            return Ok(Vec::new());
        };
        let count = submissions.len();
        let accept = || {
            let mut ids = alloc::list(count)?;
            let first = accept_mixed(&self.inner, submissions)?;
            ids.extend((0..count as i64).map(|index| TaskId::counted(first.value() + index)));
            Ok(ids)
        };
        self.sound(accept).inspect_err(|error| self.refused(Named::of(first), first.queue, submissions.len(), error))
    }

    /// [`Engine::submit`] of what is known to be within its limits.
    #[inline]
    pub(crate) fn hand_over(&self, work: &Work<'_>) -> Result<TaskId> {
        accept_one(&self.inner, work).inspect_err(|error| self.refused(work.task, work.queue, 1, error))
    }

    /// [`Engine::submit_many`] of `count` tasks that differ from `like` in the payload only. `payloads` gives that of each, of
    /// `payload_bytes` in all, and is asked for one more than once. Returns the first id; the others follow it.
    pub(crate) fn hand_over_many<'a>(
        &self,
        like: &Work<'_>,
        count: usize,
        payload_bytes: u64,
        payloads: impl Fn(usize) -> &'a [u8],
    ) -> Result<TaskId> {
        accept_alike(&self.inner, like, count, payload_bytes, payloads)
            .inspect_err(|error| self.refused(like.task, like.queue, count, error))
    }

    /// [`Engine::hand_over_many`] of what may be over its limits but for the payloads.
    pub(crate) fn submit_alike<'a>(
        &self,
        like: &Submission<'_>,
        count: usize,
        payload_bytes: u64,
        payloads: impl Fn(usize) -> &'a [u8],
    ) -> Result<TaskId> {
        Work::of(&self.inner, like)
            .and_then(|work| accept_alike(&self.inner, &work, count, payload_bytes, payloads))
            .inspect_err(|error| self.refused(Named::of(like), like.queue, count, error))
    }

    /// What a submission may carry in place of the name of a registered handler: it then costs less.
    ///
    /// # Errors
    /// [`Error::NoHandler`], or what is wrong with the name.
    pub fn task_number(&self, task_name: &str) -> Result<TaskNumber> {
        self.sound(|| self.inner.intake.0.lock().number_of(task_name))
    }

    /// Notes a submit that was refused before or by the engine.
    #[cold]
    pub(crate) fn refused(&self, task: Named<'_>, queue: Option<&str>, count: usize, error: &Error) {
        self.inner.refused(task, queue, count, error);
    }
}

impl Inner {
    /// Notes a submit that was refused before or by the engine.
    #[cold]
    pub(crate) fn refused(&self, task: Named<'_>, queue: Option<&str>, count: usize, error: &Error) {
        let mut intake = self.intake.0.lock();
        let index = intake.find_target(task, queue);
        let counter = match index {
            Some(index) => &mut intake.entrances[index].refused,
            None => &mut intake.refused_elsewhere,
        };
        *counter = counter.saturating_add(count as u64);
        let seen = &self.observation;
        if seen.wants(EventKind::Refused) {
            let queue = index.map_or_else(Text::default, |index| intake.entrances[index].queue.name.clone());
            let name = match task {
                Named::Number(number) => intake.name_of(number).unwrap_or_default(),
                Named::Name(name) if TaskName::check(name).is_ok() => Text::say(format_args!("{name}")),
                // A name out of bounds is not repeated in events: it may be anything, of any size.
                Named::Name(_) => Text::default(),
            };
            let event = Event::other(EventKind::Refused, name, queue, Text::say(format_args!("{error}")));
            seen.event(Event { count: count as u64, code: error.code(), ..event });
        }
    }
}

#[inline(always)]
fn accept_one(engine: &Arc<Inner>, work: &Work<'_>) -> Result<TaskId> {
    let inner: &Inner = engine;
    if work.own.is_some() || inner.journal.is_some() {
        return accept_works(engine, std::slice::from_ref(work));
    }
    let bytes = u64::from(work.bytes);
    // Before the lock, so that what it holds is told after it.
    let mut dropped = Dropped::default();
    let mut intake = inner.intake.0.lock();
    intake.check_open()?;
    let (registration, queue) = intake.target(work.task, work.queue)?;
    let part = Part { queue, tasks: 1, bytes };
    point(Place::Submit);
    let drops = !part.has_room(&mut intake.entrances[queue]) && {
        intake = wait_for_room(inner, intake, &[part], work.when_full)?;
        true
    };
    let id = intake.next_id();
    let now = intake.clock.now();
    intake.prepare_chunk(&inner.store.table, id)?;
    let (chunk, entrance) = intake.chunk_and_entrance(queue);
    // On an error nothing of it is written.
    entrance.writer(&inner.pool, work.priority)?.add(id, now.millis, &work.data)?;
    if drops {
        part.drop_for(inner, entrance, &mut dropped);
    }
    inner.make_known(chunk.entry(id), id, work.word(registration, queue), now.unix_us, work.bytes);
    point(Place::Written);
    entrance.commit(work.priority, 1, bytes);
    intake.advance(1);
    drop(intake);
    inner.work_added(inner.queues.get(queue));
    Ok(id)
}

/// Accepts many that differ in their payloads only: one queue and level, one look at the clock, one step into view.
fn accept_alike<'a>(
    engine: &Arc<Inner>,
    like: &Work<'_>,
    count: usize,
    payload_bytes: u64,
    payloads: impl Fn(usize) -> &'a [u8],
) -> Result<TaskId> {
    let inner: &Inner = engine;
    let besides = like.bytes - like.data.payload.len() as u32;
    if like.own.is_some() || inner.journal.is_some() {
        let mut works = alloc::list(count)?;
        works.extend((0..count).map(|index| {
            let payload = payloads(index);
            Work { data: Data { payload, ..like.data }, bytes: besides + payload.len() as u32, ..*like }
        }));
        return accept_works(engine, &works);
    }
    let bytes = payload_bytes + count as u64 * u64::from(besides);
    let mut dropped = Dropped::default();
    let mut intake = inner.intake.0.lock();
    intake.check_open()?;
    let (registration, queue) = intake.target(like.task, like.queue)?;
    let part = Part { queue, tasks: count as u64, bytes };
    if !part.has_room(&mut intake.entrances[queue]) {
        intake = wait_for_room(inner, intake, &[part], like.when_full)?;
    }
    let first = intake.next_id();
    let now = intake.clock.now();
    let id_of = |index: usize| TaskId::counted(first.value() + index as i64);
    for ids in in_chunks(first, count) {
        intake.prepare_chunk(&inner.store.table, id_of(ids.start))?;
    }
    let writer = intake.entrances[queue].writer(&inner.pool, like.priority)?;
    for index in 0..count {
        let data = Data { payload: payloads(index), ..like.data };
        writer.add(id_of(index), now.millis, &data).inspect_err(|_| writer.roll_back())?;
    }
    // From here on nothing fails: a full queue makes room, all become known, then visible.
    part.drop_for(inner, &mut intake.entrances[queue], &mut dropped);
    let word = like.word(registration, queue);
    for ids in in_chunks(first, count) {
        let chunk = intake.known_chunk(&inner.store.table, id_of(ids.start));
        for index in ids {
            let id = id_of(index);
            inner.make_known(chunk.entry(id), id, word, now.unix_us, besides + payloads(index).len() as u32);
        }
    }
    intake.entrances[queue].commit(like.priority, count as u64, bytes);
    intake.advance(count);
    drop(intake);
    inner.work_added(inner.queues.get(queue));
    Ok(first)
}

/// So many tasks from a first id on, by their indices, those of each chunk of the table together.
fn in_chunks(first: TaskId, count: usize) -> impl Iterator<Item = Range<usize>> {
    let mut begin = 0;
    std::iter::from_fn(move || {
        let end = count.min(begin + left_in_chunk(TaskId::counted(first.value() + begin as i64)));
        let ids = begin..end;
        begin = end;
        (!ids.is_empty()).then_some(ids)
    })
}

/// Accepts many of any kind that came in one call. Returns the first id; the others follow it.
fn accept_mixed(inner: &Arc<Inner>, submissions: &[Submission<'_>]) -> Result<TaskId> {
    let first = &submissions[0];
    let mut works = alloc::list(submissions.len())?;
    for (index, submission) in submissions.iter().enumerate() {
        works.push(Work::of(inner, submission)?);
        if (submission.when_full, submission.durability) != (first.when_full, first.durability) {
            return Err(Error::invalid(format_args!(
                "submission {index} of a batch says another when_full or durability than the first; they are those of the batch"
            )));
        }
    }
    accept_works(inner, &works)
}

/// Where a task of a batch goes.
struct Planned {
    registration: usize,
    queue: usize,
    /// Where its record lies until its time comes.
    place: Option<ShelfPlace>,
}

/// Accepts many of any kind, the first of which says what is to be done where there is no room. Returns the first id; the
/// others follow it.
#[cold]
fn accept_works(inner: &Arc<Inner>, works: &[Work<'_>]) -> Result<TaskId> {
    if let Some(journal) = &inner.journal {
        return accept_and_wait(inner, journal, works);
    }
    let mut plan = alloc::list(works.len())?;
    let when_full = works[0].when_full;
    let mut dropped = Dropped::default();
    let mut intake = inner.intake.0.lock();
    intake.check_open()?;
    let mut parts: Vec<Part> = Vec::new();
    for work in works {
        let (registration, queue) = intake.target(work.task, work.queue)?;
        Part::count(&mut parts, queue, work)?;
        plan.push(Planned { registration, queue, place: None });
    }
    let mut intake = wait_for_room(inner, intake, &parts, when_full)?;
    let first = intake.next_id();
    let now = intake.clock.now();
    let ids = || (first.value()..).map(TaskId::counted);
    let mut written = Ok(());
    for ((work, planned), id) in works.iter().zip(&mut plan).zip(ids()) {
        written = written
            .and_then(|()| intake.prepare_chunk(&inner.store.table, id))
            .and_then(|()| write_one(inner, &mut intake, work, planned, id, now.millis));
    }
    if let Err(error) = written {
        parts.iter().for_each(|part| intake.entrances[part.queue].roll_back());
        for (planned, id) in plan.iter().zip(ids()) {
            inner.take_back(id, planned.place);
        }
        return Err(error);
    }
    // From here on nothing fails: what is full makes room, all become known, then visible.
    parts.iter().for_each(|part| part.drop_for(inner, &mut intake.entrances[part.queue], &mut dropped));
    for ((work, planned), id) in works.iter().zip(&plan).zip(ids()) {
        let entry = intake.known_chunk(&inner.store.table, id).entry(id);
        let word = work.word_of_its_own(planned.registration, planned.queue);
        inner.make_known(entry, id, word, now.unix_us, planned.place.map_or(work.bytes, ShelfPlace::number));
        let entrance = &mut intake.entrances[planned.queue];
        if planned.place.is_some() {
            entrance.accept_elsewhere();
            entrance.queue.scheduled.add(1, u64::from(work.bytes));
        } else {
            entrance.count(u64::from(work.bytes));
        }
    }
    for part in &parts {
        intake.entrances[part.queue].commit_all();
    }
    intake.advance(works.len());
    drop(intake);
    // What waits for its time is nobody's work yet.
    let has_work = |queue| plan.iter().any(|planned| planned.queue == queue && planned.place.is_none());
    for part in parts.iter().filter(|part| has_work(part.queue)) {
        inner.work_added(inner.queues.get(part.queue));
    }
    Ok(first)
}

/// Writes what a task brings, where nobody sees it yet. On an error nothing of this one is written.
fn write_one(
    inner: &Inner,
    intake: &mut Intake,
    work: &Work<'_>,
    planned: &mut Planned,
    id: TaskId,
    now_ms: u32,
) -> Result<()> {
    let own = work.own.filter(Own::is_kept);
    if let Some(own) = own {
        inner.note_own(id, &own)?;
    }
    let written = match work.own.and_then(|own| own.time) {
        Some(time) => inner.shelve_new(id, &work.data, work.bytes, time).map(|place| planned.place = Some(place)),
        None => {
            let writer = intake.entrances[planned.queue].writer(&inner.pool, work.priority);
            writer.and_then(|writer| writer.add(id, now_ms, &work.data))
        }
    };
    written.inspect_err(|_| inner.take_back(id, None))
}

impl Inner {
    /// Has a worker look for work that was added to a queue; where none is free, the watchdog looks after those that are not.
    #[inline]
    pub(crate) fn work_added(&self, queue: &Queue) {
        if queue.parking.work_added() && !self.control.is_watching() {
            self.watch_if_busy(queue);
        }
    }

    #[cold]
    pub(crate) fn watch_if_busy(&self, queue: &Queue) {
        if queue.parking.nobody_searches() {
            self.control.start_watching();
        }
    }

    /// Has the watchdog look after what runs where the concurrency limit keeps others waiting: nobody is woken for those.
    pub(crate) fn watch_if_held_back(&self, queue: &Queue) {
        if queue.holds_something_back() && !self.control.is_watching() {
            self.control.start_watching();
        }
    }

    /// Writes a task into the table, and tells of it before anybody can run it. `bytes`: or its place on the shelf.
    #[inline]
    pub(crate) fn make_known(&self, entry: &Entry, id: TaskId, word: Word, now_us: i64, bytes: u32) {
        entry.init(word, now_us, bytes);
        if self.observation.wants(EventKind::Accepted) {
            self.tell_of_new(entry, id, word);
        }
    }

    #[cold]
    fn tell_of_new(&self, entry: &Entry, id: TaskId, word: Word) {
        if let Some(status) = self.status_from(id, entry, word, None) {
            self.observation.event(Event::of(EventKind::Accepted, &status));
        }
    }

    /// Tells those who wait for room in a queue. Not with the intake's lock held.
    pub(crate) fn tell_of_room(&self, queue: &Queue) {
        if queue.waiting_for_room.load(Ordering::SeqCst) > 0 {
            // The lock, so that nobody is between its look and its wait.
            drop(self.intake.0.lock());
            queue.room.notify_all();
        }
    }

    /// Ready tasks of a queue. Not with the intake's lock held.
    pub(crate) fn ready_in(&self, queue: &Queue) -> u64 {
        self.intake.0.lock().entrances[queue.index].ready().0
    }
}

/// What a submit asks of one queue.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) queue: usize,
    pub(crate) tasks: u64,
    pub(crate) bytes: u64,
}

impl Part {
    /// Counts a submission among those that ask the same queue.
    pub(crate) fn count(parts: &mut Vec<Self>, queue: usize, work: &Work<'_>) -> Result<()> {
        let bytes = u64::from(work.bytes);
        if let Some(part) = parts.iter_mut().find(|part| part.queue == queue) {
            (part.tasks, part.bytes) = (part.tasks + 1, part.bytes + bytes);
            return Ok(());
        }
        parts.ensure(1)?;
        parts.push(Self { queue, tasks: 1, bytes });
        Ok(())
    }

    fn has_room(&self, entrance: &mut Entrance) -> bool {
        entrance.has_room(self.tasks, self.bytes)
    }

    /// Drops the oldest tasks of a full queue. Last, when all that can fail is done: nothing is dropped in vain.
    fn drop_for<'a>(&self, inner: &'a Inner, entrance: &mut Entrance, dropped: &mut Dropped<'a>) {
        // Where a worker has panicked between the two moments below there is none, and it does not matter any more.
        while !self.has_room(entrance) && !inner.is_poisoned() {
            if !inner.drop_oldest(&entrance.queue, dropped) {
                point(Place::Undropped);
                // What is ready and cannot be dropped is between its worker's taking and starting it: room in a moment, and
                // that worker needs no lock that is held here.
                std::thread::yield_now();
            }
        }
    }
}

/// Refuses one more task of so many bytes where there is no room for it.
pub(crate) fn room_or_refusal(entrance: &mut Entrance, bytes: u64) -> Result<()> {
    if entrance.has_room(1, bytes) {
        return Ok(());
    }
    Err(entrance.full())
}

/// Refuses or waits where there is no room, by the answer that was chosen to a full queue. Then there is room for all, or will
/// be by [`Part::drop_for`]; it stays, since the lock is kept.
#[cold]
pub(crate) fn wait_for_room<'a>(
    inner: &'a Inner,
    mut intake: MutexGuard<'a, Intake>,
    parts: &[Part],
    when_full: Option<WhenFull>,
) -> Result<MutexGuard<'a, Intake>> {
    let mut deadline: Option<Option<Instant>> = None;
    loop {
        // A refusal of one part goes before a wait for another one.
        let mut wait_for = None;
        for part in parts {
            let entrance = &mut intake.entrances[part.queue];
            if part.has_room(entrance) {
                continue;
            }
            if !entrance.could_hold(part.tasks, part.bytes) {
                return Err(entrance.full());
            }
            match when_full.unwrap_or(entrance.options.when_full) {
                WhenFull::Refuse => return Err(entrance.full()),
                WhenFull::Wait(limit) => wait_for = Some((part, limit)),
                WhenFull::DropOldest => {}
            }
        }
        let Some((part, limit)) = wait_for else { return Ok(intake) };
        if sys::is_thread_of(inner.number) {
            return Err(Error::WouldDeadlock {
                operation: "waiting for room in a full queue",
                instead: "submit with 'refuse' or 'drop oldest' from inside a run, or from a thread of your own",
            });
        }
        let deadline = *deadline.get_or_insert_with(|| deadline_after(limit));
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(intake.entrances[part.queue].full());
        }
        let queue = inner.queues.get(part.queue);
        // Counted first, then looked once more: a worker counts first and then looks for waiters.
        queue.waiting_for_room.fetch_add(1, Ordering::SeqCst);
        if !part.has_room(&mut intake.entrances[part.queue]) {
            (intake, _) = queue.room.wait_until(intake, deadline);
        }
        queue.waiting_for_room.fetch_sub(1, Ordering::SeqCst);
        intake.check_open()?;
        inner.check_sound()?;
    }
}
