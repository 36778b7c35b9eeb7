//! What the types promise, one file a concept.

mod collections;
mod enums;
mod object;
mod objects;
mod scalars;
mod times;

use crate::codec::{decode, encode, CodecError, Decode, Encode, Reader, Settings, Version};
use proptest::prelude::*;
use std::fmt::Debug;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The value has these bytes, and they are read as the value.
#[track_caller]
fn both_ways<T: Encode + for<'a> Decode<'a> + PartialEq + Debug>(value: T, due: &str) {
    assert_eq!(hex(&encode(&value).unwrap()), due, "{value:?}");
    reads(due, value);
}

#[track_caller]
fn reads<T: for<'a> Decode<'a> + PartialEq + Debug>(hex: &str, due: T) {
    let bytes = bytes(hex);
    let mut reader = Reader::new(&bytes);
    assert_eq!(T::decode(&mut reader).unwrap(), due, "{hex}");
    assert!(reader.is_at_end());
}

#[track_caller]
fn refused<T: for<'a> Decode<'a> + Debug>(hex: &str) -> CodecError {
    decode::<T>(&bytes(hex)).unwrap_err()
}

fn text(value: &str) -> String {
    hex(&encode(value).unwrap())
}

fn old() -> Settings {
    Settings { version: Version::V2_5, ..Settings::default() }
}

/// The value comes back from its bytes, and from no fewer of them.
fn comes_back<T: Encode + for<'a> Decode<'a> + PartialEq + Debug>(value: &T) -> std::result::Result<(), TestCaseError> {
    let bytes = encode(value).unwrap();
    let mut reader = Reader::new(&bytes);
    prop_assert_eq!(&T::decode(&mut reader).unwrap(), value);
    prop_assert!(reader.is_at_end());
    // Of long ones some: the time would grow with the square.
    for length in (0..bytes.len()).step_by(1 + bytes.len() / 16) {
        prop_assert!(decode::<T>(&bytes[..length]).is_err());
    }
    Ok(())
}
