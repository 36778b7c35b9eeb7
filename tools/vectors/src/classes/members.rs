//! Members: fields, properties, constructors, and an enum's constants.

use super::parser::{Modifiers, Parser, Result};
use super::{Attribute, Class, Constructor, Member, Property, Sort, Visibility};
use crate::value::Int;

impl Parser {
    pub(super) fn member(&mut self, class: &mut Class, own_name: &str) -> Result<()> {
        if self.take(";") {
            return Ok(());
        }
        let attributes = self.attributes()?;
        let modifiers = self.modifiers();
        if self.is_declaration() {
            let outer = class.name.clone();
            return self.declaration(&outer, &class.parameters, attributes, &modifiers);
        }
        self.take("~");
        if self.peek() == own_name && self.ahead(1) == "(" {
            return self.constructor(class, attributes, &modifiers);
        }
        if self.peek() == "operator" {
            return self.rest_of_method();
        }
        let of = self.of_type()?;
        if self.peek() == "operator" || modifiers.has("event") {
            return self.rest_of_method();
        }
        let mut name = self.next();
        while self.take(".") {
            name = format!("{name}.{}", self.next());
        }
        let visibility = match class.sort {
            Sort::Interface => Visibility::Public,
            _ => modifiers.visibility(),
        };
        let mut member = Member {
            name,
            of,
            visibility,
            is_static: modifiers.has("static") || modifiers.has("const"),
            is_readonly: modifiers.has("readonly"),
            is_override: modifiers.has("override"),
            attributes,
            initial: None,
            property: None,
        };
        if member.name == "this" {
            self.due("[")?;
            self.skip_to("]")?;
            self.property(&mut member)?;
            return Ok(());
        }
        match self.peek() {
            "(" | "<" => return self.rest_of_method(),
            "{" | "=>" => {
                self.property(&mut member)?;
                class.members.push(member);
            }
            _ => loop {
                member.initial = None;
                if self.take("=") {
                    member.initial = Some(self.expression(&[",", ";"])?);
                }
                class.members.push(member.clone());
                if !self.take(",") {
                    self.due(";")?;
                    break;
                }
                member.name = self.next();
            },
        }
        Ok(())
    }

    fn constructor(&mut self, class: &mut Class, attributes: Vec<Attribute>, modifiers: &Modifiers) -> Result<()> {
        self.at += 2;
        let mut parameters = Vec::new();
        while !self.take(")") {
            self.attributes()?;
            self.modifiers();
            let of = self.of_type()?;
            let name = self.next();
            if self.take("=") {
                self.expression(&[",", ")"])?;
            }
            self.take(",");
            parameters.push((name, of));
        }
        if !modifiers.has("static") {
            class.constructors.push(Constructor { visibility: modifiers.visibility(), attributes, parameters });
        }
        self.rest_of_method()
    }

    fn rest_of_method(&mut self) -> Result<()> {
        self.expression(&["{", ";", "=>"])?;
        match self.next().as_str() {
            "{" => self.skip_to("}"),
            "=>" => {
                self.expression(&[";"])?;
                self.due(";")
            }
            _ => Ok(()),
        }
    }

    fn property(&mut self, member: &mut Member) -> Result<()> {
        let mut property = Property::default();
        if self.take("=>") {
            member.initial = Some(self.expression(&[";"])?);
            self.due(";")?;
            property.getter = Some(member.visibility);
            property.is_computed = true;
        } else {
            self.due("{")?;
            while !self.take("}") {
                self.attributes()?;
                let modifiers = self.modifiers();
                let visibility = if modifiers.0.is_empty() { member.visibility } else { modifiers.visibility() };
                match self.next().as_str() {
                    "get" => property.getter = Some(visibility),
                    "set" | "init" => property.setter = Some(visibility),
                    other => return Err(format!("the types: {other:?} in the property {}", member.name)),
                }
                property.is_computed |= matches!(self.peek(), "{" | "=>");
                self.rest_of_method()?;
            }
            if self.take("=") {
                member.initial = Some(self.expression(&[";"])?);
                self.due(";")?;
            }
        }
        member.property = Some(property);
        Ok(())
    }
}

/// The number of an enum's constant.
pub(super) fn constant(text: &str, class: &Class) -> Option<i128> {
    let text = text.replace(' ', "");
    if let Some((left, right)) = text.split_once("<<") {
        return constant(left, class)?.checked_shl(right.parse().ok()?);
    }
    if text.contains('|') {
        return text.split('|').map(|part| constant(part, class)).try_fold(0, |all, part| Some(all | part?));
    }
    if let Some((of, limit)) = text.split_once('.') {
        let (bits, is_signed) = match Int::of_name(of)? {
            Int::I8 => (8, true),
            Int::U8 => (8, false),
            Int::I16 => (16, true),
            Int::U16 => (16, false),
            Int::I32 => (32, true),
            Int::U32 => (32, false),
            Int::I64 => (64, true),
            Int::U64 => (64, false),
        };
        return match (limit, is_signed) {
            ("MinValue", true) => Some(-(1 << (bits - 1))),
            ("MinValue", false) => Some(0),
            ("MaxValue", true) => Some((1 << (bits - 1)) - 1),
            ("MaxValue", false) => Some((1 << bits) - 1),
            _ => None,
        };
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return i128::from_str_radix(&hex.replace('_', ""), 16).ok();
    }
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L']).replace('_', "");
    let earlier = || class.constants.iter().find(|constant| constant.name == text).map(|constant| constant.number);
    digits.parse().ok().or_else(earlier)
}
