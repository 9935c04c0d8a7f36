//! Gives access to the rows in two ways: through a change, which the writer makes, and through a
//! read beside it.

use std::sync::Arc;

use super::{
    App,
    change::{Change, Effects},
    error::Error,
    upkeep::{full, lost},
};
use crate::store::Tx;

impl App {
    /// Makes a change: `work` runs in a transaction of its own, and its effect is on the disk when
    /// this returns. Leases and wake-ups follow the commit, even if the caller has gone away.
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
        for (run, attempt) in &effects.held {
            match attempt {
                Some(attempt) => self.leases.grant(run, *attempt, now),
                None => self.leases.release(run),
            }
        }
        self.wakeups.wake(&effects.wakes);
    }

    /// Runs `work` on one snapshot of the rows.
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
