//! Whether bytes are a payload at all.

use crate::alloc::{Ensure, Text};
use crate::codec::code::Kind;
use crate::codec::{CodecError, Problem, Reader, Result, Settings};

/// Whether the bytes are exactly one value, whole and well formed, no deeper than the settings allow. What its texts say is not looked
/// at: what is no UTF-8 is read as U+FFFD, as MessagePack-CSharp does.
///
/// # Errors
/// What is wrong, and at which byte; [`Problem::NoMemory`].
pub fn validate(bytes: &[u8], settings: Settings) -> Result<()> {
    let mut reader = Reader::with_settings(bytes, settings);
    if reader.end_of_shallow_value() == Some(bytes.len()) {
        return Ok(());
    }
    // Something is wrong, and it is to be said what.
    // How many values are still due in each array and map around the next one. As many as there are levels, each of which has
    // a byte of the input at least.
    let mut around: Vec<usize> = Vec::new();
    loop {
        let at = reader.offset();
        let inside = match Kind::of(reader.peek_code()?) {
            Kind::Array => Some(reader.array_header()?),
            // The input has two bytes for each: it does not overflow.
            Kind::Map => Some(2 * reader.map_header()?),
            _ => {
                reader.skip()?;
                None
            }
        };
        if let Some(count) = inside {
            if around.len() >= settings.max_depth as usize {
                return Err(CodecError::at(at, Problem::TooDeep { limit: settings.max_depth }));
            }
            around.ensure(1).map_err(|refused| CodecError::no_memory(at, refused))?;
            around.push(count);
        } else if let Some(due) = around.last_mut() {
            *due -= 1;
        }
        while around.last() == Some(&0) {
            around.pop();
            if let Some(due) = around.last_mut() {
                *due -= 1;
            }
        }
        if around.is_empty() {
            return nothing_after(&reader);
        }
    }
}

/// Whether the bytes are exactly one value, however deep: what may stand inside another value as it is.
///
/// # Errors
/// As [`validate`].
pub(crate) fn one_value(bytes: &[u8]) -> Result<()> {
    let mut reader = Reader::new(bytes);
    reader.skip()?;
    nothing_after(&reader)
}

fn nothing_after(reader: &Reader<'_>) -> Result<()> {
    match reader.rest().len() {
        0 => Ok(()),
        left => {
            let why = Text::say(format_args!("its one value ends here, and {left} bytes follow"));
            Err(CodecError::at(reader.offset(), Problem::Malformed { target: "payload", why }))
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problem(bytes: &[u8]) -> CodecError {
        validate(bytes, Settings::default()).unwrap_err()
    }

    /// So many arrays in each other, around nil.
    fn nested(levels: usize) -> Vec<u8> {
        let mut bytes = vec![0x91; levels];
        bytes.push(0xc0);
        bytes
    }

    #[test]
    fn one_whole_value_is_a_payload_and_nothing_else_is() {
        for fine in [&b"\xc0"[..], b"\x90", b"\x80", b"\x92\x90\x81\xa1a\x91\x01", b"\xd6\xff\0\0\0\0"] {
            assert_eq!(validate(fine, Settings::default()), Ok(()), "{fine:x?}");
        }
        assert_eq!(problem(b""), CodecError::at(0, Problem::End { needed: 1 }));
        assert_eq!(problem(b"\x92\x01\xc1").offset, 2);
        assert_eq!(problem(b"\x91\xa3ab").offset, 1);
        assert_eq!(
            problem(b"\x91\x01\x02").to_string(),
            "byte 2: this is no payload: its one value ends here, and 1 bytes follow"
        );
        assert!(matches!(problem(b"\xdd\xff\xff\xff\xff\xc0").problem, Problem::TooMany { .. }));
    }

    #[test]
    fn depth_has_the_limit_of_the_settings_which_is_that_of_the_library() {
        assert_eq!(validate(&nested(500), Settings::default()), Ok(()));
        assert_eq!(problem(&nested(501)), CodecError::at(500, Problem::TooDeep { limit: 500 }));
        let deep = Settings { max_depth: 100_000, ..Settings::default() };
        assert_eq!(validate(&nested(100_000), deep), Ok(()));
        assert_eq!(one_value(&nested(100_000)), Ok(()));
    }

    proptest! {
        #[test]
        fn what_is_a_payload_is_what_can_be_skipped_whole(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(validate(&bytes, Settings::default()).is_ok(), one_value(&bytes).is_ok());
        }
    }
}
