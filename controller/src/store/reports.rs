//! Stores reports, and the data of their frozen panels. `app::reports` calls it and decides who may
//! read and change them. Every function fails only if the database does.

use record::ids::{ProjectId, RunId, SweepId};
use serde::Deserialize;

use super::{
    database::{Error, Result, Row, Tx, columns, int},
    purge::Room,
};

/// A report, without its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// The id.
    pub(crate) id: String,
    /// The project.
    pub(crate) project: ProjectId,
    /// The title.
    pub(crate) title: String,
    /// The number of the version, which grows with every change.
    pub(crate) version: u64,
    /// The user who made the report; empty for the administrator.
    pub(crate) author: String,
    /// The user who changed it last; empty for the administrator.
    pub(crate) editor: String,
    /// When it was made, in milliseconds since the epoch.
    pub(crate) created_ms: i64,
    /// When it was changed last, in milliseconds since the epoch.
    pub(crate) changed_ms: i64,
    /// When the audit got its last entry about a change, in milliseconds since the epoch.
    pub(crate) noted_ms: i64,
    /// When it was deleted, in milliseconds since the epoch; `None` if it is not deleted.
    pub(crate) deleted_ms: Option<i64>,
}

columns! {
    /// Reads a report.
    macro report_columns, fn read() -> Report {
        id: get, project: get, title: get, version: count, author: get, editor: get,
        created_ms: get, changed_ms: get, noted_ms: get, deleted_ms: get,
    } => Report {
        id,
        project,
        title,
        version,
        author,
        editor,
        created_ms,
        changed_ms,
        noted_ms,
        deleted_ms,
    }
}

/// Reads a report.
pub(crate) fn get(tx: &Tx<'_>, id: &str) -> Result<Option<Report>> {
    tx.one(concat!("SELECT ", report_columns!(), " FROM reports WHERE id = ?1"), &[&id], read)
}

/// Reads the blocks of a report, as JSON; empty if there is no such report.
pub(crate) fn blocks(tx: &Tx<'_>, id: &str) -> Result<String> {
    let found = tx.one("SELECT blocks FROM reports WHERE id = ?1", &[&id], |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}

/// The runs and sweeps that the live panels of a report show. The data of a frozen panel is kept
/// with the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The runs.
    pub(crate) runs: Vec<RunId>,
    /// The sweeps.
    pub(crate) sweeps: Vec<SweepId>,
}

/// The part of a block that says what it shows.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Block {
    panel: Panel,
    frozen: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Panel {
    run: Option<RunId>,
    runs: Vec<RunId>,
    sweep: Option<SweepId>,
}

impl Shown {
    fn read(blocks: &str) -> Result<Self> {
        let corrupt = |error| Error::Corrupt(format!("the blocks of a report: {error}"));
        let blocks: Vec<Block> = serde_json::from_str(blocks).map_err(corrupt)?;
        let mut shown = Self::default();
        for Block { panel, .. } in blocks.into_iter().filter(|block| block.frozen.is_none()) {
            shown.runs.extend(panel.runs.into_iter().chain(panel.run));
            shown.sweeps.extend(panel.sweep);
        }
        Ok(shown)
    }
}

/// Reads what a report shows: nothing if it is deleted, or if there is no such report.
pub(crate) fn shown(tx: &Tx<'_>, id: &str) -> Result<Shown> {
    let sql = "SELECT blocks FROM reports WHERE id = ?1 AND deleted_ms IS NULL";
    let blocks: Option<String> = tx.one(sql, &[&id], |row| row.get(0))?;
    blocks.map_or_else(|| Ok(Shown::default()), |blocks| Shown::read(&blocks))
}

/// Counts the reports of a project, with the deleted ones.
pub(crate) fn count(tx: &Tx<'_>, project: &ProjectId) -> Result<u64> {
    let sql = "SELECT count(*) FROM reports WHERE project = ?1";
    Ok(tx.one(sql, &[&project.as_str()], |row| row.count(0))?.unwrap_or_default())
}

/// Which reports of a project to list.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The project.
    pub(crate) project: ProjectId,
    /// A part of the title, in any case; empty for all.
    pub(crate) search: String,
    /// Whether to list the deleted reports in place of the others.
    pub(crate) deleted: bool,
}

