//! Whole messages in LZ4, in the two forms that MessagePack-CSharp has for them (`Lz4Block`, `Lz4BlockArray`).
//!
//! What is written is what that library reads; its own bytes are others, since its compressor is another one. What it writes is read,
//! and refused where it would refuse it. The blocks are raw: no frame, no checksum.

use crate::alloc::{list, Ensure, Text};
use crate::codec::code::{Kind, LZ4_BLOCK, LZ4_BLOCK_ARRAY};
use crate::codec::{CodecError, Problem, Reader, Result, Writer};
use std::borrow::Cow;

#[cfg(all(test, not(loom)))]
mod tests;

/// Whether and how messages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all. A message that is compressed is then an extension like any other.
    #[default]
    None,
    /// One block: an extension of type 99.
    Lz4Block,
    /// Blocks of some tens of kilobytes: an array that begins with an extension of type 98.
    Lz4BlockArray,
}

/// A message that is shorter is left as it is.
pub const MIN_LENGTH: usize = 64;

/// How many bytes a message may have decompressed where nothing else is said: what MessagePack-CSharp allows to what it does not trust.
pub const DEFAULT_MAX_DECOMPRESSED: u64 = 64 << 20;

/// How long the first block of several is, and the others. MessagePack-CSharp cuts where its buffers end, which are of these sizes but
/// for what did not fit at their ends; a reader joins the blocks before it looks.
const FIRST_BLOCK: usize = 4096;
const NEXT_BLOCK: usize = 32 << 10;

/// A message as it travels: compressed if it has 64 bytes or more, also where that makes it longer.
///
/// MessagePack-CSharp never compresses a value whose static type is a number or a truth value; those have less than 64 bytes anyway.
///
/// # Errors
/// [`Problem::NoMemory`]; [`Problem::TooLong`]: .NET has no longer messages.
pub fn compress(body: &[u8], compression: Compression) -> Result<Cow<'_, [u8]>> {
    if compression == Compression::None || body.len() < MIN_LENGTH {
        return Ok(Cow::Borrowed(body));
    }
    let limit = i32::MAX as u64;
    let Ok(length) = i32::try_from(body.len()) else {
        return Err(CodecError::at(0, Problem::TooLong { what: "a message", length: body.len() as u64, limit }));
    };
    let mut writer = Writer::new();
    let mut block = Vec::new();
    if compression == Compression::Lz4Block {
        compress_block(body, &mut block)?;
        writer.ensure(11_usize.saturating_add(block.len()))?;
        writer.ext_header(LZ4_BLOCK, 5 + block.len())?;
        writer.full_i32(length)?;
        writer.raw(&block)?;
        return Ok(Cow::Owned(writer.into_bytes()));
    }
    let mut lengths = Writer::new();
    blocks(body).try_for_each(|block| lengths.uint(block.len() as u64))?;
    writer.array_header(blocks(body).count() + 1)?;
    writer.ext(LZ4_BLOCK_ARRAY, lengths.bytes())?;
    for part in blocks(body) {
        compress_block(part, &mut block)?;
        // Its header has its longest form always. A block has far less than 4 GiB.
        let length = (block.len() as u32).to_be_bytes();
        writer.raw(&[crate::codec::code::BIN32, length[0], length[1], length[2], length[3]])?;
        writer.raw(&block)?;
    }
    Ok(Cow::Owned(writer.into_bytes()))
}

fn blocks(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (first, rest) = body.split_at(body.len().min(FIRST_BLOCK));
    std::iter::once(first).chain(rest.chunks(NEXT_BLOCK))
}

/// Puts the block of some bytes where another one was.
fn compress_block(body: &[u8], block: &mut Vec<u8>) -> Result<()> {
    // lz4_flex makes a table of 16 KiB in a way that ends the process where there is no memory. Asked for beforehand, that leaves the
    // moment between.
    let table = list::<u8>(32 << 10).map_err(|refused| CodecError::no_memory(0, refused))?;
    block.clear();
    let most = lz4_flex::block::get_maximum_output_size(body.len());
    block.ensure(most).map_err(|refused| CodecError::no_memory(0, refused))?;
    block.resize(most, 0);
    drop(table);
    match lz4_flex::block::compress_into(body, block) {
        Ok(length) => {
            block.truncate(length);
            Ok(())
        }
        // It has said itself how much room it needs.
        Err(error) => {
            let why = Text::say(format_args!("the compressor has failed: {error}"));
            Err(CodecError::at(0, Problem::NotSupported(why)))
        }
    }
}

