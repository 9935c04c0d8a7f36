//! The only file that knows which database this is: connections, transactions, values. Used by the
//! other files of `store`, whose functions take an open [`Tx`]. Never begins a transaction by
//! itself: the writer and the readers do.

mod error;

use std::{cell::Cell, fs::File, os::unix::ffi::OsStrExt as _, path::Path};

pub(crate) use self::error::{Error, Result};
use probes::{Bug, planted};
use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Statement, StatementStatus,
    backup::{Backup, Progress, StepResult},
    config::DbConfig,
    ffi::SQLITE_IOERR_FSYNC,
    types::{ToSqlOutput, Value, ValueRef},
};
pub(crate) use rusqlite::{types::FromSql as Column, types::ToSql as Param};

use super::work::Work;
use crate::platform::Disk;

const SCHEMA: &[&str] = &[
    include_str!("../schema/001.sql"),
    include_str!("../schema/002.sql"),
    include_str!("../schema/003.sql"),
    include_str!("../schema/004.sql"),
    include_str!("../schema/005.sql"),
    include_str!("../schema/006.sql"),
    include_str!("../schema/007.sql"),
    include_str!("../schema/008.sql"),
    include_str!("../schema/009.sql"),
    include_str!("../schema/010.sql"),
    include_str!("../schema/011.sql"),
    include_str!("../schema/012.sql"),
    include_str!("../schema/013.sql"),
];
const STATEMENTS: usize = 128;
/// Pages of a copy between two words on how far it is.
const PAGES: i32 = 4096;
/// SQLite's own file system with a lock on the database that keeps every other process out. What
/// its connections share is memory of this process: a file that is mapped would end the program by
/// SIGBUS once it cannot be written.
const ALONE: &str = "unix-excl";
/// Up to so many bytes of a database are examined whole when it is opened, which takes a fraction
/// of a second.
const SMALL: i64 = 64 << 20;

/// One connection.
#[derive(Debug)]
pub(super) struct Session(Connection);

/// An open transaction. Only `store` writes SQL; `app` passes it on, and says what it parses
/// meanwhile.
#[derive(Debug)]
pub(crate) struct Tx<'a> {
    connection: &'a Connection,
    work: Cell<Work>,
}

/// One row of a result.
#[derive(Debug)]
pub(super) struct Row<'a> {
    row: &'a rusqlite::Row<'a>,
    work: &'a Cell<Work>,
}

