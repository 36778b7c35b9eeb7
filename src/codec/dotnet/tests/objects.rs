//! Classes by names and by numbers, and unions: what is missing, added, twice or of another kind.

use super::*;
use crate::codec::dotnet::*;
use crate::codec::{Problem, Result, Writer};

/// `[MessagePackObject] class KInt { [Key(0)] int A; [Key(1)] string B; [Key(2)] bool C; }`
#[derive(Debug, PartialEq, Default)]
struct KInt {
    a: i32,
    b: Option<String>,
    c: bool,
}

impl Encode for KInt {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        ArrayWriter::new(writer, 2)?.member(0, &self.a)?.member(1, &self.b)?.member(2, &self.c)?.end()
    }
}

impl Decode<'_> for KInt {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let mut object = Self::default();
        let mut members = ArrayReader::new(reader)?;
        while let Some(key) = members.next_key()? {
            match key {
                0 => object.a = members.value()?,
                1 => object.b = members.value()?,
                2 => object.c = members.value()?,
                _ => {}
            }
        }
        Ok(object)
    }
}

/// `class KGap { [Key(0)] int A; [Key(2)] int C; [Key(5)] string F; }`
#[derive(Debug, PartialEq, Default)]
struct KGap {
    a: i32,
    c: i32,
    f: Option<String>,
}

impl Encode for KGap {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        ArrayWriter::new(writer, 5)?.member(0, &self.a)?.member(2, &self.c)?.member(5, &self.f)?.end()
    }
}

impl Decode<'_> for KGap {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let mut object = Self::default();
        let mut members = ArrayReader::new(reader)?;
        while let Some(key) = members.next_key()? {
            match key {
                0 => object.a = members.value()?,
                2 => object.c = members.value()?,
                5 => object.f = members.value()?,
                _ => {}
            }
        }
        Ok(object)
    }
}

/// `[MessagePackObject(true)] class SProp { int A; string B; int? C; }`
#[derive(Debug, PartialEq, Default)]
struct SProp {
    a: i32,
    b: Option<String>,
    c: Option<i32>,
}

impl Encode for SProp {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        MapWriter::new(writer, 3)?.member("A", &self.a)?.member("B", &self.b)?.member("C", &self.c)?.end()
    }
}

impl Decode<'_> for SProp {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let mut object = Self::default();
        let mut members = MapReader::new(reader)?;
        while let Some(name) = members.next_key()? {
            match name {
                "A" => object.a = members.value()?,
                "B" => object.b = members.value()?,
                "C" => object.c = members.value()?,
                _ => {}
            }
        }
        Ok(object)
    }
}

fn kint(a: i32, b: Option<&str>, c: bool) -> KInt {
    KInt { a, b: b.map(Into::into), c }
}

fn sprop(a: i32, b: Option<&str>) -> SProp {
    SProp { a, b: b.map(Into::into), c: None }
}

#[test]
fn an_object_with_numbers_is_an_array_with_nil_in_its_holes() {
    both_ways(kint(1, Some("b"), true), "9301a162c3");
    both_ways(KInt::default(), "9300c0c2");
    both_ways(None::<KInt>, "c0");
    both_ways(vec![Some(kint(1, None, false)), None], "929301c0c2c0");
    both_ways(KGap { a: 1, c: 3, f: Some("f".into()) }, "9601c003c0c0a166");
    // Sixteen and more have a longer header.
    let mut writer = Writer::new();
    ArrayWriter::new(&mut writer, 16).unwrap().member(0, &1).unwrap().member(15, &2).unwrap().end().unwrap();
    assert_eq!(hex(writer.bytes()), format!("dc001101{}02c0", "c0".repeat(14)));
}

#[test]
fn an_array_longer_than_the_object_is_passed_over_and_a_shorter_one_leaves_the_rest() {
    reads("9501a162c305a178", kint(1, Some("b"), true));
    reads("9101", kint(1, None, false));
    reads("90", KInt::default());
    reads("9601a17803910181c0c0a166", KGap { a: 1, c: 3, f: Some("f".into()) });
    reads("9201c0", KGap { a: 1, c: 0, f: None });
    reads("dc000301a162c3", kint(1, Some("b"), true));
    reads("93d30000000000000001a162c3", kint(1, Some("b"), true));
    // However deep it is what a newer peer has added.
    let deep = format!("9401a162c3{}c0", "91".repeat(100_000));
    reads(&deep, kint(1, Some("b"), true));
}

