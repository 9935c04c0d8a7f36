//! Stores artifacts: versions, their entries, aliases, and the runs that made or used them.
//! `app::files::artifacts` calls it and decides which version an entry belongs to; this module
//! decides nothing. The path of an entry is text: it is compared and shown, never opened. Every
//! function fails only if the database does, unless its comment says more.

use record::{
    artifact::{Content, Entry},
    ids::{ProjectId, RunId},
};

use super::{
    announced, collections,
    database::{Error, Result, Row, Tx, columns, int},
};

/// One version of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The internal key.
    pub(crate) key: i64,
    /// The project that the artifact belongs to.
    pub(crate) project: ProjectId,
    /// The artifact's name in the project.
    pub(crate) name: String,
    /// The kind of the artifact: "model", "dataset".
    pub(crate) kind: String,
    /// The version's number, counted from 0.
    pub(crate) version: u64,
    /// The SHA-256 of the manifest.
    pub(crate) digest: String,
    /// The bytes of the manifest.
    pub(crate) manifest_size: u64,
    /// The metadata for people and programs, as a JSON object.
    pub(crate) metadata: String,
    /// The number of the version's entries.
    pub(crate) files: u64,
    /// The sum of the bytes of the entries' blobs.
    pub(crate) size: u64,
    /// What people say about the version.
    pub(crate) description: String,
    /// The tags of the version, as a JSON list.
    pub(crate) tags: String,
    /// When the version was created, by the controller's clock, in milliseconds since the epoch.
    pub(crate) created_ms: i64,
}

impl Version {
    /// Returns the tags of the version.
    pub(crate) fn tags(&self) -> Vec<String> {
        serde_json::from_str(&self.tags).unwrap_or_default()
    }
}

columns! {
    /// Reads a version.
    macro version_columns, fn read() -> Version {
        key: get, project: get, name: get, kind: get, version: count, digest: get,
        manifest_size: count, metadata: get, files: count, size: count, description: get,
        tags: get, created_ms: get,
    } => Version {
        key,
        project,
        name,
        kind,
        version,
        digest,
        manifest_size,
        metadata,
        files,
        size,
        description,
        tags,
        created_ms,
    }
}

/// A statement that reads versions.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", version_columns!(), " FROM artifacts ", $rest)
    };
}

/// Finds the newest version of a name whose manifest has this SHA-256. Leaves out removed versions.
pub(crate) fn with_digest(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    digest: &str,
) -> Result<Option<Version>> {
    tx.one(
        select!(
            "WHERE project = ?1 AND name = ?2 AND digest = ?3 AND removed = 0 ORDER BY version \
            DESC LIMIT 1"
        ),
        &[&project.as_str(), &name, &digest],
        read,
    )
}

/// Finds a version by its number. `None` if there is no such version or it was removed.
pub(crate) fn numbered(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    version: u64,
) -> Result<Option<Version>> {
    // People may ask for a number that no version can have.
    let Ok(version) = i64::try_from(version) else { return Ok(None) };
    tx.one(
        select!("WHERE project = ?1 AND name = ?2 AND version = ?3 AND removed = 0"),
        &[&project.as_str(), &name, &version],
        read,
    )
}

/// Finds a version by its internal key. `None` if there is no such version or it was removed.
pub(crate) fn at(tx: &Tx<'_>, key: i64) -> Result<Option<Version>> {
    tx.one(select!("WHERE key = ?1 AND removed = 0"), &[&key], read)
}

/// Finds a version by an alias.
pub(crate) fn named(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    alias: &str,
) -> Result<Option<Version>> {
    tx.one(
        select!(
            "WHERE key = (SELECT artifact FROM artifact_aliases WHERE project = ?1 AND name = ?2 \
            AND alias = ?3)"
        ),
        &[&project.as_str(), &name, &alias],
        read,
    )
}

