//! JSON from messages and back, compressed messages, and names of types.

use backrun::codec::lz4::{compress, decompress, Compression};
use backrun::codec::{from_json, to_json, Settings, TypeName};

/// What a decompressed message may have here.
const LIMIT: u64 = 1 << 12;

/// A message has a JSON text or there is a reason; and that text is understood without panic, or it is none.
pub fn json(message: &[u8]) {
    let settings = Settings::default();
    match to_json(message, &settings) {
        Ok(text) => {
            // A byte of a float is three digits at most, one of bin one and a third, one of text six where it is escaped.
            assert!(text.len() <= 64 + message.len() * 40, "{} bytes become {} of JSON", message.len(), text.len());
            let _ = from_json(&text, &settings);
        }
        Err(error) => assert!(error.offset <= message.len(), "{error}"),
    }
    let text = String::from_utf8_lossy(message);
    if let Err(error) = from_json(&text, &settings) {
        assert!(error.offset <= text.len(), "{error}");
    }
}

/// What is compressed comes back, and what is not is refused or is within the limit.
pub fn lz4(message: &[u8]) {
    match decompress(message, LIMIT) {
        Ok(body) => assert!(body.len() as u64 <= LIMIT || *body == *message),
        Err(error) => assert!(error.offset <= message.len(), "{error}"),
    }
    let long = message.repeat(1 + 100 / message.len().max(1));
    for way in [Compression::Lz4Block, Compression::Lz4BlockArray] {
        let packed = compress(&long, way).unwrap();
        if long.len() >= 64 {
            assert_eq!(*decompress(&packed, long.len() as u64).unwrap(), *long);
            assert!(decompress(&packed, long.len() as u64 - 1).is_err());
        }
    }
}

/// A name that is understood is written as one that means the same.
pub fn type_names(message: &[u8]) {
    let text = String::from_utf8_lossy(message);
    let Ok(name) = TypeName::parse(&text) else { return };
    let shown = name.to_string();
    let again = TypeName::parse(&shown).unwrap_or_else(|error| panic!("{shown:?} was a name, and is none: {error}"));
    assert_eq!(again.to_string(), shown);
    let short = name.short().to_string();
    TypeName::parse(&short).unwrap_or_else(|error| panic!("{short:?}: {error}"));
}
