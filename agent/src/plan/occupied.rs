//! Slots whose trial has ended and has not left: some process of it lives, or has memory on its GPU. None of them is given away.
//! Part of the plan, and as pure.

use std::collections::BTreeMap;

use crate::{clearance::Occupancy, holdings::Attempt};

/// By the trial that has not left.
#[derive(Clone, Debug, Default)]
pub(super) struct Occupied(BTreeMap<Attempt, Remains>);

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
                self.0.insert(attempt, Remains { slots, told: String::new() });
                None
            }
            Occupancy::SetAside(what) => {
                let remains = self.0.get_mut(&attempt)?;
                remains.told = format!("slot {} is set aside: {what} ({attempt})", numbers(&remains.slots));
                Some(remains.told.clone())
            }
            Occupancy::Free => {
                let remains = self.0.remove(&attempt)?;
                let again = format!("slot {} is free again", numbers(&remains.slots));
                (!remains.told.is_empty()).then_some(again)
            }
        }
    }

    /// The slots, some maybe twice.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> {
        self.0.values().flat_map(|remains| remains.slots.iter().copied())
    }

    /// What people were told of those that are set aside.
    pub(super) fn told(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(|remains| remains.told.as_str()).filter(|told| !told.is_empty())
    }

    /// Whether some may soon be free, or else people be told.
    pub(super) fn is_unsettled(&self) -> bool {
        self.0.values().any(|remains| remains.told.is_empty())
    }

    /// Whether this trial has not left.
    pub(super) fn has(&self, attempt: &Attempt) -> bool {
        self.0.contains_key(attempt)
    }
}

/// Slots as people count them.
fn numbers(slots: &[usize]) -> String {
    slots.iter().map(|slot| (slot + 1).to_string()).collect::<Vec<_>>().join(", ")
}
