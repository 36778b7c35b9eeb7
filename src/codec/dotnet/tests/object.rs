//! Slots of type `object`.

use super::*;
use crate::codec::dotnet::*;
use crate::codec::Problem;

fn string(text: &str) -> Object {
    Object::String(text.into())
}

#[test]
fn an_integer_of_an_object_slot_has_the_width_of_its_type() {
    let due = [
        (Object::from(1_i8), "d001"),
        (Object::from(-33_i8), "d0df"),
        (Object::from(1_u8), "cc01"),
        (Object::from(-1_i16), "d1ffff"),
        (Object::from(1_u16), "cd0001"),
        (Object::from(1_i32), "d200000001"),
        (Object::from(1_u32), "ce00000001"),
        (Object::from(1_i64), "d30000000000000001"),
        (Object::from(1_u64), "cf0000000000000001"),
        (Object::from(1.5_f32), "ca3fc00000"),
        (Object::from(1.5_f64), "cb3ff8000000000000"),
        (Object::from(true), "c3"),
        (Object::from(None::<i32>), "c0"),
        (string("abc"), "a3616263"),
        (Object::Bytes(vec![1, 2]), "c4020102"),
        (Object::from(DateTime::utc(621_355_968_000_000_000)), "d6ff00000000"),
    ];
    for (value, bytes) in due {
        both_ways(value, bytes);
    }
}

#[test]
fn lists_and_maps_of_an_object_slot_hold_such_values_again() {
    let list = Object::Array(vec![1_i32.into(), 1_i64.into(), 1_u8.into(), string("a"), Object::Null]);
    both_ways(list, "95d200000001d30000000000000001cc01a161c0");
    both_ways(Object::Map(vec![(string("a"), 1_i32.into())]), "81a161d200000001");
    both_ways(
        Object::Map(vec![(1_i32.into(), string("a")), (string("b"), 2_i64.into())]),
        "82d200000001a161a162d30000000000000002",
    );
    both_ways(Object::Array(vec![]), "90");
}

#[test]
fn another_type_has_its_own_form_in_an_object_slot() {
    let encoded = |value: Object| hex(&encode(&value).unwrap());
    assert_eq!(encoded(Object::from(Char(97))), "61");
    assert_eq!(encoded(Object::of(&TimeSpan(10_000_000)).unwrap()), "ce00989680");
    assert_eq!(encoded(Object::of(&"1.50".parse::<Decimal>().unwrap()).unwrap()), "a4312e3530");
    assert_eq!(encoded(Object::Array(vec![Object::of(&Guid::default()).unwrap(), 1_u8.into()]))[..6], *"92d924");
}

#[test]
fn the_type_of_an_object_slot_is_told_by_the_first_byte() {
    reads("05", Object::U8(5));
    reads("ff", Object::I8(-1));
    reads("d005", Object::I8(5));
    reads(
        "930192a161c081a16bcd0100",
        Object::Array(vec![
            1_u8.into(),
            Object::Array(vec![string("a"), Object::Null]),
            Object::Map(vec![(string("k"), 256_u16.into())]),
        ]),
    );
    reads("8201a16102a162", Object::Map(vec![(1_u8.into(), string("a")), (2_u8.into(), string("b"))]));
}

#[test]
fn what_no_object_slot_holds_is_refused() {
    assert!(matches!(refused::<Object>("d40501").problem, Problem::WrongExt { code: 5, .. }));
    assert!(matches!(refused::<Object>("d4ff01").problem, Problem::WrongLength { .. }));
    assert!(matches!(refused::<Object>("c1").problem, Problem::Unexpected { code: 0xc1, .. }));
    assert!(matches!(refused::<Object>("81c001").problem, Problem::Unexpected { code: 0xc0, expected: "a key" }));
    for end in ["", "9201", "a261", "81a161", "d2000000", "d6ff0000"] {
        let problem = refused::<Object>(end).problem;
        assert!(matches!(problem, Problem::End { .. } | Problem::TooMany { .. }), "{end}: {problem:?}");
    }
}

