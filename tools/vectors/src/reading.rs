//! Reads bytes as MessagePack-CSharp reads them under a static type and options.

use crate::csharp::Type;
use crate::enums;
use crate::families::{Collection, OnDuplicate};
use crate::options::{Options, Resolver};
use crate::scalars;
use crate::stop::{Result, Stop, ACCESS, ARGUMENT, NO_FORMATTER, OPERATION, SERIALIZATION};
use crate::value::{Enum, Int, Value};
use crate::world::World;
use crate::writing::Place;
use backrun::codec::dotnet::Object;
use backrun::codec::{Decode, Kind, Reader};

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
        let is_sorted = matches!(collection, Type::Named(name, _) if name.contains("Sorted"));
        match is_safe || !self.options.untrusted || is_sorted {
            true => Ok(()),
            false => Stop::refused(ACCESS, format!("keys of the type {of} are not hashed safely")),
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

/// Values that were there before.
#[derive(Default)]
struct Seen(std::collections::HashSet<String>);

impl Seen {
    /// Whether it is the first of its kind.
    fn add(&mut self, value: &Value) -> bool {
        self.0.insert(format!("{value:?}"))
    }
}
