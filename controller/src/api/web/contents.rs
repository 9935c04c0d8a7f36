//! Serves the files of versions of artifacts, folder by folder, and the lineage of versions.

use std::collections::BTreeSet;

use axum::{Json, extract::Path, http::HeaderMap, response::Response};
use record::{
    artifact::{Content, Entry},
    ids::RunId,
};
use serde::{Deserialize, Serialize};

use super::{
    artifacts::{VersionPath, wanted},
    asked::Nothing,
    error::Problem,
    files::sent,
    session::Call,
};
use crate::app::{
    files::{
        catalog::{self, Item},
        references::{self, Found, Place},
    },
    read::lineage::{self, Edge, Node, Thing},
};

/// The items of a page, unless the caller asks for another number.
const PAGE: u32 = 200;
/// The most items of a page.
const MOST: u32 = 1000;
/// The steps of a lineage, unless the caller asks for another number.
const DEPTH: u32 = 4;

/// The folder that a caller asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AskedFolder {
    under: String,
    from: String,
    limit: Option<u32>,
}

/// A page of a folder of a version.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct VersionFolder {
    items: Vec<VersionItem>,
    /// Where the next page begins (`from`); `null` if there are no more items.
    next: Option<String>,
}

/// Something in a folder of a version.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct VersionItem {
    path: String,
    #[cfg_attr(test, ts(type = "\"file\" | \"folder\" | \"reference\""))]
    kind: &'static str,
    /// The number of files in a folder; 1 for a file.
    files: u64,
    size: u64,
    /// The hash of a file's content, or the digest of a reference.
    digest: Option<String>,
    /// The address of a reference.
    url: Option<String>,
}

/// Lists a folder of a version.
pub(super) async fn folder(
    path: VersionPath,
    call: Call<AskedFolder>,
) -> Result<Json<VersionFolder>, Problem> {
    let Call { app, caller, asked } = call;
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, MOST);
    let AskedFolder { under, from, .. } = asked;
    let (items, next) = catalog::folder(&app, &caller, wanted(path), under, from, limit).await?;
    Ok(Json(VersionFolder { items: items.into_iter().map(VersionItem::from).collect(), next }))
}

impl From<Item> for VersionItem {
    fn from(item: Item) -> Self {
        match item {
            Item::Folder { path, files, size } => {
                Self { path, kind: "folder", files, size, digest: None, url: None }
            }
            Item::File(Entry { path, content: Content::Blob { sha256, size } }) => {
                Self { path, kind: "file", files: 1, size, digest: Some(sha256), url: None }
            }
            Item::File(Entry { path, content: Content::Reference { url, digest } }) => {
                Self { path, kind: "reference", files: 1, size: 0, digest, url: Some(url) }
            }
        }
    }
}

/// Sends a file of a version, or a range of it.
pub(super) async fn send(
    Path((team, project, name, version, file)): Path<(String, String, String, String, String)>,
    headers: HeaderMap,
    call: Call,
) -> Result<Response, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let wanted = wanted(Path((team, project, name, version)));
    let Found { sha256, size } = references::content(&app, &caller, wanted, file.clone()).await?;
    sent(&app, &headers, &file, sha256, size).await
}

/// The reference that a caller follows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedLink {
    to: String,
}

/// A file of a version.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct LinkedFile {
    team: String,
    project: String,
    name: String,
    version: u64,
    path: String,
}

/// Finds the file of a version that a value of a run names by a reference.
pub(super) async fn linked(
    Path(run): Path<String>,
    call: Call<AskedLink>,
) -> Result<Json<LinkedFile>, Problem> {
    let Call { app, caller, asked: AskedLink { to } } = call;
    let Place { version, path } = references::of_run(&app, &caller, RunId::from(run), to).await?;
    Ok(Json(LinkedFile {
        team: version.project.team().to_owned(),
        project: version.project.name().to_owned(),
        name: version.name,
        version: version.version,
        path,
    }))
}

/// How far the lineage goes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AskedLineage {
    depth: Option<u32>,
    open: Vec<String>,
}

/// The lineage of a version, placed in layers from left to right.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Lineage {
    /// The first node is the version.
    nodes: Vec<LineageNode>,
    edges: Vec<LineageEdge>,
    /// Whether the picture has as many nodes as it may have, and leaves others out.
    full: bool,
}

/// A node of a lineage.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct LineageNode {
    id: String,
    #[cfg_attr(test, ts(type = "\"version\" | \"run\" | \"more\""))]
    kind: &'static str,
    /// The name of the artifact or the run.
    name: String,
    /// The type of the artifact, or the state of the run; `deleted` for a deleted run.
    detail: String,
    team: String,
    project: String,
    /// The id of the run.
    run: Option<String>,
    /// The number of the version.
    version: Option<u64>,
    /// How many neighbours a node of the kind `more` stands for; else 0.
    more: u64,
    layer: usize,
    height: f64,
}

/// An edge of a lineage, from what came first to what came of it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct LineageEdge {
    /// The number of the node at its beginning.
    from: usize,
    /// The number of the node at its end.
    to: usize,
    /// Where it bends: layers and heights.
    bends: Vec<(usize, f64)>,
}

/// Returns the lineage of a version.
pub(super) async fn lineage(
    path: VersionPath,
    call: Call<AskedLineage>,
) -> Result<Json<Lineage>, Problem> {
    let Call { app, caller, asked } = call;
    let (depth, open) = (asked.depth.unwrap_or(DEPTH), BTreeSet::from_iter(asked.open));
    let found = lineage::of(&app, &caller, wanted(path), depth, open).await?;
    let edge = |Edge { from, to, bends }| LineageEdge { from, to, bends };
    Ok(Json(Lineage {
        nodes: found.nodes.into_iter().map(LineageNode::from).collect(),
        edges: found.edges.into_iter().map(edge).collect(),
        full: found.full,
    }))
}

impl From<Node> for LineageNode {
    fn from(Node { id, thing, layer, height }: Node) -> Self {
        let bare = Self {
            id,
            kind: "more",
            name: String::new(),
            detail: String::new(),
            team: String::new(),
            project: String::new(),
            run: None,
            version: None,
            more: 0,
            layer,
            height,
        };
        match thing {
            Thing::More(more) => Self { more, ..bare },
            Thing::Version(version) => Self {
                kind: "version",
                detail: version.kind,
                team: version.project.team().to_owned(),
                project: version.project.name().to_owned(),
                version: Some(version.version),
                name: version.name,
                ..bare
            },
            Thing::Run(run) => Self {
                kind: "run",
                name: if run.name.is_empty() { run.id.to_string() } else { run.name },
                detail: run.state.unwrap_or_else(|| "deleted".to_owned()),
                team: run.project.team().to_owned(),
                project: run.project.name().to_owned(),
                run: Some(run.id.into()),
                ..bare
            },
        }
    }
}
