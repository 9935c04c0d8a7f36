//! Stores what people say about collections of artifacts, and which names they have changed. A
//! collection is all versions of one name, or a portfolio. `app::files::collections` calls it.
//! Every function fails only if the database does.

use record::ids::ProjectId;

use super::database::{Result, Row, Tx, columns, int};

/// What is stored about a collection beside its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Collection {
    /// The project.
    pub(crate) project: ProjectId,
    /// The name.
    pub(crate) name: String,
    /// What people say about the collection; `None` if nobody has said anything.
    pub(crate) description: Option<String>,
    /// The tags, as a JSON list.
    pub(crate) tags: String,
    /// The numbers below this one were of versions that have another name now.
    pub(crate) next: u64,
    /// The name that these versions have now; `None` if there are none.
    pub(crate) moved: Option<String>,
}

impl Collection {
    /// Makes a collection about which nothing is stored.
    fn new(project: &ProjectId, name: &str) -> Self {
        Self {
            project: project.clone(),
            name: name.to_owned(),
            description: None,
            tags: "[]".to_owned(),
            next: 0,
            moved: None,
        }
    }

    /// Returns the tags.
    pub(crate) fn tags(&self) -> Vec<String> {
        serde_json::from_str(&self.tags).unwrap_or_default()
    }
}

columns! {
    /// Reads a collection.
    macro collection_columns, fn read() -> Collection {
        project: get, name: get, description: get, tags: get, next: count, moved: get,
    } => Collection { project, name, description, tags, next, moved }
}

/// Reads what is stored about a collection.
pub(crate) fn get(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<Collection> {
    let sql = concat!(
        "SELECT ",
        collection_columns!(),
        " FROM collections WHERE project = ?1 AND name = ?2"
    );
    let found = tx.one(sql, &[&project.as_str(), &name], read)?;
    Ok(found.unwrap_or_else(|| Collection::new(project, name)))
}

/// Writes what is to be stored about a collection.
pub(crate) fn save(tx: &Tx<'_>, collection: &Collection) -> Result<()> {
    let Collection { project, name, description, tags, next, moved } = collection;
    tx.run(
        "INSERT OR REPLACE INTO collections (project, name, description, tags, next, moved)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &[&project.as_str(), name, description, tags, &int(*next)?, moved],
    )?;
    Ok(())
}

/// Counts the rows that [`rename`] would change.
pub(crate) fn rows(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<u64> {
    let rows = tx.one(
        "SELECT (SELECT count(*) FROM artifacts WHERE project = ?1 AND name = ?2)
             + (SELECT count(*) FROM announced WHERE project = ?1 AND name = ?2)
             + (SELECT count(*) FROM artifact_aliases WHERE project = ?1 AND name = ?2)
             + (SELECT count(*) FROM links WHERE project = ?1 AND name = ?2)",
        &[&project.as_str(), &name],
        |row| row.count(0),
    )?;
    Ok(rows.unwrap_or_default())
}

/// Returns whether a version or a link has this name, or had it before it was removed.
pub(crate) fn is_taken(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM artifacts WHERE project = ?1 AND name = ?2
               UNION ALL SELECT 1 FROM links WHERE project = ?1 AND name = ?2 LIMIT 1";
    Ok(tx.one(sql, &[&project.as_str(), &name], |_| Ok(()))?.is_some())
}

/// Gives all versions, links and aliases of a name another name, also in what W&B's client has
/// announced, and in the rows of names that were changed before.
pub(crate) fn rename(tx: &Tx<'_>, project: &ProjectId, from: &str, to: &str) -> Result<()> {
    for sql in [
        "UPDATE artifacts SET name = ?3 WHERE project = ?1 AND name = ?2",
        "UPDATE announced SET name = ?3 WHERE project = ?1 AND name = ?2",
        "UPDATE artifact_aliases SET name = ?3 WHERE project = ?1 AND name = ?2",
        "UPDATE links SET name = ?3 WHERE project = ?1 AND name = ?2",
        "UPDATE collections SET moved = ?3 WHERE project = ?1 AND moved = ?2",
    ] {
        tx.run(sql, &[&project.as_str(), &from, &to])?;
    }
    Ok(())
}

/// Gives at most `most` versions of a name another type, and the announced artifacts of this name
/// that are no versions yet. Returns whether there may be more versions with another type.
pub(crate) fn set_kind(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    kind: &str,
    most: u32,
) -> Result<bool> {
    tx.run(
        "UPDATE announced SET kind = ?3 WHERE project = ?1 AND name = ?2 AND artifact IS NULL",
        &[&project.as_str(), &name, &kind],
    )?;
    let changed = tx.run(
        "UPDATE artifacts SET kind = ?3 WHERE key IN (
             SELECT key FROM artifacts WHERE project = ?1 AND name = ?2 AND kind <> ?3 LIMIT ?4
         )",
        &[&project.as_str(), &name, &kind, &most],
    )?;
    Ok(changed == most as usize)
}
