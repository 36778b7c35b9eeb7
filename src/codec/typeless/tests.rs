use super::*;
use crate::codec::dotnet::{Guid, NativeDateTime, Object};
use crate::codec::{decode, encode};
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// What MessagePack-CSharp has written and read, a line a case.
const GOLDEN: &str = include_str!("../../../tests/golden/typeless.jsonl");

/// The bytes of the lines that have something in them.
fn golden<'a>(with: &'a str) -> impl Iterator<Item = (&'a str, Vec<u8>)> {
    let field = |line: &'a str, name: &str| {
        let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
        rest.split_once('"').map(|(value, _)| value)
    };
    GOLDEN.lines().filter(move |line| line.contains(with)).map(move |line| {
        let id = field(line, "id").unwrap();
        (id, bytes(field(line, "hex").unwrap_or_else(|| panic!("{id} has no bytes"))))
    })
}

fn anything(_: &TypeName<'_>) -> bool {
    true
}

fn nothing(_: &TypeName<'_>) -> bool {
    false
}

#[test]
fn what_the_library_has_written_is_read_and_written_again_the_same() {
    let mut named = 0;
    for (id, message) in golden("\"op\":\"write\"") {
        let mut reader = Reader::new(&message);
        let slot = read(&mut reader, &anything).unwrap();
        let Slot::Typed(name) = slot else {
            assert!(matches!(slot, Slot::Plain | Slot::Nil), "{id}");
            continue;
        };
        named += 1;
        assert!(!stays_plain(&name), "{id}");
        assert!(!is_denied(&name), "{id}");
        let value = reader.rest();
        assert_eq!(Reader::new(value).skip().unwrap(), value, "{id}: one whole value");
        let mut writer = Writer::new();
        write(&mut writer, &name.to_string(), |writer| writer.raw(value)).unwrap();
        assert_eq!(writer.bytes(), message, "{id}");
    }
    assert!(named > 30, "the lines are there: {named}");
}

#[test]
fn names_are_made_short_as_the_library_makes_them() {
    let mut short = 0;
    for (id, message) in golden("@typeless+omitversion") {
        let long = id.strip_suffix("+omitversion").unwrap();
        let (_, full) = golden("\"op\":\"write\"").find(|(id, _)| *id == long).unwrap();
        let name_of = |message: &[u8]| name(&mut Reader::new(message)).unwrap().unwrap().to_owned();
        assert_eq!(*without_versions(&name_of(&full)).unwrap(), name_of(&message), "{id}");
        short += 1;
    }
    assert!(short >= 3, "the lines are there: {short}");
}

#[test]
fn what_the_library_reads_is_read_whatever_length_it_has() {
    for (id, message) in golden("\"op\":\"read\"") {
        let mut reader = Reader::new(&message);
        match read(&mut reader, &anything).unwrap() {
            Slot::Typed(name) if name.name() == "System.Guid" => {
                let guid = Guid::decode(&mut reader).unwrap();
                assert_eq!(guid.to_string(), "00112233-4455-6677-8899-aabbccddeeff", "{id}");
            }
            Slot::Typed(_) => assert!(reader.skip().is_ok(), "{id}"),
            // The line has a value behind the name, which the library leaves where it is.
            Slot::Object => assert_eq!(reader.rest(), [0x80], "{id}"),
            Slot::Plain => assert_eq!(reader.offset(), 0, "{id}: an object by itself"),
            Slot::Nil => panic!("{id} is no null"),
        }
    }
    // A length of one byte, and one beyond both.
    for length in [1, 7] {
        let message = [&[0xc7, length, 100, 0xa1, b'T', 0x05][..], &[1; 4]].concat();
        let mut reader = Reader::new(&message);
        assert!(matches!(read(&mut reader, &anything).unwrap(), Slot::Typed(name) if name.is("T")));
        assert_eq!((u8::decode(&mut reader).unwrap(), reader.offset()), (5, 6));
    }
}

fn of(name: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    write(&mut writer, name, Writer::nil).unwrap();
    writer.into_bytes()
}

