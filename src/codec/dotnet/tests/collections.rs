//! Lists, sets, dictionaries, tuples and arrays of several dimensions.

use super::*;
use crate::codec::dotnet::*;
use crate::codec::{Problem, Writer};
use std::collections::{BTreeMap, HashMap};

fn s(text: &str) -> String {
    text.into()
}

fn read_by<T: for<'a> Decode<'a>>(settings: Settings, hex: &str) -> crate::codec::Result<T> {
    T::decode(&mut Reader::with_settings(&bytes(hex), settings))
}

#[test]
fn a_list_is_an_array_in_its_order() {
    both_ways(vec![3, 1, 2], "93030102");
    both_ways(Vec::<i32>::new(), "90");
    both_ways(None::<Vec<i32>>, "c0");
    both_ways(vec![None, Some(1)], "92c001");
    both_ways(vec![s("a"), s("b")], "92a161a162");
    both_ways(vec![Guid::default(); 16], &format!("dc0010{}", hex(&encode(&Guid::default()).unwrap()).repeat(16)));
    reads("dc00020102", vec![1, 2]);
    reads("dd000000020102", vec![1, 2]);
    assert!(matches!(refused::<Vec<i32>>("92c001").problem, Problem::Unexpected { code: 0xc0, .. }));
    assert!(matches!(refused::<Vec<i32>>("810102").problem, Problem::Unexpected { expected: "an array", .. }));
    assert!(matches!(refused::<Vec<i32>>("9201").problem, Problem::TooMany { claimed: 2, left: 1, .. }));
}

#[test]
fn bytes_are_bytes_and_a_list_of_bytes_is_an_array() {
    both_ways(Bytes(vec![1, 2]), "c4020102");
    both_ways(Bytes(vec![]), "c400");
    both_ways(None::<Bytes>, "c0");
    both_ways(vec![1_u8, 200], "9201ccc8");
    both_ways(vec![1_i8, -100], "9201d09c");
    // An array of numbers, for what is no member of an object; a text, as old peers write it.
    reads("9105", Bytes(vec![5]));
    reads("a161", Bytes(vec![0x61]));
    reads("d90161", Bytes(vec![0x61]));
    assert!(matches!(
        decode::<&[u8]>(&[0x91, 0x05]).unwrap_err().problem,
        Problem::Unexpected { expected: "bytes", .. }
    ));
    assert!(matches!(refused::<Bytes>("91cd0100").problem, Problem::OutOfRange { .. }));
    assert!(matches!(refused::<Bytes>("d40101").problem, Problem::Unexpected { .. }));
}

#[test]
fn a_list_of_bytes_is_read_from_bytes_with_3_1_and_not_with_2_5() {
    for other in ["a161", "d90161", "da000161", "db0000000161", "c40161", "c5000161", "c60000000161"] {
        reads(other, vec![0x61_u8]);
        let error = read_by::<Vec<u8>>(old(), other).unwrap_err();
        assert!(matches!(error.problem, Problem::Unexpected { expected: "an array", .. }), "{other}");
    }
    assert_eq!(read_by::<Vec<u8>>(old(), "9161").unwrap(), [0x61]);
    // Of numbers of another width there is no such form.
    assert!(refused::<Vec<i8>>("c40161").offset == 0);
    // A str8 is none for bytes with 2.5.
    assert!(read_by::<Bytes>(old(), "d90161").is_err());
    assert_eq!(read_by::<Bytes>(old(), "da000161").unwrap(), Bytes(vec![0x61]));
}

#[test]
fn a_stack_is_written_from_its_top() {
    both_ways(Stack(vec![3, 1, 2]), "93020103");
    both_ways(Stack(Vec::<i32>::new()), "90");
}

#[test]
fn a_set_that_is_read_drops_what_it_has() {
    both_ways(Set(vec![3, 1, 2]), "93030102");
    reads("93010102", Set(vec![1, 2]));
    reads("96050301030503", Set(vec![5, 3, 1]));
    reads("93a161d90161a162", Set(vec![s("a"), s("b")]));
}

#[test]
fn bits_are_truth_values() {
    both_ways(BitArray(vec![true, false, true, true, false]), "95c3c2c3c3c2");
    both_ways(BitArray(vec![]), "90");
    both_ways(None::<BitArray>, "c0");
    assert!(matches!(refused::<BitArray>("9101").problem, Problem::Unexpected { .. }));
}

