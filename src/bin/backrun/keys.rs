//! Keys of an encrypted file, from a file of their own.

use crate::Result;
use backrun::{Encryption, EncryptionKey};
use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use std::fs;
use std::path::Path;

/// Reads keys: a line each, `ID BASE64`; empty lines and those that begin with # are none. The first one encrypts.
pub fn read(file: Option<&Path>) -> Result<Vec<EncryptionKey>> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("the keys cannot be read from '{shown}': {error}"))?;
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // No word of the line itself: it may be a key.
        let at = format!("'{shown}', line {}", number + 1);
        let (id, secret) = line
            .split_once(char::is_whitespace)
            .ok_or_else(|| format!("{at}: pass the id of a key, a space, and its 32 bytes in base64"))?;
        let secret = STANDARD
            .decode(secret.trim())
            .map_err(|_| format!("{at}: key '{id}' is not base64; `openssl rand -base64 32` makes one"))?;
        keys.push(EncryptionKey::new(id, &secret).map_err(|error| format!("{at}: {error}"))?);
    }
    if keys.is_empty() {
        return Err(format!("'{shown}' has no keys; write one a line: its id, a space, and its 32 bytes in base64"));
    }
    Ok(keys)
}

/// How a file is opened with them.
pub fn encryption(file: Option<&Path>) -> Result<Option<Encryption>> {
    let keys = read(file)?;
    Ok(if keys.is_empty() { None } else { Some(Encryption::with(keys)) })
}
