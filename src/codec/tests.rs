use super::*;
use proptest::prelude::*;

fn written(write: impl FnOnce(&mut Writer) -> Result<()>) -> Vec<u8> {
    let mut writer = Writer::new();
    write(&mut writer).unwrap();
    writer.into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn integers_are_as_short_as_can_be_and_those_not_negative_unsigned() {
    let due: &[(i64, &str)] = &[
        (0, "00"),
        (127, "7f"),
        (128, "cc80"),
        (255, "ccff"),
        (256, "cd0100"),
        (65_535, "cdffff"),
        (65_536, "ce00010000"),
        (0xffff_ffff, "ceffffffff"),
        (0x1_0000_0000, "cf0000000100000000"),
        (i64::MAX, "cf7fffffffffffffff"),
        (-1, "ff"),
        (-32, "e0"),
        (-33, "d0df"),
        (-128, "d080"),
        (-129, "d1ff7f"),
        (-32_768, "d18000"),
        (-32_769, "d2ffff7fff"),
        (-0x8000_0000, "d280000000"),
        (-0x8000_0001, "d3ffffffff7fffffff"),
        (i64::MIN, "d38000000000000000"),
    ];
    for (value, bytes) in due {
        assert_eq!(hex(&written(|writer| writer.int(*value))), *bytes, "{value}");
    }
    assert_eq!(hex(&written(|writer| writer.uint(u64::MAX))), "cfffffffffffffffff");
}

#[test]
fn a_timestamp_takes_the_form_that_the_library_chooses() {
    let of = |seconds, nanos| hex(&written(|writer| writer.timestamp(seconds, nanos)));
    assert_eq!(of(0, 0), "d6ff00000000");
    assert_eq!(of(0, 199), "d7ff0000019000000000");
    assert_eq!(of(0xffff_ffff, 0), "d6ffffffffff");
    assert_eq!(of(0x1_0000_0000, 0), "d7ff0000000100000000");
    assert_eq!(of((1 << 34) - 1, 999_999_900), "d7ffee6b2673ffffffff");
    assert_eq!(of(1 << 34, 0), "c70cff000000000000000400000000");
    assert_eq!(of(-1, 999_000_000), "c70cff3b8b87c0ffffffffffffffff");
    assert!(matches!(
        Writer::new().timestamp(0, 1_000_000_000),
        Err(CodecError { problem: Problem::OutOfRange { .. }, .. })
    ));
}

#[test]
fn a_surrogate_without_its_half_is_written_as_the_replacement() {
    assert_eq!(hex(&written(|writer| writer.str_utf16(&[0x61, 0xd800, 0x62]))), "a561efbfbd62");
    assert_eq!(hex(&written(|writer| writer.str_utf16(&[0xd83d, 0xde00]))), "a4f09f9880");
}

#[test]
fn what_is_not_utf8_is_read_as_the_replacement_and_refused_where_text_must_be_whole() {
    let bytes = [0xa3, 0x61, 0xff, 0x62];
    assert_eq!(Reader::new(&bytes).string().unwrap(), "a\u{fffd}b");
    let error = Reader::new(&bytes).str().unwrap_err();
    assert_eq!(error.offset, 2);
    assert_eq!(error.to_string(), "byte 2: this is no text: it is not UTF-8");
}

#[test]
fn a_number_too_large_for_its_target_is_refused_and_left_where_it_is() {
    let bytes = written(|writer| writer.int(300));
    let mut reader = Reader::new(&bytes);
    let error = u8::decode(&mut reader).unwrap_err();
    assert_eq!(error.to_string(), "byte 0: 300 does not fit into a byte (0 to 255)");
    assert_eq!(u16::decode(&mut reader).unwrap(), 300);
    assert_eq!(i64::decode(&mut Reader::new(&written(|writer| writer.uint(u64::MAX)))).unwrap_err().offset, 0);
}

#[test]
fn a_count_that_the_bytes_cannot_hold_is_refused_at_its_header() {
    for bytes in [&[0xdd, 0xff, 0xff, 0xff, 0xff, 0x00][..], &[0x92, 0x01], &[0xdc, 0x00, 0x02, 0x01]] {
        assert!(
            matches!(Reader::new(bytes).array_header().unwrap_err().problem, Problem::TooMany { .. }),
            "{bytes:x?}"
        );
    }
    for bytes in [&[0xdf, 0xff, 0xff, 0xff, 0xff, 0x00][..], &[0x81, 0x01], &[0xde, 0x00, 0x02, 0x01, 0x01, 0x01]] {
        assert!(matches!(Reader::new(bytes).map_header().unwrap_err().problem, Problem::TooMany { .. }), "{bytes:x?}");
    }
    assert!(matches!(
        Reader::new(&[0xdb, 0xff, 0xff, 0xff, 0xff, 0x61]).str().unwrap_err().problem,
        Problem::TooMany { .. }
    ));
    assert!(matches!(
        Reader::new(&[0xc9, 0xff, 0xff, 0xff, 0xff, 0x01]).ext().unwrap_err().problem,
        Problem::TooMany { .. }
    ));
}

#[test]
fn a_value_however_deep_is_skipped() {
    let mut bytes = vec![0x91; 1_000_000];
    bytes.push(0xc0);
    bytes.push(0x07);
    let mut reader = Reader::new(&bytes);
    assert_eq!(reader.skip().unwrap().len(), 1_000_001);
    assert_eq!(reader.int().unwrap(), 7);
    assert!(Reader::new(&[0x92, 0x01, 0xc1]).skip().is_err());
}

#[test]
fn a_depth_past_the_limit_is_refused() {
    let mut reader = Reader::new(&[]);
    for _ in 0..DEFAULT_MAX_DEPTH {
        reader.enter().unwrap();
    }
    assert_eq!(reader.enter().unwrap_err().problem, Problem::TooDeep { limit: 500 });
    reader.leave();
    reader.enter().unwrap();
}

#[test]
fn every_end_in_the_middle_of_a_message_is_an_error() {
    let whole = written(|writer| {
        writer.map_header(6)?;
        writer.str("text that is longer than thirty-one bytes")?;
        writer.bin(&[1; 300])?;
        writer.int(-70_000)?;
        writer.f64(1.5)?;
        writer.nil()?;
        writer.timestamp(-1, 100)?;
        writer.bool(true)?;
        writer.array_header(20)?;
        (0..20).try_for_each(|n| writer.full_i64(n))?;
        writer.ext(7, &[1; 5])?;
        writer.f32(0.5)?;
        writer.uint(70_000)?;
        writer.map_header(0)
    });
    assert_eq!(Reader::new(&whole).skip().unwrap(), whole);
    for length in 0..whole.len() {
        assert!(Reader::new(&whole[..length]).skip().is_err(), "{length} bytes");
    }
}

proptest! {
    #[test]
    fn every_integer_comes_back(signed: i64, unsigned: u64) {
        prop_assert_eq!(decode::<i64>(&encode(&signed).unwrap()).unwrap(), signed);
        prop_assert_eq!(decode::<u64>(&encode(&unsigned).unwrap()).unwrap(), unsigned);
    }

    #[test]
    fn every_text_and_every_byte_comes_back(text: String, bytes: Vec<u8>, old_spec: bool) {
        let mut writer = Writer::with_settings(Settings { old_spec, ..Settings::default() });
        writer.str(&text).unwrap();
        writer.bin(&bytes).unwrap();
        let mut reader = Reader::new(writer.bytes());
        prop_assert_eq!(reader.str().unwrap(), text);
        prop_assert_eq!(reader.bin().unwrap(), bytes);
        prop_assert!(reader.is_at_end());
    }

    #[test]
    fn every_timestamp_comes_back_to_100_ns(seconds: i64, nanos in 0..1_000_000_000u32) {
        let bytes = written(|writer| writer.timestamp(seconds, nanos));
        prop_assert_eq!(Reader::new(&bytes).timestamp().unwrap(), (seconds, nanos / 100 * 100));
    }

    #[test]
    fn no_bytes_make_a_reader_go_past_their_end(bytes: Vec<u8>) {
        // Each of these answers, and what it took lies in what there was.
        let begin = Reader::new(&bytes);
        if let Ok(taken) = { begin }.skip() {
            prop_assert!(taken.len() <= bytes.len());
        }
        let _ = { begin }.integer();
        let _ = { begin }.f64();
        let _ = { begin }.f32();
        let _ = { begin }.string();
        let _ = { begin }.bin();
        let _ = { begin }.ext();
        let _ = { begin }.timestamp();
        let _ = { begin }.map_header();
        let _ = { begin }.array_header();
        let _ = begin.peek_ext();
    }
}
