use super::*;
use crate::codec::{encode, lz4, Compression, Problem, Reader, Settings, Writer};
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn json(hex: &str) -> String {
    to_json(&bytes(hex), &Settings::default()).unwrap()
}

fn hex(text: &str) -> String {
    from_json(text, &Settings::default()).unwrap().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What MessagePack-CSharp 2.5.307 and 3.1.12 say of these bytes.
const TO_JSON: &[(&str, &str)] = &[
    ("00", "0"),
    ("7f", "127"),
    ("ff", "-1"),
    ("ccff", "255"),
    ("cfffffffffffffffff", "18446744073709551615"),
    ("d38000000000000000", "-9223372036854775808"),
    ("cb3ff0000000000000", "1"),
    ("cb3ff8000000000000", "1.5"),
    ("cb3fb999999999999a", "0.1"),
    ("cb8000000000000000", "-0"),
    ("cb3eb0c6f7a0b5ed8d", "1E-06"),
    ("cb444b1ae4d6e2ef50", "1E+21"),
    ("cb430c6bf526340000", "1000000000000000"),
    ("cb4341c37937e08000", "10000000000000000"),
    ("cb7fefffffffffffff", "1.7976931348623157E+308"),
    ("cb0000000000000001", "5E-324"),
    ("cb7ff8000000000000", "NaN"),
    ("cb7ff0000000000000", "Infinity"),
    ("cbfff0000000000000", "-Infinity"),
    ("ca3dcccccd", "0.1"),
    ("ca3fc00000", "1.5"),
    ("ca4b800000", "16777216"),
    ("ca7f7fffff", "3.4028235E+38"),
    ("ca7fc00000", "NaN"),
    ("ca501502f9", "1E+10"),
    ("c3", "true"),
    ("c2", "false"),
    ("c0", "null"),
    ("a3616263", "\"abc\""),
    ("a0", "\"\""),
    ("a8225c080c0a0d092f", "\"\\\"\\\\\\b\\f\\n\\r\\t/\""),
    ("a3011f7f", "\"\u{1}\u{1f}\u{7f}\""),
    ("a9c3a9e38182f09f9880", "\"\u{e9}\u{3042}\u{1f600}\""),
    ("a53c3e26272b", "\"<>&'+\""),
    ("a3e280a8", "\"\u{2028}\""),
    ("c403010203", "\"AQID\""),
    ("c400", "\"\""),
    ("c403fffefd", "\"//79\""),
    ("9301a161c0", "[1,\"a\",null]"),
    ("90", "[]"),
    ("80", "{}"),
    ("82a16101a162a178", "{\"a\":1,\"b\":\"x\"}"),
    ("82a16101a16102", "{\"a\":1,\"a\":2}"),
    ("8101a161", "{\"1\":\"a\"}"),
    ("d6ff386d4380", "\"2000-01-01T00:00:00.0000000Z\""),
    ("d7ffa1dcd74065937d25", "\"2024-01-02T03:04:05.6789012Z\""),
    ("c70cff3b8b87c0ffffffffffffffff", "\"1969-12-31T23:59:59.9990000Z\""),
    ("d40507", "[5,\"Bw==\"]"),
    ("d80501010101010101010101010101010101", "[5,\"AQEBAQEBAQEBAQEBAQEBAQ==\"]"),
    ("9281a16b920102c0", "[{\"k\":[1,2]},null]"),
    ("", ""),
    ("c71263d2000000663fd9646101004b506161616161", "[99,\"0gAAAGY/2WRhAQBLUGFhYWFh\"]"),
    (
        "d92430303131323233332d343435352d363637372d383839392d616162626363646465656666",
        "\"00112233-4455-6677-8899-aabbccddeeff\"",
    ),
    ("cb3e45798ee2308c3a", "1E-08"),
    ("cb3f1a36e2eb1c432d", "0.0001"),
    ("cb42d6bcc41e900000", "100000000000000"),
    ("cb43abc16d674ec800", "1E+18"),
    ("cb4415af1d78b58c40", "1E+20"),
    ("cb4480f0cf064dd592", "1E+22"),
    ("ca358637bd", "1E-06"),
    ("ca38d1b717", "0.0001"),
    ("ca49742400", "1000000"),
    ("ca4cbebc20", "100000000"),
    ("ca5368d4a5", "1E+12"),
    ("cb4340000000000001", "9007199254740994"),
    ("959301a178c2c0c0920000c0", "[[1,\"x\",false],null,null,[0,0],null]"),
    ("83a14101a142a162a143c0", "{\"A\":1,\"B\":\"b\",\"C\":null}"),
    // A name without a body, with an empty one, with a scalar; a length that is too short, and one that is too long.
    ("c70264a154", "{\"$type\":\"T\"}"),
    ("c70364a15480", "{\"$type\":\"T\"}"),
    ("c70364a15490", "[\"T\"]"),
    ("c70364a15401", "{\"$type\":\"T\",1}"),
    ("c70564a15481a16101", "{\"$type\":\"T\",\"a\":1}"),
    ("c70564a154920102", "[\"T\",1,2]"),
    ("92c70164a15481a16101", "[{\"$type\":\"T\"},{\"a\":1}]"),
    // A name that is no text, and one that has a name itself.
    ("c7036405a161", "{\"$type\":5,\"a\"}"),
    ("c70764c70264a1549101", "[{\"$type\":\"T\"},1]"),
    // Keys that are no text.
    ("81d6ff0000000001", "{\"\"1970-01-01T00:00:00.0000000Z\"\":1}"),
    ("8181a1610101", "{\"{\"a\":1}\":1}"),
    ("81c4010101", "{\"AQ==\":1}"),
    // Halves: the even digit. And what .NET shows with a digit too few.
    ("cac9c92b9a", "-1647987.2"),
    ("ca39800000", "0.00024414062"),
    ("cb3e60000000000000", "2.980232238769531E-08"),
    ("cbbe60000000000000", "-2.980232238769531E-08"),
    ("cb4376345785d8a000", "1E+17"),
    ("c70cff3b9ac9ff0000003afff4417f", "\"9999-12-31T23:59:59.9999999Z\""),
    ("c70cff00000000fffffff1886e0900", "\"0001-01-01T00:00:00.0000000Z\""),
];

/// What they make of these texts.
const FROM_JSON: &[(&str, &str)] = &[
    ("1", "01"),
    ("-1", "ff"),
    ("-9223372036854775808", "d38000000000000000"),
    ("18446744073709551615", "cfffffffffffffffff"),
    ("18446744073709551616", "b43138343436373434303733373039353531363136"),
    ("1.5", "cb3ff8000000000000"),
    ("1.0", "cb3ff0000000000000"),
    ("1e3", "cb408f400000000000"),
    ("0.1", "cb3fb999999999999a"),
    ("true", "c3"),
    ("false", "c2"),
    ("null", "c0"),
    ("\"abc\"", "a3616263"),
    ("\"\"", "a0"),
    ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u3042\"", "ab225c2f080c0a0d09e38182"),
    ("\"\u{3042}\"", "a3e38182"),
    ("[1,\"a\",null,true]", "9401a161c0c3"),
    ("[]", "90"),
    ("[[1],[]]", "92910190"),
    ("{\"a\":1,\"b\":[1,2]}", "82a16101a162920102"),
    ("{}", "80"),
    ("{\"a\":1,\"a\":2}", "82a16101a16102"),
    (" { \"a\" : 1 , \"b\" : [ 1 , 2 ] } ", "82a16101a162920102"),
    ("\"2024-01-02T03:04:05Z\"", "b4323032342d30312d30325430333a30343a30355a"),
    ("\"AQID\"", "a441514944"),
    ("[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]", "dc0010000102030405060708090a0b0c0d0e0f"),
    ("300", "cd012c"),
    // Commas and colons are blanks, brackets close braces, and what is not closed ends with the text.
    ("[1 2]", "920102"),
    ("[1,2,]", "920102"),
    ("{\"a\" 1}", "81a16101"),
    ("[1", "9101"),
    ("[1}", "9101"),
    ("{1,2,3}", "81010203"),
    ("1 2", "0102"),
    ("1] 2", "01"),
    ("", ""),
    ("\u{2003}\u{a0}7", "07"),
    // What is no number is nothing, and counted.
    ("[0x1F,5]", "9205"),
    ("1//x", ""),
    ("-Infinity", ""),
    ("[79228162514264337593543950336]", "91"),
    ("1.5f", "cb0000000000000000"),
    ("1e400", "cb7ff0000000000000"),
    ("-.5", "cbbfe0000000000000"),
    ("1\n2", ""),
    ("1\n", "01"),
    ("1\u{0}", "01"),
    // A decimal has its sign before it or behind it.
    ("5-", "a22d35"),
    ("5+", "a135"),
    ("0-", "a130"),
    ("-5-", ""),
    ("-9223372036854775809", "b42d39323233333732303336383534373735383039"),
    // Escapes: unknown ones are left out, and between two halves of a character too.
    ("\"\\ud83d\\ude00\"", "a4f09f9880"),
    ("\"\\ud83d\\x\\ude00\"", "a4f09f9880"),
    ("\"\\ud83d-\\ude00\"", "a7efbfbd2defbfbd"),
    ("\"\\u0x1f\\u+041\"", "a21f41"),
];

