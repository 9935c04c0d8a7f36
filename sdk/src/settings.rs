//! How a run starts: what the caller says, what the environment of a trial says, and defaults. Called by [`init`] and by
//! function agents. Decides where things are; talks to nobody but for the one call that begins a run outside a sweep.

use std::{env, path::PathBuf, str::FromStr};

use proto::dial::{CONTROLLER_VAR, DEFAULT_CONTROLLER, TOKEN_VAR};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::{
    error::InitError,
    run::{Duty, Identity, Run, Shared},
    sender,
};

/// What a run outside a sweep belongs to unless told otherwise; W&B's word.
const DEFAULT_PROJECT: &str = "uncategorized";

/// How to reach the controller.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) controller: String,
    pub(crate) token: Option<String>,
}

impl Way {
    /// `controller`, else what the environment says, else the default.
    pub(crate) fn find(controller: Option<String>) -> Self {
        let controller = controller.or_else(|| variable(CONTROLLER_VAR));
        Self {
            controller: controller.unwrap_or_else(|| DEFAULT_CONTROLLER.to_owned()),
            token: variable(TOKEN_VAR),
        }
    }
}

/// Starts a run: `besom::init().project("mnist").config(&defaults).start()?`.
///
/// In a sweep (`BESOM_RUN` is set) the run is the trial that the agent has started this program for; what is said here
/// counts as defaults, and [`Init::start`] calls nobody. Outside, it is a new run.
pub fn init() -> Init {
    Init::default()
}

/// What is to be known of a run before it starts; made by [`init`].
#[derive(Clone, Debug, Default)]
#[must_use = "nothing happens before `start`"]
pub struct Init {
    project: Option<String>,
    name: Option<String>,
    tags: Vec<String>,
    config: Option<Result<Json, String>>,
    controller: Option<String>,
    dir: Option<PathBuf>,
}

impl Init {
    /// The project that the run belongs to. Default: `BESOM_PROJECT`, else `uncategorized`. A trial has its sweep's project.
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// A name for people. Default: the controller finds one.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Tags for people.
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// The hyperparameters, as a struct or a map. In a sweep these are defaults: the sweep's values take their place key by
    /// key, in nested ones too.
    pub fn config<T: Serialize + ?Sized>(mut self, defaults: &T) -> Self {
        let json = serde_json::to_value(defaults).map_err(|error| error.to_string());
        self.config = Some(match json {
            Ok(other @ (Json::Array(_) | Json::String(_) | Json::Number(_) | Json::Bool(_))) => {
                Err(format!("it is `{other}`"))
            }
            json => json,
        });
        self
    }

    /// The controller's address, `http://host:port`. Default: `BESOM_CONTROLLER`, else `http://127.0.0.1:7070`.
    pub fn controller(mut self, address: impl Into<String>) -> Self {
        self.controller = Some(address.into());
        self
    }

    /// Where journals of runs outside a sweep are kept until the controller has them. Default: `BESOM_DATA`, else
    /// `~/.local/state/besom`.
    pub fn dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.dir = Some(folder.into());
        self
    }

    /// Starts the run. In a sweep this calls nobody and cannot wait; outside it tells the controller, and waits for its
    /// answer some seconds at most.
    ///
    /// # Errors
    /// [`InitError`]: the controller is out of reach or refuses, the config is no object, no journal can be written.
    pub fn start(self) -> Result<Run, InitError> {
        let config = match self.config.clone() {
            Some(config) => config.map_err(InitError::Config)?,
            None => Json::Null,
        };
        match variable("BESOM_RUN") {
            Some(run) => self.start_trial(run, config),
            None => self.start_new(config),
        }
    }

    fn start_trial(self, run: String, mut config: Json) -> Result<Run, InitError> {
        let identity = Identity {
            attempt: parsed("BESOM_ATTEMPT")?.unwrap_or(1),
            sweep: variable("BESOM_SWEEP"),
            trial: parsed("BESOM_TRIAL")?,
            run,
        };
        if let Some(params) = parsed::<Json>("BESOM_PARAMS")? {
            overlay(&mut config, params);
        }
        let folder = match variable("BESOM_RUN_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => folder(self.dir, &identity),
        };
        Shared::start(identity, config, folder, Way::find(self.controller), Duty::Agents)
    }

    fn start_new(self, config: Json) -> Result<Run, InitError> {
        let mut way = Way::find(self.controller);
        let project = self.project.or_else(|| variable("BESOM_PROJECT"));
        let begin = proto::v1::BeginRun {
            run: String::new(),
            attempt: 0,
            project: project.unwrap_or_else(|| DEFAULT_PROJECT.to_owned()),
            name: self.name.unwrap_or_default(),
            config_json: if config.is_null() { "{}".to_owned() } else { config.to_string() },
            tags: self.tags,
        };
        let begun = sender::begin(&way, begin)?;
        let identity = Identity { run: begun.run, attempt: begun.attempt, sweep: None, trial: None };
        if !begun.token.is_empty() {
            way.token = Some(begun.token);
        }
        let folder = folder(self.dir, &identity);
        Shared::start(identity, config, folder, way, Duty::own(begun.lease_ms))
    }
}

/// Where the journal of a run is kept that no agent has made a folder for.
pub(crate) fn folder(dir: Option<PathBuf>, identity: &Identity) -> PathBuf {
    let state = || match (env::var_os("XDG_STATE_HOME"), env::var_os("HOME")) {
        (Some(state), _) => PathBuf::from(state).join("besom"),
        (None, Some(home)) => PathBuf::from(home).join(".local/state/besom"),
        (None, None) => env::temp_dir().join("besom"),
    };
    let data = dir.or_else(|| env::var_os("BESOM_DATA").map(PathBuf::from)).unwrap_or_else(state);
    data.join("runs").join(&identity.run).join(identity.attempt.to_string())
}

/// Lays `over` over `base`: objects key by key, everything else whole.
pub(crate) fn overlay(base: &mut Json, over: Json) {
    match (base, over) {
        (Json::Object(base), Json::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(known) => overlay(known, value),
                    None => drop(base.insert(key, value)),
                }
            }
        }
        (base, over) => *base = over,
    }
}

/// No config at all is an empty one.
pub(crate) fn object(config: Json) -> Json {
    if config.is_null() { Json::Object(Map::new()) } else { config }
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn parsed<T: FromStr>(name: &'static str) -> Result<Option<T>, InitError> {
    let parse = |value: String| value.parse().map_err(|_| InitError::Environment { name, value });
    variable(name).map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_sweep_overrides_defaults_key_by_key() {
        let mut config = json!({"lr": 0.1, "optimizer": {"name": "SGD", "momentum": 0.9}, "layers": [1, 2]});
        overlay(&mut config, json!({"optimizer": {"name": "Adam"}, "layers": [3], "seed": 1}));
        let want =
            json!({"lr": 0.1, "optimizer": {"name": "Adam", "momentum": 0.9}, "layers": [3], "seed": 1});
        assert_eq!(config, want);
        let mut nothing = Json::Null;
        overlay(&mut nothing, json!({"lr": 1}));
        assert_eq!(nothing, json!({"lr": 1}));
    }

    #[test]
    fn a_config_is_an_object() {
        let error = init().config(&[1, 2]).start().unwrap_err();
        assert_eq!(error.to_string(), "the config must be a struct or a map: it is `[1,2]`");
    }
}
