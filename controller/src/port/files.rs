//! Computes how many connections may be open, from the number of files that this process may have
//! open. The controller calls it only at its start.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The least and the largest number of file descriptors that connections leave to the storage.
/// Between these bounds, it is a quarter of all.
const RESERVED: (u64, u64) = (32, 1024);
/// The bound on connections never falls below this number because the process may open too few
/// files.
const LEAST: u64 = 8;

/// Raises the soft limit of open files to the hard one. If the system refuses, the limit stays as
/// it was.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// Returns how many connections are allowed at once: `most`, or fewer if the process may open only
/// a few files.
pub(super) fn connections(most: usize) -> usize {
    left(getrlimit(Resource::Nofile).current, most)
}

fn left(files: Option<u64>, most: usize) -> usize {
    let Some(files) = files else { return most };
    let reserved = (files / 4).clamp(RESERVED.0, RESERVED.1);
    let left = files.saturating_sub(reserved).max(LEAST);
    usize::try_from(left).unwrap_or(usize::MAX).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_keeps_its_share_of_the_files() {
        let cases =
            [(None, 500), (Some(1024), 500), (Some(256), 192), (Some(64), 32), (Some(8), 8)];
        for (files, connections) in cases {
            assert_eq!(left(files, 500), connections, "{files:?}");
        }
        assert_eq!((left(Some(1024), 10_000), left(Some(1 << 20), 10_000)), (768, 10_000));
    }
}