/// The message in what may be compressed: both forms are taken, and what is in neither comes back as it is. What follows the message is
/// ignored. Memory is asked for only when it is sure that the blocks give so many bytes.
///
/// # Errors
/// [`Problem::TooLong`]: it would have more than `limit` bytes, all blocks together; [`Problem::Malformed`], at the byte of the block that
/// is wrong: it is cut short, is longer, or gives another number of bytes than is said; and what [`Reader`] finds.
pub fn decompress(bytes: &[u8], limit: u64) -> Result<Cow<'_, [u8]>> {
    let Some(parts) = Parts::find(bytes)? else { return Ok(Cow::Borrowed(bytes)) };
    let mut total = 0;
    parts.each(|part| {
        let length = u64::try_from(part.length).ok().filter(|length| *length <= limit - total).ok_or_else(|| {
            let claimed = u64::try_from(part.length).unwrap_or(u64::MAX).saturating_add(total);
            let what = "a decompressed message (max_decompressed)";
            CodecError::at(part.at, Problem::TooLong { what, length: claimed, limit })
        })?;
        total += length;
        check_block(part.block, part.at, length)
    })?;
    // What no address reaches was no block's length.
    let mut body =
        list(usize::try_from(total).unwrap_or(usize::MAX)).map_err(|refused| CodecError::no_memory(0, refused))?;
    parts.each(|part| {
        let begun = body.len();
        body.resize(begun + usize::try_from(part.length).unwrap_or_default(), 0);
        match lz4_flex::block::decompress_into(part.block, &mut body[begun..]) {
            Ok(length) if length == body.len() - begun => Ok(()),
            _ => Err(corrupt(part.at, "it does not decompress")),
        }
    })?;
    Ok(Cow::Owned(body))
}

fn corrupt(offset: usize, why: &'static str) -> CodecError {
    CodecError::at(offset, Problem::Malformed { target: "LZ4 block", why: Text::fixed(why) })
}

/// A compressed message that was found.
enum Parts<'a> {
    One(Part<'a>),
    /// The readers stand at the first length and at the first block.
    Several {
        count: usize,
        lengths: Reader<'a>,
        blocks: Reader<'a>,
    },
}

#[derive(Clone, Copy)]
struct Part<'a> {
    length: i32,
    block: &'a [u8],
    at: usize,
}

impl<'a> Parts<'a> {
    fn find(bytes: &'a [u8]) -> Result<Option<Self>> {
        let mut reader = Reader::new(bytes);
        if bytes.is_empty() {
            return Ok(None);
        }
        match reader.peek()? {
            Kind::Ext => {
                // Of any type: one that is cut short is refused before anybody asks what it is.
                let (code, content) = reader.ext()?;
                if code != LZ4_BLOCK {
                    return Ok(None);
                }
                let begun = reader.offset() - content.len();
                let mut content = Reader::new(content);
                let length = match length(&mut content) {
                    Ok(length) => length,
                    Err(CodecError { offset, problem }) => return Err(CodecError::at(begun + offset, problem)),
                };
                Ok(Some(Self::One(Part { length, block: content.rest(), at: begun + content.offset() })))
            }
            Kind::Array => {
                let count = reader.array_header()?;
                if count == 0 || reader.peek_ext()? != Some(LZ4_BLOCK_ARRAY) {
                    return Ok(None);
                }
                // How long the extension says it is has no meaning to MessagePack-CSharp.
                reader.ext_header()?;
                let (count, lengths) = (count - 1, reader);
                (0..count).try_for_each(|_| length(&mut reader).map(drop))?;
                Ok(Some(Self::Several { count, lengths, blocks: reader }))
            }
            _ => Ok(None),
        }
    }

    fn each(&self, mut take: impl FnMut(Part<'a>) -> Result<()>) -> Result<()> {
        let (count, mut lengths, mut blocks) = match self {
            Self::One(part) => return take(*part),
            Self::Several { count, lengths, blocks } => (*count, *lengths, *blocks),
        };
        for _ in 0..count {
            let length = length(&mut lengths)?;
            let block = blocks.bin()?;
            take(Part { length, block, at: blocks.offset() - block.len() })?;
        }
        Ok(())
    }
}

fn length(reader: &mut Reader<'_>) -> Result<i32> {
    reader.integer_as("the length of an LZ4 block (an int)")
}

/// Whether a block gives exactly so many bytes, by the rules that MessagePack-CSharp's decoder holds it to: it is used up, a copy ends
/// five bytes before the end at the latest, and literals that end less than eight bytes before it are the last.
fn check_block(block: &[u8], at: usize, length: u64) -> Result<()> {
    if length == 0 {
        return Err(corrupt(at, "its length is 0"));
    }
    let mut from = 0;
    let wrong = |from: usize, why| Err(corrupt(at + from, why));
    let byte = |from: &mut usize| match block.get(*from) {
        Some(byte) => {
            *from += 1;
            Ok(*byte)
        }
        None => Err(corrupt(at + *from, "it ends too early")),
    };
    // Fifteen, and as much as the bytes behind say.
    let more = |from: &mut usize, short: u8| -> Result<u64> {
        let mut sum = u64::from(short);
        if short == 15 {
            loop {
                let next = byte(from)?;
                sum += u64::from(next);
                if next != 255 {
                    break;
                }
            }
        }
        Ok(sum)
    };
    let mut given = 0;
    loop {
        let token = byte(&mut from)?;
        let literals = more(&mut from, token >> 4)?;
        if literals > (block.len() - from) as u64 {
            return wrong(from, "it ends too early");
        }
        given += literals;
        from += literals as usize;
        if given + 8 > length {
            return match given == length {
                true if from == block.len() => Ok(()),
                true => wrong(from, "something follows its end"),
                false => wrong(from, "it gives another number of bytes than is said"),
            };
        }
        let distance = u64::from(u16::from_le_bytes([byte(&mut from)?, byte(&mut from)?]));
        if distance == 0 || distance > given {
            return wrong(from - 2, "it copies from outside of what it has given");
        }
        given += 4 + more(&mut from, token & 15)?;
        if given + 5 > length {
            return wrong(from, "it gives another number of bytes than is said, or ends with a copy");
        }
    }
}
