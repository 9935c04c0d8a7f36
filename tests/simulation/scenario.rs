//! Derives a scenario from a seed: sweeps, nodes, programs, and the frequency of each trouble. Each
//! seed leaves most troubles out, because some bugs show only if no other trouble hides them.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{network::Weather, program::Manners};

/// The share of seeds in which nothing goes wrong.
const FAIR: f64 = 0.06;

/// The share of seeds in which users often cancel, stop and retry.
const IMPATIENT: f64 = 0.25;

/// The plan of one simulation.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) sweeps: Vec<Wanted>,
    /// The number of programs that log runs outside sweeps.
    pub(crate) loners: usize,
    /// Whether nothing goes wrong around the programs, so that no attempt may be lost.
    pub(crate) fair: bool,
    pub(crate) manners: Manners,
    pub(crate) weather: Weather,
    pub(crate) troubles: Vec<(Trouble, u32)>,
    /// The mean time between two troubles.
    pub(crate) every: Duration,
    /// The time from the start until the troubles end.
    pub(crate) calm_after: Duration,
}

/// A sweep, and the nodes that work for it.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) yaml: String,
    /// The number of points, if the sweep is a grid.
    pub(crate) cells: Option<u64>,
    /// The number of GPUs of each node.
    pub(crate) nodes: Vec<u32>,
}

/// A trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    ControllerKilled,
    ControllerKilledInWrite,
    PowerLost,
    DiskFull,
    DiskFails,
    FolderGone,
    NodeCutOff,
    AgentKilled,
    AgentStopped,
    AgentInterrupted,
    AgentTerminated,
    NodeDown,
    NodeGone,
    Paused,
    RunsRetried,
    SweepStopped,
    SweepCancelled,
    TokenMistaken,
    CapRaised,
}

impl Trouble {
    const ALL: [Trouble; 17] = [
        Trouble::ControllerKilled,
        Trouble::ControllerKilledInWrite,
        Trouble::PowerLost,
        Trouble::DiskFull,
        Trouble::DiskFails,
        Trouble::FolderGone,
        Trouble::NodeCutOff,
        Trouble::AgentKilled,
        Trouble::AgentStopped,
        Trouble::AgentInterrupted,
        Trouble::AgentTerminated,
        Trouble::NodeDown,
        Trouble::NodeGone,
        Trouble::Paused,
        Trouble::RunsRetried,
        Trouble::SweepStopped,
        Trouble::SweepCancelled,
    ];

    /// Returns the weight with which this trouble is drawn among the troubles of a seed.
    fn weight(self) -> u32 {
        match self {
            Trouble::NodeGone => 6,
            Trouble::SweepStopped | Trouble::SweepCancelled => 3,
            Trouble::NodeCutOff => 16,
            _ => 8,
        }
    }

    /// Returns the share of seeds in which this trouble may come.
    fn share(self) -> f64 {
        match self {
            Trouble::SweepStopped | Trouble::SweepCancelled => 0.15,
            Trouble::NodeCutOff => 0.6,
            _ => 0.35,
        }
    }
}