#[test]
fn bytes_become_the_text_that_the_library_makes_of_them() {
    for (hex, text) in TO_JSON {
        assert_eq!(json(hex), *text, "{hex}");
    }
}

#[test]
fn texts_become_the_bytes_that_the_library_makes_of_them() {
    for (text, bytes) in FROM_JSON {
        assert_eq!(hex(text), *bytes, "{text}");
    }
}

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    for (text, at) in [
        ("NaN", 0),
        ("[+1]", 1),
        (".5", 0),
        ("{a:1}", 1),
        ("'a'", 0),
        ("\"abc", 0),
        ("\"abc\\", 0),
        (" tru ", 1),
        ("nulx", 0),
        ("\"\\u12\"", 3),
        ("\"\\u+-12\"", 3),
        ("truex", 4),
        ("\"\\u00é\"", 3),
    ] {
        let error = from_json(text, &Settings::default()).unwrap_err();
        assert_eq!(error.offset, at, "{text}: {error}");
        assert!(matches!(error.problem, Problem::Malformed { target: "JSON", .. }), "{text}: {error}");
    }
}

#[test]
fn what_has_no_text_is_refused_with_its_place() {
    for (hex, at) in [
        ("9201", 0),
        ("c1", 0),
        ("81a1", 0),
        ("c705ff0102030405", 0),
        // A second too late, a second too early; and too early in seconds, though the nanoseconds would make up for it.
        ("91c70cff0000000000 00003afff44180", 1),
        ("c70cff00000000fffffff1886e08ff", 0),
        ("c70cff7fffffff fffffff1886e08ff", 0),
        ("c70364a154", 0),
    ] {
        let hex = hex.replace(' ', "");
        let error = to_json(&bytes(&hex), &Settings::default()).unwrap_err();
        assert_eq!(error.offset, at, "{hex}: {error}");
    }
}

