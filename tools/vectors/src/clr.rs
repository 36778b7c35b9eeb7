//! Names of types as .NET writes them: ``System.Collections.Generic.List`1[[System.Int32, System.Private.CoreLib, …]], System.…``.

use crate::csharp::Type;

/// A parsed name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// With its namespace, the outer types (`+`) and the numbers of type arguments.
    pub name: String,
    pub arguments: Vec<Name>,
    /// Of arrays, as they stand.
    pub ranks: Vec<usize>,
    pub assembly: Option<String>,
    /// `Version=…, Culture=…, PublicKeyToken=…`.
    pub identity: Option<String>,
}

/// What C# sources say without their namespaces.
const NAMESPACES: &[&str] = &[
    "System.Collections.Generic.",
    "System.Collections.ObjectModel.",
    "System.Collections.Concurrent.",
    "System.Collections.Immutable.",
    "System.Collections.Frozen.",
    "System.Collections.",
    "System.Dynamic.",
    "System.Linq.",
    "System.Numerics.",
    "System.Text.",
    "System.Buffers.",
    "System.",
    "MessagePack.",
    "Golden.",
];

impl Name {
    pub fn parse(text: &str) -> Option<Name> {
        let mut parser = Parser { rest: text };
        let name = parser.name(true)?;
        parser.rest.is_empty().then_some(name)
    }

    /// As C# names it.
    pub fn to_type(&self) -> Option<Type> {
        let short = NAMESPACES.iter().find_map(|prefix| self.name.strip_prefix(prefix)).unwrap_or(&self.name);
        // List`1, Outer`1+Inner`1: the arguments follow all together.
        let parts = short.split('+').map(|part| part.split_once('`').map_or(part, |(part, _)| part));
        let name = parts.collect::<Vec<_>>().join(".");
        let arguments: Option<Vec<Type>> = self.arguments.iter().map(Name::to_type).collect();
        let mut of = match (name.as_str(), arguments?) {
            ("Nullable", mut of) if of.len() == 1 => Type::Nullable(Box::new(of.remove(0))),
            (name, arguments) if arguments.is_empty() => Type::parse(name).ok()?,
            (name, arguments) => Type::Named(name.to_owned(), arguments),
        };
        for rank in &self.ranks {
            of = Type::Array(Box::new(of), *rank);
        }
        Some(of)
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn take(&mut self, what: &str) -> bool {
        match self.rest.strip_prefix(what) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn until(&mut self, ends: &[char]) -> String {
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken.to_owned()
    }

    fn name(&mut self, with_assembly: bool) -> Option<Name> {
        let name = self.until(&[',', '[', ']']);
        let mut parsed = Name { name, arguments: Vec::new(), ranks: Vec::new(), assembly: None, identity: None };
        if parsed.name.is_empty() {
            return None;
        }
        while self.take("[") {
            if self.rest.starts_with([']', ',', '*']) {
                let rank = 1 + self.until(&[']']).matches(',').count();
                parsed.ranks.push(rank);
            } else {
                loop {
                    let argument = if self.take("[") {
                        let argument = self.name(true)?;
                        self.take("]").then_some(argument)?
                    } else {
                        self.name(false)?
                    };
                    parsed.arguments.push(argument);
                    if !self.take(",") {
                        break;
                    }
                }
            }
            self.take("]").then_some(())?;
        }
        if with_assembly && self.take(", ") {
            parsed.assembly = Some(self.until(&[',', ']']));
            if self.take(", ") {
                parsed.identity = Some(self.until(&[']']));
            }
        }
        Some(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_of_every_shape_become_the_types_of_a_source() {
        let core = "System.Private.CoreLib, Version=10.0.0.0, Culture=neutral, PublicKeyToken=7cec85d7bea7798e";
        for (name, of) in [
            (format!("System.Guid, {core}"), "Guid"),
            ("System.Int32[,]".to_owned(), "int[,]"),
            (format!("System.Collections.Generic.List`1[[Golden.Person, Backrun.Golden]], {core}"), "List<Person>"),
            (format!("System.Nullable`1[[System.Int32, {core}]][], {core}"), "int?[]"),
            (
                format!("Golden.Gen`1+Deep`1[[System.String, {core}],[System.Int64, {core}]], Backrun.Golden, Version=1.0.0.0"),
                "Gen.Deep<string,long>",
            ),
        ] {
            assert_eq!(Name::parse(&name).unwrap().to_type().unwrap().to_string(), of, "{name}");
        }
        for name in ["", "A[[B", "A]", "A[[B],", "[A]"] {
            assert_eq!(Name::parse(name), None, "{name}");
        }
    }
}
