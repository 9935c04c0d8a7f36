//! Tracks the value of a trial, which is the best value that it has logged of its sweep's metric.
//! It is called when rows arrive. It is also called when an attempt resumes from a checkpoint and
//! the rows before it are counted again.

use super::digest::Key;
use crate::app::{change::draft::Counts, sweeps::plan::Plan};

/// Adds the logged values of the sweep's metric to the run's count and its value.
pub(in crate::app) fn count(counts: &mut Counts<'_>, plan: &Plan, metric: &Key) {
    *counts.logged += metric.rows;
    let best = metric.range.map(|(least, most)| if plan.study.maximize { most } else { least });
    let both = best.into_iter().chain(*counts.value);
    *counts.value = both.reduce(|one, two| if plan.is_better(one, two) { one } else { two });
}
