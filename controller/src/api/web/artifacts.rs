//! Serves artifacts: the names of a project, the versions of a name, and one version with its
//! labels, its users and its difference from another version.

use axum::{Json, extract::Path, http::StatusCode};
use record::{
    artifact::Content,
    ids::{ProjectId, RunId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, from_str};

use super::{
    asked::{Body, Nothing},
    error::Problem,
    session::Call,
};
use crate::app::files::{
    artifacts::{self, ArtifactView, OfRun},
    catalog::{self, CollectionView},
    collections::Which,
    difference,
    labels::{self, Edit},
    versions::Wanted,
};
use tokio_stream::StreamExt as _;

/// The items of a page, unless the caller asks for another number.
const PAGE: u32 = 100;
/// The most items of a page.
const MOST: u32 = 1000;

/// The names that a caller asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AskedNames {
    search: String,
    after: String,
    limit: Option<u32>,
}

/// A page of the artifacts of a project.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Artifacts {
    /// The artifacts, by name.
    artifacts: Vec<ArtifactName>,
    /// The name `after` which the next page begins; `null` if there are no more.
    next: Option<String>,
}

/// All versions of a name.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct ArtifactName {
    name: String,
    /// The type, such as `model` or `dataset`.
    kind: String,
    /// The number of its versions.
    versions: u64,
    /// The bytes of all versions. Contents that several versions have count in each.
    size: u64,
    newest: VersionRow,
}

/// A version in a list.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct VersionRow {
    team: String,
    project: String,
    name: String,
    version: u64,
    kind: String,
    aliases: Vec<String>,
    tags: Vec<String>,
    files: u64,
    size: u64,
    digest: String,
    created_ms: i64,
}

/// A name with a page of its versions.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct ArtifactVersions {
    name: String,
    description: String,
    tags: Vec<String>,
    /// The versions, the newest first.
    versions: Vec<VersionRow>,
    /// The number `before` which the next page begins; `null` if there are no more.
    next: Option<u64>,
}

/// One version.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct VersionDetail {
    #[serde(flatten)]
    #[cfg_attr(test, ts(flatten))]
    row: VersionRow,
    description: String,
    #[cfg_attr(test, ts(type = "Json"))]
    metadata: Value,
    /// The ids of runs that made the version.
    made_by: Vec<String>,
    /// The ids of runs that used the version.
    used_by: Vec<String>,
    /// Those of both that are deleted.
    deleted: Vec<String>,
}

/// The versions that a run made and used.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct RunArtifacts {
    made: Vec<VersionRow>,
    used: Vec<VersionRow>,
    /// Whether the run made or used more versions than these.
    more: bool,
}

/// How two versions differ.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct VersionDifference {
    /// The number of the older version.
    old: u64,
    added: u64,
    removed: u64,
    changed: u64,
    same: u64,
    changes: Vec<FileChange>,
    /// The path `after` which the next page begins; `null` if there are no more.
    next: Option<String>,
}

/// A path that differs between two versions.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct FileChange {
    path: String,
    #[cfg_attr(test, ts(type = "\"added\" | \"removed\" | \"changed\""))]
    kind: &'static str,
    /// The bytes before; `null` if there was no content.
    old_size: Option<u64>,
    /// The bytes now; `null` if there is no content.
    new_size: Option<u64>,
}

/// What a caller changes of a version.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct VersionEdit {
    #[cfg_attr(test, ts(optional))]
    description: Option<String>,
    add_tags: Vec<String>,
    remove_tags: Vec<String>,
}

/// The aliases that a version gets and loses.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct AliasEdit {
    add: Vec<String>,
    remove: Vec<String>,
}

/// The parts of the path of a version.
pub(super) type VersionPath = Path<(String, String, String, String)>;

/// Returns the version that a path names.
pub(super) fn wanted(Path((team, project, name, version)): VersionPath) -> Wanted {
    Wanted { project: format!("{team}/{project}"), name, version, ..Wanted::default() }
}

/// Lists the artifacts of a project.
pub(super) async fn list(
    Path((team, project)): Path<(String, String)>,
    call: Call<AskedNames>,
) -> Result<Json<Artifacts>, Problem> {
    let Call { app, caller, asked } = call;
    let (project, search) = (ProjectId::new(&team, &project), asked.search.to_lowercase());
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, MOST);
    let (found, next) =
        catalog::collections(&app, &caller, project, search, asked.after, limit).await?;
    Ok(Json(Artifacts { artifacts: found.into_iter().map(ArtifactName::from).collect(), next }))
}

/// The versions that a caller asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AskedVersions {
    before: Option<u64>,
    limit: Option<u32>,
}

