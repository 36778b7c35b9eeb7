use super::*;

fn ready() -> Word {
    Word::ready(7, 12_345, Priority::AboveNormal, PayloadFormat::Standard)
}

fn entry(word: Word) -> Entry {
    let entry = Entry::empty();
    entry.init(word, 1_000_000, 42);
    entry
}

#[cfg(not(loom))]
mod guarantees {
    use super::*;
    use proptest::prelude::*;
    use std::panic::{catch_unwind, AssertUnwindSafe};

    #[test]
    fn a_claim_that_is_taken_back_leaves_the_task_as_it_was() {
        let entry = entry(ready());
        assert!(entry.unclaim().is_err(), "nobody has claimed it");
        assert!(entry.start(7).is_some());
        assert_eq!(entry.unclaim().unwrap().state(), Some(State::Running));
        let word = entry.word();
        assert_eq!((word.state(), word.claims(), entry.times(word).started_us), (Some(State::Ready), 0, 0));
        assert_eq!(unchanging(word), unchanging(ready()));
        assert_eq!(entry.start(8).map(|(word, bytes)| (word.claims(), bytes)), Some((1, 42)));
    }

    fn words() -> impl Strategy<Value = Word> {
        let priority = (0..5usize).prop_map(|at| Priority::ALL[at]);
        let format = (0..3usize).prop_map(|at| PayloadFormat::ALL[at]);
        (0..MAX_QUEUES, 0..MAX_REGISTRATIONS, priority, format)
            .prop_map(|(queue, registration, priority, format)| Word::ready(queue, registration, priority, format))
    }

    fn unchanging(word: Word) -> (usize, usize, Priority, PayloadFormat) {
        (word.queue(), word.registration(), word.priority(), word.format())
    }

    /// An entry in any state, as if it had come there.
    fn in_state(state: State) -> Entry {
        let entry = entry(ready());
        entry.word.store(ready().with_state(state).0, Ordering::Relaxed);
        entry
    }

    /// Only a dropped task is still to be told of after its last move.
    fn keeps_told(to: State) -> bool {
        !to.is_final() || to == State::Dropped
    }

    #[derive(Debug, Clone)]
    enum Step {
        Start,
        Finish(State),
        Move(State, State, bool),
        Mark(bool),
        Tell,
        TellSlowly,
        GiveUp,
        TakeDropped,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let state = || (0..State::ALL.len()).prop_map(|at| State::ALL[at]);
        let step = prop_oneof![
            3 => Just(Step::Start),
            1 => state().prop_map(Step::Finish),
            4 => (state(), state(), any::<bool>()).prop_map(|(from, to, cancel)| Step::Move(from, to, cancel)),
            1 => any::<bool>().prop_map(Step::Mark),
            2 => Just(Step::Tell),
            1 => Just(Step::TellSlowly),
            1 => Just(Step::GiveUp),
            1 => Just(Step::TakeDropped),
        ];
        proptest::collection::vec(step, 0..60)
    }