#[test]
fn equal_keys_of_an_object_slot_are_refused_where_the_second_stands() {
    // Texts, also at other widths of the header; numbers; both zeros; not-a-numbers; times.
    for (map, offset) in [
        ("82a16101a16102", 4),
        ("82a16101d9016102", 4),
        ("82050105c0", 3),
        ("820501cc05c0", 3),
        ("82ca0000000001ca8000000002", 7),
        ("82cbfff800000000000001cb7ff800000000000102", 11),
        ("82d6ff0000000001c704ff0000000002", 8),
        ("83c301c201c302", 5),
    ] {
        let error = refused::<Object>(map);
        assert_eq!((error.problem, error.offset), (Problem::DuplicateKey, offset), "{map}");
    }
    // A number of another type is another key, and an array is equal to none.
    for map in ["820501d00502", "8205c0ca40a00000c0", "829101c09101c0", "82c40105c0c40105c0"] {
        assert!(decode::<Object>(&bytes(map)).is_ok(), "{map}");
    }
}

#[test]
fn many_keys_are_compared_in_less_than_the_square_of_their_number() {
    let many = Object::Map((0..100_000_u32).map(|key| (key.into(), Object::Null)).collect());
    let bytes = encode(&many).unwrap();
    // With the square of it, this would be 10^10 comparisons.
    assert_eq!(decode::<Object>(&bytes).unwrap(), many);
}

#[test]
fn an_object_slot_is_read_as_deep_as_is_allowed() {
    let nested = |begin: &[u8], depth: usize| {
        let mut bytes = begin.repeat(depth);
        bytes.push(0xc0);
        bytes
    };
    let with = |max_depth, bytes: &[u8]| {
        Object::decode(&mut Reader::with_settings(bytes, Settings { max_depth, ..Settings::default() }))
    };
    for begin in [&[0x91][..], &[0x81, 0x01], &[0xdc, 0x00, 0x01]] {
        let deepest = with(500, &nested(begin, 500)).unwrap();
        assert_eq!(encode(&deepest).unwrap().last(), Some(&0xc0));
        assert_eq!(with(500, &nested(begin, 501)).unwrap_err().problem, Problem::TooDeep { limit: 500 });
        assert_eq!(with(3, &nested(begin, 4)).unwrap_err().problem, Problem::TooDeep { limit: 3 });
        // Its own limit holds whatever the settings say: the stack of a thread has an end.
        drop(with(u32::MAX, &nested(begin, 1000)).unwrap());
        let error = with(u32::MAX, &nested(begin, 1_000_000)).unwrap_err();
        assert_eq!(error.problem, Problem::TooDeep { limit: Object::MAX_DEPTH });
    }
}

#[test]
fn a_count_allocates_no_more_than_the_bytes_justify() {
    // A million elements are claimed, and there are as many bytes; the second of them is no value.
    let mut bytes = vec![0xc1; 1_000_000];
    bytes[..6].copy_from_slice(&[0xdd, 0x00, 0x0f, 0x42, 0x00, 0x01]);
    let before = crate::alloc::measured::live_bytes();
    let mut reader = Reader::new(&bytes);
    reader.array_header().unwrap();
    let list: Vec<Object> = super::super::list_for(999_000, &reader).unwrap();
    assert!(crate::alloc::measured::live_bytes() - before <= 1_000_000);
    drop(list);
    assert!(decode::<Object>(&bytes).is_err());
}

fn objects() -> impl Strategy<Value = Object> {
    let leaf = prop_oneof![
        Just(Object::Null),
        any::<bool>().prop_map(Object::from),
        any::<i8>().prop_map(Object::from),
        any::<u8>().prop_map(Object::from),
        any::<i16>().prop_map(Object::from),
        any::<u16>().prop_map(Object::from),
        any::<i32>().prop_map(Object::from),
        any::<u32>().prop_map(Object::from),
        any::<i64>().prop_map(Object::from),
        any::<u64>().prop_map(Object::from),
        any::<f32>().prop_map(Object::from),
        any::<f64>().prop_map(Object::from),
        any::<String>().prop_map(Object::from),
        any::<Vec<u8>>().prop_map(Object::Bytes),
        (0..=DateTime::MAX_TICKS).prop_map(|ticks| DateTime::utc(ticks).into()),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Object::from),
            prop::collection::hash_map(any::<String>(), inner, 0..8)
                .prop_map(|map| Object::Map(map.into_iter().map(|(key, value)| (key.into(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_object_comes_back(object in objects()) {
        comes_back(&object)?;
    }

    #[test]
    fn no_bytes_make_an_object_panic_and_what_is_read_is_written_alike(bytes: Vec<u8>) {
        if let Ok(object) = decode::<Object>(&bytes) {
            let again = encode(&object).unwrap();
            // By bytes, since what is not a number is not equal to itself.
            prop_assert_eq!(encode(&decode::<Object>(&again).unwrap()).unwrap(), again);
        }
    }
}
