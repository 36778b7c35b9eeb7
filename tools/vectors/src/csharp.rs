//! C# type names as they stand in a line: `int?`, `List<int>`, `int[,]`, `(int, string)`.

use std::fmt;

/// A type by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// A name without its namespace, and its type arguments.
    Named(String, Vec<Type>),
    /// `T?` of a value type.
    Nullable(Box<Type>),
    /// `T[]`, or of more dimensions.
    Array(Box<Type>, usize),
    /// Not told: what the value is decides, and the bytes that are due.
    Untold,
}

impl Type {
    pub fn named(name: &str) -> Type {
        Type::Named(name.to_owned(), Vec::new())
    }

    pub fn parse(text: &str) -> Result<Type, String> {
        let mut parser = Parser { text, at: 0 };
        let parsed = parser.of_type()?;
        parser.blanks();
        if parser.at == text.len() {
            return Ok(parsed);
        }
        Err(format!("{text:?} is no type: {:?} is left over", &text[parser.at..]))
    }

    /// With the type arguments of a class in place of its parameters.
    pub fn with(&self, parameters: &[String], arguments: &[Type]) -> Type {
        match self {
            Type::Named(name, own) if own.is_empty() => match parameters.iter().position(|parameter| parameter == name)
            {
                Some(position) => arguments.get(position).cloned().unwrap_or(Type::Untold),
                None => self.clone(),
            },
            Type::Named(name, own) => {
                Type::Named(name.clone(), own.iter().map(|of| of.with(parameters, arguments)).collect())
            }
            Type::Nullable(of) => Type::Nullable(Box::new(of.with(parameters, arguments))),
            Type::Array(of, rank) => Type::Array(Box::new(of.with(parameters, arguments)), *rank),
            Type::Untold => Type::Untold,
        }
    }

    pub fn is(&self, name: &str) -> bool {
        matches!(self, Type::Named(own, arguments) if own == name && arguments.is_empty())
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Named(name, arguments) if arguments.is_empty() => f.write_str(name),
            Type::Named(name, arguments) => {
                write!(f, "{name}<")?;
                for (number, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if number == 0 { "" } else { "," })?;
                }
                f.write_str(">")
            }
            Type::Nullable(of) => write!(f, "{of}?"),
            Type::Array(..) => {
                // C# writes the outermost brackets first: an array of int[,] is int[][,].
                let mut brackets = String::new();
                let mut of = self;
                while let Type::Array(element, rank) = of {
                    brackets += &format!("[{}]", ",".repeat(rank - 1));
                    of = element;
                }
                write!(f, "{of}{brackets}")
            }
            Type::Untold => f.write_str("(a type that is not told)"),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn blanks(&mut self) {
        self.at = self.text.len() - self.text[self.at..].trim_start().len();
    }

    fn take(&mut self, what: &str) -> bool {
        self.blanks();
        let is_there = self.text[self.at..].starts_with(what);
        if is_there {
            self.at += what.len();
        }
        is_there
    }

    fn of_type(&mut self) -> Result<Type, String> {
        let mut parsed = match self.take("(") {
            true => tuple(self.list(")", true)?),
            false => self.name()?,
        };
        let mut ranks = Vec::new();
        loop {
            if self.take("?") {
                parsed = arrays(parsed, &mut ranks);
                parsed = nullable(parsed);
            } else if self.take("[") {
                let mut rank = 1;
                while self.take(",") {
                    rank += 1;
                }
                if !self.take("]") {
                    return Err(format!("{:?} is no type: ] is missing", self.text));
                }
                ranks.push(rank);
            } else {
                return Ok(arrays(parsed, &mut ranks));
            }
        }
    }

    fn name(&mut self) -> Result<Type, String> {
        self.blanks();
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '+'))).unwrap_or(rest.len());
        if length == 0 {
            return Err(format!("{:?} is no type: a name is missing at {rest:?}", self.text));
        }
        let mut name = rest[..length].to_owned();
        self.at += length;
        let mut arguments = if self.take("<") { self.list(">", false)? } else { Vec::new() };
        // Outer<T>.Inner: the arguments belong to both.
        while self.text[self.at..].starts_with('.') {
            self.at += 1;
            if let Type::Named(inner, more) = self.name()? {
                name = format!("{name}.{inner}");
                arguments.extend(more);
            }
        }
        Ok(Type::Named(keyword(&name).to_owned(), arguments))
    }

    fn list(&mut self, end: &str, with_names: bool) -> Result<Vec<Type>, String> {
        let mut items = Vec::new();
        loop {
            items.push(self.of_type()?);
            self.blanks();
            // The name of a tuple's element.
            if with_names && self.text[self.at..].starts_with(|c: char| c.is_alphabetic() || c == '_') {
                self.name()?;
            }
            if self.take(end) {
                return Ok(items);
            }
            if !self.take(",") {
                return Err(format!("{:?} is no type: {end} is missing", self.text));
            }
        }
    }
}

/// The outermost brackets stand first.
fn arrays(of: Type, ranks: &mut Vec<usize>) -> Type {
    let mut parsed = of;
    while let Some(rank) = ranks.pop() {
        parsed = Type::Array(Box::new(parsed), rank);
    }
    parsed
}

/// A nullable reference is the reference.
fn nullable(of: Type) -> Type {
    match of {
        Type::Array(..) | Type::Untold => of,
        Type::Named(ref name, _) if matches!(name.as_str(), "string" | "object" | "Uri" | "Version" | "Type") => of,
        of => Type::Nullable(Box::new(of)),
    }
}

/// `(a, b, …)`: from the eighth on the rest is a tuple of its own.
fn tuple(mut items: Vec<Type>) -> Type {
    if items.len() > 7 {
        let rest = items.split_off(7);
        items.push(tuple(rest));
    }
    Type::Named("ValueTuple".to_owned(), items)
}

/// C#'s word where there is one.
fn keyword(name: &str) -> &str {
    let short = name.strip_prefix("global::").unwrap_or(name);
    match short.strip_prefix("System.").unwrap_or(short) {
        "SByte" => "sbyte",
        "Byte" => "byte",
        "Int16" => "short",
        "UInt16" => "ushort",
        "Int32" => "int",
        "UInt32" => "uint",
        "Int64" => "long",
        "UInt64" => "ulong",
        "Single" => "float",
        "Double" => "double",
        "Boolean" => "bool",
        "Char" => "char",
        "String" => "string",
        "Object" => "object",
        "Decimal" => "decimal",
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::Type;

    #[test]
    fn a_type_is_parsed_and_written_as_it_stood() {
        for text in [
            "int",
            "int?",
            "List<int?>",
            "Dictionary<string,List<int[]>>",
            "int[,]",
            "int[][]",
            "int[][,]",
            "byte?[]",
            "Memory<byte>?",
            "Outer.Inner",
            "Tuple<int,int,int,int,int,int,int,Tuple<int>>",
        ] {
            assert_eq!(Type::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_tuple_in_parentheses_nests_from_its_eighth_element() {
        assert_eq!(Type::parse("(int, long b)").unwrap().to_string(), "ValueTuple<int,long>");
        assert_eq!(
            Type::parse("(int,int,int,int,int,int,int,bool)").unwrap().to_string(),
            "ValueTuple<int,int,int,int,int,int,int,ValueTuple<bool>>"
        );
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for text in ["", "List<int", "int[", "int x", "<int>"] {
            assert!(Type::parse(text).is_err(), "{text}");
        }
    }
}