#[test]
fn a_dictionary_is_a_map_in_its_order() {
    both_ways(OrderedMap(vec![(s("b"), 2), (s("a"), 1)]), "82a16202a16101");
    both_ways(OrderedMap(Vec::<(String, i32)>::new()), "80");
    both_ways(None::<OrderedMap<String, i32>>, "c0");
    both_ways(OrderedMap(vec![(1, Some(s("a"))), (-5, None), (70_000, Some(s("c")))]), "8301a161fbc0ce00011170a163");
    both_ways(OrderedMap(vec![(Guid::default(), 1)]), &format!("81{}01", hex(&encode(&Guid::default()).unwrap())));
    both_ways(OrderedMap(vec![(true, 1)]), "81c301");
    both_ways(OrderedMap(vec![((1, 2), s("x"))]), "81920102a178");
    both_ways(OrderedMap(vec![(s("k"), vec![1, 2])]), "81a16b920102");
    both_ways(OrderedMap((0..16).map(|key| (key, 1)).collect()), {
        "de001000010101020103010401050106010701080109010a010b010c010d010e010f01"
    });
    both_ways(HashMap::from([(s("a"), 1)]), "81a16101");
    assert_eq!(hex(&encode(&BTreeMap::from([("b", 2), ("a", 1)])).unwrap()), "82a16101a16202");
    reads("de0001a16101", OrderedMap(vec![(s("a"), 1)]));
    reads("df00000001a16101", OrderedMap(vec![(s("a"), 1)]));
}

#[test]
fn a_key_that_is_there_twice_is_refused_where_it_stands_the_second_time() {
    for (map, offset) in [("82a16101a16102", 4), ("82a16101d9016102", 4), ("83a16101a16202a16103", 7)] {
        for error in [refused::<OrderedMap<String, i32>>(map), refused::<HashMap<String, i32>>(map)] {
            assert_eq!((error.problem, error.offset), (Problem::DuplicateKey, offset), "{map}");
        }
    }
    assert_eq!(refused::<OrderedMap<i32, i32>>("820501cd000502").offset, 3);
    // Within an array the place is still that of the message.
    assert_eq!(refused::<Vec<OrderedMap<i32, i32>>>("9205820101cc0102").offset, 1);
    assert_eq!(refused::<Vec<OrderedMap<i32, i32>>>("9280820101cc0102").offset, 5);
}

#[test]
fn a_key_that_is_there_twice_keeps_the_value_that_is_asked_for() {
    let of = |duplicates| {
        let bytes = bytes("85a16101a16202a16103a16304a16205");
        OrderedMap::<String, i32>::decode_with(&mut Reader::new(&bytes), duplicates)
    };
    let map = |values: [i32; 3]| OrderedMap(["a", "b", "c"].map(s).into_iter().zip(values).collect());
    assert_eq!(of(Duplicates::FirstWins).unwrap(), map([1, 2, 4]));
    assert_eq!(of(Duplicates::LastWins).unwrap(), map([3, 5, 4]));
    assert_eq!(of(Duplicates::Refuse).unwrap_err().offset, 7);
    reads("82a16101a16102", ConcurrentDictionary(vec![(s("a"), 1)]));
    both_ways(ConcurrentDictionary(vec![(s("a"), 1)]), "81a16101");
}

#[test]
fn what_is_no_dictionary_is_refused() {
    for nil in [refused::<OrderedMap<String, i32>>("81c001"), refused::<OrderedMap<Option<i32>, i32>>("81c001")] {
        assert_eq!((nil.offset, nil.problem), (1, Problem::Unexpected { expected: "a key", code: 0xc0 }));
    }
    assert!(matches!(refused::<OrderedMap<String, i32>>("9192a16101").problem, Problem::Unexpected { .. }));
    assert_eq!(refused::<OrderedMap<i32, i32>>("81a16101").offset, 1);
    assert!(matches!(refused::<OrderedMap<i32, i32>>("81a161").problem, Problem::Unexpected { .. }));
    assert!(matches!(refused::<OrderedMap<i32, i32>>("8201").problem, Problem::TooMany { .. }));
}

