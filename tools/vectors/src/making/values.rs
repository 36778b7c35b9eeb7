//! Values of types with parts: the codec's collections, of values that are made too.

use super::made::{self, Made};
use super::names;
use super::random::Random;
use super::scalars;
use super::types::{is_value_type, Types};
use crate::classes::Classes;
use crate::csharp::Type;
use crate::enums::{underlying, with_table};
use crate::families::{is_bulk_list, Collection};
use crate::options::{Options, Resolver};
use crate::value::{to_hex, Int};
use backrun::codec::dotnet::{
    Bytes, ConcurrentDictionary, DateTime, MultiArray, Object, OrderedMap, Pair, Set, Stack, Underlying,
};
use backrun::codec::{typeless, Encode, Result, Writer};
use std::collections::HashSet;
use std::rc::Rc;

/// So deep do objects lie in each other at most: lists of themselves would go on.
const DEEPEST: usize = 5;

pub struct Values<'a> {
    pub options: &'a Options,
    /// The enums of the C# program.
    pub enums: &'a Classes,
}

impl Values<'_> {
    pub fn make(&self, random: &mut Random, of: &Type) -> Made {
        self.value(random, of, DEEPEST)
    }

    /// A list that is often large enough to be compressed, and at times larger than one block, or another value.
    pub fn large(&self, random: &mut Random, of: &Type) -> Made {
        match of {
            Type::Named(name, element) if name == "List" => {
                let some = self.items(random, &element[0], 5, DEEPEST);
                let count = random.pick(&[0, 20, 20, 20, 20, 200, 200, 200, 200, 2000]);
                let items: Vec<Made> = (0..count).map(|_| random.pick(&some)).collect();
                let told = made::list(items.iter());
                Made::new(items, told)
            }
            of => self.make(random, of),
        }
    }

    fn value(&self, random: &mut Random, of: &Type, depth: usize) -> Made {
        match of {
            Type::Nullable(_) if depth == 0 || random.one_in(4) => return Made::null(),
            Type::Nullable(of) => return optional(self.whole(random, of, depth)),
            _ if of.is("object") => return self.object(random, depth),
            _ if is_value_type(of) => {}
            _ if depth == 0 || random.one_in(14) => return Made::null(),
            _ => return optional(self.whole(random, of, depth)),
        }
        self.whole(random, of, depth)
    }

    /// One that is not null.
    fn whole(&self, random: &mut Random, of: &Type, depth: usize) -> Made {
        if let Some(made) = scalars::make(random, &of.to_string(), self.options) {
            return made;
        }
        let depth = depth.saturating_sub(1);
        match of {
            Type::Array(element, rank @ 2..=4) => return self.dimensions(random, element, *rank, depth),
            _ if of.is("object") => return self.object(random, depth),
            _ => {}
        }
        match Collection::of(of, self.options.is_v3()) {
            Some(collection) => self.collection(random, of, &collection, depth),
            None => self.enumeration(random, of),
        }
    }

    fn enumeration(&self, random: &mut Random, of: &Type) -> Made {
        let name = of.to_string();
        let class = self.enums.find(&name, 0).unwrap_or_else(|| panic!("how a {name} is made is not known"));
        let int = class.underlying.unwrap_or(Int::I32);
        let (least, most) = int.range();
        let number = match class.constants.is_empty() || random.one_in(3) {
            true => random.edgy(least, most),
            false => class.constants[random.below(class.constants.len())].number,
        };
        let told = format!(
            "{{\"enum\":{},\"underlying\":\"{}\",\"n\":\"{number}\",\"text\":\"\"}}",
            made::quoted(&name),
            int.name()
        );
        if !self.options.enum_as_text {
            return Made::new(Numbered(underlying(int), number), told);
        }
        let mut writer = Writer::with_settings(self.options.settings());
        match with_table(class, int, |table| table.encode_name(number, &mut writer)) {
            Ok(()) => Made::new(Raw(writer.into_bytes()), told),
            Err(error) => panic!("{number} of {name} has no name: {error}"),
        }
    }

    fn count(random: &mut Random) -> usize {
        match random.below(25) {
            0 => random.between(14, 18) as usize,
            1 | 2 => 0,
            _ => random.below(5),
        }
    }

    fn items(&self, random: &mut Random, of: &Type, count: usize, depth: usize) -> Vec<Made> {
        (0..count).map(|_| self.value(random, of, depth)).collect()
    }

    fn dimensions(&self, random: &mut Random, of: &Type, rank: usize, depth: usize) -> Made {
        let lengths: Vec<u32> =
            (0..rank).map(|_| if random.one_in(8) { 0 } else { random.between(1, 3) as u32 }).collect();
        let elements = self.items(random, of, lengths.iter().product::<u32>() as usize, depth);
        let told = format!("{{\"dims\":{lengths:?},\"items\":{}}}", made::list(elements.iter()));
        match *lengths.as_slice() {
            [a, b] => Made::new(MultiArray { lengths: [a, b], elements }, told),
            [a, b, c] => Made::new(MultiArray { lengths: [a, b, c], elements }, told),
            [a, b, c, d] => Made::new(MultiArray { lengths: [a, b, c, d], elements }, told),
            _ => panic!("MessagePack-CSharp has arrays of two to four dimensions, and this one has {rank}"),
        }
    }

    fn collection(&self, random: &mut Random, of: &Type, collection: &Collection, depth: usize) -> Made {
        match collection {
            Collection::Bytes { .. } => {
                let bytes = scalars::bytes(random);
                let told = made::tag("bytes", to_hex(&bytes));
                Made::new(Bytes(bytes), told)
            }
            // What is lazily null is no Lazy.
            Collection::Lazy(of) => {
                let inner = self.whole(random, of, depth);
                let told = format!("{{\"lazy\":{}}}", inner.told);
                inner.with_told(told)
            }
            Collection::Sequence { of: element, is_set } => self.sequence(random, of, element, *is_set, depth),
            Collection::Map { key, value, .. } => self.map(random, of, key, value, depth),
            Collection::Lookup { key, of } => {
                let mut told = Vec::new();
                let mut groups = Vec::new();
                let count = Self::count(random);
                for key in self.keys(random, key, count) {
                    let items = self.some(random, of, depth);
                    told.push(made::group(&key, &items));
                    groups.push(Pair(key, items));
                }
                Made::new(groups, format!("[{}]", told.join(",")))
            }
            Collection::Group { key, of } => {
                let key = self.key(random, key);
                let items = self.some(random, of, depth);
                let told = made::group(&key, &items);
                Made::new(Pair(key, items), told)
            }
            Collection::Pair(key, value) => {
                let pair = Pair(self.value(random, key, depth), self.value(random, value, depth));
                let told = made::pair(&pair.0, &pair.1);
                Made::new(pair, told)
            }
            Collection::Tuple { of, .. } => {
                let mut parts = Vec::new();
                self.parts(random, of, depth, &mut parts);
                let told = format!("{{\"tuple\":{}}}", made::list(parts.iter()));
                Made::shared(tuple(parts), told)
            }
        }
    }

    /// A group is never empty.
    fn some(&self, random: &mut Random, of: &Type, depth: usize) -> Vec<Made> {
        let count = random.between(1, 3) as usize;
        self.items(random, of, count, depth)
    }

    fn parts(&self, random: &mut Random, of: &[Type], depth: usize, parts: &mut Vec<Made>) {
        for (at, of) in of.iter().enumerate() {
            match of {
                Type::Named(_, rest) if at == 7 => self.parts(random, rest, depth, parts),
                of => parts.push(self.value(random, of, depth)),
            }
        }
    }

    fn sequence(&self, random: &mut Random, of: &Type, element: &Type, is_set: bool, depth: usize) -> Made {
        let name = match of {
            Type::Named(name, _) => name.as_str(),
            _ => "",
        };
        match name {
            "ImmutableArray" if random.one_in(8) => return Made::null().with_told(made::tag("default", name)),
            "ArraySegment" if random.one_in(8) => return Made::null().with_told(made::tag("default", of)),
            _ => {}
        }
        let count = Self::count(random).min(foreseeable(name));
        let mut items = if is_set {
            self.keys(random, element, count)
        } else if is_bulk_list(of) && self.options.is_v3() && self.options.full_integers() {
            let int = Int::of_name(&element.to_string()).unwrap_or(Int::I32);
            let (least, most) = int.range();
            (0..count).map(|_| scalars::short(int, random.edgy(least, most))).collect()
        } else {
            self.items(random, element, count, depth)
        };
        if name.contains("Sorted") {
            items.sort_by_key(number);
        }
        let told = made::list(items.iter());
        if is_set {
            return Made::new(Set(items), told);
        }
        if name.contains("Stack") {
            // Its top comes first.
            items.reverse();
            return Made::new(Stack(items), told);
        }
        Made::new(items, told)
    }

    fn map(&self, random: &mut Random, of: &Type, key: &Type, value: &Type, depth: usize) -> Made {
        let name = match of {
            Type::Named(name, _) => name.as_str(),
            _ => "",
        };
        let is_untyped = matches!(of, Type::Named(name, arguments) if arguments.is_empty() && name != "ExpandoObject");
        let count = Self::count(random).min(if is_untyped { 1 } else { foreseeable(name) });
        let mut keys = self.keys(random, key, count);
        if name.contains("Sorted") {
            keys.sort_by_key(number);
        }
        let entries: Vec<(Made, Made)> = keys.into_iter().map(|key| (key, self.value(random, value, depth))).collect();
        let told = made::map(&entries);
        match name {
            "ConcurrentDictionary" => Made::new(ConcurrentDictionary(entries), told),
            _ => Made::new(OrderedMap(entries), told),
        }
    }

    fn key(&self, random: &mut Random, of: &Type) -> Made {
        match of.is("object") {
            // What a slot holds is no key where it is null.
            true => {
                let of = Types { options: self.options }.key(random);
                match self.options.resolver {
                    Resolver::Typeless => self.typed(random, &of, 1),
                    _ => self.object_of(random, 1).1,
                }
            }
            false => self.whole(random, of, 1),
        }
    }

    /// Keys that differ.
    fn keys(&self, random: &mut Random, of: &Type, count: usize) -> Vec<Made> {
        let mut seen = HashSet::new();
        let keys = (0..count).map(|_| self.key(random, of));
        let mut keys: Vec<Made> = keys.collect();
        keys.retain(|key| seen.insert(key.identity.clone()));
        keys
    }

    /// A slot of type `object`.
    fn object(&self, random: &mut Random, depth: usize) -> Made {
        if depth == 0 || random.one_in(12) {
            return Made::null();
        }
        if self.options.resolver == Resolver::Typeless {
            let of = Types { options: self.options }.boxed(random, depth.min(2));
            return self.typed(random, &of, depth);
        }
        let (object, made) = self.object_of(random, depth);
        Made::new(object, made.told)
    }

    /// A value with the name of its type, unless it stays plain.
    fn typed(&self, random: &mut Random, of: &Type, depth: usize) -> Made {
        let made = self.whole(random, of, depth);
        let name = names::of_type(of);
        let parsed = backrun::codec::TypeName::parse(&name).unwrap_or_else(|error| panic!("{name} is none: {error}"));
        if typeless::stays_plain(&parsed) {
            return made;
        }
        let name = match self.options.omit_version {
            true => match typeless::without_versions(&name) {
                Ok(short) => short.to_string(),
                Err(error) => panic!("{name} is none: {error}"),
            },
            false => name,
        };
        let (told, identity) = (made.told.clone(), format!("{of} {}", made.identity));
        Made::new(Typed { name, value: made }, told).with_identity(identity)
    }

    /// What comes back from a slot as it was. A value of another type has the form of its own there, and comes back as what that looks
    /// like.
    fn object_of(&self, random: &mut Random, depth: usize) -> (Object, Made) {
        let many = if depth > 1 { 3 } else { 1 };
        match random.below(13 + many) {
            0 => {
                let value = random.one_in(2);
                (Object::Bool(value), Made::new(value, value.to_string()))
            }
            1..=5 => {
                let int = random.pick(&[Int::I8, Int::U8, Int::I16, Int::U16, Int::I32, Int::U32, Int::I64, Int::U64]);
                let (least, most) = int.range();
                let number = random.edgy(least, most);
                let object = underlying(int).boxed(number).unwrap_or(Object::Null);
                (object, scalars::full(int, number))
            }
            6 => {
                let value = scalars::single(random);
                let told = made::float("f32", value, value.to_bits().into(), 8);
                (
                    Object::F32(value),
                    Made::new(value, told).with_identity(format!("f32 {}", made::float_identity(value.into()))),
                )
            }
            7 => {
                let value = scalars::double(random);
                let told = scalars::told_double(value);
                (
                    Object::F64(value),
                    Made::new(value, told).with_identity(format!("f64 {}", made::float_identity(value))),
                )
            }
            // The old specification has bytes that look like text, and no times.
            8 | 9 if !self.options.old_spec && self.options.resolver != Resolver::Typeless => {
                let ticks = random.between(0, DateTime::MAX_TICKS);
                let time = DateTime::utc(ticks);
                (Object::DateTime(time), scalars::utc(time))
            }
            10 if !self.options.old_spec => {
                let bytes = scalars::bytes(random);
                let told = made::tag("bytes", to_hex(&bytes));
                (Object::Bytes(bytes.clone()), Made::new(Bytes(bytes), told))
            }
            13 => {
                let count = Self::count(random);
                let (objects, made): (Vec<Object>, Vec<Made>) =
                    (0..count).map(|_| self.slot(random, depth - 1)).unzip();
                let told = made::list(made.iter());
                (Object::Array(objects), Made::new(made, told))
            }
            14 | 15 => {
                let count = Self::count(random);
                let mut seen = HashSet::new();
                let mut entries = Vec::new();
                let mut made = Vec::new();
                for _ in 0..count {
                    let (key, made_key) = self.object_of(random, 1);
                    if seen.insert(made_key.identity.clone()) {
                        let (value, made_value) = self.slot(random, depth - 1);
                        entries.push((key, value));
                        made.push((made_key, made_value));
                    }
                }
                let told = made::map(&made);
                (Object::Map(entries), Made::new(OrderedMap(made), told))
            }
            _ => {
                let text = String::from_utf16_lossy(&super::texts::units(random));
                let told = made::quoted(&text);
                (Object::String(text.clone()), Made::new(text, told))
            }
        }
    }

    fn slot(&self, random: &mut Random, depth: usize) -> (Object, Made) {
        match depth == 0 || random.one_in(12) {
            true => (Object::Null, Made::null()),
            false => self.object_of(random, depth),
        }
    }
}