impl Session {
    /// Opens the database for writing and brings its schema up to date. `may_begin`: it may be an
    /// empty one.
    pub(super) fn writer(path: &Path, disk: Option<Disk>, may_begin: bool) -> Result<Self> {
        Self::examine(path, disk, may_begin)?;
        let session = Self::open(path, disk)?;
        session.0.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;",
        )?;
        if planted(Bug::NoSync) {
            session.0.execute_batch("PRAGMA synchronous = OFF")?;
        }
        session.settle()?;
        session.migrate()?;
        Ok(session)
    }

    /// Opens the database for reading beside the writer.
    pub(super) fn reader(path: &Path, disk: Option<Disk>) -> Result<Self> {
        let session = Self::open(path, disk)?;
        // What a list of many runs goes through should find room: SQLite reads it anew otherwise,
        // every time.
        session.0.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -16384;")?;
        Ok(session)
    }

    /// Opens the database for reading alone, and changes no file. What is in its log is read
    /// through an index in memory. An older schema is brought up to date in a temporary copy.
    pub(super) fn visitor(path: &Path, log: &Path) -> Result<Self> {
        let has_log = std::fs::metadata(log).is_ok_and(|log| log.len() > 0);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        // Where there is no log SQLite would make an empty one, unless it may take the file for one
        // that never changes.
        let uri = format!("file:{}{}", escaped(path), if has_log { "" } else { "?immutable=1" });
        // Its locks need a file that can be written; ours is on the folder.
        let connection = Connection::open_with_flags_and_vfs(uri, flags, "unix-none")?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;")?;
        let session = Self(connection);
        match session.version()? as usize {
            0 => Err(Error::Damaged("it is empty".to_owned())),
            version if version < SCHEMA.len() => session.updated(),
            version if version > SCHEMA.len() => Err(Error::Newer(version as u32)),
            _ => Ok(session),
        }
    }

    /// The same data with the schema of today, in a database that is gone when it is closed.
    fn updated(&self) -> Result<Self> {
        let mut copy = Connection::open("")?;
        Backup::new(&self.0, &mut copy)?.step(-1)?;
        copy.execute_batch("PRAGMA synchronous = OFF")?;
        let copy = Self(copy);
        copy.migrate()?;
        Ok(copy)
    }

    fn open(path: &Path, disk: Option<Disk>) -> Result<Self> {
        let disk = disk.map_or(ALONE, |disk| disk.name);
        let connection = Connection::open_with_flags_and_vfs(path, OpenFlags::default(), disk)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Plans do not depend on the values that are bound. Otherwise SQLite prepares many a
        // statement anew for every single use, which was a fifth of the writer's time.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(
            "PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;",
        )?;
        Ok(Self(connection))
    }

    /// Syncs what an earlier process has left in the log. One that was killed within a commit may
    /// have left it in the kernel's memory alone, and from now on it counts as committed: nobody
    /// may be told of it before it is on disk.
    fn settle(&self) -> Result<()> {
        let unsynced = |error: &rusqlite::Error| {
            error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_FSYNC)
        };
        match self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())) {
            // The log is synced before its pages are copied, for which a full disk may have no
            // room.
            Err(error) if unsynced(&error) => Err(error.into()),
            Err(error) => match Error::from(error) {
                Error::Disk(_) => Ok(()),
                error => Err(error),
            },
            Ok(()) => Ok(()),
        }
    }

    /// Looks whether the pages of the database are sound: all of a small one, all but those of
    /// history of a large one. By a connection of its own, which leaves the log as it is: into a
    /// damaged database nothing is moved.
    fn examine(path: &Path, disk: Option<Disk>, may_begin: bool) -> Result<()> {
        let session = Self::open(path, disk)?;
        session.0.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let is_empty = session.version()? == 0;
        if is_empty && !may_begin {
            return Err(Error::Damaged("it is empty".to_owned()));
        }
        let sound = |sql: &str| -> Result<()> {
            let verdict: String = session.0.query_row(sql, (), |row| row.get(0))?;
            // The first line names the database, the second the trouble.
            let trouble = verdict.lines().last().unwrap_or_default().to_owned();
            if verdict == "ok" { Ok(()) } else { Err(Error::Damaged(trouble)) }
        };
        let number = |sql: &str| session.0.query_row(sql, (), |row| row.get::<_, i64>(0));
        if number("PRAGMA page_count")? * number("PRAGMA page_size")? <= SMALL {
            return sound("PRAGMA quick_check(1)");
        }
        let mut tables = session.0.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('blocks', \
            'parts', 'heads')",
        )?;
        let tables = tables.query_map((), |row| row.get::<_, String>(0))?.collect::<Vec<_>>();
        tables.into_iter().try_for_each(|table| sound(&format!("PRAGMA quick_check('{}')", table?)))
    }

    /// The version of the schema; 0 of an empty database.
    ///
    /// # Errors
    /// [`Error::Foreign`] when the tables are not ours.
    fn version(&self) -> Result<u32> {
        let version: u32 = self.0.query_row("PRAGMA user_version", (), |row| row.get(0))?;
        let sql = "SELECT count(*), count(*) FILTER (WHERE name IN ('ledger', 'sweeps', 'runs', \
            'events'))
                       FROM sqlite_schema WHERE type = 'table'";
        let tables: (u32, u32) = self.0.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
        match (version, tables) {
            (0, (0, _)) | (1.., (_, 4)) => Ok(version),
            _ => Err(Error::Foreign),
        }
    }

    fn migrate(&self) -> Result<()> {
        let version = self.version()?;
        if version as usize > SCHEMA.len() {
            return Err(Error::Newer(version));
        }
        for (number, sql) in SCHEMA.iter().enumerate().skip(version as usize) {
            let next = number + 1;
            self.0.execute_batch(&format!(
                "BEGIN IMMEDIATE; {sql}; PRAGMA user_version = {next}; COMMIT;"
            ))?;
        }
        Ok(())
    }

    /// What runs inside the transaction that is open now.
    pub(super) fn tx(&self) -> Tx<'_> {
        Tx { connection: &self.0, work: Cell::default() }
    }

    /// Whether a transaction is open; some disk errors end it.
    pub(super) fn is_open(&self) -> bool {
        !self.0.is_autocommit()
    }

    /// Begins a transaction that may write.
    pub(super) fn begin(&self) -> Result<()> {
        self.bare("BEGIN IMMEDIATE")
    }

    /// Begins a transaction that only reads.
    pub(super) fn begin_read(&self) -> Result<()> {
        self.bare("BEGIN")
    }

    /// Ends the transaction; what it wrote is on the disk then.
    pub(super) fn commit(&self) -> Result<()> {
        self.bare("COMMIT")
    }

    /// Ends the transaction as if it had never been.
    pub(super) fn rollback(&self) -> Result<()> {
        if self.is_open() { self.bare("ROLLBACK") } else { Ok(()) }
    }

    /// Opens the one savepoint.
    pub(super) fn save(&self) -> Result<()> {
        self.bare("SAVEPOINT use_case")
    }

    /// Closes the savepoint and keeps what was written since.
    pub(super) fn keep(&self) -> Result<()> {
        self.bare("RELEASE use_case")
    }

    /// Closes the savepoint and undoes what was written since.
    pub(super) fn undo(&self) -> Result<()> {
        self.bare("ROLLBACK TO use_case")?;
        self.keep()
    }

    /// Moves the log into the database file, so that the folder is small and whole when nobody uses
    /// it.
    pub(super) fn checkpoint(&self) -> Result<()> {
        self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).map_err(Error::from)
    }

    fn bare(&self, sql: &str) -> Result<()> {
        self.0.prepare_cached(sql)?.execute(())?;
        Ok(())
    }
}