    proptest! {
        /// Any moves in any order against the definition of each.
        #[test]
        fn every_move_changes_what_it_says_and_keeps_all_other_fields(word in words(), steps in steps()) {
            let entry = entry(word);
            let (mut state, mut claims, mut slow, mut cancel, mut told) = (State::Ready, 0, false, false, false);
            for step in steps {
                match step {
                    Step::Start => {
                        let started = entry.start(2_000);
                        prop_assert_eq!(started.is_some(), state == State::Ready);
                        if let Some((now, _)) = started {
                            prop_assert_eq!(now, entry.word());
                            (state, claims) = (State::Running, claims + 1);
                        }
                    }
                    Step::Finish(to) => {
                        let seen = entry.word();
                        if seen.state() == Some(State::Running) && State::Running.can_move_to(to) {
                            let finished = entry.finish_plain(seen, to, 3_000);
                            prop_assert_eq!(finished.is_ok(), !slow, "a slow task is finished slowly");
                            if let Ok(tell) = finished {
                                prop_assert_eq!(tell, told);
                                (state, told) = (to, told && keeps_told(to));
                            }
                        }
                    }
                    Step::Move(from, to, asked) if from.can_move_to(to) => {
                        let moved = entry.move_slowly(&[from], to, asked);
                        prop_assert_eq!(moved.is_ok(), state == from);
                        let before = moved.unwrap_or_else(|seen| seen);
                        prop_assert_eq!((before.state(), before.is_told()), (Some(state), told));
                        if moved.is_ok() {
                            // That the last run was asked to stop is nothing to the next one.
                            let stays = !matches!(to, State::Scheduled | State::Ready);
                            (state, slow, cancel) = (to, true, (cancel && stays) || asked);
                            told &= keeps_told(to);
                        }
                    }
                    Step::Move(..) => {}
                    Step::Mark(asked) => {
                        let marked = entry.mark_slow(asked);
                        prop_assert_eq!(marked.is_ok(), !state.is_final());
                        if marked.is_ok() {
                            (slow, cancel) = (true, cancel || asked);
                        }
                    }
                    Step::Tell | Step::TellSlowly => {
                        let slowly = matches!(step, Step::TellSlowly);
                        let before = entry.word();
                        let asked = if slowly { entry.tell_slowly() } else { entry.tell_plainly() };
                        if state.is_final() || (slow && !slowly) {
                            prop_assert_eq!(asked, Err(before));
                        } else {
                            prop_assert_eq!(asked, Ok(()));
                            told = true;
                        }
                    }
                    Step::GiveUp => {
                        let before = entry.word();
                        let is_over = state.is_final();
                        prop_assert_eq!(entry.give_up(), (told && !is_over).then_some(before));
                        (told, slow) = (told && is_over, slow || !is_over);
                    }
                    Step::TakeDropped => {
                        let before = entry.word();
                        let takes = told && state == State::Dropped;
                        prop_assert_eq!(entry.take_dropped(), takes.then_some(before));
                        told &= !takes;
                    }
                }
                let now = entry.word();
                prop_assert_eq!(now.state(), Some(state));
                prop_assert_eq!((now.claims(), now.is_slow(), now.cancel_requested()), (claims, slow, cancel));
                prop_assert_eq!(now.is_told(), told);
                prop_assert_eq!(now.lease().value(), i64::from(claims));
                prop_assert_eq!(unchanging(now), unchanging(word));
                prop_assert_eq!(entry.is_cancelled(), cancel);
            }
        }

        #[test]
        fn times_are_those_of_submit_start_and_end_to_a_millisecond(
            submitted in 1i64..4_000_000_000_000_000,
            waited in 0i64..10_000_000_000,
            ran in 0i64..10_000_000_000,
        ) {
            let entry = Entry::empty();
            entry.init(ready(), submitted, 9);
            let times = || entry.times(entry.word());
            let ms = |us: i64| (us / 1000) as u32;
            prop_assert_eq!(times(), Times { submitted_us: submitted, started_us: 0, finished_us: 0 });
            let (word, bytes) = entry.start(ms(submitted + waited)).unwrap();
            prop_assert_eq!(bytes, 9);
            let started = times().started_us;
            prop_assert!((submitted + waited - started) < 1000 && started <= submitted + waited);
            prop_assert!(started >= submitted);
            prop_assert_eq!(times().finished_us, 0);
            entry.finish_plain(word, State::Succeeded, ms(submitted + waited + ran)).unwrap();
            let finished = times().finished_us;
            prop_assert!(started <= finished && submitted + waited + ran - finished < 1000);
            prop_assert_eq!(times().started_us, started);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_leaves_times_in_order_and_42_days_are_told_apart() {
        const DAY_MS: u32 = 24 * 60 * 60 * 1000;
        for days_back in [0, 1, 6] {
            let entry = entry(ready());
            let (word, _) = entry.start(0u32.wrapping_sub(days_back * DAY_MS)).unwrap();
            assert_eq!(entry.times(word).started_us, 1_000_000, "not before the submit");
            entry.finish_plain(word, State::Succeeded, 42 * DAY_MS).unwrap();
            let times = entry.times(entry.word());
            assert_eq!((times.started_us, times.finished_us), (1_000_000, i64::from(42 * DAY_MS) * 1000));
        }
    }

    #[test]
    fn a_move_that_the_table_of_states_lacks_is_never_made() {
        for from in State::ALL {
            for to in State::ALL {
                let entry = in_state(from);
                let moved = catch_unwind(AssertUnwindSafe(|| entry.move_slowly(&[from], to, false)));
                assert_eq!(moved.is_ok(), from.can_move_to(to), "{from:?} -> {to:?}");
                let now = if from.can_move_to(to) { to } else { from };
                assert_eq!(entry.word().state(), Some(now));
            }
        }
    }

    #[test]
    fn a_move_from_another_state_than_those_named_is_refused_and_changes_nothing() {
        for state in State::ALL.into_iter().filter(|state| *state != State::Running) {
            let entry = in_state(state);
            let before = entry.word();
            let moved = entry.move_slowly(&[State::Running], State::Succeeded, true);
            assert_eq!((moved, entry.word()), (Err(before), before));
        }
    }

    #[test]
    fn only_a_ready_task_is_claimed() {
        for state in State::ALL {
            let entry = in_state(state);
            assert_eq!(entry.start(2_000).is_some(), state == State::Ready, "{state:?}");
        }
        assert!(Entry::empty().start(0).is_none(), "nothing is not ready");
        assert!(Entry::empty().mark_slow(true).is_err());
    }

    #[test]
    fn claims_count_up_to_their_limit_and_stay_there() {
        let entry = entry(ready());
        const MAX_CLAIMS: u64 = (1 << (64 - CLAIMS_AT)) - 1;
        entry.word.store(ready().0 | (MAX_CLAIMS - 1) << CLAIMS_AT, Ordering::Relaxed);
        for _ in 0..3 {
            let (word, _) = entry.start(2_000).unwrap();
            assert_eq!(u64::from(word.claims()), MAX_CLAIMS);
            assert_eq!(unchanging(word), unchanging(ready()));
            entry.move_slowly(&[State::Running], State::Ready, false).unwrap();
        }
    }

    #[test]
    fn a_task_without_extra_that_gets_one_during_its_run_is_not_finished_plainly() {
        let entry = entry(ready());
        let (word, _) = entry.start(2_000).unwrap();
        assert_eq!(entry.mark_slow(true), Ok(word));
        let now = entry.finish_plain(word, State::Succeeded, 3_000).unwrap_err();
        assert!(now.is_slow() && now.cancel_requested());
        assert_eq!(entry.word().state(), Some(State::Running));
    }

    #[test]
    fn a_task_that_is_told_is_finished_plainly_all_the_same() {
        for told_before_the_claim in [true, false] {
            let entry = entry(ready());
            if told_before_the_claim {
                entry.tell_plainly().unwrap();
            }
            let (word, _) = entry.start(2_000).unwrap();
            entry.tell_plainly().unwrap();
            assert_eq!(entry.finish_plain(word, State::Succeeded, 3_000), Ok(true));
            let now = entry.word();
            assert!(now.state() == Some(State::Succeeded) && !now.is_told() && !now.is_slow());
            assert_eq!(entry.tell_plainly(), Err(now), "its end was told once");
        }
    }

    #[test]
    fn at_the_end_all_that_is_not_final_is_given_up_and_told_of_once() {
        let table = Table::default();
        let id = |n| TaskId::new(n).unwrap();
        let (mut told, mut final_ones) = (Vec::new(), Vec::new());
        // With a gap of chunks among them.
        for n in (1..3 * CHUNK).chain(7 * CHUNK + 5..8 * CHUNK) {
            let chunk = table.chunk_for_new(id(n)).unwrap();
            let entry = chunk.entry(id(n));
            entry.init(ready(), 1, 1);
            if n % 3 == 0 {
                entry.tell_plainly().unwrap();
                told.push(n);
            }
            if n % 5 == 0 {
                entry.move_slowly(&[State::Ready], State::Cancelled, false).unwrap();
                told.retain(|told| *told != n);
                final_ones.push(n);
            }
        }
        let heard = || {
            let mut heard = Vec::new();
            table.give_up_all(|id, word| {
                assert!(word.is_told() && word.state() == Some(State::Ready));
                heard.push(id.value());
            });
            heard
        };
        assert_eq!(heard(), told);
        assert_eq!(heard(), []);
        for n in 1..3 * CHUNK {
            let word = table.chunk(id(n)).unwrap().entry(id(n)).word();
            let state = if final_ones.contains(&n) { State::Cancelled } else { State::Ready };
            assert!(word.state() == Some(state) && word.is_slow());
        }
        Table::default().give_up_all(|_, _| panic!("there is none"));
    }

    #[test]
    fn a_chunk_stays_as_long_as_one_of_its_ids_is_known_or_not_given_out() {
        let table = Table::default();
        let id = |n| TaskId::new(n).unwrap();
        let mut all: Vec<i64> = (1..3 * CHUNK).collect();
        for &n in &all {
            table.chunk_for_new(id(n)).unwrap().entry(id(n)).init(ready(), 1, 1);
        }
        // In an order in which every chunk loses its tasks bit by bit.
        all.sort_by_key(|n| (n * 7919) % 3001);
        let mut left = [CHUNK - 1, CHUNK, CHUNK];
        for n in all {
            let chunk = table.chunk(id(n)).unwrap();
            assert_eq!(table.forget(&chunk, id(n)), ready());
            left[(n / CHUNK) as usize] -= 1;
            for (number, left) in (0..).zip(left) {
                let some_id = id(number * CHUNK + 1);
                assert_eq!(table.chunk(some_id).is_some(), left > 0);
            }
        }
        assert!(table.chunks.lock().is_empty());
        table.chunk_for_new(id(3 * CHUNK)).unwrap();
        assert!(table.chunk(id(3 * CHUNK + 5)).is_some(), "ids that are not given out");
    }

    #[test]
    fn a_cached_chunk_is_the_one_of_the_id_asked_for() {
        let table = Table::default();
        let mut cache = ChunkCache::default();
        for n in [1, 2, CHUNK, CHUNK + 1, 5, 2 * CHUNK] {
            let id = TaskId::new(n).unwrap();
            let chunk = table.chunk_for_new(id).unwrap();
            assert!(Arc::ptr_eq(cache.get(&table, id).unwrap(), &chunk));
        }
        assert!(cache.get(&table, TaskId::new(9 * CHUNK).unwrap()).is_none());
    }
}

#[cfg(loom)]
mod models {
    use super::*;
    use crate::sync::modelled::{model, must_fail, Mutation};
    use loom::thread;

    /// What is known of one task, as the engine keeps it: its word, and an extra under a lock.
    struct Task {
        entry: Entry,
        extras: Mutex<Extra>,
        /// Ends a run without a look at what the word has become.
        careless: bool,
    }

    #[derive(Default)]
    struct Extra {
        /// Somebody asked it to stop, with a reason.
        reason: bool,
        watches: usize,
        told: usize,
        ends: usize,
    }

    #[derive(Debug, PartialEq, Eq)]
    enum Ended {
        NeverBegun,
        Plainly,
        Slowly,
    }

    #[derive(Debug, PartialEq, Eq)]
    enum Cancelled {
        Queued,
        Running,
        TooLate,
    }

    impl Task {
        fn new(careless: bool) -> Arc<Self> {
            Arc::new(Self { entry: entry(ready()), extras: Mutex::default(), careless })
        }

        /// `Run::run` of a task that succeeds, and `Inner::run_returned`.
        fn run(&self) -> Ended {
            let Some((word, bytes)) = self.entry.start(2_000) else {
                return Ended::NeverBegun;
            };
            assert_eq!(bytes, 42, "the capacity it took is told at its start");
            if self.careless {
                self.entry.word.store(word.with_state(State::Succeeded).0, Ordering::Release);
                return Ended::Plainly;
            }
            if self.entry.finish_plain(word, State::Succeeded, 3_000).is_ok() {
                return Ended::Plainly;
            }
            let mut extra = self.extras.lock();
            let moved = self.entry.move_slowly(&[State::Running], State::Succeeded, false);
            assert!(moved.is_ok(), "a run that ends is running");
            Self::end(&mut extra);
            Ended::Slowly
        }

        fn end(extra: &mut Extra) {
            extra.ends += 1;
            extra.told += std::mem::take(&mut extra.watches);
        }

        /// `Inner::cancel`.
        fn cancel(&self) -> Cancelled {
            let mut extra = self.extras.lock();
            let bytes = self.entry.bytes();
            if self.entry.move_slowly(&[State::Ready], State::Cancelled, true).is_ok() {
                assert_eq!(bytes, 42);
                Self::end(&mut extra);
                return Cancelled::Queued;
            }
            match self.entry.mark_slow(true) {
                Ok(before) => {
                    assert_eq!(before.state(), Some(State::Running));
                    extra.reason = true;
                    Cancelled::Running
                }
                Err(word) => {
                    assert_eq!(word.state(), Some(State::Succeeded));
                    Cancelled::TooLate
                }
            }
        }

        /// `Inner::add_watch`.
        fn watch(&self) {
            let mut extra = self.extras.lock();
            if self.entry.mark_slow(false).is_ok() {
                extra.watches += 1;
            } else {
                assert!(self.entry.word().state().is_some_and(State::is_final));
                extra.told += 1;
            }
        }

        /// `Inner::drop_oldest`.
        fn drop_it(&self) -> bool {
            let mut extra = self.extras.lock();
            let dropped = self.entry.move_slowly(&[State::Ready], State::Dropped, false).is_ok();
            if dropped {
                Self::end(&mut extra);
            }
            dropped
        }
    }

    fn run_against_cancel(careless: bool) {
        let task = Task::new(careless);
        let worker = thread::spawn({
            let task = task.clone();
            move || task.run()
        });
        let cancelled = task.cancel();
        let ended = worker.join().unwrap();
        let word = task.entry.word();
        let extra = task.extras.lock();
        match (&ended, &cancelled) {
            (Ended::NeverBegun, Cancelled::Queued) => assert_eq!(word.state(), Some(State::Cancelled)),
            (Ended::Slowly, Cancelled::Running) => {
                assert_eq!(word.state(), Some(State::Succeeded));
                assert!(extra.reason && word.cancel_requested() && word.is_slow());
            }
            (Ended::Plainly, Cancelled::TooLate) => {
                assert_eq!(word.state(), Some(State::Succeeded));
                assert!(!word.is_slow() && !word.cancel_requested());
            }
            _ => panic!("illegal: the run ended {ended:?}, the cancel met {cancelled:?}"),
        }
        assert_eq!(extra.ends, usize::from(ended != Ended::Plainly));
        assert_eq!(u32::from(ended != Ended::NeverBegun), word.claims());
    }

    #[test]
    fn a_cancel_and_a_run_agree_on_who_was_first() {
        model(None, || run_against_cancel(false));
    }

    #[test]
    fn a_watch_added_at_any_moment_is_told_exactly_once() {
        model(None, || {
            let task = Task::new(false);
            let worker = thread::spawn({
                let task = task.clone();
                move || task.run()
            });
            task.watch();
            let ended = worker.join().unwrap();
            let extra = task.extras.lock();
            assert_eq!((extra.told, extra.watches), (1, 0));
            assert_eq!(task.entry.word().is_slow(), ended == Ended::Slowly);
            assert_eq!(task.entry.word().state(), Some(State::Succeeded));
        });
    }

    #[test]
    fn a_run_a_cancel_and_a_watch_at_once_end_the_task_once_and_tell_once() {
        model(Some(3), || {
            let task = Task::new(false);
            let worker = thread::spawn({
                let task = task.clone();
                move || task.run()
            });
            let watcher = thread::spawn({
                let task = task.clone();
                move || task.watch()
            });
            let cancelled = task.cancel();
            let ended = worker.join().unwrap();
            watcher.join().unwrap();
            let extra = task.extras.lock();
            assert_eq!((extra.told, extra.watches), (1, 0));
            assert_eq!(cancelled == Cancelled::Queued, ended == Ended::NeverBegun);
            assert!(ended != Ended::Plainly || cancelled == Cancelled::TooLate);
            assert_eq!(extra.reason, cancelled == Cancelled::Running);
            assert_eq!(extra.ends, usize::from(ended != Ended::Plainly));
        });
    }

    #[test]
    fn of_two_workers_a_canceller_and_a_dropper_exactly_one_has_the_task() {
        model(Some(3), || {
            let task = Task::new(false);
            let workers = [(); 2].map(|()| {
                let task = task.clone();
                thread::spawn(move || task.run() != Ended::NeverBegun)
            });
            let dropper = thread::spawn({
                let task = task.clone();
                move || task.drop_it()
            });
            let cancelled = task.cancel_ready_only();
            let mut winners = usize::from(cancelled) + usize::from(dropper.join().unwrap());
            for worker in workers {
                winners += usize::from(worker.join().unwrap());
            }
            assert_eq!(winners, 1);
        });
    }

    impl Task {
        fn cancel_ready_only(&self) -> bool {
            let _extra = self.extras.lock();
            self.entry.move_slowly(&[State::Ready], State::Cancelled, true).is_ok()
        }
    }

    #[test]
    fn whoever_looks_at_a_task_sees_the_times_that_its_state_tells_of() {
        model(None, || {
            let task = Task::new(false);
            let worker = thread::spawn({
                let task = task.clone();
                move || task.run()
            });
            let word = task.entry.word();
            let times = task.entry.times(word);
            let expected = match word.state().unwrap() {
                State::Ready => (0, 0),
                State::Running => (2_000_000, 0),
                _ => (2_000_000, 3_000_000),
            };
            assert_eq!((times.started_us, times.finished_us), expected);
            worker.join().unwrap();
        });
    }

    #[test]
    fn a_run_that_ends_without_a_look_at_its_word_misses_a_cancel() {
        must_fail(
            module_path!(),
            "a_run_that_ends_without_a_look_at_its_word_misses_a_cancel",
            &["illegal: the run ended Plainly, the cancel met Running"],
            Mutation::None,
            || model(None, || run_against_cancel(true)),
        );
    }
}

#[cfg(not(loom))]
#[test]
fn a_stored_task_is_found_in_a_chunk_that_was_empty_meanwhile_by_whoever_has_looked_there_before() {
    let table = Table::default();
    let mut cache = ChunkCache::default();
    for round in 0..3 {
        let id = TaskId::counted(5 + round);
        let chunk = table.chunk_for_stored(id).unwrap();
        chunk.entry(id).init(Word::new(State::Ready, 0, 0, Priority::Normal, PayloadFormat::Contractless), 0, 0);
        let found = cache.get(&table, id).unwrap();
        assert_eq!(found.entry(id).word().state(), Some(State::Ready), "round {round}");
        table.forget(&chunk, id);
        assert!(table.chunk(id).is_none(), "an empty chunk is not kept");
    }
    // One that is on its way in keeps the chunk, whoever leaves it.
    let (first, second) = (TaskId::counted(5), TaskId::counted(6));
    let chunk = table.chunk_for_stored(first).unwrap();
    chunk.entry(first).init(Word::new(State::Ready, 0, 0, Priority::Normal, PayloadFormat::Contractless), 0, 0);
    let coming = table.chunk_for_stored(second).unwrap();
    table.forget(&chunk, first);
    assert!(table.chunk(second).is_some());
    table.know_one_less(&coming);
    assert!(table.chunk(second).is_none());
}
