//! Names of .NET types, as they stand in typeless payloads. They are only ever read: nothing here makes a type of one.

use crate::alloc::{Ensure, Text};
use crate::codec::{CodecError, Problem, Result};
use std::fmt;

#[cfg(all(test, not(loom)))]
mod tests;

/// A type by its name, as `Type.AssemblyQualifiedName` has it:
/// ``System.Collections.Generic.List`1[[Golden.Person, Backrun.Golden]][], System.Private.CoreLib, Version=10.0.0.0, …``.
///
/// Shown, it is the name again; blanks that .NET would not have written are gone.
#[derive(Debug, PartialEq, Eq)]
pub struct TypeName<'a> {
    name: &'a str,
    arguments: Vec<TypeName<'a>>,
    arrays: Vec<Array>,
    assembly: Option<&'a str>,
}

/// An array of what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Array {
    /// `[]`.
    List,
    /// `[,]` and so on: of so many dimensions; `[*]` is one that could begin elsewhere than at 0.
    Of(u32),
}

/// How deep types may lie in each other as arguments. .NET's own names stay far below.
const MAX_DEPTH: u32 = 64;

/// How long a name may be: each argument of it takes memory, and has two bytes at least.
const MAX_LENGTH: usize = 64 << 10;

/// What has a meaning in a name unless a backslash stands before it.
const SPECIAL: [char; 7] = ['[', ']', ',', '+', '*', '&', '\\'];

impl<'a> TypeName<'a> {
    /// Takes a name apart. It may lack its assembly, at any level.
    ///
    /// # Errors
    /// [`Problem::Malformed`] at the byte of the text, also for pointers and references, which are no types of values;
    /// [`Problem::TooDeep`], [`Problem::TooLong`]: more than 64 levels of arguments, more than 64 KiB.
    pub fn parse(text: &'a str) -> Result<Self> {
        if text.len() > MAX_LENGTH {
            let (length, limit) = (text.len() as u64, MAX_LENGTH as u64);
            return Err(CodecError::at(0, Problem::TooLong { what: "a type name in bytes", length, limit }));
        }
        let mut parser = Parser { text, at: 0 };
        let name = parser.name(End::Text, 0)?;
        debug_assert_eq!(parser.at, text.len(), "the assembly goes to the end");
        Ok(name)
    }

    /// The type's own name: its namespace, the types around it with a `+` after each, and how many arguments it takes. Backslashes are as
    /// they stand there.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// What it is given for its type parameters.
    #[must_use]
    pub fn arguments(&self) -> &[TypeName<'a>] {
        &self.arguments
    }

    /// The arrays that it is an element of, from the inside: a `string[,][]` is an array of what has two dimensions.
    #[must_use]
    pub fn arrays(&self) -> &[Array] {
        &self.arrays
    }

    /// The assembly with all that is said of it.
    #[must_use]
    pub fn assembly(&self) -> Option<&'a str> {
        self.assembly
    }

    /// The assembly's name alone.
    #[must_use]
    pub fn assembly_name(&self) -> Option<&'a str> {
        self.assembly.map(|assembly| simple_name(assembly).trim_end())
    }

    /// What is said of the assembly under a name: `Version`, `Culture`, `PublicKeyToken`.
    #[must_use]
    pub fn assembly_part(&self, name: &str) -> Option<&'a str> {
        let parts = self.assembly?.split(',').skip(1);
        parts.filter_map(|part| part.split_once('=')).find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
    }

    /// Whether it is exactly this type: no array of it, and without arguments. Assemblies are not looked at: a type may have moved.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.arguments.is_empty() && self.arrays.is_empty() && self.name == name
    }

    /// The name without versions, cultures and key tokens of assemblies at any level, as `OmitAssemblyVersion` leaves them out. That
    /// library does so only if .NET finds the type by the shorter name too, which it does wherever the assembly is loaded by name.
    pub fn short(&self) -> impl fmt::Display + '_ {
        Short(self)
    }

    /// Calls something for this type and all that it is made of, until it answers `Some`.
    pub(crate) fn find<T>(&self, look: &mut dyn FnMut(&TypeName<'a>) -> Option<T>) -> Option<T> {
        look(self).or_else(|| self.arguments.iter().find_map(|argument| argument.find(look)))
    }

    fn show(&self, short: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        for (at, argument) in self.arguments.iter().enumerate() {
            f.write_str(if at == 0 { "[" } else { "," })?;
            // Brackets keep the assembly's comma from the next argument.
            let (open, close) = if argument.assembly.is_some() { ("[", "]") } else { ("", "") };
            f.write_str(open)?;
            argument.show(short, f)?;
            f.write_str(close)?;
        }
        if !self.arguments.is_empty() {
            f.write_str("]")?;
        }
        for array in &self.arrays {
            match *array {
                Array::List => f.write_str("[]")?,
                Array::Of(0 | 1) => f.write_str("[*]")?,
                Array::Of(dimensions) => {
                    f.write_str("[")?;
                    (1..dimensions).try_for_each(|_| f.write_str(","))?;
                    f.write_str("]")?;
                }
            }
        }
        let Some(assembly) = self.assembly else { return Ok(()) };
        let (name, rest) = if short { without_version(assembly) } else { (assembly, "") };
        write!(f, ", {name}{rest}")
    }
}

impl fmt::Display for TypeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(false, f)
    }
}

struct Short<'a, 'b>(&'b TypeName<'a>);

impl fmt::Display for Short<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(true, f)
    }
}

/// As far as the first comma that has no backslash before it.
fn simple_name(assembly: &str) -> &str {
    let mut escaped = false;
    let comma = assembly.find(|char| {
        let found = char == ',' && !escaped;
        escaped = char == '\\' && !escaped;
        found
    });
    &assembly[..comma.unwrap_or(assembly.len())]
}

