//! Whether what was read is what a line tells.

use crate::csharp::Type;
use crate::value::Value;

/// Where the order is the collection's own affair it does not count.
pub fn same(due: &Value, found: &Value, of: &Type) -> bool {
    let name = of.to_string();
    let is_free =
        ["Sorted", "HashSet", "Concurrent", "ImmutableDictionary", "Frozen"].iter().any(|word| name.contains(word));
    equal(due, found, is_free)
}

fn equal(due: &Value, found: &Value, is_free: bool) -> bool {
    let all = |due: &[Value], found: &[Value]| {
        due.len() == found.len() && due.iter().zip(found).all(|(due, found)| equal(due, found, is_free))
    };
    let unordered = |due: &[Value], found: &[Value]| {
        due.len() == found.len() && due.iter().all(|due| found.iter().any(|found| equal(due, found, is_free)))
    };
    let flat = |entries: &[(Value, Value)]| {
        entries.iter().map(|(key, value)| Value::Pair(Box::new((key.clone(), value.clone())))).collect::<Vec<_>>()
    };
    match (due, found) {
        (_, Value::Untold) => true,
        (Value::Lazy(due), found) => equal(due, found, is_free),
        (due, Value::Lazy(found)) => equal(due, found, is_free),
        (due, Value::Boxed(_, found)) => equal(due, found, is_free),
        (Value::List(due), Value::List(found)) if is_free => unordered(due, found),
        (Value::List(due), Value::List(found)) | (Value::Tuple(due), Value::Tuple(found)) => all(due, found),
        (Value::Map(due), Value::Map(found)) if is_free => unordered(&flat(due), &flat(found)),
        (Value::Map(due), Value::Map(found)) => all(&flat(due), &flat(found)),
        (Value::Pair(due), Value::Pair(found)) => equal(&due.0, &found.0, is_free) && equal(&due.1, &found.1, is_free),
        (Value::Group(key, due), Value::Group(own_key, found)) => equal(key, own_key, is_free) && all(due, found),
        (Value::Dims(lengths, due), Value::Dims(own_lengths, found)) => lengths == own_lengths && all(due, found),
        (Value::Object(_, due), Value::Object(_, found)) => {
            let mut left: Vec<&(String, Value)> = found.iter().collect();
            // What overrides a member is told once.
            due.len() <= found.len()
                && due.iter().all(|(name, due)| match left.iter().position(|(own, _)| own == name) {
                    Some(at) => equal(due, &left.remove(at).1, is_free),
                    None => false,
                })
        }
        // The line tells it without its assembly.
        (Value::TypeName(due), Value::TypeName(found)) => found == due || found.starts_with(&format!("{due}, ")),
        // A list of bytes may be told as bytes.
        (Value::Bytes(due), Value::List(found)) => {
            let bytes: Vec<u8> = found
                .iter()
                .filter_map(|item| match item {
                    Value::Int(_, number) => Some(*number as u8),
                    Value::Enum(own) => Some(own.number as u8),
                    _ => None,
                })
                .collect();
            *due == bytes && bytes.len() == found.len()
        }
        (due, found) => due == found,
    }
}

/// C#'s word for the type of a value in an `object` slot.
pub fn runtime_type(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Int(int, _) => int.name().to_owned(),
        Value::List(_) => "object[]".to_owned(),
        Value::Map(_) => "Dictionary<object,object>".to_owned(),
        Value::Boxed(name, _) => crate::clr::Name::parse(name)?.to_type()?.to_string(),
        Value::Object(name, _) => name.clone(),
        value => crate::writing::natural(value).to_string(),
    })
}
