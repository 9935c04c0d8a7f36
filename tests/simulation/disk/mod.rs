//! Simulates a disk that forgets unsynced writes, gets full and fails on purpose. SQLite reaches it
//! through `vfs.rs`, everything else through the functions here. Each thread has one disk, because
//! a simulation is one thread. Reads, writes and syncs on the handles of a killed process fail. The
//! disk never reads a clock: the caller sets its faults.

mod file;
mod vfs;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use controller::platform;
use file::{File, Locks};

/// The simulated disk in the form that the controller takes.
pub(crate) const SQLITE: platform::Disk = platform::Disk { name: vfs::NAME, identity };

thread_local! {
    static DISK: RefCell<Disk> = RefCell::new(Disk::new(0));
}

/// A reason why a call to the disk failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// No room is left.
    Full,
    /// The call failed.
    Failed,
    /// There is no such file.
    Missing,
    /// Another owner has the lock.
    Locked,
}

/// A fault of a write or a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This write or sync fails, and so do the next ones, `calls` in total.
    Error {
        /// The number of calls that fail.
        calls: u32,
    },
    /// The writing process is killed in the middle of the call.
    Kill,
}

#[derive(Debug)]
struct Disk {
    files: BTreeMap<String, Rc<RefCell<File>>>,
    /// Copies of the files while the data folder is removed; `None` while it is there.
    away: Option<BTreeMap<String, File>>,
    /// The number of files that were ever created.
    made: u64,
    locks: BTreeMap<String, Rc<RefCell<Locks>>>,
    /// The number of processes that have mounted the disk. Handles of an earlier process are dead.
    process: u64,
    full: bool,
    /// The number of writes and syncs before the next fault, and that fault; `None` if no fault is
    /// set.
    fault: Option<(u64, Fault)>,
    killed: bool,
    rng: StdRng,
    writes: u64,
}

/// An open file.
#[derive(Debug)]
struct Handle {
    process: u64,
    file: Rc<RefCell<File>>,
    locks: Rc<RefCell<Locks>>,
    /// The owner of this handle's locks in `locks`.
    owner: u64,
}

impl Disk {
    fn new(seed: u64) -> Self {
        Self {
            files: BTreeMap::new(),
            away: None,
            made: 0,
            locks: BTreeMap::new(),
            process: 0,
            full: false,
            fault: None,
            killed: false,
            rng: StdRng::seed_from_u64(seed),
            writes: 0,
        }
    }

    fn open(&mut self, name: &str, create: bool) -> Result<Handle, Trouble> {
        if self.killed || self.away.is_some() {
            return Err(Trouble::Failed);
        }
        if !self.files.contains_key(name) {
            if !create {
                return Err(Trouble::Missing);
            }
            self.add(name.to_owned(), File::default());
        }
        let locks = self.locks.entry(name.to_owned()).or_default().clone();
        let owner = locks.borrow_mut().join();
        Ok(Handle { process: self.process, file: self.files[name].clone(), locks, owner })
    }

    /// Gives a file a name, and a number that no file had before.
    fn add(&mut self, name: String, mut file: File) {
        self.made += 1;
        file.number = self.made;
        self.files.insert(name, Rc::new(RefCell::new(file)));
    }

    fn delete(&mut self, name: &str) -> Result<(), Trouble> {
        self.check(self.process)?;
        self.files.remove(name).map(|_| ()).ok_or(Trouble::Missing)
    }

    /// Checks that a handle of this process still works.
    fn check(&self, process: u64) -> Result<(), Trouble> {
        if self.killed || process != self.process { Err(Trouble::Failed) } else { Ok(()) }
    }