#[test]
fn depth_has_the_limit_of_the_settings_in_both_directions_and_needs_no_stack() {
    for (limit, deep) in [(500, 500), (1_000_000, 1_000_000)] {
        let settings = Settings { max_depth: limit, ..Settings::default() };
        let (text, arrays) = ("[".repeat(deep) + &"]".repeat(deep), [vec![0x91; deep - 1], vec![0x90]].concat());
        assert_eq!(from_json(&text, &settings).unwrap(), arrays);
        assert_eq!(to_json(&arrays, &settings).unwrap(), text);
        let (text, arrays) = (format!("[{text}]"), [vec![0x91], arrays].concat());
        assert_eq!(from_json(&text, &settings).unwrap_err().problem, Problem::TooDeep { limit });
        assert_eq!(to_json(&arrays, &settings).unwrap_err().problem, Problem::TooDeep { limit });
    }
    // Names of types in each other are as deep, whichever of the two is deep.
    let mut named = vec![0xa0];
    for _ in 0..10_000 {
        named = [&[0xc9, 0xff, 0xff, 0xff, 0xff, 100][..], &named].concat();
        let length = (named.len() - 6) as u32;
        named[1..5].copy_from_slice(&length.to_be_bytes());
    }
    let deep = Settings { max_depth: 10_000, ..Settings::default() };
    assert_eq!(to_json(&named, &deep).unwrap(), "{\"$type\":".repeat(10_000) + "\"\"" + &"}".repeat(10_000));
}

#[test]
fn counts_have_their_shortest_headers_however_they_lie_in_each_other() {
    for count in [15, 16, 65_535, 65_536] {
        let inner = format!("[{}]", "1,".repeat(count));
        let text = format!("{{\"a\":{inner},\"b\":[{inner},\"{}\"]}}", "x".repeat(70_000));
        let mut writer = Writer::new();
        let ones = |writer: &mut Writer| {
            writer.array_header(count).unwrap();
            (0..count).for_each(|_| writer.uint(1).unwrap());
        };
        writer.map_header(2).unwrap();
        writer.str("a").unwrap();
        ones(&mut writer);
        writer.str("b").unwrap();
        writer.array_header(2).unwrap();
        ones(&mut writer);
        writer.str(&"x".repeat(70_000)).unwrap();
        assert!(from_json(&text, &Settings::default()).unwrap() == writer.bytes(), "{count}");
    }
}

