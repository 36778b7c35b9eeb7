//! As much of C#'s grammar as declarations of data need; the code in methods is skipped.

use super::{members, tokens, Attribute, Class, Constant, Constructor, Member, Property, Sort, Visibility};
use crate::csharp::Type;
use crate::value::Int;

pub(super) type Result<T> = std::result::Result<T, String>;

pub fn parse(tokens: Vec<String>) -> Result<Vec<Class>> {
    let mut parser = Parser { tokens, at: 0, found: Vec::new(), namespace: String::new() };
    parser.declarations("")?;
    Ok(parser.found)
}

pub(super) struct Parser {
    tokens: Vec<String>,
    pub(super) at: usize,
    found: Vec<Class>,
    namespace: String,
}

#[derive(Default)]
pub(super) struct Modifiers(pub(super) Vec<String>);

impl Modifiers {
    pub(super) fn has(&self, word: &str) -> bool {
        self.0.iter().any(|own| own == word)
    }

    pub(super) fn visibility(&self) -> Visibility {
        if self.has("public") {
            Visibility::Public
        } else if self.has("protected") {
            Visibility::Protected
        } else {
            Visibility::Private
        }
    }
}

const MODIFIERS: &[&str] = &[
    "public",
    "private",
    "protected",
    "internal",
    "static",
    "readonly",
    "const",
    "virtual",
    "override",
    "abstract",
    "sealed",
    "new",
    "partial",
    "required",
    "async",
    "extern",
    "unsafe",
    "volatile",
    "event",
    "ref",
    "implicit",
    "explicit",
    "file",
];

impl Parser {
    pub(super) fn peek(&self) -> &str {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, distance: usize) -> &str {
        self.tokens.get(self.at + distance).map_or("", String::as_str)
    }

    pub(super) fn next(&mut self) -> String {
        let token = self.peek().to_owned();
        self.at += 1;
        token
    }

    pub(super) fn take(&mut self, token: &str) -> bool {
        let is_there = self.peek() == token;
        self.at += usize::from(is_there);
        is_there
    }

    pub(super) fn due(&mut self, token: &str) -> Result<()> {
        if self.take(token) {
            return Ok(());
        }
        let around = &self.tokens[self.at.saturating_sub(8)..self.tokens.len().min(self.at + 4)];
        Err(format!("the types: {token:?} was expected after … {}", around.join(" ")))
    }

    /// Goes behind what closes the bracket that was just taken.
    pub(super) fn skip_to(&mut self, close: &str) -> Result<()> {
        loop {
            match self.next().as_str() {
                token if token == close => return Ok(()),
                "(" => self.skip_to(")")?,
                "{" => self.skip_to("}")?,
                "[" => self.skip_to("]")?,
                "" => return Err(format!("the types: a {close} is missing")),
                _ => {}
            }
        }
    }

    /// The text up to one of these, which stays.
    pub(super) fn expression(&mut self, ends: &[&str]) -> Result<String> {
        let begun = self.at;
        loop {
            let token = self.peek().to_owned();
            match token.as_str() {
                token if ends.contains(&token) => return Ok(self.tokens[begun..self.at].join(" ")),
                "" => return Err("the types end in an expression".to_owned()),
                _ => self.at += 1,
            }
            match token.as_str() {
                "(" => self.skip_to(")")?,
                "{" => self.skip_to("}")?,
                "[" => self.skip_to("]")?,
                _ => {}
            }
        }
    }

    pub(super) fn attributes(&mut self) -> Result<Vec<Attribute>> {
        let mut attributes = Vec::new();
        while self.take("[") {
            // `property:`, `assembly:`
            if self.ahead(1) == ":" {
                self.at += 2;
            }
            while !self.take("]") {
                let mut name = self.next();
                while self.take(".") {
                    name = self.next();
                }
                let mut attribute = Attribute { name, positional: Vec::new(), named: Vec::new() };
                if self.take("(") {
                    while !self.take(")") {
                        let key = self.peek().to_owned();
                        if matches!(self.ahead(1), "=" | ":") {
                            self.at += 2;
                            let value = self.expression(&[",", ")"])?;
                            attribute.named.push((key, value));
                        } else {
                            let value = self.expression(&[",", ")"])?;
                            attribute.positional.push(value);
                        }
                        self.take(",");
                    }
                }
                if let Some(short) = attribute.name.strip_suffix("Attribute") {
                    attribute.name = short.to_owned();
                }
                attributes.push(attribute);
                self.take(",");
            }
        }
        Ok(attributes)
    }

    pub(super) fn modifiers(&mut self) -> Modifiers {
        let mut modifiers = Modifiers::default();
        while MODIFIERS.contains(&self.peek()) {
            let word = self.next();
            modifiers.0.push(word);
        }
        modifiers
    }

    fn declarations(&mut self, outer: &str) -> Result<()> {
        loop {
            match self.peek() {
                "" | "}" => return Ok(()),
                "using" => {
                    self.expression(&[";"])?;
                    self.due(";")?;
                }
                "namespace" => {
                    self.at += 1;
                    let mut name = self.next();
                    while self.take(".") {
                        name = format!("{name}.{}", self.next());
                    }
                    self.namespace = name;
                    if !self.take(";") {
                        self.due("{")?;
                        self.declarations("")?;
                        self.due("}")?;
                    }
                }
                ";" => self.at += 1,
                _ => {
                    let attributes = self.attributes()?;
                    let modifiers = self.modifiers();
                    if !self.is_declaration() {
                        if attributes.iter().all(|attribute| attribute.name == "assembly") || self.peek().is_empty() {
                            continue;
                        }
                        return Err(format!("the types: {:?} is no declaration that is understood", self.peek()));
                    }
                    self.declaration(outer, &[], attributes, &modifiers)?;
                }
            }
        }
    }

