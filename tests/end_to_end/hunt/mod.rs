//! Sends SIGKILL and SIGSTOP at random moments to the controller, agents, shims and trainers that
//! work through a grid. Each cell is finished once, with the rows, the value and the summary that
//! it has without a kill. Acknowledged rows are stored, and no process lives on. BESOM_KILLS sets
//! the number of kills: 20 unless `cargo xtask soak` asks for more. BESOM_SEED sets the seed of the
//! moments.

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
    processes::{Signal, signal},
    rows, times,
};

use self::fleet::{Fleet, KINDS, Kind};

const DEFAULT_KILLS: usize = 20;
/// The number of cells per kill: more than the fleet finishes between two kills, so the grid lasts
/// longer than the kills.
const CELLS_PER_KILL: usize = 2;
/// The longest pause between two strikes; the average is half of it.
const PAUSE: Duration = Duration::from_millis(400);
/// The longest time for which a process stays stopped: more than twice a lease.
const STOP: Duration = Duration::from_secs(5);
/// The pause between two rounds of the hunter's loop.
const TICK: Duration = Duration::from_millis(10);
/// The pause between two appends of the writer that sends rows to the controller all the time.
const WRITE_EVERY: Duration = Duration::from_millis(10);

#[test]
fn a_fleet_under_random_kills_loses_nothing() {
    let kills = times("BESOM_KILLS", DEFAULT_KILLS);
    let cells = kills * CELLS_PER_KILL;
    let mut chance = Chance::from_environment();
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
        "every acknowledged row once, and nothing else"
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

/// Processes that were stopped, the signal that they get next, and the time of that signal.
struct Asleep {
    until: Instant,
    kind: Kind,
    pids: Vec<i32>,
    next: Signal,
}

/// The source of the signals, with counts of the processes that it has killed and stopped.
#[derive(Default)]
struct Hunter {
    asleep: Vec<Asleep>,
    killed: BTreeMap<Kind, usize>,
    stopped: BTreeMap<Kind, usize>,
}

impl Hunter {
    /// Strikes until `kills` processes were killed, one of each kind in turn, and leaves no process
    /// stopped.
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
            // If no process of that kind lives at the moment, or all of them are stopped, another
            // kind is next.
            let at = chance.below(turn.len());
            if self.strike(fleet, chance, turn[at]) {
                turn.swap_remove(at);
                next = Instant::now() + chance.up_to(PAUSE);
                last = Instant::now();
            }
            assert!(last.elapsed() < PATIENCE, "no process is left of {turn:?}: {}", fleet.said());
        }
    }

    /// Kills one process of this kind, or stops it and chooses the next signal. Returns false if
    /// there was no such process.
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
        // About half of the stops are shorter than a lease. The others last up to [`STOP`].
        let most = if chance.below(2) == 0 { fleet::LEASE } else { STOP };
        self.asleep.push(Asleep { until: Instant::now() + chance.up_to(most), kind, pids, next });
        true
    }

    fn kill(&mut self, kind: Kind, pids: &[i32]) -> bool {
        let killed = signal(Signal::KILL, pids);
        *self.killed.entry(kind).or_default() += killed;
        killed > 0
    }

    /// Continues or kills the processes whose stop is over.
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
