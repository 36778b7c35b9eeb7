//! Guid, decimal, times, numbers and texts.

use super::*;
use crate::codec::dotnet::*;
use crate::codec::{Problem, Writer};

const GUID: &str = "00112233-4455-6677-8899-aabbccddeeff";

#[test]
fn a_guid_is_36_characters_in_lower_case() {
    both_ways(Guid::default(), "d92430303030303030302d303030302d303030302d303030302d303030303030303030303030");
    both_ways(
        GUID.parse::<Guid>().unwrap(),
        "d92430303131323233332d343435352d363637372d383839392d616162626363646465656666",
    );
    let mut writer = Writer::with_settings(Settings { old_spec: true, ..Settings::default() });
    Guid::default().encode(&mut writer).unwrap();
    assert_eq!(hex(&writer.bytes()[..3]), "da0024");
}

#[test]
fn a_guid_is_read_in_either_case_and_at_any_width_of_its_header() {
    let guid: Guid = GUID.parse().unwrap();
    reads(&text(&GUID.to_uppercase()), guid);
    reads(&format!("da0024{}", hex(GUID.as_bytes())), guid);
    reads(&format!("db00000024{}", hex(GUID.as_bytes())), guid);
}

#[test]
fn a_guid_without_dashes_or_in_braces_or_as_bytes_is_refused() {
    let length = |found| Problem::WrongLength { target: "a Guid", expected: 36, found };
    assert_eq!(refused::<Guid>(&text(&GUID.replace('-', ""))).problem, length(32));
    assert_eq!(refused::<Guid>(&text(&format!("{{{GUID}}}"))).problem, length(38));
    assert_eq!(refused::<Guid>("a0").problem, length(0));
    for other in ["c41033221100554477668899aabbccddeeff", "c0", "05"] {
        assert!(matches!(refused::<Guid>(other).problem, Problem::Unexpected { expected: "text", .. }), "{other}");
    }
    // The byte where it goes wrong: a digit, and a dash.
    let error = refused::<Guid>(&text(&GUID.replace("44", "4g")));
    assert_eq!(error.offset, 2 + 10);
    assert_eq!(refused::<Guid>(&text(&GUID.replace("-66", "066"))).offset, 2 + 13);
    assert_eq!("0011".parse::<Guid>().unwrap_err().problem, length(4));
}

