use super::*;
use crate::queue::log::{log, Data, Headers, Reader, Writer};
use crate::queue::segment::Pool;
use crate::sync::Arc;

fn new() -> (Arc<Pool>, Writer, Reader) {
    let pool = Arc::<Pool>::default();
    let (writer, reader) = log(&pool).unwrap();
    (pool, writer, reader)
}

/// Adds records of these ids, which hold so many bytes each.
fn add(writer: &mut Writer, ids: std::ops::RangeInclusive<i64>, bytes: usize) {
    for id in ids {
        let data = Data { payload: &vec![id as u8; bytes], user_context: None, headers: Headers::Pairs(&[]) };
        writer.add(TaskId::counted(id), 0, &data).unwrap();
    }
    writer.commit();
}

fn id_of(taken: &mut Taken) -> i64 {
    let id = taken.id().unwrap().value();
    taken.clear();
    id
}

#[cfg(not(loom))]
mod guarantees {
    use super::*;

    #[test]
    fn the_owner_has_the_first_record_and_the_others_are_in_its_hand_in_order() {
        let (_pool, mut writer, mut reader) = new();
        add(&mut writer, 1..=12, 30);
        let (hand, mut mine) = (Hand::new(), Taken::default());
        assert!(reader.take_into_hand(BATCH, &hand, &mut mine));
        let mut ids = vec![id_of(&mut mine)];
        assert_eq!(hand.next_task(), Some(TaskId::counted(2)));
        while hand.next(&mut mine) {
            let (id, record) = mine.record().unwrap();
            assert_eq!(record.payload, [id.value() as u8; 30]);
            ids.push(id_of(&mut mine));
        }
        assert_eq!(ids, (1..=BATCH as i64).collect::<Vec<_>>());
        assert!(!hand.has_some() && hand.next_task().is_none() && !hand.steal(&mut mine));
    }

