//! Messages: any MessagePack there can be, in any of its forms, and what is nearly that.

use crate::choices::Choices;
use crate::shapes;

/// What stands in texts: what some type understands, what it nearly does, and what is no text.
const TEXTS: &[&[u8]] = &[
    b"",
    b"a",
    b"It",
    b"00112233-4455-6677-8899-aabbccddeeff",
    b"00112233-4455-6677-8899-AABBCCDDEEFG",
    b"1.50",
    b"-0.00",
    b"79228162514264337593543950335",
    b"-79228162514264337593543950336",
    b"1e28",
    b"1E-2147483649",
    b".5",
    b"5.",
    b"1.2.3.4",
    b"1.-2",
    b"2147483647.2147483648",
    b"http://example.com/\xc3\xa9",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b"\xe3\x81",
    b"System.Guid, System.Private.CoreLib",
    b"System.Collections.Generic.List`1[[System.Int32, mscorlib],[System.String[,], x]], System.Private.CoreLib, Version=10.0.0.0",
    b"A+B`2+C[][,]",
    b"[[[[",
];

/// A message that these choices make.
pub fn any(choices: &mut Choices<'_>) -> Vec<u8> {
    let way = choices.below(8);
    if way == 0 {
        return choices.rest().to_vec();
    }
    let mut message = Vec::new();
    if choices.below(3) == 0 {
        shapes::any(choices, &mut message);
    } else {
        value(choices, &mut message, 4);
    }
    if way < 4 {
        spoil(choices, &mut message);
    }
    if way == 4 {
        value(choices, &mut message, 1); // something after it
    }
    message
}

pub fn value(choices: &mut Choices<'_>, to: &mut Vec<u8>, depth: usize) {
    match choices.below(if depth > 0 { 16 } else { 11 }) {
        0 => to.push(choices.pick(&[0xc0, 0xc2, 0xc3])),
        1 => to.push(choices.byte() & 0x7f),
        2 => to.push(choices.byte() | 0xe0),
        3 | 4 => number(choices, to),
        5 => text(choices, to),
        6 => {
            let length = choices.below(20);
            let bytes = choices.bytes(length);
            header(choices, to, length, None, Some(0xc4), 0xc5);
            to.extend(bytes);
        }
        7 => {
            // What Int128, a native Guid or decimal and a BigInteger are.
            to.extend([0xc4, 16]);
            to.extend(choices.bytes(16));
        }
        8 => timestamp(choices, to),
        9 => extension(choices, to, depth),
        10 => {
            to.push(choices.pick(&[0xca, 0xcb]));
            let length = if to.last() == Some(&0xca) { 4 } else { 8 };
            to.extend(choices.bytes(length));
        }
        11..=13 => {
            let count = choices.pick(&[0, 1, 2, 2, 2, 3, 4, 5, 8, 16, 17]);
            header(choices, to, count, Some((0x90, 16)), None, 0xdc);
            // Of one sort, as most arrays are, or of any.
            let alike = choices.below(2) == 0;
            let begun = to.len();
            for at in 0..count {
                if alike && at > 0 {
                    let first = to[begun..].len() / at;
                    to.extend_from_within(begun..begun + first);
                } else {
                    value(choices, to, depth - 1);
                }
            }
        }
        _ => {
            let count = choices.pick(&[0, 1, 1, 2, 3, 15, 16]);
            header(choices, to, count, Some((0x80, 16)), None, 0xde);
            for _ in 0..count {
                if choices.below(4) == 0 {
                    value(choices, to, depth - 1);
                } else {
                    text(choices, to);
                }
                value(choices, to, depth - 1);
            }
        }
    }
}

pub fn number(choices: &mut Choices<'_>, to: &mut Vec<u8>) {
    let code = 0xcc + (choices.byte() & 7);
    to.push(code);
    let width = 1 << (code & 3);
    if choices.below(2) == 0 {
        to.extend(choices.bytes(width));
    } else {
        // Small numbers, and edges, in wide forms.
        to.resize(to.len() + width, choices.pick(&[0, 0, 0xff, 0x7f]));
        if let Some(last) = to.last_mut() {
            *last = choices.byte();
        }
    }
}

