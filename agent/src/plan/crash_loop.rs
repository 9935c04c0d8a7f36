//! Detects a crash loop: trials that fail in a row on this node, soon after their start. In a crash
//! loop the node may be at fault, so the agent leaves before it has used up the sweep's trials.
//! This module is a part of the plan and has no side effects. If the trials of all nodes fail in
//! this way, the controller pauses the sweep.

use std::{collections::BTreeSet, time::Duration};

use proto::v1::Outcome;
use terminal::{Exit, Failure};

/// The longest running time of a failed trial that counts towards a crash loop.
const QUICK_FAILURE: Duration = Duration::from_secs(60);
/// The number of quick failures in a row that make a crash loop.
const CRASH_LOOP: usize = 5;

/// The messages of the quick failures in a row, up to the newest one.
#[derive(Clone, Debug, Default)]
pub(super) struct CrashLoop(Vec<String>);

impl CrashLoop {
    /// Records the outcome of a trial that ended by itself after `ran`. Returns the reason to leave
    /// if this outcome completes a crash loop.
    pub(super) fn take(&mut self, outcome: &Outcome, ran: Duration) -> Option<Failure> {
        let is_quick = ran <= QUICK_FAILURE && matches!(outcome.class.as_str(), "start" | "error");
        if !is_quick {
            self.0.clear();
            return None;
        }
        self.0.push(outcome.message.clone());
        (self.0.len() >= CRASH_LOOP).then(|| self.failure())
    }

    fn failure(&self) -> Failure {
        let reasons: BTreeSet<&str> =
            self.0.iter().map(|message| message.lines().next().unwrap_or_default()).collect();
        let reason = match reasons.len() {
            1 => format!("each with {}", reasons.iter().next().unwrap_or(&"")),
            _ => format!("for {} reasons", reasons.len()),
        };
        let (count, seconds) = (self.0.len(), QUICK_FAILURE.as_secs());
        let text =
            format!("{count} trials in a row failed within {seconds} s of their start, {reason}");
        let mut failure = Failure::new(Exit::Refused, text);
        let last = self.0.last().map(String::as_str).unwrap_or_default();
        failure.details = last.lines().skip(1).map(|line| format!("  {line}")).collect();
        failure
            .hint(
                "start the agent again once the program works; `sweep resume` first, if the sweep \
                was paused",
            )
            .hint("`sweep retry` runs failed trials again")
    }
}
