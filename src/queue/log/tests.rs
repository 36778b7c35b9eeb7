use super::*;
use crate::queue::segment::POOLED;

/// Takes up to `most` records of one segment.
fn take(reader: &mut Reader, most: usize) -> Vec<Taken> {
    let (hand, mut first) = (Hand::new(), Taken::default());
    if !reader.take_into_hand(most, &hand, &mut first) {
        return Vec::new();
    }
    let others = std::iter::from_fn(|| {
        let mut taken = Taken::default();
        hand.steal(&mut taken).then_some(taken)
    });
    std::iter::once(first).chain(others).collect()
}

#[cfg(not(loom))]
mod guarantees {
    use super::*;
    use crate::alloc::measured::live_bytes;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    const SEGMENT_BYTES: usize = SEGMENT_WORDS * 8;

    /// A record that owns what it holds.
    #[derive(Debug, Clone, PartialEq)]
    struct Owned {
        ready_at: u32,
        payload: Vec<u8>,
        user_context: Option<Vec<u8>>,
        headers: Vec<(String, String)>,
    }

    impl Owned {
        fn of(len: usize) -> Self {
            Self {
                ready_at: len as u32,
                // Told apart at both ends; quick to make.
                payload: (0..len.min(16))
                    .map(|at| (at * 7 + len) as u8)
                    .chain(std::iter::repeat_n(len as u8, len.saturating_sub(16)))
                    .collect(),
                user_context: None,
                headers: Vec::new(),
            }
        }

        fn add(&self, writer: &mut Writer, id: i64) {
            let headers: Vec<_> = self.headers.iter().map(|(n, v)| (&**n, &**v)).collect();
            let data = Data {
                payload: &self.payload,
                user_context: self.user_context.as_deref(),
                headers: Headers::Pairs(&headers),
            };
            writer.add(TaskId::new(id).unwrap(), self.ready_at, &data).unwrap();
        }

        fn of_taken(taken: &Taken) -> (i64, Self) {
            Self::seen(taken.head().unwrap(), taken.record().unwrap().1)
        }

        fn seen(head: Head, record: Record<'_>) -> (i64, Self) {
            let owned = Self {
                ready_at: head.ready_at,
                payload: record.payload.to_vec(),
                user_context: record.user_context.map(<[u8]>::to_vec),
                headers: record.headers().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            };
            (head.id.value(), owned)
        }
    }

    /// A payload that fills a segment to its last word, after `used` words.
    fn filling(used: usize) -> usize {
        (SEGMENT_WORDS - used - 2) * 8
    }

    fn new() -> (Arc<Pool>, Writer, Reader) {
        let pool = Arc::<Pool>::default();
        let (writer, reader) = log(&pool).unwrap();
        (pool, writer, reader)
    }

    fn take_all(reader: &mut Reader) -> Vec<(i64, Owned)> {
        let batches = std::iter::from_fn(|| Some(take(reader, BATCH)).filter(|batch| !batch.is_empty()));
        let batches: Vec<_> = batches.collect();
        batches.iter().flatten().map(Owned::of_taken).collect()
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add(Owned),
        Commit,
        RollBack,
        /// Takes so many; the batch is kept until so many batches are.
        Take(usize, usize),
        /// Writes a copy of the next record into another log, as a sweep does.
        Copy,
        Scan,
    }

    fn lengths() -> impl Strategy<Value = usize> {
        prop_oneof![
            4 => 0usize..40,
            2 => 40usize..4000,
            1 => Just(LARGE_BYTES),
            1 => LARGE_BYTES - 20..LARGE_BYTES + 20,
            1 => LARGE_BYTES..40_000,
        ]
    }

