//! Values that bring the name of their type (`MessagePackSerializer.Typeless`): an extension of type 100 that holds the name, then the
//! value in the form of that type.
//!
//! A name from somebody else decides what is made, so reading asks an allow-list before it answers one ([`Allow`]), after that library's own
//! list of types that nobody may name. A name is only ever text here: nothing finds code by it.
//!
//! **What stays plain**, and is written without a name: null, `bool`, the integers, `float`, `double`, `string`, `byte[]`
//! ([`stays_plain`]), and anonymous types, which are maps. `object` itself is a name without a value.
//!
//! **Widths inside.** A member of an object that is an integer is as short as can be. An integer anywhere else has the full width of its type
//! ([`Full`]): in a slot of type `object`, a nullable, an array or another collection, a dictionary, a tuple. In version 3.1 the elements of a `List<T>`
//! of `sbyte`, `short`, `ushort`, `int`, `uint`, `long` or `ulong` are short again; those of a `List<byte>` are not. `char` and enums are short always.
//! A `DateTime` is a [`NativeDateTime`](crate::codec::dotnet::NativeDateTime).

use crate::alloc::Text;
use crate::codec::code::{Kind, TYPELESS};
use crate::codec::type_name::Array;
use crate::codec::{CodecError, Decode, Encode, Problem, Reader, Result, TypeName, Writer};

#[cfg(all(test, not(loom)))]
mod tests;

/// Who may be named.
///
/// A function is one: `&|name: &TypeName| name.is("Golden.Person") && name.assembly_name() == Some("Backrun.Golden")`.
pub trait Allow {
    /// Whether a value of this type may be read. It is asked for the type itself, and for every type that is given to it as an argument; an
    /// array is asked for by its elements' name ([`TypeName::arrays`] tells).
    fn allows(&self, name: &TypeName<'_>) -> bool;
}

impl<F: Fn(&TypeName<'_>) -> bool> Allow for F {
    fn allows(&self, name: &TypeName<'_>) -> bool {
        self(name)
    }
}

/// Whom MessagePack-CSharp lets nobody name, whatever else is allowed: making, or letting go of, a value of theirs runs what its maker wants.
const DENIED: [&str; 19] = [
    "Microsoft.VisualStudio.Text.Formatting.TextFormattingRunProperties",
    "System.CodeDom.Compiler.CompilerResults",
    "System.CodeDom.Compiler.TempFileCollection",
    "System.Configuration.SettingsPropertyValue",
    "System.Data.DataSet",
    "System.Data.DataTable",
    "System.Diagnostics.Process",
    "System.Diagnostics.ProcessStartInfo",
    "System.Drawing.Design.ToolboxItemContainer",
    "System.IdentityModel.Tokens.SessionSecurityToken",
    "System.Management.IWbemClassObjectFreeThreaded",
    "System.Security.Claims.ClaimsIdentity",
    "System.Security.Claims.ClaimsPrincipal",
    "System.Security.Principal.WindowsIdentity",
    "System.Security.Principal.WindowsPrincipal",
    "System.Web.Security.RolePrincipal",
    "System.Windows.Data.ObjectDataProvider",
    "System.Windows.ResourceDictionary",
    "System.Workflow.ComponentModel.Serialization.ActivitySurrogateSelector",
];

/// Whether MessagePack-CSharp lets nobody name this type: it, or what it is an array of, or an argument of it at any depth. Assemblies
/// are not looked at, nor case that .NET would not look at.
#[must_use]
pub fn is_denied(name: &TypeName<'_>) -> bool {
    name.find(&mut |part| is_denied_alone(part).then_some(())).is_some()
}

fn is_denied_alone(name: &TypeName<'_>) -> bool {
    // A backslash makes no other type of it, nor does a blank.
    let plain = || name.name().trim().chars().filter(|char| *char != '\\');
    DENIED.iter().any(|denied| plain().eq(denied.chars()))
}

/// Whether a value of this type is written without its name.
#[must_use]
pub fn stays_plain(name: &TypeName<'_>) -> bool {
    const PLAIN: [&str; 12] = [
        "System.Boolean",
        "System.SByte",
        "System.Byte",
        "System.Int16",
        "System.UInt16",
        "System.Int32",
        "System.UInt32",
        "System.Int64",
        "System.UInt64",
        "System.Single",
        "System.Double",
        "System.String",
    ];
    let is_bytes = name.name() == "System.Byte" && name.arrays() == [Array::List];
    (is_bytes && name.arguments().is_empty()) || PLAIN.iter().any(|plain| name.is(plain))
}

/// What a slot of type `object` holds in a typeless payload.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Slot<'a> {
    /// Null; it was taken.
    Nil,
    /// A value without a name, which comes next: an [`Object`](crate::codec::dotnet::Object).
    Plain,
    /// A bare `new object()`: a name, and no value; it was taken.
    Object,
    /// A value of this type, which comes next. It may be nil, for a null of that type.
    Typed(TypeName<'a>),
}

/// Looks at a slot of type `object`, as far as the value in it.
///
/// Like MessagePack-CSharp it takes a name and leaves one value to be read, and does not hold the length of the extension against the two: where
/// that is wrong, [`Reader::skip`] goes elsewhere.
///
/// # Errors
/// [`Problem::Refused`]: the type may not be named; [`Problem::Malformed`]: the name is none; as the reader's. It stands before the slot
/// then.
pub fn read<'a>(reader: &mut Reader<'a>, allow: &(impl Allow + ?Sized)) -> Result<Slot<'a>> {
    let begun = *reader;
    let slot = look(reader, allow);
    if slot.is_err() {
        *reader = begun;
    }
    slot
}

