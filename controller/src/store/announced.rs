//! Stores the artifacts that W&B's client has announced: what the client says about a version
//! before it has sent the version's files, and which version came of it. `app::files::announced`
//! calls it. Every function fails only if the database does.

use record::ids::ProjectId;

use super::database::{Result, Row, Tx, columns};

/// An artifact that W&B's client has announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    /// The internal key; 0 before the row is stored.
    pub(crate) key: i64,
    /// The project of the version.
    pub(crate) project: ProjectId,
    /// The internal key of the run that makes the version; `None` until the client names it.
    pub(crate) run: Option<i64>,
    /// The attempt that makes it; 0 without a run.
    pub(crate) attempt: u32,
    /// The artifact's name in the run's project.
    pub(crate) name: String,
    /// The artifact's type.
    pub(crate) kind: String,
    /// The digest of the client's manifest, as the client says it.
    pub(crate) digest: String,
    /// The metadata as a JSON object; empty if there is none.
    pub(crate) metadata: String,
    /// The aliases for the version, as a JSON list.
    pub(crate) aliases: String,
    /// What people say about the version.
    pub(crate) description: String,
    /// The tags of the version, as a JSON list.
    pub(crate) tags: String,
    /// The step of the run's history at which the client has logged the artifact.
    pub(crate) step: Option<i64>,
    /// The id that the client has made up for the version.
    pub(crate) client: Option<String>,
    /// Whether the client's manifest only adds to that of the newest version.
    pub(crate) partial: bool,
    /// The id that several processes share which make the artifact together; `None` if one process
    /// makes it.
    pub(crate) shared: Option<String>,
    /// The SHA-256 of the client's manifest; `None` until the manifest is stored.
    pub(crate) manifest: Option<String>,
    /// The internal key of the version; `None` until the version exists.
    pub(crate) artifact: Option<i64>,
    /// When the client has announced it, by the controller's clock, in milliseconds since the
    /// epoch.
    pub(crate) created_ms: i64,
}

impl Announced {
    /// Returns whether the client's manifest and its digest are those of the whole version.
    pub(crate) fn is_whole(&self) -> bool {
        !self.partial && self.shared.is_none()
    }
}

columns! {
    /// Reads an announced artifact.
    macro announced_columns, fn read() -> Announced {
        key: get, project: get, run: get, attempt: get, name: get, kind: get, digest: get,
        metadata: get, aliases: get, description: get, tags: get, step: get, client: get,
        partial: get, manifest: get, artifact: get, created_ms: get, shared: get,
    } => Announced {
        key,
        project,
        run,
        attempt,
        name,
        kind,
        digest,
        metadata,
        aliases,
        description,
        tags,
        step,
        client,
        partial,
        manifest,
        artifact,
        created_ms,
        shared,
    }
}

/// A statement that reads announced artifacts.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", announced_columns!(), " FROM announced ", $rest)
    };
}

/// Stores an announced artifact, and returns its key.
pub(crate) fn insert(tx: &Tx<'_>, new: &Announced) -> Result<i64> {
    tx.insert(
        "INSERT INTO announced (project, run, attempt, name, kind, digest, metadata, aliases, \
        description, tags, step, client, partial, artifact, created_ms, shared)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        &[
            &new.project.as_str(),
            &new.run,
            &new.attempt,
            &new.name,
            &new.kind,
            &new.digest,
            &new.metadata,
            &new.aliases,
            &new.description,
            &new.tags,
            &new.step,
            &new.client,
            &new.partial,
            &new.artifact,
            &new.created_ms,
            &new.shared,
        ],
    )
}

/// Reads the announced artifact with this key.
pub(crate) fn get(tx: &Tx<'_>, key: i64) -> Result<Option<Announced>> {
    tx.one(select!("WHERE key = ?1"), &[&key], read)
}

/// Reads the newest artifact for which the client has made up this id.
pub(crate) fn of_client(tx: &Tx<'_>, client: &str) -> Result<Option<Announced>> {
    tx.one(select!("WHERE client = ?1 ORDER BY key DESC LIMIT 1"), &[&client], read)
}

