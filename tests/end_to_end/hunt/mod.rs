//! SIGKILL and SIGSTOP at random moments, to a controller, its agents, their shims and their
//! trainers alike, while a grid is worked through: each cell is finished once, its history is what
//! it would have been without a single kill, what was acknowledged is stored, and nothing lives on.
//! BESOM_KILLS says how many, 20 unless `cargo xtask soak` asks for more.

mod fleet;
mod verdict;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use proto::dial::Dial;
use tests::{
    Chance, Lab, PATIENCE,
    acknowledged::{acknowledged, append},
    monotonic_ns,
    processes::{Signal, signal},
    rows, times,
};

use self::fleet::{Fleet, KINDS, Kind};

const DEFAULT_KILLS: usize = 20;
/// More than are finished while the kills go on, and so many at least.
const CELLS_PER_KILL: usize = 2;
/// From one strike to the next at most; half of it on average.
const PAUSE: Duration = Duration::from_millis(400);
/// How long what is stopped stays so at most: more than twice a lease.
const STOP: Duration = Duration::from_secs(5);
/// Between two looks.
const TICK: Duration = Duration::from_millis(10);
/// Between two rows of who tells the controller something all the time.
const WRITE_EVERY: Duration = Duration::from_millis(10);

#[test]
fn a_fleet_that_is_shot_at_loses_nothing() {
    let kills = times("BESOM_KILLS", DEFAULT_KILLS);
    let cells = kills * CELLS_PER_KILL;
    let seed = monotonic_ns();
    terminal::say(format_args!("hunting from seed {seed}"));
    let mut chance = Chance::new(seed);
    let lab = Lab::with_controller();
    let begun = Instant::now();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dial = runtime.block_on(async { Dial::new(&lab.address(), None).unwrap() });
    let over = Arc::new(AtomicBool::new(false));
    let writer = runtime.spawn(acknowledged(
        dial.clone(),
        Arc::clone(&over),
        |dial, begun, acked| async move {
            tokio::time::sleep(WRITE_EVERY).await;
            append(dial, begun, acked).await
        },
    ));

    let mut fleet = Fleet::new(lab, cells);
    let mut hunter = Hunter::default();
    hunter.hunt(&mut fleet, &mut chance, kills);
    let struck = begun.elapsed();
    fleet.finish(&mut chance);

    over.store(true, Ordering::Relaxed);
    let (run, acked) = runtime.block_on(writer).unwrap();
    let have = runtime.block_on(rows::stored(&dial, &run));
    assert_eq!(
        have,
        (0..acked).collect::<Vec<_>>(),
        "all that was acknowledged, once, and nothing else"
    );
    let verdict = runtime.block_on(verdict::check(&fleet, &dial, cells));
    fleet.close();
    terminal::say(format_args!(
        "{hunter} in {struck:.1?}, all over after {:.1?}: {cells} cells finished once, {verdict}; \
        {acked} rows \
         acknowledged and stored; a crash loop seen {} times",
        begun.elapsed(),
        fleet.resumed
    ));
}

/// Somebody who was stopped, and what comes next.
struct Asleep {
    until: Instant,
    kind: Kind,
    pids: Vec<i32>,
    next: Signal,
}

/// Who strikes, and what it has done.
#[derive(Default)]
struct Hunter {
    asleep: Vec<Asleep>,
    killed: BTreeMap<Kind, usize>,
    stopped: BTreeMap<Kind, usize>,
}

impl Hunter {
    /// Strikes until so many were killed, each kind in its turn, and leaves nobody stopped.
    fn hunt(&mut self, fleet: &mut Fleet, chance: &mut Chance, kills: usize) {
        let (mut turn, mut next, mut last) = (Vec::new(), Instant::now(), Instant::now());
        while !self.asleep.is_empty() || self.killed.values().sum::<usize>() < kills {
            thread::sleep(TICK);
            self.wake();
            fleet.tend(chance, !self.asleep.iter().any(|asleep| asleep.kind == Kind::Controller));
            let enough = self.killed.values().sum::<usize>() >= kills;
            if enough || Instant::now() < next {
                continue;
            }
            if turn.is_empty() {
                turn.extend(KINDS);
            }
            // Nobody of that kind may live at the moment, or only some who are stopped: then it is
            // another's turn.
            let at = chance.below(turn.len());
            if self.strike(fleet, chance, turn[at]) {
                turn.swap_remove(at);
                next = Instant::now() + chance.up_to(PAUSE);
                last = Instant::now();
            }
            assert!(last.elapsed() < PATIENCE, "nobody is left of {turn:?}: {}", fleet.said());
        }
    }

    /// Kills one of this kind, or stops it and decides what comes then; whether there was one.
    fn strike(&mut self, fleet: &Fleet, chance: &mut Chance, kind: Kind) -> bool {
        let mut living = fleet.living(kind);
        living.retain(|pid| self.asleep.iter().all(|asleep| !asleep.pids.contains(pid)));
        if living.is_empty() {
            return false;
        }
        let pid = living[chance.below(living.len())];
        let next = match (kind, chance.below(5)) {
            (Kind::Node, _) | (_, 0) => Signal::CONT,
            (_, 1) => Signal::KILL,
            _ => return self.kill(kind, &[pid]),
        };
        let pids = fleet.with(kind, pid);
        if signal(Signal::STOP, &pids) == 0 {
            return false;
        }
        *self.stopped.entry(kind).or_default() += 1;
        // Some shorter than a lease, some longer.
        let most = if chance.below(2) == 0 { fleet::LEASE } else { STOP };
        self.asleep.push(Asleep { until: Instant::now() + chance.up_to(most), kind, pids, next });
        true
    }

    fn kill(&mut self, kind: Kind, pids: &[i32]) -> bool {
        let killed = signal(Signal::KILL, pids);
        *self.killed.entry(kind).or_default() += killed;
        killed > 0
    }

    /// Those whose time is over go on, or die.
    fn wake(&mut self) {
        let now = Instant::now();
        for Asleep { kind, pids, next, .. } in
            self.asleep.extract_if(.., |asleep| asleep.until <= now).collect::<Vec<_>>()
        {
            if next == Signal::KILL {
                self.kill(kind, &pids);
            } else {
                signal(next, &pids);
            }
        }
    }
}

impl std::fmt::Display for Hunter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (killed, stopped): (usize, usize) =
            (self.killed.values().sum(), self.stopped.values().sum());
        write!(f, "{killed} killed {:?}, {stopped} stopped {:?}", self.killed, self.stopped)
    }
}
