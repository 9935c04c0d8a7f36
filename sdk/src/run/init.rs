//! How a run starts: what the caller says, what the environment of a trial says, and defaults.
//! Called by [`init`] and by function agents. Decides where things are; talks to nobody but for the
//! one call that begins a run outside a sweep.

use std::{path::PathBuf, str::FromStr, time::Duration};

use proto::{folder::RunFile, v1::BeginRun};
use record::json::overlay;
use serde::Serialize;
use serde_json::Value as Json;
use telemetry::Period;

use super::{
    Run,
    duty::Duty,
    folders,
    shared::{Shared, Start},
};
use crate::{
    chance,
    clock::wall_ms,
    endpoint::Endpoint,
    environment::{parsed, variable},
    error::InitError,
    identity::Identity,
    rows::system,
};

/// Starts a run: `besom::init().project("mnist").config(&defaults).start()?`.
///
/// In a sweep (`BESOM_RUN` is set) the run is the trial that the agent has started this program
/// for; what is said here counts as defaults, and [`Init::start`] calls nobody. Outside, it is a
/// new run.
pub fn init() -> Init {
    Init::default()
}

/// Whether a controller hears of a run while it goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    #[default]
    Online,
    /// Everything is kept in a folder, and `sweep sync` tells a controller later, with the same
    /// result. Nobody is called. A trial of a sweep is online all the same: its agent is.
    Offline,
    /// Nothing is kept, and logging costs nothing. The config is there as ever.
    Disabled,
}

/// What happens if there is a run with the id that [`Init::id`] gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    /// The start is refused.
    #[default]
    Never,
    /// The run goes on with a new attempt: its steps, its summary and its config stay, what is
    /// given here is laid over the config. Without such a run a new one begins. For programs that
    /// may be killed and are started again with the same id; an older process that still lives is
    /// told to stop, and what it logs from then on is kept apart.
    Allow,
    /// As `Allow`, and the run has to be there.
    Must,
}

impl Resume {
    fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Allow => "allow",
            Self::Must => "must",
        }
    }
}

/// What is to be known of a run before it starts; made by [`init`].
#[derive(Clone, Debug, Default)]
#[must_use = "nothing happens before `start`"]
pub struct Init {
    project: Option<String>,
    name: Option<String>,
    tags: Vec<String>,
    notes: String,
    group: String,
    job_type: String,
    id: String,
    resume: Resume,
    mode: Option<Mode>,
    config: Option<Result<Json, String>>,
    no_code: bool,
    console: Option<bool>,
    controller: Option<String>,
    dir: Option<PathBuf>,
    system: Option<Period>,
}

impl Init {
    /// The project that the run belongs to. Default: `BESOM_PROJECT`, else `uncategorized`. A trial
    /// has its sweep's project.
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

