//! Each row of the table of what rmp-serde writes (section 9.1 of the wire reference), as this module has it.

use super::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, SystemTime};

#[test]
fn integers_are_as_short_as_can_be_and_at_full_width_in_a_slot_of_type_object() {
    is(&200u64, "ccc8");
    is(&-129i16, "d1ff7f");
    is(&InObject(1i8), "d001");
    is(&InObject(1i16), "d10001");
    is(&InObject(1i32), "d200000001");
    is(&InObject(1i64), "d30000000000000001");
    is(&InObject(1u8), "cc01");
    is(&InObject(1u16), "cd0001");
    is(&InObject(1u32), "ce00000001");
    is(&InObject(1u64), "cf0000000000000001");
    // object[], List<object>, Dictionary<string, object>: what lies in them lies in slots too.
    is(&InObject(vec![Some(1i32), None]), "92d200000001c0");
    is(&InObject(BTreeMap::from([("a".to_owned(), 1i32)])), "81a161d200000001");
    is(&InObject(vec![1u8, 2]), "92cc01cc02");
    // Members and elements of a tuple have types of their own, and what follows the slot is outside of it.
    is(&InObject((1i32, 2i64)), "920102");
    is(&(InObject(1i32), 1i32), "92d20000000101");
}

#[test]
fn floats_are_never_made_shorter_and_keep_their_bits() {
    is(&1.0f32, "ca3f800000");
    is(&1.0f64, "cb3ff0000000000000");
    writes(&f32::from_bits(0xffc0_0000), "caffc00000");
    writes(&f64::from_bits(0xfff8_0000_0000_0000), "cbfff8000000000000");
}

#[test]
fn truth_nil_and_options_are_what_they_are_in_c_sharp() {
    is(&true, "c3");
    is(&(), "c0");
    is(&None::<i32>, "c0");
    is(&Some(5), "05");
    writes(&Some(None::<i32>), "c0");
}

#[test]
fn a_char_is_its_utf_16_unit_and_one_of_two_units_is_refused() {
    is(&'a', "61");
    is(&'あ', "cd3042");
    refuses(&'😀', "use codec::dotnet::Rune");
}

