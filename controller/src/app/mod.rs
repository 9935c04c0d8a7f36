//! What the controller decides: one file of use cases per noun, over one store. Called by the doors of `api`, by the
//! background step and by tests. Never sees a wire format, and never a database's own words.

pub(crate) mod agents;
pub(crate) mod caller;
pub(crate) mod change;
pub(crate) mod error;
pub(crate) mod files;
mod limits;
pub(crate) mod read;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod sweeps;
pub(crate) mod text;
pub(crate) mod upkeep;

use std::sync::Arc;

use probes::{Bug, planted};
use tokio::sync::{Semaphore, watch as channel};

pub(crate) use error::Error;

use crate::{
    app::{
        agents::registry::Presences,
        change::{leases::Leases, wakeups::Bell},
        files::{blobs::Collector, room::Room},
        rows::{compaction::Compaction, rung_costs::Standings},
        sweeps::{plan::Plans, suggest::Searches},
        upkeep::{full::Fullness, lost::Loss},
    },
    chance::Chance,
    clock::Clock,
    platform::Threads,
    settings::Settings,
    store::{self, Store, Tx},
};
use caller::Tokens;
use change::{Change, Effects};

/// All that a use case may need.
#[derive(Debug)]
pub(crate) struct App {
    /// Limits and defaults.
    pub(crate) settings: Settings,
    /// Who may do what.
    pub(crate) tokens: Tokens,
    clock: Clock,
    chance: Chance,
    threads: Threads,
    store: Store,
    bell: Bell,
    leases: Leases,
    presences: Presences,
    plans: Plans,
    searches: Searches,
    standings: Standings,
    compaction: Compaction,
    explaining: Arc<Semaphore>,
    /// KiB that readers may have read ahead of their clients, all together.
    ahead: Semaphore,
    collector: Collector,
    room: Room,
    full: Fullness,
    loss: Loss,
    draining: channel::Sender<bool>,
}

const SECRET: &str = "secret";

impl App {
    /// Over an open store. Every attempt that somebody holds gets a full lease.
    ///
    /// # Errors
    /// When the database fails.
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
        let held = store.read(|tx| store::runs::held(tx).map_err(Error::from)).await?;
        let stored = store.read(|tx| store::files::stored(tx).map_err(Error::from)).await?;
        let leases = Leases::new(settings.lease);
        for (run, attempt, _) in held.iter().filter(|_| !planted(Bug::LeasesForgotten)) {
            leases.grant(run, *attempt, clock.now());
        }
        Ok(Arc::new(Self {
            tokens: Tokens::new(settings.token.as_deref(), &secret),
            plans: Plans::new(settings.limits.plans),
            searches: Searches::default(),
            standings: Standings::default(),
            compaction: Compaction::default(),
            explaining: Arc::new(Semaphore::new(sweeps::explain::AT_ONCE)),
            ahead: Semaphore::new(rows::pieces::ALL_AHEAD),
            collector: Collector::new(clock.now()),
            room: Room::new(stored, settings.storage_bytes),
            full: Fullness::default(),
            loss: Loss::default(),
            bell: Bell::default(),
            presences: Presences::default(),
            draining: channel::Sender::new(false),
            leases,
            clock,
            chance,
            threads,
            store,
            settings,
        }))
    }

    /// Whether the disk has no room for rows and contents, and each change of that.
    pub(crate) fn fullness(&self) -> channel::Receiver<bool> {
        self.full.subscribe()
    }

    /// Why nothing can be written, and each change of that.
    pub(crate) fn losses(&self) -> channel::Receiver<Option<store::Error>> {
        self.loss.subscribe()
    }

    /// Ends long polls and streams, so that the program can end soon.
    pub(crate) fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// What is stored.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The only time.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Returns when [`App::drain`] was called.
    async fn drained(&self) {
        let mut draining = self.draining.subscribe();
        // The sender lives as long as `self`.
        let _ = draining.wait_for(|draining| *draining).await;
    }

    fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Makes a change: `work` runs in a transaction of its own, and what it did is on the disk when this returns. Leases
    /// and rings follow the commit, even when the caller has gone away.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (app, after) = (self.clone(), self.clone());
        let work = move |tx: &Tx<'_>| {
            let mut change = Change::new(tx, &app);
            let value = work(&mut change)?;
            Ok::<_, Error>((value, change.close()?))
        };
        let changed = self.store.write(work, move |(_, effects)| after.follow(effects)).await;
        upkeep::full::written(self, changed).await.map(|(value, _)| value)
    }

    fn follow(&self, effects: &Effects) {
        let now = self.clock.now();
        for (run, attempt) in &effects.held {
            match attempt {
                Some(attempt) => self.leases.grant(run, *attempt, now),
                None => self.leases.release(run),
            }
        }
        self.bell.ring(&effects.rings);
    }

    /// Reads from one snapshot.
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Tx<'_>, &App) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let app = self.clone();
        let read = self.store.read(move |tx| work(tx, &app)).await;
        read.map_err(|error: Error| match error {
            Error::Disk(reason) => Error::busy(format!(
                "the controller cannot read `{}`: {reason}",
                self.settings.data.display()
            )),
            Error::Torn(damage) => upkeep::lost::unreadable(self, damage),
            error => error,
        })
    }
}
