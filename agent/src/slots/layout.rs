//! Derives the slots from the GPUs and the flags. The module has no side effects, and reports every
//! problem of these flags at once.

use proto::v1::AgentGpu;
use telemetry::gpus::{Found, Gpu};
use terminal::count;

/// The flags with which a person chooses slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// `--gpus`: the GPUs to use, by index. `None`: all.
    pub gpus: Option<Vec<u32>>,
    /// `--gpus-per-trial`. `None`: one, if there are any GPUs.
    pub per_trial: Option<usize>,
    /// `--slots`. `None`: as many as the GPUs allow, and at least one.
    pub slots: Option<usize>,
    /// `--share`: several trials, and other agents with this flag, may use the same GPU.
    pub share: bool,
}

/// The resources of one trial: its GPUs. A slot without GPUs is a CPU slot, which does not limit
/// the CPUs of its trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// The GPUs of the slot. Empty for a CPU slot.
    pub gpus: Vec<Gpu>,
}

impl Slot {
    /// Returns the GPUs as people see them.
    pub fn shown(&self) -> Vec<AgentGpu> {
        let shown = |gpu: &Gpu| AgentGpu { index: gpu.index, name: gpu.name.clone() };
        self.gpus.iter().map(shown).collect()
    }

    /// Returns the UUIDs of the GPUs.
    pub fn uuids(&self) -> Vec<String> {
        self.gpus.iter().map(|gpu| gpu.uuid.clone()).collect()
    }
}

/// The slots of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The slots, at least one.
    pub slots: Vec<Slot>,
    /// Whether the agent has found GPUs. If it has, a trial without GPUs gets an empty
    /// `CUDA_VISIBLE_DEVICES`, so that it uses none.
    pub gpu_node: bool,
    /// Notes for the person, one sentence each.
    pub notes: Vec<String>,
}

