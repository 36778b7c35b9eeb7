//! Encryption at rest: what a durable store keeps of payloads, user contexts and results.
//!
//! Every value is encrypted on its own with AES-256-GCM: `[1 | salt (12) | nonce (12) | ciphertext | tag (16)]`. The key of one
//! value is derived from the caller's with HKDF-SHA256 over the salt, so that the two random numbers together have the 192 bits with
//! which one key is good for any number of values (a GCM key with nonces of 96 random bits is good for 2^32). What a value belongs
//! to, its task and which part of it, goes into the tag: a value that was moved to another place does not open.

use crate::alloc::{Ensure, Text};
use crate::error::{Error, Result};
use aes_gcm::{AeadInPlace, Aes256Gcm, KeyInit, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Most bytes of a key's id.
pub const MAX_KEY_ID_BYTES: usize = 64;
/// Most keys of a store.
pub const MAX_KEYS: usize = 64;

const VERSION: u8 = 1;
const SALT: usize = 12;
const NONCE: usize = 12;
const TAG: usize = 16;
const HEAD: usize = 1 + SALT + NONCE;
/// Keeps what is derived here apart from whatever else somebody derives from the same key.
const LABEL: &[u8] = b"backrun at rest 1";

/// A key for encryption at rest: 256 secret bits, and the id under which the store remembers which key a value was encrypted with.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    id: Text,
    secret: Zeroizing<[u8; KEY_BYTES]>,
}

impl EncryptionKey {
    /// `id`: 1 to 64 of the letters a to z and A to Z, digits, `-`, `_` and `.`; it is kept in the clear. `secret`: 32 random bytes,
    /// as a key store or `openssl rand` gives them; not a password. They are wiped from memory when the key is dropped.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn new(id: &str, secret: &[u8]) -> Result<Self> {
        let may_be_in_one = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if id.is_empty() || id.len() > MAX_KEY_ID_BYTES || !id.bytes().all(may_be_in_one) {
            return Err(Error::invalid(format_args!(
                "the id of an encryption key is '{id}'; pass 1 to {MAX_KEY_ID_BYTES} of the letters a to z and A to Z, digits, '-', '_' and '.'"
            )));
        }
        let Ok(bytes) = <[u8; KEY_BYTES]>::try_from(secret) else {
            return Err(Error::invalid(format_args!(
                "encryption key '{id}' has {} bytes; pass {KEY_BYTES} random bytes",
                secret.len()
            )));
        };
        if bytes == [bytes[0]; KEY_BYTES] {
            return Err(Error::invalid(format_args!(
                "encryption key '{id}' has {KEY_BYTES} times the byte {}; pass {KEY_BYTES} random bytes",
                bytes[0]
            )));
        }
        Ok(Self { id: Text::say(format_args!("{id}")), secret: Zeroizing::new(bytes) })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Encrypts a value.
    pub(crate) fn seal(&self, place: Place, plain: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = Vec::new();
        sealed.ensure(HEAD + plain.len() + TAG)?;
        let mut random = [0; SALT + NONCE];
        getrandom::getrandom(&mut random).map_err(|cause| Error::System {
            what: "random bytes for encryption".into(),
            cause: Text::say(format_args!("{cause}")),
        })?;
        sealed.push(VERSION);
        sealed.extend_from_slice(&random);
        sealed.extend_from_slice(plain);
        let tag = self
            .derived(&random[..SALT])
            .encrypt_in_place_detached(Nonce::from_slice(&random[SALT..]), &place.bytes(), &mut sealed[HEAD..])
            .map_err(|_| Error::TooLarge {
                what: "a value that is to be encrypted",
                actual: plain.len(),
                limit: u32::MAX as usize,
                instead: "carry less",
            })?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Decrypts a value in place. `None`: it was changed, belongs elsewhere, or was encrypted with another key.
    pub(crate) fn open(&self, place: Place, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        if sealed.len() < HEAD + TAG || sealed[0] != VERSION {
            return None;
        }
        let tag: [u8; TAG] = sealed[sealed.len() - TAG..].try_into().ok()?;
        sealed.truncate(sealed.len() - TAG);
        let (head, value) = sealed.split_at_mut(HEAD);
        let cipher = self.derived(&head[1..=SALT]);
        let nonce = Nonce::from_slice(&head[1 + SALT..]);
        cipher.decrypt_in_place_detached(nonce, &place.bytes(), value, Tag::from_slice(&tag)).ok()?;
        sealed.drain(..HEAD);
        Some(sealed)
    }

    /// The cipher of one value.
    fn derived(&self, salt: &[u8]) -> Aes256Gcm {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        // Rather no value than one under a key that was not derived.
        let derive = Hkdf::<Sha256>::from_prk(&*self.secret).expect("a key is as long as a hash of SHA-256");
        derive.expand_multi_info(&[LABEL, salt], &mut *key).expect("a derived key is as long as one hash");
        Aes256Gcm::new((&*key).into())
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey({})", self.id)
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Nobody's: it shows whether a key is the one that a store knows.
    Proof = 0,
    Payload = 1,
    UserContext = 2,
    Result = 3,
}

/// What a value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The task's; 0: none.
    pub(crate) id: i64,
    pub(crate) part: Part,
}

impl Place {
    fn bytes(self) -> [u8; 9] {
        let mut bytes = [0; 9];
        bytes[..8].copy_from_slice(&self.id.to_le_bytes());
        bytes[8] = self.part as u8;
        bytes
    }
}

/// How a durable store encrypts what it keeps of payloads, user contexts and results. Names, headers, failures and times are not
/// encrypted: operators read them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Encryption {
    /// The keys, 1 to 64 with ids of their own. The first one encrypts; the others only decrypt what was encrypted with them before.
    /// So a key is replaced by putting its successor before it, and taken away when nothing is left that it has encrypted: an engine
    /// does not start where it is missing.
    pub keys: Vec<EncryptionKey>,
    /// What is not encrypted is refused: the engine does not start on a store that has such tasks or results. `false`: it is read as
    /// it is, and only what is new is encrypted.
    pub required: bool,
}

