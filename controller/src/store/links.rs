//! Stores portfolios: names with numbered links to versions of artifacts, which may belong to other
//! names and projects. `app::files::links` calls it. Every function fails only if the database
//! does.

use record::ids::ProjectId;

use super::{
    collections,
    database::{Result, Row, Tx, columns, int},
};

/// A link of a portfolio to a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The internal key.
    pub(crate) key: i64,
    /// The project of the portfolio.
    pub(crate) project: ProjectId,
    /// The name of the portfolio.
    pub(crate) name: String,
    /// The number of the version in the portfolio, counted from 0.
    pub(crate) version: u64,
    /// The internal key of the version.
    pub(crate) artifact: i64,
    /// When the link was made, by the controller's clock, in milliseconds since the epoch.
    pub(crate) created_ms: i64,
}

columns! {
    /// Reads a link.
    macro link_columns, fn read() -> Link {
        key: get, project: get, name: get, version: count, artifact: get, created_ms: get,
    } => Link { key, project, name, version, artifact, created_ms }
}

/// A statement that reads links that were not removed.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", link_columns!(), " FROM links WHERE removed = 0 AND ", $rest)
    };
}

/// Finds the link of a portfolio to this version.
pub(crate) fn to(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    artifact: i64,
) -> Result<Option<Link>> {
    let sql = select!("project = ?1 AND name = ?2 AND artifact = ?3");
    tx.one(sql, &[&project.as_str(), &name, &artifact], read)
}

/// Finds a link by its number.
pub(crate) fn numbered(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    version: u64,
) -> Result<Option<Link>> {
    // People may ask for a number that no link can have.
    let Ok(version) = i64::try_from(version) else { return Ok(None) };
    let sql = select!("project = ?1 AND name = ?2 AND version = ?3");
    tx.one(sql, &[&project.as_str(), &name, &version], read)
}

/// Finds a link by an alias.
pub(crate) fn named(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    alias: &str,
) -> Result<Option<Link>> {
    let sql = select!(
        "project = ?1 AND name = ?2 AND artifact = (
             SELECT artifact FROM artifact_aliases
             WHERE project = ?1 AND name = ?2 AND alias = ?3
         )"
    );
    tx.one(sql, &[&project.as_str(), &name, &alias], read)
}

/// Reads the links of a portfolio, the newest first. An empty name means all portfolios of the
/// project, sorted by name.
pub(crate) fn of_project(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<Vec<Link>> {
    if name.is_empty() {
        let sql = select!("project = ?1 ORDER BY name, version DESC");
        return tx.all(sql, &[&project.as_str()], read);
    }
    let sql = select!("project = ?1 AND name = ?2 ORDER BY version DESC");
    tx.all(sql, &[&project.as_str(), &name], read)
}

/// Reads all links to a version.
pub(crate) fn of_version(tx: &Tx<'_>, artifact: i64) -> Result<Vec<Link>> {
    tx.all(select!("artifact = ?1 ORDER BY key"), &[&artifact], read)
}

/// Returns the number that the next link of a portfolio gets. No link of the name has had it, also
/// if that link has another name now.
pub(crate) fn next(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<u64> {
    let last = tx.one(
        "SELECT max(version) + 1 FROM links WHERE project = ?1 AND name = ?2",
        &[&project.as_str(), &name],
        |row| row.get::<Option<i64>>(0),
    )?;
    let moved = collections::get(tx, project, name)?.next;
    Ok(last.flatten().unwrap_or_default().cast_unsigned().max(moved))
}

/// Adds a link to a portfolio, with the next number.
pub(crate) fn add(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    artifact: i64,
    created_ms: i64,
) -> Result<Link> {
    let version = next(tx, project, name)?;
    let key = tx.insert(
        "INSERT INTO links (project, name, version, artifact, removed, created_ms)
         VALUES (?1, ?2, ?3, ?4, 0, ?5)",
        &[&project.as_str(), &name, &int(version)?, &artifact, &created_ms],
    )?;
    let (project, name) = (project.clone(), name.to_owned());
    Ok(Link { key, project, name, version, artifact, created_ms })
}

/// Removes a link, and the aliases that its version has in the portfolio. If it was the one with
/// the alias `latest`, the newest link that is left gets this alias.
pub(crate) fn remove(tx: &Tx<'_>, link: &Link, latest: &str) -> Result<()> {
    tx.run(
        "DELETE FROM artifact_aliases WHERE project = ?1 AND name = ?2 AND artifact = ?3",
        &[&link.project.as_str(), &link.name, &link.artifact],
    )?;
    tx.run("UPDATE links SET removed = 1 WHERE key = ?1", &[&link.key])?;
    if named(tx, &link.project, &link.name, latest)?.is_none()
        && let Some(newest) = of_project(tx, &link.project, &link.name)?.first()
    {
        set_alias(tx, newest, latest)?;
    }
    Ok(())
}

/// Removes at most `most` links of a portfolio, and all aliases in it. Returns whether there may be
/// more links.
pub(crate) fn remove_some(tx: &Tx<'_>, project: &ProjectId, name: &str, most: u32) -> Result<bool> {
    let sql = "DELETE FROM artifact_aliases WHERE project = ?1 AND name = ?2";
    tx.run(sql, &[&project.as_str(), &name])?;
    let removed = tx.run(
        "UPDATE links SET removed = 1 WHERE key IN (
             SELECT key FROM links WHERE project = ?1 AND name = ?2 AND removed = 0 LIMIT ?3
         )",
        &[&project.as_str(), &name, &most],
    )?;
    Ok(removed == most as usize)
}

/// Reads the aliases that a version has in a portfolio.
pub(crate) fn aliases(tx: &Tx<'_>, link: &Link) -> Result<Vec<String>> {
    tx.all(
        "SELECT alias FROM artifact_aliases WHERE project = ?1 AND name = ?2 AND artifact = ?3
         ORDER BY alias",
        &[&link.project.as_str(), &link.name, &link.artifact],
        |row| row.get(0),
    )
}

/// Makes the alias mean the version of this link, and no longer another version of the portfolio.
pub(crate) fn set_alias(tx: &Tx<'_>, link: &Link, alias: &str) -> Result<()> {
    tx.run(
        "INSERT OR REPLACE INTO artifact_aliases (project, name, alias, artifact)
         VALUES (?1, ?2, ?3, ?4)",
        &[&link.project.as_str(), &link.name, &alias, &link.artifact],
    )?;
    Ok(())
}

/// Removes an alias from the version of this link.
pub(crate) fn drop_alias(tx: &Tx<'_>, link: &Link, alias: &str) -> Result<()> {
    tx.run(
        "DELETE FROM artifact_aliases
         WHERE project = ?1 AND name = ?2 AND alias = ?3 AND artifact = ?4",
        &[&link.project.as_str(), &link.name, &alias, &link.artifact],
    )?;
    Ok(())
}
