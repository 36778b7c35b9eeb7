//! Every type, from any bytes.

use backrun::codec::dotnet::*;
use backrun::codec::{Decode, Encode, Reader, Settings, Version, Writer};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

thread_local! {
    /// How many cases each type had, and how many of them were read.
    static READ: RefCell<BTreeMap<&'static str, (u64, u64)>> = const { RefCell::new(BTreeMap::new()) };
}

pub fn note(name: &'static str, is_read: bool) {
    READ.with_borrow_mut(|all| {
        let (tried, read) = all.entry(name).or_default();
        *tried += 1;
        *read += u64::from(is_read);
    });
}

/// Fails where a type was always refused: nothing was tried with it then.
pub fn each_was_read_at_times() {
    READ.with_borrow(|all| {
        for (name, (tried, read)) in all {
            println!("{name}: {read} of {tried} cases are read");
        }
        let never: Vec<_> = all.iter().filter(|(_, (_, read))| *read == 0).collect();
        assert!(!all.is_empty() && never.is_empty(), "never read: {never:?}");
    });
}

/// Bytes become a value or an error; and a value's bytes become the same bytes again.
fn comes_back<T: Encode + for<'a> Decode<'a>>(message: &[u8]) {
    for version in [Version::V2_5, Version::V3_1] {
        let mut settings = Settings::default();
        settings.version = version;
        let mut reader = Reader::with_settings(message, settings);
        let value = T::decode(&mut reader);
        note(std::any::type_name::<T>(), value.is_ok());
        let value = match value {
            Ok(value) => value,
            Err(error) => {
                assert!(error.offset <= message.len(), "{error}");
                continue;
            }
        };
        let Some(bytes) = written(&value, settings) else { continue };
        let mut again = Reader::with_settings(&bytes, settings);
        let value = T::decode(&mut again).unwrap_or_else(|error| panic!("what was written is refused: {error}"));
        assert!(again.is_at_end());
        let again = written(&value, settings);
        assert_eq!(again.as_deref(), Some(&*bytes));
    }
}

/// `None`: the version has no form for it.
fn written<T: Encode>(value: &T, settings: Settings) -> Option<Vec<u8>> {
    let mut writer = Writer::with_settings(settings);
    match value.encode(&mut writer) {
        Ok(()) => Some(writer.into_bytes()),
        Err(error) => {
            assert!(matches!(error.problem, backrun::codec::Problem::NotSupported(_)), "{error}");
            None
        }
    }
}

macro_rules! each {
    ($message:expr, $($type:ty),* $(,)?) => {
        $(comes_back::<$type>($message);)*
    };
}

pub fn scalars(message: &[u8]) {
    each!(
        message,
        (),
        bool,
        i8,
        i16,
        i32,
        i64,
        u8,
        u16,
        u32,
        u64,
        i128,
        u128,
        f32,
        f64,
        String,
        Char,
        Guid,
        NativeGuid,
        Decimal,
        NativeDecimal,
        Uri,
        VersionNumber,
        BigInteger,
        Half,
        Rune,
        Complex,
        BitArray,
        Bytes,
        Option<i32>,
        Option<String>,
        Option<Decimal>,
    );
}

pub fn times(message: &[u8]) {
    each!(message, DateTime, NativeDateTime, DateTimeOffset, TimeSpan, DateOnly, TimeOnly, Option<DateTime>);
}

pub fn containers(message: &[u8]) {
    each!(
        message, Object, Vec<u8>, Vec<i32>, Vec<String>, Vec<Option<Object>>, Vec<Vec<Object>>, Stack<i32>, Set<i32>, Set<String>,
        MultiArray<i32, 2>, MultiArray<Object, 3>, MultiArray<u8, 4>, OrderedMap<String, i32>, OrderedMap<i64, Object>,
        ConcurrentDictionary<String, Object>, (i32,), (i32, String), (i32, i32, i32, i32, i32, i32, i32, i32, i32),
        Pair<String, Object>, Vec<Pair<i32, Bytes>>, Vec<DateTime>, Option<Vec<Option<(u8, Object)>>>,
    );
    // The order is the hash's, so that only the first way is looked at.
    let _ = HashMap::<String, Object>::decode(&mut Reader::new(message));
    let mut reader = Reader::new(message);
    let _ = decode_union(&mut reader, |_, reader| Object::decode(reader).map(Some));
}
