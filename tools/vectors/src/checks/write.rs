//! `write`: the value gives the bytes, and the bytes give themselves again, with and without their type.

use super::{about_types, bytes_of, is_about_types, refused, type_of, value_of, Checked, End};
use crate::csharp::Type;
use crate::line::{same_bytes, Bytes, Line};
use crate::node::Node;
use crate::options::{Options, Resolver};
use crate::reading::Reading;
use crate::stop::{Stop, NO_FORMATTER};
use crate::value::from_hex;
use crate::world::World;
use crate::writing::{anonymous, Writing};
use backrun::codec::Writer;

/// Why a mismatch says nothing.
pub const GUESSED: &str = "what collections are in its slots of type object is not told without the bytes";

pub fn check(world: &World, line: &Line, options: &Options) -> Checked {
    let writing = Writing::new(world, options);
    let Some(due) = line.expected()? else {
        let errors =
            line.errors().ok_or_else(|| End::NotApplicable("the line has neither bytes nor an error".to_owned()))?;
        return match writing.bytes(&value_of(line)?, &type_of(line)?, None) {
            Ok(_) if is_about_types(&errors) || options.resolver == Resolver::PrimitiveObject => about_types(&errors),
            Ok(bytes) => {
                same_bytes(&format!("{} is due", errors.join(", ")), &[], &bytes)?;
                Err(End::Failed(format!("{} is due, and no bytes were written", errors.join(", "))))
            }
            Err(Stop::Refused(NO_FORMATTER, why)) => {
                Err(End::NotApplicable(format!("there is nothing that could refuse it: {why}")))
            }
            Err(stop) => refused(stop, &errors, options),
        };
    };
    let hint = match due.whole() {
        Some(bytes) => {
            let node = Node::parse(bytes).map_err(|error| End::Failed(format!("the bytes do not decode: {error}")))?;
            again(&node, options)?;
            Some(node)
        }
        None => None,
    };
    let (of, value) = (type_of(line)?, value_of(line)?);
    let written = writing.bytes(&value, &of, hint.as_ref())?;
    match due.compare("the bytes of the value", &written) {
        Err(_) if writing.has_guessed() => return Err(End::NotApplicable(GUESSED.to_owned())),
        compared => compared?,
    }
    if hint.is_none() {
        let node = Node::parse(&written).map_err(|error| End::Failed(format!("the bytes do not decode: {error}")))?;
        again(&node, options)?;
    }
    // What was written as an anonymous type is read as something else, and a bag has no order.
    if anonymous(&value).is_some() || of.to_string().contains("ConcurrentBag") {
        return Ok(());
    }
    round_trip(world, line, options, &of, &written)
}

/// Without a type: each value in the form that it has.
fn again(node: &Node<'_>, options: &Options) -> Checked {
    let mut writer = Writer::with_settings(options.settings());
    node.write(&mut writer).map_err(|error| format!("the bytes cannot be written again: {error}"))?;
    Ok(same_bytes("the bytes, read and written again without their type", node.bytes, writer.bytes())?)
}

/// Read as the type and written again.
fn round_trip(world: &World, line: &Line, options: &Options, of: &Type, written: &[u8]) -> Checked {
    let told = line.text("roundtrip");
    let due = match told.as_deref().map(|told| told.strip_prefix("bytes:").ok_or(told)) {
        None => Ok(Bytes::Whole(written.to_vec())),
        Some(Ok(hex)) => Ok(Bytes::Whole(from_hex(hex)?)),
        Some(Err(other)) => Err(other),
    };
    let read = Reading { world, options }.of_bytes(written, of);
    let again = read.and_then(|(value, used)| Ok((Writing::new(world, options).bytes(&value, of, None)?, used)));
    match (again, due) {
        // What needs the class has been written from the line, and read and written again without it.
        (Err(Stop::Unknown(_)), _) => Ok(()),
        (Ok((_, used)), Ok(_)) if used != written.len() => {
            Err(End::Failed(format!("read as {of}: {used} of {} bytes were used", written.len())))
        }
        // By their hashes, which are .NET's.
        (Ok((again, _)), Ok(due)) if due.whole().is_some_and(|due| due.len() == again.len()) && is_hashed(of) => Ok(()),
        (Ok((again, _)), Ok(due)) => Ok(due.compare(&format!("the bytes, read as {of} and written again"), &again)?),
        (Err(stop), Ok(_)) => Err(End::Failed(format!("the bytes are refused as {of}: {stop}"))),
        (Err(_), Err(_)) => Ok(()),
        (Ok(_), Err("other bytes")) if is_hashed(of) => Ok(()),
        // Long ones are only told to be others.
        (Ok((again, _)), Err("other bytes")) if again != written => Ok(()),
        (Ok((again, _)), Err(told)) => Err(End::Failed(format!(
            "read as {of} and written again: {told} is due, and it gave {}",
            crate::value::to_hex(&again)
        ))),
    }
}

/// Whether what is read again comes in an order that nobody else can know.
fn is_hashed(of: &Type) -> bool {
    let name = of.to_string();
    [
        "ImmutableHashSet",
        "IImmutableSet",
        "ImmutableDictionary",
        "IImmutableDictionary",
        "Frozen",
        "ConcurrentDictionary",
        "Hashtable",
        "Sorted",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// The bytes that a line's value gives, and whether they are a guess.
pub fn written(world: &World, line: &Line, options: &Options) -> Result<(Vec<u8>, bool), End> {
    let due = if line.json.get("hex").is_some() { bytes_of(line, "hex")? } else { Vec::new() };
    // A container shows what is in it.
    let due = super::lz4::decompress(&due, options).unwrap_or(due);
    let hint = Node::parse(&due).ok();
    let writing = Writing::new(world, options);
    let bytes = writing.bytes(&value_of(line)?, &type_of(line)?, hint.as_ref())?;
    Ok((bytes, writing.has_guessed()))
}
