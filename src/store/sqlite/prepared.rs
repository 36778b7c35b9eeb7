//! Statements that were prepared once.

use crate::error::Result;
use crate::store::sqlite::failed;
use rusqlite::{Connection, OptionalExtension, Row, Statement, ToSql};
use std::cell::RefCell;

/// They are found by where their text lies. rusqlite's own cache goes by what the text says, and hands each out and takes it back, which was
/// a twelfth of what the thread that writes did.
pub(super) struct Prepared<'c> {
    connection: &'c Connection,
    statements: RefCell<Vec<(&'static str, Statement<'c>)>>,
}

impl<'c> Prepared<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, statements: RefCell::default() }
    }

    /// How many rows it has changed.
    pub(super) fn execute(&self, sql: &'static str, parameters: &[&dyn ToSql]) -> Result<i64> {
        self.with(sql, |run| run.execute(parameters)).map(|changed| changed as i64)
    }

    /// The row that it finds. An error: there is none.
    pub(super) fn row<T>(
        &self,
        sql: &'static str,
        parameters: &[&dyn ToSql],
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.with(sql, |find| find.query_row(parameters, read))
    }

    /// The row that it finds, if it finds one.
    pub(super) fn find<T>(
        &self,
        sql: &'static str,
        parameters: &[&dyn ToSql],
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.with(sql, |find| find.query_row(parameters, read).optional())
    }

    fn with<T>(&self, sql: &'static str, act: impl FnOnce(&mut Statement<'c>) -> rusqlite::Result<T>) -> Result<T> {
        let mut statements = self.statements.borrow_mut();
        // A text that lies at two places is prepared twice, no more.
        let known = statements.iter().position(|(text, _)| std::ptr::eq(*text, sql));
        let index = known.unwrap_or(statements.len());
        if known.is_none() {
            statements.push((sql, self.connection.prepare(sql).map_err(failed)?));
        }
        act(&mut statements[index].1).map_err(failed)
    }
}
