use super::*;
use crate::sync::modelled::{model, must_fail, Mutation};
use loom::thread;

/// Two records of this size fill a segment of the models; one with a payload takes three words of the four.
const BARE: &[u8] = b"";
const LONGER: &[u8] = &[0xff; 8];

fn new() -> (Arc<Pool>, Writer, Reader) {
    let pool = Arc::<Pool>::default();
    let (writer, reader) = log(&pool).unwrap();
    (pool, writer, reader)
}

fn add(writer: &mut Writer, id: i64, payload: &[u8]) {
    let data = Data { payload, user_context: None, headers: Headers::Pairs(&[]) };
    writer.add(TaskId::new(id).unwrap(), id as u32, &data).unwrap();
}

/// Reads all of a batch: loom fails if anything of it could be written meanwhile.
fn read(batch: &[Taken], next: &mut i64) {
    for taken in batch {
        let head = taken.head().unwrap();
        assert_eq!(head.id.value(), *next, "in order, each once");
        assert_eq!(head.ready_at, *next as u32);
        let _ = taken.record();
        *next += 1;
    }
}

/// Takes and reads all that there is. Whether there was any.
fn read_some(reader: &mut Reader, next: &mut i64) -> bool {
    let batch = take(reader, BATCH);
    read(&batch, next);
    !batch.is_empty()
}

/// A writer adds these, committing after each; a reader beside it tries so often and then takes the rest. Batches are
/// kept for `hold` more takes.
fn write_and_read(payloads: &'static [&'static [u8]], tries: usize, hold: usize) {
    let (_pool, mut writer, mut reader) = new();
    let writing = thread::spawn(move || {
        for (id, payload) in (1..).zip(payloads) {
            add(&mut writer, id, payload);
            writer.commit();
        }
        writer
    });
    let mut next = 1;
    let mut held = std::collections::VecDeque::new();
    for _ in 0..tries {
        let batch = take(&mut reader, BATCH);
        read(&batch, &mut next);
        let mut again = next - batch.len() as i64;
        held.push_back(batch);
        if held.len() > hold {
            held.pop_front();
        } else {
            read(held.back().unwrap(), &mut again);
        }
    }
    let writer = writing.join().unwrap();
    while read_some(&mut reader, &mut next) {}
    assert_eq!(next, payloads.len() as i64 + 1, "none is lost");
    drop(writer);
}

#[test]
fn a_reader_beside_a_writer_sees_each_record_whole_once_and_in_order() {
    model(None, || write_and_read(&[BARE, LONGER, BARE], 2, 2));
}

#[test]
fn a_record_in_hand_stays_while_the_writer_goes_on_through_recycled_segments() {
    model(Some(3), || write_and_read(&[LONGER, LONGER, LONGER, LONGER], 3, 1));
}

#[test]
fn a_segment_that_another_thread_let_go_of_is_written_anew_without_a_race() {
    model(Some(3), || {
        let (_pool, mut writer, mut reader) = new();
        add(&mut writer, 1, LONGER);
        add(&mut writer, 2, LONGER);
        writer.commit();
        let batch = take(&mut reader, BATCH);
        // The last owner of a segment may be a worker, which reads it to the end.
        let worker = thread::spawn(move || {
            let mut next = 1;
            read(&batch, &mut next);
        });
        let reading = thread::spawn(move || {
            let mut next = 2;
            while read_some(&mut reader, &mut next) {}
            (reader, next)
        });
        for id in 3..=4 {
            add(&mut writer, id, LONGER);
            writer.commit();
        }
        worker.join().unwrap();
        let (mut reader, mut next) = reading.join().unwrap();
        while read_some(&mut reader, &mut next) {}
        assert_eq!(next, 5);
    });
}

#[test]
fn a_commit_of_several_segments_is_seen_in_order_and_a_rolled_back_one_never() {
    model(Some(3), || {
        let (_pool, mut writer, mut reader) = new();
        let writing = thread::spawn(move || {
            add(&mut writer, 7, BARE);
            add(&mut writer, 8, LONGER);
            writer.roll_back();
            for id in 1..=4 {
                add(&mut writer, id, if id == 2 { LONGER } else { BARE });
            }
            writer.commit();
            writer
        });
        let mut next = 1;
        for _ in 0..2 {
            read_some(&mut reader, &mut next);
        }
        let _writer = writing.join().unwrap();
        while read_some(&mut reader, &mut next) {}
        assert_eq!(next, 5);
    });
}

#[test]
fn a_scan_beside_a_writer_sees_whole_records_in_order_and_takes_none() {
    model(Some(3), || {
        let (_pool, mut writer, mut reader) = new();
        add(&mut writer, 1, LONGER);
        writer.commit();
        let writing = thread::spawn(move || {
            for id in 2..=3 {
                add(&mut writer, id, LONGER);
                writer.commit();
            }
            writer
        });
        let mut seen = 0;
        reader.scan(|head, _| {
            seen += 1;
            assert_eq!(head.id.value(), seen);
            false
        });
        assert!(seen >= 1, "what was committed before");
        let _writer = writing.join().unwrap();
        assert_eq!(reader.peek().unwrap().id.value(), 1);
    });
}

#[test]
fn without_a_release_the_reader_reads_what_is_still_written() {
    must_fail(
        module_path!(),
        "without_a_release_the_reader_reads_what_is_still_written",
        &["Causality violation", "Concurrent"],
        Mutation::Relaxed,
        || model(None, || write_and_read(&[BARE, BARE], 1, 1)),
    );
}