/// A header in the form that is due, or in a wider one.
pub fn header(
    choices: &mut Choices<'_>,
    to: &mut Vec<u8>,
    length: usize,
    fix: Option<(u8, usize)>,
    code8: Option<u8>,
    code16: u8,
) {
    let wider = choices.pick(&[0, 0, 0, 0, 0, 1, 2, 3]);
    match (fix, code8) {
        (Some((fix, limit)), _) if length < limit && wider == 0 => to.push(fix | length as u8),
        (_, Some(code8)) if length < 256 && wider <= 1 => to.extend([code8, length as u8]),
        _ if length < 65536 && wider <= 2 => {
            to.push(code16);
            to.extend((length as u16).to_be_bytes());
        }
        _ => {
            to.push(code16 + 1);
            to.extend((length as u32).to_be_bytes());
        }
    }
}

pub fn text(choices: &mut Choices<'_>, to: &mut Vec<u8>) {
    let text = if choices.below(4) == 0 {
        let length = choices.below(12);
        choices.bytes(length)
    } else {
        choices.pick(TEXTS).to_vec()
    };
    header(choices, to, text.len(), Some((0xa0, 32)), Some(0xd9), 0xda);
    to.extend(text);
}

fn timestamp(choices: &mut Choices<'_>, to: &mut Vec<u8>) {
    let length = choices.pick(&[4, 8, 12, 12]);
    let body = if length == 12 && choices.below(2) == 0 {
        // Within years that there are, more often than not.
        let mut body = choices.bytes(4);
        let seconds = i64::from_be_bytes([0, 0, 0, choices.byte() & 0x3f, choices.byte(), choices.byte(), 0, 0]);
        body.extend((seconds - (1 << 35)).to_be_bytes());
        body
    } else {
        choices.bytes(length)
    };
    ext_header(choices, to, 0xff, length);
    to.extend(body);
}

fn extension(choices: &mut Choices<'_>, to: &mut Vec<u8>, depth: usize) {
    let code = choices.pick(&[100, 100, 99, 98, 0xff, 0, 30, 0x80]);
    let mut body = Vec::new();
    match code {
        100 if depth > 0 => {
            text(choices, &mut body);
            value(choices, &mut body, depth - 1);
        }
        98 | 99 => {
            number(choices, &mut body);
            let length = choices.below(20);
            body.extend(choices.bytes(length));
        }
        _ => {
            let length = choices.below(18);
            body = choices.bytes(length);
        }
    }
    ext_header(choices, to, code, body.len());
    to.extend(body);
}

fn ext_header(choices: &mut Choices<'_>, to: &mut Vec<u8>, code: u8, length: usize) {
    match [1, 2, 4, 8, 16].iter().position(|fixed| *fixed == length) {
        Some(form) if choices.below(4) > 0 => to.push(0xd4 + form as u8),
        _ => header(choices, to, length, None, Some(0xc7), 0xc8),
    }
    to.push(code);
}

/// Something wrong, which may be right nevertheless.
fn spoil(choices: &mut Choices<'_>, message: &mut Vec<u8>) {
    for _ in 0..=choices.below(2) {
        if message.is_empty() {
            return;
        }
        let at = (choices.below(256) * 256 + choices.below(256)) % message.len();
        match choices.below(6) {
            0 => message.truncate(at),
            1 => message[at] = choices.byte(),
            2 => message[at] ^= 1 << choices.below(8),
            3 => {
                message.remove(at);
            }
            4 => message.insert(at, choices.byte()),
            _ => message[at] = choices.pick(&[0xc1, 0xdd, 0xdf, 0xdb, 0xc6, 0xc9, 0x9f, 0x8f, 0xbf]),
        }
    }
}
