//! Writes and reads the ids of objects as W&B's client has them: base64 of a kind and the parts of
//! the id, as in `Run:v1:NAME:PROJECT:ENTITY`. The client decodes some of them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use record::ids::{ProjectId, RunId, SweepId};

use super::link::Name;
use crate::app::{
    files::{artifacts::ArtifactView, versions::Key},
    people::caller::NO_PROJECT,
};

/// The kinds of collections of artifacts: the versions of one name, and a portfolio.
pub(super) const SEQUENCE: &str = "ArtifactSequence";
pub(super) const PORTFOLIO: &str = "ArtifactPortfolio";

/// Returns the id of an object of this kind.
pub(super) fn id(kind: &str, parts: &[&str]) -> String {
    STANDARD.encode(format!("{kind}:v1:{}", parts.join(":")))
}

/// Returns the id of a run for the client.
pub(super) fn of_run(run: &RunId, project: &ProjectId) -> String {
    id("Run", &[run.as_str(), project.name(), project.team()])
}

/// Returns the run that an id of the client names; `None` if it names none.
pub(super) fn run(id: &str) -> Option<RunId> {
    parts(id, "Run")?.into_iter().next().map(RunId::from)
}

/// Returns the id of a file of a run.
pub(super) fn of_file(run: &RunId, path: &str) -> String {
    id("File", &[run.as_str(), path])
}

/// Returns the run and the path of the file that an id of the client names; `None` if it names no
/// file of a run.
pub(super) fn file(id: &str) -> Option<(RunId, String)> {
    let parts = parts(id, "File")?;
    let (run, path) = parts.split_first()?;
    // A path may have colons.
    (!path.is_empty()).then(|| (RunId::from(run.as_str()), path.join(":")))
}

/// Returns the id of an announced artifact.
pub(super) fn of_announced(key: i64) -> String {
    STANDARD.encode(Key::Announced(key).to_string())
}

/// Returns the id of a version of an artifact. If the client has announced the version, this is the
/// id of the announcement, because the client goes on using it.
pub(super) fn of_artifact(view: &ArtifactView) -> String {
    match &view.announced {
        Some(announced) => of_announced(announced.key),
        None => of_version(view.version.key),
    }
}

/// Returns the id of a version that the client has not made.
pub(super) fn of_version(key: i64) -> String {
    STANDARD.encode(Key::Version(key).to_string())
}

/// Returns the version that an id of the client names; `None` if it names none.
pub(super) fn artifact(id: &str) -> Option<Key> {
    Key::parse(&decoded(id)?)
}

/// Returns the id of the client's manifest of an announced artifact.
pub(super) fn of_manifest(key: i64) -> String {
    id("ArtifactManifest", &[&key.to_string()])
}

/// Returns the announced artifact whose manifest has this id; `None` if none has it.
pub(super) fn manifest(id: &str) -> Option<i64> {
    parts(id, "ArtifactManifest")?.first()?.parse().ok()
}

/// Returns the id of a collection of artifacts.
pub(super) fn of_collection(Name { project, name, portfolio }: &Name) -> String {
    let kind = if *portfolio { PORTFOLIO } else { SEQUENCE };
    id(kind, &[name, project.name(), project.team()])
}

/// Returns the collection that an id of the client names; `None` if it names none.
pub(super) fn collection(id: &str) -> Option<Name> {
    let (portfolio, parts) = match parts(id, SEQUENCE) {
        Some(parts) => (false, parts),
        None => (true, parts(id, PORTFOLIO)?),
    };
    let [name, project, team] = &parts[..] else { return None };
    Some(Name { project: ProjectId::new(team, project), name: name.clone(), portfolio })
}

/// Returns the parts of an id of the client; `None` if it is not of this kind.
fn parts(id: &str, kind: &str) -> Option<Vec<String>> {
    let text = decoded(id)?;
    let parts = text.strip_prefix(kind)?.strip_prefix(":v1:")?;
    Some(parts.split(':').map(str::to_owned).collect())
}

fn decoded(id: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(id).ok()?).ok()
}

/// Returns the sweep that an id of the client names; `None` if it names none.
pub(super) fn sweep(id: &str) -> Option<SweepId> {
    parts(id, "Sweep")?.into_iter().next().map(SweepId::from)
}

/// Returns the id of an agent for the client.
pub(super) fn of_agent(agent: &str, sweep: &SweepId, host: &str) -> String {
    id("Agent", &[agent, sweep.as_str(), host])
}

/// Returns the agent, its sweep and its machine, which an id of the client names.
pub(super) fn agent(id: &str) -> Option<(String, SweepId, String)> {
    let mut parts = parts(id, "Agent")?.into_iter();
    Some((parts.next()?, parts.next()?.into(), parts.next()?))
}

/// Returns a project as `app` names it. The client sends the entity and the name, one of them, or
/// nothing.
pub(super) fn project(entity: Option<&str>, name: Option<&str>) -> String {
    let name = name.filter(|name| !name.is_empty());
    match entity.filter(|entity| !entity.is_empty()) {
        Some(entity) => format!("{entity}/{}", name.unwrap_or(NO_PROJECT)),
        None => name.unwrap_or_default().to_owned(),
    }
}

/// Returns a project as `app` names it for a caller of any team.
pub(super) fn full(project: &ProjectId) -> String {
    format!("{}/{}", project.team(), project.name())
}

/// Returns a number that stands for a project, because the client wants one.
pub(super) fn number(project: &ProjectId) -> u64 {
    let hash = blake3::hash(project.as_str().as_bytes());
    hash.as_bytes()[..6].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_run_is_read_back() {
        let (made, project) = (RunId::from("k3x9abcd-1"), ProjectId::new("vision", "digits"));
        assert_eq!(run(&of_run(&made, &project)), Some(made));
        for wrong in ["", "k3x9abcd", &id("Project", &["digits"]), "####"] {
            assert_eq!(run(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_id_of_a_file_is_read_back_with_its_colons() {
        let run = RunId::from("k3x9abcd");
        let path = "logs/12:30.txt".to_owned();
        assert_eq!(file(&of_file(&run, &path)), Some((run, path)));
        // The file of an artifact belongs to no run.
        assert_eq!(file(&id("File", &["a.txt"])), None);
    }

    #[test]
    fn the_ids_of_artifacts_are_read_back() {
        assert_eq!(artifact(&of_announced(7)), Some(Key::Announced(7)));
        assert_eq!(artifact(&of_version(7)), Some(Key::Version(7)));
        for wrong in [id("Artifact", &["x", "7"]), id("Artifact", &["version"]), id("Run", &["7"])]
        {
            assert_eq!(artifact(&wrong), None, "{wrong}");
        }
        for portfolio in [false, true] {
            let (project, name) = (ProjectId::new("vision", "digits"), "model".to_owned());
            let name = Name { project, name, portfolio };
            assert_eq!(collection(&of_collection(&name)), Some(name));
        }
    }

    #[test]
    fn a_project_without_an_entity_is_the_callers_own() {
        assert_eq!(project(Some("vision"), Some("digits")), "vision/digits");
        assert_eq!(project(Some("vision"), None), "vision/uncategorized");
        assert_eq!(project(Some(""), Some("digits")), "digits");
        assert_eq!(project(None, None), "");
    }
}
