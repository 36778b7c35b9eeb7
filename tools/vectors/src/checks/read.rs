//! `read`: the bytes give the value, or the error that is due.

use super::{about_types, bytes_of, is_about_types, refused, type_of, value_of, Checked, End};
use crate::csharp::Type;
use crate::json::Json;
use crate::line::{differ, Line};
use crate::node::Node;
use crate::options::Options;
use crate::reading::Reading;
use crate::same::{runtime_type, same};
use crate::stop::{Result, Stop};
use crate::value::Value;
use crate::world::World;
use crate::writing::Writing;

pub fn check(world: &World, line: &Line, options: &Options) -> Checked {
    let bytes = bytes_of(line, "hex")?;
    let of = type_of(line)?;
    let is_due = line.json.get("ok") != Some(&Json::Bool(false));
    let read = read(world, options, &bytes, &of);
    let (value, used) = match (read, is_due) {
        (Ok(read), true) => read,
        (Ok((value, _)), false) => {
            let errors = line.errors().unwrap_or_default();
            if is_about_types(&errors) {
                return about_types(&errors);
            }
            let due = errors.join(", ");
            return Err(End::Failed(differ("it is read, and should be refused", &due, &format!("{value:?}"))));
        }
        (Err(Stop::Unknown(why)), _) => return by_the_bytes(world, line, options, &bytes, why),
        (Err(stop), true) => return Err(End::from(stop)),
        (Err(stop), false) => return refused(stop, &line.errors().unwrap_or_default(), options),
    };
    let due = value_of(line)?;
    if !same(&due, &value, &of) {
        return Err(End::Failed(differ("another value was read", &format!("{due:?}"), &format!("{value:?}"))));
    }
    if let Some(due) = line.text("runtime_type").filter(|_| of.is("object")) {
        let found = runtime_type(&value).unwrap_or_default();
        if due != found && Type::parse(&due).map(|due| due.to_string()) != Ok(found.clone()) {
            return Err(End::Failed(differ("another type was read", &due, &found)));
        }
    }
    let due = line.json.get("bytes_read").and_then(Json::whole).unwrap_or(bytes.len());
    match options.compression {
        None if due != used => Err(End::Failed(format!("{due} bytes are due to be read, and {used} were"))),
        _ => Ok(()),
    }
}

/// A type that is not known: the bytes may end early for every type, and be what the value gives.
fn by_the_bytes(world: &World, line: &Line, options: &Options, bytes: &[u8], why: String) -> Checked {
    let node = Node::parse(bytes);
    match (node, line.errors()) {
        (Err(error), Some(errors)) => refused(Stop::Codec(error), &errors, options),
        (Ok(node), None) => {
            let written = Writing::new(world, options).bytes(&value_of(line)?, &type_of(line)?, Some(&node));
            match written {
                Ok(written) if written == node.bytes => Ok(()),
                _ => Err(End::NotApplicable(why)),
            }
        }
        _ => Err(End::NotApplicable(why)),
    }
}

fn read(world: &World, options: &Options, bytes: &[u8], of: &Type) -> Result<(Value, usize)> {
    let reading = Reading { world, options };
    if options.compression.is_none() {
        return reading.of_bytes(bytes, of);
    }
    let body = super::lz4::decompress(bytes, options).map_err(Stop::from)?;
    reading.of_bytes(&body, of)
}
