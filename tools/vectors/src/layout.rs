//! Which members of a class go on the wire, under which keys, in which order: section 3 of the wire reference, for the producer that
//! makes formatters at run time.

use crate::classes::{literal_text, Attribute, Class, Constructor, Member, Sort, Visibility};
use crate::csharp::Type;
use crate::options::{Options, Resolver};
use crate::world::World;

/// How objects of a class stand on the wire.
#[derive(Debug)]
pub enum Layout {
    /// An array by key; `None` is a hole.
    Array(Vec<Option<Slot>>),
    /// A map by name.
    Map(Vec<(String, Slot)>),
}

/// A member with its place on the wire.
#[derive(Debug, Clone)]
pub struct Slot {
    pub member: String,
    /// Which one of those that have the name, base classes first.
    pub occurrence: usize,
    pub of: Type,
    /// A parameter of the constructor takes it.
    pub is_bound: bool,
    /// Reading sets it.
    pub is_set: bool,
}

/// A member of a class or of one of its bases.
pub struct Owned<'a> {
    pub owner: &'a Class,
    pub member: &'a Member,
    pub of: Type,
    pub occurrence: usize,
}

/// Every instance member, base classes first, properties before fields.
pub fn members<'a>(world: &'a World, class: &'a Class, arguments: &[Type]) -> Vec<Owned<'a>> {
    let mut found: Vec<Owned<'a>> = Vec::new();
    for (owner, arguments) in chain(world, class, arguments) {
        for is_property in [true, false] {
            let own = owner
                .members
                .iter()
                .filter(|m| !m.is_static && m.name != "this" && m.property.is_some() == is_property);
            for member in own {
                let occurrence = found.iter().filter(|other| other.member.name == member.name).count();
                // A formatter of its own: whatever it writes.
                let of = match member.attribute("MessagePackFormatter") {
                    Some(_) => Type::Untold,
                    None => world.resolve(&owner.name, &member.of.with(&owner.parameters, &arguments)),
                };
                found.push(Owned { owner, member, of, occurrence });
            }
        }
    }
    found
}

/// The class, after its bases.
fn chain<'a>(world: &'a World, class: &'a Class, arguments: &[Type]) -> Vec<(&'a Class, Vec<Type>)> {
    let mut chain = vec![(class, arguments.to_vec())];
    let mut current = (class, arguments.to_vec());
    while chain.len() < 100 {
        let (class, arguments) = &current;
        let base = class.bases.iter().find_map(|base| {
            let base = world.resolve(&class.name, &base.with(&class.parameters, arguments));
            let found = world.class(&base).filter(|found| found.sort == Sort::Class)?;
            match base {
                Type::Named(_, arguments) => Some((found, arguments)),
                _ => None,
            }
        });
        let Some(base) = base else { break };
        chain.insert(0, base.clone());
        current = base;
    }
    chain
}

/// What decides about a class.
#[derive(Clone, Copy, PartialEq)]
enum Keys {
    /// `[Key]`.
    Explicit,
    /// `[DataMember]`.
    Contract,
    /// The members' names.
    Names,
}

#[derive(Clone, PartialEq)]
enum Key {
    Number(usize),
    Text(String),
}

/// The layout of a class, or why it has none.
pub fn layout(world: &World, class: &Class, arguments: &[Type], options: &Options) -> Result<Layout, String> {
    let attribute = class.attributes.iter().find(|attribute| attribute.name == "MessagePackObject");
    let says = |attribute: &Attribute, name: &str| attribute.named(name) == Some("true");
    let keys = match attribute {
        Some(own) if own.positional.first().is_some_and(|first| first == "true") || says(own, "keyAsPropertyName") => {
            Keys::Names
        }
        Some(_) => Keys::Explicit,
        None if class.has("DataContract") => Keys::Contract,
        None if matches!(options.resolver, Resolver::Contractless | Resolver::Typeless) => Keys::Names,
        None => return Err(format!("{} has no attribute and the resolver is not contractless", class.name)),
    };
    let with_private = options.private || attribute.is_some_and(|own| options.is_v3() && says(own, "AllowPrivate"));
    let all = members(world, class, arguments);
    let bound = bound(class, &all, keys, with_private);

    let mut slots: Vec<(Key, &Owned<'_>, Slot)> = Vec::new();
    for owned in &all {
        let Some(key) = key(owned, keys) else { continue };
        let is_bound = bound.iter().any(|name| name.eq_ignore_ascii_case(&owned.member.name));
        let Some(is_set) = takes_part(owned, class, keys, with_private, is_bound) else { continue };
        let slot = Slot {
            member: owned.member.name.clone(),
            occurrence: owned.occurrence,
            of: owned.of.clone(),
            is_bound,
            is_set: is_set || is_bound,
        };
        place(&mut slots, key, owned, slot, keys);
    }
    if keys == Keys::Explicit {
        // All properties, then all fields.
        slots.sort_by_key(|(_, owned, _)| owned.member.property.is_none());
    }
    let is_numbered = slots.iter().any(|(key, ..)| matches!(key, Key::Number(_)));
    let is_array = is_numbered || slots.is_empty() && keys == Keys::Explicit && !class.has("DataContract");
    if is_array {
        let mut places: Vec<Option<Slot>> = Vec::new();
        for (key, _, slot) in slots {
            let Key::Number(number) = key else {
                return Err(format!("{} mixes keys of both sorts", class.name));
            };
            places.resize(places.len().max(number + 1), None);
            places[number] = Some(slot);
        }
        return Ok(Layout::Array(places));
    }
    slots.sort_by_key(|(_, owned, _)| order(owned.member));
    let name = |key| match key {
        Key::Text(text) => text,
        Key::Number(number) => number.to_string(),
    };
    Ok(Layout::Map(slots.into_iter().map(|(key, _, slot)| (name(key), slot)).collect()))
}

/// Adds a member; one that overrides another or hides it is a case of its own.
fn place<'a>(slots: &mut Vec<(Key, &'a Owned<'a>, Slot)>, mut key: Key, owned: &'a Owned<'a>, slot: Slot, keys: Keys) {
    let same = slots.iter().position(|(_, other, _)| other.member.name == owned.member.name);
    match (same, keys, owned.member.is_override) {
        (Some(_), Keys::Explicit | Keys::Contract, true) => return,
        (Some(base), Keys::Names, true) => {
            slots.remove(base);
        }
        (Some(_), Keys::Names, false) => {
            key = Key::Text(format!(
                "{}.{}.{}",
                owned.owner.namespace,
                owned.owner.name.replace('.', "+"),
                owned.member.name
            ));
        }
        _ => {}
    }
    slots.push((key, owned, slot));
}