#[test]
fn nil_is_a_null_where_there_can_be_one_and_refused_elsewhere() {
    reads("9301c0c3", kint(1, None, true));
    for (nil, offset) in [("93c0a162c3", 1), ("9301a162c0", 4)] {
        let error = refused::<KInt>(nil);
        assert!(matches!(error.problem, Problem::Unexpected { code: 0xc0, .. }));
        assert_eq!(error.offset, offset);
    }
    reads("c0", None::<KInt>);
    assert!(matches!(refused::<KInt>("c0").problem, Problem::Unexpected { .. }));
}

#[test]
fn a_map_is_no_array_and_an_array_no_map() {
    for map in ["83000101a16202c3", "81a14101", "05"] {
        assert!(matches!(refused::<KInt>(map).problem, Problem::Unexpected { expected: "an array", .. }), "{map}");
    }
    for array in ["93010203", "90", "05"] {
        assert!(matches!(refused::<SProp>(array).problem, Problem::Unexpected { expected: "a map", .. }), "{array}");
    }
    assert!(matches!(refused::<KInt>("93a161a162c3").problem, Problem::Unexpected { code: 0xa1, .. }));
    assert!(matches!(refused::<KInt>("93cf0000000100000000a162c3").problem, Problem::OutOfRange { .. }));
}

#[test]
fn an_object_with_names_is_a_map_of_all_its_members() {
    both_ways(sprop(1, None), "83a14101a142c0a143c0");
    both_ways(None::<SProp>, "c0");
    // A name of 32 bytes and more has a longer header, whatever the settings say of texts.
    let name = "this_is_a_key_longer_than_31_bytes_for_str8";
    let mut writer = Writer::with_settings(Settings { old_spec: true, ..Settings::default() });
    MapWriter::new(&mut writer, 2).unwrap().member(name, &1).unwrap().member("é中", &2).unwrap().end().unwrap();
    assert_eq!(hex(writer.bytes()), format!("82d92b{}01a5c3a9e4b8ad02", hex(name.as_bytes())));
}

#[test]
fn members_are_read_in_any_order_and_those_unknown_passed_over() {
    reads("83a143c0a142a178a14101", sprop(1, Some("x")));
    reads("84a15a920102a14101a142a178a143c0", sprop(1, Some("x")));
    reads("82a15a81a16101a14101", sprop(1, None));
    reads("82a15ad40101a14101", sprop(1, None));
    reads("81a14101", sprop(1, None));
    reads("80", SProp::default());
    reads("81d9014101", sprop(1, None));
    reads("de0001a14101", sprop(1, None));
    // Another case is another name; so is what is not UTF-8.
    reads("81a16105", SProp::default());
    reads("82a1ff05a14101", sprop(1, None));
    // Of one that is there twice the last stays.
    reads("82a14101a14102", sprop(2, None));
}

#[test]
fn a_key_that_is_no_name_is_refused() {
    for (other, offset) in [("820105a14101", 1), ("82c005a14101", 1), ("82a1410190c0", 4), ("81c4014101", 1)] {
        let error = refused::<SProp>(other);
        assert!(matches!(error.problem, Problem::Unexpected { expected: "text", .. }), "{error}");
        assert_eq!(error.offset, offset);
    }
    let error = refused::<SProp>("82a001a14105");
    assert_eq!(error.to_string(), "byte 1: this is no name of a member: it is empty");
    assert!(matches!(refused::<SProp>("81a141c0").problem, Problem::Unexpected { code: 0xc0, .. }));
    assert!(matches!(refused::<SProp>("81a161").problem, Problem::End { .. }));
}

#[test]
fn a_class_without_members_passes_over_whatever_there_is() {
    let bytes = bytes("82a14101a142920102");
    let mut reader = Reader::new(&bytes);
    let mut members = MapReader::new(&mut reader).unwrap();
    assert_eq!(members.next_key().unwrap(), Some("A"));
    assert_eq!(members.next_key().unwrap(), Some("B"));
    assert_eq!(members.next_key().unwrap(), None);
    assert_eq!(members.next_key().unwrap(), None);
    drop(members);
    assert!(reader.is_at_end());
}

