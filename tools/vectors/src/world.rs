//! What is known of the types that the lines name: the classes of types.cs.txt, and the enums of the lines.

use crate::classes::{Class, Classes, Sort};
use crate::csharp::Type;
use crate::json::Json;
use crate::value::Int;
use std::collections::HashMap;

#[derive(Default)]
pub struct World {
    pub classes: Classes,
    /// The underlying types of enums that no source tells, as the values of the lines do.
    pub enums: HashMap<String, Int>,
}

impl World {
    /// Learns the enums of a line's value.
    pub fn learn(&mut self, json: &Json) {
        match json {
            Json::List(items) => items.iter().for_each(|item| self.learn(item)),
            Json::Object(members) => {
                if let (Some(name), Some(of)) = (json.get("enum"), json.get("underlying")) {
                    if let (Some(name), Some(of)) = (name.text(), of.text().and_then(|of| Int::of_name(&of))) {
                        self.enums.insert(name, of);
                    }
                }
                members.iter().for_each(|(_, value)| self.learn(value));
            }
            _ => {}
        }
    }

    pub fn class(&self, of: &Type) -> Option<&Class> {
        match of {
            Type::Named(name, arguments) => self.classes.find(name, arguments.len()),
            _ => None,
        }
    }

    /// The type under an enum.
    pub fn underlying(&self, of: &Type) -> Option<Int> {
        match self.class(of) {
            Some(class) if class.sort == Sort::Enum => class.underlying,
            Some(_) => None,
            None => self.enums.get(&of.to_string()).copied(),
        }
    }

    /// Names that stand in a class, made such that they are found from everywhere.
    pub fn resolve(&self, within: &str, of: &Type) -> Type {
        let all = |types: &[Type]| types.iter().map(|of| self.resolve(within, of)).collect::<Vec<_>>();
        match of {
            Type::Named(name, arguments) => {
                let found = self.classes.find_from(within, name, arguments.len());
                let name = found.map_or(name.as_str(), |class| &class.name);
                Type::Named(name.to_owned(), all(arguments))
            }
            Type::Nullable(of) => {
                let of = self.resolve(within, of);
                // `T?` of a class is the class.
                match self.class(&of) {
                    Some(class) if !class.is_value_type() => of,
                    _ => Type::Nullable(Box::new(of)),
                }
            }
            Type::Array(of, rank) => Type::Array(Box::new(self.resolve(within, of)), *rank),
            Type::Untold => Type::Untold,
        }
    }
}
