//! Values of types that no source tells: the bytes that are due show the shape, and the line the members.

use crate::csharp::Type;
use crate::node::{Node, Shape};
use crate::stop::{Result, Stop};
use crate::value::Value;
use crate::writing::{Hint, Place, Writing};
use backrun::codec::dotnet::encode_union;
use backrun::codec::{Kind, Reader, Writer};

impl Writing<'_> {
    pub fn unknown_class(&self, writer: &mut Writer, value: &Value, of: &Type, due: Hint<'_>) -> Result<()> {
        let Some(due) = due else {
            return Stop::unknown(format!("the type {of} is not known, and there are no bytes to tell its shape"));
        };
        let Value::Object(name, members) = value else {
            // A collection, or a value with a formatter of its own.
            return self.untold(writer, value, Some(due));
        };
        let left: Vec<&(String, Value)> = members.iter().collect();
        // Where the static type is another one there may be a union, which leaves out what it does not list.
        let is_base = !of.is(name) && *of != Type::Untold && Type::parse(name).as_ref() != Ok(of);
        match &due.shape {
            Shape::Typeless(..) => self.typeless(writer, value, Some(due)),
            Shape::Array(items) => match items.as_slice() {
                [key, body] if is_base && key.kind() == Kind::Int && !matches!(body.shape, Shape::Leaf) => {
                    let key = Reader::new(key.bytes).int()?;
                    let Ok(key) = i32::try_from(key) else { return Stop::unknown("no union has such a key") };
                    let body =
                        self.written(value, &Type::parse(name).unwrap_or(Type::Untold), Some(body), Place::Slot)?;
                    Ok(encode_union(writer, key, &body)?)
                }
                items => self.by_number(writer, name, left, items),
            },
            Shape::Map(entries) => self.by_name(writer, name, left, entries),
            Shape::Leaf if is_base && due.kind() == Kind::Nil => Ok(writer.nil()?),
            Shape::Leaf => Stop::unknown(format!("the class {name} is not known")),
        }
    }

    fn by_name(
        &self,
        writer: &mut Writer,
        class: &str,
        mut left: Vec<&(String, Value)>,
        entries: &[(Node<'_>, Node<'_>)],
    ) -> Result<()> {
        writer.map_header(entries.len())?;
        for (key, due) in entries {
            let key = key.text().unwrap_or_default();
            let same_name = left.iter().position(|(name, _)| *name == key);
            // A key of another name is the next member that gives the bytes.
            let at = same_name.or_else(|| left.iter().position(|(_, value)| self.gives(value, due)));
            let Some(at) = at else {
                return Stop::unknown(format!("which member of {class} has the key {key:?} is not known"));
            };
            writer.key(&key)?;
            self.untold(writer, &left.remove(at).1, Some(due))?;
        }
        Ok(())
    }

    fn by_number(
        &self,
        writer: &mut Writer,
        class: &str,
        mut left: Vec<&(String, Value)>,
        items: &[Node<'_>],
    ) -> Result<()> {
        writer.array_header(items.len())?;
        for due in items {
            match left.iter().position(|(_, value)| self.gives(value, due)) {
                Some(at) => self.untold(writer, &left.remove(at).1, Some(due))?,
                // A hole.
                None if due.kind() == Kind::Nil => writer.nil()?,
                None => return Stop::unknown(format!("which member of {class} has which key is not known")),
            }
        }
        Ok(())
    }

    fn gives(&self, value: &Value, due: &Node<'_>) -> bool {
        let mut writer = Writer::with_settings(self.options.settings());
        self.untold(&mut writer, value, Some(due)).is_ok() && writer.bytes() == due.bytes
    }
}
