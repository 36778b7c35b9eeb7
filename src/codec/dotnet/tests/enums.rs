//! Enums by number and by name.

use super::*;
use crate::codec::dotnet::*;
use crate::codec::{Problem, Writer};

const fn member(name: &'static str, number: i128) -> EnumMember<'static> {
    EnumMember::new(name, number)
}

const COLOR: EnumTable<'static> = EnumTable {
    underlying: Underlying::I32,
    members: &[member("None", 0), member("Red", 1), member("Green", 2), member("Blue", -3), member("Big", 70_000)],
    flags: false,
};

const PERM: EnumTable<'static> = EnumTable {
    underlying: Underlying::I32,
    members: &[member("None", 0), member("Read", 1), member("Write", 2), member("Exec", 4)],
    flags: true,
};

/// `enum Named { [EnumMember(Value = "first-one")] One = 1, Two = 2 }`
const NAMED: EnumTable<'static> = EnumTable {
    underlying: Underlying::I32,
    members: &[EnumMember { name: "One", number: 1, wire_name: Some("first-one") }, member("Two", 2)],
    flags: false,
};

fn number(underlying: Underlying, number: i128) -> String {
    let mut writer = Writer::new();
    underlying.encode(number, &mut writer).unwrap();
    let bytes = writer.into_bytes();
    assert_eq!(underlying.decode(&mut Reader::new(&bytes)).unwrap(), number);
    hex(&bytes)
}

fn name(table: EnumTable<'_>, number: i128) -> String {
    let mut writer = Writer::new();
    table.encode_name(number, &mut writer).unwrap();
    assert_eq!(table.decode_name(&mut Reader::new(writer.bytes())).unwrap(), number);
    decode(writer.bytes()).unwrap()
}

fn named(table: EnumTable<'_>, text: &str) -> std::result::Result<i128, Problem> {
    table.decode_name(&mut Reader::new(&encode(text).unwrap())).map_err(|error| error.problem)
}

#[test]
fn an_enum_is_its_number_named_or_not() {
    assert_eq!(number(Underlying::I32, -3), "fd");
    assert_eq!(number(Underlying::I32, 70_000), "ce00011170");
    assert_eq!(number(Underlying::I32, 99), "63");
    assert_eq!(number(Underlying::U8, 200), "ccc8");
    assert_eq!(number(Underlying::I8, -128), "d080");
    assert_eq!(number(Underlying::I16, -300), "d1fed4");
    assert_eq!(number(Underlying::U16, 65_535), "cdffff");
    assert_eq!(number(Underlying::U32, 4_294_967_295), "ceffffffff");
    assert_eq!(number(Underlying::I64, i64::MIN.into()), "d38000000000000000");
    assert_eq!(number(Underlying::U64, u64::MAX.into()), "cfffffffffffffffff");
    // At any width, as long as the type has it.
    assert_eq!(Underlying::U8.decode(&mut Reader::new(&bytes("d30000000000000005"))).unwrap(), 5);
    for outside in ["cd012c", "ff", "d38000000000000000"] {
        let error = Underlying::U8.decode(&mut Reader::new(&bytes(outside))).unwrap_err();
        assert!(matches!(error.problem, Problem::OutOfRange { .. }), "{outside}");
    }
    assert!(Underlying::U8.encode(256, &mut Writer::new()).is_err());
    assert!(matches!(
        COLOR.underlying.decode(&mut Reader::new(&bytes("a3526564"))).unwrap_err().problem,
        Problem::Unexpected { .. }
    ));
}

#[test]
fn an_enum_of_an_object_slot_has_the_width_of_its_type() {
    let boxed = |underlying: Underlying, number| hex(&encode(&underlying.boxed(number).unwrap()).unwrap());
    assert_eq!(boxed(Underlying::I32, 1), "d200000001");
    assert_eq!(boxed(Underlying::I32, -3), "d2fffffffd");
    assert_eq!(boxed(Underlying::U8, 200), "ccc8");
    assert_eq!(boxed(Underlying::I16, -300), "d1fed4");
    assert_eq!(boxed(Underlying::I64, 5), "d30000000000000005");
    assert_eq!(boxed(Underlying::U64, u64::MAX.into()), "cfffffffffffffffff");
    assert_eq!(boxed(Underlying::I8, -1), "d0ff");
    assert_eq!(boxed(Underlying::U16, 0), "cd0000");
    assert_eq!(boxed(Underlying::U32, 0), "ce00000000");
    assert_eq!(Underlying::I8.boxed(128), None);
}

