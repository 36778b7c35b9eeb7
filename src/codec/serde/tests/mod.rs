use super::*;
use ::serde::de::DeserializeOwned;
use std::fmt::Debug;

mod golden;
mod hostile;
mod reading;
mod writing;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    assert_eq!(hex.len() % 2, 0, "{hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[track_caller]
fn writes_with<T: Serialize + ?Sized>(options: &Options, value: &T, bytes: &str) {
    assert_eq!(
        to_vec_with(value, options).map(|bytes| hex(&bytes)).map_err(|error| error.to_string()).as_deref(),
        Ok(bytes)
    );
}

#[track_caller]
fn writes<T: Serialize + ?Sized>(value: &T, bytes: &str) {
    writes_with(&Options::default(), value, bytes);
}

#[track_caller]
fn reads_with<T: DeserializeOwned + PartialEq + Debug>(options: &Options, bytes: &str, value: &T) {
    let read = from_slice_with::<T>(&unhex(bytes), options).map_err(|error| error.to_string());
    assert_eq!(read.as_ref(), Ok(value));
}

#[track_caller]
fn reads<T: DeserializeOwned + PartialEq + Debug>(bytes: &str, value: &T) {
    reads_with(&Options::default(), bytes, value);
}

/// These bytes in both directions.
#[track_caller]
fn is_with<T: Serialize + DeserializeOwned + PartialEq + Debug>(options: &Options, value: &T, bytes: &str) {
    writes_with(options, value, bytes);
    reads_with(options, bytes, value);
}

#[track_caller]
fn is<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, bytes: &str) {
    is_with(&Options::default(), value, bytes);
}

/// Writing answers with an error that says this.
#[track_caller]
fn refuses_with<T: Serialize + ?Sized>(options: &Options, value: &T, hint: &str) {
    let mut writer = Writer::new();
    writer.int(7).unwrap();
    let error = to_writer(value, &mut writer, options).unwrap_err();
    assert!(error.to_string().contains(hint), "{error}");
    assert_ne!(error.offset, UNKNOWN);
    assert_eq!(writer.bytes(), [7], "nothing of what is refused is left");
}

#[track_caller]
fn refuses<T: Serialize + ?Sized>(value: &T, hint: &str) {
    refuses_with(&Options::default(), value, hint);
}

/// Reading answers with exactly this error.
#[track_caller]
fn fails_with<T: DeserializeOwned + Debug>(options: &Options, bytes: &str, error: &str) {
    assert_eq!(from_slice_with::<T>(&unhex(bytes), options).unwrap_err().to_string(), error);
}

#[track_caller]
fn fails<T: DeserializeOwned + Debug>(bytes: &str, error: &str) {
    fails_with::<T>(&Options::default(), bytes, error);
}
