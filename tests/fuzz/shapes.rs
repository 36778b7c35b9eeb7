//! Messages that are what some type is, but for their values: of random ones hardly any would be.

use crate::choices::Choices;
use crate::messages::{header, number, text, value};

pub fn any(choices: &mut Choices<'_>, to: &mut Vec<u8>) {
    match choices.below(13) {
        0 | 1 => multi_array(choices, to),
        2 => {
            // A tuple of nine, which nests from the eighth on.
            to.push(0x98);
            (0..7).for_each(|_| integer(choices, to));
            to.push(0x92);
            integer(choices, to);
            integer(choices, to);
        }
        3 | 4 => class(choices, to, 3),
        5 => union(choices, to, 3),
        6 => {
            // Objects that lie in each other.
            let levels = choices.below(200);
            to.extend(b"\x81\xa2It".repeat(levels));
            to.push(0xc0);
        }
        7 => {
            // A local time, and how far it is from UTC.
            to.extend([0x92, 0xd6, 0xff]);
            to.extend(choices.bytes(4));
            number(choices, to);
        }
        8 => {
            // A decimal's words: what they must be nothing of is mostly that.
            to.extend([0xc4, 16, 0, 0, choices.byte() & 0x1f, choices.byte() & 0x80]);
            to.extend(choices.bytes(12));
        }
        9 => {
            to.push(0x93);
            integer(choices, to);
            integer(choices, to);
            to.push(choices.pick(&[0xc0, 0xc2, 0xc3]));
        }
        10 => {
            to.push(0x92);
            if choices.below(2) == 0 {
                text(choices, to);
                value(choices, to, 2);
            } else {
                to.push(choices.byte() & 0x7f);
                text(choices, to);
            }
        }
        11 => text(choices, to),
        _ => {
            // A map of one key again and again, or of keys in any order.
            let count = choices.below(8);
            header(choices, to, count, Some((0x80, 16)), None, 0xde);
            for _ in 0..count {
                text(choices, to);
                integer(choices, to);
            }
        }
    }
}

fn integer(choices: &mut Choices<'_>, to: &mut Vec<u8>) {
    match choices.below(3) {
        0 => number(choices, to),
        1 => to.push(choices.byte() | 0xe0),
        _ => to.push(choices.byte() & 0x7f),
    }
}

fn multi_array(choices: &mut Choices<'_>, to: &mut Vec<u8>) {
    let rank = choices.pick(&[2, 3, 4]);
    to.push(0x91 + rank as u8);
    let mut all = 1;
    for _ in 0..rank {
        let length = choices.below(4);
        all *= length;
        to.push(length as u8);
    }
    header(choices, to, all, Some((0x90, 16)), None, 0xdc);
    (0..all).for_each(|_| integer(choices, to));
}

fn class(choices: &mut Choices<'_>, to: &mut Vec<u8>, depth: usize) {
    if depth == 0 || choices.below(6) == 0 {
        return to.push(0xc0);
    }
    let count = choices.below(5);
    to.push(0x80 + count as u8);
    for _ in 0..count {
        match choices.below(4) {
            0 => {
                to.extend(b"\xa2It");
                class(choices, to, depth - 1);
            }
            1 => {
                to.extend(b"\xa1A");
                let count = choices.below(4);
                to.push(0x90 + count as u8);
                (0..count).for_each(|_| integer(choices, to));
            }
            2 => {
                to.extend(b"\xa1B");
                text(choices, to);
            }
            _ => {
                text(choices, to);
                value(choices, to, 2);
            }
        }
    }
}

fn union(choices: &mut Choices<'_>, to: &mut Vec<u8>, depth: usize) {
    to.push(0x92);
    match choices.below(4) {
        0 if depth > 0 => {
            to.push(0);
            union(choices, to, depth - 1);
        }
        1 => {
            // Objects with number keys, one of them of a newer peer.
            to.push(1);
            to.push(choices.pick(&[0x93, 0x94, 0x92]));
            integer(choices, to);
            to.push(0xc0);
            text(choices, to);
            integer(choices, to);
        }
        2 => {
            to.extend([0xcd, 1, 44]);
            text(choices, to);
        }
        _ => {
            integer(choices, to);
            value(choices, to, 1);
        }
    }
}
