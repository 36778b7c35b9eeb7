//! Bytes that nobody has looked at before.

use super::*;
use ::serde::de::IgnoredAny;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Node {
    next: Option<Box<Node>>,
}

#[derive(Deserialize, Debug)]
#[serde(transparent)]
#[allow(dead_code, reason = "only whether it is read is looked at")]
struct Endless(Option<Box<Endless>>);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Known {
    a: i32,
}

fn chain(levels: usize) -> Vec<u8> {
    let mut bytes = unhex("81a46e657874").repeat(levels);
    bytes.push(0xc0);
    bytes
}

#[test]
fn five_hundred_levels_are_read_and_no_more_and_what_is_skipped_does_not_count() {
    let node = from_slice::<Node>(&chain(500)).unwrap();
    assert_eq!(
        from_slice::<Node>(&chain(501)).unwrap_err().to_string(),
        "byte 3001: arrays and maps lie more than 500 deep in each other (max_depth)"
    );
    assert_eq!(to_vec(&node).unwrap(), chain(500));
    let deeper = Node { next: Some(Box::new(node)) };
    assert!(matches!(to_vec(&deeper).unwrap_err().problem, Problem::TooDeep { limit: 500 }));
    // Under a name that nobody knows.
    let mut bytes = unhex("82a178");
    bytes.extend(vec![0x91; 100_000]);
    bytes.extend(unhex("c0a16105"));
    assert_eq!(from_slice::<Known>(&bytes).unwrap(), Known { a: 5 });
    from_slice::<IgnoredAny>(&vec![0x91; 3].into_iter().chain([0xc0]).collect::<Vec<_>>()).unwrap();
}

#[test]
fn a_type_that_asks_for_options_without_end_is_answered() {
    let error = from_slice::<Endless>(&[5]).unwrap_err().to_string();
    assert!(error.contains("without end"), "{error}");
    from_slice::<Endless>(&[0xc0]).unwrap();
}

#[test]
fn a_count_that_the_bytes_cannot_hold_is_refused_at_its_header() {
    for bytes in ["ddffffffff00", "dfffffffff00", "dbffffffff00", "c6ffffffff00", "c9ffffffff00"] {
        let bytes = unhex(bytes);
        assert!(from_slice::<Vec<i32>>(&bytes).is_err());
        assert!(from_slice::<HashMap<i32, i32>>(&bytes).is_err());
        assert!(from_slice::<String>(&bytes).is_err());
        assert!(from_slice::<Known>(&bytes).is_err());
        assert!(from_slice::<IgnoredAny>(&bytes).is_err());
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct All {
    small: i8,
    large: u64,
    float: f64,
    text: String,
    maybe: Option<char>,
    #[serde(with = "bytes")]
    bytes: Vec<u8>,
    pair: (u8, String),
    list: Vec<Node>,
    map: BTreeMap<String, i128>,
    numbered: Numbered,
    union: Vec<Form>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Numbered {
    #[serde(rename = "1")]
    b: i32,
    #[serde(rename = "3")]
    d: Option<bool>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Form {
    #[serde(rename = "0")]
    Circle { r: f32 },
    #[serde(rename = "1")]
    Box(i32),
}

fn all() -> All {
    All {
        small: -5,
        large: u64::MAX,
        float: 0.5,
        text: "text".repeat(10),
        maybe: Some('x'),
        bytes: vec![0; 300],
        pair: (1, "p".into()),
        list: vec![Node { next: None }, Node { next: Some(Box::new(Node { next: None })) }],
        map: BTreeMap::from([("k".into(), -1)]),
        numbered: Numbered { b: 1, d: None },
        union: vec![Form::Circle { r: 1.5 }, Form::Box(70_000)],
    }
}

#[test]
fn every_end_in_the_middle_of_a_message_is_an_error_with_its_byte() {
    let bytes = to_vec(&all()).unwrap();
    assert_eq!(from_slice::<All>(&bytes).unwrap(), all());
    for length in 0..bytes.len() {
        let error = from_slice::<All>(&bytes[..length]).unwrap_err();
        assert!(error.offset <= length, "{length} bytes: {error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_bring_a_type_to_more_than_an_error(bytes: Vec<u8>) {
        for error in [
            from_slice::<All>(&bytes).err(),
            from_slice::<Vec<String>>(&bytes).err(),
            from_slice::<BTreeMap<u8, (i32, char)>>(&bytes).err(),
            from_slice::<Vec<Form>>(&bytes).err(),
            from_slice_with::<All>(&bytes, &Options::arrays()).err(),
        ].into_iter().flatten() {
            prop_assert!(error.offset <= bytes.len());
        }
    }

    #[test]
    fn no_change_of_a_message_brings_it_to_more_than_an_error(
        at in 0..700usize,
        by in proptest::collection::vec(any::<u8>(), 1..4),
    ) {
        let mut bytes = to_vec(&all()).unwrap();
        let at = at % bytes.len();
        for (place, byte) in bytes[at..].iter_mut().zip(by) {
            *place = byte;
        }
        if let Err(error) = from_slice::<All>(&bytes) {
            prop_assert!(error.offset <= bytes.len());
        }
    }
}