impl Encryption {
    /// With these keys, the first of which encrypts; what is not encrypted yet is read as it is.
    #[must_use]
    pub fn with(keys: Vec<EncryptionKey>) -> Self {
        Self { keys, required: false }
    }

    /// # Errors
    /// [`Error::InvalidArgument`]: no key, too many, or two with one id.
    pub(crate) fn check(&self) -> Result<()> {
        if !(1..=MAX_KEYS).contains(&self.keys.len()) {
            return Err(Error::invalid(format_args!(
                "there are {} encryption keys; pass 1 to {MAX_KEYS}, the one that encrypts first",
                self.keys.len()
            )));
        }
        for (index, key) in self.keys.iter().enumerate() {
            if self.keys[..index].iter().any(|other| other.id == key.id) {
                return Err(Error::invalid(format_args!(
                    "two encryption keys have the id '{}'; give each an id of its own",
                    key.id
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE: Place = Place { id: 7, part: Part::Payload };

    fn key(id: &str, first: u8) -> EncryptionKey {
        let mut secret = [9; KEY_BYTES];
        secret[0] = first;
        EncryptionKey::new(id, &secret).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_in_its_place_and_with_its_key_only(plain: Vec<u8>, id in 1i64.., other in 1i64.., at: prop::sample::Index, bit in 0u8..8) {
            let place = Place { id, part: Part::Payload };
            let sealed = key("k", 1).seal(place, &plain).unwrap();
            prop_assert_eq!(sealed.len(), plain.len() + 41);
            prop_assert_eq!(key("k", 1).open(place, sealed.clone()), Some(plain.clone()));
            prop_assert_eq!(key("k", 2).open(place, sealed.clone()), None);
            prop_assert_eq!(key("k", 1).open(Place { id, part: Part::Result }, sealed.clone()), None);
            if other != id {
                prop_assert_eq!(key("k", 1).open(Place { id: other, part: Part::Payload }, sealed.clone()), None);
            }
            let mut changed = sealed.clone();
            changed[at.index(sealed.len())] ^= 1 << bit;
            prop_assert_eq!(key("k", 1).open(place, changed), None);
            for length in [0, 1, HEAD, HEAD + TAG - 1, sealed.len() - 1] {
                prop_assert_eq!(key("k", 1).open(place, sealed[..length.min(sealed.len() - 1)].to_vec()), None);
            }
        }
    }

    #[test]
    fn no_two_values_have_the_same_bytes() {
        let sealed: std::collections::HashSet<_> =
            (0..100).map(|_| key("k", 1).seal(PLACE, b"same").unwrap()).collect();
        assert_eq!(sealed.len(), 100);
    }

    #[test]
    fn a_value_of_this_version_opens_in_every_later_one() {
        // Made by Python's `cryptography` 48: HKDFExpand(SHA256, 32, LABEL + salt), AESGCM, salt 1 to 12, nonce 101 to 112.
        let made =
            "010102030405060708090a0b0c65666768696a6b6c6d6e6f70c29a27fb486e6990a6c7ac8f9da794a8ed03b7712edcbd523c5f";
        let byte = |at: usize| u8::from_str_radix(&made[2 * at..2 * at + 2], 16).unwrap();
        let sealed = (0..made.len() / 2).map(byte).collect();
        assert_eq!(key("k", 1).open(PLACE, sealed).as_deref(), Some(&b"\x81\xa4Name\xa3Ada"[..]));
    }

    #[test]
    fn a_key_that_is_none_is_refused_by_its_id_and_never_shown() {
        let refused = |id: &str, secret: &[u8]| EncryptionKey::new(id, secret).unwrap_err().to_string();
        assert!(refused("a b", &[1; 32]).contains("'a b'"));
        assert!(refused("", &[1; 32]).contains("1 to 64"));
        assert!(refused(&"k".repeat(65), &[1; 32]).contains("1 to 64"));
        assert!(refused("k", &[1; 31]).contains("'k' has 31 bytes; pass 32"));
        assert!(refused("k", &[0; 32]).contains("32 times the byte 0"));
        let shown = format!("{:?}", key("k-1", 77));
        assert_eq!(shown, "EncryptionKey(k-1)");
        let two = Encryption::with(vec![key("k", 1), key("k", 2)]);
        assert!(two.check().unwrap_err().to_string().contains("'k'"));
        assert!(Encryption::default().check().unwrap_err().to_string().contains("0 encryption keys"));
    }
}
