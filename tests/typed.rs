//! Tasks with parameters of a type, through the Rust API.

mod common;

use backrun::codec::dotnet::{DateTime, Guid};
use backrun::{codec, Error, Failure, Outcome, PayloadFormat, Priority, RetryPolicy, State, Submission, TaskOptions};
use common::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(rename_all = "PascalCase")]
struct Import {
    id: Guid,
    file: String,
    first_line: u32,
    when: DateTime,
    tags: Vec<Option<String>>,
}

fn import() -> Import {
    Import {
        id: "00112233-4455-6677-8899-aabbccddeeff".parse().unwrap(),
        file: "é.csv".into(),
        first_line: 300,
        when: DateTime::utc(638_397_614_450_000_000),
        tags: vec![Some("a".into()), None],
    }
}

#[test]
fn a_typed_handler_gets_the_parameters_that_were_submitted() {
    let engine = engine(1);
    let seen = Seen::default();
    let told = seen.clone();
    engine.register_typed("import", move |task, import: Import| told.push((task.id(), import))).unwrap();
    let id = engine.submit_typed("import", &import()).unwrap();
    assert_eq!(engine.wait(id, LONG).unwrap().state, State::Succeeded);
    assert_eq!(seen.all(), [(id, import())]);
}

#[test]
fn the_payload_is_that_of_the_c_sharp_class_and_its_format_and_all_else_are_kept() {
    let engine = engine(1);
    let seen = Seen::default();
    let told = seen.clone();
    engine
        .register("look", move |task: &backrun::TaskContext<'_>| {
            let user = task.user_context().map(<[u8]>::to_vec);
            told.push((task.payload().to_vec(), task.payload_format(), task.priority(), user));
        })
        .unwrap();
    let mut submission = Submission::new("look", b"not this").priority(Priority::Highest).user_context(b"ada");
    submission.payload_format = PayloadFormat::Standard;
    let id = engine.submit_typed_as(submission, &(1, "x")).unwrap();
    engine.wait(id, LONG).unwrap();
    let expected = (b"\x92\x01\xa1x".to_vec(), PayloadFormat::Standard, Priority::Highest, Some(b"ada".to_vec()));
    assert_eq!(seen.all(), [expected]);
}

#[test]
fn parameters_that_cannot_be_written_are_an_error_of_the_call_and_nothing_is_accepted() {
    let engine = engine(1);
    engine.register_typed("bytes", |_, _: Vec<u8>| ()).unwrap();
    let error = engine.submit_typed("bytes", &vec![1u8]).unwrap_err();
    assert!(matches!(error, Error::InvalidPayload(_)));
    let message = error.to_string();
    assert!(message.contains("Vec<u8>") && message.contains("codec::serde::bytes"), "{message}");
    assert_eq!(engine.statistics().unwrap().queues[0].1.accepted, 0);
}

#[test]
fn a_payload_of_another_shape_fails_the_run_for_good_and_says_where() {
    let engine = engine(1);
    let mut options = TaskOptions::default();
    options.retry = Some(RetryPolicy::attempts(5));
    engine
        .register_typed_with("import", options, |_, _: Import| -> () { panic!("it has no parameters to run with") })
        .unwrap();
    let id = engine.submit(&Submission::new("import", b"\x81\xa4File\x05")).unwrap();
    let status = engine.wait(id, LONG).unwrap();
    assert_eq!((status.state, status.attempt), (State::Dead, 1));
    let failure = status.failure.unwrap();
    assert_eq!(failure.error_type(), "backrun::codec::error::CodecError");
    let text = failure.text();
    assert!(text.contains("task 'import' (7 bytes)") && text.contains("Import"), "{text}");
    assert!(text.contains("byte 6: text was expected, and there is an integer (0x05)"), "{text}");
}

#[test]
fn what_a_typed_handler_returns_is_the_outcome_of_the_run() {
    let engine = engine(1);
    engine
        .register_typed("check", |_, line: u32| match line {
            0 => Err("lines are counted from 1"),
            1 => Ok(Outcome::Fatal(Failure::message("never that one"))),
            _ => Ok(Outcome::Done),
        })
        .unwrap();
    let ended = |line: u32| {
        let id = engine.submit_typed("check", &line).unwrap();
        let status = engine.wait(id, LONG).unwrap();
        (status.state, status.failure.map(|failure| failure.text().to_owned()))
    };
    assert_eq!(ended(0), (State::Dead, Some("lines are counted from 1".into())));
    assert_eq!(ended(1), (State::Dead, Some("never that one".into())));
    assert_eq!(ended(2), (State::Succeeded, None));
}

#[test]
fn a_typed_result_is_kept_as_the_bytes_of_its_type() {
    let engine = engine(1);
    engine.register_typed("double", |task, number: i64| task.set_typed_result(&Some(number * 2))).unwrap();
    let id = engine.submit_typed("double", &21).unwrap();
    let status = engine.wait(id, LONG).unwrap();
    assert_eq!(codec::from_slice::<Option<i64>>(&status.result.unwrap()).unwrap(), Some(42));
}

#[test]
fn a_newer_member_is_skipped_and_a_missing_one_with_a_default_is_that() {
    #[derive(Serialize)]
    struct Newer {
        name: &'static str,
        added: (i32, &'static str),
    }
    #[derive(Deserialize, PartialEq, Debug, Clone)]
    struct Older {
        name: String,
        #[serde(default)]
        gone: i32,
    }
    let engine = engine(1);
    let seen = Seen::default();
    let told = seen.clone();
    engine.register_typed("old", move |_, older: Older| told.push(older)).unwrap();
    let id = engine.submit_typed("old", &Newer { name: "n", added: (1, "x") }).unwrap();
    engine.wait(id, LONG).unwrap();
    assert_eq!(seen.all(), [Older { name: "n".into(), gone: 0 }]);
}
