//! Decides everything that the controller does. Each file holds the use cases of one noun, and all
//! use cases share one store. The handlers in `api`, the background step and the tests call this
//! module. This module never sees a wire format or SQL.
//!
//! Every function in `app` that returns a [`Result`] fails if the database fails. The `# Errors`
//! sections in `app` leave this reason out.

mod access;
pub(crate) mod agents;
pub(crate) mod bin;
pub(crate) mod change;
pub(crate) mod error;
pub(crate) mod files;
mod limits;
pub(crate) mod people;
pub(crate) mod read;
pub(crate) mod reports;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod saved_views;
pub(crate) mod sweeps;
pub(crate) mod text;
pub(crate) mod upkeep;

use std::sync::Arc;

use probes::{Bug, planted};
use tokio::sync::{Semaphore, watch as channel};

pub(crate) use error::Error;

use crate::{
    app::{
        agents::registry::Registry,
        change::{leases::Leases, wakeups::Wakeups},
        files::{collector::Collector, room::Room},
        people::{
            hashing::Hashing,
            roster::{People, Roster},
            tokens::Tokens,
        },
        rows::{rung_costs::RungCosts, summaries::Summaries, unmerged::Compaction},
        sweeps::{explained::Explained, known::Searches, plan::Plans},
        upkeep::{fullness::Fullness, loss::Loss},
    },
    chance::Chance,
    clock::Clock,
    platform::Threads,
    settings::Settings,
    store::{self, Store, Tx},
};

/// The application: the store, the settings and the state in memory that all use cases share.
#[derive(Debug)]
pub(crate) struct App {
    /// The controller's limits and defaults.
    pub(crate) settings: Settings,
    /// The tokens, which decide what each caller may do.
    pub(crate) tokens: Tokens,
    /// The users with their keys and sessions.
    pub(crate) roster: Roster,
    clock: Clock,
    chance: Chance,
    threads: Threads,
    store: Store,
    wakeups: Wakeups,
    leases: Leases,
    registry: Registry,
    plans: Plans,
    searches: Searches,
    explained: Explained,
    rung_costs: RungCosts,
    summaries: Summaries,
    compaction: Compaction,
    explaining: Arc<Semaphore>,
    hashing: Hashing,
    /// The MiB that all readers of logged tables together may take, one permit per MiB.
    tables: Arc<Semaphore>,
    /// The KiB that all readers together may still read ahead of their clients, one permit per KiB.
    ahead: Semaphore,
    collector: Collector,
    /// Held while W&B's client makes a version that may add to the newest one.
    increments: tokio::sync::Mutex<()>,
    room: Room,
    full: Fullness,
    loss: Loss,
    draining: channel::Sender<bool>,
}

const SECRET: &str = "secret";
/// The most KiB that all readers together may read ahead of their clients.
const AHEAD_KIB: usize = 32 << 10;
/// The most explanations that are computed at the same time. Further explanations wait.
const EXPLAINING: usize = 2;
/// The most MiB of logged tables that are in memory at the same time. Further readers wait.
const TABLES_MIB: u32 = 256;

impl App {
    /// Opens the application over an open store. Every attempt that an agent or a process holds
    /// gets a full lease.
    pub(crate) async fn open(
        settings: Settings,
        store: Store,
        clock: Clock,
        chance: Chance,
        threads: Threads,
    ) -> Result<Arc<Self>, Error> {
        let secret = chance.secret();
        let keep = move |tx: &Tx<'_>| -> Result<Vec<u8>, Error> {
            if let Some(known) = store::facts::get(tx, SECRET)? {
                return Ok(known);
            }
            store::facts::set(tx, SECRET, &secret)?;
            Ok(secret.to_vec())
        };
        let secret = store.write(keep, |_| {}).await?;
        let people = store.read(People::read).await?;
        let held = store.read(|tx| store::holders::held(tx).map_err(Error::from)).await?;
        let stored = store.read(|tx| store::files::stored(tx).map_err(Error::from)).await?;
        let leases = Leases::new(settings.lease);
        for (attempt, lease_ms) in held.iter().filter(|_| !planted(Bug::LeasesForgotten)) {
            leases.grant(attempt, *lease_ms, clock.now());
        }
        Ok(Arc::new(Self {
            tokens: Tokens::new(settings.token.as_deref(), &secret),
            roster: Roster::new(people, settings.session_idle),
            plans: Plans::new(settings.limits.plans),
            searches: Searches::default(),
            explained: Explained::default(),
            rung_costs: RungCosts::default(),
            summaries: Summaries::new(&settings.limits),
            compaction: Compaction::default(),
            explaining: Arc::new(Semaphore::new(EXPLAINING)),
            hashing: Hashing::new(&settings.limits, threads),
            tables: Arc::new(Semaphore::new(TABLES_MIB as usize)),
            ahead: Semaphore::new(AHEAD_KIB),
            collector: Collector::new(clock.now()),
            increments: tokio::sync::Mutex::default(),
            room: Room::new(stored, settings.storage_bytes),
            full: Fullness::default(),
            loss: Loss::default(),
            wakeups: Wakeups::default(),
            registry: Registry::default(),
            draining: channel::Sender::new(false),
            leases,
            clock,
            chance,
            threads,
            store,
            settings,
        }))
    }

    /// Returns a receiver whose value is `true` while the disk has no room for rows and contents.
    /// The receiver is notified of each change.
    pub(crate) fn fullness(&self) -> channel::Receiver<bool> {
        self.full.subscribe()
    }

    /// Returns a receiver of the reason why the store refuses every write; `None` while it accepts
    /// writes. The receiver is notified of each change.
    pub(crate) fn losses(&self) -> channel::Receiver<Option<store::Error>> {
        self.loss.subscribe()
    }

    /// Ends the long polls and the streams that wait for changes, so that the controller can exit
    /// soon.
    pub(crate) fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Returns the store.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the term of the lease of an attempt, in milliseconds. `is_foreign` says whether
    /// W&B's client logs it; `None` means the usual term.
    fn lease_ms(&self, is_foreign: bool) -> Option<i64> {
        let own = i64::try_from(self.settings.foreign_lease.as_millis()).ok();
        own.filter(|_| is_foreign)
    }

    /// Returns the threads for work that blocks or takes long.
    pub(crate) fn threads(&self) -> Threads {
        self.threads
    }

    /// Returns the clock, which is the only source of time.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Waits until [`App::drain`] is called.
    async fn drained(&self) {
        let mut draining = self.draining.subscribe();
        // `wait_for` fails only without a sender, and the sender lives as long as `self`.
        let _ = draining.wait_for(|draining| *draining).await;
    }

    fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }
}
