//! Static types that values can have, put together at random.

use super::random::Random;
use crate::csharp::Type;
use crate::options::{Options, Resolver};

const SCALARS: &[&str] = &[
    "bool",
    "sbyte",
    "byte",
    "short",
    "ushort",
    "int",
    "uint",
    "long",
    "ulong",
    "BigInteger",
    "char",
    "float",
    "double",
    "Half",
    "decimal",
    "string",
    "Guid",
    "DateTime",
    "DateTimeOffset",
    "TimeSpan",
    "DateOnly",
    "TimeOnly",
    "Complex",
    "Uri",
    "Version",
    "BitArray",
    "StringBuilder",
    "byte[]",
    "Nil",
    "Type",
];

/// What 2.5 has no form for.
const NEW: &[&str] = &["Int128", "UInt128", "Rune"];

/// The program's own, and .NET's.
const ENUMS: &[&str] = &[
    "Color",
    "Tiny",
    "SignedTiny",
    "Small",
    "UnsignedSmall",
    "Unsigned",
    "Long",
    "UnsignedLong",
    "Rights",
    "Named",
    "Hollow",
];
const DOTNET_ENUMS: &[&str] = &["DayOfWeek", "ConsoleColor"];

/// Those with a native form.
const NATIVE: &[&str] = &["DateTime", "Guid", "decimal", "DateTimeOffset", "object"];

/// Those that the old specification has another form for, or none of its own.
const OLD: &[&str] = &["string", "byte[]", "Guid", "int", "decimal", "Uri", "BigInteger"];

/// What can be compared and hashed: keys and members of sets.
const KEYS: &[&str] = &[
    "sbyte",
    "byte",
    "short",
    "ushort",
    "int",
    "uint",
    "long",
    "ulong",
    "char",
    "bool",
    "float",
    "double",
    "decimal",
    "string",
    "Guid",
    "DateTime",
    "DateTimeOffset",
    "TimeSpan",
    "DateOnly",
    "TimeOnly",
    "BigInteger",
    "Version",
    "Half",
];

/// What is in the same order everywhere.
pub const SORTED_KEYS: &[&str] = &["sbyte", "byte", "short", "ushort", "int", "uint", "long", "ulong"];

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
    "IList",
    "ICollection",
    "IEnumerable",
    "IReadOnlyList",
    "IReadOnlyCollection",
    "ImmutableArray",
    "ImmutableList",
    "ImmutableQueue",
    "ImmutableStack",
    "IImmutableList",
    "IImmutableQueue",
    "IImmutableStack",
    "ArraySegment",
    "Memory",
    "ReadOnlyMemory",
    "ReadOnlySequence",
];

const SETS: &[&str] = &[
    "HashSet",
    "ISet",
    "IReadOnlySet",
    "ImmutableHashSet",
    "IImmutableSet",
    "SortedSet",
    "ImmutableSortedSet",
    "FrozenSet",
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
    "ILookup",
];

const UNTYPED: &[&str] =
    &["ArrayList", "Hashtable", "IList", "IDictionary", "IEnumerable", "ICollection", "ExpandoObject"];

/// What is an object of its private members to the typeless resolver, is of a hidden type, or has no name of .NET's core.
const NOT_TYPELESS: &[&str] =
    &["Immutable", "Concurrent", "Frozen", "Memory", "ReadOnlySequence", "Nil", "Type", "Lazy"];

/// References, which may be null.
const REFERENCES: &[&str] = &["string", "Uri", "Version", "Type", "StringBuilder", "BitArray", "byte[]", "object"];

pub fn is_value_type(of: &Type) -> bool {
    match of {
        Type::Named(name, arguments) if arguments.is_empty() => {
            !REFERENCES.contains(&name.as_str()) && !UNTYPED.contains(&name.as_str())
        }
        Type::Named(name, _) => [
            "ValueTuple",
            "KeyValuePair",
            "ImmutableArray",
            "ArraySegment",
            "Memory",
            "ReadOnlyMemory",
            "ReadOnlySequence",
        ]
        .contains(&name.as_str()),
        Type::Nullable(_) => true,
        Type::Array(..) | Type::Untold => false,
    }
}

/// Which types the options leave to choose from.
pub struct Types<'o> {
    pub options: &'o Options,
}