#[test]
fn members_too_many_too_few_or_out_of_order_are_errors_of_the_writer() {
    let mut writer = Writer::new();
    assert!(matches!(
        MapWriter::new(&mut writer, 2).unwrap().member("A", &1).unwrap().end().unwrap_err().problem,
        Problem::WrongLength { expected: 2, found: 1, .. }
    ));
    assert!(matches!(
        MapWriter::new(&mut writer, 0).unwrap().member("A", &1).unwrap_err().problem,
        Problem::WrongLength { expected: 0, found: 1, .. }
    ));
    let object = ArrayWriter::new(&mut writer, 3).unwrap().member(1, &1).unwrap();
    assert!(matches!(object.member(1, &2).unwrap_err().problem, Problem::Malformed { .. }));
    let object = ArrayWriter::new(&mut writer, 3).unwrap();
    assert!(matches!(object.member(4, &2).unwrap_err().problem, Problem::Malformed { .. }));
}

/// A list of itself.
#[derive(Debug)]
struct Node(Option<Box<Node>>);

impl Decode<'_> for Node {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let mut next = None;
        let mut members = ArrayReader::new(reader)?;
        while let Some(key) = members.next_key()? {
            if key == 0 && !members.reader().try_nil()? {
                next = Some(Box::new(members.value()?));
            }
        }
        Ok(Self(next))
    }
}

#[test]
fn objects_are_read_as_deep_as_is_allowed() {
    let nested = |depth| format!("{}c0", "91".repeat(depth));
    let mut node = decode::<Node>(&bytes(&nested(500))).unwrap();
    let mut depth = 1;
    while let Some(next) = node.0 {
        (node, depth) = (*next, depth + 1);
    }
    assert_eq!(depth, 500);
    assert_eq!(refused::<Node>(&nested(501)).problem, Problem::TooDeep { limit: 500 });
    assert_eq!(refused::<Node>(&nested(100_000)).problem, Problem::TooDeep { limit: 500 });
}

fn union(hex: &str) -> Result<Option<KInt>> {
    decode_union(&mut Reader::new(&bytes(hex)), |key, reader| match key {
        0 => KInt::decode(reader).map(Some),
        300 => {
            // Taken in part, and then not known after all.
            reader.array_header()?;
            Ok(None)
        }
        _ => Ok(None),
    })
}

#[test]
fn a_union_is_a_key_and_a_value() {
    for (key, due) in [(0, "00"), (127, "7f"), (128, "cc80"), (300, "cd012c"), (-1, "ff")] {
        let mut writer = Writer::new();
        encode_union(&mut writer, key, &kint(1, None, false)).unwrap();
        assert_eq!(hex(writer.bytes()), format!("92{due}9301c0c2"));
    }
    let due = Some(kint(1, None, false));
    assert_eq!(union("92009301c0c2").unwrap(), due);
    // As old generators wrote it.
    assert_eq!(union("92d2000000009301c0c2").unwrap(), due);
    assert_eq!(union("c0").unwrap(), None);
}

#[test]
fn a_union_of_an_unknown_key_is_passed_over_and_null() {
    for unknown in ["92059301c0c2", "92cd012c9301c0c2", "9207c0"] {
        assert_eq!(union(unknown).unwrap(), None, "{unknown}");
        // What follows it is read.
        let bytes = bytes(&format!("{unknown}05"));
        let mut reader = Reader::new(&bytes);
        assert_eq!(decode_union::<()>(&mut reader, |_, _| Ok(None)).unwrap(), None);
        assert_eq!(reader.int().unwrap(), 5);
    }
    assert!(matches!(union("9100").unwrap_err().problem, Problem::WrongLength { found: 1, .. }));
    assert!(matches!(union("9300c0c0").unwrap_err().problem, Problem::WrongLength { found: 3, .. }));
    assert!(matches!(union("92a130c0").unwrap_err().problem, Problem::Unexpected { .. }));
    assert!(matches!(union("92ce80000000c0").unwrap_err().problem, Problem::OutOfRange { .. }));
    assert!(matches!(union("05").unwrap_err().problem, Problem::Unexpected { .. }));
}

proptest! {
    #[test]
    fn every_object_of_members_comes_back(a: i32, b: Option<String>, c: bool, n: Option<i32>) {
        comes_back(&KInt { a, b: b.clone(), c })?;
        comes_back(&KGap { a, c: n.unwrap_or(1), f: b.clone() })?;
        comes_back(&SProp { a, b, c: n })?;
    }

    #[test]
    fn no_bytes_make_an_object_of_members_panic(bytes: Vec<u8>, head in 0x80..0xa0_u8) {
        let mut bytes = bytes;
        bytes.insert(0, head);
        let _ = decode::<KInt>(&bytes);
        let _ = decode::<SProp>(&bytes);
        let _ = decode::<Node>(&bytes);
        let _ = decode_union(&mut Reader::new(&bytes), |_, reader| KInt::decode(reader).map(Some));
    }
}
