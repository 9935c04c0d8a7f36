//! Parses the command line and turns it into a [`Setup`]. All problems of the flags that choose
//! trials, GPUs and slots are reported at once. `main.rs` calls it.

use std::{env, path::PathBuf, sync::Arc, time::Duration};

use clap::Parser;
use proto::dial::{
    CONTROLLER_VAR, DEFAULT_CONTROLLER, Dial, INSECURE_VAR, Reach, TOKEN_VAR, TRUST_VAR,
};
use record::ids::{self, SweepId};
use telemetry::{
    NvidiaMeter, Own, PERIOD_VAR, Period, Sampling,
    gpus::{Gpu, Inventory, given},
};
use terminal::{Exit, Failure, count, say};

use crate::{
    agent::Setup,
    controller::link::Remote,
    gauges::Gauges,
    plan::Me,
    processes::{cgroup::Delegation, reaper::Reaper},
    reporter::Reporter,
    slots::{
        claims::{Claims, claim},
        layout::{Layout, Slot, Wish, lay_out},
        release::Gpus,
    },
    state::{
        folder::{self, Folder},
        holdings::Holdings,
    },
    trial::{Shims, command::Node, context::TrialContext, samples::Sight, shim},
};

/// The default time between SIGTERM and SIGKILL, in seconds. Kubernetes and Slurm kill the agent 30
/// seconds after SIGTERM, and the agent needs a part of that time for its last calls.
const GRACE: &str = "20";
/// How long a trial may run without a living agent, before its shim ends it.
const ORPHAN_AFTER: Duration = Duration::from_secs(600);

const EXAMPLES: &str = "\
Examples:
  agent k3x9abcd                      one trial per GPU at a time, until the sweep is over
  agent k3x9abcd --count 50           at most 50 trials
  agent k3x9abcd --gpus 0,1           leave the other GPUs alone
  agent k3x9abcd --gpus-per-trial 2   two GPUs for each trial
  agent k3x9abcd --slots 4            four trials at once on a node without GPUs

Start the agent in the folder of the trials' program. The first Ctrl-C lets running trials finish.
A second Ctrl-C ends them, and so does a SIGTERM, which a node sends before it goes away: the trials
get their grace and run again elsewhere, before all other trials. An agent that was killed goes on
with its trials when it is started again.

Exit codes: 0 done, 1 the trials cannot run or something of them was not sent, 2 wrong input,
3 controller out of reach, 70 a bug of ours";

/// Runs trials of a sweep on this node, until the sweep is over
#[derive(Clone, Debug, Parser)]
#[command(name = "agent", version, after_help = EXAMPLES)]
pub struct Flags {
    /// The sweep to work for, as `sweep create` printed it, or as TEAM/PROJECT/SWEEP
    #[arg(value_parser = |text: &str| ids::last_part(text).map(SweepId::from))]
    pub sweep: SweepId,
    /// Start at most N trials, then leave
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Use only these GPUs, by the numbers that nvidia-smi shows
    /// [default: those of CUDA_VISIBLE_DEVICES, or all]
    #[arg(long, value_name = "0,1", value_delimiter = ',')]
    pub gpus: Option<Vec<u32>>,
    /// GPUs for each trial [default: 1, or 0 on a node without any]
    #[arg(long, value_name = "N")]
    pub gpus_per_trial: Option<usize>,
    /// Trials that run at once [default: GPUs / GPUs per trial, or 1]
    #[arg(long, value_name = "N")]
    pub slots: Option<usize>,
    /// Let several trials share a GPU, and other agents too
    #[arg(long)]
    pub share: bool,
    /// Folder for the agent's state, its journals and the trials' own files [default: in
    /// ~/.local/state/besom]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Time for trials to save their state when the agent has to end or their time is up
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = GRACE,
        value_parser = clap::value_parser!(u32).range(..=86_400)
    )]
    pub grace: u32,
    /// Seconds between samples of the machine and each trial's processes, or `off` [default: 10]
    #[arg(long, value_name = "SECONDS", env = PERIOD_VAR, hide_env_values = true)]
    pub system_metrics: Option<Period>,
    /// Address of the controller
    #[arg(
        long,
        value_name = "URL",
        env = CONTROLLER_VAR,
        hide_env_values = true,
        default_value = DEFAULT_CONTROLLER
    )]
    pub controller: String,
    /// Token for the controller
    #[arg(long, value_name = "TOKEN", env = TOKEN_VAR, hide_env_values = true)]
    pub token: Option<String>,
    /// Certificate of the controller to accept, or a PEM file of authorities [default: those that
    /// the machine trusts]
    #[arg(long, value_name = "sha256:...|FILE", env = TRUST_VAR, hide_env_values = true)]
    pub trust: Option<String>,
    /// Call a controller over a network without TLS: everyone on the way can read the token and
    /// all that trials log
    #[arg(long, env = INSECURE_VAR, hide_env_values = true)]
    #[arg(value_parser = clap::builder::FalseyValueParser::new())]
    pub insecure: bool,
}

