//! Reads objects of classes, and unions of them.

use crate::classes::{Class, Sort};
use crate::csharp::Type;
use crate::layout::{layout, members, Layout, Owned, Slot};
use crate::options::Resolver;
use crate::reading::Reading;
use crate::scalars;
use crate::stop::{Result, Stop, CAST, NO_FORMATTER, SERIALIZATION};
use crate::value::{Enum, Int, Value};
use crate::writing::Place;
use backrun::codec::dotnet::{decode_union, ArrayReader, MapReader};
use backrun::codec::Reader;
use std::collections::HashMap;

impl Reading<'_> {
    pub fn class(&self, reader: &mut Reader<'_>, class: &Class, of: &Type) -> Result<Value> {
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
        let all = members(self.world, class, arguments);
        let overriding: Vec<(&str, usize)> = all
            .iter()
            .filter(|owned| owned.member.is_override)
            .map(|owned| (owned.member.name.as_str(), owned.occurrence))
            .collect();
        let all = all.iter().map(|owned| {
            let key = (owned.member.name.clone(), owned.occurrence);
            let is_bound =
                slots.iter().any(|slot| (&slot.member, slot.occurrence, slot.is_bound) == (&key.0, key.1, true));
            let is_overridden = overriding.contains(&(key.0.as_str(), key.1 + 1));
            let told = match found.get(&key) {
                None if is_overridden => found.get(&(key.0.clone(), key.1 + 1)),
                told => told,
            };
            let value = told.cloned().unwrap_or_else(|| self.missing(owned, is_bound));
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
