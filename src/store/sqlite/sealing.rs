//! Which keys a file was encrypted with, and which of them somebody has brought.
//!
//! A key has a number in the file and, beside its id, a *proof*: a value that opens with that key only, so that other bytes under a
//! known id are noticed before anything is read or written with them.

use crate::alloc::Text;
use crate::crypto::{Encryption, EncryptionKey, Part, Place};
use crate::error::{Error, Result};
use crate::store::durable::StoredTask;
use crate::store::sqlite::failed;
use rusqlite::{params, Connection};

const PROVED: &[u8] = b"backrun";
const PROOF: Place = Place { id: 0, part: Part::Proof };

/// The keys of a file, by their numbers there.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The one that encrypts.
    sealing: Option<(i64, EncryptionKey)>,
    known: Vec<Known>,
    /// What is not encrypted is not read.
    required: bool,
    /// Keys are missing, and nothing may be added.
    is_blind: bool,
}

#[derive(Debug)]
struct Known {
    number: i64,
    id: Text,
    key: Option<EncryptionKey>,
}

/// How much is encrypted with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyUse {
    /// The key's id; `None`: what is not encrypted.
    pub key_id: Option<Text>,
    /// Tasks that have not ended, dead ones, and results.
    pub count: u64,
}

/// What is encrypted with what.
pub(super) struct Use {
    /// The key's number; `None`: it is not encrypted.
    pub(super) number: Option<i64>,
    /// Tasks that have not ended and dead ones, and results.
    pub(super) rows: i64,
}

/// How many rows are encrypted with each key. Reads all of the file.
pub(super) fn uses(connection: &Connection) -> Result<Vec<Use>> {
    let count = "SELECT sealed_by, count(*) FROM (SELECT sealed_by FROM task UNION ALL SELECT sealed_by FROM finished WHERE result IS NOT NULL) \
                 GROUP BY sealed_by";
    let mut find = connection.prepare(count).map_err(failed)?;
    let rows = find.query_map([], |row| Ok(Use { number: row.get(0)?, rows: row.get(1)? })).map_err(failed)?;
    rows.map(|row| row.map_err(failed)).collect()
}

