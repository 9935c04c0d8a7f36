//! Names sweeps, runs and attempts. The id of a run and the id of a sweep have types of their own,
//! so that neither can stand for the other. The controller and the agent use them; messages and
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
    fn an_attempt_has_the_same_json_as_its_texts() {
        let attempt = Attempt::new("s-0", 2);
        let json = r#"{"run":"s-0","number":2}"#;
        assert_eq!(serde_json::to_string(&attempt).unwrap(), json);
        assert_eq!(serde_json::from_str::<Attempt>(json).unwrap(), attempt);
        assert_eq!(format!("{attempt}, {:<5}|", attempt.run), "s-0 (attempt 2), s-0  |");
    }
}