#[test]
fn compression_is_undone_and_done_only_if_the_settings_say_so() {
    let text = format!("\"{}\"", "a".repeat(100));
    let block = Settings { compression: Compression::Lz4Block, ..Settings::default() };
    let packed = bytes("c71263d2000000663fd9646101004b506161616161");
    assert_eq!(to_json(&packed, &block).unwrap(), text);
    assert_eq!(to_json(&packed, &Settings::default()).unwrap(), "[99,\"0gAAAGY/2WRhAQBLUGFhYWFh\"]");
    assert_eq!(to_json(&bytes("91c70062"), &block).unwrap(), "");
    let packed = from_json(&text, &block).unwrap();
    assert_eq!(packed[2], 99);
    assert_eq!(lz4::decompress(&packed, 200).unwrap(), encode("a".repeat(100).as_str()).unwrap());
    assert_eq!(from_json("1", &block).unwrap(), [1]);
    let limited = Settings { max_decompressed: 100, ..block };
    assert!(matches!(to_json(&packed, &limited).unwrap_err().problem, Problem::TooLong { .. }));
}

/// Values that JSON has too, as MessagePack.
fn value() -> impl Strategy<Value = Vec<u8>> {
    fn written(write: impl FnOnce(&mut Writer) -> crate::codec::Result<()>) -> Vec<u8> {
        let mut writer = Writer::new();
        write(&mut writer).unwrap();
        writer.into_bytes()
    }
    let finite = any::<f64>().prop_filter("exponents and points only", |value| json_number(*value));
    let scalar = prop_oneof![
        Just(vec![0xc0]),
        any::<bool>().prop_map(|value| encode(&value).unwrap()),
        any::<i64>().prop_map(|value| encode(&value).unwrap()),
        any::<u64>().prop_map(|value| encode(&value).unwrap()),
        finite.prop_map(|value| encode(&value).unwrap()),
        any::<String>().prop_map(|value| encode(&value).unwrap()),
    ];
    scalar.prop_recursive(6, 60, 20, |inner| {
        let key = any::<String>().prop_map(|key| encode(&key).unwrap());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(|items| written(|writer| {
                writer.array_header(items.len())?;
                writer.raw(&items.concat())
            })),
            prop::collection::vec((key, inner), 0..20).prop_map(|pairs| written(|writer| {
                writer.map_header(pairs.len())?;
                pairs.iter().try_for_each(|(key, value)| writer.raw(&[&key[..], value].concat()))
            })),
        ]
    })
}

/// Whether a number comes back as one with a point: whole ones become integers.
fn json_number(value: f64) -> bool {
    value.is_finite() && String::from_utf8_lossy(number::double(value).bytes()).contains(['.', 'E'])
}

proptest! {
    #[test]
    fn what_json_can_say_comes_back_byte_for_byte(value in value()) {
        let text = to_json(&value, &Settings::default()).unwrap();
        prop_assert_eq!(from_json(&text, &Settings::default()).unwrap(), value);
    }

    #[test]
    fn no_bytes_and_no_settings_make_it_panic(bytes: Vec<u8>, deep: bool, compressed: bool) {
        let settings = Settings {
            max_depth: if deep { 1_000 } else { 2 },
            compression: if compressed { Compression::Lz4BlockArray } else { Compression::None },
            ..Settings::default()
        };
        let _ = to_json(&bytes, &settings);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = from_json(text, &settings);
        }
    }

    #[test]
    fn no_value_of_any_sort_makes_it_panic(codes in prop::collection::vec(prop_oneof![
        any::<u8>(), 0x80..=0x83u8, 0x90..=0x93u8, 0xa0..=0xa2u8, 0xc0..=0xdfu8, Just(100), Just(0xff), 0..=4u8
    ], 0..60)) {
        let found = Reader::new(&codes).skip().is_ok();
        if let Ok(text) = to_json(&codes, &Settings::default()) {
            prop_assert!(!text.is_empty() || codes.is_empty());
        } else if found {
            // Whole, and yet without a text: a time that is none, or a name that ends elsewhere than its extension.
            prop_assert!(codes.iter().any(|byte| matches!(byte, 0xc7..=0xc9 | 0xd4..=0xd8)));
        }
    }

    #[test]
    fn no_text_of_brackets_and_quotes_makes_it_panic(text in "[\\[\\]{}\",:0-9eE.tfn\\\\u\u{e9} -]{0,40}") {
        if let Ok(bytes) = from_json(&text, &Settings::default()) {
            // Every token that was written is whole, though the counts may promise more than there are.
            prop_assert!(bytes.len() <= 9 * text.len());
        }
    }

    #[test]
    fn every_number_comes_back_from_its_text(value: f64) {
        // But for the two that .NET cuts short, which do not come up here.
        let text = to_json(&encode(&value).unwrap(), &Settings::default()).unwrap();
        if value.is_finite() {
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
