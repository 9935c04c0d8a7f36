//! Tracks the slots that the agent must not give to another trial. Some slots have a trial that has
//! ended, but a process or GPU memory of the trial remains. Other slots have a GPU that does not
//! answer. This module is a part of the plan and has no side effects.

use std::collections::BTreeMap;

use record::ids::Attempt;

use crate::slots::release::Occupancy;

/// The trials and GPUs that block slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Occupied {
    /// The blocked slots of each trial that has ended and has not left.
    trials: BTreeMap<Attempt, Remains>,
    /// The blocked slots of each GPU that does not answer, by the GPU's name for people.
    gpus: BTreeMap<String, Remains>,
}

#[derive(Clone, Debug)]
struct Remains {
    slots: Vec<usize>,
    /// The sentence that was printed for people. The text is empty while the trial may still leave
    /// by itself.
    told: String,
}

impl Occupied {
    /// Records the occupancy of an ended trial's `slots`. Returns a sentence to print, if people
    /// should read one.
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

    /// Records whether the GPU of these slots answers. Returns a sentence to print, if that has
    /// changed.
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

    /// Returns the blocked slots. A slot may occur twice.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> {
        self.all().flat_map(|remains| remains.slots.iter().copied())
    }

    /// Returns the sentences that were printed about the slots that are set aside.
    pub(super) fn told(&self) -> impl Iterator<Item = &str> {
        self.all().map(|remains| remains.told.as_str()).filter(|told| !told.is_empty())
    }

    fn all(&self) -> impl Iterator<Item = &Remains> {
        self.trials.values().chain(self.gpus.values())
    }

    /// Returns whether a slot is taken but not set aside. A slot is taken only for seconds: then it
    /// is free or set aside.
    pub(super) fn is_unsettled(&self) -> bool {
        self.trials.values().any(|remains| remains.told.is_empty())
    }

    /// Returns whether this trial still occupies its slot.
    pub(super) fn has(&self, attempt: &Attempt) -> bool {
        self.trials.contains_key(attempt)
    }
}

/// Returns the slots as people count them, from 1.
fn numbers(slots: &[usize]) -> String {
    slots.iter().map(|slot| (slot + 1).to_string()).collect::<Vec<_>>().join(", ")
}