/// The bytes of an enum's number.
struct Numbered(Underlying, i128);

impl Encode for Numbered {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        self.0.encode(self.1, writer)
    }
}

/// What was written already.
struct Raw(Vec<u8>);

impl Encode for Raw {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.raw(&self.0)
    }
}

struct Typed {
    name: String,
    value: Made,
}

impl Encode for Typed {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        typeless::write(writer, &self.name, |writer| self.value.encode(writer))
    }
}

/// Through the codec's `Option`.
fn optional(made: Made) -> Made {
    let (told, identity) = (made.told.clone(), made.identity.clone());
    Made::new(Some(made), told).with_identity(identity)
}

/// How many elements have an order that can be foreseen when a collection was read.
fn foreseeable(name: &str) -> usize {
    let is_hashed = ["ConcurrentBag", "Frozen", "ImmutableHashSet", "IImmutableSet", "ConcurrentDictionary"];
    let is_hashed = is_hashed.iter().any(|word| name.contains(word));
    match is_hashed || ["ImmutableDictionary", "IImmutableDictionary"].contains(&name) {
        true => 1,
        false => usize::MAX,
    }
}

fn number(made: &Made) -> i128 {
    let digits = made.identity.split('"').nth(3).and_then(|digits| digits.parse().ok());
    digits.unwrap_or_else(|| panic!("{} is no integer's", made.identity))
}

