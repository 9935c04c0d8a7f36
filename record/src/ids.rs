//! Names projects, sweeps, runs and attempts. Each kind of id has a type of its own, so that none
//! can stand for another. The controller and the agent use them; messages and
//! files hold the text. Any text can be an id here: whoever makes an id decides what it may hold.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub struct $name(String);

        impl $name {
            /// Returns the text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

id! {
    /// The id of a sweep.
    SweepId
}

id! {
    /// The id of a run. That of a trial consists of its sweep's id and its number.
    RunId
}

id! {
    /// The id of a project: `TEAM/NAME`. A project of the team [`HOME`] has its name alone as its
    /// id. So on a controller without teams, a project's id is its name.
    ProjectId
}

/// The team of projects that name no team.
pub const HOME: &str = "home";

impl ProjectId {
    /// Returns the id of the project `name` of a team.
    pub fn new(team: &str, name: &str) -> Self {
        if team == HOME { Self(name.to_owned()) } else { Self(format!("{team}/{name}")) }
    }

    /// Returns the name of the project's team.
    pub fn team(&self) -> &str {
        self.0.split_once('/').map_or(HOME, |(team, _)| team)
    }

    /// Returns the project's name in its team.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, name)| name)
    }
}

/// Returns the id in a text that a person has given: the whole text, or what stands behind the last
/// `/` of `TEAM/PROJECT/ID`, as W&B's users write it.
///
/// # Errors
/// Fails with a sentence for the person if nothing stands behind a `/`.
pub fn last_part(text: &str) -> Result<&str, String> {
    match text.rsplit_once('/') {
        None => Ok(text),
        Some((_, "")) => Err(format!("no id stands behind the last `/` of `{text}`")),
        Some((_, id)) => Ok(id),
    }
}

impl SweepId {
    /// Returns the id of a trial of the sweep.
    pub fn trial(&self, number: u64) -> RunId {
        RunId(format!("{self}-{number}"))
    }
}

impl RunId {
    /// Returns the id of the sweep that the run belongs to if it is a trial. A run outside of
    /// sweeps may have an id of the same form.
    pub fn sweep(&self) -> Option<SweepId> {
        self.0.rsplit_once('-').map(|(sweep, _)| SweepId::from(sweep))
    }
}

/// One attempt of one run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// The run.
    pub run: RunId,
    /// The attempt's number, from 1.
    pub number: u32,
}

impl Attempt {
    /// Names an attempt.
    pub fn new(run: impl Into<RunId>, number: u32) -> Self {
        Self { run: run.into(), number }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (attempt {})", self.run, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_trial_names_its_sweep() {
        let sweep = SweepId::from("k3x9abcd");
        let trial = sweep.trial(12);
        assert_eq!((trial.as_str(), trial.sweep()), ("k3x9abcd-12", Some(sweep)));
        assert_eq!(RunId::from("my-run-2").sweep(), Some(SweepId::from("my-run")));
        assert_eq!(RunId::from("mine").sweep(), None);
    }

    #[test]
    fn an_id_may_stand_behind_a_team_and_a_project() {
        for path in ["k3x9abcd", "digits/k3x9abcd", "home/digits/k3x9abcd"] {
            assert_eq!(last_part(path), Ok("k3x9abcd"));
        }
        assert_eq!(last_part(""), Ok(""));
        assert!(last_part("home/digits/").is_err());
    }

    #[test]
    fn a_project_of_the_home_team_has_a_plain_name() {
        let (digits, vision) = (ProjectId::new(HOME, "digits"), ProjectId::new("vision", "digits"));
        assert_eq!((digits.as_str(), digits.team(), digits.name()), ("digits", HOME, "digits"));
        let parts = (vision.as_str(), vision.team(), vision.name());
        assert_eq!(parts, ("vision/digits", "vision", "digits"));
    }

    #[test]
    fn an_attempt_has_the_same_json_as_its_texts() {
        let attempt = Attempt::new("s-0", 2);
        let json = r#"{"run":"s-0","number":2}"#;
        assert_eq!(serde_json::to_string(&attempt).unwrap(), json);
        assert_eq!(serde_json::from_str::<Attempt>(json).unwrap(), attempt);
        assert_eq!(format!("{attempt}, {:<5}|", attempt.run), "s-0 (attempt 2), s-0  |");
    }
}