    pub(super) fn is_declaration(&self) -> bool {
        matches!(self.peek(), "class" | "struct" | "enum" | "interface" | "delegate")
            || self.peek() == "record" && self.ahead(1) != "("
    }

    /// A nested type has the type parameters of the outer one too.
    pub(super) fn declaration(
        &mut self,
        outer: &str,
        parameters: &[String],
        attributes: Vec<Attribute>,
        modifiers: &Modifiers,
    ) -> Result<()> {
        let word = self.next();
        if word == "delegate" {
            self.expression(&[";"])?;
            return self.due(";");
        }
        let is_struct = word == "struct" || word == "record" && self.take("struct");
        if word == "record" {
            self.take("class");
        }
        let own_name = self.next();
        let sort = match word.as_str() {
            "enum" => Sort::Enum,
            "interface" => Sort::Interface,
            _ if is_struct => Sort::Struct,
            _ => Sort::Class,
        };
        let mut class = Class {
            name: if outer.is_empty() { own_name.clone() } else { format!("{outer}.{own_name}") },
            namespace: self.namespace.clone(),
            sort,
            is_abstract: modifiers.has("abstract") || sort == Sort::Interface,
            parameters: parameters.to_vec(),
            attributes,
            bases: Vec::new(),
            members: Vec::new(),
            constructors: Vec::new(),
            underlying: None,
            constants: Vec::new(),
        };
        if self.take("<") {
            while !self.take(">") {
                self.attributes()?;
                let parameter = self.next();
                if !matches!(parameter.as_str(), "in" | "out" | ",") {
                    class.parameters.push(parameter);
                }
            }
        }
        if self.take("(") {
            let is_settable = is_struct && !modifiers.has("readonly");
            self.positional(&mut class, word == "record", is_settable)?;
        }
        if self.take(":") {
            loop {
                let base = self.of_type()?;
                class.bases.push(base);
                if self.take("(") {
                    self.skip_to(")")?;
                }
                if !self.take(",") {
                    break;
                }
            }
        }
        if self.peek() == "where" {
            self.expression(&["{", ";"])?;
        }
        if sort == Sort::Enum {
            class.underlying =
                Some(class.bases.first().and_then(|base| Int::of_name(&base.to_string())).unwrap_or(Int::I32));
            self.due("{")?;
            self.constants(&mut class)?;
        } else if !self.take(";") {
            self.due("{")?;
            while !self.take("}") {
                self.member(&mut class, &own_name)?;
            }
        }
        self.take(";");
        self.found.push(class);
        Ok(())
    }

    /// The parameters of a primary constructor: a record's are properties.
    fn positional(&mut self, class: &mut Class, is_record: bool, is_settable: bool) -> Result<()> {
        let mut parameters = Vec::new();
        while !self.take(")") {
            let attributes = self.attributes()?;
            let of = self.of_type()?;
            let name = self.next();
            if self.take("=") {
                self.expression(&[",", ")"])?;
            }
            self.take(",");
            parameters.push((name.clone(), of.clone()));
            if !is_record {
                continue;
            }
            let property = Property {
                getter: Some(Visibility::Public),
                // `init` sets too.
                setter: Some(Visibility::Public),
                is_computed: false,
            };
            class.members.push(Member {
                name,
                of,
                visibility: Visibility::Public,
                is_static: false,
                is_readonly: !is_settable,
                is_override: false,
                attributes,
                initial: None,
                property: Some(property),
            });
        }
        class.constructors.push(Constructor { visibility: Visibility::Public, attributes: Vec::new(), parameters });
        Ok(())
    }

    fn constants(&mut self, class: &mut Class) -> Result<()> {
        let mut following = 0;
        while !self.take("}") {
            let attributes = self.attributes()?;
            let name = self.next();
            if self.take("=") {
                let text = self.expression(&[",", "}"])?;
                following =
                    members::constant(&text, class).ok_or_else(|| format!("the types: {text:?} is no number"))?;
            }
            self.take(",");
            let renamed = super::find(&attributes, "EnumMember").and_then(|attribute| attribute.named("Value"));
            class.constants.push(Constant { name, number: following, renamed: renamed.and_then(tokens::text) });
            following += 1;
        }
        Ok(())
    }

    /// The text of a type.
    pub(super) fn of_type(&mut self) -> Result<Type> {
        let mut text = String::new();
        if self.take("(") {
            let begun = self.at;
            self.skip_to(")")?;
            // The names of a tuple's elements need their blanks.
            text = format!("({}", self.tokens[begun..self.at].join(" "));
        } else {
            loop {
                text += &self.next();
                if self.take("<") {
                    text.push('<');
                    while !self.take(">") {
                        text += &self.of_type()?.to_string();
                        if self.take(",") {
                            text.push(',');
                        }
                    }
                    text.push('>');
                }
                if !(self.take(".") || self.take(":") && self.take(":")) {
                    break;
                }
                text.push('.');
            }
        }
        loop {
            match (self.peek(), self.ahead(1)) {
                ("?", _) => {
                    self.at += 1;
                    text.push('?');
                }
                ("[", "," | "]") => {
                    self.at += 1;
                    text.push('[');
                    while self.take(",") {
                        text.push(',');
                    }
                    self.due("]")?;
                    text.push(']');
                }
                _ => return Type::parse(&text),
            }
        }
    }
}
