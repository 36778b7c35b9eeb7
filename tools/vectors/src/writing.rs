//! Writes a value as MessagePack-CSharp writes it under a static type and options.

use crate::classes::Class;
use crate::csharp::Type;
use crate::enums;
use crate::families::{is_bulk_list, Collection};
use crate::layout::{layout, Layout, Slot};
use crate::node::{Node, Shape};
use crate::options::{Options, Resolver};
use crate::scalars;
use crate::stop::{Result, Stop, NO_FORMATTER};
use crate::value::{Enum, Int, Value};
use crate::world::World;
use backrun::codec::dotnet::{encode_union, ArrayWriter, MapWriter, Object, Pair};
use backrun::codec::{Encode, Kind, Writer};
use std::cell::Cell;

pub struct Writing<'a> {
    pub world: &'a World,
    pub options: &'a Options,
    /// Set where a form had to be chosen that nothing tells.
    guessed: Cell<bool>,
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq)]
pub enum Place {
    /// A member of an object: integers are inlined, and short whatever the resolver.
    Member,
    /// Anywhere else.
    Slot,
}

/// A value that has been written.
pub struct Written(Vec<u8>);

impl Encode for Written {
    fn encode(&self, writer: &mut Writer) -> backrun::codec::Result<()> {
        writer.raw(&self.0)
    }
}

/// The bytes that are due where a value stands, if they are known: what no type tells is seen there.
pub type Hint<'h> = Option<&'h Node<'h>>;

impl<'a> Writing<'a> {
    pub fn new(world: &'a World, options: &'a Options) -> Self {
        Writing { world, options, guessed: Cell::new(false) }
    }

    pub fn has_guessed(&self) -> bool {
        self.guessed.get()
    }

    /// The bytes of a value.
    pub fn bytes(&self, value: &Value, of: &Type, due: Hint<'_>) -> Result<Vec<u8>> {
        let mut writer = Writer::with_settings(self.options.settings());
        self.value(&mut writer, value, of, due, Place::Slot)?;
        Ok(writer.into_bytes())
    }