impl Scenario {
    /// Returns the scenario of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut scenario = Self::drawn(seed);
        // Later additions are drawn from a separate generator, so that seeds in notes and tests
        // keep their scenario.
        let mut rng = StdRng::seed_from_u64(seed ^ 0x70CE);
        if rng.random_bool(0.4) {
            scenario.manners.straggle = rng.random_range(0.0..0.5);
        }
        if rng.random_bool(0.3) && !scenario.fair {
            scenario.troubles.push((Trouble::TokenMistaken, Trouble::TokenMistaken.weight()));
        }
        if rng.random_bool(0.3) && !scenario.fair {
            scenario.troubles.push((Trouble::CapRaised, Trouble::CapRaised.weight()));
        }
        scenario
    }

    fn drawn(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let troubles = Trouble::ALL.into_iter().filter(|trouble| rng.random_bool(trouble.share()));
        let mut troubles: Vec<_> = troubles.map(|trouble| (trouble, trouble.weight())).collect();
        let impatient = rng.random_bool(IMPATIENT);
        if impatient {
            let people = [
                Trouble::SweepCancelled,
                Trouble::SweepStopped,
                Trouble::RunsRetried,
                Trouble::NodeCutOff,
            ];
            troubles.extend(people.map(|trouble| (trouble, 8)));
        }
        let mut sometimes = |share: f64, most: f64| {
            if rng.random_bool(share) { rng.random_range(0.0..most) } else { 0.0 }
        };
        let weather = Weather {
            lost: sometimes(0.5, 0.2),
            doubled: sometimes(0.5, 0.3),
            late: sometimes(0.4, 0.1),
        };
        let manners = Manners {
            fail: sometimes(0.5, 0.3),
            shim_killed: sometimes(0.3, 0.15),
            unstartable: sometimes(0.2, 0.1),
            sdk: sometimes(0.6, 1.0),
            straggle: 0.0,
            longest: rng.random_range(20.0..900.0),
            rows: rng.random_range(1..20),
        };
        let fair = rng.random_bool(FAIR);
        let manners = Manners {
            shim_killed: if fair { 0.0 } else { manners.shim_killed },
            fail: if impatient { 0.5 } else { manners.fail },
            ..manners
        };
        let sweeps = (0..rng.random_range(1..=2)).map(|_| wanted(&mut rng, impatient)).collect();
        Self {
            seed,
            sweeps,
            loners: if fair { 0 } else { rng.random_range(0..=2) },
            manners,
            weather: if fair { Weather::default() } else { weather },
            troubles: if fair { Vec::new() } else { troubles },
            fair,
            every: Duration::from_secs(rng.random_range(15..240)),
            calm_after: Duration::from_secs(rng.random_range(3600..14_400)),
        }
    }
}

fn wanted(rng: &mut StdRng, impatient: bool) -> Wanted {
    let nodes = (0..rng.random_range(1..=4)).map(|_| rng.random_range(1..=3)).collect();
    let head = "program: train\nmetric: {name: loss, goal: minimize}\n";
    let seed = rng.random_range(0..1_000_000);
    let rule = match rng.random_range(0..5) {
        0 => "early_terminate: {type: hyperband, min_iter: 2, eta: 2}\n",
        1 => "early_terminate: {type: asha, min_iter: 1, eta: 3}\n",
        _ => "",
    };
    let retry = match rng.random_range(0..4) {
        0 => "retry: {error: 1, lost: 4}\n",
        _ if impatient => "retry: {lost: 0}\n",
        _ => "",
    };
    let rule = format!("{rule}{retry}");
    match rng.random_range(0..6) {
        0 => Wanted {
            yaml: format!(
                "method: random\nseed: {seed}\nrun_cap: {}\n{rule}{head}parameters: {{lr: {{min: \
                0.0, max: 1.0}}}}\n",
                rng.random_range(5..40)
            ),
            cells: None,
            nodes,
        },
        1 => Wanted {
            yaml: format!(
                "method: bayes\nseed: {seed}\nrun_cap: {}\n{rule}{head}parameters: {{lr: {{min: \
                0.0, max: 1.0}}}}\n",
                rng.random_range(4..12)
            ),
            cells: None,
            nodes,
        },
        _ => {
            let (a, b) = (rng.random_range(1..=10), rng.random_range(1..=10));
            let values =
                |most: u64| (0..most).map(|value| value.to_string()).collect::<Vec<_>>().join(", ");
            Wanted {
                yaml: format!(
                    "method: grid\nseed: {seed}\n{rule}{head}parameters:\n  a: {{values: \
                    [{}]}}\n  b: {{values: [{}]}}\n",
                    values(a),
                    values(b)
                ),
                cells: Some(a * b),
                nodes,
            }
        }
    }
}
