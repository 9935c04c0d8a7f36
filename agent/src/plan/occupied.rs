//! Slots whose trial has ended and has not left, since some process of it lives or has memory on
//! its GPU, and slots whose GPU does not answer. None of them is given away. Part of the plan, and
//! as pure.

use std::collections::BTreeMap;

use crate::{slots::release::Occupancy, state::holdings::Attempt};

/// What keeps slots from being given away.
#[derive(Clone, Debug, Default)]
pub(super) struct Occupied {
    /// By the trial that has not left.
    trials: BTreeMap<Attempt, Remains>,
    /// By the GPU that does not answer.
    gpus: BTreeMap<String, Remains>,
}

#[derive(Clone, Debug)]
struct Remains {
    slots: Vec<usize>,
    /// What people were told; empty while it may still leave by itself.
    told: String,
}

impl Occupied {
    /// Takes in what becomes of the `slots` of a trial; a sentence when people are to be told.
    pub(super) fn take(
        &mut self,
        attempt: Attempt,
        slots: Vec<usize>,
        occupancy: Occupancy,
    ) -> Option<String> {
        match occupancy {
            Occupancy::Taken => {
                self.trials.insert(attempt, Remains { slots, told: String::new() });
                None
            }
            Occupancy::SetAside(what) => {
                let remains = self.trials.get_mut(&attempt)?;
                remains.told =
                    format!("slot {} is set aside: {what} ({attempt})", numbers(&remains.slots));
                Some(remains.told.clone())
            }
            Occupancy::Free => {
                let remains = self.trials.remove(&attempt)?;
                let again = format!("slot {} is free again", numbers(&remains.slots));
                (!remains.told.is_empty()).then_some(again)
            }
        }
    }

    /// Takes in whether the GPU of these slots answers; a sentence when that is news.
    pub(super) fn gpu(
        &mut self,
        gpu: &str,
        slots: Vec<usize>,
        trouble: Option<&str>,
    ) -> Option<String> {
        match (trouble, self.gpus.contains_key(gpu)) {
            (Some(trouble), false) => {
                let told = format!(
                    "slot {} is set aside: {gpu} does not answer ({trouble})",
                    numbers(&slots)
                );
                self.gpus.insert(gpu.to_owned(), Remains { slots, told: told.clone() });
                Some(told)
            }
            (None, true) => {
                self.gpus.remove(gpu);
                Some(format!("slot {} can be used again: {gpu} answers", numbers(&slots)))
            }
            (Some(_), true) | (None, false) => None,
        }
    }

    /// The slots, some maybe twice.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> {
        self.all().flat_map(|remains| remains.slots.iter().copied())
    }

    /// What people were told of those that are set aside.
    pub(super) fn told(&self) -> impl Iterator<Item = &str> {
        self.all().map(|remains| remains.told.as_str()).filter(|told| !told.is_empty())
    }

    fn all(&self) -> impl Iterator<Item = &Remains> {
        self.trials.values().chain(self.gpus.values())
    }

    /// Whether some may soon be free, or else people be told.
    pub(super) fn is_unsettled(&self) -> bool {
        self.trials.values().any(|remains| remains.told.is_empty())
    }

    /// Whether this trial has not left.
    pub(super) fn has(&self, attempt: &Attempt) -> bool {
        self.trials.contains_key(attempt)
    }
}

/// Slots as people count them.
fn numbers(slots: &[usize]) -> String {
    slots.iter().map(|slot| (slot + 1).to_string()).collect::<Vec<_>>().join(", ")
}