    /// Counts a write or a sync, and applies a fault that is due. Returns true if the process dies
    /// in this call.
    fn count(&mut self, process: u64) -> Result<bool, Trouble> {
        self.check(process)?;
        self.writes += 1;
        match &mut self.fault {
            Some((0, Fault::Kill)) => {
                (self.fault, self.killed) = (None, true);
                Ok(true)
            }
            Some((0, Fault::Error { calls })) => {
                *calls -= 1;
                if *calls == 0 {
                    self.fault = None;
                }
                Err(Trouble::Failed)
            }
            Some((left, _)) => {
                *left -= 1;
                Ok(false)
            }
            None => Ok(false),
        }
    }

    fn write(&mut self, handle: &Handle, offset: usize, bytes: &[u8]) -> Result<(), Trouble> {
        let dies = self.count(handle.process)?;
        let mut file = handle.file.borrow_mut();
        if self.full && offset + bytes.len() > file.len() {
            return Err(Trouble::Full);
        }
        let part = if dies { self.rng.random_range(0..=bytes.len()) } else { bytes.len() };
        file.write(offset, &bytes[..part]);
        if dies { Err(Trouble::Failed) } else { Ok(()) }
    }

    fn sync(&mut self, handle: &Handle) -> Result<(), Trouble> {
        if self.count(handle.process)? {
            return Err(Trouble::Failed);
        }
        handle.file.borrow_mut().sync();
        Ok(())
    }
}

fn with<T>(act: impl FnOnce(&mut Disk) -> T) -> T {
    DISK.with_borrow_mut(act)
}

/// Creates an empty disk for this thread; its random choices come from `seed`.
pub(crate) fn format(seed: u64) {
    vfs::register();
    with(|disk| *disk = Disk::new(seed));
}

/// Gives the disk to a new process. The handles of earlier processes no longer work, but the bytes
/// that these processes wrote stay.
pub(crate) fn mount() {
    with(|disk| {
        disk.process += 1;
        (disk.killed, disk.fault) = (false, None);
        // Locks and shared memory belong to a process; the kernel drops them when it dies.
        disk.locks.clear();
    });
}

/// Kills the process that has the disk.
pub(crate) fn kill() {
    with(|disk| disk.killed = true);
}

/// Cuts the machine's power: the process dies, and a random choice of the unsynced changes
/// survives.
pub(crate) fn lose_power() {
    with(|disk| {
        disk.killed = true;
        for file in disk.files.values() {
            file.borrow_mut().forget_unsynced(&mut disk.rng);
        }
    });
}

/// Returns whether the process that has the disk was killed.
pub(crate) fn is_killed() -> bool {
    with(|disk| disk.killed)
}

/// Returns the number of the file that has this name now.
fn identity(name: &str) -> Option<u64> {
    with(|disk| disk.files.get(name).map(|file| file.borrow().number))
}

/// Removes the data folder under the process that has its files open. The process can still use the
/// open files without an error. The disk keeps a copy of the files as they are now.
pub(crate) fn vanish() {
    with(|disk| {
        if disk.away.is_none() {
            let files = std::mem::take(&mut disk.files);
            disk.away =
                Some(files.into_iter().map(|(name, file)| (name, file.borrow().copy())).collect());
        }
    });
}

/// Puts the copy where the folder was. Returns whether there was a copy.
pub(crate) fn reappear() -> bool {
    with(|disk| {
        let copies = disk.away.take();
        let was_away = copies.is_some();
        copies.into_iter().flatten().for_each(|(name, file)| disk.add(name, file));
        was_away
    })
}

/// Sets whether the disk is full, so that no file can grow.
pub(crate) fn fill(full: bool) {
    with(|disk| disk.full = full);
}

/// Causes a fault after `calls` more writes and syncs.
pub(crate) fn fail_in(calls: u64, fault: Fault) {
    with(|disk| disk.fault = Some((calls, fault)));
}

/// Removes the fault and makes room again. A removed data folder stays removed.
pub(crate) fn heal() {
    with(|disk| (disk.full, disk.fault) = (false, None));
}

/// Returns the number of writes and syncs so far.
pub(crate) fn writes() -> u64 {
    with(|disk| disk.writes)
}