/// `[DataMember(Order = n)]` sorts: with the attribute alone first, without it last.
fn order(member: &Member) -> i64 {
    match member.attribute("DataMember") {
        Some(attribute) => attribute.named("Order").and_then(|order| order.replace(' ', "").parse().ok()).unwrap_or(-1),
        None => i64::MAX,
    }
}

fn key(owned: &Owned<'_>, keys: Keys) -> Option<Key> {
    let member = owned.member;
    let is_ignored =
        ["IgnoreMember", "IgnoreDataMember", "NonSerialized"].iter().any(|name| member.attribute(name).is_some());
    if is_ignored {
        return None;
    }
    match keys {
        Keys::Names => Some(Key::Text(member.name.clone())),
        Keys::Explicit => {
            let text = member.attribute("Key")?.positional.first()?;
            Some(match text.parse() {
                Ok(number) => Key::Number(number),
                Err(_) => Key::Text(literal_text(text)?),
            })
        }
        Keys::Contract => {
            let attribute = member.attribute("DataMember")?;
            match attribute.named("Order").and_then(|order| order.parse().ok()) {
                Some(number) => Some(Key::Number(number)),
                None => {
                    let name = attribute.named("Name").and_then(literal_text);
                    Some(Key::Text(name.unwrap_or_else(|| member.name.clone())))
                }
            }
        }
    }
}

/// `Some`: it is written; whether reading sets it.
fn takes_part(owned: &Owned<'_>, class: &Class, keys: Keys, with_private: bool, is_bound: bool) -> Option<bool> {
    let member = owned.member;
    let is_own = std::ptr::eq(owned.owner, class);
    let is_reached = |visibility: Visibility| match visibility {
        Visibility::Public => true,
        Visibility::Protected => with_private,
        Visibility::Private => with_private && is_own,
    };
    match &member.property {
        Some(property) => {
            property.getter.filter(|getter| is_reached(*getter))?;
            let is_set = property.setter.is_some_and(is_reached);
            (keys != Keys::Names || is_set || is_bound).then_some(is_set)
        }
        None => {
            let is_written = is_reached(member.visibility);
            let is_set = !member.is_readonly || with_private;
            (is_written && (keys != Keys::Names || is_set || is_bound)).then_some(is_set)
        }
    }
}

/// The names of the members that the constructor takes.
fn bound(class: &Class, all: &[Owned<'_>], keys: Keys, with_private: bool) -> Vec<String> {
    let chosen =
        class.constructors.iter().find(|own| own.attributes.iter().any(|a| a.name == "SerializationConstructor"));
    let names = |constructor: &Constructor| -> Option<Vec<String>> {
        let by_name =
            |name: &String| all.iter().map(|owned| &owned.member.name).find(|own| own.eq_ignore_ascii_case(name));
        if keys == Keys::Names {
            return constructor.parameters.iter().map(|(name, _)| by_name(name).cloned()).collect();
        }
        let mut keyed: Vec<(Key, &Owned<'_>)> =
            all.iter().filter_map(|owned| Some((key(owned, keys)?, owned))).collect();
        keyed.sort_by_key(|(key, _)| match key {
            Key::Number(number) => *number,
            Key::Text(_) => 0,
        });
        let is_numbered = keyed.iter().any(|(key, _)| matches!(key, Key::Number(_)));
        let parameter = |(position, (name, _)): (usize, &(String, Type))| {
            if is_numbered {
                return keyed.get(position).map(|(_, owned)| owned.member.name.clone());
            }
            let by_key =
                keyed.iter().find(|(key, _)| matches!(key, Key::Text(text) if text.eq_ignore_ascii_case(name)));
            by_key.map(|(_, owned)| owned.member.name.clone()).or_else(|| by_name(name).cloned())
        };
        constructor.parameters.iter().enumerate().map(parameter).collect()
    };
    if let Some(chosen) = chosen {
        return names(chosen).unwrap_or_default();
    }
    let mut reached: Vec<&Constructor> =
        class.constructors.iter().filter(|own| with_private || own.visibility == Visibility::Public).collect();
    reached.sort_by_key(|own| std::cmp::Reverse(own.parameters.len()));
    reached.into_iter().find_map(names).unwrap_or_default()
}
