//! The one run, sweep or report that a key opens, as JSON.

use serde::{Deserialize, Serialize};

use crate::app::people::keys::{KeyView, OnlyView};

/// The one thing that a key opens, by its id.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) enum OnlyThing {
    /// A run.
    Run(String),
    /// A sweep with its trials.
    Sweep(String),
    /// A report, with the runs and sweeps that its live panels show.
    Report(String),
}

/// The one thing that a key opens, and its project.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct SharedThing {
    team: String,
    project: String,
    thing: OnlyThing,
}

impl SharedThing {
    /// Returns the one thing that a key opens, if it does not open more.
    pub(super) fn of(key: &KeyView) -> Option<Self> {
        let (thing, project) = (key.only.clone()?.into(), key.projects.first()?);
        let (team, project) = (project.team().to_owned(), project.name().to_owned());
        Some(Self { team, project, thing })
    }
}

impl From<OnlyView> for OnlyThing {
    fn from(only: OnlyView) -> Self {
        match only {
            OnlyView::Run(id) => Self::Run(id.into()),
            OnlyView::Sweep(id) => Self::Sweep(id.into()),
            OnlyView::Report(id) => Self::Report(id),
        }
    }
}

impl From<OnlyThing> for OnlyView {
    fn from(only: OnlyThing) -> Self {
        match only {
            OnlyThing::Run(id) => Self::Run(id.into()),
            OnlyThing::Sweep(id) => Self::Sweep(id.into()),
            OnlyThing::Report(id) => Self::Report(id),
        }
    }
}