impl Tx<'_> {
    /// Runs a statement; gives the number of rows that it changed.
    pub(super) fn run(&self, sql: &'static str, params: &[&dyn Param]) -> Result<usize> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let changed = statement.execute(params);
        self.ran(&statement, params);
        Ok(changed?)
    }

    /// Runs an INSERT; gives the new row's integer key.
    pub(super) fn insert(&self, sql: &'static str, params: &[&dyn Param]) -> Result<i64> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = statement.insert(params);
        self.ran(&statement, params);
        Ok(key?)
    }

    /// The first row of a result, if any.
    pub(super) fn one<T>(
        &self,
        sql: &'static str,
        params: &[&dyn Param],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let row = statement.query_row(params, |row| Ok(read(&Row { row, work: &self.work })));
        self.ran(&statement, params);
        row.optional()?.transpose()
    }

    /// All rows of a result.
    pub(super) fn all<T>(
        &self,
        sql: &'static str,
        params: &[&dyn Param],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.each(sql, params, |row| {
            all.push(read(row)?);
            Ok::<_, Error>(true)
        })?;
        Ok(all)
    }

    /// Copies everything that this transaction sees into a new database, some pages at a time.
    pub(super) fn copy(&self, into: &Path, mut seen: impl FnMut(u64, u64)) -> Result<()> {
        // From its first read on a transaction sees one moment.
        self.connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
        let file = File::create(into).map_err(|error| Error::Disk(error.to_string()))?;
        let mut copy = Connection::open(into)?;
        copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
        let backup = Backup::new(self.connection, &mut copy)?;
        while !matches!(backup.step(PAGES)?, StepResult::Done) {
            let Progress { remaining, pagecount } = backup.progress();
            seen(
                u64::from((pagecount - remaining).cast_unsigned()),
                u64::from(pagecount.cast_unsigned()),
            );
        }
        drop(backup);
        drop(copy);
        file.sync_all().map_err(|error| Error::Disk(error.to_string()))
    }

    /// Shows the rows of a result one by one, until `show` says that it has seen enough by `false`.
    pub(super) fn each<E: From<Error>>(
        &self,
        sql: &'static str,
        params: &[&dyn Param],
        mut show: impl FnMut(&Row<'_>) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        let mut statement = self.connection.prepare_cached(sql).map_err(Error::from)?;
        let mut rows = statement.query(params).map_err(Error::from)?;
        while let Some(row) = rows.next().map_err(Error::from)? {
            if !show(&Row { row, work: &self.work })? {
                break;
            }
        }
        drop(rows);
        self.ran(&statement, params);
        Ok(())
    }

    /// What was done in this transaction so far.
    pub(super) fn work(&self) -> Work {
        self.work.get()
    }

    /// A row was updated that has so many bytes in a column that stays: SQLite writes all of it
    /// again.
    pub(super) fn rewrote(&self, bytes: usize) {
        add(&self.work, |work| work.rewritten += bytes as u64);
    }

    /// So many bytes of JSON are parsed or written while the transaction is open.
    pub(crate) fn parsed(&self, bytes: usize) {
        add(&self.work, |work| work.json += bytes as u64);
    }

    /// So many bytes of rows are decoded or encoded while the transaction is open.
    pub(crate) fn decoded(&self, bytes: usize) {
        add(&self.work, |work| work.rows += bytes as u64);
    }

    fn ran(&self, statement: &Statement<'_>, params: &[&dyn Param]) {
        let steps = statement.reset_status(StatementStatus::VmStep);
        let bytes: usize = params.iter().map(|param| size(*param)).sum();
        add(&self.work, |work| {
            work.statements += 1;
            work.steps += u64::from(steps.unsigned_abs());
            work.bytes += bytes as u64;
        });
    }
}