/// Finds the newest version of a name. Leaves out removed versions.
pub(crate) fn newest(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<Option<Version>> {
    tx.one(
        select!("WHERE project = ?1 AND name = ?2 AND removed = 0 ORDER BY version DESC LIMIT 1"),
        &[&project.as_str(), &name],
        read,
    )
}

/// Returns the number that the next version of a name gets. No version of the name has had it, also
/// if that version has another name now.
pub(crate) fn next(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<u64> {
    let last = tx.one(
        "SELECT max(version) + 1 FROM artifacts WHERE project = ?1 AND name = ?2",
        &[&project.as_str(), &name],
        |row| row.get::<Option<i64>>(0),
    )?;
    let moved = collections::get(tx, project, name)?.next;
    Ok(last.flatten().unwrap_or_default().cast_unsigned().max(moved))
}

/// Reads at most `limit` versions that come after `after`, in the order of project, name and
/// falling number. Leaves out removed versions. An empty `project` or `name` means all. The
/// function walks along the index, name by name.
pub(crate) fn page(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    after: Option<&Version>,
    limit: u32,
) -> Result<Vec<Version>> {
    let mut found = match after {
        Some(last) => below(tx, &last.project, &last.name, int(last.version)?, limit)?,
        None => Vec::new(),
    };
    let mut at: (ProjectId, String) =
        after.map(|last| (last.project.clone(), last.name.clone())).unwrap_or_default();
    while (found.len() as u32) < limit {
        let next = tx.one(
            "SELECT project, name FROM artifacts WHERE (project, name) > (?1, ?2)
                 AND (?3 = '' OR project = ?3) AND (?4 = '' OR name = ?4)
             ORDER BY project, name LIMIT 1",
            &[&at.0.as_str(), &at.1, &project.as_str(), &name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let Some(next) = next else { break };
        at = next;
        found.extend(below(tx, &at.0, &at.1, i64::MAX, limit - found.len() as u32)?);
    }
    Ok(found)
}

/// Reads at most `limit` versions of a name, the oldest first. Leaves out removed versions.
pub(crate) fn oldest(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    limit: u32,
) -> Result<Vec<Version>> {
    let sql = select!("WHERE project = ?1 AND name = ?2 AND removed = 0 ORDER BY version LIMIT ?3");
    tx.all(sql, &[&project.as_str(), &name, &limit], read)
}

/// Reads at most `limit` versions of a name whose numbers are below `number`, the newest first.
/// Leaves out removed versions.
pub(crate) fn below(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    number: i64,
    limit: u32,
) -> Result<Vec<Version>> {
    tx.all(
        select!(
            "WHERE project = ?1 AND name = ?2 AND version < ?3 AND removed = 0 ORDER BY version \
            DESC LIMIT ?4"
        ),
        &[&project.as_str(), &name, &number, &limit],
        read,
    )
}

/// Makes a staged row, to which entries can belong before their version exists. The row has no
/// project and is marked as removed. Returns the row's key.
pub(crate) fn stage(tx: &Tx<'_>, now_ms: i64) -> Result<i64> {
    tx.insert(
        "INSERT INTO artifacts
             (project, name, kind, version, digest, manifest_size, metadata, files, size, \
             created_ms, removed)
         VALUES ('', '', '', ?1, '', 0, '', 0, 0, ?2, 1)",
        &[&int(next(tx, &ProjectId::default(), "")?)?, &now_ms],
    )
}

/// Writes entries of the version or the staged row with this key.
pub(crate) fn write(tx: &Tx<'_>, key: i64, entries: &[Entry]) -> Result<()> {
    for Entry { path, content } in entries {
        let (sha256, size, reference, pin) = match content {
            Content::Blob { sha256, size } => (Some(sha256), *size, None, None),
            Content::Reference { url, digest } => (None, 0, Some(url), digest.as_ref()),
        };
        tx.run(
            "INSERT INTO artifact_entries (artifact, path, sha256, size, reference, pin)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[&key, path, &sha256, &int(size)?, &reference, &pin],
        )?;
    }
    Ok(())
}

/// Turns the staged row with the version's key into that version. Fails if there is no such staged
/// row.
pub(crate) fn settle(tx: &Tx<'_>, version: &Version) -> Result<()> {
    let Version { key, project, name, kind, digest, metadata, .. } = version;
    let (number, manifest) = (int(version.version)?, int(version.manifest_size)?);
    let (files, size, created) = (int(version.files)?, int(version.size)?, version.created_ms);
    let settled = tx.run(
        "UPDATE artifacts SET project = ?2, name = ?3, kind = ?4, version = ?5, digest = ?6, \
        manifest_size = ?7,
                metadata = ?8, files = ?9, size = ?10, created_ms = ?11, removed = 0
         WHERE key = ?1 AND project = ''",
        &[
            key,
            &project.as_str(),
            name,
            kind,
            &number,
            digest,
            &manifest,
            metadata,
            &files,
            &size,
            &created,
        ],
    )?;
    if settled == 1 {
        Ok(())
    } else {
        Err(Error::Bug(format!("nothing was staged as version {key}")))
    }
}

/// Finds the key of a removed version that still has entries, or of a staged row that was made
/// before `before_ms`.
pub(crate) fn left_over(tx: &Tx<'_>, before_ms: i64) -> Result<Option<i64>> {
    tx.one(
        "SELECT key FROM artifacts WHERE removed = 1 AND CASE project
             WHEN '' THEN created_ms < ?1
             ELSE EXISTS (SELECT 1 FROM artifact_entries WHERE artifact = key) END
         LIMIT 1",
        &[&before_ms],
        |row| row.get(0),
    )
}

/// Removes at most `most` entries of a removed version or of a staged row. If fewer than `most`
/// entries were left, it removes a staged row too. The entries' blobs count as stored at `now_ms`,
/// so the collector keeps them for one more grace. A caller that has just learned that a blob is
/// stored has this time to send the row that names it.
pub(crate) fn drop_entries(tx: &Tx<'_>, key: i64, now_ms: i64, most: u32) -> Result<()> {
    tx.run(
        "UPDATE blobs SET stored_ms = ?2 WHERE sha256 IN (
             SELECT sha256 FROM artifact_entries WHERE artifact = ?1 ORDER BY path LIMIT ?3
         )",
        &[&key, &now_ms, &most],
    )?;
    let gone = tx.run(
        "DELETE FROM artifact_entries WHERE artifact = ?1 AND path IN (
             SELECT path FROM artifact_entries WHERE artifact = ?1 ORDER BY path LIMIT ?2
         )",
        &[&key, &most],
    )?;
    if gone < most as usize {
        tx.run("DELETE FROM artifacts WHERE key = ?1 AND project = ''", &[&key])?;
    }
    Ok(())
}

/// Replaces the metadata of a version. Its digest stays the same, because the manifest does not
/// contain the metadata.
pub(crate) fn set_metadata(tx: &Tx<'_>, key: i64, metadata: &str) -> Result<()> {
    tx.run("UPDATE artifacts SET metadata = ?2 WHERE key = ?1", &[&key, &metadata])?;
    Ok(())
}

/// Replaces the description and the tags of a version.
pub(crate) fn describe(tx: &Tx<'_>, key: i64, description: &str, tags: &str) -> Result<()> {
    tx.run(
        "UPDATE artifacts SET description = ?2, tags = ?3 WHERE key = ?1",
        &[&key, &description, &tags],
    )?;
    Ok(())
}

/// Finds one entry of a version.
pub(crate) fn find(tx: &Tx<'_>, key: i64, path: &str) -> Result<Option<Entry>> {
    tx.one(
        "SELECT path, sha256, size, reference, pin FROM artifact_entries
         WHERE artifact = ?1 AND path = ?2",
        &[&key, &path],
        entry,
    )
}

/// Reads at most `limit` entries of a version whose paths come after `after`, in the order of their
/// paths.
pub(crate) fn entries(tx: &Tx<'_>, key: i64, after: &str, limit: u32) -> Result<Vec<Entry>> {
    tx.all(
        "SELECT path, sha256, size, reference, pin FROM artifact_entries
         WHERE artifact = ?1 AND path > ?2 ORDER BY path LIMIT ?3",
        &[&key, &after, &limit],
        entry,
    )
}

pub(super) fn entry(row: &Row<'_>) -> Result<Entry> {
    let content = match (row.get::<Option<String>>(1)?, row.get::<Option<String>>(3)?) {
        (Some(sha256), None) => Content::Blob { sha256, size: row.count(2)? },
        (None, Some(url)) => Content::Reference { url, digest: row.get(4)? },
        _ => {
            return Err(Error::Corrupt(
                "an entry of an artifact is neither a blob nor a reference".to_owned(),
            ));
        }
    };
    Ok(Entry { path: row.get(0)?, content })
}

/// Makes the alias mean this version from now on, and no longer another version of the same name.
pub(crate) fn set_alias(tx: &Tx<'_>, version: &Version, alias: &str) -> Result<()> {
    tx.run(
        "INSERT OR REPLACE INTO artifact_aliases (project, name, alias, artifact) VALUES (?1, ?2, \
        ?3, ?4)",
        &[&version.project.as_str(), &version.name, &alias, &version.key],
    )?;
    Ok(())
}

/// Removes the alias, if it means this version.
pub(crate) fn drop_alias(tx: &Tx<'_>, version: &Version, alias: &str) -> Result<()> {
    tx.run(
        "DELETE FROM artifact_aliases WHERE project = ?1 AND name = ?2 AND alias = ?3 AND \
        artifact = ?4",
        &[&version.project.as_str(), &version.name, &alias, &version.key],
    )?;
    Ok(())
}

/// Reads the aliases of a version under its own name. It may have others in portfolios.
pub(crate) fn aliases(tx: &Tx<'_>, key: i64) -> Result<Vec<String>> {
    tx.all(
        "SELECT alias FROM artifact_aliases AS named JOIN artifacts ON key = artifact
         WHERE artifact = ?1 AND named.project = artifacts.project AND named.name = artifacts.name
         ORDER BY alias",
        &[&key],
        |row| row.get(0),
    )
}

/// Counts the aliases of all versions of a name together.
pub(crate) fn aliases_of_name(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<u32> {
    let sql = "SELECT count(*) FROM artifact_aliases WHERE project = ?1 AND name = ?2";
    Ok(tx.one(sql, &[&project.as_str(), &name], |row| row.get(0))?.unwrap_or_default())
}

/// How a run relates to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The run has logged the version's content.
    Made,
    /// The run has asked for the version.
    Used,
}

/// Stores that a run made or used a version, and when. A repeated call changes nothing, so the time
/// of the first call stays.
pub(crate) fn note(tx: &Tx<'_>, key: i64, role: Role, run: i64, now_ms: i64) -> Result<()> {
    tx.run(
        "INSERT OR IGNORE INTO artifact_runs (artifact, made, run, at_ms) VALUES (?1, ?2, ?3, ?4)",
        &[&key, &(role == Role::Made), &run, &now_ms],
    )?;
    Ok(())
}

/// Reads the ids of at most `limit` runs that made or used a version, as `role` says, and whether
/// each is deleted. The run that did so first comes first.
pub(crate) fn runs(tx: &Tx<'_>, key: i64, role: Role, limit: u32) -> Result<Vec<(RunId, bool)>> {
    tx.all(
        "SELECT coalesce(runs.id, gone_runs.id),
                NOT EXISTS (SELECT 1 FROM shown_runs WHERE shown_runs.key = noted.run)
         FROM artifact_runs AS noted LEFT JOIN runs ON runs.key = noted.run
             LEFT JOIN gone_runs ON gone_runs.run = noted.run
         WHERE noted.artifact = ?1 AND noted.made = ?2 ORDER BY noted.at_ms, noted.run LIMIT ?3",
        &[&key, &(role == Role::Made), &limit],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Reads at most `limit` versions that a run made or used, as `role` says. The versions have keys
/// above `after`, come in the order of their keys, and are not removed.
pub(crate) fn of_run(
    tx: &Tx<'_>,
    run: i64,
    role: Role,
    after: i64,
    limit: u32,
) -> Result<Vec<Version>> {
    tx.all(
        select!(
            "WHERE removed = 0 AND key IN (
                 SELECT artifact FROM artifact_runs WHERE run = ?1 AND made = ?2 AND artifact > ?3
             ) ORDER BY key LIMIT ?4"
        ),
        &[&run, &(role == Role::Made), &after, &limit],
        read,
    )
}

/// Marks a version as removed, and removes its aliases. No other version gets its number.
/// [`drop_entries`] removes its entries later. The blob of its manifest counts as stored at
/// `now_ms`, so the collector keeps it for one more grace. A caller that has just learned that the
/// manifest is stored has this time to send the row that names it.
pub(crate) fn remove(tx: &Tx<'_>, key: i64, now_ms: i64) -> Result<()> {
    tx.run(
        "UPDATE blobs SET stored_ms = ?2 WHERE sha256 = (SELECT digest FROM artifacts WHERE key = \
        ?1)",
        &[&key, &now_ms],
    )?;
    tx.run("DELETE FROM artifact_aliases WHERE artifact = ?1", &[&key])?;
    announced::forget(tx, key)?;
    tx.run("UPDATE artifacts SET removed = 1 WHERE key = ?1", &[&key])?;
    Ok(())
}
