//! What in a project a caller wants to use, and what of it a key opens.

use record::ids::{ProjectId, RunId, SweepId};

use crate::store::{
    people::{Key, Kind, Only},
    reports::Shown,
};

/// What in a project a caller wants to use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Thing<'a> {
    /// The project as a whole: what belongs to none of its sweeps, runs and reports.
    Project,
    /// Some of its sweeps and runs. The use case checks each of them.
    Each,
    /// A sweep.
    Sweep(&'a SweepId),
    /// A run, and the sweep that it is a trial of.
    Run(&'a RunId, Option<&'a SweepId>),
    /// A report.
    Report(&'a str),
}

impl Thing<'_> {
    /// Returns the sweep, or the one that the run is a trial of.
    fn sweep(&self) -> Option<&SweepId> {
        match self {
            Self::Sweep(sweep) => Some(sweep),
            Self::Run(_, sweep) => *sweep,
            Self::Project | Self::Each | Self::Report(_) => None,
        }
    }
}

/// Returns whether a key opens a thing in a project. `shown` is what the report shows that the key
/// opens.
pub(super) fn opens(key: &Key, shown: &Shown, project: &ProjectId, thing: Thing<'_>) -> bool {
    let is_named = key.projects.contains(project);
    match key.kind {
        Kind::Full => true,
        Kind::Read => match &key.only {
            None => key.projects.is_empty() || is_named,
            Some(only) => is_named && is_of(only, shown, thing),
        },
        // An agent logs the trials that it gets, and no other runs.
        Kind::Agent => thing.sweep().is_some_and(|sweep| key.sweeps.contains(sweep) || is_named),
        Kind::Ingest => is_named,
    }
}

/// Returns whether a thing is the one that a key opens, or belongs to it.
fn is_of(only: &Only, shown: &Shown, thing: Thing<'_>) -> bool {
    match (only, thing) {
        (_, Thing::Project) => false,
        (_, Thing::Each) => true,
        (Only::Run(only), Thing::Run(run, _)) => only == run,
        (Only::Sweep(only), thing) => thing.sweep() == Some(only),
        (Only::Report(only), Thing::Report(id)) => only == id,
        (Only::Report(_), thing) => {
            let is_shown = |run: &RunId| shown.runs.contains(run);
            matches!(thing, Thing::Run(run, _) if is_shown(run))
                || thing.sweep().is_some_and(|sweep| shown.sweeps.contains(sweep))
        }
        (Only::Run(_), Thing::Sweep(_) | Thing::Report(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(only: Only) -> Key {
        Key {
            id: "k3x9abcd".to_owned(),
            hash: Vec::new(),
            user: "ann".to_owned(),
            label: String::new(),
            kind: Kind::Read,
            sweeps: Vec::new(),
            projects: vec![ProjectId::new("vision", "digits")],
            only: Some(only),
            created_ms: 0,
            expires_ms: None,
        }
    }

    #[test]
    fn a_key_for_one_thing_opens_what_belongs_to_it_and_nothing_else() {
        let [swept, other] = ["swept", "other"].map(SweepId::from);
        let [trial, alone] = ["swept-7", "alone"].map(RunId::from);
        let things = [
            ("project", Thing::Project),
            ("each", Thing::Each),
            ("swept", Thing::Sweep(&swept)),
            ("other", Thing::Sweep(&other)),
            ("trial", Thing::Run(&trial, Some(&swept))),
            ("foreign trial", Thing::Run(&trial, Some(&other))),
            ("alone", Thing::Run(&alone, None)),
            ("report", Thing::Report("report")),
            ("second report", Thing::Report("second")),
        ];
        let opened = |only: Only, shown: &Shown| {
            let key = key(only);
            let nowhere = ProjectId::new("vision", "faces");
            assert!(things.iter().all(|(_, thing)| !opens(&key, shown, &nowhere, *thing)));
            let opened =
                |(name, thing)| opens(&key, shown, &key.projects[0], thing).then_some(name);
            things.into_iter().filter_map(opened).collect::<Vec<&str>>()
        };
        let nothing = Shown::default();
        let swept_only = ["each", "swept", "trial"];
        assert_eq!(opened(Only::Sweep(swept.clone()), &nothing), swept_only);
        assert_eq!(opened(Only::Run(alone.clone()), &nothing), ["each", "alone"]);
        let report = Only::Report("report".to_owned());
        assert_eq!(opened(report.clone(), &nothing), ["each", "report"]);
        let runs = Shown { runs: vec![alone.clone()], sweeps: Vec::new() };
        assert_eq!(opened(report.clone(), &runs), ["each", "alone", "report"]);
        let sweeps = Shown { runs: Vec::new(), sweeps: vec![swept.clone()] };
        assert_eq!(opened(report, &sweeps), ["each", "swept", "trial", "report"]);
    }
}
