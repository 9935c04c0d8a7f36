//! A disk that forgets what was not synced, gets full and fails on purpose. SQLite reaches it
//! through `vfs.rs`, everything else through the functions here. One disk per thread, since a
//! simulation is one thread; a process that was killed keeps handles that only fail. Never reads a
//! clock: faults are told to it.

mod file;
mod vfs;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use controller::platform;
use file::{File, Locks};

/// It, as the controller is told of it.
pub(crate) const SQLITE: platform::Disk = platform::Disk { name: vfs::NAME, identity };

thread_local! {
    static DISK: RefCell<Disk> = RefCell::new(Disk::new(0));
}

/// What a call to the disk came to, unless it went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// No room is left.
    Full,
    /// It did not work.
    Failed,
    /// There is no such file.
    Missing,
    /// Somebody else has the lock.
    Locked,
}

/// What can go wrong at a write or a sync, and after how many more of them it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call fails, and so do the next few.
    Error {
        /// How many.
        calls: u32,
    },
    /// The process that writes is killed in the middle of it.
    Kill,
}

#[derive(Debug)]
struct Disk {
    files: BTreeMap<String, Rc<RefCell<File>>>,
    /// Copies of the files, while these have no names any more.
    away: Option<BTreeMap<String, File>>,
    /// Counts the files that there have been.
    made: u64,
    locks: BTreeMap<String, Rc<RefCell<Locks>>>,
    /// Counts the processes that had it. Handles of an earlier one are dead.
    process: u64,
    full: bool,
    /// Writes and syncs until the fault.
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
    /// Where its own locks stand in `locks`.
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

    /// Whether a handle of this process still works.
    fn check(&self, process: u64) -> Result<(), Trouble> {
        if self.killed || process != self.process { Err(Trouble::Failed) } else { Ok(()) }
    }

    /// Counts a write or a sync, and lets come what was to come with it. True: the process dies in
    /// it.
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

/// An empty disk for this thread, whose luck comes from `seed`.
pub(crate) fn format(seed: u64) {
    vfs::register();
    with(|disk| *disk = Disk::new(seed));
}

/// Another process has the disk from now on. What an earlier one holds is dead; what it had written
/// is there.
pub(crate) fn mount() {
    with(|disk| {
        disk.process += 1;
        (disk.killed, disk.fault) = (false, None);
        // Locks and shared memory live with a process, and the kernel forgets them.
        disk.locks.clear();
    });
}

/// The process that has the disk does not live any more.
pub(crate) fn kill() {
    with(|disk| disk.killed = true);
}

/// The machine loses its power: of what was not synced, some parts are there and others are not.
pub(crate) fn lose_power() {
    with(|disk| {
        disk.killed = true;
        for file in disk.files.values() {
            file.borrow_mut().forget_unsynced(&mut disk.rng);
        }
    });
}

/// Whether a fault has killed the process that has the disk.
pub(crate) fn is_killed() -> bool {
    with(|disk| disk.killed)
}

/// The number of the file that has this name now.
fn identity(name: &str) -> Option<u64> {
    with(|disk| disk.files.get(name).map(|file| file.borrow().number))
}

/// The folder is removed under whoever has its files open, who does not notice by using them.
/// Somebody has a copy of that moment.
pub(crate) fn vanish() {
    with(|disk| {
        if disk.away.is_none() {
            let files = std::mem::take(&mut disk.files);
            disk.away =
                Some(files.into_iter().map(|(name, file)| (name, file.borrow().copy())).collect());
        }
    });
}

/// The copy is put where the folder was; whether there was one.
pub(crate) fn reappear() -> bool {
    with(|disk| {
        let copies = disk.away.take();
        let was_away = copies.is_some();
        copies.into_iter().flatten().for_each(|(name, file)| disk.add(name, file));
        was_away
    })
}

/// No file can grow until it is said that they can.
pub(crate) fn fill(full: bool) {
    with(|disk| disk.full = full);
}

/// Something goes wrong after so many more writes and syncs.
pub(crate) fn fail_in(calls: u64, fault: Fault) {
    with(|disk| disk.fault = Some((calls, fault)));
}

/// Nothing goes wrong any more.
pub(crate) fn heal() {
    with(|disk| (disk.full, disk.fault) = (false, None));
}

/// Writes and syncs so far.
pub(crate) fn writes() -> u64 {
    with(|disk| disk.writes)
}
