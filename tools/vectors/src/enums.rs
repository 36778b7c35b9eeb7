//! Enums, through the codec's own types.

use crate::classes::{Class, Constant};
use crate::value::Int;
use backrun::codec::dotnet::{EnumMember, EnumTable, Underlying};

/// Does something with what is known of an enum.
pub fn with_table<T>(class: &Class, of: Int, use_it: impl FnOnce(&EnumTable<'_>) -> T) -> T {
    fn member(own: &Constant) -> EnumMember<'_> {
        EnumMember { name: &own.name, number: own.number, wire_name: own.renamed.as_deref() }
    }
    let members: Vec<EnumMember<'_>> = class.constants.iter().map(member).collect();
    use_it(&EnumTable { underlying: underlying(of), members: &members, flags: class.has("Flags") })
}

pub fn underlying(of: Int) -> Underlying {
    match of {
        Int::I8 => Underlying::I8,
        Int::U8 => Underlying::U8,
        Int::I16 => Underlying::I16,
        Int::U16 => Underlying::U16,
        Int::I32 => Underlying::I32,
        Int::U32 => Underlying::U32,
        Int::I64 => Underlying::I64,
        Int::U64 => Underlying::U64,
    }
}