    pub fn value(&self, writer: &mut Writer, value: &Value, of: &Type, due: Hint<'_>, place: Place) -> Result<()> {
        match of {
            Type::Untold => return self.untold(writer, value, due),
            Type::Nullable(_) if *value == Value::Null => return Ok(writer.nil()?),
            Type::Nullable(of) => return self.value(writer, value, of, due, Place::Slot),
            Type::Array(element, rank @ 2..=4) => return self.dimensions(writer, value, element, *rank, due),
            _ => {}
        }
        if of.is("object") || of.is("dynamic") {
            return self.object(writer, value, due);
        }
        if let (Some(int), Value::Int(own, number)) = (Int::of_name(&of.to_string()), value) {
            if int == *own {
                return scalars::write_int(writer, int, *number, self.options.full_integers() && place == Place::Slot);
            }
        }
        if let Value::TypeName(name) = value {
            // The line tells it without its assembly, which the bytes do.
            let due = due.and_then(Node::text);
            let due = due.filter(|due| due.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(", ")));
            let is_whole = name.rsplit(']').next().is_some_and(|rest| rest.contains(", "));
            return match due {
                Some(due) => Ok(writer.str(&due)?),
                None if is_whole => Ok(writer.str(name)?),
                None => Stop::unknown(format!("the assembly of {name} is not told")),
            };
        }
        if let Some(name) = scalars::name_of(of) {
            if let Some(written) = scalars::write(writer, value, name, self.options) {
                return written;
            }
            return self.not(value, of);
        }
        // An array of an enum of bytes may be told as bytes.
        if let (Value::Int(_, number), Some(underlying)) = (value, self.world.underlying(of)) {
            let number = if underlying == Int::I8 { i128::from(*number as u8 as i8) } else { *number };
            let own = Enum { name: of.to_string(), underlying, number, text: String::new() };
            return self.enumeration(writer, &own, due);
        }
        if let Value::Enum(value) = value {
            return self.enumeration(writer, value, due);
        }
        if let Some(collection) = Collection::of(of, self.options.is_v3()) {
            return self.collection(writer, value, of, &collection, due);
        }
        match self.world.class(of) {
            Some(class) if class.has("MessagePackFormatter") => self.unknown_class(writer, value, of, due),
            Some(class) => self.class(writer, value, class, of, due),
            None if of.is("ValueTuple") => Stop::refused(NO_FORMATTER, "the empty ValueTuple has no formatter"),
            None if *value == Value::Null => Ok(writer.nil()?),
            None => self.unknown_class(writer, value, of, due),
        }
    }

    fn not<T>(&self, value: &Value, of: &Type) -> Result<T> {
        Stop::unknown(format!("the value is no {of}: {value:?}"))
    }

    /// An enum: its number, or its name.
    fn enumeration(&self, writer: &mut Writer, value: &Enum, due: Hint<'_>) -> Result<()> {
        if !self.options.enum_as_text {
            return Ok(enums::underlying(value.underlying).encode(value.number, writer)?);
        }
        match self.world.class(&Type::named(&value.name)) {
            Some(class) => {
                Ok(enums::with_table(class, value.underlying, |table| table.encode_name(value.number, writer))?)
            }
            None => match due.and_then(Node::text).filter(|due| *due != value.text) {
                Some(due) => Stop::unknown(format!("an [EnumMember] may have given {} the name {due:?}", value.text)),
                None => Ok(writer.str(&value.text)?),
            },
        }
    }

    fn sequence(&self, writer: &mut Writer, items: &[Value], of: &Type, due: Hint<'_>, place: Place) -> Result<()> {
        writer.array_header(items.len())?;
        let dues = due.map_or(&[][..], Node::items);
        items.iter().enumerate().try_for_each(|(at, item)| self.value(writer, item, of, dues.get(at), place))
    }

    fn bytes_one_by_one(&self, writer: &mut Writer, bytes: &[u8], of: &Type, due: Hint<'_>) -> Result<()> {
        let item = |byte: &u8| match of.is("sbyte") {
            true => Value::Int(Int::I8, (*byte as i8).into()),
            false => Value::Int(Int::U8, (*byte).into()),
        };
        let items: Vec<Value> = bytes.iter().map(item).collect();
        self.sequence(writer, &items, of, due, Place::Slot)
    }

    fn dimensions(&self, writer: &mut Writer, value: &Value, of: &Type, rank: usize, due: Hint<'_>) -> Result<()> {
        let (lengths, items) = match value {
            Value::Null => return Ok(writer.nil()?),
            Value::Dims(lengths, items) if lengths.len() == rank => (lengths, items),
            _ => return self.not(value, of),
        };
        writer.array_header(rank + 1)?;
        lengths.iter().try_for_each(|length| writer.uint(*length as u64))?;
        self.sequence(writer, items, of, due.and_then(|due| due.items().last()), Place::Slot)
    }

    fn collection(
        &self,
        writer: &mut Writer,
        value: &Value,
        of: &Type,
        collection: &Collection,
        due: Hint<'_>,
    ) -> Result<()> {
        let dues = due.map_or(&[][..], Node::items);
        match (collection, value) {
            (Collection::Bytes { nullable: true }, Value::Null) => writer.nil()?,
            (Collection::Bytes { nullable: false }, Value::Null) => writer.bin(&[])?,
            (Collection::Bytes { .. }, Value::Bytes(bytes)) => writer.bin(bytes)?,
            (Collection::Lazy(of), Value::Lazy(value)) => self.value(writer, value, of, due, Place::Slot)?,
            (Collection::Lazy(_), Value::Null) => writer.nil()?,
            (Collection::Lazy(of), value) => self.value(writer, value, of, due, Place::Slot)?,
            (_, Value::Null) => writer.nil()?,
            (Collection::Sequence { of: element, .. }, Value::List(items)) => {
                let is_bulk = self.options.is_v3() && is_bulk_list(of);
                self.sequence(writer, items, element, due, if is_bulk { Place::Member } else { Place::Slot })?;
            }
            // A list of bytes may be told as bytes.
            (Collection::Sequence { of: element, .. }, Value::Bytes(bytes)) => {
                self.bytes_one_by_one(writer, bytes, element, due)?;
            }
            (Collection::Map { key, value, .. }, Value::Map(entries)) => {
                writer.map_header(entries.len())?;
                let dues = due.map_or(&[][..], Node::entries);
                for (at, (own_key, own_value)) in entries.iter().enumerate() {
                    let due = dues.get(at);
                    self.value(writer, own_key, key, due.map(|(key, _)| key), Place::Slot)?;
                    self.value(writer, own_value, value, due.map(|(_, value)| value), Place::Slot)?;
                }
            }
            (Collection::Lookup { key, of }, Value::List(groups)) => {
                writer.array_header(groups.len())?;
                let group = Collection::Group { key: key.clone(), of: of.clone() };
                for (at, own) in groups.iter().enumerate() {
                    self.collection(writer, own, &Type::Untold, &group, dues.get(at))?;
                }
            }
            (Collection::Group { key, of }, Value::Group(own_key, items)) => {
                writer.array_header(2)?;
                self.value(writer, own_key, key, dues.first(), Place::Slot)?;
                self.sequence(writer, items, of, dues.get(1), Place::Slot)?;
            }
            (Collection::Pair(key, value), Value::Pair(own)) => {
                let key = self.written(&own.0, key, dues.first(), Place::Slot)?;
                let value = self.written(&own.1, value, dues.get(1), Place::Slot)?;
                Pair(key, value).encode(writer)?;
            }
            (Collection::Tuple { of, .. }, Value::Pair(own)) => {
                self.tuple(writer, &[own.0.clone(), own.1.clone()], of, due)?;
            }
            (Collection::Tuple { of, .. }, Value::Tuple(items)) => self.tuple(writer, items, of, due)?,
            _ => return self.not(value, of),
        }
        Ok(())
    }

    /// From the eighth element on the rest is a tuple of its own.
    fn tuple(&self, writer: &mut Writer, items: &[Value], of: &[Type], due: Hint<'_>) -> Result<()> {
        let (own, rest) = items.split_at(items.len().min(7));
        let dues = due.map_or(&[][..], Node::items);
        writer.array_header(own.len() + usize::from(!rest.is_empty()))?;
        for (at, item) in own.iter().enumerate() {
            self.value(writer, item, of.get(at).unwrap_or(&Type::Untold), dues.get(at), Place::Slot)?;
        }
        if rest.is_empty() {
            return Ok(());
        }
        let of = match of.get(7) {
            Some(Type::Named(_, arguments)) => arguments.as_slice(),
            _ => &[],
        };
        self.tuple(writer, rest, of, dues.get(7))
    }

    fn class(&self, writer: &mut Writer, value: &Value, class: &Class, of: &Type, due: Hint<'_>) -> Result<()> {
        if *value == Value::Null {
            return Ok(writer.nil()?);
        }
        if class.has("Union") {
            return self.union(writer, value, class, due);
        }
        if class.is_abstract {
            return match self.options.resolver {
                Resolver::Typeless => self.typeless(writer, value, due),
                _ => Stop::refused(NO_FORMATTER, format!("{of} is abstract and no union")),
            };
        }
        // What derives from a list or a dictionary is one of objects.
        let is_from = |name: &str| class.bases.iter().any(|base| matches!(base, Type::Named(own, _) if own == name));
        match value {
            Value::List(items) if is_from("List") => {
                return self.sequence(writer, items, &Type::named("object"), due, Place::Slot)
            }
            Value::Map(_) if is_from("Dictionary") => {
                let map = Type::Named("Dictionary".to_owned(), vec![Type::named("object"), Type::named("object")]);
                return self.value(writer, value, &map, due, Place::Slot);
            }
            Value::List(items) => {
                let base = class.bases.iter().find_map(|base| match base {
                    Type::Named(_, arguments) => arguments.first(),
                    _ => None,
                });
                return self.sequence(writer, items, base.unwrap_or(&Type::Untold), due, Place::Slot);
            }
            _ => {}
        }
        let Value::Object(_, members) = value else { return self.not(value, of) };
        if class.bases.iter().any(|base| base.is("IMessagePackSerializationCallbackReceiver")) {
            return Stop::unknown(format!("{of} has code of its own that runs before it is written"));
        }
        let arguments: &[Type] = if let Type::Named(_, arguments) = of { arguments } else { &[] };
        match layout(self.world, class, arguments, self.options) {
            Err(why) => Stop::refused(NO_FORMATTER, why),
            Ok(Layout::Array(places)) if places.is_empty() => Ok(writer.array_header(0)?),
            Ok(Layout::Array(places)) => {
                let mut object = ArrayWriter::new(writer, places.len() - 1)?;
                let dues = due.map_or(&[][..], Node::items);
                for (key, slot) in places.iter().enumerate() {
                    if let Some(slot) = slot {
                        object = object.member(key, &self.member(members, slot, dues.get(key))?)?;
                    }
                }
                Ok(object.end()?)
            }
            Ok(Layout::Map(slots)) => {
                let mut object = MapWriter::new(writer, slots.len())?;
                let dues = due.map_or(&[][..], Node::entries);
                for (at, (key, slot)) in slots.iter().enumerate() {
                    let member = self.member(members, slot, dues.get(at).map(|(_, value)| value))?;
                    object = object.member(key, &member)?;
                }
                Ok(object.end()?)
            }
        }
    }

    fn member(&self, members: &[(String, Value)], slot: &Slot, due: Hint<'_>) -> Result<Written> {
        // What overrides a member is told once.
        let mut same = members.iter().filter(|(name, _)| *name == slot.member);
        match same.clone().nth(slot.occurrence).or_else(|| same.next_back()) {
            Some((_, value)) => self.written(value, &slot.of, due, Place::Member),
            None => Stop::unknown(format!("the line does not tell the member {}", slot.member)),
        }
    }

    pub fn written(&self, value: &Value, of: &Type, due: Hint<'_>, place: Place) -> Result<Written> {
        let mut writer = Writer::with_settings(self.options.settings());
        self.value(&mut writer, value, of, due, place)?;
        Ok(Written(writer.into_bytes()))
    }

    fn union(&self, writer: &mut Writer, value: &Value, class: &Class, due: Hint<'_>) -> Result<()> {
        let Value::Object(name, _) = value else { return self.not(value, &Type::named(&class.name)) };
        for attribute in class.attributes.iter().filter(|attribute| attribute.name == "Union") {
            let [key, of] = attribute.positional.as_slice() else { continue };
            let listed = of.trim_start_matches("typeof").trim_matches([' ', '(', ')']).replace(' ', "");
            let Ok(listed) = Type::parse(&listed) else { continue };
            let found = self.world.class(&listed).map(|found| found.name.as_str());
            if found == self.world.class(&Type::named(name)).map(|found| found.name.as_str()) || listed.is(name) {
                let key =
                    key.replace(' ', "").parse().map_err(|_| Stop::Unknown(format!("{key:?} is no union's key")))?;
                let body = self.written(value, &listed, due.and_then(|due| due.items().get(1)), Place::Slot)?;
                return Ok(encode_union(writer, key, &body)?);
            }
        }
        Ok(writer.nil()?)
    }

    /// A value whose static type is not told: where there are several forms the bytes that are due say which one.
    pub fn untold(&self, writer: &mut Writer, value: &Value, due: Hint<'_>) -> Result<()> {
        let Some(due) = due else {
            self.guessed.set(true);
            return self.object(writer, value, None);
        };
        if matches!(due.shape, Shape::Typeless(..)) {
            return self.typeless(writer, value, Some(due));
        }
        match value {
            Value::Null => Ok(writer.nil()?),
            Value::Object(..) if anonymous(value).is_some() => self.write_anonymous(writer, value, Some(due)),
            Value::Int(int, number) => scalars::write_int(writer, *int, *number, due.code == int.full_code()),
            // A list of bytes is told as bytes.
            Value::Bytes(bytes) if due.kind() == Kind::Array => {
                let is_signed = due.items().iter().any(|item| item.code == 0xd0 || item.code >= 0xe0);
                let of = Type::named(if is_signed { "sbyte" } else { "byte" });
                self.bytes_one_by_one(writer, bytes, &of, Some(due))
            }
            Value::Enum(own) if due.kind() == Kind::Str => {
                let as_text = Options { enum_as_text: true, ..*self.options };
                Writing::new(self.world, &as_text).enumeration(writer, own, Some(due))
            }
            Value::Enum(own) => {
                scalars::write_int(writer, own.underlying, own.number, due.code == own.underlying.full_code())
            }
            Value::DateTime(ticks, kind) if due.kind() == Kind::Ext => scalars::write_boxed_time(writer, *ticks, *kind),
            Value::Object(name, members) if name == "object" && members.is_empty() => Ok(writer.map_header(0)?),
            value => self.own(writer, value, Some(due)),
        }
    }

    /// As the type that it has by itself.
    pub fn own(&self, writer: &mut Writer, value: &Value, due: Hint<'_>) -> Result<()> {
        match natural(value) {
            Type::Untold => Stop::unknown(format!("the type of {value:?} is not known")),
            of if of.is("object") => Ok(writer.map_header(0)?),
            of => self.value(writer, value, &of, due, Place::Slot),
        }
    }

    /// A slot of type `object`: the value says its type.
    pub fn object(&self, writer: &mut Writer, value: &Value, due: Hint<'_>) -> Result<()> {
        if self.options.resolver == Resolver::Typeless {
            return self.typeless(writer, value, due);
        }
        if due.is_none() && matches!(value, Value::List(_) | Value::Map(_) | Value::Bytes(_)) {
            self.guessed.set(true);
        }
        let element = |value: &Value, due: Hint<'_>| {
            let mut element = Writer::with_settings(self.options.settings());
            match self.options.resolver {
                Resolver::PrimitiveObject => self.object(&mut element, value, due)?,
                _ => self.untold(&mut element, value, due)?,
            }
            Ok(Object::Other(element.into_bytes()))
        };
        let object = match value {
            Value::Null => Object::Null,
            Value::Bool(value) => Object::Bool(*value),
            Value::Int(int, number) => return scalars::write_int(writer, *int, *number, true),
            Value::Enum(own) => return scalars::write_int(writer, own.underlying, own.number, true),
            Value::F32(bits) => Object::F32(f32::from_bits(*bits)),
            Value::F64(bits) => Object::F64(f64::from_bits(*bits)),
            Value::Bytes(_) if due.is_some_and(|due| due.kind() == Kind::Array) => {
                return self.untold(writer, value, due)
            }
            Value::Dims(_, items) if self.options.resolver == Resolver::PrimitiveObject => {
                return self.object(writer, &Value::List(items.clone()), due);
            }
            Value::Bytes(bytes) => Object::Bytes(bytes.clone()),
            Value::DateTime(ticks, kind) => return scalars::write_boxed_time(writer, *ticks, *kind),
            // A typed collection is written by its own formatter, one of objects as objects: the bytes show it.
            Value::List(items) => {
                let dues = due.map_or(&[][..], Node::items);
                Object::Array(
                    items.iter().enumerate().map(|(at, item)| element(item, dues.get(at))).collect::<Result<_>>()?,
                )
            }
            Value::Map(entries) => {
                let dues = due.map_or(&[][..], Node::entries);
                let entry = |(at, (key, value)): (usize, &(Value, Value))| {
                    let due = dues.get(at);
                    Ok((element(key, due.map(|(key, _)| key))?, element(value, due.map(|(_, value)| value))?))
                };
                Object::Map(entries.iter().enumerate().map(entry).collect::<Result<_>>()?)
            }
            Value::Object(name, members) if name == "object" && members.is_empty() => return Ok(writer.map_header(0)?),
            Value::Object(..) if anonymous(value).is_some() => return self.write_anonymous(writer, value, due),
            _ if self.options.resolver == Resolver::PrimitiveObject && natural(value) == Type::Untold => {
                return Stop::refused(NO_FORMATTER, "PrimitiveObjectResolver has no form for it");
            }
            value => return self.own(writer, value, due),
        };
        Ok(object.encode(writer)?)
    }

    /// An anonymous type is a map in the order of its properties.
    fn write_anonymous(&self, writer: &mut Writer, value: &Value, due: Hint<'_>) -> Result<()> {
        let members = anonymous(value).unwrap_or_default();
        writer.map_header(members.len())?;
        let dues = due.map_or(&[][..], Node::entries);
        for (at, (name, value)) in members.iter().enumerate() {
            writer.key(name)?;
            self.untold(writer, value, dues.get(at).map(|(_, value)| value))?;
        }
        Ok(())
    }

    /// A slot under the typeless resolver.
    pub fn typeless(&self, writer: &mut Writer, value: &Value, due: Hint<'_>) -> Result<()> {
        match value {
            // A struct that is told as null.
            Value::Null if due.is_some_and(|due| matches!(due.shape, Shape::Typeless(..))) => {}
            Value::Null => return Ok(writer.nil()?),
            Value::Bool(value) => return Ok(writer.bool(*value)?),
            Value::Int(int, number) => return scalars::write_int(writer, *int, *number, true),
            // sbyte[] is told as bytes too, a StringBuilder as text.
            Value::Bytes(_) | Value::Text(_) if due.is_some_and(|due| matches!(due.shape, Shape::Typeless(..))) => {}
            Value::F32(_) | Value::F64(_) | Value::Text(_) | Value::Bytes(_) => {
                return self.value(writer, value, &natural(value), due, Place::Slot)
            }
            Value::Object(..) if anonymous(value).is_some() => return self.write_anonymous(writer, value, due),
            _ => {}
        }
        crate::typeless::write(self, writer, value, due)
    }
}

