//! Shows the list of sweeps.

use proto::v1::Sweep;
use terminal::{
    one_line,
    style::{self, paint},
    table::Table,
};

use super::{CELL, one_word, state};

/// Returns one line per sweep, in the given order.
pub(crate) fn sweeps(sweeps: &[Sweep], now_ms: i64) -> String {
    let mut table =
        Table::new(["id", "name", "state", "method", ">trials", ">best", "metric", "created"]);
    for sweep in sweeps {
        let counts = sweep.counts.unwrap_or_default();
        let trials = match sweep.trials_bound {
            Some(bound) => format!("{}/{bound}", counts.trials),
            None => counts.trials.to_string(),
        };
        let best = sweep.best.as_ref().and_then(|best| best.value).map(terminal::number);
        table.row([
            paint(style::STRONG, one_word(&sweep.id)),
            one_line(&sweep.name, CELL),
            state(&sweep.state),
            one_word(&sweep.method),
            trials,
            best.unwrap_or_default(),
            one_line(&sweep.metric, CELL),
            paint(style::FAINT, terminal::age(now_ms.saturating_sub(sweep.created_ms))),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixtures;

    #[test]
    fn sweeps_in_columns() {
        let fresh = Sweep {
            id: "m2c8tzwq".to_owned(),
            state: "pending".to_owned(),
            method: "grid".to_owned(),
            ..Default::default()
        };
        let fresh = Sweep { trials_bound: Some(60), created_ms: fixtures::NOW - 3_000, ..fresh };
        insta::assert_snapshot!(fixtures::plain(&sweeps(
            &[fresh, fixtures::sweep()],
            fixtures::NOW
        )));
    }
}