#[test]
fn who_is_on_the_librarys_list_is_refused_wherever_it_stands_in_a_name() {
    for name in [
        "System.Diagnostics.Process, System.Diagnostics.Process",
        "System.Data.DataSet, System.Data.Common, Version=10.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089",
        "System.Data.DataTable[]",
        "System.Data.DataTable[,][], System.Data",
        "System.Collections.Generic.List`1[[System.Diagnostics.ProcessStartInfo, System]], mscorlib",
        "System.Collections.Generic.Dictionary`2[System.String,[A`1[System.Security.Claims.ClaimsPrincipal[]], X]]",
        " System.Diagnostics.Process",
        "System.Diagnostics.Process , System",
    ] {
        let message = of(name);
        let mut reader = Reader::new(&message);
        let error = read(&mut reader, &anything).unwrap_err();
        assert!(
            matches!(&error.problem, Problem::Refused(why) if why.contains("lets nobody name it")),
            "{name}: {error}"
        );
        assert_eq!(reader.offset(), 0);
        assert!(is_denied(&TypeName::parse(name).unwrap()));
    }
    // Names that only begin like one, or are another type's.
    for name in [
        "System.Diagnostics.ProcessModule",
        "System.Diagnostics.Process+Inner",
        "system.diagnostics.process",
        "Process",
    ] {
        assert!(!is_denied(&TypeName::parse(name).unwrap()), "{name}");
    }
}