/// Reads the newest artifact of a project for which the client has made up this id.
pub(crate) fn of_client_in(
    tx: &Tx<'_>,
    project: &ProjectId,
    client: &str,
) -> Result<Option<Announced>> {
    let sql = select!("WHERE client = ?1 AND project = ?2 ORDER BY key DESC LIMIT 1");
    tx.one(sql, &[&client, &project.as_str()], read)
}

/// Reads the announced artifact that first became this version. `None` if W&B's client has not
/// made the version.
pub(crate) fn of_version(tx: &Tx<'_>, artifact: i64) -> Result<Option<Announced>> {
    let sql = select!("WHERE artifact = ?1 AND manifest IS NOT NULL ORDER BY key LIMIT 1");
    tx.one(sql, &[&artifact], read)
}

/// Reads the artifacts that the processes with this id have announced and sent, and that are no
/// version yet, in the order of their keys.
pub(crate) fn of_shared(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    shared: &str,
) -> Result<Vec<Announced>> {
    let sql = select!(
        "WHERE project = ?1 AND name = ?2 AND shared = ?3 AND artifact IS NULL
             AND manifest IS NOT NULL ORDER BY key"
    );
    tx.all(sql, &[&project.as_str(), &name, &shared], read)
}

/// Finds the newest version of a name that was announced with this digest. Returns its internal
/// key.
pub(crate) fn with_digest(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    digest: &str,
) -> Result<Option<i64>> {
    tx.one(
        "SELECT artifacts.key FROM artifacts JOIN announced ON announced.artifact = artifacts.key
         WHERE announced.project = ?1 AND announced.name = ?2 AND announced.digest = ?3
             AND announced.partial = 0 AND announced.shared IS NULL AND removed = 0
         ORDER BY version DESC LIMIT 1",
        &[&project.as_str(), &name, &digest],
        |row| row.get(0),
    )
}

/// Records which run makes an announced artifact.
pub(crate) fn set_run(tx: &Tx<'_>, key: i64, run: i64, attempt: u32) -> Result<()> {
    let sql = "UPDATE announced SET run = ?2, attempt = ?3 WHERE key = ?1";
    tx.run(sql, &[&key, &run, &attempt])?;
    Ok(())
}

/// Records that the client's manifest only adds to that of the newest version.
pub(crate) fn set_partial(tx: &Tx<'_>, key: i64) -> Result<()> {
    tx.run("UPDATE announced SET partial = 1 WHERE key = ?1", &[&key])?;
    Ok(())
}

/// Records that the client's manifest is stored. Returns `false` if there is no such announced
/// artifact, or if it has become a version, whose manifest never changes.
pub(crate) fn set_manifest(tx: &Tx<'_>, key: i64, sha256: &str) -> Result<bool> {
    let sql = "UPDATE announced SET manifest = ?2 WHERE key = ?1 AND artifact IS NULL";
    Ok(tx.run(sql, &[&key, &sha256])? > 0)
}

/// Records which version came of an announced artifact, and by which manifest of the client.
pub(crate) fn settle(tx: &Tx<'_>, key: i64, artifact: i64, manifest: &str) -> Result<()> {
    let sql = "UPDATE announced SET artifact = ?2, manifest = ?3 WHERE key = ?1";
    tx.run(sql, &[&key, &artifact, &manifest])?;
    Ok(())
}

/// Forgets what the client has said about a version that is removed.
pub(crate) fn forget(tx: &Tx<'_>, artifact: i64) -> Result<()> {
    tx.run("DELETE FROM announced WHERE artifact = ?1", &[&artifact])?;
    Ok(())
}

/// Returns whether [`expire`] would forget anything.
pub(crate) fn is_due(tx: &Tx<'_>, before_ms: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM announced WHERE artifact IS NULL AND created_ms < ?1 LIMIT 1";
    Ok(tx.one(sql, &[&before_ms], |_| Ok(()))?.is_some())
}

/// Forgets the artifacts that were announced before `before_ms` and never became a version.
pub(crate) fn expire(tx: &Tx<'_>, before_ms: i64) -> Result<()> {
    tx.run("DELETE FROM announced WHERE artifact IS NULL AND created_ms < ?1", &[&before_ms])?;
    Ok(())
}
