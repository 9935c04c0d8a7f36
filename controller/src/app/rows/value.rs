//! The value of a trial: the best that it has logged of its sweep's metric. Called when rows come,
//! and when an attempt goes on from a checkpoint and the rows before it are counted anew.

use super::digest::Key;
use crate::{app::sweeps::plan::Plan, store::runs::Run};

/// Takes what was logged of the sweep's metric into the run's count and its value.
pub(in crate::app) fn count(run: &mut Run, plan: &Plan, metric: &Key) {
    run.logged += metric.rows;
    let best = metric.range.map(|(least, most)| if plan.study.maximize { most } else { least });
    let both = best.into_iter().chain(run.value);
    run.value = both.reduce(|one, two| if plan.is_better(one, two) { one } else { two });
}
