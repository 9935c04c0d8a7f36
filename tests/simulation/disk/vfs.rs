//! Offers the simulated disk to SQLite as a file system: a table of C functions that only translate
//! calls. The functions follow "The SQLite OS Interface or VFS" of SQLite's documentation. This is
//! the only module of the crate with unsafe code.

#![expect(unsafe_code, reason = "SQLite calls C functions")]

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    mem, ptr, slice,
    sync::Once,
};

use rusqlite::ffi;

use super::{
    Handle, Trouble,
    file::{REGION, SHARED_LOCKS},
    with,
};

/// The name of the file system in SQLite.
pub(crate) const NAME: &str = "simulated";

const NAME_C: &CStr = c"simulated";
/// The longest name of a file in bytes.
const LONGEST: usize = 512;

/// The struct for which SQLite makes room when it opens a file.
#[repr(C)]
struct Open {
    base: ffi::sqlite3_file,
    /// A boxed [`Handle`] that this struct owns.
    handle: *mut Handle,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Registers the file system with SQLite. One registration serves all threads.
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let vfs = ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: c_int::try_from(mem::size_of::<Open>()).expect("a small struct"),
            mxPathname: LONGEST as c_int,
            pNext: ptr::null_mut(),
            zName: NAME_C.as_ptr(),
            pAppData: ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_path),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: None,
            xGetLastError: None,
            xCurrentTimeInt64: Some(current_time),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        };
        // SAFETY: SQLite keeps the pointer for as long as the program runs, and the leaked box
        // lives as long.
        let registered = unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 0) };
        assert_eq!(registered, ffi::SQLITE_OK, "SQLite accepts another file system");
    });
}

fn code(outcome: Result<(), Trouble>, failed: c_int) -> c_int {
    match outcome {
        Ok(()) => ffi::SQLITE_OK,
        Err(Trouble::Full) => ffi::SQLITE_FULL,
        Err(Trouble::Failed) => failed,
        Err(Trouble::Missing) => ffi::SQLITE_CANTOPEN,
        Err(Trouble::Locked) => ffi::SQLITE_BUSY,
    }
}

/// Returns the handle of an open file.
///
/// # Safety
/// `file` was opened by [`open`], and no other reference to its handle exists now.
unsafe fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Handle {
    // SAFETY: the caller guarantees the above; SQLite closes a file once and does not use it after
    // that.
    unsafe { &mut *(*file.cast::<Open>()).handle }
}

