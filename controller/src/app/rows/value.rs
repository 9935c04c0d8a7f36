//! Tracks the value of a trial, which is the best finite value of its sweep's metric that the trial
//! has logged. `app::rows::ingest` calls this module when rows arrive. `app::files::checkpoints`
//! calls it when an attempt resumes, to count the rows before the checkpoint again.

use super::digest::Key;
use crate::app::{change::draft::Counts, sweeps::plan::Plan};

/// Adds a digest of the sweep's metric to the run's count of rows with the metric, and updates the
/// run's best value.
pub(in crate::app) fn count(counts: &mut Counts<'_>, plan: &Plan, metric: &Key) {
    *counts.logged += metric.rows;
    let best = metric.range.map(|(least, most)| if plan.study.maximize { most } else { least });
    let both = best.into_iter().chain(*counts.value);
    *counts.value = both.reduce(|one, two| if plan.is_better(one, two) { one } else { two });
}