    fn records() -> impl Strategy<Value = Owned> {
        let user = prop_oneof![3 => Just(None), 1 => Just(Some(0)), 1 => (0usize..30).prop_map(Some), 1 => lengths().prop_map(Some)];
        let headers = prop_oneof![
            3 => Just(Vec::new()),
            1 => proptest::collection::vec(("[a-zä]{1,9}", "[ -~é]{0,12}"), 1..4),
        ];
        (any::<u32>(), lengths(), user, headers).prop_map(|(ready_at, len, user, headers)| Owned {
            ready_at,
            headers,
            user_context: user.map(|len| vec![len as u8; len]),
            ..Owned::of(len)
        })
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => records().prop_map(Step::Add),
            4 => Just(Step::Commit),
            1 => Just(Step::RollBack),
            3 => (0usize..12, 0usize..6).prop_map(|(most, kept)| Step::Take(most, kept)),
            1 => Just(Step::Copy),
            1 => Just(Step::Scan),
        ];
        proptest::collection::vec(step, 0..120)
    }

    /// What was taken at once, and what it has to be.
    type Expected = (Vec<Taken>, Vec<(i64, Owned)>);

    /// Does the steps on a log and on plain lists at once.
    fn follow(steps: &[Step]) {
        let (pool, mut writer, mut reader) = new();
        let (mut copies, mut copied) = log(&pool).unwrap();
        let (mut committed, mut uncommitted) = (VecDeque::new(), Vec::new());
        let mut kept = VecDeque::<Expected>::new();
        let mut id = 0;
        for step in steps {
            match step {
                Step::Add(owned) => {
                    id += 1;
                    owned.add(&mut writer, id);
                    uncommitted.push((id, owned.clone()));
                }
                Step::Commit => {
                    writer.commit();
                    committed.extend(uncommitted.drain(..));
                }
                Step::RollBack => {
                    writer.roll_back();
                    uncommitted.clear();
                }
                Step::Take(most, keep) => {
                    let head = reader.peek();
                    let next = committed.front().map(|(id, owned)| (*id, owned.ready_at));
                    assert_eq!(head.map(|head| (head.id.value(), head.ready_at)), next);
                    assert_eq!(reader.about(1) > 0, next.is_some());
                    let batch = take(&mut reader, *most);
                    assert_eq!(batch.is_empty(), committed.is_empty(), "a record is there and is not taken");
                    assert!(batch.len() <= (*most).clamp(1, BATCH));
                    let expected = committed.drain(..batch.len()).collect();
                    kept.push_back((batch, expected));
                    while kept.len() > *keep {
                        check(kept.pop_front().unwrap());
                    }
                }
                Step::Copy => {
                    if let Some((head, record)) = reader.peek_record() {
                        copies.add(head.id, head.ready_at, &record.data()).unwrap();
                        copies.commit();
                        drop(take(&mut reader, 1));
                        let (head, record) = copied.peek_record().unwrap();
                        assert_eq!(Some(Owned::seen(head, record)), committed.pop_front());
                        drop(take(&mut copied, 1));
                    }
                }
                Step::Scan => {
                    let mut seen = Vec::new();
                    reader.scan(|head, record| {
                        seen.push(Owned::seen(head, record));
                        false
                    });
                    assert_eq!(seen, Vec::from(committed.clone()));
                }
            }
        }
        // Whoever goes first, the batches are as they were.
        if id % 2 == 0 {
            drop((writer, reader));
            kept.into_iter().for_each(check);
        } else {
            kept.into_iter().for_each(check);
            assert_eq!(take_all(&mut reader), Vec::from(committed));
        }
    }

    fn check((batch, expected): Expected) {
        assert_eq!(batch.iter().map(Owned::of_taken).collect::<Vec<_>>(), expected);
    }

    proptest! {
        #![proptest_config(crate::queue::cases(100))]

        #[test]
        fn records_come_out_as_they_went_in_and_nothing_leaks(steps in steps()) {
            let before = live_bytes();
            follow(&steps);
            prop_assert_eq!(live_bytes(), before);
        }
    }

    #[test]
    fn payloads_of_every_limit_come_out_as_they_went_in() {
        let (_, mut writer, mut reader) = new();
        let lengths = [0, 1, 7, 8, 9, LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 1, SEGMENT_BYTES, 4 << 20];
        let all: Vec<_> = (1..)
            .zip(lengths)
            .map(|(id, len)| {
                let owned =
                    Owned { user_context: Some(vec![9; 64 << 10]).filter(|_| len == 4 << 20), ..Owned::of(len) };
                owned.add(&mut writer, id);
                (id, owned)
            })
            .collect();
        writer.commit();
        assert!(take_all(&mut reader) == all);
    }

    #[test]
    fn an_absent_user_context_is_told_from_an_empty_one() {
        let (_, mut writer, mut reader) = new();
        for user_context in [None, Some(&b""[..]), Some(&b"ada"[..])] {
            let data = Data { payload: b"p", user_context, headers: Headers::Pairs(&[("", ""), ("culture", "de-AT")]) };
            writer.add(TaskId::new(1).unwrap(), 0, &data).unwrap();
            writer.commit();
            let (_, record) = reader.peek_record().unwrap();
            assert_eq!((record.payload, record.user_context), (&b"p"[..], user_context));
            assert_eq!(record.headers().collect::<Vec<_>>(), [("", ""), ("culture", "de-AT")]);
            take(&mut reader, 1);
        }
    }

    #[test]
    fn a_segment_is_used_to_its_last_word() {
        let (pool, mut writer, mut reader) = new();
        let first = std::ptr::from_ref(&*writer.tail);
        let lengths = [LARGE_BYTES, LARGE_BYTES, LARGE_BYTES];
        let used = lengths.iter().map(|len| 2 + len / 8).sum();
        for (id, len) in (1..).zip(lengths.into_iter().chain([filling(used)])) {
            Owned::of(len).add(&mut writer, id);
        }
        writer.commit();
        assert_eq!(writer.end, SEGMENT_WORDS);
        assert!(std::ptr::eq(first, &*writer.tail), "the first segment holds them all");
        assert_eq!(take(&mut reader, BATCH).len(), 4);
        assert!(take(&mut reader, BATCH).is_empty());
        Owned::of(0).add(&mut writer, 5);
        writer.commit();
        assert!(!std::ptr::eq(first, &*writer.tail));
        assert_eq!(pool.len(), 0);
        assert_eq!(reader.peek().unwrap().id.value(), 5);
        assert_eq!(pool.len(), 1, "it is let go of with its last record");
    }

    #[test]
    fn a_batch_holds_up_to_eight_records_of_one_segment() {
        let (_, mut writer, mut reader) = new();
        for id in 1..=20 {
            Owned::of(8).add(&mut writer, id);
        }
        let used = 20 * 3;
        Owned::of(8 << 10).add(&mut writer, 21);
        let rest = SEGMENT_WORDS - used - (2 + (8 << 10) / 8);
        for id in 22..30 {
            Owned::of(LARGE_BYTES - 16).add(&mut writer, id);
        }
        writer.commit();
        assert!(rest > 0);
        let lens = std::iter::from_fn(|| Some(take(&mut reader, 100).len()).filter(|len| *len > 0));
        let lens: Vec<_> = lens.collect();
        // 20 + 1 + 3 in the first segment, 4 in the second, 1 in the third.
        assert_eq!(lens, [8, 8, 8, 4, 1]);
    }

    #[test]
    fn about_is_exact_below_enough_for_equal_records_of_one_segment_and_never_nothing_where_there_is_one() {
        let (_, mut writer, mut reader) = new();
        assert_eq!(reader.about(1000), 0);
        for id in 1..=100 {
            Owned::of(50).add(&mut writer, id);
        }
        assert_eq!(reader.about(1000), 0, "not committed");
        writer.commit();
        assert_eq!(reader.about(1000), 100);
        assert_eq!(reader.about(100), 100);
        assert_eq!(reader.about(99), 99);
        take(&mut reader, 3);
        assert_eq!(reader.about(1000), 97);
        Owned::of(50).add(&mut writer, 101);
        writer.commit();
        assert_eq!(reader.about(1000), 98, "it looks further where it knows of too few");
        while reader.about(1000) > 1 {
            take(&mut reader, 1);
        }
        Owned::of(4 << 20).add(&mut writer, 102);
        writer.commit();
        assert_eq!(take(&mut reader, 2).len(), 2);
        assert_eq!(reader.about(1000), 0);
    }

    #[test]
    fn what_is_rolled_back_is_never_seen_and_its_memory_is_freed() {
        let (_, mut writer, mut reader) = new();
        Owned::of(10).add(&mut writer, 1);
        writer.commit();
        let before = live_bytes();
        for id in 2..200 {
            Owned::of(if id % 2 == 0 { 1 << 20 } else { 4000 }).add(&mut writer, id);
        }
        assert!(live_bytes() - before > 90 << 20);
        writer.roll_back();
        // Segments that were begun for it are pooled.
        assert!(live_bytes() - before < (POOLED * (SEGMENT_BYTES + 1000) + 100_000) as isize);
        Owned::of(11).add(&mut writer, 200);
        writer.commit();
        let ids: Vec<_> = take_all(&mut reader).into_iter().map(|(id, owned)| (id, owned.payload.len())).collect();
        assert_eq!(ids, [(1, 10), (200, 11)]);
    }

    #[test]
    fn nothing_leaks_when_a_log_ends_with_records_that_nobody_took_and_a_batch_outlives_it() {
        let before = live_bytes();
        {
            let (pool, mut writer, mut reader) = new();
            for id in 1..=100 {
                Owned::of(40_000).add(&mut writer, id);
                Owned::of(4_000).add(&mut writer, 1000 + id);
            }
            writer.commit();
            Owned::of(50_000).add(&mut writer, 2000);
            let batch = take(&mut reader, BATCH);
            drop(reader);
            drop(writer);
            drop(pool);
            assert_eq!(Owned::of_taken(&batch[0]), (1, Owned::of(40_000)));
            assert_eq!(Owned::of_taken(&batch[7]), (1004, Owned::of(4_000)));
            assert!(live_bytes() - before < (8 * 40_000 + (POOLED + 2) * (SEGMENT_BYTES + 1000)) as isize);
        }
        assert_eq!(live_bytes(), before);
    }

    #[test]
    fn a_long_log_ends_without_deep_recursion() {
        let (_, mut writer, reader) = new();
        // Segments hold the next one: dropped one by one, not one inside the other.
        for id in 1..=2_000 {
            Owned::of(LARGE_BYTES).add(&mut writer, id);
        }
        writer.commit();
        let small_stack = std::thread::Builder::new().stack_size(64 << 10);
        let thread = small_stack.spawn(move || drop((reader, writer))).unwrap();
        thread.join().unwrap();
    }

    #[test]
    fn segments_are_recycled_and_memory_goes_back_after_a_backlog() {
        let (pool, mut writer, mut reader) = new();
        let before = live_bytes();
        for id in 1..=10_000 {
            Owned::of(1000).add(&mut writer, id);
            writer.commit();
        }
        let backlog = live_bytes() - before;
        assert!(backlog > 10_000_000);
        while !take(&mut reader, BATCH).is_empty() {}
        assert_eq!(pool.len(), POOLED);
        assert!(live_bytes() - before <= ((POOLED + 1) * (SEGMENT_BYTES + 1000)) as isize);
        let level = live_bytes();
        for id in 1..=300 {
            Owned::of(1000).add(&mut writer, id);
            writer.commit();
        }
        assert_eq!(pool.len(), POOLED - 4, "the next ones come from the pool");
        assert_eq!(live_bytes(), level, "and nothing else is allocated for them");
    }

    #[test]
    fn a_log_that_is_read_as_it_is_written_allocates_nothing() {
        let (_, mut writer, mut reader) = new();
        let (hand, mut taken) = (Hand::new(), Taken::default());
        let mut turn = |level: Option<isize>| {
            for id in 1..=3_000 {
                Owned::of(100).add(&mut writer, id);
                writer.commit();
            }
            while reader.take_into_hand(BATCH, &hand, &mut taken) {
                taken.clear();
                while hand.next(&mut taken) {
                    taken.clear();
                }
            }
            let live = live_bytes();
            assert!(level.is_none_or(|level| level == live));
            live
        };
        // The first ones fill the pool; they begin at different places of a segment.
        let level = (0..20).map(|_| turn(None)).last();
        for _ in 0..20 {
            turn(level);
        }
    }

    #[test]
    fn a_scan_sees_every_committed_record_until_told_to_stop_and_takes_none() {
        let (_, mut writer, mut reader) = new();
        for id in 1..=100 {
            Owned::of(4000).add(&mut writer, id);
        }
        writer.commit();
        Owned::of(1).add(&mut writer, 101);
        take(&mut reader, 3);
        let scan = |reader: &mut Reader, last: i64| {
            let mut ids = Vec::new();
            reader.scan(|head, record| {
                assert_eq!(record.payload.len(), 4000);
                ids.push(head.id.value());
                head.id.value() == last
            });
            ids
        };
        assert_eq!(scan(&mut reader, 0), (4..=100).collect::<Vec<_>>());
        assert_eq!(scan(&mut reader, 50), (4..=50).collect::<Vec<_>>());
        assert_eq!(reader.peek().unwrap().id.value(), 4);
    }
}

#[cfg(loom)]
mod models;
