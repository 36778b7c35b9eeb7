//! Derived structs against the bytes of the C# classes of the same members: lines of tests/golden, by their id.

use super::*;
use crate::codec::dotnet::*;
use std::collections::BTreeMap;

/// The bytes of a line.
#[track_caller]
fn line(id: &str) -> String {
    let family = id.split('/').next().unwrap();
    let path = format!("{}/tests/golden/{family}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let wanted = format!("\"id\":\"{id}\",");
    let line = text.lines().find(|line| line.contains(&wanted)).unwrap_or_else(|| panic!("{path} has no {id}"));
    let hex = line.split("\"hex\":\"").nth(1).unwrap_or_else(|| panic!("{id} has no bytes"));
    hex.split('"').next().unwrap().to_owned()
}

/// The line's bytes in both directions.
#[track_caller]
fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(id: &str, value: &T) {
    is(value, &line(id));
}

macro_rules! class {
    ($name:ident { $($key:literal $member:ident: $type:ty),* $(,)? }) => {
        #[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
        struct $name {
            $(#[serde(rename = $key)] $member: $type,)*
        }
    };
}

class!(Person {
    "Id" id: i32, "Name" name: Option<String>, "Active" active: bool, "Score" score: f64, "Age" age: Option<i32>, "Born" born: DateTime
});

fn ann() -> Person {
    let born = DateTime::utc(625_882_464_000_000_000);
    Person { id: 7, name: Some("Ann".into()), active: true, score: 1.5, age: Some(40), born }
}

class!(Address { "City" city: Option<String>, "Zip" zip: Option<String> });
class!(OrderLine { "Sku" sku: Option<String>, "Qty" quantity: i32, "Price" price: f32 });

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
enum Color {
    #[serde(rename = "0")]
    None,
    #[serde(rename = "1")]
    Red,
    #[serde(rename = "2")]
    Green,
    #[serde(rename = "-3")]
    Blue,
}

class!(Order {
    "Id" id: Guid, "Total" total: Decimal, "Ship" ship: Option<Address>, "Lines" lines: Option<Vec<OrderLine>>, "Tint" tint: Color,
    "Tags" tags: Option<BTreeMap<String, String>>, "Blob" blob: Option<Bytes>,
});
class!(Nullables {
    "I" i: Option<i32>, "B" b: Option<bool>, "D" d: Option<DateTime>, "G" g: Option<Guid>, "M" m: Option<Decimal>,
    "T" t: Option<TimeSpan>, "E" e: Option<Color>, "S" s: Option<String>, "Y" y: Option<Bytes>,
});
class!(Scalars {
    "U8" u8: u8, "I8" i8: i8, "I16" i16: i16, "U16" u16: u16, "I32" i32: i32, "U32" u32: u32, "I64" i64: i64, "U64" u64: u64,
    "F32" f32: f32, "F64" f64: f64, "C" c: char, "B" b: bool, "S" s: String, "D" d: DateTime, "O" o: DateTimeOffset,
    "T" t: TimeSpan, "G" g: Guid, "M" m: Decimal, "Link" link: Uri,
});
class!(ListNode { "V" v: i32, "Next" next: Option<Box<ListNode>> });
class!(Pair2 { "First" first: i32, "Second" second: i32 });
class!(BaseA { "A1" a1: i32, "A3" a3: i32, "fieldA2" a2: i32 });
class!(Point { "X" x: i32, "Y" y: i32 });

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct ObjectMembers {
    #[serde(rename = "One", with = "object")]
    one: i32,
    #[serde(rename = "Two")]
    two: Object,
    #[serde(rename = "Many")]
    many: Vec<Object>,
    #[serde(rename = "Bag")]
    bag: OrderedMap<String, Object>,
}

const GUID: &str = "00112233-4455-6677-8899-aabbccddeeff";

fn time() -> DateTime {
    DateTime::utc(638_397_614_450_000_000)
}

#[test]
fn contractless_classes_are_structs_with_their_members_names() {
    golden("contractless/Person@contractless", &ann());
    let nobody = Person { id: 0, name: None, active: false, score: 0.0, age: None, born: DateTime::utc(0) };
    golden("contractless/Person.default@contractless", &nobody);
    let line = |sku: &str, quantity, price| OrderLine { sku: Some(sku.into()), quantity, price };
    golden(
        "contractless/Order@contractless",
        &Order {
            id: GUID.parse().unwrap(),
            total: "12.50".parse().unwrap(),
            ship: Some(Address { city: Some("Zürich".into()), zip: None }),
            lines: Some(vec![line("x-1", 2, 1.25), line("y", 300, 0.0)]),
            tint: Color::Green,
            tags: Some(BTreeMap::from([("a".into(), "b".into())])),
            blob: Some(Bytes(blob("contractless/Order@contractless"))),
        },
    );
    let empty = Order {
        id: Guid::default(),
        total: Decimal::from(0),
        ship: None,
        lines: None,
        tint: Color::None,
        tags: None,
        blob: None,
    };
    golden("contractless/Order.empty@contractless", &empty);
    golden("contractless/BaseA@contractless", &BaseA { a1: 1, a3: 3, a2: 2 });
    golden("contractless/List<Person>@contractless", &vec![Some(ann()), None]);
    golden("contractless/Dictionary<string,Person>@contractless", &BTreeMap::from([("a".to_owned(), ann())]));
    golden("contractless/Pair2<int>@contractless", &Pair2 { first: 1, second: 2 });
    golden("contractless/struct?.null@contractless", &None::<Point>);
    let node = |v, next| Some(Box::new(ListNode { v, next }));
    golden("contractless/ListNode-3@contractless", &node(1, node(2, node(3, None))));
}

/// What the line says of the bytes of `Blob`.
fn blob(id: &str) -> Vec<u8> {
    let bytes = unhex(&line(id));
    let at = bytes.windows(5).position(|window| window == b"\xa4Blob").unwrap() + 5;
    Reader::new(&bytes[at..]).bin().unwrap().to_vec()
}

#[test]
fn members_of_every_scalar_type_have_its_form() {
    let null = Nullables { i: None, b: None, d: None, g: None, m: None, t: None, e: None, s: None, y: None };
    golden("contractless/Nullables.null@contractless", &null);
    let set = Nullables {
        i: Some(1),
        b: Some(false),
        d: DateTime::from_unix(0, 0),
        g: Some(GUID.parse().unwrap()),
        m: Some("1.50".parse().unwrap()),
        t: Some(TimeSpan(10_000_000)),
        e: Some(Color::Blue),
        s: Some(String::new()),
        y: Some(Bytes(Vec::new())),
    };
    golden("contractless/Nullables.set@contractless", &set);
    let id = "contractless/Scalars@contractless";
    let read: Scalars = from_slice(&unhex(&line(id))).unwrap();
    golden(id, &read);
    assert_eq!((read.u8, read.i8, read.i64, read.u64, read.c), (200, -100, i64::MIN, u64::MAX, 'z'));
    assert_eq!(read.d, time());
    assert_eq!(read.o, DateTimeOffset { local_ticks: time().ticks, offset_minutes: -300 });
}

#[test]
fn slots_of_type_object_keep_the_width_of_what_is_in_them() {
    let id = "contractless/ObjectMembers@contractless";
    let read: ObjectMembers = from_slice(&unhex(&line(id))).unwrap();
    assert_eq!((read.one, &read.two), (1, &Object::String("t".into())));
    assert_eq!(read.many, [Object::I32(1), Object::I64(2)]);
    let bag = &read.bag.0;
    assert_eq!((&*bag[0].0, &bag[0].1, &*bag[1].0), ("k", &Object::I32(1), "p"));
    // The person in the bag has members of its own types, which an Object does not know: it is written as it was made.
    let person = Object::of(&Members(ann())).unwrap();
    let bag = OrderedMap(vec![("k".to_owned(), Object::I32(1)), ("p".to_owned(), person)]);
    writes(&ObjectMembers { bag, ..read }, &line(id));
}

/// A struct in the place of a value that encodes itself.
struct Members(Person);

impl crate::codec::Encode for Members {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        to_writer(&self.0, writer, &Options::default())
    }
}