/// The codec's tuple of these.
fn tuple(parts: Vec<Made>) -> Rc<dyn Encode> {
    let count = parts.len();
    let mut parts = parts.into_iter();
    let mut next = || parts.next().unwrap_or_else(Made::null);
    macro_rules! tuples {
        ($($count:literal: $($part:ident)*;)*) => {
            match count {
                $($count => Rc::new(($({
                    let $part = next();
                    $part
                },)*)),)*
                _ => panic!("the codec has tuples of 1 to 16 parts, and this one has {count}"),
            }
        };
    }
    tuples! {
        1: a;
        2: a b;
        3: a b c;
        4: a b c d;
        5: a b c d e;
        6: a b c d e f;
        7: a b c d e f g;
        8: a b c d e f g h;
        9: a b c d e f g h i;
        10: a b c d e f g h i j;
        11: a b c d e f g h i j k;
        12: a b c d e f g h i j k l;
        13: a b c d e f g h i j k l m;
        14: a b c d e f g h i j k l m n;
        15: a b c d e f g h i j k l m n o;
        16: a b c d e f g h i j k l m n o p;
    }
}

/// The bytes of a value on its own.
pub fn bytes(made: &Made, options: &Options) -> Result<Vec<u8>> {
    let mut writer = Writer::with_settings(options.settings());
    made.encode(&mut writer)?;
    Ok(writer.into_bytes())
}