#[test]
fn an_allow_list_is_asked_for_every_type_in_a_name_and_refuses_by_leaving_it_out() {
    let people = |name: &TypeName<'_>| {
        name.name().starts_with("System.Collections.Generic.")
            || (name.name() == "Golden.Person" && name.assembly_name() == Some("Backrun.Golden"))
    };
    let list = |element: &str| format!("System.Collections.Generic.List`1[[{element}]], System.Private.CoreLib");
    for (name, allowed) in [
        ("Golden.Person, Backrun.Golden", true),
        ("Golden.Person[][,], Backrun.Golden, Version=1.0.0.0", true),
        (&list("Golden.Person, Backrun.Golden"), true),
        ("Golden.Person, Other", false),
        ("Golden.Person", false),
        ("Golden.Persona, Backrun.Golden", false),
        (&list("System.String, System.Private.CoreLib"), false),
        ("System.Object, System.Private.CoreLib", false),
    ] {
        let message = of(name);
        let mut reader = Reader::new(&message);
        match read(&mut reader, &people) {
            Ok(Slot::Typed(found)) => assert!(allowed && found.to_string() == name, "{name}"),
            Err(error) => {
                assert!(!allowed && matches!(error.problem, Problem::Refused(_)), "{name}: {error}");
                assert_eq!(reader.offset(), 0, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    // What has no name needs no leave.
    let bytes = [0xc0, 0xd2, 0, 0, 0, 1];
    let mut reader = Reader::new(&bytes);
    assert_eq!(read(&mut reader, &nothing).unwrap(), Slot::Nil);
    assert_eq!(read(&mut reader, &nothing).unwrap(), Slot::Plain);
    assert_eq!(Object::decode(&mut reader).unwrap(), Object::I32(1));
}

#[test]
fn what_is_no_name_is_an_error_at_its_byte() {
    for (hex, at) in [
        ("c70264a0c0", 4),
        ("c7036405c0c0", 3),
        ("c70464a2415dc0", 5),
        ("c70464a241ffc0", 5),
        ("c70264a2", 0),
        ("c70164a241", 3),
        ("", 0),
    ] {
        let message = bytes(hex);
        let mut reader = Reader::new(&message);
        let error = read(&mut reader, &anything).unwrap_err();
        assert_eq!((error.offset, reader.offset()), (at, 0), "{hex}: {error}");
    }
}

#[test]
fn values_lie_in_each_other_and_each_has_its_shortest_header() {
    for length in [0, 1, 2, 5, 13, 14, 250, 251, 252, 65_529, 65_530, 65_531] {
        let mut writer = Writer::new();
        writer.nil().unwrap();
        let outer = begin(&mut writer, "O").unwrap();
        writer.array_header(2).unwrap();
        write(&mut writer, "T", |writer| writer.raw(&vec![1; length])).unwrap();
        let object = core_name("System.Object", 10).unwrap();
        write_object(&mut writer, &object).unwrap();
        end(&mut writer, outer).unwrap();

        let mut inner = Writer::new();
        inner.ext(100, &[&[0xa1, b'T'][..], &vec![1; length]].concat()).unwrap();
        inner.ext(100, &encode(&*object).unwrap()).unwrap();
        let mut expected = Writer::new();
        expected.nil().unwrap();
        expected.ext(100, &[&[0xa1, b'O', 0x92], inner.bytes()].concat()).unwrap();
        assert!(writer.bytes() == expected.bytes(), "{length}");
    }
}

#[test]
fn a_value_that_cannot_be_written_leaves_nothing_behind() {
    let mut writer = Writer::new();
    writer.bool(true).unwrap();
    let error = write(&mut writer, "T", |writer| {
        writer.nil()?;
        writer.timestamp(0, u32::MAX)
    });
    assert!(error.is_err());
    assert_eq!(writer.bytes(), [0xc3]);
}

#[test]
fn what_stays_plain_is_what_the_library_writes_without_a_name() {
    for (name, plain) in [
        ("System.Int32, System.Private.CoreLib", true),
        ("System.String", true),
        ("System.Byte[]", true),
        ("System.Byte[,]", false),
        ("System.Int32[]", false),
        ("System.Char", false),
        ("System.Decimal", false),
        ("System.Guid", false),
        ("System.DateTime", false),
    ] {
        assert_eq!(stays_plain(&TypeName::parse(name).unwrap()), plain, "{name}");
    }
}

#[test]
fn integers_outside_of_members_are_full_and_times_native() {
    assert_eq!(encode(&vec![Full(1_i32), Full(300)]).unwrap(), bytes("92d200000001d20000012c"));
    assert_eq!(encode(&Some(Full(40_i32))).unwrap(), bytes("d200000028"));
    assert_eq!(encode(&None::<Full<i64>>).unwrap(), bytes("c0"));
    assert_eq!(encode(&vec![Full(1_u8), Full(200)]).unwrap(), bytes("92cc01ccc8"));
    assert_eq!(decode::<Vec<Full<u16>>>(&bytes("9201cd012c")).unwrap(), [Full(1), Full(300)]);
    let widths = (Full(-1_i8), Full(1_i16), Full(1_u16), Full(1_u32), Full(1_i64), Full(1_u64));
    assert_eq!(encode(&widths).unwrap(), bytes("96d0ffd10001cd0001ce00000001d30000000000000001cf0000000000000001"));
    // One whole line of the vectors, written from values.
    let (_, message) = golden("typeless/DateTime.utc@typeless").next().unwrap();
    let time = NativeDateTime(crate::codec::dotnet::DateTime::utc(638_397_614_450_000_000));
    let mut writer = Writer::new();
    write(&mut writer, &core_name("System.DateTime", 10).unwrap(), |writer| time.encode(writer)).unwrap();
    assert_eq!(writer.bytes(), message);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(name: Vec<u8>, value: Vec<u8>, length: u8) {
        let mut message = vec![0xc7, length, 100];
        message.extend(encode(&*String::from_utf8_lossy(&name)).unwrap());
        message.extend(value);
        for bytes in [&message, &name] {
            let mut reader = Reader::new(bytes);
            if read(&mut reader, &anything).is_err() {
                prop_assert_eq!(reader.offset(), 0);
            }
        }
    }

    #[test]
    fn every_value_with_a_name_comes_back(name in "[A-Z][a-z]{0,40}", value: Vec<u8>) {
        let mut writer = Writer::new();
        write(&mut writer, &name, |writer| value.as_slice().encode(writer)).unwrap();
        let mut reader = Reader::new(writer.bytes());
        prop_assert!(matches!(read(&mut reader, &anything).unwrap(), Slot::Typed(found) if found.is(&name)));
        prop_assert_eq!(reader.bin().unwrap(), value);
        prop_assert!(reader.is_at_end());
        prop_assert_eq!(Reader::new(writer.bytes()).skip().unwrap(), writer.bytes());
    }
}