/// The members, if the type is anonymous: it has a name that no C# source can write.
pub fn anonymous(value: &Value) -> Option<&[(String, Value)]> {
    match value {
        Value::Object(name, members) if name.to_lowercase().contains("anonymous") => Some(members),
        _ => None,
    }
}

/// The static type that a value would have by itself; `Untold` in what it holds.
pub fn natural(value: &Value) -> Type {
    let named = |name: &str, arguments: usize| Type::Named(name.to_owned(), vec![Type::Untold; arguments]);
    match value {
        Value::Int(int, _) => Type::named(int.name()),
        Value::Bytes(_) => Type::Array(Box::new(Type::named("byte")), 1),
        Value::Enum(own) => Type::named(&own.name),
        Value::List(_) => Type::Array(Box::new(Type::Untold), 1),
        Value::Dims(lengths, _) => Type::Array(Box::new(Type::Untold), lengths.len()),
        Value::Map(_) => named("Dictionary", 2),
        Value::Tuple(items) => named("ValueTuple", items.len().clamp(1, 8)),
        Value::Pair(_) => named("KeyValuePair", 2),
        Value::Lazy(_) => named("Lazy", 1),
        Value::Group(..) => named("IGrouping", 2),
        Value::Object(name, _) => Type::parse(name).unwrap_or(Type::Untold),
        Value::Boxed(_, inner) => natural(inner),
        value => scalars::natural(value).map_or(Type::Untold, Type::named),
    }
}