class!(SKey { "a" a: i32, "bee" b: String });
class!(SProp { "A" a: i32, "B" b: Option<String>, "C" c: Option<i32> });
class!(SLong { "this_is_a_key_longer_than_31_bytes_for_str8" a: i32, "é中" b: i32 });

#[test]
fn classes_with_string_keys_are_structs_with_those_names() {
    golden("stringkey/SKey@standard", &SKey { a: 1, b: "x".into() });
    golden("stringkey/SProp@standard", &SProp { a: 1, b: None, c: None });
    golden("stringkey/SLong@standard", &SLong { a: 1, b: 2 });
    golden("stringkey/SProp.null@standard", &None::<SProp>);
    golden("stringkey/SProp[]@standard", &vec![Some(SProp { a: 1, b: None, c: None }), None]);
}

class!(KInt { "0" a: i32, "1" b: Option<String>, "2" c: bool });
class!(KGap { "0" a: i32, "2" c: i32, "5" f: String });
class!(KStruct { "0" x: i32, "1" y: i32 });
class!(KBig { "0" a: i32, "15" b: i32, "16" c: i32 });
class!(KBase { "1" b1: i32, "3" b3: i32 });
class!(KNode { "0" v: i32, "1" next: Option<Box<KNode>> });
class!(KObj { "0" a: Object, "1" b: Vec<Object>, "2" c: OrderedMap<String, Object> });
class!(KNested {
    "0" one: KInt, "1" many: Vec<Option<KInt>>, "2" map: BTreeMap<i32, KInt>, "3" s: KStruct, "4" n: Option<KStruct>
});
class!(KDates {
    "0" a: DateTime, "1" b: Option<DateTime>, "2" c: DateTimeOffset, "3" d: Guid, "4" e: Decimal, "5" f: TimeSpan
});

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct KBytes {
    #[serde(rename = "0", with = "bytes")]
    a: Option<Vec<u8>>,
    #[serde(rename = "1", with = "list")]
    b: Option<Vec<u8>>,
    #[serde(rename = "2", with = "bytes")]
    c: Vec<u8>,
    #[serde(rename = "3", with = "bytes")]
    d: Option<Box<[u8]>>,
    #[serde(rename = "4")]
    e: Option<Vec<i8>>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct ByPlace {
    a: i32,
    b: Option<String>,
    c: bool,
}

#[test]
fn classes_with_int_keys_are_structs_with_members_named_by_number() {
    let int = |a, b: Option<&str>, c| KInt { a, b: b.map(str::to_owned), c };
    golden("intkey/KInt@standard", &int(1, Some("b"), true));
    golden("intkey/KInt.default@standard", &int(0, None, false));
    golden("intkey/KGap@standard", &KGap { a: 1, c: 3, f: "f".into() });
    golden("intkey/KStruct@standard", &KStruct { x: 1, y: 300 });
    golden("intkey/KBig@standard", &KBig { a: 1, b: 2, c: 3 });
    golden("intkey/KDerived-as-KBase@standard", &KBase { b1: 2, b3: 4 });
    golden("intkey/KNode-2@standard", &KNode { v: 1, next: Some(Box::new(KNode { v: 2, next: None })) });
    golden("intkey/KInt[]@standard", &vec![Some(int(1, None, false)), None]);
    let nested = KNested {
        one: int(1, None, false),
        many: vec![Some(int(2, None, false)), None],
        map: BTreeMap::from([(5, int(3, None, false))]),
        s: KStruct { x: 1, y: 0 },
        n: None,
    };
    golden("intkey/KNested@standard", &nested);
    let offset = DateTimeOffset { local_ticks: time().ticks, offset_minutes: 540 };
    let dates = KDates {
        a: time(),
        b: None,
        c: offset,
        d: GUID.parse().unwrap(),
        e: "1.50".parse().unwrap(),
        f: TimeSpan(10_000_000),
    };
    golden("intkey/KDates@standard", &dates);
    let some = || vec![1, 200];
    let bytes = KBytes { a: Some(some()), b: Some(some()), c: some(), d: Some(some().into()), e: Some(vec![1, -100]) };
    golden("intkey/KBytes@standard", &bytes);
    golden("intkey/KBytes.default@standard", &KBytes { a: None, b: None, c: vec![], d: None, e: None });
    let objects = KObj {
        a: Object::I32(1),
        b: vec![Object::I32(1), Object::String("x".into())],
        c: OrderedMap(vec![("k".into(), Object::I64(2))]),
    };
    golden("intkey/KObj@standard", &objects);
    // By their place, on request; and in a contractless resolver, a class with keys keeps its own shape.
    is_with(&Options::arrays(), &ByPlace { a: 1, b: Some("b".into()), c: true }, &line("intkey/KInt@standard"));
    golden("contractless/KInt@contractless", &int(1, Some("b"), false));
}

#[test]
fn an_empty_class_is_empty_in_its_shape() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Empty {}
    golden("stringkey/SEmpty@standard", &Empty {});
    is_with(&Options::arrays(), &Empty {}, &line("intkey/KEmpty@standard"));
}