/// The locks of the agent's folder and of its GPUs, and the sampling of the node. The caller keeps
/// them as long as the agent works.
#[derive(Debug)]
pub struct Kept {
    _folder: Folder,
    _claims: Claims,
    _sampling: Option<Sampling>,
}

impl Flags {
    fn reach(&self) -> Reach {
        Reach {
            controller: self.controller.clone(),
            token: self.token.clone(),
            trust: self.trust.clone(),
            insecure: self.insecure,
        }
        .with_stored_key()
    }

    /// Checks the flags, locks the agent's folder and its GPUs, and returns the parts that the
    /// agent needs. The method must be called inside a tokio runtime.
    ///
    /// # Errors
    /// Fails if a flag is wrong, or if the folder or a GPU cannot be locked. One [`Failure`] lists
    /// all problems of the flags that choose trials, GPUs and slots.
    pub fn set_up(
        &self,
        inventory: &impl Inventory,
        reaper: Reaper,
    ) -> Result<(Setup<Remote, Shims<Remote>>, Kept), Failure> {
        let layout = self.check(inventory)?;
        let reach = self.reach();
        let dial = Dial::reach(&reach)
            .map_err(|error| Failure::new(Exit::Input, error.to_string()).hint(error.hint()))?;
        let cwd = env::current_dir().map_err(|error| {
            Failure::new(Exit::Input, format!("cannot determine the current folder: {error}"))
        })?;
        let folder = Folder::take(self.data.as_deref(), &self.sweep)?;
        let claims = take_gpus(&layout, &folder, self.share)?;
        let holdings = Holdings::open(&folder.path).map_err(|error| {
            Failure::new(Exit::Refused, format!("cannot read what this agent holds: {error}"))
                .detail(format!("  in {}", folder.path.display()))
        })?;
        let node = Node {
            cwd,
            path: env::var_os("PATH").unwrap_or_default(),
            variable: |name| env::var(name).ok(),
            reach: reach.from_any_folder(),
        };
        let (program, gpus) = (shim::own_program(), Gpus::new(NvidiaMeter::default()));
        let found = Delegation::find(&program, &folder.who.agent);
        let context = TrialContext {
            node,
            data: folder.path.clone(),
            agent_lock: folder.lock_path(),
            shim_program: program,
            orphan_after: ORPHAN_AFTER,
            grace: self.grace(),
            gpu_node: layout.gpu_node,
            sight: Sight {
                period: self.system_metrics.unwrap_or_default(),
                meter: || Box::new(NvidiaMeter::default()),
            },
            cgroups: found.as_ref().ok().cloned(),
            reaper,
            gpus,
        };
        let me = self.me(&layout, &folder);
        let (gauges, sampling) = measure(context.sight, &folder);
        announce(&layout, &me, &self.controller, found.err());
        warn_of_remote(&folder);
        let controller = self.controller.clone();
        let link = Remote::new(dial);
        let setup = Setup {
            trials: Shims { link: link.clone(), context: Arc::new(context) },
            link,
            reporter: Reporter::new(&me.sweep),
            me,
            slots: layout.slots,
            data: folder.path.clone(),
            gauges,
            holdings,
            controller,
        };
        Ok((setup, Kept { _folder: folder, _claims: claims, _sampling: sampling }))
    }

