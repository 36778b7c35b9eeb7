//! Texts of every sort of letter, mostly short, sometimes as long as where another header begins.

use super::random::Random;

/// In UTF-16, since .NET's texts may hold halves of surrogate pairs.
pub fn units(random: &mut Random) -> Vec<u16> {
    let length = match random.below(40) {
        0 => random.pick(&[0, 31, 32, 33, 255, 256, 257]),
        1 if random.one_in(8) => random.pick(&[65_535, 65_536, 40_000]),
        _ => random.below(12),
    };
    let sort = random.below(8);
    let mut units = Vec::new();
    while units.len() < length {
        let sort = if sort == 7 { random.below(7) } else { sort };
        let letter = match sort {
            0..=2 => random.between(0x20, 0x7e),
            3 => random.between(0x80, 0x7ff),
            4 => random.between(0x800, 0xd7ff),
            5 => random.pick(ODD),
            _ if random.one_in(2) => random.between(0xd800, 0xdfff),
            _ => random.between(0x1_0000, 0x10_ffff),
        };
        match u16::try_from(letter) {
            Ok(unit) => units.push(unit),
            Err(_) => units.extend(char::from_u32(letter as u32).unwrap_or('?').encode_utf16(&mut [0; 2]).iter()),
        }
    }
    units
}

/// What is quoted somewhere, is no letter, or looks like what it is not.
const ODD: &[i64] =
    &[0, 1, 7, 8, 9, 10, 12, 13, 27, 31, 0x22, 0x5c, 0x2f, 0x7f, 0x85, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x2028];

pub fn uri(random: &mut Random) -> String {
    let numbered = format!("urn:x:{}", random.bits());
    random
        .pick(&[
            "http://example.com",
            "HTTP://Example.com:80/a b/../c?q=%7e#f",
            "a/b?c",
            "",
            "file:///tmp/x",
            "mailto:a@b",
            "http://b\u{fc}cher.example/\u{e9}",
            &numbered,
        ])
        .to_owned()
}
