//! Gives use cases access to the database in two ways. A change runs on the writer thread. A read
//! runs beside the writer thread, on a snapshot.

use std::sync::Arc;

use super::{
    App,
    change::{Change, Effects, Lease},
    error::Error,
    upkeep::{full, lost},
};
use crate::store::Tx;

impl App {
    /// Runs `work` as one change. After a success, everything that `work` wrote is on the disk.
    /// After a failure, none of its writes is kept, unless the data folder was lost during the
    /// commit. The leases, wake-ups and people of the change follow its commit, even if the caller
    /// no longer waits.
    pub(in crate::app) async fn change<T: Send + 'static>(
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
        full::written(self, changed).await.map(|(value, _)| value)
    }

    fn follow(&self, effects: &Effects) {
        let now = self.clock.now();
        for lease in &effects.leases {
            match lease {
                Lease::Granted(attempt, lease_ms) => self.leases.grant(attempt, *lease_ms, now),
                Lease::Released(run) => self.leases.release(run),
            }
        }
        if let Some(people) = &effects.people {
            self.roster.replace(people.clone());
        }
        self.wakeups.wake(&effects.wakes);
    }

    /// Runs `work` on one snapshot of the database.
    pub(in crate::app) async fn read<T: Send + 'static>(
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
            Error::Torn(damage) => lost::unreadable(self, damage),
            error => error,
        })
    }
}