fn look<'a>(reader: &mut Reader<'a>, allow: &(impl Allow + ?Sized)) -> Result<Slot<'a>> {
    if reader.try_nil()? {
        return Ok(Slot::Nil);
    }
    let Some(name) = name(reader)? else { return Ok(Slot::Plain) };
    let at = reader.offset() - name.len();
    let name = match TypeName::parse(name) {
        Ok(name) => name,
        Err(CodecError { offset, problem }) => return Err(CodecError::at(at + offset, problem)),
    };
    let refused = name.find(&mut |part| {
        let why = match part {
            part if is_denied_alone(part) => "MessagePack-CSharp lets nobody name it",
            part if !allow.allows(part) => "it is not on the list of those that may be read",
            _ => return None,
        };
        let said = Text::say(format_args!("the type {} may not be named by a payload: {why}", part.name()));
        Some(CodecError::at(at, Problem::Refused(said)))
    });
    match refused {
        Some(refused) => Err(refused),
        None if name.is("System.Object") => Ok(Slot::Object),
        None => Ok(Slot::Typed(name)),
    }
}

/// The name in what comes next, which is taken as far as the value behind it; `None`: it has none, and stays where it is. For people who look at
/// payloads, or who look the name up in a list of their own: nothing was asked whether it may be read.
///
/// # Errors
/// As [`Reader::str`].
pub fn name<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a str>> {
    if reader.peek()? != Kind::Ext || reader.peek_ext()? != Some(TYPELESS) {
        return Ok(None);
    }
    let mut ahead = *reader;
    ahead.ext_header()?;
    let name = ahead.str()?;
    *reader = ahead;
    Ok(Some(name))
}

/// Writes a value with the name of its type.
///
/// The name is written as it is: the one that .NET has for the type, with its assembly (`Golden.Person, Backrun.Golden`). The version of
/// a framework's assembly is that of the runtime over there; it takes names without.
///
/// # Errors
/// As those of `value`; nothing is written then.
pub fn write(writer: &mut Writer, name: &str, value: impl FnOnce(&mut Writer) -> Result<()>) -> Result<()> {
    let begun = begin(writer, name)?;
    match value(writer).and_then(|()| end(writer, begun)) {
        Ok(()) => Ok(()),
        Err(error) => {
            writer.truncate(begun.at);
            Err(error)
        }
    }
}

/// `new object()`, which is a name alone.
///
/// # Errors
/// [`Problem::NoMemory`].
pub fn write_object(writer: &mut Writer, name: &str) -> Result<()> {
    write(writer, name, |_| Ok(()))
}

/// A value that was begun with its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a value that is not ended is no MessagePack"]
pub struct Begun {
    at: usize,
}

/// The longest header of an extension.
const HEADER: usize = 6;

/// Begins a value with the name of its type: one value is to be written, and then [`end`] called, the inner one first.
///
/// # Errors
/// [`Problem::NoMemory`], [`Problem::TooLong`]; nothing is written then.
pub fn begin(writer: &mut Writer, name: &str) -> Result<Begun> {
    let at = writer.bytes().len();
    writer.ensure(2 * HEADER + name.len())?;
    // How long it will be is not known.
    writer.raw(&[0; HEADER])?;
    if let Err(error) = writer.str(name) {
        writer.truncate(at);
        return Err(error);
    }
    Ok(Begun { at })
}

/// Ends a value that was begun with its name.
///
/// # Errors
/// [`Problem::TooLong`].
pub fn end(writer: &mut Writer, begun: Begun) -> Result<()> {
    let length = writer.bytes().len().saturating_sub(begun.at + HEADER);
    let (header, size) = writer.header_of_ext(TYPELESS, length, "a value with its type's name in bytes")?;
    writer.replace(begun.at, HEADER, &header[..size]);
    Ok(())
}

/// The name of a type of .NET's own library, as a .NET of a major version writes it: `core_name("System.Guid", 10)`.
///
/// # Errors
/// [`Problem::NoMemory`].
pub fn core_name(name: &str, runtime: u16) -> Result<Text> {
    Text::format(format_args!(
        "{name}, System.Private.CoreLib, Version={runtime}.0.0.0, Culture=neutral, PublicKeyToken=7cec85d7bea7798e"
    ))
    .map_err(|refused| CodecError::no_memory(0, refused))
}

/// A name without the versions of assemblies, as `OmitAssemblyVersion` has it ([`TypeName::short`]).
///
/// # Errors
/// As [`TypeName::parse`].
pub fn without_versions(name: &str) -> Result<Text> {
    let name = TypeName::parse(name)?;
    let short = name.short();
    Text::format(format_args!("{short}")).map_err(|refused| CodecError::no_memory(0, refused))
}

/// An integer at the full width of its type, as most places of a typeless payload have it: a `Vec<Full<i32>>` is an `int[]` there, an
/// `Option<Full<i64>>` a `long?`. It is read at any width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Full<T>(
    /// The integer.
    pub T,
);

macro_rules! full {
    ($($type:ty, $write:ident;)*) => {$(
        impl Encode for Full<$type> {
            #[inline]
            fn encode(&self, writer: &mut Writer) -> Result<()> {
                writer.$write(self.0)
            }
        }
    )*};
}

full! {
    u8, full_u8;
    u16, full_u16;
    u32, full_u32;
    u64, full_u64;
    i8, full_i8;
    i16, full_i16;
    i32, full_i32;
    i64, full_i64;
}

impl<'a, T: Decode<'a>> Decode<'a> for Full<T> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self> {
        T::decode(reader).map(Self)
    }
}