impl Types<'_> {
    pub fn scalar(&self, random: &mut Random) -> Type {
        let of = match random.below(12) {
            _ if self.options.old_spec => random.pick(OLD),
            0..=7 if self.options.native => random.pick(NATIVE),
            0..=7 if self.options.enum_as_text => random.pick(ENUMS),
            0 if self.options.resolver == Resolver::Typeless => random.pick(DOTNET_ENUMS),
            // The names of .NET's own are not told here.
            0 if self.options.enum_as_text || random.one_in(2) => random.pick(ENUMS),
            0 => random.pick(DOTNET_ENUMS),
            1 if self.options.is_v3() && self.options.resolver != Resolver::Typeless => random.pick(NEW),
            _ => random.pick(SCALARS),
        };
        let of = parsed(of);
        match random.one_in(6) && is_value_type(&of) && !of.is("Nil") {
            true => Type::Nullable(Box::new(of)),
            false => of,
        }
    }

    pub fn key(&self, random: &mut Random) -> Type {
        parsed(random.pick(if self.options.old_spec { OLD_KEYS } else { KEYS }))
    }

    /// A type whose parts lie at most so deep.
    pub fn any(&self, random: &mut Random, depth: usize) -> Type {
        if depth == 0 {
            return if random.one_in(15) { Type::named("object") } else { self.scalar(random) };
        }
        let part = |random: &mut Random| {
            let depth = random.below(depth);
            self.any(random, depth)
        };
        match random.below(16) {
            0 | 1 => Type::Array(Box::new(part(random)), 1),
            2 => Type::Array(Box::new(part(random)), random.between(2, 4) as usize),
            3..=5 => {
                let name = random.pick(SEQUENCES);
                let of = part(random);
                // Whether an interface's bytes come back as bytes or as a list is for the library to say.
                let of = if name.starts_with('I') && of.is("byte") { Type::named("sbyte") } else { of };
                Type::Named(name.to_owned(), vec![of])
            }
            6 => self.keyed(random, SETS, None),
            7 | 8 => {
                let value = part(random);
                self.keyed(random, MAPS, Some(value))
            }
            9 => {
                let count = if random.one_in(4) { random.between(8, 16) } else { random.between(1, 7) } as usize;
                let parts = (0..count).map(|_| part(random)).collect();
                tuple(random.pick(&["Tuple", "ValueTuple"]), parts)
            }
            10 => Type::Named("KeyValuePair".to_owned(), vec![part(random), part(random)]),
            11 if random.one_in(3) => Type::named(random.pick(UNTYPED)),
            12 => Type::Named("Lazy".to_owned(), vec![self.key(random)]),
            13 if random.one_in(2) => Type::Named("IGrouping".to_owned(), vec![self.key(random), part(random)]),
            13 => {
                let parts = vec![part(random), part(random)];
                let name = random.pick(&["KeyValuePair", "ValueTuple"]);
                Type::Nullable(Box::new(Type::Named(name.to_owned(), parts)))
            }
            14 => Type::named("object"),
            _ => self.scalar(random),
        }
    }

    /// What hashes has an order of its own, and what sorts sorts as the language does: those have keys that sort the same everywhere.
    fn keyed(&self, random: &mut Random, names: &[&str], value: Option<Type>) -> Type {
        let name = loop {
            let name = random.pick(names);
            // Version 2.5 does not know them.
            if self.options.is_v3() || !name.contains("Frozen") {
                break name;
            }
        };
        let key = if name.contains("Sorted") { parsed(random.pick(SORTED_KEYS)) } else { self.key(random) };
        let key = if name.starts_with('I') && key.is("byte") { Type::named("sbyte") } else { key };
        Type::Named(name.to_owned(), [key].into_iter().chain(value).collect())
    }

    /// What a slot of type `object` holds in a typeless payload.
    pub fn boxed(&self, random: &mut Random, depth: usize) -> Type {
        loop {
            let of = self.any(random, depth);
            let name = of.to_string();
            let is_interface = matches!(&of, Type::Named(name, _) if is_interface(name));
            let is_odd = NOT_TYPELESS.iter().any(|odd| name.contains(odd));
            if !is_interface && !is_odd && !of.is("object") && !matches!(of, Type::Nullable(_)) {
                return of;
            }
        }
    }
}

const OLD_KEYS: &[&str] = &["string", "Guid", "int", "decimal"];

fn is_interface(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next() == Some('I') && letters.next().is_some_and(char::is_uppercase) && !name.starts_with("Int")
}

/// From the eighth part on the rest is a tuple of its own.
fn tuple(name: &str, mut parts: Vec<Type>) -> Type {
    if parts.len() > 7 {
        let rest = parts.split_off(7);
        parts.push(tuple(name, rest));
    }
    Type::Named(name.to_owned(), parts)
}

fn parsed(name: &str) -> Type {
    match name.strip_suffix("[]") {
        Some(element) => Type::Array(Box::new(Type::named(element)), 1),
        None => Type::named(name),
    }
}

/// A type that can stand for itself.
pub fn with_a_name(random: &mut Random) -> Type {
    let simple = ["int", "string", "Uri", "BigInteger", "ConsoleColor", "Guid", "object", "byte[]"];
    let one = parsed(random.pick(&simple));
    let other = parsed(random.pick(&simple));
    match random.below(6) {
        0 => Type::Named("Dictionary".to_owned(), vec![one, other]),
        1 => Type::Named("Stack".to_owned(), vec![Type::Array(Box::new(one), 3)]),
        2 => Type::Array(Box::new(Type::Array(Box::new(one), 2)), 1),
        3 => Type::Nullable(Box::new(Type::named("DateTime"))),
        _ => one,
    }
}