fn add(work: &Cell<Work>, what: impl FnOnce(&mut Work)) {
    let mut sum = work.get();
    what(&mut sum);
    work.set(sum);
}

/// Bytes of a text or a blob.
fn size(param: &dyn Param) -> usize {
    match param.to_sql() {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(bytes) | ValueRef::Blob(bytes))) => bytes.len(),
        Ok(ToSqlOutput::Owned(Value::Text(text))) => text.len(),
        Ok(ToSqlOutput::Owned(Value::Blob(bytes))) => bytes.len(),
        _ => 0,
    }
}

impl Row<'_> {
    /// The text in a column, where it lies; empty for NULL.
    pub(super) fn text(&self, column: usize) -> Result<&str> {
        let text = self.value(column)?.as_str_or_null();
        Ok(text
            .map_err(|error| Error::Corrupt(format!("column {column}: {error}")))?
            .unwrap_or_default())
    }

    /// The bytes in a column, where they lie; none for NULL.
    pub(super) fn bytes(&self, column: usize) -> Result<&[u8]> {
        let bytes = self.value(column)?.as_blob_or_null();
        Ok(bytes
            .map_err(|error| Error::Corrupt(format!("column {column}: {error}")))?
            .unwrap_or_default())
    }

    /// The value in a column, counted from 0.
    pub(super) fn get<T: Column>(&self, column: usize) -> Result<T> {
        self.value(column)?;
        Ok(self.row.get(column)?)
    }

    fn value(&self, column: usize) -> Result<ValueRef<'_>> {
        let value = self.row.get_ref(column)?;
        if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = value {
            add(self.work, |work| work.bytes += bytes.len() as u64);
        }
        Ok(value)
    }

    /// A number in a column that cannot be negative.
    pub(super) fn count(&self, column: usize) -> Result<u64> {
        let number: i64 = self.get(column)?;
        u64::try_from(number)
            .map_err(|_| Error::Corrupt(format!("{number} in a column that counts")))
    }
}

/// A path as part of an address.
fn escaped(path: &Path) -> String {
    let escape = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02x}"),
    };
    path.as_os_str().as_bytes().iter().map(escape).collect()
}

/// A number as a column takes it.
///
/// # Errors
/// [`Error::Bug`] above 2^63 - 1, which nothing that is counted reaches.
pub(super) fn int(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::Bug(format!("{number} is too large to be stored")))
}
