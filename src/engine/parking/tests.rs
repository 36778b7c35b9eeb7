#[cfg(not(loom))]
mod guarantees {
    use super::super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(30);

    /// Puts so many workers to sleep; their numbers come through the channel as they wake.
    fn asleep(parking: &Arc<Parking>, count: usize) -> (mpsc::Receiver<usize>, Vec<thread::JoinHandle<()>>) {
        let (woken, wakes) = mpsc::channel();
        let threads = (0..count)
            .map(|number| {
                let (other, woken) = (parking.clone(), woken.clone());
                parking.start_searching();
                let thread = thread::spawn(move || {
                    other.sleep(&Arc::new(Parker::new()), || false);
                    woken.send(number).unwrap();
                });
                while parking.sleepers() <= number {
                    thread::yield_now();
                }
                thread
            })
            .collect();
        (wakes, threads)
    }

    #[test]
    fn the_last_to_fall_asleep_is_woken_first_and_one_piece_wakes_one() {
        let parking = Arc::new(Parking::default());
        let (wakes, threads) = asleep(&parking, 3);
        for (number, left) in [(2, 2), (1, 1), (0, 0)] {
            let _ = parking.work_added();
            assert_eq!(wakes.recv_timeout(LONG), Ok(number));
            assert_eq!((parking.sleepers(), parking.searching.0.load(Ordering::SeqCst)), (left, 1));
            let _ = parking.stop_searching(|| false);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn nobody_is_woken_while_somebody_searches_and_the_last_searcher_passes_the_wake_up_on() {
        let parking = Arc::new(Parking::default());
        let (wakes, threads) = asleep(&parking, 1);
        parking.start_searching();
        parking.start_searching();
        let _ = parking.work_added();
        let _ = parking.stop_searching(|| unreachable!("another one searches"));
        assert_eq!(parking.sleepers(), 1);
        let _ = parking.stop_searching(|| true);
        assert_eq!(wakes.recv_timeout(LONG), Ok(0));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn a_reason_to_stay_awake_keeps_a_worker_searching() {
        let parking = Parking::default();
        parking.start_searching();
        parking.sleep(&Arc::new(Parker::new()), || true);
        assert_eq!((parking.sleepers(), parking.searching.0.load(Ordering::SeqCst)), (0, 1));
    }

    #[test]
    fn a_wake_up_before_the_sleep_is_used_up_by_it() {
        let parking = Parking::default();
        let me = Arc::new(Parker::new());
        for reason in [false, true] {
            parking.start_searching();
            parking.sleep(&me, || {
                let _ = parking.work_added();
                reason
            });
            assert_eq!((parking.sleepers(), parking.searching.0.load(Ordering::SeqCst)), (0, 1));
            let _ = parking.stop_searching(|| false);
        }
        assert!(!*me.woken.lock(), "none is left over");
    }

    #[test]
    fn all_are_woken_at_once_and_count_as_searching() {
        let parking = Arc::new(Parking::default());
        let (wakes, threads) = asleep(&parking, 4);
        parking.wake_all();
        let mut woken: Vec<_> = (0..4).map(|_| wakes.recv_timeout(LONG).unwrap()).collect();
        woken.sort_unstable();
        assert_eq!(woken, [0, 1, 2, 3]);
        assert_eq!((parking.sleepers(), parking.searching.0.load(Ordering::SeqCst)), (0, 4));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

#[cfg(loom)]
mod models {
    use super::super::*;
    use crate::sync::modelled::{model, must_fail, Mutation};
    use loom::thread;

    /// Work to be done, a queue that workers share, and workers that sleep: what `Worker::next` does.
    struct Shop {
        parking: Parking,
        /// Pieces that came in: the published end of a lane.
        added: AtomicUsize,
        /// Pieces that were taken, and those of them that were begun: the others are in hands. Under the lanes' lock.
        taken: Mutex<Taken>,
        /// Pieces that will come in all.
        all: usize,
        /// Each run lasts until all pieces are begun: then a piece may not wait while a worker sleeps.
        together: bool,
        /// A worker takes all that is there: one to run, and the rest into its hand.
        by_hands: bool,
        another_taken: Condvar,
        /// A worker looks once more before it sleeps.
        looks_again: bool,
    }

    #[derive(Default)]
    struct Taken {
        taken: usize,
        begun: usize,
    }

    impl Default for Shop {
        fn default() -> Self {
            Self {
                parking: Parking::default(),
                added: AtomicUsize::new(0),
                taken: Mutex::default(),
                all: 2,
                together: false,
                by_hands: false,
                another_taken: Condvar::new(),
                looks_again: true,
            }
        }
    }

    impl Shop {
        /// Adds so many pieces in one step, as a batch.
        fn add(&self, pieces: usize) {
            self.added.fetch_add(pieces, Ordering::Release);
            let _ = self.parking.work_added();
        }

        /// `Queue::take`, and, of what is in hands, `Hand::next` and `Queue::steal`.
        fn take(&self) -> bool {
            let mut state = self.taken.lock();
            if state.begun == state.taken {
                let left = self.added.load(Ordering::Acquire) - state.taken;
                state.taken += if self.by_hands { left } else { left.min(1) };
            }
            let found = state.begun < state.taken;
            state.begun += usize::from(found);
            found
        }

        fn has_work(&self) -> bool {
            let state = self.taken.lock();
            state.begun < self.added.load(Ordering::Acquire)
        }

        fn is_done(&self) -> bool {
            self.taken.lock().begun == self.all
        }

        /// `Worker::run`: whoever has done the last piece sends all home, as a shutdown does.
        fn work(&self) {
            let me = Arc::new(Parker::new());
            while self.next(&me) {
                let mut taken = self.taken.lock();
                if self.together {
                    self.another_taken.notify_all();
                    while taken.begun < self.all {
                        taken = self.another_taken.wait(taken);
                    }
                }
                drop(taken);
                if self.is_done() {
                    self.parking.wake_all();
                }
            }
        }

        fn next(&self, me: &Arc<Parker>) -> bool {
            if self.take() {
                return true;
            }
            self.parking.start_searching();
            loop {
                let found = self.take();
                if found || self.is_done() {
                    let _ = self.parking.stop_searching(|| self.has_work());
                    return found;
                }
                self.parking.sleep(me, || self.looks_again && self.has_work() || self.is_done());
            }
        }
    }

    /// So many producers add all pieces, so many workers do them. Loom fails if all that is left sleeps.
    fn run(producers: usize, workers: usize, shop: Shop) {
        let shop = Arc::new(shop);
        let each = shop.all / producers;
        let others: Vec<_> = (0..workers)
            .map(|_| {
                let shop = shop.clone();
                thread::spawn(move || shop.work())
            })
            .chain((1..producers).map(|_| {
                let shop = shop.clone();
                thread::spawn(move || (0..each).for_each(|_| shop.add(1)))
            }))
            .collect();
        match shop.by_hands {
            true => shop.add(each),
            false => (0..each).for_each(|_| shop.add(1)),
        }
        for other in others {
            other.join().unwrap();
        }
        assert!(shop.is_done(), "work is left");
    }

    #[test]
    fn one_worker_never_sleeps_while_there_is_work() {
        model(Some(4), || run(1, 1, Shop::default()));
    }

    #[test]
    fn two_workers_never_sleep_while_there_is_work() {
        model(Some(3), || run(1, 2, Shop::default()));
    }

    #[test]
    fn two_workers_and_two_producers_never_leave_work_behind() {
        model(Some(2), || run(2, 2, Shop::default()));
    }

    #[test]
    fn no_piece_waits_behind_a_long_run_while_a_worker_sleeps() {
        model(Some(3), || run(1, 2, Shop { together: true, ..Shop::default() }));
    }

    #[test]
    fn no_piece_waits_in_the_hand_of_a_worker_with_a_long_run_while_another_one_sleeps() {
        model(Some(3), || run(1, 2, Shop { together: true, by_hands: true, ..Shop::default() }));
        model(Some(1), || run(1, 3, Shop { together: true, by_hands: true, all: 3, ..Shop::default() }));
    }

    #[test]
    fn without_a_second_look_before_sleep_a_wake_up_is_lost() {
        must_fail(
            module_path!(),
            "without_a_second_look_before_sleep_a_wake_up_is_lost",
            &["deadlock"],
            Mutation::None,
            || model(Some(2), || run(1, 1, Shop { looks_again: false, ..Shop::default() })),
        );
    }

    #[test]
    fn without_fences_a_wake_up_is_lost() {
        must_fail(module_path!(), "without_fences_a_wake_up_is_lost", &["deadlock"], Mutation::NoFences, || {
            model(Some(2), || run(1, 1, Shop::default()))
        });
    }
}