#[test]
fn texts_have_the_shortest_header() {
    is(&String::from("あ"), "a3e38182");
    writes(&"x".repeat(32), &format!("d920{}", "78".repeat(32)));
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Blobs {
    #[serde(with = "bytes")]
    array: Vec<u8>,
    #[serde(with = "bytes")]
    maybe: Option<Vec<u8>>,
    #[serde(with = "bytes")]
    fixed: [u8; 9],
    #[serde(with = "bytes")]
    boxed: Box<[u8]>,
    #[serde(with = "list")]
    list: Vec<u8>,
    #[serde(with = "list")]
    maybe_list: Option<Vec<u8>>,
}

#[test]
fn bytes_are_what_the_member_says_and_refused_where_it_does_not() {
    let blobs = Blobs {
        array: vec![1, 200],
        maybe: None,
        fixed: [3; 9],
        boxed: Box::new([]),
        list: vec![1, 200],
        maybe_list: None,
    };
    is_with(&Options::arrays(), &blobs, "96c40201c8c0c409030303030303030303c4009201ccc8c0");
    for hint in ["codec::serde::bytes", "codec::serde::list"] {
        refuses(&vec![1u8], hint);
        refuses(&[1u8][..], hint);
        refuses(&VecDeque::from([1u8]), hint);
        refuses(&vec![vec![1u8]], hint);
        refuses(&BTreeMap::from([(1, vec![1u8])]), hint);
    }
    // These have one form only.
    writes(&vec![Some(1u8), None], "9201c0");
    writes(&vec![1u16], "9101");
    writes(&vec![(1u8, 2u8)], "91920102");
    writes(&(vec![1u16], 2u8), "92910102");
    writes(&BTreeMap::from([(1u8, 2u8)]), "810102");
    is(&::serde_bytes::ByteBuf::from(vec![1, 2]), "c4020102");
}

#[test]
fn lists_and_maps_keep_their_order() {
    is(&vec![1, 2, 300], "930102cd012c");
    is(&VecDeque::from([1, 2]), "920102");
    is(&BTreeSet::from([2, 1]), "920102");
    is(&Vec::<String>::new(), "90");
    is(&BTreeMap::from([(1, "a".to_owned())]), "8101a161");
    writes(&HashMap::<i32, i32>::new(), "80");
    refuses(&BTreeMap::from([(None::<i32>, 1)]), "C# reads no such key");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Eight(i32, i32, i32, i32, i32, i32, i32, i32);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Fifteen(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, String);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Seven(u8, u8, u8, u8, u8, u8, u8);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Fixed(#[serde(with = "array")] [i32; 9]);

#[test]
fn tuples_nest_from_their_eighth_element_on_and_arrays_do_not() {
    is(&(1, "a".to_owned()), "9201a161");
    is(&(1, 2, 3, 4, 5, 6, 7), "9701020304050607");
    is(&Seven(1, 2, 3, 4, 5, 6, 7), "9701020304050607");
    is(&Eight(1, 2, 3, 4, 5, 6, 7, 8), "98010203040506079108");
    is(&Fifteen(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, "x".into()), "98010203040506079808090a0b0c0d0e91a178");
    is(&Fixed([1; 9]), "99010101010101010101");
    for hint in ["codec::serde::array", "tuple struct"] {
        refuses(&(1, 2, 3, 4, 5, 6, 7, 8), hint);
        refuses(&[1; 9], hint);
        assert!(from_slice::<[i32; 9]>(&unhex("99010101010101010101")).unwrap_err().to_string().contains(hint));
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Meters(f64);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Unit;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Nothing {}

#[test]
fn a_newtype_is_what_is_in_it_and_a_struct_without_members_a_class_without_members() {
    is(&Meters(1.5), "cb3ff8000000000000");
    is(&Unit, "80");
    is(&Nothing {}, "80");
    is_with(&Options::arrays(), &Unit, "90");
    is_with(&Options::arrays(), &Nothing {}, "90");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct WithGone {
    a: i32,
    gone: Gone,
    b: i32,
}

#[derive(Serialize)]
struct Skipping {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<i32>,
    b: i32,
}

#[derive(Serialize)]
struct NumberedSkipping {
    #[serde(rename = "0", skip_serializing_if = "Option::is_none")]
    a: Option<i32>,
    #[serde(rename = "1")]
    b: i32,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Flat {
    a: i32,
    #[serde(flatten)]
    rest: BTreeMap<String, i32>,
}

#[test]
fn a_struct_is_a_map_by_default_and_an_array_on_request() {
    let value = WithGone { a: 1, gone: Gone, b: 2 };
    is(&value, "83a16101a4676f6e65c0a16202");
    is_with(&Options::arrays(), &value, "9301c002");
    // A newer peer has filled the hole.
    reads_with(&Options::arrays(), "930192010202", &value);
}

#[test]
fn a_member_left_out_is_fine_in_a_map_and_refused_in_an_array() {
    writes(&Skipping { a: None, b: 2 }, "81a16202");
    writes(&Skipping { a: Some(1), b: 2 }, "82a16101a16202");
    refuses_with(&Options::arrays(), &Skipping { a: None, b: 2 }, "make it an Option");
    refuses(&NumberedSkipping { a: None, b: 2 }, "make it an Option");
    writes(&NumberedSkipping { a: Some(1), b: 2 }, "920102");
}

#[test]
fn a_flattened_struct_is_a_map_and_refused_where_structs_are_arrays() {
    let flat = Flat { a: 1, rest: (0..20).map(|n| (format!("{n:02}"), n)).collect() };
    let entries: String = (0..20).map(|n| format!("a2{}{n:02x}", hex(format!("{n:02}").as_bytes()))).collect();
    is(&flat, &format!("de0015a16101{entries}"));
    is(&Flat { a: 1, rest: BTreeMap::new() }, "81a16101");
    refuses_with(&Options::arrays(), &flat, "flatten");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Gaps {
    #[serde(rename = "0")]
    a: i32,
    #[serde(rename = "2")]
    c: Option<String>,
    #[serde(rename = "17")]
    last: i32,
}

#[derive(Serialize)]
struct Unordered {
    #[serde(rename = "2")]
    c: i32,
    #[serde(rename = "0")]
    a: i32,
}

#[derive(Serialize)]
struct HalfNamed {
    #[serde(rename = "0")]
    a: i32,
    b: i32,
}

#[derive(Serialize)]
struct TooFar {
    #[serde(rename = "65536")]
    a: i32,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Around {
    inner: Vec<Gaps>,
    after: i32,
}

#[test]
fn members_named_by_number_are_int_keys_with_nil_between_them() {
    let gaps = || Gaps { a: 1, c: Some("c".into()), last: 3 };
    let bytes = "dc001201c0a163c0c0c0c0c0c0c0c0c0c0c0c0c0c003";
    is(&gaps(), bytes);
    // Wherever structs are arrays, too.
    is_with(&Options::arrays(), &gaps(), bytes);
    // A class with int keys in a contractless one.
    is(&Around { inner: vec![gaps(), gaps()], after: 5 }, &format!("82a5696e6e657292{bytes}{bytes}a5616674657205"));
    refuses(&Unordered { c: 1, a: 2 }, "member 0 of Unordered comes after member 2");
    refuses(&HalfNamed { a: 1, b: 2 }, "name all members by number, or none");
    refuses(&TooFar { a: 1 }, "0 to 65535");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Color {
    #[serde(rename = "0")]
    None,
    #[serde(rename = "70000")]
    Big,
    #[serde(rename = "-3")]
    Blue,
    #[serde(other)]
    Other,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Plain {
    Red,
    Green,
}

#[test]
fn an_enum_is_its_number_or_its_name_and_refused_where_it_has_none() {
    is(&Color::None, "00");
    is(&Color::Big, "ce00011170");
    is(&Color::Blue, "fd");
    // Of any width, as from a slot of type object.
    reads("d2fffffffd", &Color::Blue);
    reads("d3fffffffffffffffd", &Color::Blue);
    reads("07", &Color::Other);
    refuses(&Plain::Red, "#[serde(rename = \"1\")]");
    refuses(&Plain::Red, "serde_repr");
    refuses(&Color::Other, "knows only the name Other");
    let names = Options::default().enums(Enums::Names);
    is_with(&names, &Plain::Green, "a5477265656e");
    is_with(&names, &Color::Blue, "fd");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Form {
    #[serde(rename = "0")]
    Circle {
        #[serde(rename = "0")]
        radius: i32,
    },
    #[serde(rename = "300")]
    Named { name: Option<String> },
    #[serde(rename = "1")]
    Boxed(Box<Gaps>),
    #[serde(rename = "2")]
    Pair(i32, i32),
    #[serde(other)]
    Unknown,
}

#[derive(Serialize)]
enum Tagged {
    A { a: i32 },
    B(i32),
    C(i32, i32),
}

#[test]
fn an_enum_with_data_is_a_union_and_refused_where_it_has_no_keys() {
    is(&Form::Circle { radius: 5 }, "92009105");
    is(&Form::Named { name: None }, "92cd012c81a46e616d65c0");
    is(&Form::Pair(1, 2), "9202920102");
    is(&vec![Some(Form::Pair(1, 2)), None], "929202920102c0");
    is(&Form::Boxed(Box::new(Gaps { a: 1, c: None, last: 2 })), "9201dc001201c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c002");
    // What older generators write; what a newer peer has added.
    reads("92d2000000009105", &Form::Circle { radius: 5 });
    reads("9200920507", &Form::Circle { radius: 5 });
    reads("920781a16101", &Form::Unknown);
    for value in [Tagged::A { a: 1 }, Tagged::B(1), Tagged::C(1, 2)] {
        refuses(&value, "[Union]");
    }
    refuses(&Ok::<i32, i32>(1), "[Union]");
}

#[test]
fn numbers_of_128_bits_are_little_endian_and_only_in_version_3() {
    is(&1i128, "c41001000000000000000000000000000000");
    is(&-2i128, "c410feffffffffffffffffffffffffffffff");
    is(&u128::MAX, "c410ffffffffffffffffffffffffffffffff");
    let old = Options::default().settings(Settings { version: crate::codec::Version::V2_5, ..Settings::default() });
    let error = to_vec_with(&1i128, &old).unwrap_err().to_string();
    assert!(error.contains("codec::dotnet::BigInteger"), "{error}");
}

#[test]
fn a_uuid_is_the_text_that_a_guid_is() {
    let id = ::uuid::Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
    is(&id, &format!("d924{}", hex(b"00112233-4455-6677-8899-aabbccddeeff")));
}

#[test]
fn times_of_other_crates_and_of_std_are_refused_with_what_to_use() {
    use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};
    let at: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
    refuses(&at, "codec::dotnet::DateTime");
    refuses(&vec![Some(at)], "codec::dotnet::DateTime");
    refuses(&DateTime::<Utc>::from_timestamp(0, 0).unwrap(), "codec::dotnet::DateTime");
    refuses(&at.with_timezone(&FixedOffset::east_opt(3600).unwrap()), "codec::dotnet::DateTimeOffset");
    refuses(&NaiveDate::from_ymd_opt(2024, 1, 2).unwrap(), "codec::dotnet::DateOnly");
    refuses(&NaiveDate::from_ymd_opt(-12024, 1, 2).unwrap(), "codec::dotnet::DateOnly");
    refuses(&NaiveDateTime::new(NaiveDate::MIN, NaiveTime::MIN), "codec::dotnet::DateTime");
    refuses(&NaiveTime::from_hms_opt(3, 4, 5).unwrap(), "03:04:05");
    refuses(&NaiveTime::from_hms_micro_opt(3, 4, 5, 6).unwrap(), "03:04:05.000006");
    refuses(&Duration::from_secs(1), "codec::dotnet::TimeSpan");
    refuses(&SystemTime::UNIX_EPOCH, "codec::dotnet::DateTime");
    assert!(from_slice::<Duration>(&unhex("80")).unwrap_err().to_string().contains("codec::dotnet::TimeSpan"));
    // What only looks a little like one.
    struct Shown(&'static str);
    impl Serialize for Shown {
        fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            serializer.collect_str(self.0)
        }
    }
    for text in
        ["", "1.2.3", "10.0.0.1:80", "00:11:22:33:44:55", "2024", "2024-01", "2024-01-02x", "1:2", "a", "-", "12:3"]
    {
        writes(&Shown(text), &hex(&to_vec(text).unwrap()));
    }
    // A text is a text.
    is(&String::from("2024-01-02"), "aa323032342d30312d3032");
}

#[test]
fn addresses_are_texts() {
    is(&std::net::IpAddr::from([10, 0, 0, 1]), "a831302e302e302e31");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename = "_ExtStruct")]
struct Extension((i8, ::serde_bytes::ByteBuf));

#[derive(Serialize)]
#[serde(rename = "_ExtStruct")]
struct Wrong((i8, i32));

#[test]
fn an_extension_is_a_newtype_struct_of_the_name_that_rmp_serde_gives_it() {
    let extension = |code, bytes: &[u8]| Extension((code, ::serde_bytes::ByteBuf::from(bytes)));
    is(&extension(-1, &[0; 4]), "d6ff00000000");
    is(&extension(7, &[1, 2, 3]), "c70307010203");
    refuses(&Wrong((1, 2)), "_ExtStruct");
    assert_eq!(::rmp_serde::to_vec(&extension(7, &[1, 2, 3])).unwrap(), to_vec(&extension(7, &[1, 2, 3])).unwrap());
}
