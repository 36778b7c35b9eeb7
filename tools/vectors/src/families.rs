//! What C#'s collections are on the wire.

use crate::csharp::Type;

/// A collection's shape, and the types in it.
pub enum Collection {
    /// `byte[]` and what else is written as bytes.
    Bytes {
        nullable: bool,
    },
    /// An array.
    Sequence {
        of: Type,
        is_set: bool,
    },
    /// A map.
    Map {
        key: Type,
        value: Type,
        on_duplicate: OnDuplicate,
    },
    /// An array of pairs of a key and an array.
    Lookup {
        key: Type,
        of: Type,
    },
    /// Such a pair.
    Group {
        key: Type,
        of: Type,
    },
    Pair(Type, Type),
    Tuple {
        of: Vec<Type>,
        nullable: bool,
    },
    Lazy(Type),
}

/// What a key does that was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDuplicate {
    Refuse,
    /// Immutable builders: fine where the value is the same.
    RefuseAnother,
    FirstWins,
}

const SETS: &[&str] = &[
    "HashSet",
    "ISet",
    "IReadOnlySet",
    "ImmutableHashSet",
    "IImmutableSet",
    "FrozenSet",
    "SortedSet",
    "ImmutableSortedSet",
];

const SEQUENCES: &[&str] = &[
    "List",
    "LinkedList",
    "Queue",
    "Stack",
    "Collection",
    "ReadOnlyCollection",
    "ObservableCollection",
    "ReadOnlyObservableCollection",
    "ConcurrentQueue",
    "ConcurrentStack",
    "ConcurrentBag",
    "BlockingCollection",
    "IEnumerable",
    "ICollection",
    "IList",
    "IReadOnlyList",
    "IReadOnlyCollection",
    "ImmutableArray",
    "ImmutableList",
    "ImmutableQueue",
    "ImmutableStack",
    "IImmutableList",
    "IImmutableQueue",
    "IImmutableStack",
    "Memory",
    "ReadOnlyMemory",
    "ReadOnlySequence",
    "ArraySegment",
];

const MAPS: &[&str] = &[
    "Dictionary",
    "SortedDictionary",
    "SortedList",
    "IDictionary",
    "IReadOnlyDictionary",
    "ReadOnlyDictionary",
    "ConcurrentDictionary",
    "OrderedDictionary",
    "ImmutableDictionary",
    "ImmutableSortedDictionary",
    "IImmutableDictionary",
    "FrozenDictionary",
];

/// Collections whose elements are `object`.
const UNTYPED: &[&str] = &["IList", "ICollection", "IEnumerable", "ArrayList"];

impl Collection {
    /// `None`: the type is none.
    pub fn of(of: &Type, is_v3: bool) -> Option<Collection> {
        let object = || Type::named("object");
        if let Type::Array(element, 1) = of {
            return Some(match element.is("byte") {
                true => Collection::Bytes { nullable: true },
                false => Collection::sequence(element),
            });
        }
        let Type::Named(name, arguments) = of else { return None };
        let name = name.rsplit('.').next().unwrap_or(name);
        Some(match (name, arguments.as_slice()) {
            ("Memory" | "ReadOnlyMemory" | "ReadOnlySequence", [byte]) if byte.is("byte") => {
                Collection::Bytes { nullable: false }
            }
            ("ArraySegment", [byte]) if byte.is("byte") => Collection::Bytes { nullable: true },
            (name, [element]) if SETS.contains(&name) => Collection::Sequence { of: element.clone(), is_set: true },
            (name, [element]) if SEQUENCES.contains(&name) => Collection::sequence(element),
            (name, []) if UNTYPED.contains(&name) => Collection::sequence(&object()),
            (name, [key, value]) if MAPS.contains(&name) => {
                let on_duplicate = match name {
                    "ConcurrentDictionary" => OnDuplicate::FirstWins,
                    "OrderedDictionary" if is_v3 => OnDuplicate::FirstWins,
                    name if name.contains("Immutable") => OnDuplicate::RefuseAnother,
                    _ => OnDuplicate::Refuse,
                };
                Collection::Map { key: key.clone(), value: value.clone(), on_duplicate }
            }
            ("Hashtable" | "IDictionary", []) => Collection::map(object(), object()),
            ("ExpandoObject", []) => Collection::map(Type::named("string"), object()),
            ("ILookup", [key, of]) => Collection::Lookup { key: key.clone(), of: of.clone() },
            ("IGrouping", [key, of]) => Collection::Group { key: key.clone(), of: of.clone() },
            ("KeyValuePair", [key, value]) => Collection::Pair(key.clone(), value.clone()),
            ("Lazy", [of]) => Collection::Lazy(of.clone()),
            ("Tuple", of) if !of.is_empty() => Collection::Tuple { of: of.to_vec(), nullable: true },
            ("ValueTuple", of) if !of.is_empty() => Collection::Tuple { of: of.to_vec(), nullable: false },
            ("PriorityQueue", [element, priority]) if is_v3 => {
                let pair = vec![element.clone(), priority.clone()];
                Collection::sequence(&Type::Named("ValueTuple".to_owned(), pair))
            }
            _ => return None,
        })
    }

    fn sequence(of: &Type) -> Collection {
        Collection::Sequence { of: of.clone(), is_set: false }
    }

    fn map(key: Type, value: Type) -> Collection {
        Collection::Map { key, value, on_duplicate: OnDuplicate::Refuse }
    }
}

/// Structs that are collections: their `null` is their `default`.
pub fn is_struct(of: &Type) -> bool {
    matches!(of, Type::Named(name, arguments) if !arguments.is_empty()
        && matches!(name.as_str(), "Memory" | "ReadOnlyMemory" | "ReadOnlySequence" | "KeyValuePair" | "ValueTuple"))
}

/// A list whose integers the library's version 3 writes as short as can be, also where the resolver would not.
pub fn is_bulk_list(of: &Type) -> bool {
    matches!(of, Type::Named(name, arguments) if name == "List" && matches!(arguments.as_slice(), [of]
        if ["sbyte", "short", "ushort", "int", "uint", "long", "ulong"].iter().any(|name| of.is(name))))
}
