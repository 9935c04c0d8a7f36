//! Wraps the database: connections, transactions, values. Only this folder uses the library of
//! SQLite. The other files of `store` use this module; their functions take an open [`Tx`]. Apart
//! from updates of the schema, it never begins a transaction by itself: the writer and the readers
//! do.

mod columns;
mod error;
mod schema;

use std::{cell::Cell, fs::File, os::unix::ffi::OsStrExt as _, path::Path};

pub(super) use self::columns::{Column, columns, word, words};
pub(crate) use self::error::{Error, Result};
pub(in crate::store) use self::schema::SCHEMA;
use probes::{Bug, planted};
pub(crate) use rusqlite::types::ToSql as Param;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Statement, StatementStatus,
    backup::{Backup, Progress, StepResult},
    config::DbConfig,
    ffi::SQLITE_IOERR_FSYNC,
    types::{ToSqlOutput, Value, ValueRef},
};

use super::work::Work;
use crate::platform::Disk;

const STATEMENTS: usize = 128;
/// The number of pages that a copy of the database copies between two progress reports.
const PAGES: i32 = 4096;
/// The file system of SQLite whose lock on the database excludes every other process. Its
/// connections share the log's index in the memory of this process, not in a mapped file. A mapped
/// file that cannot be written any more would end the program with SIGBUS.
const ALONE: &str = "unix-excl";
/// The size in bytes up to which the controller examines all pages of a database when it opens it.
/// That takes a fraction of a second.
const SMALL: i64 = 64 << 20;

/// One connection to the database.
#[derive(Debug)]
pub(super) struct Session(Connection);

/// An open transaction. Only `store` writes SQL. `app` passes the transaction on, and reports how
/// many bytes it parses while the transaction is open.
#[derive(Debug)]
pub(crate) struct Tx<'a> {
    connection: &'a Connection,
    work: Cell<Work>,
}

/// The columns of a row, read in their order.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl Columns<'_> {
    /// Reads the next column.
    pub(super) fn get<T: Column>(&mut self) -> Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    /// Reads the next column, a number that cannot be negative.
    pub(super) fn count(&mut self) -> Result<u64> {
        self.next += 1;
        self.row.count(self.next - 1)
    }
}

/// One row of a result.
#[derive(Debug)]
pub(super) struct Row<'a> {
    row: &'a rusqlite::Row<'a>,
    work: &'a Cell<Work>,
}

impl Session {
    /// Opens the database for writing and brings its schema up to date. `may_begin` says whether
    /// the database may be empty.
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
        // The cache has room for the pages that a list of many runs goes through. With a smaller
        // cache, SQLite would read these pages again for every list.
        session.0.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -16384;")?;
        Ok(session)
    }

    /// Opens the database only for reading and changes no file. It reads the log through an index
    /// in memory. It brings an older schema up to date in a temporary copy.
    pub(super) fn visitor(path: &Path, log: &Path) -> Result<Self> {
        let has_log = std::fs::metadata(log).is_ok_and(|log| log.len() > 0);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        // If there is no log, SQLite would make an empty one, unless it treats the database as a
        // file that never changes.
        let uri = format!("file:{}{}", escaped(path), if has_log { "" } else { "?immutable=1" });
        // The file system "unix-none" takes no locks, because SQLite's locks need a writable file.
        // The caller holds a lock on the folder instead.
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

    /// Copies the data into a temporary database with the present schema. The temporary database
    /// vanishes when it is closed.
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
        // This setting makes query plans independent of bound values. Without it, SQLite prepared
        // many statements anew for every use, which took a fifth of the writer's time.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(
            "PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;",
        )?;
        Ok(Self(connection))
    }

    /// Syncs the commits that an earlier process has left in SQLite's log. If that process was
    /// killed within a commit, the commit may be only in the kernel's memory. From now on the
    /// commit counts, so it must be on the disk before any caller sees it.
    fn settle(&self) -> Result<()> {
        let unsynced = |error: &rusqlite::Error| {
            error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_FSYNC)
        };
        match self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())) {
            // SQLite syncs the log first, and then copies its pages into the database. If a full
            // disk has no room for the copy, the log is synced all the same.
            Err(error) if unsynced(&error) => Err(error.into()),
            Err(error) => match Error::from(error) {
                Error::Disk(_) => Ok(()),
                error => Err(error),
            },
            Ok(()) => Ok(()),
        }
    }

    /// Checks that the pages of the database are intact. In a small database it checks all pages,
    /// in a large one all but those of the tables `blocks`, `parts` and `heads`. The check uses a
    /// connection of its own that leaves the log as it is, so that no page of the log moves into a
    /// damaged database.
    fn examine(path: &Path, disk: Option<Disk>, may_begin: bool) -> Result<()> {
        let session = Self::open(path, disk)?;
        session.0.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let is_empty = session.version()? == 0;
        if is_empty && !may_begin {
            return Err(Error::Damaged("it is empty".to_owned()));
        }
        let sound = |sql: &str| -> Result<()> {
            let verdict: String = session.0.query_row(sql, (), |row| row.get(0))?;
            // The first line of the verdict names the database, the last one the problem.
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

    /// Returns the version of the schema; 0 for an empty database. Fails with [`Error::Foreign`] if
    /// the tables are those of another program.
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

    /// Returns a handle on the transaction that is open now. If none is open, each statement is a
    /// transaction of its own.
    pub(super) fn tx(&self) -> Tx<'_> {
        Tx { connection: &self.0, work: Cell::default() }
    }

    /// Returns whether a transaction is open. Some disk errors end a transaction.
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

    /// Commits the transaction. When this succeeds, its writes are on the disk.
    pub(super) fn commit(&self) -> Result<()> {
        self.bare("COMMIT")
    }

    /// Ends the transaction, if one is open, and undoes its writes.
    pub(super) fn rollback(&self) -> Result<()> {
        if self.is_open() { self.bare("ROLLBACK") } else { Ok(()) }
    }

    /// Opens the savepoint of a use case.
    pub(super) fn save(&self) -> Result<()> {
        self.bare("SAVEPOINT use_case")
    }

    /// Closes the savepoint and keeps the writes that followed it.
    pub(super) fn keep(&self) -> Result<()> {
        self.bare("RELEASE use_case")
    }

    /// Closes the savepoint and undoes the writes that followed it.
    pub(super) fn undo(&self) -> Result<()> {
        self.bare("ROLLBACK TO use_case")?;
        self.keep()
    }

    /// Moves SQLite's log into the database file, so that the folder is small while no controller
    /// uses it.
    pub(super) fn checkpoint(&self) -> Result<()> {
        self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).map_err(Error::from)
    }

    fn bare(&self, sql: &str) -> Result<()> {
        self.0.prepare_cached(sql)?.execute(())?;
        Ok(())
    }
}