#[test]
fn a_tuple_is_an_array_that_nests_from_its_eighth_element() {
    both_ways((1,), "9101");
    both_ways((1, s("a")), "9201a161");
    both_ways((1, s("a"), true, 1.5, 2_i64, 3_u8, Char(99)), "9701a161c3cb3ff8000000000000020363");
    both_ways((1, 2, 3, 4, 5, 6, 7, 8), "98010203040506079108");
    both_ways((1, 2, 3, 4, 5, 6, 7, 8, 9), "9801020304050607920809");
    // Longer ones than Rust can compare.
    let long = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16_i32);
    let bytes = encode(&long).unwrap();
    assert_eq!(hex(&bytes), "98010203040506079808090a0b0c0d0e920f10");
    type Long = (i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32);
    let again: Long = decode(&bytes).unwrap();
    assert_eq!((again.0, again.7, again.14, again.15), (1, 8, 15, 16));
    assert_eq!(encode(&again).unwrap(), bytes);
    assert_eq!(
        hex(&encode(&(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)).unwrap()),
        "980102030405060797\
         08090a0b0c0d0e"
    );
    // Its own array again, and not nil.
    assert!(matches!(refused::<(i32, String)>("9301a161c0").problem, Problem::WrongLength { found: 3, .. }));
    assert!(matches!(refused::<(i32, String)>("9101").problem, Problem::WrongLength { found: 1, .. }));
    assert!(matches!(refused::<(i32, String)>("c0").problem, Problem::Unexpected { .. }));
    type Eight = (i32, i32, i32, i32, i32, i32, i32, i32);
    assert!(matches!(refused::<Eight>("980102030405060708").problem, Problem::Unexpected { .. }));
    assert!(matches!(refused::<Eight>("9801020304050607920809").problem, Problem::WrongLength { .. }));
    both_ways(None::<(i32, String)>, "c0");
}

#[test]
fn a_pair_is_an_array_of_two_and_a_lookup_a_list_of_pairs() {
    both_ways(Pair(s("a"), 1), "92a16101");
    both_ways(None::<Pair<String, i32>>, "c0");
    both_ways(
        vec![Pair(Char(97), vec![s("apple"), s("avocado")]), Pair(Char(98), vec![s("bean")])],
        "92926192a56170706c65a761766f6361646f926291a46265616e",
    );
    assert!(matches!(refused::<Pair<String, i32>>("93a16101c0").problem, Problem::WrongLength { .. }));
    assert!(matches!(refused::<Pair<String, i32>>("91a161").problem, Problem::WrongLength { .. }));
}

#[test]
fn an_array_of_dimensions_is_its_lengths_and_all_elements() {
    both_ways(MultiArray { lengths: [2, 2], elements: vec![1, 2, 3, 4] }, "9302029401020304");
    both_ways(MultiArray { lengths: [1, 2, 3], elements: vec![1, 2, 3, 4, 5, 6] }, "9401020396010203040506");
    both_ways(MultiArray { lengths: [1, 1, 1, 2], elements: vec![s("a"), s("b")] }, "950101010292a161a162");
    both_ways(MultiArray { lengths: [0, 5], elements: Vec::<i32>::new() }, "93000590");
    // Too large a product on the way to 0, as .NET refuses it.
    both_ways(MultiArray { lengths: [0, 1 << 27, 18], elements: Vec::<i32>::new() }, "9400ce080000001290");
    assert!(matches!(refused::<MultiArray<i32, 3>>("94ce08000000120090").problem, Problem::Malformed { .. }));
    type Two = MultiArray<i32, 2>;
    for (other, offset) in [("9303029401020304", 0), ("93ce7fffffffce7fffffff90", 0), ("93020293010203", 0)] {
        let error = refused::<Two>(other);
        assert!(matches!(error.problem, Problem::Malformed { .. }), "{error}");
        assert_eq!(error.offset, offset);
    }
    assert!(matches!(refused::<Two>("94020201940102").problem, Problem::WrongLength { expected: 3, found: 4, .. }));
    assert!(matches!(refused::<Two>("93ff0290").problem, Problem::OutOfRange { value: -1, .. }));
    let wrong = MultiArray { lengths: [2, 2], elements: vec![1] };
    assert!(matches!(encode(&wrong).unwrap_err().problem, Problem::Malformed { .. }));
}

#[test]
fn what_cannot_be_written_whole_is_not_written_at_all() {
    let mut writer = Writer::new();
    writer.nil().unwrap();
    let year_10000 = DateTime::utc(DateTime::MAX_TICKS + 1);
    assert!(vec![Some(DateTime::utc(0)), Some(year_10000)].encode(&mut writer).is_err());
    assert!((1, 2, year_10000).encode(&mut writer).is_err());
    assert!(Pair(1, year_10000).encode(&mut writer).is_err());
    assert!(OrderedMap(vec![(1, year_10000)]).encode(&mut writer).is_err());
    assert!(MultiArray { lengths: [1, 1], elements: vec![year_10000] }.encode(&mut writer).is_err());
    assert!(Object::Map(vec![(Object::Null, year_10000.into())]).encode(&mut writer).is_err());
    assert_eq!(writer.bytes(), [0xc0]);
}