/// What `Encode` and `Decode` make of a value is what serde makes of it.
#[track_caller]
fn alike<T>(value: &T)
where
    T: crate::codec::Encode + for<'a> crate::codec::Decode<'a> + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let bytes = crate::codec::encode(value).unwrap();
    assert_eq!(hex(&to_vec(value).unwrap()), hex(&bytes));
    assert_eq!(from_slice::<T>(&bytes).unwrap(), crate::codec::decode::<T>(&bytes).unwrap());
    // As an element, so that nothing is left of a state in between.
    let mut twice = vec![0x92];
    twice.extend_from_slice(&bytes);
    twice.extend_from_slice(&bytes);
    assert_eq!(hex(&to_vec(&(value, value)).unwrap()), hex(&twice));
    // Its own form in a slot of type object, too: only Rust's integers are wider there.
    assert_eq!(hex(&to_vec(&InObject(value)).unwrap()), hex(&to_vec(value).unwrap()));
}

#[test]
fn every_type_of_dot_net_is_through_serde_what_it_is_by_itself() {
    let guid: Guid = GUID.parse().unwrap();
    alike(&guid);
    alike(&NativeGuid(guid));
    for text in ["0", "0.00", "-79228162514264337593543950335", "1.50"] {
        alike(&text.parse::<Decimal>().unwrap());
        alike(&NativeDecimal(text.parse().unwrap()));
    }
    for ticks in [0, 621_355_968_000_000_000, 621_355_968_000_000_001, DateTime::MAX_TICKS] {
        alike(&DateTime::utc(ticks));
        alike(&NativeDateTime(DateTime::utc(ticks)));
    }
    alike(&DateTimeOffset { local_ticks: time().ticks, offset_minutes: -300 });
    alike(&TimeSpan(-1));
    alike(&DateOnly(738_886));
    alike(&TimeOnly(1));
    alike(&Char(0xd83d));
    alike(&Rune('😀'));
    alike(&Half::from_f32(1.5));
    alike(&Complex { real: 1.0, imaginary: -1.0 });
    for bytes in [&[][..], &[0], &[0x80, 0], &[0xff, 0xff]] {
        alike(&BigInteger(bytes.to_vec()));
    }
    alike(&Uri("http://a/b?c".into()));
    alike(&"1.2.3.4".parse::<VersionNumber>().unwrap());
    alike(&Bytes(vec![1, 200]));
    alike(&BitArray(vec![true, false]));
    alike(&Object::Array(vec![
        Object::Null,
        Object::I32(1),
        Object::U8(2),
        Object::F32(1.0),
        Object::Bytes(vec![1]),
        Object::DateTime(time()),
        Object::Map(vec![(Object::I64(1), Object::Bool(true)), (Object::String("k".into()), Object::Array(vec![]))]),
    ]));
    // Their elements are Rust's, and wider in a slot of type object; the rest is alike.
    is(&Stack(vec![1, 2, 3]), "93030201");
    is(&Set(vec![3, 1]), "920301");
    reads("93030103", &Set(vec![3, 1]));
    is(&Pair("k".to_owned(), 1), "92a16b01");
    is(&OrderedMap(vec![(2, "b".to_owned()), (1, "a".to_owned())]), "8202a16201a161");
    is(&MultiArray { lengths: [2, 2], elements: vec![1, 2, 3, 4] }, "9302029401020304");
    is(&i128::MIN, &hex(&crate::codec::encode(&i128::MIN).unwrap()));
}