/// The assembly without what stands behind its name, if that is what .NET writes there; and what follows that.
fn without_version(assembly: &str) -> (&str, &str) {
    let name = simple_name(assembly);
    match after_version(&assembly[name.len()..]) {
        Some(rest) => (name, rest),
        None => (assembly, ""),
    }
}

/// What follows `, Version=1.2.3.4, Culture=neutral, PublicKeyToken=0123456789abcdef`.
fn after_version(text: &str) -> Option<&str> {
    let skip = |text: &'_ str, is: fn(char) -> bool| {
        let length = text.find(|char| !is(char)).unwrap_or(text.len());
        (length > 0).then_some(length)
    };
    let mut rest = text.strip_prefix(", Version=")?;
    for part in 0..4 {
        rest = if part == 0 { rest } else { rest.strip_prefix('.')? };
        rest = &rest[skip(rest, |char| char.is_ascii_digit())?..];
    }
    rest = rest.strip_prefix(", Culture=")?;
    rest = &rest[skip(rest, |char| char.is_alphanumeric() || matches!(char, '_' | '-'))?..];
    rest = rest.strip_prefix(", PublicKeyToken=")?;
    if let Some(rest) = rest.strip_prefix("null") {
        return Some(rest);
    }
    let token = rest.get(..16)?;
    token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then(|| &rest[16..])
}

/// What a name ends with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The end of the text.
    Text,
    /// The bracket around an argument with its assembly.
    Bracket,
    /// The comma or bracket behind an argument that cannot have an assembly.
    Argument,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn malformed<T>(&self, why: &'static str) -> Result<T> {
        Err(CodecError::at(self.at, Problem::Malformed { target: "type name", why: Text::fixed(why) }))
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn takes(&mut self, char: char) -> bool {
        let is_there = self.rest().starts_with(char);
        self.at += if is_there { char.len_utf8() } else { 0 };
        is_there
    }

    /// As far as a character that ends it and has no backslash before it.
    fn identifier(&mut self, ends: impl Fn(char) -> bool) -> Result<&'a str> {
        let begun = self.at;
        while let Some(char) = self.rest().chars().next() {
            if ends(char) {
                break;
            }
            self.at += char.len_utf8();
            if char == '\\' {
                match self.rest().chars().next() {
                    Some(char) if SPECIAL.contains(&char) => self.at += 1,
                    _ => return self.malformed("a backslash has a bracket, a comma or the like behind it"),
                }
            }
        }
        Ok(&self.text[begun..self.at])
    }

    fn name(&mut self, end: End, depth: u32) -> Result<TypeName<'a>> {
        if depth > MAX_DEPTH {
            return Err(CodecError::at(self.at, Problem::TooDeep { limit: MAX_DEPTH }));
        }
        self.blanks();
        let name = self.identifier(|char| matches!(char, '[' | ']' | ',' | '*' | '&'))?;
        if name.is_empty() {
            return self.malformed("a name was expected");
        }
        let mut found = TypeName { name, arguments: Vec::new(), arrays: Vec::new(), assembly: None };
        while self.takes('[') {
            self.blanks();
            match self.rest().chars().next() {
                Some(']' | ',' | '*') => self.array(&mut found)?,
                _ if found.arrays.is_empty() && found.arguments.is_empty() => self.arguments(&mut found, depth)?,
                _ => return self.malformed("arguments stand before the brackets of arrays, and once"),
            }
        }
        match self.rest().chars().next() {
            Some('*' | '&') => return self.malformed("pointers and references are no values"),
            Some(',') if end != End::Argument => {
                self.at += 1;
                self.blanks();
                let assembly = match end {
                    End::Text => std::mem::replace(&mut self.at, self.text.len()),
                    _ => {
                        let begun = self.at;
                        self.identifier(|char| char == ']')?;
                        begun
                    }
                };
                let assembly = &self.text[assembly..self.at];
                if assembly.is_empty() {
                    return self.malformed("an assembly was expected behind the comma");
                }
                found.assembly = Some(assembly);
            }
            Some(_) if end == End::Text => return self.malformed("a comma or the end was expected"),
            _ => {}
        }
        Ok(found)
    }

    fn array(&mut self, found: &mut TypeName<'a>) -> Result<()> {
        let mut dimensions = 1;
        let array = if self.takes('*') {
            self.blanks();
            Array::Of(1)
        } else {
            while self.takes(',') {
                dimensions += 1;
                self.blanks();
            }
            if dimensions == 1 {
                Array::List
            } else {
                Array::Of(dimensions)
            }
        };
        if !self.takes(']') {
            return self.malformed("the bracket of an array was expected");
        }
        found.arrays.ensure(1).map_err(|refused| CodecError::no_memory(self.at, refused))?;
        found.arrays.push(array);
        Ok(())
    }

    fn arguments(&mut self, found: &mut TypeName<'a>, depth: u32) -> Result<()> {
        loop {
            self.blanks();
            let argument = if self.takes('[') {
                let argument = self.name(End::Bracket, depth + 1)?;
                if !self.takes(']') {
                    return self.malformed("the bracket behind an argument was expected");
                }
                argument
            } else {
                self.name(End::Argument, depth + 1)?
            };
            found.arguments.ensure(1).map_err(|refused| CodecError::no_memory(self.at, refused))?;
            found.arguments.push(argument);
            self.blanks();
            if self.takes(']') {
                return Ok(());
            }
            if !self.takes(',') {
                return self.malformed("a comma or the bracket behind the arguments was expected");
            }
        }
    }
}