    fn check(&self, inventory: &impl Inventory) -> Result<Layout, Failure> {
        // The sweep's id becomes part of a path.
        let sweep = self.sweep.as_str();
        if sweep.is_empty() || !sweep.chars().all(|c| c.is_ascii_alphanumeric()) {
            let message = format!("`{}` is not the id of a sweep", sweep.escape_debug());
            return Err(Failure::new(Exit::Input, message).hint("`sweep ls` shows what there is"));
        }
        let wish = Wish {
            gpus: self.gpus.clone(),
            per_trial: self.gpus_per_trial,
            slots: self.slots,
            share: self.share,
        };
        let mut problems = Vec::new();
        if self.count == Some(0) {
            problems.push("`--count` must be at least 1".to_owned());
        }
        match lay_out(&wish, &given(inventory.find(), &Own::of_this_process())) {
            Ok(layout) if problems.is_empty() => Ok(layout),
            Ok(_) => Err(all(problems)),
            Err(more) => {
                problems.extend(more);
                Err(all(problems))
            }
        }
    }

    fn me(&self, layout: &Layout, folder: &Folder) -> Me {
        let gpus = used_gpus(layout);
        let devices = if gpus.is_empty() {
            vec!["CPU".to_owned()]
        } else {
            gpus.iter().map(|gpu| gpu.name.clone()).collect()
        };
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Me {
            agent: folder.who.agent.clone(),
            incarnation: folder.who.incarnation,
            sweep: self.sweep.clone(),
            host: host.trim().to_owned(),
            devices,
            slots: layout.slots.len(),
            gpus: layout.slots.iter().map(Slot::shown).collect(),
            grace: self.grace(),
            count: self.count,
        }
    }

    fn grace(&self) -> Duration {
        Duration::from_secs(self.grace.into())
    }
}

/// Returns every GPU that a slot uses, without repetitions.
fn used_gpus(layout: &Layout) -> Vec<Gpu> {
    let mut gpus: Vec<Gpu> = Vec::new();
    for gpu in layout.slots.iter().flat_map(|slot| &slot.gpus) {
        if !gpus.contains(gpu) {
            gpus.push(gpu.clone());
        }
    }
    gpus
}

fn take_gpus(layout: &Layout, folder: &Folder, share: bool) -> Result<Claims, Failure> {
    let gpus = used_gpus(layout);
    let locks = if gpus.is_empty() { PathBuf::new() } else { folder::state_folder()?.join("gpus") };
    claim(&gpus, &locks, &folder.path, share).map_err(|problems| {
        all(problems)
            .hint("choose other GPUs with --gpus, or start both agents with --share to share them")
    })
}

/// Warns if the agent's folder is on a file server.
fn warn_of_remote(folder: &Folder) {
    if let Some(kind) = folder.remote_filesystem() {
        let path = folder.path.display();
        say(format_args!(
            "warning: {path} is on {kind}: rows may be lost there when the file server fails"
        ));
        say("hint: name a folder on a local disk with --data, or point XDG_STATE_HOME at one");
    }
}

/// Begins to measure the node. An agent that cannot do so works all the same.
fn measure(sight: Sight, folder: &Folder) -> (Gauges, Option<Sampling>) {
    let gauges = Gauges::default();
    let sampling = gauges.start(sight, folder.path.clone()).unwrap_or_else(|error| {
        say(format_args!("warning: the load of this node cannot be measured: {error}"));
        None
    });
    (gauges, sampling)
}

/// Combines all problems into one failure.
fn all(mut problems: Vec<String>) -> Failure {
    if problems.len() == 1 {
        return Failure::new(Exit::Input, problems.remove(0));
    }
    let failure =
        Failure::new(Exit::Input, format!("{} with the flags", count(problems.len(), "problem")));
    problems.into_iter().fold(failure, |failure, problem| failure.detail(format!("  {problem}")))
}

fn announce(layout: &Layout, me: &Me, controller: &str, no_cgroups: Option<String>) {
    for note in &layout.notes {
        say(note);
    }
    if let Some(why) = no_cgroups {
        say(format_args!(
            "no cgroups for trials: {why} (docs/agents.md describes the consequences)"
        ));
    }
    let gpus = used_gpus(layout);
    let with = match gpus.first() {
        Some(first) if gpus.iter().all(|gpu| gpu.name == first.name) => {
            format!(" on {} × {}", gpus.len(), first.name)
        }
        Some(_) => format!(" on {}", me.devices.join(", ")),
        None => String::new(),
    };
    say(format_args!("sweep {} at {controller}: {}{with}", me.sweep, count(me.slots, "slot")));
}