#[test]
fn a_value_that_is_none_of_its_type_is_refused_both_ways() {
    refuses(&DateTime::utc(-1), "-1 ticks do not fit into a DateTime");
    refuses(&DateOnly(-1), "does not fit into a DateOnly");
    refuses(&DateTimeOffset { local_ticks: 0, offset_minutes: 1000 }, "offset");
    refuses(&MultiArray { lengths: [2, 2], elements: vec![1] }, "several dimensions");
    fails::<DateOnly>("ff", "byte 0: -1 does not fit into a DateOnly (days 0 to 3652058)");
    fails::<Vec<Guid>>("91a3616263", "byte 1: a Guid has length 36, and there is one of length 3");
    fails::<DateTime>("c70501ffffffffff", "byte 0: a timestamp was expected, and there is an extension of type 1");
    fails::<DateTime>("05", "byte 0: an extension was expected, and there is an integer (0x05)");
    fails::<DateTime>(
        "c70cff00000000000fffffffffffff",
        "byte 0: 4503599627370495 does not fit into a DateTime (the years 1 to 9999)",
    );
    fails::<NativeGuid>("c40101", "byte 0: a native Guid has length 16, and there is one of length 1");
    fails::<MultiArray<i32, 2>>(
        "93020291010203",
        "byte 0: this is no array of several dimensions: its lengths are [2, 2], and it has 1 elements",
    );
    fails::<Object>("d40101", "byte 0: a timestamp was expected, and there is an extension of type 1");
    fails::<Object>("820101cc0102", "byte 3: this key has been there before");
    let old = Settings { old_spec: true, version: crate::codec::Version::V2_5, ..Settings::default() };
    let error = to_vec_with(&DateTime::utc(0), &Options::default().settings(old)).unwrap_err().to_string();
    assert!(error.contains("old specification"), "{error}");
    let error = to_vec_with(&Rune('a'), &Options::default().settings(old)).unwrap_err().to_string();
    assert!(error.contains("Rune"), "{error}");
}

#[test]
fn these_types_do_through_rmp_serde_too() {
    let value = (DateTime::utc(5), GUID.parse::<Guid>().unwrap(), TimeSpan(7), Bytes(vec![1]));
    let bytes = ::rmp_serde::to_vec(&value).unwrap();
    assert_eq!(bytes, to_vec(&value).unwrap());
    assert_eq!(::rmp_serde::from_slice::<(DateTime, Guid, TimeSpan, Bytes)>(&bytes).unwrap(), value);
}