/// Lists the versions of a name.
pub(super) async fn versions(
    Path((team, project, name)): Path<(String, String, String)>,
    call: Call<AskedVersions>,
) -> Result<Json<ArtifactVersions>, Problem> {
    let Call { app, caller, asked } = call;
    let which = Which { project: ProjectId::new(&team, &project), name };
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, MOST);
    let (said, (found, next)) =
        catalog::versions(&app, &caller, which, asked.before, limit).await?;
    Ok(Json(ArtifactVersions {
        name: said.name,
        description: said.description.unwrap_or_default(),
        tags: said.tags,
        versions: found.into_iter().map(VersionRow::from).collect(),
        next: next.and_then(|next| next.parse().ok()),
    }))
}

/// Returns one version.
pub(super) async fn show(path: VersionPath, call: Call) -> Result<Json<VersionDetail>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    Ok(Json(artifacts::get(&app, &caller, wanted(path)).await?.into()))
}

/// Changes the description and the tags of a version.
pub(super) async fn edit(
    path: VersionPath,
    call: Call,
    Body(VersionEdit { description, add_tags, remove_tags }): Body<VersionEdit>,
) -> Result<Json<VersionDetail>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let edit = Edit { description, metadata: None, add_tags, remove_tags };
    Ok(Json(labels::edit(&app, &caller, wanted(path), edit).await?.into()))
}

/// Gives a version aliases, and takes others away.
pub(super) async fn alias(
    path: VersionPath,
    call: Call,
    Body(AliasEdit { add, remove }): Body<AliasEdit>,
) -> Result<Json<VersionDetail>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    Ok(Json(labels::alias(&app, &caller, wanted(path), add, remove).await?.into()))
}

/// Removes a version.
pub(super) async fn remove(path: VersionPath, call: Call) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    artifacts::remove(&app, &caller, wanted(path)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The version to compare with, and the page of the answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedDifference {
    /// The other version of the same name.
    from: String,
    #[serde(default)]
    after: String,
    limit: Option<u32>,
}

/// Compares a version with an older one of the same name.
pub(super) async fn compare(
    path: VersionPath,
    call: Call<AskedDifference>,
) -> Result<Json<VersionDifference>, Problem> {
    let Call { app, caller, asked } = call;
    let new = wanted(path);
    let old = Wanted { version: asked.from, ..new.clone() };
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, MOST) as usize;
    let (old, found) = difference::between(&app, &caller, old, new, asked.after, limit).await?;
    let next = found.changes.last().filter(|_| found.more).map(|last| last.path.clone());
    let change = |change: difference::Change| FileChange {
        kind: match (&change.old, &change.new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        },
        old_size: change.old.as_ref().and_then(size),
        new_size: change.new.as_ref().and_then(size),
        path: change.path,
    };
    Ok(Json(VersionDifference {
        old: old.version,
        added: found.added,
        removed: found.removed,
        changed: found.changed,
        same: found.same,
        changes: found.changes.into_iter().map(change).collect(),
        next,
    }))
}

fn size(content: &Content) -> Option<u64> {
    match content {
        Content::Blob { size, .. } => Some(*size),
        Content::Reference { .. } => None,
    }
}

/// Lists the versions that a run made and used.
pub(super) async fn of_run(
    Path(run): Path<String>,
    call: Call,
) -> Result<Json<RunArtifacts>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let mut all = artifacts::of_run(&app, &caller, RunId::from(run)).await?;
    let mut found = RunArtifacts { made: Vec::new(), used: Vec::new(), more: false };
    while let Some(of) = all.next().await {
        let OfRun { artifact, made } = of?;
        if found.made.len() + found.used.len() == MOST as usize {
            found.more = true;
            break;
        }
        if made { &mut found.made } else { &mut found.used }.push(artifact.into());
    }
    Ok(Json(found))
}

impl From<CollectionView> for ArtifactName {
    fn from(CollectionView { named, newest, aliases }: CollectionView) -> Self {
        Self {
            name: named.name,
            kind: newest.kind.clone(),
            versions: named.versions,
            size: named.size,
            newest: VersionRow::new(newest, aliases),
        }
    }
}

impl VersionRow {
    fn new(version: artifacts::Version, aliases: Vec<String>) -> Self {
        Self {
            team: version.project.team().to_owned(),
            project: version.project.name().to_owned(),
            tags: version.tags(),
            name: version.name,
            version: version.version,
            kind: version.kind,
            aliases,
            files: version.files,
            size: version.size,
            digest: version.digest,
            created_ms: version.created_ms,
        }
    }
}

impl From<ArtifactView> for VersionRow {
    fn from(view: ArtifactView) -> Self {
        Self::new(view.version, view.aliases)
    }
}

impl From<ArtifactView> for VersionDetail {
    fn from(view: ArtifactView) -> Self {
        let ids = |runs: Vec<RunId>| runs.into_iter().map(Into::into).collect();
        Self {
            description: view.version.description.clone(),
            metadata: from_str(&view.version.metadata).unwrap_or_default(),
            made_by: ids(view.made_by),
            used_by: ids(view.used_by),
            deleted: ids(view.deleted),
            row: VersionRow::new(view.version, view.aliases),
        }
    }
}