    #[test]
    fn each_record_of_a_hand_has_one_holder_whoever_takes_it_and_its_memory_is_freed_once() {
        let (_pool, mut writer, mut reader) = new();
        // Large ones, so that a second free would be one.
        add(&mut writer, 1..=100, 20_000);
        let (hand, mut mine, mut thief) = (Hand::new(), Taken::default(), Taken::default());
        let mut ids = Vec::new();
        while reader.take_into_hand(BATCH, &hand, &mut mine) {
            ids.push(id_of(&mut mine));
            loop {
                if hand.steal(&mut thief) {
                    ids.push(id_of(&mut thief));
                }
                if !hand.next(&mut mine) {
                    break;
                }
                ids.push(id_of(&mut mine));
            }
        }
        assert_eq!(ids, (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn an_owner_that_left_its_hand_and_has_a_record_of_another_segment_takes_the_rest_as_others_do() {
        let (_pool, mut writer, mut reader) = new();
        let (_other_pool, mut other_writer, mut other_reader) = new();
        add(&mut writer, 1..=3, 30);
        add(&mut other_writer, 11..=13, 30);
        let (hand, mut mine) = (Hand::new(), Taken::default());
        assert!(reader.take_into_hand(BATCH, &hand, &mut mine));
        assert_eq!(id_of(&mut mine), 1);
        // A limit came, and it left the rest; when it may go on, it finds a record in another worker's hand first.
        let (other, mut theirs) = (Hand::new(), Taken::default());
        assert!(other_reader.take_into_hand(BATCH, &other, &mut theirs));
        assert!(other.steal(&mut mine));
        assert_eq!(id_of(&mut mine), 12);
        assert!(!hand.next(&mut mine), "it lies elsewhere");
        assert!(hand.has_some(), "and is left where it is");
        assert!(hand.steal(&mut mine));
        assert_eq!(id_of(&mut mine), 2);
        // From here on it has the segment of its hand again.
        assert!(hand.next(&mut mine));
        assert_eq!(id_of(&mut mine), 3);
        assert!(!hand.next(&mut mine) && !hand.has_some());
    }

    #[test]
    fn a_thief_holds_its_record_when_hand_log_and_pool_are_gone() {
        let mut thief = Taken::default();
        {
            let (_pool, mut writer, mut reader) = new();
            add(&mut writer, 1..=3, 20_000);
            let (hand, mut mine) = (Hand::new(), Taken::default());
            assert!(reader.take_into_hand(BATCH, &hand, &mut mine));
            assert!(hand.steal(&mut thief));
            // What is left in the hand goes with it.
        }
        let (id, record) = thief.record().unwrap();
        assert_eq!((id.value(), record.payload), (2, &[2; 20_000][..]));
    }

    #[test]
    fn whoever_lets_go_keeps_no_segment() {
        let (pool, mut writer, mut reader) = new();
        let (hand, mut mine) = (Hand::new(), Taken::default());
        // Two fill a segment.
        add(&mut writer, 1..=2, 16_000);
        add(&mut writer, 3..=6, 16_000);
        assert!(reader.take_into_hand(2, &hand, &mut mine));
        mine.clear();
        assert!(hand.next(&mut mine));
        mine.clear();
        assert!(reader.take(&mut Taken::default()));
        assert_eq!(pool.len(), 0, "the first segment is still held");
        mine.let_go();
        hand.let_go();
        while reader.take(&mut mine) {
            mine.let_go();
        }
        assert_eq!(pool.len(), 1);
    }

    #[test]
    fn what_is_in_a_hand_is_found_and_what_was_taken_is_not() {
        let (_pool, mut writer, mut reader) = new();
        add(&mut writer, 1..=2, 30);
        add(&mut writer, 3..=3, 20_000);
        add(&mut writer, 4..=12, 30);
        let (hand, mut mine) = (Hand::new(), Taken::default());
        let found = |id| hand.find(TaskId::counted(id), |record| record.payload.to_vec());
        assert_eq!(found(1), None);
        assert!(reader.take_into_hand(BATCH, &hand, &mut mine));
        let seen = (1..=12).map(found).collect::<Vec<_>>();
        assert_eq!(
            seen.iter().map(Option::is_some).collect::<Vec<_>>(),
            (1..=12).map(|id| (2..=8).contains(&id)).collect::<Vec<_>>()
        );
        assert_eq!((&seen[1], &seen[2]), (&Some(vec![2; 30]), &Some(vec![3; 20_000])));
        mine.clear();
        assert!(hand.next(&mut mine));
        assert_eq!((found(2), found(3)), (None, Some(vec![3; 20_000])));
        mine.clear();
        assert!(hand.steal(&mut mine));
        assert_eq!((found(3), found(4)), (None, Some(vec![4; 30])));
    }

    /// Under the sanitizers, above all.
    #[test]
    fn what_is_found_in_a_hand_is_whole_however_it_is_taken_and_freed_meanwhile() {
        const MOST: i64 = 2000;
        let (_pool, mut writer, mut reader) = new();
        add(&mut writer, 1..=MOST, 17_000);
        let hand = Arc::new(Hand::new());
        let at = Arc::new(std::sync::atomic::AtomicI64::new(0));
        let looking = std::thread::spawn({
            let (hand, at) = (hand.clone(), at.clone());
            move || {
                let mut found = 0;
                loop {
                    let id = at.load(std::sync::atomic::Ordering::Relaxed);
                    if id == MOST {
                        return found;
                    }
                    for id in id..=id + 2 {
                        let whole = |record: Record<'_>| record.payload.iter().all(|byte| *byte == id as u8);
                        if let Some(is_whole) = (id > 0).then(|| hand.find(TaskId::counted(id), whole)).flatten() {
                            assert!(is_whole, "{id}");
                            found += 1;
                        }
                    }
                }
            }
        });
        let mut mine = Taken::default();
        let count = |taken: &mut Taken| at.store(id_of(taken), std::sync::atomic::Ordering::Relaxed);
        while reader.take_into_hand(BATCH, &hand, &mut mine) {
            count(&mut mine);
            while hand.next(&mut mine) {
                count(&mut mine);
            }
        }
        println!("{} looks found one", looking.join().unwrap());
    }

    #[test]
    fn a_hand_with_records_in_it_lets_go_of_nothing() {
        let (_pool, mut writer, mut reader) = new();
        add(&mut writer, 1..=3, 10);
        let (hand, mut mine) = (Hand::new(), Taken::default());
        assert!(reader.take_into_hand(BATCH, &hand, &mut mine));
        hand.let_go();
        assert_eq!(hand.next_task(), Some(TaskId::counted(2)));
        mine.clear();
        assert!(hand.next(&mut mine));
        assert_eq!(id_of(&mut mine), 2);
    }
}

#[cfg(loom)]
mod models {
    use super::*;
    use crate::sync::modelled::{model, must_fail, Mutation};
    use loom::thread;
    use std::sync::Mutex;

    /// An owner that fills its hand twice, each time from another segment, beside two thieves.
    fn owner_and_thieves() {
        let (pool, mut writer, mut reader) = new();
        add(&mut writer, 1..=4, 0);
        let hand = Arc::new(Hand::new());
        let all = Arc::new(Mutex::new(Vec::new()));
        let thieves: Vec<_> = (0..2)
            .map(|_| {
                let (hand, all) = (hand.clone(), all.clone());
                thread::spawn(move || {
                    let mut taken = Taken::default();
                    if hand.steal(&mut taken) {
                        // It reads: loom fails if the segment could be written meanwhile.
                        all.lock().unwrap().push(id_of(&mut taken));
                    }
                })
            })
            .collect();
        let mut mine = Taken::default();
        while reader.take_into_hand(2, &hand, &mut mine) {
            all.lock().unwrap().push(id_of(&mut mine));
            while hand.next(&mut mine) {
                all.lock().unwrap().push(id_of(&mut mine));
            }
        }
        for thief in thieves {
            thief.join().unwrap();
        }
        let mut all = std::mem::take(&mut *all.lock().unwrap());
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 4], "each record has one holder");
        drop((pool, writer));
    }

    #[test]
    fn a_record_in_hand_goes_to_its_owner_or_to_one_thief() {
        model(Some(2), owner_and_thieves);
    }

    /// What an owner does, with hands of two.
    fn take_all(reader: &mut Reader, hand: &Hand) {
        let mut mine = Taken::default();
        while reader.take_into_hand(2, hand, &mut mine) {
            mine.clear();
            while hand.next(&mut mine) {
                mine.clear();
            }
        }
    }

    #[test]
    fn a_look_at_the_next_task_beside_its_owner_sees_one_that_was_in_the_hand() {
        model(Some(3), || {
            let (_pool, mut writer, mut reader) = new();
            add(&mut writer, 1..=4, 0);
            let hand = Arc::new(Hand::new());
            let looking = thread::spawn({
                let hand = hand.clone();
                move || hand.next_task().map(|id| id.value())
            });
            take_all(&mut reader, &hand);
            let seen = looking.join().unwrap();
            assert!(matches!(seen, None | Some(2 | 4)), "{seen:?} was never in the hand");
        });
    }

    #[test]
    fn a_look_for_a_task_beside_its_owner_finds_it_in_the_hand_or_not() {
        model(Some(3), || {
            let (_pool, mut writer, mut reader) = new();
            add(&mut writer, 1..=4, 0);
            let hand = Arc::new(Hand::new());
            let looking = thread::spawn({
                let hand = hand.clone();
                move || [1, 2, 3, 4].map(|id| hand.find(TaskId::counted(id), |_| ()).is_some())
            });
            take_all(&mut reader, &hand);
            let found = looking.join().unwrap();
            assert!(!found[0] && !found[2], "{found:?}: what its owner has taken at once was never in the hand");
        });
    }

    #[test]
    fn a_segment_that_a_thief_lets_go_of_last_is_written_anew_without_a_race() {
        model(Some(2), || {
            let (_pool, mut writer, mut reader) = new();
            add(&mut writer, 1..=2, 0);
            let hand = Arc::new(Hand::new());
            let mut mine = Taken::default();
            assert!(reader.take_into_hand(2, &hand, &mut mine));
            mine.clear();
            let thief = thread::spawn({
                let hand = hand.clone();
                move || {
                    let mut taken = Taken::default();
                    let stolen = hand.steal(&mut taken).then(|| id_of(&mut taken));
                    taken.let_go();
                    stolen
                }
            });
            let kept = hand.next(&mut mine).then(|| id_of(&mut mine));
            mine.let_go();
            hand.let_go();
            // Two more segments: one of them may be the first one.
            let mut next = 3;
            for ids in [3..=4, 5..=6] {
                add(&mut writer, ids, 0);
                while reader.take(&mut mine) {
                    assert_eq!(mine.id().unwrap().value(), next);
                    mine.let_go();
                    next += 1;
                }
            }
            assert_eq!(next, 7);
            assert_eq!(kept.or(thief.join().unwrap()), Some(2));
        });
    }

    #[test]
    fn without_ordered_accesses_the_models_of_the_hand_fail() {
        must_fail(
            module_path!(),
            "without_ordered_accesses_the_models_of_the_hand_fail",
            &["Causality violation", "Concurrent", "each record has one holder", "index out of bounds"],
            Mutation::Relaxed,
            || model(Some(2), owner_and_thieves),
        );
    }
}
