//! `tojson`, `fromjson`, `serializetojson`.

use super::{about_types, bytes_of, is_about_types, refused, Checked, End};
use crate::json::Json;
use crate::line::{differ, same_bytes, Line};
use crate::options::Options;
use crate::stop::Stop;
use crate::world::World;
use backrun::codec::{from_json, to_json};

pub fn to(line: &Line, options: &Options) -> Checked {
    text(line, options, &bytes_of(line, "hex")?)
}

pub fn serialize(world: &World, line: &Line, options: &Options) -> Checked {
    match (super::write::written(world, line, options), line.errors()) {
        (Ok((bytes, _)), _) => text(line, options, &bytes),
        (Err(End::Failed(_)), Some(errors)) if is_about_types(&errors) => about_types(&errors),
        (Err(end), _) => Err(end),
    }
}

fn text(line: &Line, options: &Options, bytes: &[u8]) -> Checked {
    match (to_json(bytes, &options.settings()), line.errors()) {
        (Ok(found), None) => {
            let Some(Json::Text(due)) = line.json.get("json") else {
                return Err(End::NotApplicable("the line lacks its \"json\"".to_owned()));
            };
            if found.encode_utf16().eq(due.iter().copied()) {
                return Ok(());
            }
            Err(End::Failed(differ("the JSON", &String::from_utf16_lossy(due), &found)))
        }
        (Ok(_), Some(errors)) if is_about_types(&errors) => about_types(&errors),
        (Ok(found), Some(errors)) => Err(End::Failed(differ("an error is due", &errors.join(", "), &found))),
        (Err(error), None) => Err(End::Failed(error.to_string())),
        (Err(error), Some(errors)) => refused(Stop::Codec(error), &errors, options),
    }
}

pub fn from(line: &Line, options: &Options) -> Checked {
    let (text, is_halved) = match line.json.get("json") {
        // Half a surrogate pair becomes what the library writes for it.
        Some(Json::Text(units)) => (String::from_utf16_lossy(units), String::from_utf16(units).is_err()),
        _ => return Err(End::NotApplicable("the line lacks its \"json\"".to_owned())),
    };
    match (from_json(&text, &options.settings()), line.errors()) {
        (Ok(found), None) => {
            let due = bytes_of(line, "hex")?;
            // The other half may be an escape.
            if is_halved && due != found {
                return Err(End::NotApplicable("no Rust text holds its half of a surrogate pair".to_owned()));
            }
            Ok(same_bytes("the bytes", &due, &found)?)
        }
        (Ok(found), Some(errors)) => {
            Err(End::Failed(differ("an error is due", &errors.join(", "), &crate::value::to_hex(&found))))
        }
        (Err(error), None) => Err(End::Failed(error.to_string())),
        (Err(error), Some(errors)) => refused(Stop::Codec(error), &errors, options),
    }
}
