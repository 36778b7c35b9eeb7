//! Typeless values: extension 100 with the name of the .NET type and the value.

use crate::clr::Name;
use crate::csharp::Type;
use crate::node::Shape;
use crate::reading::Reading;
use crate::stop::{Result, Stop};
use crate::value::Value;
use crate::writing::{natural, Hint, Place, Writing};
use backrun::codec::{typeless, Reader, Writer};

/// Writes a value with the name of its type, which the bytes that are due tell: a line's value does not say whether a list is an array or a
/// `List<T>`. What the value says by itself, the name has to agree with.
pub fn write(writing: &Writing<'_>, writer: &mut Writer, value: &Value, due: Hint<'_>) -> Result<()> {
    let (name, value, due) = match (value, due.map(|due| &due.shape)) {
        (Value::Boxed(name, inner), _) => (name.clone(), &**inner, None),
        (value, Some(Shape::Typeless(name, due))) => {
            (String::from_utf8_lossy(name).into_owned(), value, due.as_deref())
        }
        (value, Some(_)) => return writing.own(writer, value, None),
        (_, None) => return Stop::unknown("the name of the .NET type is not told"),
    };
    let of = of_name(&name)?;
    let own = natural(value);
    let is_told = !matches!(
        value,
        Value::List(_)
            | Value::Map(_)
            | Value::Tuple(_)
            | Value::Dims(..)
            | Value::Pair(_)
            | Value::Bytes(_)
            | Value::Text(_)
            | Value::Lazy(_)
            | Value::Null
    );
    if is_told && own != of && !is_same_class(writing, &own, &of) {
        return Stop::unknown(format!("a {own} has not the name {name:?}"));
    }
    let is_short = !name.contains(", Version=");
    if is_short != writing.options.omit_version {
        return Stop::unknown(format!("the name {name:?} is of the other length"));
    }
    let begun = typeless::begin(writer, &name)?;
    if !of.is("object") {
        writing.value(writer, value, &of, due, Place::Slot)?;
    }
    Ok(typeless::end(writer, begun)?)
}

fn is_same_class(writing: &Writing<'_>, own: &Type, of: &Type) -> bool {
    match (writing.world.class(own), writing.world.class(of)) {
        (Some(own), Some(of)) => own.name == of.name,
        // A class that no source tells, or a value told as what it is like.
        _ => writing.world.class(own).is_none(),
    }
}

fn of_name(name: &str) -> Result<Type> {
    match Name::parse(name).and_then(|name| name.to_type()) {
        Some(of) => Ok(of),
        None => Stop::unknown(format!("{name:?} is no name of a .NET type that is understood")),
    }
}

/// Takes a typeless value. The length that its header tells is not looked at, as in the library.
pub fn read(reading: &Reading<'_>, reader: &mut Reader<'_>) -> Result<Value> {
    if reader.try_nil()? {
        return Ok(Value::Null);
    }
    reader.ext_header()?;
    let name = reader.string()?;
    let of = of_name(&name)?;
    if of.is("object") {
        return Ok(Value::Boxed(name, Box::new(Value::Object("object".to_owned(), Vec::new()))));
    }
    let value = reading.value(reader, &of, Place::Slot)?;
    // Nothing is left of the type of a reference that is null.
    let is_struct =
        matches!(&of, Type::Named(name, _) if ["Nil", "ArraySegment", "ImmutableArray"].contains(&name.as_str()));
    if value == Value::Null && !is_struct {
        return Ok(Value::Null);
    }
    Ok(Value::Boxed(name, Box::new(value)))
}
