//! The names that .NET 10 has for its types, as typeless payloads bring them.

use crate::csharp::Type;
use crate::value::Int;

const CORE: &str = "System.Private.CoreLib";
const COLLECTIONS: &str = "System.Collections";

/// Types that lie elsewhere than in `System.Collections.Generic` or `System` of .NET's core: their names, namespaces and assemblies.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("BitArray", "System.Collections", CORE),
    ("ArrayList", "System.Collections", CORE),
    ("Hashtable", "System.Collections", CORE),
    ("BigInteger", "System.Numerics", "System.Runtime.Numerics"),
    ("Complex", "System.Numerics", "System.Runtime.Numerics"),
    ("StringBuilder", "System.Text", CORE),
    ("Rune", "System.Text", CORE),
    ("Uri", "System", "System.Private.Uri"),
    ("ConsoleColor", "System", "System.Console"),
    ("ExpandoObject", "System.Dynamic", "System.Linq.Expressions"),
    ("ILookup", "System.Linq", "System.Linq"),
    ("IGrouping", "System.Linq", "System.Linq"),
    ("LinkedList", "System.Collections.Generic", COLLECTIONS),
    ("Stack", "System.Collections.Generic", COLLECTIONS),
    ("SortedSet", "System.Collections.Generic", COLLECTIONS),
    ("SortedDictionary", "System.Collections.Generic", COLLECTIONS),
    ("SortedList", "System.Collections.Generic", COLLECTIONS),
    ("OrderedDictionary", "System.Collections.Generic", COLLECTIONS),
    ("Collection", "System.Collections.ObjectModel", CORE),
    ("ReadOnlyCollection", "System.Collections.ObjectModel", CORE),
    ("ReadOnlyDictionary", "System.Collections.ObjectModel", CORE),
    ("ObservableCollection", "System.Collections.ObjectModel", "System.ObjectModel"),
    ("ReadOnlyObservableCollection", "System.Collections.ObjectModel", "System.ObjectModel"),
];

/// Those of `System.Collections.Generic` in the core.
const GENERIC: &[&str] = &[
    "List",
    "Queue",
    "HashSet",
    "Dictionary",
    "KeyValuePair",
    "IEnumerable",
    "ICollection",
    "IList",
    "ISet",
    "IDictionary",
    "IReadOnlyCollection",
    "IReadOnlyList",
    "IReadOnlySet",
    "IReadOnlyDictionary",
];

/// Interfaces without type arguments.
const UNTYPED: &[&str] = &["IEnumerable", "ICollection", "IList", "IDictionary"];

/// With its assembly.
pub fn of_type(of: &Type) -> String {
    let (name, assembly) = parts(of);
    // Microsoft's keys.
    let token = if assembly == CORE { "7cec85d7bea7798e" } else { "b03f5f7f11d50a3a" };
    format!("{name}, {assembly}, Version=10.0.0.0, Culture=neutral, PublicKeyToken={token}")
}

/// `Type.FullName`: its own assembly is left out, those of its arguments are not.
pub fn full(of: &Type) -> String {
    parts(of).0
}

fn parts(of: &Type) -> (String, &'static str) {
    match of {
        Type::Array(element, rank) => {
            let (name, assembly) = parts(element);
            (format!("{name}[{}]", ",".repeat(rank - 1)), assembly)
        }
        Type::Nullable(inner) => (generic("System.Nullable", std::slice::from_ref(&**inner)), CORE),
        Type::Named(name, arguments) => {
            let elsewhere = ELSEWHERE.iter().find(|(own, ..)| own == name);
            let (space, assembly) = match elsewhere {
                Some((_, space, assembly)) => (*space, *assembly),
                None if arguments.is_empty() && UNTYPED.contains(&name.as_str()) => ("System.Collections", CORE),
                None if GENERIC.contains(&name.as_str()) => ("System.Collections.Generic", CORE),
                None => ("System", CORE),
            };
            (generic(&format!("{space}.{}", dotnet(name)), arguments), assembly)
        }
        Type::Untold => ("System.Object".to_owned(), CORE),
    }
}

fn generic(name: &str, arguments: &[Type]) -> String {
    if arguments.is_empty() {
        return name.to_owned();
    }
    let all: Vec<String> = arguments.iter().map(|argument| format!("[{}]", of_type(argument))).collect();
    format!("{name}`{}[{}]", arguments.len(), all.join(","))
}

/// What .NET calls what C# has a word for.
fn dotnet(name: &str) -> &str {
    match (Int::of_name(name), name) {
        (Some(int), _) => int.dotnet(),
        (_, "bool") => "Boolean",
        (_, "char") => "Char",
        (_, "float") => "Single",
        (_, "double") => "Double",
        (_, "decimal") => "Decimal",
        (_, "string") => "String",
        (_, "object") => "Object",
        (_, name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::of_type;
    use crate::csharp::Type;

    #[test]
    fn types_have_the_names_that_dotnet_gives_them() {
        let core = "System.Private.CoreLib, Version=10.0.0.0, Culture=neutral, PublicKeyToken=7cec85d7bea7798e";
        let other = |name: &str| format!("{name}, Version=10.0.0.0, Culture=neutral, PublicKeyToken=b03f5f7f11d50a3a");
        for (of, name) in [
            ("byte[][,]", format!("System.Byte[,][], {core}")),
            ("Stack<Uri>", {
                let uri = other("System.Private.Uri");
                format!("System.Collections.Generic.Stack`1[[System.Uri, {uri}]], {}", other("System.Collections"))
            }),
            (
                "Dictionary<int[],string>[,]",
                format!("System.Collections.Generic.Dictionary`2[[System.Int32[], {core}],[System.String, {core}]][,], {core}"),
            ),
            ("Guid?", format!("System.Nullable`1[[System.Guid, {core}]], {core}")),
        ] {
            assert_eq!(of_type(&Type::parse(of).unwrap()), name);
        }
    }
}