#[test]
fn what_lies_too_deep_is_refused_and_the_reader_comes_out_again() {
    let settings = Settings { max_depth: 2, ..Settings::default() };
    let two = bytes("9193010203");
    let mut reader = Reader::with_settings(&two, settings);
    assert_eq!(Vec::<(i32, i32, i32)>::decode(&mut reader).unwrap(), [(1, 2, 3)]);
    assert_eq!(read_by::<Vec<Vec<Vec<i32>>>>(settings, "91919105").unwrap_err().problem, Problem::TooDeep { limit: 2 });
    // An empty one is as deep as a number.
    assert_eq!(read_by::<Vec<Vec<Vec<i32>>>>(settings, "919190").unwrap(), [[[0_i32; 0]]]);
    // After an error within, as deep as before.
    let bytes = bytes("9191c0");
    for refuse in [
        |reader: &mut Reader<'_>| Vec::<Vec<i32>>::decode(reader).is_err(),
        |reader: &mut Reader<'_>| Vec::<(i32,)>::decode(reader).is_err(),
        |reader: &mut Reader<'_>| Vec::<OrderedMap<i32, i32>>::decode(reader).is_err(),
        |reader: &mut Reader<'_>| Vec::<Vec<Object>>::decode(reader).is_ok() && Vec::<i32>::decode(reader).is_err(),
    ] {
        let mut reader = Reader::with_settings(&bytes, settings);
        assert!(refuse(&mut reader));
        assert!(reader.enter().is_ok() && reader.enter().is_ok() && reader.enter().is_err());
    }
}

proptest! {
    #[test]
    fn every_collection_comes_back(
        list in prop::collection::vec(any::<Option<String>>(), 0..20),
        numbers: Vec<u8>,
        map in prop::collection::hash_map(any::<u16>(), any::<(i64, [bool; 3])>().prop_map(|(n, bits)| (n, bits.to_vec())), 0..20),
        tuple: (u8, i8, u16, i16, u32, i32, u64, i64, bool, String),
        set in prop::collection::hash_set(any::<u64>(), 0..20),
        lengths: [u8; 3],
    ) {
        comes_back(&list)?;
        comes_back(&Bytes(numbers.clone()))?;
        comes_back(&numbers)?;
        comes_back(&Stack(list))?;
        comes_back(&map)?;
        comes_back(&OrderedMap(map.clone().into_iter().collect()))?;
        comes_back(&ConcurrentDictionary(map.into_iter().collect()))?;
        comes_back(&tuple)?;
        comes_back(&Set(set.into_iter().collect()))?;
        let lengths = lengths.map(|length| u32::from(length) % 6);
        let elements = (0..lengths.into_iter().product()).collect();
        comes_back(&MultiArray { lengths, elements })?;
    }

    #[test]
    fn the_first_the_last_or_none_of_equal_keys_stays(entries: Vec<(u8, u32)>) {
        let bytes = {
            let mut writer = Writer::new();
            writer.map_header(entries.len()).unwrap();
            for entry in &entries {
                entry.0.encode(&mut writer).unwrap();
                entry.1.encode(&mut writer).unwrap();
            }
            writer.into_bytes()
        };
        let read = |duplicates| OrderedMap::<u8, u32>::decode_with(&mut Reader::new(&bytes), duplicates);
        let mut first: Vec<(u8, u32)> = Vec::new();
        let mut last: Vec<(u8, u32)> = Vec::new();
        for (key, value) in &entries {
            match last.iter_mut().find(|(known, _)| known == key) {
                Some((_, known)) => *known = *value,
                None => {
                    last.push((*key, *value));
                    first.push((*key, *value));
                }
            }
        }
        prop_assert_eq!(read(Duplicates::Refuse).is_ok(), first.len() == entries.len());
        prop_assert_eq!(read(Duplicates::FirstWins).unwrap().0, first);
        prop_assert_eq!(read(Duplicates::LastWins).unwrap().0, last);
    }

    #[test]
    fn no_bytes_make_a_collection_panic(bytes: Vec<u8>, head in 0x80..0xa0_u8) {
        fn any<T: for<'a> Decode<'a>>(bytes: &[u8]) {
            let _ = decode::<T>(bytes);
        }
        let mut bytes = bytes;
        bytes.insert(0, head);
        any::<Vec<Vec<i32>>>(&bytes);
        any::<Vec<Option<Object>>>(&bytes);
        any::<Vec<u8>>(&bytes);
        any::<Set<i64>>(&bytes);
        any::<Stack<bool>>(&bytes);
        any::<Bytes>(&bytes);
        any::<OrderedMap<String, Object>>(&bytes);
        any::<HashMap<i32, Vec<u8>>>(&bytes);
        any::<ConcurrentDictionary<i32, i32>>(&bytes);
        any::<MultiArray<u8, 2>>(&bytes);
        any::<(i32, i32, i32, i32, i32, i32, i32, i32)>(&bytes);
        any::<Pair<Object, Object>>(&bytes);
    }
}
