//! Skipping, looking and taking part by part: all must see the same message.

use backrun::codec::{validate, Kind, Problem, Reader, Settings, Writer};

const DEEP: u32 = 50;

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.max_depth = DEEP;
    settings
}

pub fn every_way_of_reading_agrees(message: &[u8]) {
    let mut skipping = Reader::with_settings(message, settings());
    let skipped = skipping.skip();
    if let Err(error) = &skipped {
        assert!(error.offset <= message.len(), "{error}");
        assert!(!error.to_string().is_empty());
    }
    let mut walking = Reader::with_settings(message, settings());
    let mut writer = Writer::new();
    let walked = walk(&mut walking, &mut writer);
    // Too deep at its very end, a walk has come as far as who skips, and yet not through.
    let is_through = walked.is_ok();
    match (walked, &skipped) {
        (Ok(()), Ok(_)) => assert_eq!(walking.offset(), skipping.offset()),
        (Err(error), Err(other)) if error == *other => {}
        // A walk knows how deep it is; who skips need not.
        (Err(error), _) if matches!(error.problem, Problem::TooDeep { limit: DEEP }) => {}
        (walked, skipped) => panic!("{walked:?}, and skipping gives {skipped:?}"),
    }
    if is_through {
        // Written again in its shortest forms, it is the same message, and these are the shortest.
        let again = writer.into_bytes();
        // What is not UTF-8 became three bytes each.
        assert!(again.len() <= 3 * skipping.offset());
        let mut once_more = Writer::new();
        let mut reader = Reader::with_settings(&again, settings());
        walk(&mut reader, &mut once_more).expect("what was written is read");
        assert!(reader.is_at_end());
        assert_eq!(once_more.into_bytes(), again);
    }
    let is_valid = validate(message, settings()).is_ok();
    assert_eq!(is_valid, is_through && walking.is_at_end(), "validate says {is_valid}");
    every_method(message);
}

/// Takes a message part by part, and writes each in its shortest form.
fn walk(reader: &mut Reader<'_>, writer: &mut Writer) -> backrun::codec::Result<()> {
    match reader.peek()? {
        Kind::Nil => reader.nil().and_then(|()| writer.nil()),
        Kind::Bool => reader.bool().and_then(|value| writer.bool(value)),
        Kind::Int => match reader.clone().int() {
            Ok(value) => reader.int().and_then(|_| writer.int(value)),
            Err(_) => reader.uint().and_then(|value| writer.uint(value)),
        },
        Kind::Float => match reader.peek_code()? {
            0xca => reader.f32().and_then(|value| writer.f32(value)),
            _ => reader.f64().and_then(|value| writer.f64(value)),
        },
        Kind::Str => reader.string().and_then(|text| writer.str(&text)),
        Kind::Bin => reader.bin().and_then(|bytes| writer.bin(bytes)),
        Kind::Ext => reader.ext().and_then(|(code, body)| writer.ext(code, body)),
        Kind::Array => {
            let count = reader.array_header()?;
            reader.enter()?;
            writer.array_header(count)?;
            for _ in 0..count {
                walk(reader, writer)?;
            }
            reader.leave();
            Ok(())
        }
        Kind::Map => {
            let count = reader.map_header()?;
            reader.enter()?;
            writer.map_header(count)?;
            for _ in 0..2 * count {
                walk(reader, writer)?;
            }
            reader.leave();
            Ok(())
        }
        _ => reader.skip().map(|_| ()),
    }
}

/// Every way to take a value, whatever stands there: it takes something, or stays and says why.
fn every_method(message: &[u8]) {
    fn try_one<'a, T>(message: &'a [u8], take: impl FnOnce(&mut Reader<'a>) -> backrun::codec::Result<T>) {
        let mut reader = Reader::new(message);
        match take(&mut reader) {
            Ok(_) => assert!(reader.offset() > 0),
            Err(error) => {
                assert_eq!(reader.offset(), 0, "{error}");
                assert!(error.offset <= message.len(), "{error}");
            }
        }
    }
    try_one(message, |reader| reader.nil());
    try_one(message, |reader| reader.bool());
    try_one(message, |reader| reader.int());
    try_one(message, |reader| reader.uint());
    try_one(message, |reader| reader.f32());
    try_one(message, |reader| reader.f64());
    try_one(message, |reader| reader.str());
    try_one(message, |reader| reader.string());
    try_one(message, |reader| reader.bin());
    try_one(message, |reader| reader.ext());
    try_one(message, |reader| reader.timestamp());
    try_one(message, |reader| reader.array_header());
    try_one(message, |reader| reader.map_header());
    let _ = Reader::new(message).peek_ext();
}
