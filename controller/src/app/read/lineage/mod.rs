//! Gathers the lineage of a version of an artifact: the runs that made it and what they used, and
//! the runs that used it and what they made, step by step. `layout` places the nodes. The handlers
//! in `api::web` call this module. It changes nothing.

mod layout;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use crate::{
    app::{
        App,
        error::Error,
        files::versions::{self, Wanted},
        people::{
            caller::{Caller, Right},
            things,
        },
    },
    store::{
        self, Tx,
        artifacts::Role,
        catalog::{RunFacts, VersionFacts},
    },
};

/// The most steps from the version.
const DEEPEST: u32 = 12;
/// The neighbours of a node that are shown at first, on one side.
const FEW: usize = 8;
/// The neighbours of a node that are shown on one side after a person has asked for them.
const MANY: usize = 100;
/// The most nodes of a picture.
const NODES: usize = 300;
/// The most neighbours that are read of a node, on one side.
const READ: u32 = 1000;

/// What a node stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// A version.
    Version(VersionFacts),
    /// A run.
    Run(RunFacts),
    /// Neighbours of a node that are not shown: their number.
    More(u64),
}

/// A node of the picture.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The name of the node in edges and requests.
    pub(crate) id: String,
    /// What it stands for.
    pub(crate) thing: Thing,
    /// The layer, from 0 at the left.
    pub(crate) layer: usize,
    /// The height, from 0 at the top. Nodes of a layer are at least 1 apart.
    pub(crate) height: f64,
}

/// An edge from what came first to what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    /// The place of the node at its beginning in the list of nodes.
    pub(crate) from: usize,
    /// The place of the node at its end.
    pub(crate) to: usize,
    /// Where it bends: layers and heights.
    pub(crate) bends: Vec<(usize, f64)>,
}

/// The lineage of a version.
#[derive(Clone, Debug)]
pub(crate) struct Lineage {
    /// The nodes. The first one is the version.
    pub(crate) nodes: Vec<Node>,
    /// The edges.
    pub(crate) edges: Vec<Edge>,
    /// Whether the picture has as many nodes as it may have, and leaves others out.
    pub(crate) full: bool,
}

/// A side of a node: what came before it, or what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Before,
    After,
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// Returns the lineage of a version up to `depth` steps away. `opened` has the ids of nodes that
/// stand for neighbours that were left out, and shows these neighbours.
///
/// # Errors
/// Fails with [`Error::Missing`] if the version does not exist.
pub(crate) async fn of(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    depth: u32,
    opened: BTreeSet<String>,
) -> Result<Lineage, Error> {
    let caller = caller.clone();
    let drawing = app.read(move |tx, app| {
        let version = versions::find(tx, app, &caller, Right::See, &wanted)?;
        let root = VersionFacts {
            key: version.key,
            project: version.project,
            name: version.name,
            version: version.version,
            kind: version.kind,
        };
        let mut drawing =
            Drawing { caller, depth: depth.min(DEEPEST), opened, ..Drawing::default() };
        drawing.gather(tx, Thing::Version(root))?;
        Ok(drawing)
    });
    Ok(drawing.await?.finish())
}

/// A picture that grows.
struct Drawing {
    caller: Caller,
    depth: u32,
    opened: BTreeSet<String>,
    nodes: Vec<(String, Thing)>,
    places: BTreeMap<String, usize>,
    edges: BTreeSet<(usize, usize)>,
    full: bool,
}

impl Default for Drawing {
    fn default() -> Self {
        Self {
            caller: Caller::Admin,
            depth: 0,
            opened: BTreeSet::new(),
            nodes: Vec::new(),
            places: BTreeMap::new(),
            edges: BTreeSet::new(),
            full: false,
        }
    }
}