/// Reads `limit` reports from the `from`th on, the last changed first, and counts all of them.
pub(crate) fn list(
    tx: &Tx<'_>,
    wanted: &Wanted,
    from: u64,
    limit: u64,
) -> Result<(Vec<Report>, u64)> {
    let Wanted { project, search, deleted } = wanted;
    let [from, limit] = [int(from)?, int(limit)?];
    let sql = concat!(
        "SELECT ",
        report_columns!(),
        " FROM reports WHERE project = ?1 AND (deleted_ms IS NOT NULL) = ?2
             AND instr(lower(title), lower(?3)) > 0
         ORDER BY changed_ms DESC, id LIMIT ?4 OFFSET ?5"
    );
    let found = tx.all(sql, &[&project.as_str(), deleted, search, &limit, &from], read)?;
    let sql = "SELECT count(*) FROM reports WHERE project = ?1 AND (deleted_ms IS NOT NULL) = ?2
                   AND instr(lower(title), lower(?3)) > 0";
    let total = tx.one(sql, &[&project.as_str(), deleted, search], |row| row.count(0))?;
    Ok((found, total.unwrap_or_default()))
}

/// Writes a report with its blocks. It may exist already.
pub(crate) fn save(tx: &Tx<'_>, report: &Report, blocks: &str) -> Result<()> {
    let Report { id, title, author, editor, created_ms, changed_ms, .. } = report;
    tx.run(
        "INSERT OR REPLACE INTO reports
             (id, project, title, blocks, version, author, editor, created_ms, changed_ms, noted_ms,
              deleted_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        &[
            id,
            &report.project.as_str(),
            title,
            &blocks,
            &int(report.version)?,
            author,
            editor,
            created_ms,
            changed_ms,
            &report.noted_ms,
            &report.deleted_ms,
        ],
    )?;
    Ok(())
}

/// Adds the data of a frozen panel.
pub(crate) fn freeze(tx: &Tx<'_>, report: &str, key: &str, data: &str, now_ms: i64) -> Result<()> {
    let sql = "INSERT INTO frozen (report, key, data, created_ms) VALUES (?1, ?2, ?3, ?4)";
    tx.run(sql, &[&report, &key, &data, &now_ms])?;
    Ok(())
}

/// Reads the data of a frozen panel.
pub(crate) fn frozen(tx: &Tx<'_>, report: &str, key: &str) -> Result<Option<String>> {
    let sql = "SELECT data FROM frozen WHERE report = ?1 AND key = ?2";
    tx.one(sql, &[&report, &key], |row| row.get(0))
}

/// Returns how many bytes the frozen data of a report has.
pub(crate) fn frozen_bytes(tx: &Tx<'_>, report: &str) -> Result<u64> {
    let sql = "SELECT total(octet_length(data)) FROM frozen WHERE report = ?1";
    let bytes: Option<f64> = tx.one(sql, &[&report], |row| row.get(0))?;
    Ok(bytes.unwrap_or_default() as u64)
}

/// Removes the frozen data of a report that was made until `until_ms` and that `named` lacks, a
/// JSON list of keys.
pub(crate) fn thaw(tx: &Tx<'_>, report: &str, named: &str, until_ms: i64) -> Result<()> {
    tx.run(
        "DELETE FROM frozen WHERE report = ?1 AND created_ms <= ?3
             AND key NOT IN (SELECT value FROM json_each(?2))",
        &[&report, &named, &until_ms],
    )?;
    Ok(())
}

/// Returns a report that was deleted before `before_ms`.
pub(crate) fn due(tx: &Tx<'_>, before_ms: i64) -> Result<Option<String>> {
    let sql = "SELECT id FROM reports WHERE deleted_ms < ?1 ORDER BY deleted_ms LIMIT 1";
    tx.one(sql, &[&before_ms], |row| row.get(0))
}

/// Removes a report with its frozen data, as far as there is room. Returns whether all of it is
/// gone.
pub(crate) fn purge(tx: &Tx<'_>, id: &str, room: &mut Room) -> Result<bool> {
    while room.rows > 0 && room.bytes > 0 {
        let sql = "DELETE FROM frozen WHERE report = ?1
                       AND key = (SELECT key FROM frozen WHERE report = ?1 LIMIT 1)
                   RETURNING octet_length(data)";
        let gone = tx.one(sql, &[&id], |row| row.count(0))?;
        room.rows -= 1;
        let Some(bytes) = gone else {
            tx.run("DELETE FROM reports WHERE id = ?1", &[&id])?;
            return Ok(true);
        };
        room.bytes = room.bytes.saturating_sub(bytes);
    }
    Ok(false)
}