#[test]
fn a_native_guid_is_16_bytes_in_the_order_of_dotnet() {
    let guid: Guid = GUID.parse().unwrap();
    both_ways(NativeGuid(guid), "c41033221100554477668899aabbccddeeff");
    assert_eq!(Guid::from_bytes_le(guid.to_bytes_le()), guid);
    let as_text = text(GUID);
    assert!(matches!(refused::<NativeGuid>(&as_text).problem, Problem::WrongLength { expected: 16, found: 36, .. }));
    let as_text = bytes(&as_text);
    let error = NativeGuid::decode(&mut Reader::with_settings(&as_text, old())).unwrap_err();
    assert!(matches!(error.problem, Problem::Unexpected { code: 0xd9, .. }));
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn a_decimal_is_its_digits_with_its_scale() {
    let due = [
        ("0", [0, 0, 0, 0]),
        ("1", [1, 0, 0, 0]),
        ("-1", [1, 0, 0, 0x8000_0000]),
        ("-0.1", [1, 0, 0, 0x8001_0000]),
        ("100", [100, 0, 0, 0]),
        ("0.01", [1, 0, 0, 0x0002_0000]),
        ("1.50", [150, 0, 0, 0x0002_0000]),
        ("0.00", [0, 0, 0, 0x0002_0000]),
        ("123456789.123456789", [0xacd0_5f15, 0x01b6_9b4b, 0, 0x0009_0000]),
        ("79228162514264337593543950335", [u32::MAX, u32::MAX, u32::MAX, 0]),
        ("-79228162514264337593543950335", [u32::MAX, u32::MAX, u32::MAX, 0x8000_0000]),
        ("-7.9228162514264337593543950335", [u32::MAX, u32::MAX, u32::MAX, 0x801c_0000]),
        ("0.0000000000000000000000000001", [1, 0, 0, 0x001c_0000]),
    ];
    for (digits, bits) in due {
        let value = Decimal::from_bits(bits).unwrap();
        assert_eq!(value.to_string(), digits);
        assert_eq!(value.to_bits(), bits);
        both_ways(value, &text(digits));
    }
}

#[test]
fn a_zero_loses_its_sign_on_the_wire() {
    let zero = Decimal::from_bits([0, 0, 0, 0x8002_0000]).unwrap();
    assert_eq!(hex(&encode(&zero).unwrap()), text("0.00"));
    // As .NET reads it, which has one.
    reads(&text("-0.00"), zero);
}

/// What .NET 10 answered to the same texts.
#[test]
fn a_decimal_is_rounded_as_dotnet_does() {
    let due = [
        ("1e3", "1000"),
        ("1.5E+2", "150"),
        ("1.5e-2", "0.015"),
        ("+1", "1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("00012.50", "12.50"),
        ("79228162514264337593543950334.5", "79228162514264337593543950335"),
        ("79228162514264337593543950335.4", "79228162514264337593543950335"),
        ("7922816251426433759354395033.55", "7922816251426433759354395034"),
        ("0.00000000000000000000000000005", "0.0000000000000000000000000000"),
        ("0.00000000000000000000000000006", "0.0000000000000000000000000001"),
        ("0.00000000000000000000000000015", "0.0000000000000000000000000002"),
        ("0.0000000000000000000000000000500000001", "0.0000000000000000000000000001"),
        ("1.0000000000000000000000000000000000001", "1.0000000000000000000000000000"),
        ("3.05e-27", "0.0000000000000000000000000030"),
        ("3.0500000000000000000001e-27", "0.0000000000000000000000000031"),
        ("1e28", "10000000000000000000000000000"),
        ("5e-29", "0.0000000000000000000000000000"),
        ("0e-5", "0.00000"),
        ("0e-99", "0.0000000000000000000000000000"),
        ("0e9999999999", "0"),
        ("0e-9999999999", "0"),
        ("1e-9999999999", "0.0000000000000000000000000000"),
    ];
    for (read, is) in due {
        assert_eq!(decimal(read).to_string(), is, "{read}");
        assert_eq!(decode::<Decimal>(&bytes(&text(read))).unwrap(), decimal(read));
    }
}

#[test]
fn a_text_that_is_no_decimal_is_refused() {
    let not = [
        "",
        ".",
        "-",
        "+",
        "e1",
        "1e",
        "1e+",
        "1e5x",
        "1x",
        " 1",
        "1 ",
        "1,000",
        "--1",
        "NaN",
        "0x1",
        "1_0",
        ".e5",
        "79228162514264337593543950335.5",
        "79228162514264337593543950336",
        "1e29",
        "1e9999999999",
        "99999999999999999999999999999",
    ];
    for not in not {
        let error = refused::<Decimal>(&text(not));
        assert!(matches!(error.problem, Problem::Malformed { target: "decimal", .. }), "{not}: {error}");
    }
    for other in ["05", "c0", "cb3ff8000000000000", "c40131"] {
        assert!(matches!(refused::<Decimal>(other).problem, Problem::Unexpected { expected: "text", .. }), "{other}");
    }
}

#[test]
fn a_native_decimal_is_the_memory_of_dotnet() {
    both_ways(NativeDecimal(decimal("0")), "c41000000000000000000000000000000000");
    both_ways(NativeDecimal(decimal("1.50")), "c41000000200000000009600000000000000");
    both_ways(NativeDecimal(decimal("-1.5")), "c41000000180000000000f00000000000000");
    both_ways(NativeDecimal(decimal("79228162514264337593543950335")), "c41000000000ffffffffffffffffffffffff");
    // A scale of 29, and a bit that no flags have.
    assert!(matches!(
        refused::<NativeDecimal>("c41000001d00000000009600000000000000").problem,
        Problem::Malformed { .. }
    ));
    assert!(matches!(
        refused::<NativeDecimal>("c41001000000000000009600000000000000").problem,
        Problem::Malformed { .. }
    ));
    assert_eq!(Decimal::new(1 << 96, 0, false), None);
    assert_eq!(Decimal::from(-5_i32), decimal("-5"));
    assert_eq!(Decimal::from(u64::MAX), decimal("18446744073709551615"));
}

#[test]
fn characters_are_numbers() {
    both_ways(Char(0x61), "61");
    both_ways(Char(0x3042), "cd3042");
    both_ways(Char(0xd83d), "cdd83d");
    both_ways(Rune('a'), "61");
    both_ways(Rune('\u{1f600}'), "ce0001f600");
    for outside in ["ff", "ce00010000"] {
        assert!(matches!(refused::<Char>(outside).problem, Problem::OutOfRange { .. }), "{outside}");
    }
    for outside in ["cdd83d", "ce00110000", "ff"] {
        assert!(matches!(refused::<Rune>(outside).problem, Problem::OutOfRange { .. }), "{outside}");
    }
    assert!(matches!(refused::<Char>("a161").problem, Problem::Unexpected { .. }));
}

#[test]
fn what_version_2_5_has_not_is_refused_with_it_in_both_directions() {
    fn both_refused<T: Encode + for<'a> Decode<'a> + Debug>(value: T) {
        let mut writer = Writer::with_settings(old());
        let error = value.encode(&mut writer).unwrap_err();
        assert!(matches!(error.problem, Problem::NotSupported(_)), "{error}");
        assert_eq!(writer.bytes(), []);
        let bytes = encode(&value).unwrap();
        let error = T::decode(&mut Reader::with_settings(&bytes, old())).unwrap_err();
        assert!(matches!(error.problem, Problem::NotSupported(_)), "{error}");
    }
    both_refused(Rune('a'));
    both_refused(1_i128);
    both_refused(1_u128);
}

#[test]
fn integers_of_128_bits_are_little_endian() {
    both_ways(1_i128, "c41001000000000000000000000000000000");
    both_ways(-1_i128, "c410ffffffffffffffffffffffffffffffff");
    both_ways(i128::MIN, "c41000000000000000000000000000000080");
    both_ways(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10_u128, "c410100f0e0d0c0b0a090807060504030201");
    both_ways(u128::MAX, "c410ffffffffffffffffffffffffffffffff");
    assert!(matches!(refused::<i128>("c40101").problem, Problem::WrongLength { expected: 16, found: 1, .. }));
    assert!(matches!(refused::<u128>("01").problem, Problem::Unexpected { .. }));
}

#[test]
fn a_half_is_a_float() {
    both_ways(Half(0), "ca00000000");
    both_ways(Half(0x3e00), "ca3fc00000");
    both_ways(Half(0x7bff), "ca477fe000");
    both_ways(Half(1), "ca33800000");
    both_ways(Half(0x7c00), "ca7f800000");
    both_ways(Half(0xfe00), "caffc00000");
    reads("05", Half(0x4500));
    reads("cb3ff8000000000000", Half(0x3e00));
    // Between two: to the even one; half of the smallest is none, and past the largest is infinite.
    for (float, half) in [(1.000_488_3, 0x3c00), (1.001_464_8, 0x3c02), (2.0_f32.powi(-25), 0), (65_520.0, 0x7c00)] {
        assert_eq!(Half::from_f32(float), Half(half), "{float}");
    }
    for bits in 0..=u16::MAX {
        let again = Half::from_f32(Half(bits).to_f32());
        // What is not a number is quiet afterwards, as in .NET.
        let quiet = if bits & 0x7c00 == 0x7c00 && bits & 0x3ff != 0 { 0x200 } else { 0 };
        assert_eq!(again, Half(bits | quiet));
    }
}

#[test]
fn a_complex_number_is_two_doubles() {
    both_ways(Complex { real: 1.0, imaginary: -2.0 }, "92cb3ff0000000000000cbc000000000000000");
    reads("9201ca3fc00000", Complex { real: 1.0, imaginary: 1.5 });
    assert!(matches!(refused::<Complex>("9101").problem, Problem::WrongLength { .. }));
    assert!(matches!(refused::<Complex>("93010203").problem, Problem::WrongLength { .. }));
}

#[test]
fn a_big_integer_is_as_few_bytes_as_say_its_sign() {
    let due = [
        ("0", "c40100"),
        ("1", "c40101"),
        ("-1", "c401ff"),
        ("127", "c4017f"),
        ("128", "c4028000"),
        ("255", "c402ff00"),
        ("256", "c4020001"),
        ("-128", "c40180"),
        ("-129", "c4027fff"),
        ("18446744073709551616", "c409000000000000000001"),
        ("-18446744073709551616", "c4090000000000000000ff"),
        ("123456789012345678901234567890123456789", "c410158139ae28a3dfaac5fe1560a5e9e05c"),
    ];
    for (digits, bytes) in due {
        let value: BigInteger = digits.parse().unwrap();
        assert_eq!(value.to_string(), digits);
        both_ways(value, bytes);
    }
    for (bytes, value) in [("c400", 0_i128), ("c4050100000000", 1), ("c404ffffffff", -1), ("a17f", 127)] {
        reads(bytes, BigInteger::try_from(value).unwrap());
    }
    assert_eq!(hex(&encode(&BigInteger(vec![0xff, 0xff])).unwrap()), "c401ff");
    assert!(matches!(refused::<BigInteger>("c0").problem, Problem::Unexpected { .. }));
    assert!(matches!(refused::<BigInteger>("01").problem, Problem::Unexpected { .. }));
    for not in ["", "-", "1x", "0x1", " 1"] {
        assert!(not.parse::<BigInteger>().is_err(), "{not}");
    }
}

#[test]
fn a_uri_is_the_text_that_it_was_made_of() {
    both_ways(Uri(String::from("HTTP://Example.com:80/a b/%7e?q=1#f")), &text("HTTP://Example.com:80/a b/%7e?q=1#f"));
    both_ways(Some(Uri(String::from("a/b?c"))), "a5612f623f63");
    both_ways(None::<Uri>, "c0");
}

#[test]
fn a_version_is_two_to_four_numbers() {
    both_ways(VersionNumber::new(1, 2), &text("1.2"));
    both_ways("1.2.3".parse::<VersionNumber>().unwrap(), &text("1.2.3"));
    both_ways("1.2.3.2147483647".parse::<VersionNumber>().unwrap(), &text("1.2.3.2147483647"));
    both_ways(None::<VersionNumber>, "c0");
    // As .NET 10 reads them.
    for lenient in [" 1.2", "1 . 2 ", "+1.2", "01.02", "1.2\0", "1.2.3 ", "\t1.\n2", "1.+2", "-0.1"] {
        assert!(lenient.parse::<VersionNumber>().is_ok(), "{lenient:?}");
    }
    for not in ["1", "-1.2", "1.2.3.4.5", "1..2", "1.2.", "2147483648.0", "1.\u{ff12}", "", ".", "\0.1"] {
        let error = refused::<VersionNumber>(&text(not));
        assert!(matches!(error.problem, Problem::Malformed { target: "Version", .. }), "{not:?}");
    }
    assert!(encode(&VersionNumber::new(1 << 31, 0)).is_err());
    assert!(encode(&VersionNumber { revision: Some(1), ..VersionNumber::new(1, 0) }).is_err());
}

proptest! {
    #[test]
    fn every_scalar_comes_back(
        guid: [u8; 16],
        unit: u16,
        char: char,
        wide: (i128, u128),
        parts: (u32, u32, Option<u32>, Option<u32>),
        uri: String,
        floats: (f64, f64),
    ) {
        let guid = Guid(guid);
        comes_back(&guid)?;
        comes_back(&NativeGuid(guid))?;
        prop_assert_eq!(guid.to_string().parse::<Guid>().unwrap(), guid);
        comes_back(&Char(unit))?;
        comes_back(&Rune(char))?;
        comes_back(&wide.0)?;
        comes_back(&wide.1)?;
        let (major, minor, build, revision) = parts;
        let build = build.map(|part| part >> 1);
        let version = VersionNumber {
            major: major >> 1,
            minor: minor >> 1,
            build,
            revision: build.and(revision).map(|part| part >> 1),
        };
        comes_back(&version)?;
        comes_back(&Uri(uri))?;
        comes_back(&Complex { real: floats.0, imaginary: floats.1 })?;
    }

    #[test]
    fn every_decimal_comes_back(low: u32, middle: u32, high: u32, scale in 0..=28_u32, negative: bool) {
        let flags = scale << 16 | u32::from(negative) << 31;
        let value = Decimal::from_bits([low, middle, high, flags]).unwrap();
        prop_assert_eq!(value.to_bits(), [low, middle, high, flags]);
        comes_back(&NativeDecimal(value))?;
        // A zero loses its sign.
        let signed = negative && value.digits() != 0;
        let value = Decimal::new(value.digits(), value.scale(), signed).unwrap();
        let bytes = encode(&value).unwrap();
        prop_assert_eq!(decode::<Decimal>(&bytes).unwrap(), value);
        prop_assert_eq!(value.to_string().parse::<Decimal>().unwrap(), value);
    }

    #[test]
    fn every_big_integer_comes_back_and_has_its_place(bytes: Vec<u8>, value: i128, other: i128) {
        let big = BigInteger(bytes);
        comes_back(&big)?;
        prop_assert_eq!(&big.to_string().parse::<BigInteger>().unwrap(), &big);
        let (one, two) = (BigInteger::try_from(value).unwrap(), BigInteger::try_from(other).unwrap());
        prop_assert_eq!(one.cmp(&two), value.cmp(&other));
        prop_assert_eq!(one.to_string(), value.to_string());
        prop_assert_eq!(one.to_i128(), Some(value));
    }

    #[test]
    fn no_bytes_make_a_scalar_panic(bytes: Vec<u8>, head: u8, text in "[-+0-9.eE]{0,40}") {
        fn any<T: for<'a> Decode<'a>>(bytes: &[u8]) {
            let _ = decode::<T>(bytes);
        }
        let mut bytes = bytes;
        bytes.insert(0, head);
        for bytes in [&bytes[..], &encode(text.as_str()).unwrap()] {
            any::<Guid>(bytes);
            any::<NativeGuid>(bytes);
            any::<Decimal>(bytes);
            any::<NativeDecimal>(bytes);
            any::<DateTime>(bytes);
            any::<NativeDateTime>(bytes);
            any::<DateTimeOffset>(bytes);
            any::<DateOnly>(bytes);
            any::<TimeOnly>(bytes);
            any::<Rune>(bytes);
            any::<Half>(bytes);
            any::<Complex>(bytes);
            any::<BigInteger>(bytes);
            any::<VersionNumber>(bytes);
            any::<Uri>(bytes);
            any::<i128>(bytes);
            any::<Object>(bytes);
        }
    }
}
