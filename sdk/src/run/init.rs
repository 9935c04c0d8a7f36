//! Starts a run from the program's settings, environment variables and defaults. Programs call it
//! through [`init`]. It chooses the folder and the controller of the run. It makes only one call to
//! the controller: the call that begins an online run outside a sweep.

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
    shared::{Shared, Start, object},
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

/// Returns the settings of a new run; [`Init::start`] starts the run:
/// `besom::init().project("mnist").config(&defaults).start()?`.
///
/// In a sweep, the agent has set `BESOM_RUN`, and the run is the trial for which the agent started
/// this program. The settings that describe a run, such as its project, name and id, have no effect
/// in a sweep. [`Init::config`] sets the defaults of the trial's config. Outside a sweep, the run
/// is a new one, or an old one that [`Init::resume`] continues.
pub fn init() -> Init {
    Init::default()
}

/// The choice whether the SDK sends a run to a controller while the run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The SDK sends the run to the controller while it goes on.
    #[default]
    Online,
    /// The SDK calls no controller. The run stays in a folder, from which `sweep sync` can later
    /// send it to a controller, with the same result. A trial of a sweep ignores this choice and is
    /// online.
    Offline,
    /// The SDK stores nothing, and logging returns at once. [`Run::config`] returns the same config
    /// as in an online run.
    Disabled,
}

/// The behavior of [`Init::start`] if a run with the id from [`Init::id`] exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    /// The start fails.
    #[default]
    Never,
    /// The run continues with a new attempt; an offline run continues with the same attempt. The
    /// run's steps, summary and config stay, and the new config replaces the old values key by key.
    /// If no run has this id, a new run begins. This choice suits programs that may be killed and
    /// started again with the same id. If a process of the older attempt still lives, its
    /// [`Run::should_stop`] returns true. The controller stores later rows of the older attempt
    /// apart.
    Allow,
    /// Works like `Allow`, but the start fails if no run has this id. For an offline run, only
    /// `sweep sync` checks this.
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

/// The settings of a run before it starts; [`init`] makes them.
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
    /// Sets the project of the run. Default: `BESOM_PROJECT`, else `uncategorized`. A trial has its
    /// sweep's project.
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// Sets the run's name for people. Default: a name that the controller chooses.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets tags for people. They replace the tags of an earlier call.
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// Sets free text about the run.
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = notes.into();
        self
    }

    /// Sets the group of the run within its project. For example, the folds of one cross-validation
    /// form a group.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = group.into();
        self
    }

    /// Sets the kind of work that the run does: `train`, `eval`, ...
    pub fn job_type(mut self, job_type: impl Into<String>) -> Self {
        self.job_type = job_type.into();
        self
    }

    /// Sets the run's id: 1 to 64 characters of `A-Z a-z 0-9 _ -`. Default: a new id. A trial
    /// ignores this and keeps the id that the controller gave it.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Sets what happens if a run with this [`id`](Self::id) exists already. Default:
    /// [`Resume::Never`].
    pub fn resume(mut self, resume: Resume) -> Self {
        self.resume = resume;
        self
    }

    /// Sets whether the SDK sends the run to a controller while the run goes on. Default:
    /// `BESOM_MODE` (`online`, `offline` or `disabled`), else [`Mode::Online`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Sets the hyperparameters, as a struct or a map. In a sweep, these are defaults: the sweep's
    /// values replace them key by key, including keys of nested objects.
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

    /// Sets whether the state of the code is stored with the run. This state is the command line,
    /// the commit, branch, remote and uncommitted changes in git, and the packages of `Cargo.lock`.
    /// It also names the host, the operating system, the CPU architecture, the number of CPUs and
    /// the SDK's version. The SDK removes text that looks like a secret. Default: true.
    pub fn save_code(mut self, save: bool) -> Self {
        self.no_code = !save;
        self
    }

    /// Sets whether the run keeps what the program prints, for `sweep logs`. Default:
    /// `BESOM_CONSOLE` (`true` or `false`), else false. The default is false because standard
    /// output and standard error become pipes. A program may notice the pipes and leave out the
    /// colors and progress bars that it shows on a terminal. If the program is killed, its last
    /// output may not reach the terminal. In a sweep this setting has no effect, because the agent
    /// stores the console.
    pub fn console(mut self, keep: bool) -> Self {
        self.console = Some(keep);
        self
    }

    /// Sets the controller's address: `https://host:port`, or `http://127.0.0.1:port` on this
    /// machine. Default: `BESOM_CONTROLLER`, else `http://127.0.0.1:7070`. `BESOM_TRUST` names the
    /// certificate to accept, and `BESOM_INSECURE=1` allows `http://` over a network.
    pub fn controller(mut self, address: impl Into<String>) -> Self {
        self.controller = Some(address.into());
        self
    }

    /// Sets the folder that contains the folders of runs outside a sweep. The SDK removes a run's
    /// folder when the run has ended and the controller has everything. The folder of an offline
    /// run stays until a person removes it. Default: `BESOM_DATA`, else `$XDG_STATE_HOME/besom`,
    /// else `~/.local/state/besom`.
    pub fn dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.dir = Some(folder.into());
        self
    }

    /// Sets the period at which the SDK samples the machine and this process; `None` turns the
    /// samples off. The samples go into the run's stream `system`. The period is clamped to the
    /// range from 0.1 seconds to one day. Default: `BESOM_SYSTEM_METRICS` (a number of seconds, or
    /// `off`), else 10 seconds. In a sweep this setting has no effect, because the agent takes the
    /// samples at the period of its own flags.
    pub fn system_metrics(mut self, every: impl Into<Option<Duration>>) -> Self {
        self.system = Some(every.into().map_or(Period::OFF, Period::every));
        self
    }

    /// Starts the run. In a sweep, the start makes no call to the controller and does not wait for
    /// it. Outside a sweep, the start of an online run waits for the controller's answer. It tries
    /// three times, for at most five seconds each, with short pauses between the tries. The start
    /// of an offline or disabled run calls no controller.
    ///
    /// # Errors
    /// Fails with [`InitError`] if the controller does not answer or refuses, or if the journal
    /// cannot be opened. The start also fails if the config is not an object, or if a setting or an
    /// environment variable is not valid.
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
            idempotency_key: chance::key(),
            ..BeginRun::default()
        }
    }

    fn start_online(self, config: Json) -> Result<Run, InitError> {
        let mut endpoint = Endpoint::find(self.controller.clone());
        let begin = self.begin(&config);
        let begun = super::begin::begin(&endpoint, begin.clone())?;
        // The run's id becomes the name of a folder, so the SDK checks the id's form.
        checked(&begun.run)?;
        let identity =
            Identity { run: begun.run, attempt: begun.attempt, sweep: None, trial: None };
        if !begun.token.is_empty() {
            endpoint.0.token = Some(begun.token);
        }
        let folder = folders::of(self.dir, &identity);
        // The answer has the whole config of a resumed run: the old config, in which the new values
        // replace the old ones.
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
            // An offline run continues with the same attempt, because only a controller can number
            // attempts.
            let mut before = serde_json::from_str(&known.begin.config_json).unwrap_or(Json::Null);
            overlay(&mut before, object(config));
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

/// Checks the form of a run's id, so that a path made from it cannot lead out of its folder.
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
        let want = json!({
            "lr": 0.1, "optimizer": {"name": "Adam", "momentum": 0.9}, "layers": [3], "seed": 1
        });
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