/// Copies a C string; a null pointer gives the name of a temporary file.
///
/// # Safety
/// `name` is null or a C string.
unsafe fn text(name: *const c_char) -> String {
    if name.is_null() {
        return "temporary".to_owned();
    }
    // SAFETY: the caller guarantees the above, and `name` is not null here.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a C string or null, room for an `Open`, and a place for flags or null.
    unsafe {
        let place = file.cast::<Open>();
        (*place).base.pMethods = ptr::null();
        let name = text(name);
        match with(|disk| disk.open(&name, flags & ffi::SQLITE_OPEN_CREATE != 0)) {
            Ok(handle) => {
                (*place).handle = Box::into_raw(Box::new(handle));
                (*place).base.pMethods = &raw const METHODS;
                if !out.is_null() {
                    *out = flags;
                }
                ffi::SQLITE_OK
            }
            Err(trouble) => code(Err(trouble), ffi::SQLITE_CANTOPEN),
        }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the box was made by `open`, and SQLite closes a file once.
    let handle = unsafe { Box::from_raw((*file.cast::<Open>()).handle) };
    handle.locks.borrow_mut().leave(handle.owner);
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let (Ok(amount), Ok(offset)) = (usize::try_from(amount), usize::try_from(offset)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    // SAFETY: SQLite gives an open file and `amount` bytes of room.
    let (handle, bytes) =
        unsafe { (handle(file), slice::from_raw_parts_mut(into.cast::<u8>(), amount)) };
    if with(|disk| disk.check(handle.process)).is_err() {
        return ffi::SQLITE_IOERR_READ;
    }
    let there = handle.file.borrow().read(offset, bytes);
    bytes[there..].fill(0);
    if there < amount { ffi::SQLITE_IOERR_SHORT_READ } else { ffi::SQLITE_OK }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let (Ok(amount), Ok(offset)) = (usize::try_from(amount), usize::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: SQLite gives an open file and `amount` bytes.
    let (handle, bytes) =
        unsafe { (handle(file), slice::from_raw_parts(from.cast::<u8>(), amount)) };
    code(with(|disk| disk.write(handle, offset, bytes)), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives an open file.
    let handle = unsafe { handle(file) };
    let outcome = with(|disk| disk.count(handle.process));
    if let (Ok(false), Ok(size)) = (outcome, usize::try_from(size)) {
        handle.file.borrow_mut().truncate(size);
        return ffi::SQLITE_OK;
    }
    ffi::SQLITE_IOERR_TRUNCATE
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    let handle = unsafe { handle(file) };
    code(with(|disk| disk.sync(handle)), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    size: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives an open file and a place for the size.
    unsafe { *size = i64::try_from(handle(file).file.borrow().len()).unwrap_or(i64::MAX) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    let handle = unsafe { handle(file) };
    code(handle.locks.borrow_mut().lock(handle.owner, level), ffi::SQLITE_IOERR_LOCK)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    let handle = unsafe { handle(file) };
    handle.locks.borrow_mut().unlock(handle.owner, level);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, reserved: *mut c_int) -> c_int {
    // SAFETY: SQLite gives an open file and a place for the answer.
    unsafe { *reserved = c_int::from(handle(file).locks.borrow().is_reserved()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    // SQLite assumes the same of a Unix disk: a write changes no bytes beside its own.
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    number: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let Ok(number) = usize::try_from(number) else { return ffi::SQLITE_IOERR_SHMMAP };
    if usize::try_from(size) != Ok(REGION) {
        return ffi::SQLITE_IOERR_SHMMAP;
    }
    // SAFETY: SQLite gives an open file and a place for the pointer. The region does not move, and
    // lives as long as the locks, which every handle that may use it shares.
    unsafe {
        let mut locks = handle(file).locks.borrow_mut();
        let region = locks.region(number, extend != 0);
        *out = region.map_or(ptr::null_mut(), |region| region.as_mut_ptr().cast());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    first: c_int,
    number: c_int,
    flags: c_int,
) -> c_int {
    let (Ok(first), Ok(number)) = (usize::try_from(first), usize::try_from(number)) else {
        return ffi::SQLITE_IOERR_SHMLOCK;
    };
    // SAFETY: SQLite gives an open file.
    let handle = unsafe { handle(file) };
    let (mut locks, which) = (handle.locks.borrow_mut(), first..first + number);
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        locks.unlock_shared(handle.owner, which);
        return ffi::SQLITE_OK;
    }
    let exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    code(locks.lock_shared(handle.owner, which, exclusive), ffi::SQLITE_IOERR_SHMLOCK)
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: SQLite gives an open file.
    let handle = unsafe { handle(file) };
    handle.locks.borrow_mut().unlock_shared(handle.owner, 0..SHARED_LOCKS);
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, _: c_int) -> c_int {
    // SAFETY: SQLite gives a C string.
    let name = unsafe { text(name) };
    match with(|disk| disk.delete(&name)) {
        Err(Trouble::Missing) => ffi::SQLITE_IOERR_DELETE_NOENT,
        outcome => code(outcome, ffi::SQLITE_IOERR_DELETE),
    }
}

unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _: c_int,
    there: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a C string and a place for the answer.
    unsafe {
        let name = text(name);
        *there = c_int::from(with(|disk| disk.files.contains_key(&name)));
    }
    ffi::SQLITE_OK
}

/// Returns the last part of a path as the name, because this disk has no folders.
unsafe extern "C" fn full_path(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives a C string and `room` bytes for another one.
    unsafe {
        let path = text(name);
        let name = path.rsplit('/').next().unwrap_or_default().as_bytes();
        if usize::try_from(room).is_ok_and(|room| name.len() < room) {
            ptr::copy_nonoverlapping(name.as_ptr(), out.cast(), name.len());
            *out.add(name.len()) = 0;
            return ffi::SQLITE_OK;
        }
    }
    ffi::SQLITE_CANTOPEN
}

unsafe extern "C" fn randomness(
    _: *mut ffi::sqlite3_vfs,
    number: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives `number` bytes of room. SQLite uses them only to seed its own names and
    // salts, so any bytes will do.
    unsafe { ptr::write_bytes(out, 7, usize::try_from(number).unwrap_or(0)) };
    number
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    micros
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, now: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives a place for the time. No statement of the project asks for the time.
    unsafe { *now = 0 };
    ffi::SQLITE_OK
}