impl Keys {
    /// Matches the keys of a file, and those that were brought. Changes nothing.
    ///
    /// # Errors
    /// A key is another one than the file knows under its id.
    pub(super) fn match_up(connection: &Connection, brought: &[EncryptionKey]) -> Result<Self> {
        let mut find =
            connection.prepare("SELECT number, id, proof FROM encryption_key ORDER BY number").map_err(failed)?;
        let mut rows = find.query([]).map_err(failed)?;
        let mut known = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let number: i64 = row.get(0).map_err(failed)?;
            let (id, proof): (String, Vec<u8>) = (row.get(1).map_err(failed)?, row.get(2).map_err(failed)?);
            let key = brought.iter().find(|key| *key.id() == *id).cloned();
            if key.as_ref().is_some_and(|key| key.open(PROOF, proof).as_deref() != Some(PROVED)) {
                return Err(Error::Store(Text::say(format_args!(
                    "encryption key '{id}' is not the one that the file knows by this id: its bytes are others; pass the right ones, or a new key under another id"
                ))));
            }
            known.push(Known { number, id: id.into(), key });
        }
        Ok(Self { known, ..Self::default() })
    }

    /// The keys of a file that is to be written to. New ones are noted in it.
    ///
    /// # Errors
    /// As of [`Keys::match_up`]; a key that something is encrypted with is missing, unless `may_be_blind`; something is not encrypted that
    /// must be.
    pub(super) fn take(
        connection: &mut Connection,
        encryption: Option<&Encryption>,
        may_be_blind: bool,
    ) -> Result<Self> {
        encryption.map_or(Ok(()), Encryption::check)?;
        let brought = encryption.map_or(&[][..], |encryption| &encryption.keys);
        let mut keys = Self::match_up(connection, brought)?;
        keys.required = encryption.is_some_and(|encryption| encryption.required);
        if may_be_blind && encryption.is_none() && !keys.known.is_empty() {
            keys.is_blind = true;
            return Ok(keys);
        }
        let transaction = connection.transaction().map_err(failed)?;
        keys.check_missing(&transaction)?;
        let may_be_plain = "SELECT value FROM meta WHERE key = 'may_be_plain'";
        let mut is_plain = transaction.query_row(may_be_plain, [], |row| row.get(0)).map_err(failed)?;
        match encryption {
            // Whatever comes from now on is not encrypted.
            None => is_plain = true,
            Some(encryption) => {
                if is_plain && encryption.required {
                    check_plain(&transaction)?;
                    is_plain = false;
                }
                let first = &encryption.keys[0];
                keys.sealing = Some((keys.note(&transaction, first)?, first.clone()));
            }
        }
        let set = "UPDATE meta SET value = ?1 WHERE key = 'may_be_plain' AND value <> ?1";
        transaction.execute(set, params![is_plain]).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(keys)
    }

    /// Refuses what is missing, and forgets what nothing is encrypted with any more.
    fn check_missing(&mut self, connection: &Connection) -> Result<()> {
        if self.known.iter().all(|known| known.key.is_some()) {
            return Ok(());
        }
        let uses = uses(connection)?;
        for missing in self.known.iter().filter(|known| known.key.is_none()) {
            if let Some(found) = uses.iter().find(|found| found.number == Some(missing.number)) {
                return Err(Error::Store(Text::say(format_args!(
                    "{} tasks and results are encrypted with key '{}', which was not given; give it too, behind the one that is to encrypt",
                    found.rows, missing.id
                ))));
            }
            connection.execute("DELETE FROM encryption_key WHERE number = ?", [missing.number]).map_err(failed)?;
        }
        self.known.retain(|known| known.key.is_some());
        Ok(())
    }

    /// The number of a key, new ones are noted.
    pub(super) fn note(&mut self, connection: &Connection, key: &EncryptionKey) -> Result<i64> {
        if let Some(known) = self.known.iter().find(|known| *known.id == *key.id()) {
            return Ok(known.number);
        }
        connection
            .execute(
                "INSERT INTO encryption_key (id, proof) VALUES (?, ?)",
                params![key.id(), key.seal(PROOF, PROVED)?],
            )
            .map_err(failed)?;
        let number = connection.last_insert_rowid();
        self.known.push(Known { number, id: Text::say(format_args!("{}", key.id())), key: Some(key.clone()) });
        Ok(number)
    }

    /// How much is encrypted with which key.
    pub(super) fn uses(&self, connection: &Connection) -> Result<Vec<KeyUse>> {
        let mut all = Vec::new();
        for found in uses(connection)? {
            let known = found.number.map(|number| self.known.iter().find(|known| known.number == number));
            let key_id = known.map(|known| known.map_or(Text::fixed("?"), |known| known.id.clone()));
            all.push(KeyUse { key_id, count: found.rows as u64 });
        }
        Ok(all)
    }

    /// The number of the key that encrypts.
    pub(super) fn number(&self) -> Option<i64> {
        self.sealing.as_ref().map(|(number, _)| *number)
    }

    /// A value as it is kept; `None`: as it is.
    pub(super) fn seal(&self, id: i64, part: Part, plain: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.is_blind {
            return Err(Error::Store(Text::fixed(
                "the file is encrypted, and no key was given: nothing can be added to it",
            )));
        }
        self.sealing.as_ref().map(|(_, key)| key.seal(Place { id, part }, plain)).transpose()
    }

    /// Makes what was read of a row readable, or says why that cannot be.
    pub(super) fn open(&self, task: &mut StoredTask, number: Option<i64>) -> std::result::Result<(), Text> {
        let has_any = !task.payload.is_empty() || task.user_context.is_some() || task.result.is_some();
        let Some(number) = number else {
            if self.required && has_any {
                return Err(Text::fixed("it is not encrypted, and encryption is required"));
            }
            return Ok(());
        };
        let known = self.known.iter().find(|known| known.number == number);
        task.key_id = known.map(|known| known.id.clone());
        if !has_any {
            return Ok(());
        }
        let id = task.key_id.as_deref().unwrap_or("?");
        let Some(key) = known.and_then(|known| known.key.as_ref()) else {
            return Err(Text::say(format_args!("it is encrypted with key '{id}', which was not given")));
        };
        let changed =
            || Text::say(format_args!("it does not decrypt with its key '{id}': it was changed or moved in the file"));
        let open = |part, sealed: Vec<u8>| key.open(Place { id: task.id.value(), part }, sealed).ok_or_else(changed);
        let payload = std::mem::take(&mut task.payload);
        if !payload.is_empty() {
            task.payload = open(Part::Payload, payload)?;
        }
        if let Some(context) = task.user_context.take() {
            task.user_context = Some(open(Part::UserContext, context)?);
        }
        if let Some(result) = task.result.take() {
            task.result = Some(open(Part::Result, result)?);
        }
        Ok(())
    }
}

fn check_plain(connection: &Connection) -> Result<()> {
    let plain = uses(connection)?.iter().filter(|found| found.number.is_none()).map(|found| found.rows).sum::<i64>();
    if plain > 0 {
        return Err(Error::Store(Text::say(format_args!(
            "{plain} tasks and results are not encrypted, and encryption is required; encrypt them with the program `backrun encrypt`, or do not require it until they are done"
        ))));
    }
    Ok(())
}
