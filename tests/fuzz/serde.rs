//! What serde asks for, from any bytes.

use crate::types::note;
use backrun::codec::serde::Options;
use backrun::codec::{from_slice, to_vec};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Class {
    it: Option<Box<Class>>,
    a: Option<Vec<Option<i32>>>,
    #[serde(default)]
    b: Option<String>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Keyed {
    #[serde(rename = "0")]
    a: i64,
    #[serde(rename = "2")]
    b: Option<String>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Union {
    #[serde(rename = "0")]
    One(Box<Union>),
    #[serde(rename = "1")]
    Two(Keyed),
    #[serde(rename = "300")]
    Three(String),
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Number {
    #[serde(rename = "0")]
    None,
    #[serde(rename = "-3")]
    Less,
    #[serde(rename = "70000")]
    More,
}

fn comes_back<T: Serialize + for<'a> Deserialize<'a>>(message: &[u8]) {
    let value = from_slice::<T>(message);
    note(std::any::type_name::<T>(), value.is_ok());
    let value = match value {
        Ok(value) => value,
        Err(error) => {
            assert!(error.offset <= message.len(), "{error}");
            return;
        }
    };
    // A type that reads what it cannot write says so.
    let Ok(bytes) = to_vec(&value) else { return };
    let value: T = from_slice(&bytes).unwrap_or_else(|error| panic!("what was written is refused: {error}"));
    assert_eq!(to_vec(&value).ok().as_deref(), Some(&*bytes));
}

pub fn every_shape(message: &[u8]) {
    comes_back::<Class>(message);
    comes_back::<Keyed>(message);
    comes_back::<Union>(message);
    comes_back::<Number>(message);
    comes_back::<Vec<Class>>(message);
    comes_back::<Option<Vec<f64>>>(message);
    comes_back::<BTreeMap<String, Union>>(message);
    comes_back::<BTreeMap<i32, Option<Number>>>(message);
    comes_back::<(u8, String)>(message);
    comes_back::<(i16, f32, Option<bool>)>(message);
    comes_back::<uuid::Uuid>(message);
    comes_back::<i128>(message);
    comes_back::<char>(message);
    let _ = from_slice::<IgnoredAny>(message);
    let _ = backrun::codec::serde::from_slice_with::<Class>(message, &Options::arrays());
}