#[test]
fn an_enum_by_name_is_its_name_or_its_digits() {
    for (of, due) in [(0, "None"), (1, "Red"), (-3, "Blue"), (70_000, "Big"), (99, "99"), (-70_000, "-70000")] {
        assert_eq!(name(COLOR, of), due);
    }
    for (of, due) in [(0, "None"), (1, "Read"), (3, "Read, Write"), (7, "Read, Write, Exec"), (8, "8"), (9, "9")] {
        assert_eq!(name(PERM, of), due);
    }
    assert_eq!(name(NAMED, 1), "first-one");
    assert_eq!(name(NAMED, 2), "Two");
    assert_eq!(name(EnumTable { underlying: Underlying::U8, members: &[], flags: true }, 7), "7");
    assert!(COLOR.encode_name(1 << 40, &mut Writer::new()).is_err());
}

#[test]
fn flags_are_taken_apart_from_the_largest_down() {
    let members = [
        member("A", 1),
        member("AB", 3),
        EnumMember { name: "C", number: 4, wire_name: Some("see") },
        member("High", i64::MIN.into()),
    ];
    let table = EnumTable { underlying: Underlying::I64, members: &members, flags: true };
    assert_eq!(name(table, 7), "AB, see");
    assert_eq!(name(table, 5), "A, see");
    assert_eq!(name(table, 2), "2");
    assert_eq!(name(table, i128::from(i64::MIN) | 3), "AB, High");
    // The name of the attribute, and that of C#, between commas; alone the one of C# is taken too.
    assert_eq!(named(table, "A, see"), Ok(5));
    assert_eq!(named(table, "A, C"), Ok(5));
    assert_eq!(named(table, "C"), Ok(4));
    // Without a blank after the comma .NET does not look for it.
    assert!(named(table, "A,see").is_err());
    assert!(named(table, "see , A").is_err());
    assert_eq!(named(table, " C , A"), Ok(5));
}

#[test]
fn names_are_read_as_dotnet_parses_them() {
    for (text, due) in
        [("Red", 1), (" Red ", 1), ("1", 1), ("99", 99), ("-70000", -70_000), ("+2", 2), (" 2 ", 2), ("2 \0\0", 2)]
    {
        assert_eq!(named(COLOR, text), Ok(due), "{text:?}");
    }
    // Several, also where there are no flags.
    assert_eq!(named(COLOR, "Red,Green"), Ok(3));
    assert_eq!(named(COLOR, "Red , Green"), Ok(3));
    assert_eq!(named(COLOR, "Blue, Red"), Ok(-3));
    assert_eq!(named(NAMED, "first-one"), Ok(1));
    assert_eq!(named(NAMED, "One"), Ok(1));
    for not in ["Nope", "red", "", " ", "Red,", "1,2", "1x", "-", "Red Green", "Red\0", "2\0 "] {
        assert!(matches!(named(COLOR, not), Err(Problem::Malformed { .. })), "{not:?}");
    }
    assert!(matches!(named(COLOR, "2147483648"), Err(Problem::OutOfRange { .. })));
    let digits = "9".repeat(100);
    assert!(matches!(named(COLOR, &digits), Err(Problem::OutOfRange { .. })));
    let byte = EnumTable { underlying: Underlying::U8, members: &[], flags: false };
    assert!(matches!(named(byte, "-1"), Err(Problem::OutOfRange { value: -1, .. })));
    for other in ["01", "c0"] {
        let error = COLOR.decode_name(&mut Reader::new(&bytes(other))).unwrap_err();
        assert!(matches!(error.problem, Problem::Unexpected { expected: "text", .. }), "{other}");
    }
}

proptest! {
    #[test]
    fn every_number_comes_back_from_its_name(of: i32, bits: u8) {
        prop_assert_eq!(named(COLOR, &name(COLOR, of.into())), Ok(of.into()));
        prop_assert_eq!(named(PERM, &name(PERM, bits.into())), Ok(bits.into()));
    }
}