impl Drawing {
    /// Walks from the root to both sides. What other children of its ancestors came to is not part
    /// of its lineage.
    fn gather(&mut self, tx: &Tx<'_>, root: Thing) -> Result<(), Error> {
        let root = self.add(root);
        let mut seen = BTreeSet::new();
        let both = [Side::Before, Side::After];
        let mut waiting = VecDeque::from(both.map(|side| (root, side, 0)));
        while let Some((place, side, distance)) = waiting.pop_front() {
            let Some(place) = place.filter(|place| seen.insert((*place, side))) else { continue };
            let near = self.neighbours(tx, place, side)?;
            let more = format!("{}:{}", self.nodes[place].0, side.word());
            let shown = match self.opened.contains(&more) {
                true => MANY,
                false if distance < self.depth => FEW,
                false => 0,
            };
            // A node alone takes as much room as the node that would stand for it.
            let shown = if shown > 0 && near.len() == shown + 1 { near.len() } else { shown };
            let rest = near.len().saturating_sub(shown);
            for thing in near.into_iter().take(shown) {
                let next = self.add(thing);
                self.join(Some(place), next, side);
                waiting.push_back((next, side, distance + 1));
            }
            if rest > 0 {
                let more = self.put(more, Thing::More(rest as u64));
                self.join(Some(place), more, side);
            }
        }
        Ok(())
    }

    /// Adds what a node stands for. Returns its place; `None` if there is no room.
    fn add(&mut self, thing: Thing) -> Option<usize> {
        let id = match &thing {
            Thing::Version(version) => format!("v{}", version.key),
            Thing::Run(run) => format!("r{}", run.key),
            Thing::More(_) => return None,
        };
        self.put(id, thing)
    }

    fn put(&mut self, id: String, thing: Thing) -> Option<usize> {
        if let Some(place) = self.places.get(&id) {
            return Some(*place);
        }
        if self.nodes.len() == NODES {
            self.full = true;
            return None;
        }
        self.places.insert(id.clone(), self.nodes.len());
        self.nodes.push((id, thing));
        Some(self.nodes.len() - 1)
    }

    fn join(&mut self, one: Option<usize>, other: Option<usize>, side: Side) {
        if let (Some(one), Some(other)) = (one, other) {
            self.edges.insert(if side == Side::Before { (other, one) } else { (one, other) });
        }
    }

    /// Returns the neighbours of a node on one side that the caller may see.
    fn neighbours(&self, tx: &Tx<'_>, place: usize, side: Side) -> Result<Vec<Thing>, Error> {
        let caller = &self.caller;
        Ok(match &self.nodes[place].1 {
            Thing::Version(version) => {
                let role = if side == Side::Before { Role::Made } else { Role::Used };
                let sees = |run: &RunFacts| {
                    let is_gone = run.project.as_str().is_empty();
                    let thing = things::Thing::Run(&run.id, run.sweep.as_ref());
                    is_gone || caller.may(Right::See, &run.project, thing)
                };
                let runs = store::catalog::runs_of(tx, version.key, role, READ)?;
                runs.into_iter().filter(sees).map(Thing::Run).collect()
            }
            Thing::Run(run) => {
                let role = if side == Side::Before { Role::Used } else { Role::Made };
                let sees = |version: &VersionFacts| {
                    caller.may(Right::See, &version.project, things::Thing::Project)
                };
                let versions = store::catalog::versions_of(tx, run.key, role, READ)?;
                versions.into_iter().filter(sees).map(Thing::Version).collect()
            }
            Thing::More(_) => Vec::new(),
        })
    }

    fn finish(self) -> Lineage {
        let ends: Vec<(usize, usize)> = self.edges.into_iter().collect();
        let placed = layout::place(self.nodes.len(), &ends);
        let edges = ends.iter().zip(placed.bends);
        let places = placed.layers.into_iter().zip(placed.heights);
        let nodes = self.nodes.into_iter().zip(places);
        Lineage {
            nodes: nodes
                .map(|((id, thing), (layer, height))| Node { id, thing, layer, height })
                .collect(),
            edges: edges.map(|(&(from, to), bends)| Edge { from, to, bends }).collect(),
            full: self.full,
        }
    }
}
