//! Implements one file of the simulated disk: the bytes that a process sees, the bytes that surely
//! survive a power cut, and the locks.

use std::collections::BTreeMap;

use rand::{RngExt as _, rngs::StdRng};

use super::Trouble;

/// The size of a sector in bytes. A disk writes a sector as a whole or not at all.
const SECTOR: usize = 512;
/// The size in bytes of one region of the memory that connections share. SQLite requests this size.
pub(super) const REGION: usize = 32 << 10;
/// The number of locks on the shared memory.
pub(super) const SHARED_LOCKS: usize = 8;

/// A file: the bytes that a process sees, the durable bytes, and the changes that are not synced
/// yet.
#[derive(Debug, Default)]
pub(super) struct File {
    /// A number that no other file has.
    pub(super) number: u64,
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl File {
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Returns another file with the same bytes, all of them synced.
    pub(super) fn copy(&self) -> Self {
        Self { seen: self.seen.clone(), durable: self.seen.clone(), ..Self::default() }
    }

    /// Copies the file's bytes from `offset` on into `bytes`. Returns the number of copied bytes,
    /// which is smaller than `bytes` if the file ends before.
    pub(super) fn read(&self, offset: usize, bytes: &mut [u8]) -> usize {
        let there = self.seen.get(offset..).unwrap_or_default();
        let length = there.len().min(bytes.len());
        bytes[..length].copy_from_slice(&there[..length]);
        length
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        put(&mut self.seen, offset, bytes);
        self.unsynced.push(Change::Write(offset, bytes.to_vec()));
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.seen.truncate(length);
        self.unsynced.push(Change::Truncate(length));
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Write(offset, bytes) => put(&mut self.durable, offset, &bytes),
                Change::Truncate(length) => self.durable.truncate(length),
            }
        }
    }

    /// Keeps the synced bytes, and a random choice of the unsynced changes. Each sector is kept or
    /// lost on its own.
    pub(super) fn forget_unsynced(&mut self, rng: &mut StdRng) {
        let kept = rng.random_range(0.0..=1.0);
        for change in self.unsynced.drain(..) {
            match change {
                Change::Truncate(length) if rng.random_bool(kept) => self.durable.truncate(length),
                Change::Truncate(_) => {}
                Change::Write(offset, bytes) => {
                    for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                        if rng.random_bool(kept) {
                            put(&mut self.durable, offset + number * SECTOR, sector);
                        }
                    }
                }
            }
        }
        self.seen.clone_from(&self.durable);
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    if bytes.len() < offset {
        bytes.resize(offset, 0);
    }
    let there = new.len().min(bytes.len() - offset);
    bytes[offset..offset + there].copy_from_slice(&new[..there]);
    bytes.extend_from_slice(&new[there..]);
}

/// The locks on a file and their owners, and the memory that connections to the file share.
#[derive(Debug, Default)]
pub(super) struct Locks {
    next: u64,
    /// The lock of each owner: 1 shared, 2 reserved, 4 exclusive, as in SQLite.
    levels: BTreeMap<u64, i32>,
    shared: [Shared; SHARED_LOCKS],
    regions: Vec<Box<[u64]>>,
}

#[derive(Clone, Debug, Default)]
struct Shared {
    readers: Vec<u64>,
    writer: Option<u64>,
}

impl Locks {
    /// Returns a new owner of locks.
    pub(super) fn join(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Drops all locks of an owner that has closed the file.
    pub(super) fn leave(&mut self, owner: u64) {
        self.levels.remove(&owner);
        self.unlock_shared(owner, 0..SHARED_LOCKS);
    }

    /// Raises an owner's lock on the file to `level`. Fails if the lock of another owner conflicts.
    pub(super) fn lock(&mut self, owner: u64, level: i32) -> Result<(), Trouble> {
        let others =
            self.levels.iter().filter(|(other, _)| **other != owner).map(|(_, level)| *level);
        let highest = others.max().unwrap_or(0);
        let free = if level >= 4 {
            highest == 0
        } else if level >= 2 {
            highest < 2
        } else {
            highest < 3
        };
        if !free {
            return Err(Trouble::Locked);
        }
        let own = self.levels.entry(owner).or_default();
        *own = level.max(*own);
        Ok(())
    }

    /// Lowers an owner's lock on the file.
    pub(super) fn unlock(&mut self, owner: u64, level: i32) {
        match level {
            0 => drop(self.levels.remove(&owner)),
            _ => drop(self.levels.insert(owner, level)),
        }
    }

    /// Returns whether any owner has a reserved or exclusive lock.
    pub(super) fn is_reserved(&self) -> bool {
        self.levels.values().any(|level| *level >= 2)
    }

    /// Takes locks on the shared memory: all of them or none.
    pub(super) fn lock_shared(
        &mut self,
        owner: u64,
        which: std::ops::Range<usize>,
        exclusive: bool,
    ) -> Result<(), Trouble> {
        let is_free = |lock: &Shared| {
            let others = lock.readers.iter().any(|reader| *reader != owner);
            lock.writer.is_none_or(|writer| writer == owner) && (!exclusive || !others)
        };
        let locks = self.shared.get_mut(which).ok_or(Trouble::Failed)?;
        if !locks.iter().all(is_free) {
            return Err(Trouble::Locked);
        }
        for lock in locks {
            if exclusive {
                lock.writer = Some(owner);
            } else {
                lock.readers.push(owner);
            }
        }
        Ok(())
    }

    /// Releases an owner's locks on the shared memory.
    pub(super) fn unlock_shared(&mut self, owner: u64, which: std::ops::Range<usize>) {
        for lock in self.shared.get_mut(which).unwrap_or_default() {
            lock.readers.retain(|reader| *reader != owner);
            lock.writer.take_if(|writer| *writer == owner);
        }
    }

    /// Returns a region of the shared memory; `None` if it does not exist and `extend` is false.
    /// The region does not move while these locks exist.
    pub(super) fn region(&mut self, number: usize, extend: bool) -> Option<&mut [u64]> {
        while extend && self.regions.len() <= number {
            self.regions.push(vec![0; REGION / 8].into_boxed_slice());
        }
        self.regions.get_mut(number).map(|region| &mut **region)
    }
}
