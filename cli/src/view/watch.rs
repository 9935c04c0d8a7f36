//! Shows a sweep while it runs: keeps what the controller has sent, and returns the block for a
//! terminal and the lines for logs.

use std::collections::BTreeMap;

use proto::v1::{Run, Sweep, SweepUpdate};
use terminal::{
    number, one_line,
    progress::bar_text,
    style::{self, paint},
    table::Table,
};

use super::{
    CELL, SENTENCE, best, broken, count, counts, is_bad, is_held, is_over, method, one_word,
    reason, state, took, values,
};

/// The width of the progress bar in terminal columns.
const BAR: usize = 40;
/// The most leased or running trials that are shown.
const SHOWN: usize = 12;

/// The message while the controller does not answer.
const AWAY: &str = "the controller is out of reach; waiting for it";

/// The state of a sweep as the controller has reported it so far.
pub(crate) struct Watched {
    sweep: Sweep,
    /// The command that starts an agent for the sweep.
    agent_line: String,
    /// The runs that agents hold, by trial number.
    held: BTreeMap<(Option<u64>, String), Run>,
    /// The state that the controller sent last, by run id.
    told: BTreeMap<String, String>,
    /// Whether the next update is the first of a stream and names all live runs.
    anew: bool,
    /// Whether the controller is out of reach.
    away: bool,
    told_state: String,
}

impl Watched {
    /// Starts with the sweep itself and no runs.
    pub(crate) fn new(sweep: Sweep, agent_line: String) -> Self {
        Self {
            sweep,
            agent_line,
            held: BTreeMap::new(),
            told: BTreeMap::new(),
            anew: true,
            away: false,
            told_state: String::new(),
        }
    }

    /// Prepares for a new stream: agents no longer hold the runs that its first update does not
    /// name.
    pub(crate) fn starts_anew(&mut self) {
        self.anew = true;
    }

    /// Records that the controller is out of reach, until the next update arrives. Returns the line
    /// that reports this.
    pub(crate) fn loses_the_controller(&mut self) -> Vec<String> {
        self.away = true;
        vec![AWAY.to_owned()]
    }

    /// Returns whether the sweep is over, even if trials are still running.
    pub(crate) fn sweep_is_over(&self) -> bool {
        is_over(&self.sweep)
    }

    /// Returns whether the sweep is over and no trial is still running.
    pub(crate) fn is_over(&self) -> bool {
        let counts = self.sweep.counts.unwrap_or_default();
        is_over(&self.sweep) && counts.leased + counts.running == 0
    }

    /// Takes an update and returns one line for each change that matters to a user.
    pub(crate) fn take(&mut self, update: SweepUpdate) -> Vec<String> {
        let mut lines = Vec::new();
        if std::mem::take(&mut self.anew) {
            self.held.clear();
        }
        self.away = false;
        self.sweep = update.sweep.unwrap_or_else(|| std::mem::take(&mut self.sweep));
        if self.told_state != self.sweep.state && !is_over(&self.sweep) {
            self.told_state.clone_from(&self.sweep.state);
            lines.push(self.state_line());
        }
        for run in update.runs {
            if self.told.get(&run.id) != Some(&run.state) && run.state != "leased" {
                lines.push(self.run_line(&run));
            }
            let key = (run.trial, run.id.clone());
            self.told.insert(run.id.clone(), run.state.clone());
            if is_held(&run) {
                self.held.insert(key, run);
            } else {
                self.held.remove(&key);
            }
        }
        lines
    }

    fn state_line(&self) -> String {
        let counts = counts(&self.sweep.counts.unwrap_or_default());
        let gap = if counts.is_empty() { "" } else { ": " };
        let note = if self.sweep.note.is_empty() {
            String::new()
        } else {
            format!(" ({})", one_line(&self.sweep.note, 2 * SENTENCE))
        };
        format!("{} is {}{note}{gap}{counts}", one_word(&self.sweep.id), state(&self.sweep.state))
    }

    fn run_line(&self, run: &Run) -> String {
        let mut line = format!("{} {}", one_word(&run.id), state(&run.state));
        if let Some(value) = run.value.filter(|_| !is_held(run)) {
            line += &format!(", {} {}", one_line(&self.sweep.metric, CELL), number(value));
        }
        if let Some(broken) = broken(run) {
            line += &format!(", beyond its limits: {broken}");
        }
        if is_bad(run) {
            line += &format!(", {}", reason(run));
        } else if is_held(run) && !run.agent.is_empty() {
            line += &format!(" on {}", one_word(&run.agent));
        }
        line
    }
}

