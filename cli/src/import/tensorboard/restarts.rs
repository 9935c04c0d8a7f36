//! Finds the places in a folder's event files where the training was restarted at a step. A restart
//! at a step takes back the values of this step and of later steps that were written before the
//! restart. TensorBoard does the same (`SessionLog.START`, `purge_step` of the writers).

use std::{collections::VecDeque, io};

use prost::Message as _;

use super::{
    event,
    framing::{Next, Records},
};
use crate::import::source::Part;

/// The status `SessionLog.START`.
const START: i32 = 1;

/// The restarts that the reader of the events has not reached yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Restarts {
    /// For each restart: the number of records up to and including it, and the smallest step that
    /// it or a later restart takes back.
    ahead: VecDeque<(u64, i64)>,
    passed: u64,
    taken_back: u64,
    from_step: i64,
}

impl Restarts {
    fn of(mut found: Vec<(u64, i64)>) -> Self {
        let mut least = i64::MAX;
        for (_, step) in found.iter_mut().rev() {
            least = least.min(*step);
            *step = least;
        }
        Self { ahead: found.into(), from_step: i64::MAX, ..Self::default() }
    }

    /// Counts one more record as read.
    pub(super) fn pass(&mut self) {
        self.passed += 1;
        while self.ahead.front().is_some_and(|(records, _)| *records <= self.passed) {
            self.ahead.pop_front();
        }
    }

    /// Returns whether a later restart takes back a value of the present record, and counts the
    /// value if so.
    pub(super) fn take_back(&mut self, step: i64) -> bool {
        let Some((_, from)) = self.ahead.front().filter(|(_, from)| *from <= step) else {
            return false;
        };
        self.taken_back += 1;
        self.from_step = self.from_step.min(*from);
        true
    }

    /// Returns a note for the user, if values were taken back.
    pub(super) fn note(&self) -> Option<String> {
        let values = terminal::count(self.taken_back, "value");
        let from = self.from_step;
        (self.taken_back > 0).then(|| {
            format!("the training was restarted: {values} from step {from} on do not count")
        })
    }
}

/// Finds the restarts in the files. Fails if a file cannot be read.
pub(super) fn find(files: &[Part]) -> io::Result<Restarts> {
    let (mut found, mut number) = (Vec::new(), 0);
    for file in files {
        let mut records = Records::open(file)?;
        loop {
            match records.next()? {
                Next::Record(bytes) => {
                    number += 1;
                    if let Some(step) = step(&bytes) {
                        found.push((number, step));
                    }
                }
                Next::Bad => {}
                Next::Torn | Next::Lost | Next::End => break,
            }
        }
    }
    Ok(Restarts::of(found))
}

fn step(bytes: &[u8]) -> Option<i64> {
    let event::Restart { step, session } = event::Restart::decode(bytes).ok()?;
    session.filter(|session| session.status == START).map(|_| step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_takes_back_earlier_values_at_its_step_or_later() {
        // Records 3 and 5 are restarts.
        let mut restarts = Restarts::of(vec![(3, 7), (5, 4)]);
        let mut taken = Vec::new();
        for _ in 0..6 {
            restarts.pass();
            taken.push([3, 4, 7].map(|step| restarts.take_back(step)));
        }
        let (until_five, after) = ([false, true, true], [false; 3]);
        assert_eq!(taken, [until_five, until_five, until_five, until_five, after, after]);
        let note = "the training was restarted: 8 values from step 4 on do not count";
        assert_eq!(restarts.note().as_deref(), Some(note));
        assert_eq!(Restarts::default().note(), None);
    }

    #[test]
    fn between_two_restarts_only_the_later_one_counts() {
        let mut restarts = Restarts::of(vec![(2, 4), (4, 7)]);
        let mut taken = Vec::new();
        for _ in 0..4 {
            restarts.pass();
            taken.push(restarts.take_back(5));
        }
        assert_eq!(taken, [true, false, false, false]);
    }
}
