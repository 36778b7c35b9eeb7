//! Each row of the table of what rmp-serde reads (section 9.2 of the wire reference), as this module has it.

use super::*;
use std::collections::{BTreeMap, HashMap};

#[derive(Serialize, Deserialize, PartialEq, Debug, Default)]
#[serde(default)]
struct Defaults {
    #[serde(rename = "0")]
    a: i32,
    #[serde(rename = "1")]
    b: Option<String>,
    #[serde(rename = "2")]
    c: bool,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Pair {
    #[serde(rename = "A")]
    a: i32,
    #[serde(rename = "B")]
    b: Option<String>,
}

#[test]
fn a_longer_array_is_read_as_far_as_the_struct_knows_it() {
    let due = Defaults { a: 1, b: Some("b".into()), c: true };
    reads("9501a162c305a178", &due);
    reads("dc000301a162c3", &due);
    reads_with(&Options::arrays(), "9301a16281a17807", &Pair { a: 1, b: Some("b".into()) });
    // What follows is read from where the longer one ends.
    reads_with(
        &Options::arrays(),
        "929301a162c09201c0",
        &vec![Pair { a: 1, b: Some("b".into()) }, Pair { a: 1, b: None }],
    );
}

#[test]
fn a_shorter_array_leaves_defaults() {
    reads("9101", &Defaults { a: 1, ..Defaults::default() });
    reads("90", &Defaults::default());
    fails_with::<Pair>(&Options::arrays(), "9101", "byte 0: invalid length 1, expected struct Pair with 2 elements");
}

#[test]
fn an_array_is_no_map_and_a_map_no_array() {
    fails::<Pair>("9201c0", "byte 0: a map was expected, and there is an array (0x92)");
    fails::<Defaults>("83000101a16202c3", "byte 0: an array was expected, and there is a map (0x83)");
    fails_with::<Pair>(
        &Options::arrays(),
        "82a14101a142c0",
        "byte 0: an array was expected, and there is a map (0x82)",
    );
    fails::<BTreeMap<String, i32>>("9192a16101", "byte 0: a map was expected, and there is an array (0x91)");
}

#[test]
fn keys_that_no_class_has_are_skipped_and_such_that_are_no_names_refused() {
    let due = Pair { a: 1, b: None };
    reads("84a15a920102a14101a159d40101a142c0", &due);
    reads("83a142c0a14101a2ff0005", &due);
    reads("82d90142c0da00014101", &due);
    fails::<Pair>("820105a14101", "byte 1: the name of a member was expected, and there is an integer (0x01)");
    fails::<Pair>("82c005a14101", "byte 1: the name of a member was expected, and there is nil (0xc0)");
    fails::<Pair>("82a005a14101", "byte 1: the name of a member was expected, and there is text (0xa0)");
}

#[test]
fn a_member_that_is_missing_is_named_unless_it_has_a_default() {
    reads("81a14101", &Pair { a: 1, b: None });
    fails::<Pair>("81a142c0", "byte 0: missing field `A`");
}

/// C# takes the last one. Two readers that read different things out of the same bytes are worse than an error.
#[test]
fn a_member_that_comes_twice_is_refused() {
    fails::<Pair>("82a14101a14102", "byte 0: duplicate field `A`");
}

#[test]
fn a_key_that_comes_twice_in_a_dictionary_is_refused_however_wide_it_is() {
    fails::<HashMap<String, i32>>("82a16101a16102", "byte 4: this key has been there before");
    fails::<HashMap<String, i32>>("82a16101d9016102", "byte 4: this key has been there before");
    fails::<BTreeMap<i32, i32>>("820101d20000000102", "byte 3: this key has been there before");
    fails::<BTreeMap<i32, i32>>(
        "81c001",
        "byte 1: a key (C# has none that is nil) was expected, and there is nil (0xc0)",
    );
    let mut many = unhex("de0015");
    for key in (0..20u8).chain([3]) {
        many.extend([0xcc, key, 0]);
    }
    let error = from_slice::<BTreeMap<u8, u8>>(&many).unwrap_err();
    assert_eq!(error.to_string(), "byte 63: this key has been there before");
    many[2] = 20;
    assert_eq!(from_slice::<BTreeMap<u8, u8>>(&many).unwrap().len(), 20);
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Lenient {
    #[serde(with = "or_default")]
    name: String,
    #[serde(with = "or_default")]
    items: Vec<i32>,
}

#[test]
fn nil_is_only_for_an_option_unless_the_member_says_otherwise() {
    fails::<i32>("c0", "byte 0: an integer was expected, and there is nil (0xc0)");
    fails::<String>("c0", "byte 0: text was expected, and there is nil (0xc0)");
    fails::<Vec<i32>>("c0", "byte 0: an array was expected, and there is nil (0xc0)");
    fails::<Pair>("82a141c0a142c0", "byte 3: an integer was expected, and there is nil (0xc0)");
    reads("82a46e616d65c0a56974656d73c0", &Lenient { name: String::new(), items: vec![] });
    is(&Lenient { name: "n".into(), items: vec![1] }, "82a46e616d65a16ea56974656d739101");
}

#[test]
fn integers_of_any_width_are_read_where_they_fit() {
    for bytes in [
        "05",
        "cc05",
        "cd0005",
        "ce00000005",
        "cf0000000000000005",
        "d005",
        "d10005",
        "d200000005",
        "d30000000000000005",
    ] {
        reads(bytes, &5u8);
        reads(bytes, &5i64);
        reads(bytes, &5.0f32);
        reads(bytes, &5.0f64);
    }
    fails::<u8>("cd012c", "byte 0: 300 does not fit into a byte (0 to 255)");
    fails::<u32>("ff", "byte 0: -1 does not fit into a uint (32 bits without a sign)");
    fails::<Vec<i8>>("9201cc80", "byte 2: 128 does not fit into an sbyte (-128 to 127)");
}

#[test]
fn a_float_is_no_integer_and_of_either_width() {
    fails::<i32>("ca3f800000", "byte 0: an integer was expected, and there is a floating-point number (0xca)");
    reads("cb3ff8000000000000", &1.5f32);
    reads("ca3fc00000", &1.5f64);
}

#[test]
fn bytes_are_read_from_bytes_and_from_lists_and_are_no_text() {
    reads("c40201c8", &vec![1u8, 200]);
    reads("9201ccc8", &vec![1u8, 200]);
    for bytes in ["c40201c8", "9201ccc8"] {
        reads(bytes, &::serde_bytes::ByteBuf::from(vec![1, 200]));
    }
    // As peers of the old specification write them.
    reads("a26162", &::serde_bytes::ByteBuf::from(*b"ab"));
    fails::<String>("c40161", "byte 0: text was expected, and there is bytes (0xc4)");
    fails::<Vec<i32>>("c40161", "byte 2: bytes (byte[]) stand where a list of something else is due");
    assert_eq!(from_slice::<&[u8]>(&unhex("c40161")).unwrap(), b"a");
}

#[test]
fn text_that_is_not_utf8_is_read_as_c_sharp_reads_it_and_never_borrowed() {
    reads("a361ff62", &String::from("a\u{fffd}b"));
    reads("81a361ff6205", &BTreeMap::from([("a\u{fffd}b".to_owned(), 5)]));
    let bytes = unhex("a361ff62");
    let error = from_slice::<&str>(&bytes).unwrap_err().to_string();
    assert_eq!(error, "byte 0: invalid type: string \"a\u{fffd}b\", expected a borrowed string");
    assert_eq!(from_slice::<&str>(&unhex("a161")).map(str::to_owned).unwrap(), "a");
}

#[test]
fn chars_are_units_and_half_a_pair_is_told_what_holds_it() {
    fails::<char>(
        "cdd83d",
        "byte 0: this is no char: it is half of a surrogate pair: use codec::dotnet::Char, which holds any unit",
    );
    fails::<char>("a161", "byte 0: an integer was expected, and there is text (0xa1)");
    fails::<char>("ce00010000", "byte 0: 65536 does not fit into a char (one UTF-16 unit)");
}

#[test]
fn a_tuple_has_exactly_its_length_at_each_level() {
    fails::<(i32, i32)>("93010203", "byte 0: this tuple has length 2, and there is one of length 3");
    fails::<(i32, i32)>("9101", "byte 0: this tuple has length 2, and there is one of length 1");
    #[derive(Deserialize, Debug)]
    #[allow(dead_code, reason = "only whether it is read is looked at")]
    struct Nine(i32, i32, i32, i32, i32, i32, i32, i32, i32);
    fails::<Nine>("99010203040506070809", "byte 0: this tuple has length 8, and there is one of length 9");
    fails::<Nine>("98010203040506079108", "byte 8: this tuple has length 2, and there is one of length 1");
    fails::<Nine>("980102030405060708", "byte 8: an array was expected, and there is an integer (0x08)");
    from_slice::<Nine>(&unhex("9801020304050607920809")).unwrap();
}

#[derive(Deserialize, PartialEq, Debug)]
enum Color {
    #[serde(rename = "1")]
    Red,
}

#[derive(Deserialize, PartialEq, Debug)]
enum Named {
    Red,
}

#[derive(Deserialize, PartialEq, Debug)]
enum Form {
    #[serde(rename = "0")]
    Circle(i32),
}

#[test]
fn an_enum_or_a_union_that_is_not_known_is_refused_where_it_stands() {
    fails::<Vec<Color>>("920102", "byte 2: unknown variant `2`, expected `1`");
    fails::<Color>(
        "a3526564",
        "byte 0: the number of an enum, or the key and the body of a union was expected, and there is text (0xa3)",
    );
    fails_with::<Named>(
        &Options::default().enums(Enums::Names),
        "00",
        "byte 0: the name of an enum's value was expected, and there is an integer (0x00)",
    );
    assert!(from_slice::<Named>(&unhex("00")).unwrap_err().to_string().contains("rename"));
    fails::<Form>("930005c0", "byte 0: a union has length 2, and there is one of length 3");
    fails::<Form>("920105", "byte 0: unknown variant `1`, expected `0`");
    fails::<Form>("00", "byte 0: invalid type: unit variant, expected a union of a key and a body");
    reads("920005", &Form::Circle(5));
}

#[test]
fn a_uuid_is_read_from_text_only() {
    let id = ::uuid::Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
    reads(&format!("d924{}", hex(b"00112233-4455-6677-8899-AABBCCDDEEFF")), &id);
    // The native form, whose groups are swapped: rmp-serde takes it for the bytes of another id.
    fails::<::uuid::Uuid>(
        "c41033221100554477668899aabbccddeeff",
        "byte 0: text was expected, and there is bytes (0xc4)",
    );
}

#[test]
fn a_time_is_not_read_into_what_is_a_text_elsewhere() {
    fails::<chrono::DateTime<chrono::Utc>>(
        "d6ff00000000",
        "byte 0: text was expected, and there is an extension (0xd6)",
    );
}

#[test]
fn what_follows_a_value_is_ignored_and_a_reader_goes_on_there() {
    reads("05c1", &5);
    let bytes = unhex("0507");
    let mut reader = Reader::new(&bytes);
    assert_eq!(from_reader::<i32>(&mut reader, &Options::default()).unwrap(), 5);
    assert_eq!(from_reader::<i32>(&mut reader, &Options::default()).unwrap(), 7);
    assert_eq!(from_reader::<i32>(&mut reader, &Options::default()).unwrap_err().offset, 2);
}

/// A value of any type, as C# tells it from the code in a slot of type `object`.
#[derive(Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Any {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Any>),
    Map(BTreeMap<String, Any>),
}

#[test]
fn untagged_types_are_read() {
    reads(
        "93c3d2fffffffe81a161cb3ff8000000000000",
        &Any::List(vec![Any::Bool(true), Any::Int(-2), Any::Map(BTreeMap::from([("a".into(), Any::Float(1.5))]))]),
    );
    reads("a161", &Any::Text("a".into()));
}

#[test]
fn the_byte_that_is_never_used_is_refused() {
    fails::<i32>("c1", "byte 0: an integer was expected, and there is a byte that begins no value (0xc1)");
    fails::<Any>("c1", "byte 0: a value was expected, and there is a byte that begins no value (0xc1)");
    fails::<Pair>("81a158c1", "byte 3: a value was expected, and there is a byte that begins no value (0xc1)");
}

#[test]
fn what_rmp_serde_writes_of_plain_structs_is_read_and_the_other_way_round() {
    #[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
    struct Plain {
        id: i64,
        name: String,
        score: f64,
        tags: Vec<String>,
        more: BTreeMap<String, Option<u32>>,
        inner: Option<Box<Plain>>,
    }
    let inner = Plain {
        id: -70_000,
        name: "é".repeat(40),
        score: -0.0,
        tags: vec!["a".into(), String::new()],
        more: BTreeMap::from([("k".into(), None), ("l".into(), Some(5))]),
        inner: None,
    };
    let value = Plain { inner: Some(Box::new(inner.clone())), ..inner };
    let (map, array) = (to_vec(&value).unwrap(), to_vec_with(&value, &Options::arrays()).unwrap());
    assert_eq!(map, ::rmp_serde::to_vec_named(&value).unwrap());
    assert_eq!(array, ::rmp_serde::to_vec(&value).unwrap());
    assert_eq!(from_slice::<Plain>(&map).unwrap(), value);
    assert_eq!(from_slice_with::<Plain>(&array, &Options::arrays()).unwrap(), value);
    assert_eq!(::rmp_serde::from_slice::<Plain>(&map).unwrap(), value);
}