/// Computes the slots of an agent from its flags and the GPUs of the node.
///
/// # Errors
/// Fails with all problems, a sentence each.
pub fn lay_out(wish: &Wish, found: &Found) -> Result<Layout, Vec<String>> {
    let mut problems = Vec::new();
    let gpus = choose(wish, found, &mut problems);
    let per_trial = wish.per_trial.unwrap_or(usize::from(!found.gpus.is_empty()));
    if wish.slots == Some(0) {
        problems.push("`--slots` must be at least 1".to_owned());
    }
    if found.gpus.is_empty() {
        if wish.per_trial.is_some_and(|number| number > 0) {
            let reason = &found.reason;
            problems.push(format!(
                "`--gpus-per-trial {per_trial}` needs GPUs, but none was found ({reason})"
            ));
        }
    } else if per_trial > gpus.len() && problems.is_empty() {
        let have = count(gpus.len(), "GPU");
        problems
            .push(format!("`--gpus-per-trial {per_trial}` is more than the {have} of this agent"));
    }
    let room = gpus.len().checked_div(per_trial).unwrap_or(0);
    let slots = wish.slots.unwrap_or(room).max(1);
    if per_trial > 0 && slots > room && room > 0 && !wish.share {
        problems.push(format!(
            "`--slots {slots}` is too many: {} with {per_trial} for each trial allow {room}; \
            add `--share` to put several trials on a GPU, or lower `--slots`",
            count(gpus.len(), "GPU"),
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Layout {
        slots: divide(&gpus, per_trial, slots),
        gpu_node: !found.gpus.is_empty(),
        notes: notes(wish, found, gpus.len(), per_trial, slots),
    })
}

/// Returns the GPUs that `--gpus` names, or all GPUs without this flag.
fn choose(wish: &Wish, found: &Found, problems: &mut Vec<String>) -> Vec<Gpu> {
    let Some(indices) = &wish.gpus else { return found.gpus.clone() };
    let typed = indices.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    if found.gpus.is_empty() {
        problems
            .push(format!("`--gpus {typed}` names GPUs, but none was found ({})", found.reason));
    }
    let mut chosen: Vec<Gpu> = Vec::new();
    for index in indices {
        // The instances of a divided GPU share its number.
        let named: Vec<Gpu> =
            found.gpus.iter().filter(|gpu| gpu.index == *index).cloned().collect();
        if chosen.iter().any(|gpu| gpu.index == *index) {
            problems.push(format!("`--gpus {typed}` names GPU {index} twice"));
        } else if named.is_empty() && !found.gpus.is_empty() {
            let mut have: Vec<String> =
                found.gpus.iter().map(|gpu| gpu.index.to_string()).collect();
            have.dedup();
            let have = have.join(",");
            problems.push(format!(
                "`--gpus {typed}`: there is no GPU {index} for this agent, only {have}"
            ));
        } else {
            chosen.extend(named);
        }
    }
    chosen
}

fn divide(gpus: &[Gpu], per_trial: usize, slots: usize) -> Vec<Slot> {
    let groups: Vec<&[Gpu]> =
        if per_trial == 0 { vec![&[]] } else { gpus.chunks_exact(per_trial).collect() };
    // If trials get no GPUs, all slots use one empty group. Otherwise, only with `--share`, slots
    // beyond the number of groups use the groups again.
    (0..slots)
        .filter_map(|slot| groups.get(slot % groups.len().max(1)))
        .map(|gpus| Slot { gpus: gpus.to_vec() })
        .collect()
}

fn notes(wish: &Wish, found: &Found, gpus: usize, per_trial: usize, slots: usize) -> Vec<String> {
    let mut notes = found.notes.clone();
    if found.gpus.is_empty() {
        let more = if wish.slots.is_none() { "; --slots N for more" } else { "" };
        notes.push(format!("no GPU found ({}): {}{more}", found.reason, count(slots, "CPU slot")));
    } else if per_trial == 0 {
        notes.push(format!("trials get no GPU: {}", count(slots, "CPU slot")));
    } else if slots * per_trial < gpus {
        notes.push(format!("{} of {gpus} GPUs stay unused", gpus - slots * per_trial));
    }
    notes
}

/// Returns the slots that an adopted trial keeps busy, out of those that are not in `taken`. The
/// trial keeps the first slot with exactly its devices. If no slot has exactly these devices, the
/// trial keeps each slot that has one of them. A trial without devices keeps the first CPU slot.
/// `taken` are the slots that other trials keep busy.
pub fn occupied(slots: &[Slot], devices: &[String], taken: &[usize]) -> Vec<usize> {
    let left = || slots.iter().enumerate().filter(|(index, _)| !taken.contains(index));
    if let Some((index, _)) = left().find(|(_, slot)| slot.uuids() == devices) {
        return vec![index];
    }
    let shares = |slot: &Slot| slot.gpus.iter().any(|gpu| devices.contains(&gpu.uuid));
    left().filter(|(_, slot)| shares(slot)).map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(gpus: u32) -> Found {
        let gpu = |index| Gpu { index, uuid: format!("GPU-{index}"), name: "H".to_owned() };
        let reason = if gpus == 0 { "NVML is not installed" } else { "" };
        Found { gpus: (0..gpus).map(gpu).collect(), reason: reason.to_owned(), notes: Vec::new() }
    }

    fn wish(gpus: &[u32], per_trial: Option<usize>, slots: Option<usize>, share: bool) -> Wish {
        Wish { gpus: (!gpus.is_empty()).then(|| gpus.to_vec()), per_trial, slots, share }
    }

    fn groups(wish: &Wish, gpus: u32) -> Vec<Vec<u32>> {
        let layout = lay_out(wish, &node(gpus)).unwrap();
        layout.slots.iter().map(|slot| slot.gpus.iter().map(|gpu| gpu.index).collect()).collect()
    }

    #[test]
    fn slots_follow_the_gpus() {
        assert_eq!(groups(&Wish::default(), 3), [[0], [1], [2]]);
        assert_eq!(groups(&wish(&[3, 1], None, None, false), 4), [[3], [1]]);
        assert_eq!(groups(&wish(&[], Some(2), None, false), 5), [[0, 1], [2, 3]]);
        assert_eq!(groups(&wish(&[], None, Some(1), false), 2), [[0]]);
        assert_eq!(groups(&wish(&[], None, Some(4), true), 2), [[0], [1], [0], [1]]);
        assert_eq!(groups(&wish(&[], Some(0), Some(2), false), 2), [[0_u32; 0], []]);
        assert_eq!(groups(&Wish::default(), 0), [[0_u32; 0]]);
        assert_eq!(groups(&wish(&[], None, Some(2), false), 0), [[0_u32; 0], []]);
    }

    #[test]
    fn a_node_without_gpus_gets_a_plain_note() {
        let notes = |wish: &Wish| lay_out(wish, &node(0)).unwrap().notes;
        assert_eq!(
            notes(&Wish::default()),
            ["no GPU found (NVML is not installed): 1 CPU slot; --slots N for more"]
        );
        assert_eq!(
            notes(&wish(&[], None, Some(2), false)),
            ["no GPU found (NVML is not installed): 2 CPU slots"]
        );
        assert_eq!(
            lay_out(&wish(&[], Some(2), None, false), &node(5)).unwrap().notes,
            ["1 of 5 GPUs stay unused"]
        );
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let problems = |wish: &Wish, gpus| lay_out(wish, &node(gpus)).unwrap_err();
        assert_eq!(
            problems(&wish(&[0, 0, 7], None, Some(0), false), 2),
            [
                "`--gpus 0,0,7` names GPU 0 twice",
                "`--gpus 0,0,7`: there is no GPU 7 for this agent, only 0,1",
                "`--slots` must be at least 1"
            ]
        );
        assert_eq!(
            problems(&wish(&[0], Some(1), None, false), 0),
            [
                "`--gpus 0` names GPUs, but none was found (NVML is not installed)",
                "`--gpus-per-trial 1` needs GPUs, but none was found (NVML is not installed)"
            ]
        );
        assert_eq!(
            problems(&wish(&[], None, Some(3), false), 2),
            ["`--slots 3` is too many: 2 GPUs with 1 for each trial allow 2; add `--share` \
                to put several trials on a GPU, or lower `--slots`"]
        );
        assert_eq!(
            problems(&wish(&[], Some(3), None, false), 2),
            ["`--gpus-per-trial 3` is more than the 2 GPUs of this agent"]
        );
    }

    #[test]
    fn adopted_trials_keep_their_devices() {
        let slots = lay_out(&wish(&[], Some(2), Some(4), true), &node(4)).unwrap().slots;
        let devices =
            |list: &[u32]| list.iter().map(|index| format!("GPU-{index}")).collect::<Vec<_>>();
        assert_eq!(occupied(&slots, &devices(&[0, 1]), &[]), [0]);
        assert_eq!(occupied(&slots, &devices(&[0, 1]), &[0]), [2]);
        assert_eq!(
            occupied(&slots, &devices(&[1]), &[]),
            [0, 2],
            "the GPUs were divided in another way before"
        );
        assert_eq!(
            occupied(&slots, &devices(&[9]), &[]),
            [0_usize; 0],
            "the device is not among this agent's GPUs"
        );
        assert_eq!(occupied(&[Slot::default(), Slot::default()], &[], &[0]), [1]);
    }
}