impl Tx<'_> {
    /// Runs a statement. Returns the number of rows that it changed.
    pub(super) fn run(&self, sql: &'static str, params: &[&dyn Param]) -> Result<usize> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let changed = statement.execute(params);
        self.ran(&statement, params);
        Ok(changed?)
    }

    /// Runs an INSERT. Returns the new row's integer key.
    pub(super) fn insert(&self, sql: &'static str, params: &[&dyn Param]) -> Result<i64> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = statement.insert(params);
        self.ran(&statement, params);
        Ok(key?)
    }

    /// Runs a query. Returns what `read` makes of the first row; `None` if there is no row.
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

    /// Runs a query. Returns what `read` makes of each row, in order.
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

    /// Copies everything that this transaction sees into a new database, and syncs its file. Calls
    /// `seen` after each [`PAGES`] pages, with the number of copied pages and the number of all
    /// pages.
    pub(super) fn copy(&self, into: &Path, mut seen: impl FnMut(u64, u64)) -> Result<()> {
        // A transaction sees the database as it was at the transaction's first read. This read
        // fixes the moment that the copy shows.
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

    /// Runs a query. Passes its rows to `show` one by one, until `show` returns `false`.
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

    /// Returns the work that this handle has counted so far.
    pub(super) fn work(&self) -> Work {
        self.work.get()
    }

    /// Counts `bytes` bytes of unchanged columns in an updated row, because SQLite writes the whole
    /// row again.
    pub(super) fn rewrote(&self, bytes: usize) {
        add(&self.work, |work| work.rewritten += bytes as u64);
    }

    /// Counts bytes of JSON that are parsed or written while the transaction is open.
    pub(crate) fn parsed(&self, bytes: usize) {
        add(&self.work, |work| work.json += bytes as u64);
    }

    /// Counts bytes of rows that are decoded or encoded while the transaction is open.
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

/// Returns the number of bytes of a text or a blob; 0 for other values.
fn size(param: &dyn Param) -> usize {
    match param.to_sql() {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(bytes) | ValueRef::Blob(bytes))) => bytes.len(),
        Ok(ToSqlOutput::Owned(Value::Text(text))) => text.len(),
        Ok(ToSqlOutput::Owned(Value::Blob(bytes))) => bytes.len(),
        _ => 0,
    }
}

impl Row<'_> {
    /// Returns a reader of the columns, from the first to the last.
    pub(super) fn columns(&self) -> Columns<'_> {
        Columns { row: self, next: 0 }
    }

    /// Borrows the text in a column; empty for NULL.
    pub(super) fn text(&self, column: usize) -> Result<&str> {
        let text = self.value(column)?.as_str_or_null();
        Ok(text
            .map_err(|error| Error::Corrupt(format!("column {column}: {error}")))?
            .unwrap_or_default())
    }

    /// Borrows the bytes in a column; empty for NULL.
    pub(super) fn bytes(&self, column: usize) -> Result<&[u8]> {
        let bytes = self.value(column)?.as_blob_or_null();
        Ok(bytes
            .map_err(|error| Error::Corrupt(format!("column {column}: {error}")))?
            .unwrap_or_default())
    }

    /// Returns the value in a column, counted from 0.
    pub(super) fn get<T: Column>(&self, column: usize) -> Result<T> {
        self.value(column)?;
        T::read(self.row, column)
    }

    fn value(&self, column: usize) -> Result<ValueRef<'_>> {
        let value = self.row.get_ref(column)?;
        if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = value {
            add(self.work, |work| work.bytes += bytes.len() as u64);
        }
        Ok(value)
    }

    /// Returns the number in a column that cannot be negative.
    pub(super) fn count(&self, column: usize) -> Result<u64> {
        let number: i64 = self.get(column)?;
        u64::try_from(number)
            .map_err(|_| Error::Corrupt(format!("a counter in the database is {number}")))
    }
}

/// Escapes a path as part of a URI.
fn escaped(path: &Path) -> String {
    let escape = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02x}"),
    };
    path.as_os_str().as_bytes().iter().map(escape).collect()
}

/// Converts a number to the type of a column. Fails with [`Error::Bug`] above 2^63 - 1, which no
/// count reaches.
pub(super) fn int(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::Bug(format!("{number} is too large to be stored")))
}
