//! One line of a file.

use crate::json::Json;
use crate::value::{from_hex, to_hex};
use backrun::codec::Version;
use sha2::{Digest, Sha256};

pub struct Line {
    pub id: String,
    pub op: String,
    /// Under which versions it is to hold.
    pub versions: Vec<Version>,
    pub options: String,
    pub json: Json,
}

impl Line {
    pub fn parse(text: &str) -> Result<Line, String> {
        let json = Json::parse(text)?;
        let text = |name: &str| json.get(name).and_then(Json::text);
        let versions = match text("version").as_deref() {
            None | Some("all") => vec![Version::V2_5, Version::V3_1],
            Some(version) if version.starts_with("2.") => vec![Version::V2_5],
            Some(version) if version.starts_with("3.") => vec![Version::V3_1],
            Some(version) => return Err(format!("the version {version:?} is none that the codec has")),
        };
        let id = text("id").ok_or("the line lacks its \"id\"")?;
        let op = text("op").ok_or("the line lacks its \"op\"")?;
        let options = text("options").unwrap_or_else(|| "standard".to_owned());
        Ok(Line { id, op, versions, options, json })
    }

    pub fn family(&self) -> &str {
        self.id.split_once('/').map_or(&self.id, |(family, _)| family)
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.json.get(name).and_then(Json::text)
    }

    /// The bytes of a field in hexadecimal digits.
    pub fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        self.text(name).map(|hex| from_hex(&hex)).transpose()
    }

    /// What the written bytes are to be.
    pub fn expected(&self) -> Result<Option<Bytes>, String> {
        if let Some(bytes) = self.bytes("hex")? {
            return Ok(Some(Bytes::Whole(bytes)));
        }
        match (self.json.get("len").and_then(Json::whole), self.text("sha256")) {
            (Some(length), Some(sha256)) => {
                let head = self.bytes("head")?.unwrap_or_default();
                Ok(Some(Bytes::Hash { length, sha256, head }))
            }
            _ => Ok(None),
        }
    }

    /// The exceptions that are due, the outermost first.
    pub fn errors(&self) -> Option<Vec<String>> {
        let chain = self.json.get("error")?.list()?;
        let kind = |error: &Json| match error.list() {
            Some(parts) => parts.first().and_then(Json::text),
            None => error.text(),
        };
        // Without its namespace.
        Some(chain.iter().filter_map(kind).map(|kind| kind.rsplit('.').next().unwrap_or_default().to_owned()).collect())
    }
}

/// Bytes that are due: themselves, or what is known of long ones.
pub enum Bytes {
    Whole(Vec<u8>),
    Hash { length: usize, sha256: String, head: Vec<u8> },
}

impl Bytes {
    pub fn whole(&self) -> Option<&[u8]> {
        match self {
            Bytes::Whole(bytes) => Some(bytes),
            Bytes::Hash { .. } => None,
        }
    }

    pub fn compare(&self, what: &str, bytes: &[u8]) -> Result<(), String> {
        match self {
            Bytes::Whole(due) => same_bytes(what, due, bytes),
            Bytes::Hash { length, sha256, head } => {
                if *length == bytes.len() && *sha256 == self::sha256(bytes) && bytes.starts_with(head) {
                    return Ok(());
                }
                let due = format!("{length} bytes, sha256 {sha256}, {}…", to_hex(head));
                let found = &bytes[..head.len().min(bytes.len())];
                let found = format!("{} bytes, sha256 {}, {}…", bytes.len(), self::sha256(bytes), to_hex(found));
                Err(differ(what, &due, &found))
            }
        }
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

pub fn same_bytes(what: &str, due: &[u8], found: &[u8]) -> Result<(), String> {
    if due == found {
        return Ok(());
    }
    Err(differ(what, &to_hex(due), &to_hex(found)))
}

pub fn differ(what: &str, due: &str, found: &str) -> String {
    format!("{what}\n      due   {due}\n      found {found}")
}
