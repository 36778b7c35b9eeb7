//! `lz4`: the body that the value gives, the container around it, and back again. Compressed bytes of another encoder may differ.

use super::{about_types, bytes_of, Checked, End};
use crate::json::Json;
use crate::line::{differ, same_bytes, sha256, Line};
use crate::options::Options;
use crate::world::World;
use backrun::codec::{lz4, CodecError, Kind, Reader};

/// What may be compressed, as it is.
pub fn decompress(bytes: &[u8], options: &Options) -> Result<Vec<u8>, CodecError> {
    if options.compression.is_none() {
        return Ok(bytes.to_vec());
    }
    lz4::decompress(bytes, options.settings().max_decompressed).map(|body| body.into_owned())
}

pub fn check(world: &World, line: &Line, options: &Options) -> Checked {
    let (body, is_guessed) = match (super::write::written(world, line, options), line.errors()) {
        (Err(End::NotApplicable(why)), _) => return Err(End::NotApplicable(why)),
        (_, Some(errors)) => return about_types(&errors),
        (body, None) => body?,
    };
    let number = |name: &str| line.json.get(name).and_then(Json::whole::<usize>);
    let length = number("body_len").unwrap_or(body.len());
    let hash = line.text("body_sha256").unwrap_or_default();
    if length != body.len() || hash != sha256(&body) {
        if is_guessed {
            return Err(End::NotApplicable(super::write::GUESSED.to_owned()));
        }
        let found = format!("{} bytes, sha256 {}", body.len(), sha256(&body));
        return Err(End::Failed(differ("the body", &format!("{length} bytes, sha256 {hash}"), &found)));
    }
    // The library's message.
    let theirs = if line.json.get("hex").is_some() { Some(bytes_of(line, "hex")?) } else { None };
    if let Some(theirs) = &theirs {
        let found = decompress(theirs, options).map_err(|error| format!("the message is refused: {error}"))?;
        same_bytes("the message, decompressed", &body, &found)?;
    }
    // Ours.
    let ours = lz4::compress(&body, options.settings().compression)
        .map_err(|error| format!("the body cannot be compressed: {error}"))?;
    let found = decompress(&ours, options).map_err(|error| format!("what was compressed is refused: {error}"))?;
    same_bytes("the body, compressed and decompressed", &body, &found)?;
    let due = line.text("container").unwrap_or_default();
    let container = container(&ours).map_err(|error| format!("what was compressed is no message: {error}"))?;
    if due != container.name {
        return Err(End::Failed(differ("the container", &due, container.name)));
    }
    if due == "plain" {
        return Ok(same_bytes("the message", theirs.as_deref().unwrap_or(&body), &ours)?);
    }
    // The lengths of the chunks are the library's buffers' affair where there are several; one is one.
    let chunks: Vec<(usize, usize)> =
        line.json.get("chunks").and_then(Json::list).unwrap_or_default().iter().filter_map(pair).collect();
    if let [(length, compressed)] = chunks.as_slice() {
        if container.lengths.len() == 1 && container.lengths != [*length] {
            return Err(End::Failed(format!("the chunk has {length} bytes, and ours tells {:?}", container.lengths)));
        }
        // Where the compressors agree on the length all of the header has to be the same.
        if container.lengths.len() == 1 && container.compressed == *compressed {
            let head = bytes_of(line, "head")?;
            same_bytes("the container's head", &head, &ours[..head.len().min(ours.len())])?;
        }
    }
    let told: usize = container.lengths.iter().sum();
    if told != body.len() {
        return Err(End::Failed(format!("the chunks tell {told} bytes, and the body has {}", body.len())));
    }
    match bytes_of(line, "chunk_header") {
        Ok(due) => Ok(same_bytes("the first byte of the bin header", &due, &container.chunk_header)?),
        Err(_) => Ok(()),
    }
}

fn pair(json: &Json) -> Option<(usize, usize)> {
    match json.list()? {
        [length, compressed] => Some((length.whole()?, compressed.whole()?)),
        _ => None,
    }
}

/// A message's container, taken apart.
struct Container {
    name: &'static str,
    /// What each chunk has uncompressed.
    lengths: Vec<usize>,
    /// All chunks together.
    compressed: usize,
    chunk_header: Vec<u8>,
}

/// What a message's container is called.
pub fn container_name(bytes: &[u8]) -> Result<&'static str, CodecError> {
    container(bytes).map(|container| container.name)
}

fn container(bytes: &[u8]) -> Result<Container, CodecError> {
    let mut reader = Reader::new(bytes);
    let mut container = Container { name: "plain", lengths: Vec::new(), compressed: 0, chunk_header: Vec::new() };
    if reader.peek_ext()? == Some(99) {
        container.name = "ext99";
        let (_, body) = reader.ext()?;
        let mut body = Reader::new(body);
        container.lengths.push(body.uint()? as usize);
        container.compressed = body.rest().len();
        return Ok(container);
    }
    if reader.peek()? != Kind::Array {
        return Ok(container);
    }
    let count = reader.array_header()?;
    if reader.peek_ext().ok().flatten() != Some(98) {
        return Ok(container);
    }
    container.name = "array+ext98";
    let (_, lengths) = reader.ext()?;
    let mut lengths = Reader::new(lengths);
    while !lengths.is_at_end() {
        container.lengths.push(lengths.uint()? as usize);
    }
    container.chunk_header.push(reader.peek_code()?);
    for _ in 1..count {
        container.compressed += reader.bin()?.len();
    }
    Ok(container)
}