    /// Anything worth knowing later.
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = notes.into();
        self
    }

    /// What the run belongs to within its project, such as the folds of one cross-validation.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = group.into();
        self
    }

    /// What it does: `train`, `eval`, ...
    pub fn job_type(mut self, job_type: impl Into<String>) -> Self {
        self.job_type = job_type.into();
        self
    }

    /// The run's id: 1 to 64 letters of `A-Z a-z 0-9 _ -`. Default: a new one. A trial has its own.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// What happens if there is a run with this [`id`](Self::id) already. Default:
    /// [`Resume::Never`].
    pub fn resume(mut self, resume: Resume) -> Self {
        self.resume = resume;
        self
    }

    /// Whether a controller hears of the run while it goes on. Default: `BESOM_MODE` (`online`,
    /// `offline`, `disabled`), else [`Mode::Online`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// The hyperparameters, as a struct or a map. In a sweep these are defaults: the sweep's values
    /// take their place key by key, in nested ones too.
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

    /// Whether the state of the code is stored with the run: the command line, commit, branch,
    /// remote and uncommitted changes of git, the packages of `Cargo.lock`, host and operating
    /// system, all without what looks like a secret. Default: it is.
    pub fn save_code(mut self, save: bool) -> Self {
        self.no_code = !save;
        self
    }

    /// Whether what the program prints is kept with the run, for `sweep logs`. Default:
    /// `BESOM_CONSOLE` (`true` or `false`), else it is not: standard output and standard error
    /// become pipes, which a program may notice by the colours and progress bars that it shows on a
    /// terminal alone, and what it prints right before it is killed may not reach the terminal. In
    /// a sweep the agent keeps the console, and this has no effect.
    pub fn console(mut self, keep: bool) -> Self {
        self.console = Some(keep);
        self
    }

    /// The controller's address, `http://host:port`. Default: `BESOM_CONTROLLER`, else
    /// `http://127.0.0.1:7070`.
    pub fn controller(mut self, address: impl Into<String>) -> Self {
        self.controller = Some(address.into());
        self
    }

    /// Where journals of runs outside a sweep are kept until the controller has them, and offline
    /// runs until `sweep sync`. Default: `BESOM_DATA`, else `~/.local/state/besom`.
    pub fn dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.dir = Some(folder.into());
        self
    }

    /// How often the machine and this process are sampled into the run's stream "system", or `None`
    /// for never; at the most ten times a second. Default: `BESOM_SYSTEM_METRICS` (a number of
    /// seconds, or `off`), else every 10 seconds. In a sweep the agent takes the samples, as its
    /// own flags say, and this has no effect.
    pub fn system_metrics(mut self, every: impl Into<Option<Duration>>) -> Self {
        self.system = Some(every.into().map_or(Period::OFF, Period::every));
        self
    }

    /// Starts the run. In a sweep this calls nobody and cannot wait; outside it tells the
    /// controller, and waits for its answer some seconds at most.
    ///
    /// # Errors
    /// [`InitError`]: the controller is out of reach or refuses, the config is no object, no journal can be written.
    pub fn start(self) -> Result<Run, InitError> {
        let config = match self.config.clone() {
            Some(config) => config.map_err(InitError::Config)?,
            None => Json::Null,
        };
        if !self.id.is_empty() {
            checked(&self.id)?;
        }
        let mode = match self.mode {
            Some(mode) => mode,
            None => parsed("BESOM_MODE")?.unwrap_or_default(),
        };
        let period = system::period(self.system)?;
        let keeps_console = match self.console {
            Some(keep) => keep,
            None => parsed("BESOM_CONSOLE")?.unwrap_or_default(),
        };
        let run = match (variable("BESOM_RUN"), mode) {
            (Some(run), _) => return self.start_trial(run, config, mode),
            (None, Mode::Online) => self.start_online(config)?,
            (None, Mode::Offline) => self.start_offline(config)?,
            (None, Mode::Disabled) => {
                let run = if self.id.is_empty() { chance::id() } else { self.id };
                let identity = Identity { run, attempt: 1, sweep: None, trial: None };
                return Ok(Run::new(Shared::disabled(identity, config, None)));
            }
        };
        let shared = run.shared();
        shared.samples.start(&shared.buffer, period)?;
        if keeps_console {
            shared.console.take(&shared.buffer);
        }
        Ok(run)
    }

    fn start_trial(self, run: String, mut config: Json, mode: Mode) -> Result<Run, InitError> {
        let identity = Identity {
            attempt: parsed("BESOM_ATTEMPT")?.unwrap_or(1),
            sweep: variable("BESOM_SWEEP"),
            trial: parsed("BESOM_TRIAL")?,
            run,
        };
        let params = parsed::<Json>("BESOM_PARAMS")?;
        let said = !config.is_null();
        if let Some(params) = params.clone() {
            overlay(&mut config, params);
        }
        if mode == Mode::Disabled {
            return Ok(Run::new(Shared::disabled(identity, config, params)));
        }
        let folder = match variable("BESOM_RUN_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => folders::of(self.dir, &identity),
        };
        let start = Start::new(
            identity,
            config,
            folder,
            Duty::Agents,
            Some(Endpoint::find(self.controller)),
        );
        let run = Run::new(Shared::start(Start { params, code: !self.no_code, ..start })?);
        if said {
            run.say_config();
        }
        Ok(run)
    }

    fn begin(&self, config: &Json) -> BeginRun {
        let project = self.project.clone().or_else(|| variable("BESOM_PROJECT"));
        BeginRun {
            project: project.unwrap_or_default(),
            name: self.name.clone().unwrap_or_default(),
            config_json: if config.is_null() { String::new() } else { config.to_string() },
            tags: self.tags.clone(),
            notes: self.notes.clone(),
            group: self.group.clone(),
            job_type: self.job_type.clone(),
            id: self.id.clone(),
            resume: self.resume.name().to_owned(),
            idempotency_key: format!("{:016x}{:016x}", chance::unique(), chance::unique()),
            ..BeginRun::default()
        }
    }

    fn start_online(self, config: Json) -> Result<Run, InitError> {
        let mut endpoint = Endpoint::find(self.controller.clone());
        let begin = self.begin(&config);
        let begun = super::begin::begin(&endpoint, begin.clone())?;
        // It becomes the name of a folder.
        checked(&begun.run)?;
        let identity =
            Identity { run: begun.run, attempt: begun.attempt, sweep: None, trial: None };
        if !begun.token.is_empty() {
            endpoint.token = Some(begun.token);
        }
        let folder = folders::of(self.dir, &identity);
        // What the run had before, where it is resumed.
        let config = serde_json::from_str(&begun.config_json).unwrap_or(config);
        let start = Start::new(identity, config, folder, Duty::own(begun.lease_ms), Some(endpoint));
        let (file, code) = (Some(RunFile::new(begin)), !self.no_code);
        Shared::start(Start { file, code, next_step: begun.next_step, ..start }).map(Run::new)
    }

    fn start_offline(self, mut config: Json) -> Result<Run, InitError> {
        let mut begin = self.begin(&config);
        if begin.id.is_empty() {
            begin.id = chance::id();
        }
        begin.started_ms = Some(wall_ms());
        let folder = folders::data(self.dir).join("offline").join(&begin.id);
        if let Ok(known) = RunFile::read(&folder) {
            if self.resume == Resume::Never {
                return Err(InitError::Exists { id: begin.id, folder });
            }
            // The same attempt goes on: no controller has heard of it yet that could tell two of
            // them apart.
            let mut before = serde_json::from_str(&known.begin.config_json).unwrap_or(Json::Null);
            if !config.is_null() {
                overlay(&mut before, config);
            }
            config = before;
            let (idempotency_key, started_ms) =
                (known.begin.idempotency_key, known.begin.started_ms);
            begin =
                BeginRun { config_json: config.to_string(), idempotency_key, started_ms, ..begin };
        }
        let identity = Identity { run: begin.id.clone(), attempt: 1, sweep: None, trial: None };
        let start = Start::new(identity, config, folder, Duty::Offline, None);
        Shared::start(Start { file: Some(RunFile::new(begin)), code: !self.no_code, ..start })
            .map(Run::new)
    }
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "online" => Ok(Self::Online),
            "offline" => Ok(Self::Offline),
            "disabled" => Ok(Self::Disabled),
            _ => Err(()),
        }
    }
}

/// An id that cannot lead out of a folder, whoever made it.
fn checked(id: &str) -> Result<(), InitError> {
    let letter = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_' || letter == b'-';
    let good = (1..=64).contains(&id.len()) && id.bytes().all(letter);
    if good { Ok(()) } else { Err(InitError::Id(id.to_owned())) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_sweep_overrides_defaults_key_by_key() {
        let mut config =
            json!({"lr": 0.1, "optimizer": {"name": "SGD", "momentum": 0.9}, "layers": [1, 2]});
        overlay(&mut config, json!({"optimizer": {"name": "Adam"}, "layers": [3], "seed": 1}));
        let want = json!({"lr": 0.1, "optimizer": {"name": "Adam", "momentum": 0.9}, "layers": [3], "seed": 1});
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
