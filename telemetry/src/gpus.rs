//! Describes the GPUs of this node, behind the trait [`Inventory`]. `nvidia.rs` implements it for
//! NVIDIA; another accelerator needs one more implementation. A node without a driver is a normal
//! node, so nothing here fails: the result says what cannot be used. The agent calls it when it
//! starts.

use std::fmt;

use crate::meter::{Own, VISIBLE_VAR};

/// One GPU, or one instance of a divided GPU (MIG).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// The GPU's number on this node, the same as in `nvidia-smi`. The instances of a divided GPU
    /// have the number of that GPU.
    pub index: u32,
    /// The UUID (`GPU-...` or `MIG-...`). It stays the same if the GPUs are numbered in another
    /// order.
    pub uuid: String,
    /// The model's name, for people.
    pub name: String,
}

impl fmt::Display for Gpu {
    /// Writes "GPU 3 (GPU-0123...)".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GPU {} ({})", self.index, self.uuid)
    }
}

/// The result of a search for GPUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The GPUs that can be used, in order of their indices.
    pub gpus: Vec<Gpu>,
    /// The reason why `gpus` is empty, such as "NVML is not installed". Empty if there are GPUs.
    pub reason: String,
    /// One sentence for people about each GPU that was left out, and about other limits.
    pub notes: Vec<String>,
}

/// A source of GPUs.
pub trait Inventory {
    /// Finds all GPUs of the node, including those that are not assigned to this process.
    fn find(&self) -> Found;
}

/// Keeps only the GPUs in `own`, in the order of `own`. A scheduler or a person has assigned the
/// other GPUs to other jobs. As in CUDA, entries after the first one that is not a GPU of this node
/// are ignored.
pub fn given(mut found: Found, own: &Own) -> Found {
    let Own::Named(entries) = own else { return found };
    if found.gpus.is_empty() {
        return found;
    }
    let all = std::mem::take(&mut found.gpus);
    for entry in entries {
        let named: Vec<&Gpu> =
            all.iter().filter(|gpu| entry.stands_for(gpu.index, &gpu.uuid)).collect();
        if named.is_empty() {
            found.notes.push(format!(
                "{VISIBLE_VAR} names `{entry}`, which is not a GPU of this node: the agent \
                ignores the entries after it, as CUDA does"
            ));
            break;
        }
        for gpu in named {
            if !found.gpus.contains(gpu) {
                found.gpus.push(gpu.clone());
            }
        }
    }
    match (found.gpus.len(), all.len()) {
        (0, all) => found.reason = format!("{VISIBLE_VAR} leaves none of {all} GPUs to this agent"),
        (some, all) if some < all => {
            let names: Vec<String> = found.gpus.iter().map(Gpu::to_string).collect();
            let names = names.join(", ");
            found
                .notes
                .push(format!("{VISIBLE_VAR} leaves {some} of {all} GPUs to this agent: {names}"));
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Found {
        let gpu = |index| Gpu { index, uuid: format!("GPU-{index}abc"), name: "H".to_owned() };
        Found { gpus: vec![gpu(0), gpu(1), gpu(2)], ..Found::default() }
    }

    fn left(visible: Option<&str>) -> Found {
        given(three(), &Own::parse(visible))
    }

    fn indices(visible: Option<&str>) -> Vec<u32> {
        left(visible).gpus.iter().map(|gpu| gpu.index).collect()
    }

    #[test]
    fn a_scheduler_gives_gpus_by_index_or_uuid() {
        assert_eq!(indices(None), [0, 1, 2]);
        assert_eq!(indices(Some("2, 0")), [2, 0]);
        assert_eq!(indices(Some("GPU-1")), [1]);
        assert_eq!(indices(Some("GPU-1abc,1,2")), [1, 2], "a GPU that is named twice counts once");
        assert_eq!(indices(Some("")), [0_u32; 0]);
        assert_eq!(
            left(Some("1")).notes,
            ["CUDA_VISIBLE_DEVICES leaves 1 of 3 GPUs to this agent: GPU 1 (GPU-1abc)"]
        );
        assert_eq!(left(Some("0,1,2")).notes, [""; 0]);
    }

    #[test]
    fn the_list_ends_at_the_first_entry_that_is_no_gpu() {
        assert_eq!(indices(Some("1,-1,2")), [1]);
        assert_eq!(indices(Some("0,7,1")), [0]);
        assert_eq!(indices(Some("NoDevFiles")), [0_u32; 0]);
        assert_eq!(indices(Some("GPU-")), [0, 1, 2], "the prefix fits all GPUs");
        assert_eq!(
            left(Some("7")).reason,
            "CUDA_VISIBLE_DEVICES leaves none of 3 GPUs to this agent"
        );
        assert_eq!(
            left(Some("7")).notes,
            ["CUDA_VISIBLE_DEVICES names `7`, which is not a GPU of this node: the agent \
                ignores the entries after it, as CUDA does"]
        );
    }

    #[test]
    fn an_instance_of_a_divided_gpu_is_given_by_its_id() {
        let instance =
            |part| Gpu { index: 1, uuid: format!("MIG-{part}def"), name: "H MIG 1g".to_owned() };
        let whole = Gpu { index: 0, uuid: "GPU-0abc".to_owned(), name: "H".to_owned() };
        let found = Found { gpus: vec![whole, instance(7), instance(8)], ..Found::default() };
        let uuids = |visible| -> Vec<String> {
            let left = given(found.clone(), &Own::parse(Some(visible)));
            left.gpus.into_iter().map(|gpu| gpu.uuid).collect()
        };
        assert_eq!(uuids("MIG-8def"), ["MIG-8def"]);
        assert_eq!(uuids("1"), ["MIG-7def", "MIG-8def"], "all instances of the GPU that was given");
        assert_eq!(uuids("0"), ["GPU-0abc"]);
    }
}