/// Returns the block for a terminal: the sweep, a progress bar, the counts, the best run, and the
/// running trials.
pub(crate) fn block(watched: &Watched, now_ms: i64) -> String {
    let sweep = &watched.sweep;
    let numbers = sweep.counts.unwrap_or_default();
    let name = one_line(&sweep.name, 2 * CELL);
    let mut head = vec![paint(style::STRONG, one_word(&sweep.id)), state(&sweep.state)];
    if !name.is_empty() {
        head.insert(1, name);
    }
    head.push(paint(style::FAINT, method(sweep)));
    let mut lines = vec![head.join("  ")];
    let elapsed =
        sweep.started_ms.map(|started| sweep.ended_ms.unwrap_or(now_ms).saturating_sub(started));
    let elapsed = elapsed.map(|ms| format!("  {}", paint(style::FAINT, terminal::duration(ms))));
    let elapsed = elapsed.unwrap_or_default();
    let over =
        numbers.finished + numbers.failed + numbers.crashed + numbers.stopped + numbers.pruned;
    lines.push(match sweep.trials_bound {
        Some(bound) => format!("{}  {over}/{bound}{elapsed}", bar_text(over, bound, BAR)),
        None => format!("{}{elapsed}", count(over, "trial")),
    });
    lines.push(counts(&numbers));
    if let (Some(text), Some(run)) = (best(sweep), &sweep.best) {
        let params =
            values::sentence(&values::flatten(&values::object(&run.config_json)), SENTENCE);
        lines.push(format!("best {text}  {}", paint(style::FAINT, params)));
    }
    if !sweep.note.is_empty() {
        lines.push(paint(style::WARNING, one_line(&sweep.note, 2 * SENTENCE)));
    }
    if watched.away {
        lines.push(paint(style::WARNING, AWAY));
    }
    if numbers.trials == 0 && !is_over(sweep) {
        lines.push(format!(
            "no trial yet; this starts an agent: {}",
            paint(style::STRONG, &watched.agent_line)
        ));
    }
    if !watched.held.is_empty() {
        lines.push(String::new());
        lines.push(running(watched, now_ms));
    }
    lines.retain(|line| !line.is_empty() || !watched.held.is_empty());
    lines.join("\n")
}

fn running(watched: &Watched, now_ms: i64) -> String {
    let mut table = Table::default().left("run").left("state");
    table = table.right(&one_line(&watched.sweep.metric, CELL)).right("time").left("parameters");
    for run in watched.held.values().take(SHOWN) {
        table.row([
            one_word(&run.id),
            state(&run.state),
            run.value.map(number).unwrap_or_default(),
            took(run, now_ms),
            paint(
                style::FAINT,
                values::sentence(&values::flatten(&values::object(&run.config_json)), SENTENCE),
            ),
        ]);
    }
    let left = watched.held.len().saturating_sub(SHOWN);
    let more = if left > 0 {
        format!("\n{}", paint(style::FAINT, format!("... {left} more")))
    } else {
        String::new()
    };
    format!("{table}{more}")
}

/// Returns the last line, which says how the sweep ended.
pub(crate) fn end(watched: &Watched) -> String {
    let sweep = &watched.sweep;
    let numbers = sweep.counts.unwrap_or_default();
    let mut line = format!(
        "{} is {}: {}",
        one_word(&sweep.id),
        state(&sweep.state),
        count(numbers.trials, "trial")
    );
    let split = counts(&numbers);
    if !split.is_empty() {
        line += &format!(" ({split})");
    }
    if let Some(best) = best(sweep) {
        line += &format!(", best {} {best}", one_line(&sweep.metric, CELL));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixtures::{NOW, plain, runs, sweep};

    #[test]
    fn the_block_of_a_terminal() {
        let mut watched = Watched::new(sweep(), "agent k3x9abcd".to_owned());
        watched.take(SweepUpdate { sweep: Some(sweep()), runs: runs() });
        insta::assert_snapshot!(plain(&block(&watched, NOW)));
    }

    #[test]
    fn a_block_before_anything_runs() {
        let empty = Sweep {
            id: "m2c8tzwq".to_owned(),
            state: "pending".to_owned(),
            method: "grid".to_owned(),
            ..Sweep::default()
        };
        let empty = Sweep { created_ms: NOW - 4_000, trials_bound: Some(60), ..empty };
        insta::assert_snapshot!(plain(&block(
            &Watched::new(empty, "agent m2c8tzwq".to_owned()),
            NOW
        )));
    }

    #[test]
    fn an_unreachable_controller_is_reported_until_it_answers() {
        let mut watched = Watched::new(sweep(), "agent k3x9abcd".to_owned());
        assert_eq!(watched.loses_the_controller(), [AWAY]);
        assert!(block(&watched, NOW).contains(AWAY));
        watched.take(SweepUpdate { sweep: Some(sweep()), runs: Vec::new() });
        assert!(!block(&watched, NOW).contains(AWAY));
    }

    #[test]
    fn a_line_for_each_change_and_no_more() {
        let mut watched = Watched::new(sweep(), "agent k3x9abcd".to_owned());
        let mut lines = watched.take(SweepUpdate { sweep: Some(sweep()), runs: runs() });
        assert!(
            watched.take(SweepUpdate { sweep: Some(sweep()), runs: runs() }).is_empty(),
            "nothing changed"
        );
        let mut later = sweep();
        later.state = "finished".to_owned();
        later.counts =
            Some(proto::v1::Counts { finished: 36, failed: 4, trials: 40, ..Default::default() });
        let ended: Vec<Run> = runs()
            .into_iter()
            .filter(is_held)
            .map(|run| Run { state: "finished".to_owned(), ..run })
            .collect();
        lines.extend(watched.take(SweepUpdate { sweep: Some(later), runs: ended }));
        assert!(watched.is_over() && watched.held.is_empty());
        lines.push(end(&watched));
        insta::assert_snapshot!(plain(&lines.join("\n")));
    }

    #[test]
    fn a_run_beyond_a_limit_says_so() {
        let (sweep, mut runs) = crate::view::fixtures::with_limits();
        let mut watched = Watched::new(sweep.clone(), "agent k3x9abcd".to_owned());
        let runs = vec![runs.remove(2)];
        let lines = watched.take(SweepUpdate { sweep: Some(sweep), runs });
        let expected = "k3x9abcd-2 finished, val/loss 0.02131, beyond its limits: latency_ms \
            31.5, accuracy not logged";
        assert_eq!(plain(&lines[1]), expected);
    }
}
