//! Reads bytes as MessagePack-CSharp reads them under a static type and options.

use crate::classes::{Class, Sort};
use crate::csharp::Type;
use crate::enums;
use crate::families::{Collection, OnDuplicate};
use crate::layout::{layout, members, Layout, Owned, Slot};
use crate::options::{Options, Resolver};
use crate::scalars;
use crate::stop::{Result, Stop, ACCESS, ARGUMENT, CAST, NO_FORMATTER, OPERATION, SERIALIZATION};
use crate::value::{Enum, Int, Value};
use crate::world::World;
use crate::writing::Place;
use backrun::codec::dotnet::{decode_union, ArrayReader, MapReader, Object};
use backrun::codec::{Decode, Kind, Reader};
use std::collections::HashMap;

pub struct Reading<'a> {
    pub world: &'a World,
    pub options: &'a Options,
}

impl Reading<'_> {
    /// A value, and how many bytes it has.
    pub fn of_bytes(&self, bytes: &[u8], of: &Type) -> Result<(Value, usize)> {
        let mut reader = Reader::with_settings(bytes, self.options.settings());
        let value = self.value(&mut reader, of, Place::Slot)?;
        Ok((value, reader.offset()))
    }

    pub fn value(&self, reader: &mut Reader<'_>, of: &Type, place: Place) -> Result<Value> {
        match of {
            Type::Untold => return Stop::unknown("the type is not told"),
            Type::Nullable(of) => {
                return match reader.try_nil()? {
                    true => Ok(Value::Null),
                    false => self.value(reader, of, Place::Slot),
                }
            }
            Type::Array(element, rank @ 2..=4) => return self.dimensions(reader, element, *rank),
            _ => {}
        }
        if of.is("object") || of.is("dynamic") {
            return self.object(reader);
        }
        if let Some(int) = Int::of_name(&of.to_string()) {
            return Ok(Value::Int(int, scalars::read_int(reader, int)?));
        }
        if let Some(name) = scalars::name_of(of) {
            return scalars::read(reader, name, self.options);
        }
        if let Some(underlying) = self.world.underlying(of) {
            return self.enumeration(reader, of, underlying);
        }
        if let Some(collection) = Collection::of(of, self.options.is_v3()) {
            return self.collection(reader, of, &collection, place);
        }
        match self.world.class(of) {
            Some(class) => self.class(reader, class, of),
            None if of.is("ValueTuple") => Stop::refused(NO_FORMATTER, "the empty ValueTuple has no formatter"),
            None => Stop::unknown(format!("the type {of} is not known")),
        }
    }

    /// Elements and entries nest.
    fn inside<T>(&self, reader: &mut Reader<'_>, read: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> Result<T> {
        reader.enter()?;
        let taken = read(reader);
        reader.leave();
        taken
    }

    fn enumeration(&self, reader: &mut Reader<'_>, of: &Type, underlying: Int) -> Result<Value> {
        let told = |number| Value::Enum(Enum { name: of.to_string(), underlying, number, text: String::new() });
        if !self.options.enum_as_text {
            return scalars::read_int(reader, underlying).map(told);
        }
        let Some(class) = self.world.class(of) else {
            return Stop::unknown(format!("the names of {of} are not known"));
        };
        let number = enums::with_table(class, underlying, |table| table.decode_name(reader))?;
        Ok(told(number))
    }

    fn sequence(&self, reader: &mut Reader<'_>, of: &Type) -> Result<Vec<Value>> {
        let count = reader.array_header()?;
        self.inside(reader, |reader| (0..count).map(|_| self.value(reader, of, Place::Slot)).collect())
    }

    fn dimensions(&self, reader: &mut Reader<'_>, of: &Type, rank: usize) -> Result<Value> {
        if reader.try_nil()? {
            return Ok(Value::Null);
        }
        if reader.array_header()? != rank + 1 {
            return Stop::refused(OPERATION, format!("an array of {rank} dimensions is an array of {}", rank + 1));
        }
        let mut lengths = Vec::new();
        for _ in 0..rank {
            lengths.push(i32::decode(reader)?);
        }
        let items = self.sequence(reader, of)?;
        let product = lengths.iter().try_fold(1_i64, |product, length| product.checked_mul(i64::from(*length)));
        match product.and_then(|product| usize::try_from(product).ok()) == Some(items.len()) {
            true => Ok(Value::Dims(lengths.into_iter().map(|length| length as usize).collect(), items)),
            false => Stop::refused(SERIALIZATION, "the lengths do not give the number of elements"),
        }
    }

    fn exactly(&self, reader: &mut Reader<'_>, count: usize, what: &Type) -> Result<()> {
        match reader.array_header()? {
            found if found == count => Ok(()),
            found => {
                Stop::refused(SERIALIZATION, format!("a {what} is an array of {count}, and there is one of {found}"))
            }
        }
    }

    fn collection(&self, reader: &mut Reader<'_>, of: &Type, collection: &Collection, place: Place) -> Result<Value> {
        if matches!(collection, Collection::Lazy(_) | Collection::Pair(..) | Collection::Tuple { nullable: false, .. })
        {
            // These are no references, or what they hold is asked.
        } else if reader.try_nil()? {
            // A Memory is a struct, and nil is an empty one.
            return Ok(match collection {
                Collection::Bytes { nullable: false } => Value::Bytes(Vec::new()),
                Collection::Sequence { .. } if crate::families::is_struct(of) => Value::List(Vec::new()),
                _ => Value::Null,
            });
        }
        Ok(match collection {
            Collection::Bytes { .. } => self.byte_array(reader, of, place)?,
            Collection::Lazy(_) if reader.try_nil()? => Value::Null,
            Collection::Lazy(of) => self.value(reader, of, Place::Slot)?,
            Collection::Sequence { of: element, is_set, .. } => {
                if of.to_string() == "List<byte>"
                    && self.options.is_v3()
                    && matches!(reader.peek()?, Kind::Bin | Kind::Str)
                {
                    let bytes = reader.bin()?;
                    return Ok(Value::List(bytes.iter().map(|byte| Value::Int(Int::U8, (*byte).into())).collect()));
                }
                let mut items = self.sequence(reader, element)?;
                if *is_set {
                    self.check_key(element, of)?;
                    let mut seen = Seen::default();
                    items.retain(|item| seen.add(item));
                }
                Value::List(items)
            }
            Collection::Map { key, value, on_duplicate } => {
                self.check_key(key, of)?;
                let count = reader.map_header()?;
                self.inside(reader, |reader| self.entries(reader, count, key, value, *on_duplicate))?
            }
            Collection::Lookup { key, of } => {
                let count = reader.array_header()?;
                let group = Collection::Group { key: key.clone(), of: of.clone() };
                let groups = |reader: &mut Reader<'_>| {
                    (0..count)
                        .map(|_| self.collection(reader, &Type::Untold, &group, Place::Slot))
                        .collect::<Result<_>>()
                };
                Value::List(self.inside(reader, groups)?)
            }
            Collection::Group { key, of } => {
                self.exactly(reader, 2, &Type::named("IGrouping"))?;
                self.inside(reader, |reader| {
                    let key = self.value(reader, key, Place::Slot)?;
                    let items = match reader.try_nil()? {
                        true => Vec::new(),
                        false => self.sequence(reader, of)?,
                    };
                    Ok(Value::Group(Box::new(key), items))
                })?
            }
            Collection::Pair(key, value) => {
                self.exactly(reader, 2, of)?;
                self.inside(reader, |reader| {
                    let key = self.value(reader, key, Place::Slot)?;
                    Ok(Value::Pair(Box::new((key, self.value(reader, value, Place::Slot)?))))
                })?
            }
            Collection::Tuple { of: elements, nullable } => {
                if !nullable && reader.peek()? == Kind::Nil {
                    return Stop::refused(SERIALIZATION, format!("a {of} is not nil"));
                }
                self.exactly(reader, elements.len(), of)?;
                self.inside(reader, |reader| self.tuple(reader, elements))?
            }
        })
    }

    fn tuple(&self, reader: &mut Reader<'_>, elements: &[Type]) -> Result<Value> {
        let mut items = Vec::new();
        for (at, of) in elements.iter().enumerate() {
            match self.value(reader, of, Place::Slot)? {
                // The rest of eight and more: here tuples are flat.
                Value::Tuple(rest) if at == 7 => items.extend(rest),
                value => items.push(value),
            }
        }
        Ok(Value::Tuple(items))
    }

    /// `byte[]` takes an array of integers too, unless it is an object's member.
    fn byte_array(&self, reader: &mut Reader<'_>, of: &Type, place: Place) -> Result<Value> {
        if matches!(of, Type::Array(..)) && place == Place::Slot && reader.peek()? == Kind::Array {
            let items = self.sequence(reader, &Type::named("byte"))?;
            let byte = |item| match item {
                Value::Int(_, number) => number as u8,
                _ => 0,
            };
            return Ok(Value::Bytes(items.into_iter().map(byte).collect()));
        }
        Ok(Value::Bytes(reader.bin()?.to_vec()))
    }

    fn entries(
        &self,
        reader: &mut Reader<'_>,
        count: usize,
        key: &Type,
        value: &Type,
        on_duplicate: OnDuplicate,
    ) -> Result<Value> {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        let mut seen = Seen::default();
        for _ in 0..count {
            let own_key = self.value(reader, key, Place::Slot)?;
            let own_value = self.value(reader, value, Place::Slot)?;
            if own_key == Value::Null {
                return scalars::no_null_key();
            }
            if self.options.untrusted && matches!(own_key, Value::Bytes(_) | Value::List(_) | Value::Map(_)) {
                return Stop::refused(ACCESS, "no key of this type is hashed safely");
            }
            if seen.add(&own_key) {
                entries.push((own_key, own_value));
                continue;
            }
            let before = entries.iter().find(|(before, _)| *before == own_key);
            match on_duplicate {
                OnDuplicate::FirstWins => {}
                OnDuplicate::RefuseAnother if before.is_some_and(|(_, before)| *before == own_value) => {}
                _ => return Stop::refused(ARGUMENT, "a key is there twice"),
            }
        }
        Ok(Value::Map(entries))
    }

    /// Data that is not trusted gives keys only of types that are hashed safely.
    fn check_key(&self, of: &Type, collection: &Type) -> Result<()> {
        let is_safe = Int::of_name(&of.to_string()).is_some()
            || self.world.underlying(of).is_some()
            || ["bool", "char", "Guid", "float", "double", "string", "DateTime", "DateTimeOffset", "object"]
                .iter()
                .any(|name| of.is(name));
        // What sorts does not hash.
        match is_safe || !self.options.untrusted || collection.to_string().contains("Sorted") {
            true => Ok(()),
            false => Stop::refused(ACCESS, format!("keys of the type {of} are not hashed safely")),
        }
    }

    fn class(&self, reader: &mut Reader<'_>, class: &Class, of: &Type) -> Result<Value> {
        if class.has("Union") {
            return self.union(reader, class);
        }
        if class.is_abstract {
            return match self.options.resolver {
                Resolver::Typeless => crate::typeless::read(self, reader),
                _ => Stop::refused(NO_FORMATTER, format!("{of} is abstract and no union")),
            };
        }
        if let Some(base) = class.collection() {
            return self.derived(reader, base);
        }
        let arguments: &[Type] = if let Type::Named(_, arguments) = of { arguments } else { &[] };
        if class.bases.iter().any(|base| base.is("IMessagePackSerializationCallbackReceiver")) {
            return Stop::unknown(format!("{of} has code of its own that runs after it was read"));
        }
        let layout = match layout(self.world, class, arguments, self.options) {
            Ok(layout) => layout,
            Err(why) => return Stop::refused(NO_FORMATTER, why),
        };
        if reader.try_nil()? {
            return match class.sort {
                Sort::Struct => Stop::refused(SERIALIZATION, format!("the struct {of} is not nil")),
                _ => Ok(Value::Null),
            };
        }
        let mut found: HashMap<(String, usize), Value> = HashMap::new();
        let mut keep = |slot: &Slot, value| {
            if slot.is_set {
                found.insert((slot.member.clone(), slot.occurrence), value);
            }
        };
        match &layout {
            Layout::Array(places) => {
                let mut object = ArrayReader::new(reader)?;
                while let Some(key) = object.next_key()? {
                    if let Some(slot) = places.get(key).and_then(Option::as_ref) {
                        keep(slot, self.value(object.reader(), &slot.of, Place::Member)?);
                    }
                }
            }
            Layout::Map(slots) => {
                let mut object = MapReader::new(reader)?;
                while let Some(key) = object.next_key()? {
                    if let Some((_, slot)) = slots.iter().find(|(own, _)| own == key) {
                        keep(slot, self.value(object.reader(), &slot.of, Place::Member)?);
                    }
                }
            }
        }
        let slots: Vec<&Slot> = match &layout {
            Layout::Array(places) => places.iter().flatten().collect(),
            Layout::Map(slots) => slots.iter().map(|(_, slot)| slot).collect(),
        };
        let all = members(self.world, class, arguments).into_iter().map(|owned| {
            let key = (owned.member.name.clone(), owned.occurrence);
            let is_bound =
                slots.iter().any(|slot| (&slot.member, slot.occurrence, slot.is_bound) == (&key.0, key.1, true));
            let value = found.remove(&key).unwrap_or_else(|| self.missing(&owned, is_bound));
            (key.0, value)
        });
        Ok(Value::Object(of.to_string(), all.collect()))
    }

    /// A class that derives from a collection: from a list or a dictionary it is one of objects, and they have to be of its type.
    fn derived(&self, reader: &mut Reader<'_>, base: &Type) -> Result<Value> {
        let Type::Named(name, arguments) = base else { return Stop::unknown("its base is no collection") };
        let is_of = |value: &Value, of: &Type| match (value, Int::of_name(&of.to_string())) {
            (Value::Int(own, _), Some(of)) => *own == of,
            _ => true,
        };
        let objects = vec![Type::named("object"); arguments.len()];
        let value = match name.as_str() {
            "List" | "Dictionary" => self.value(reader, &Type::Named(name.clone(), objects), Place::Slot)?,
            _ => return self.value(reader, base, Place::Slot),
        };
        let is_fine = match (&value, arguments.as_slice()) {
            (Value::List(items), [of]) => items.iter().all(|item| is_of(item, of)),
            (Value::Map(entries), [key, of]) => entries.iter().all(|own| is_of(&own.0, key) && is_of(&own.1, of)),
            _ => true,
        };
        match is_fine {
            true => Ok(value),
            false => Stop::refused(CAST, format!("an element is of another type than {base} has")),
        }
    }

    /// What a member has that the bytes do not tell.
    fn missing(&self, owned: &Owned<'_>, is_bound: bool) -> Value {
        match &owned.member.initial {
            Some(initial) if !is_bound => {
                let number = |text: &str| text.replace(' ', "").parse::<i128>().ok();
                let int = |of: &Type| match of {
                    Type::Nullable(of) => Int::of_name(&of.to_string()),
                    of => Int::of_name(&of.to_string()),
                };
                match (int(&owned.of), number(initial), crate::classes::literal_text(initial)) {
                    (Some(int), Some(number), _) => Value::Int(int, number),
                    (_, _, Some(text)) => Value::text(&text),
                    _ if initial == "true" || initial == "false" => Value::Bool(initial == "true"),
                    _ if initial == "null" => Value::Null,
                    // Code.
                    _ => Value::Untold,
                }
            }
            _ => self.default_of(&owned.of),
        }
    }

    /// `default(T)`.
    fn default_of(&self, of: &Type) -> Value {
        if let Some(int) = Int::of_name(&of.to_string()) {
            return Value::Int(int, 0);
        }
        if let Some(name) = scalars::name_of(of) {
            return scalars::default_of(name);
        }
        if let Some(underlying) = self.world.underlying(of) {
            return Value::Enum(Enum { name: of.to_string(), underlying, number: 0, text: String::new() });
        }
        match (self.world.class(of), of) {
            (Some(class), Type::Named(_, arguments)) if class.sort == Sort::Struct => {
                let all = members(self.world, class, arguments).into_iter();
                let all = all.map(|owned| (owned.member.name.clone(), self.default_of(&owned.of)));
                Value::Object(of.to_string(), all.collect())
            }
            _ if crate::families::is_struct(of) => Value::Untold,
            _ => Value::Null,
        }
    }

    fn union(&self, reader: &mut Reader<'_>, class: &Class) -> Result<Value> {
        // What the codec's function cannot carry.
        let mut other = None;
        let read = decode_union(reader, |key, reader| {
            let Some(of) = union_member(class, key) else { return Ok(None) };
            match self.value(reader, &self.world.resolve(&class.name, &of), Place::Slot) {
                Ok(value) => Ok(Some(value)),
                Err(Stop::Codec(error)) => Err(error),
                Err(stop) => {
                    other = Some(stop);
                    Ok(None)
                }
            }
        });
        match other {
            Some(stop) => Err(stop),
            None => Ok(read?.unwrap_or(Value::Null)),
        }
    }

    /// A slot of type `object`.
    pub fn object(&self, reader: &mut Reader<'_>) -> Result<Value> {
        if self.options.resolver == Resolver::Typeless && reader.peek_ext()? == Some(crate::node::TYPELESS) {
            return crate::typeless::read(self, reader);
        }
        if self.options.resolver == Resolver::Typeless {
            // What is in plain arrays and maps may be typeless again.
            let object = Type::named("object");
            match reader.peek()? {
                Kind::Array => return Ok(Value::List(self.sequence(reader, &object)?)),
                Kind::Map => {
                    let count = reader.map_header()?;
                    return self
                        .inside(reader, |reader| self.entries(reader, count, &object, &object, OnDuplicate::Refuse));
                }
                _ => {}
            }
        }
        // A key that is nil is an exception of its own.
        if reader.peek()? == Kind::Map {
            let mut ahead = *reader;
            let count = ahead.map_header()?;
            for _ in 0..count {
                if ahead.peek()? == Kind::Nil {
                    return scalars::no_null_key();
                }
                if ahead.skip().and_then(|_| ahead.skip()).is_err() {
                    break;
                }
            }
        }
        Ok(self.told(Object::decode(reader)?))
    }

    fn told(&self, object: Object) -> Value {
        match object {
            Object::Null => Value::Null,
            Object::Bool(value) => Value::Bool(value),
            Object::I8(value) => Value::Int(Int::I8, value.into()),
            Object::U8(value) => Value::Int(Int::U8, value.into()),
            Object::I16(value) => Value::Int(Int::I16, value.into()),
            Object::U16(value) => Value::Int(Int::U16, value.into()),
            Object::I32(value) => Value::Int(Int::I32, value.into()),
            Object::U32(value) => Value::Int(Int::U32, value.into()),
            Object::I64(value) => Value::Int(Int::I64, value.into()),
            Object::U64(value) => Value::Int(Int::U64, value.into()),
            Object::F32(value) => Value::F32(value.to_bits()),
            Object::F64(value) => Value::F64(value.to_bits()),
            Object::Char(unit) => Value::Char(unit.0),
            Object::String(text) => Value::text(&text),
            Object::Bytes(bytes) => Value::Bytes(bytes),
            Object::DateTime(time) => scalars::told(time),
            Object::Array(items) => Value::List(items.into_iter().map(|item| self.told(item)).collect()),
            Object::Map(entries) => {
                Value::Map(entries.into_iter().map(|(key, value)| (self.told(key), self.told(value))).collect())
            }
            _ => Value::Untold,
        }
    }
}

/// The type that a union has under a key.
fn union_member(class: &Class, key: i32) -> Option<Type> {
    let attributes = class.attributes.iter().filter(|attribute| attribute.name == "Union");
    let mut members = attributes.filter_map(|attribute| match attribute.positional.as_slice() {
        [own, of] if own.replace(' ', "") == key.to_string() => Some(of),
        _ => None,
    });
    let of = members.next()?.trim_start_matches("typeof").trim_matches([' ', '(', ')']).replace(' ', "");
    Type::parse(&of).ok()
}

/// Values that were there before.
#[derive(Default)]
struct Seen(std::collections::HashSet<String>);

impl Seen {
    /// Whether it is the first of its kind.
    fn add(&mut self, value: &Value) -> bool {
        self.0.insert(format!("{value:?}"))
    }
}
