//! Payloads as JSON and JSON as payloads, as MessagePack-CSharp's `ConvertToJson` and `ConvertFromJson` have it.
//!
//! For people who look at payloads. Both directions lose something (docs/messagepack.md), and where that library writes what is no
//! JSON, or no MessagePack, this does too: whoever compares the two finds no difference.

mod from_json;
mod number;
#[cfg(all(test, not(loom)))]
mod tests;
mod to_json;

pub use from_json::from_json;
pub use to_json::to_json;
