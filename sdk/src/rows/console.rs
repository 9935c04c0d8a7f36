//! Keeps the console of a program that a person started: the lines that the program prints become
//! rows of its run. Standard output and standard error become pipes. One thread per pipe passes the
//! bytes on to their old destination and turns the lines into rows. `init` starts the redirection
//! on request, and the end of the run stops it. In a sweep, the agent keeps the console instead. If
//! the program is killed, its last lines may be lost.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use record::{
    console::{Lines, Seen, shown},
    keeper::{Keeper, Kept, Limits},
};
use rustix::{
    fd::AsFd,
    io::{Errno, fcntl_dupfd_cloexec},
    pipe::{PipeFlags, pipe_with},
    stdio::{dup2_stderr, dup2_stdout, stderr, stdout},
};

use super::row_buffer::{RowBuffer, Stream};
use crate::{value::Value, warning::warn};

/// The keys of the console's rows.
const KEYS: [&str; 2] = ["stdout", "stderr"];
/// The largest number of bytes that one read takes. A pipe of Linux's default size holds no more.
const PIECE_BYTES: usize = 64 << 10;
/// The pause after a read of [`PIECE_BYTES`]. During a flood of output, the pause slows the program
/// down, so that lines do not crowd rows of metrics out of the buffer.
const PAUSE: Duration = Duration::from_millis(1);
/// The longest time that the end of the run waits for the lines in the pipes. A child of the
/// program may keep a pipe open for longer.
const END_WAIT: Duration = Duration::from_millis(500);
/// True while a run keeps the console. A process has one console, so only one of its runs can keep
/// it.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The console of one run; contains `None` while the run does not keep the console.
#[derive(Debug, Default)]
pub(crate) struct Console(Mutex<Option<Taken>>);

#[derive(Debug)]
struct Taken {
    /// The original destinations of standard output and standard error.
    before: [OwnedFd; 2],
    /// The receiver that disconnects when the threads of both pipes have ended.
    ended: Receiver<()>,
}

impl Console {
    /// Starts to turn the lines that the program prints into rows of this buffer, until
    /// [`Console::end`]. If the redirection fails, or another run keeps the console, the call only
    /// prints a warning.
    pub(crate) fn take(&self, rows: &Arc<RowBuffer>) {
        if TAKEN.swap(true, Ordering::Relaxed) {
            return warn("another run of this process keeps the console already");
        }
        match redirect(rows) {
            Ok(taken) => *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(taken),
            Err(error) => {
                TAKEN.store(false, Ordering::Relaxed);
                warn(&format!("the console is not kept: {error}"));
            }
        }
    }

    /// Ends the redirection: the program prints to the original destinations again.
    pub(crate) fn end(&self) {
        let Some(taken) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        // A failed flush, for example because standard output is closed, must not prevent the steps
        // below.
        let _ = io::stdout().flush();
        let [out, err] = &taken.before;
        let _ = (dup2_stdout(out), dup2_stderr(err));
        // No message ever comes: the receiver disconnects when both threads have ended.
        let _ = taken.ended.recv_timeout(END_WAIT);
        TAKEN.store(false, Ordering::Relaxed);
    }
}

fn redirect(rows: &Arc<RowBuffer>) -> io::Result<Taken> {
    let _ = io::stdout().flush();
    let keeper = Keeper::new(Limits::default(), KEYS, 0);
    let (ended, keeper) = (mpsc::sync_channel(1), Arc::new(Mutex::new(keeper)));
    let before = [duplicate(stdout())?, duplicate(stderr())?];
    let out = follow(rows, KEYS[0], &before[0], &keeper, &ended.0)?;
    let err = follow(rows, KEYS[1], &before[1], &keeper, &ended.0)?;
    dup2_stdout(&out)?;
    if let Err(error) = dup2_stderr(&err) {
        dup2_stdout(&before[0])?;
        return Err(error.into());
    }
    Ok(Taken { before, ended: ended.1 })
}

fn duplicate(fd: impl AsFd) -> Result<OwnedFd, Errno> {
    // The duplicate gets a descriptor number of at least 3, because 0, 1 and 2 are the standard
    // streams.
    fcntl_dupfd_cloexec(fd, 3)
}

/// Makes a pipe and starts the thread that reads it. Returns the pipe's write end.
fn follow(
    rows: &Arc<RowBuffer>,
    key: &'static str,
    before: &OwnedFd,
    keeper: &Arc<Mutex<Keeper>>,
    ended: &SyncSender<()>,
) -> io::Result<OwnedFd> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    let (pipe, before) = (File::from(read), File::from(duplicate(before)?));
    let taker = Taker {
        rows: Arc::downgrade(rows),
        key,
        keeper: Arc::clone(keeper),
        begun: Instant::now(),
    };
    let ended = ended.clone();
    let body = move || {
        pass_on(pipe, before, &taker);
        drop(ended);
    };
    thread::Builder::new().name(format!("besom-{key}")).spawn(body)?;
    Ok(write)
}

/// Passes the pipe's bytes on to their old destination and turns the lines into rows, until all
/// writers have closed the pipe.
fn pass_on(mut pipe: File, mut before: File, taker: &Taker) {
    let (mut piece, mut lines) = (vec![0; PIECE_BYTES], Lines::default());
    loop {
        match pipe.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => {
                // The run continues even if the terminal has gone away.
                let _ = before.write_all(&piece[..length]);
                lines.push(&piece[..length], |seen| taker.take(seen));
                taker.look();
                if length == PIECE_BYTES {
                    thread::sleep(PAUSE);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    if lines.is_open() {
        lines.finish(|seen| taker.take(seen));
    }
    taker.end();
}

/// The part of a pipe's thread that turns the lines of its stream into rows.
struct Taker {
    rows: Weak<RowBuffer>,
    key: &'static str,
    /// The keeper of lines, which the threads of both pipes share.
    keeper: Arc<Mutex<Keeper>>,
    begun: Instant,
}

impl Taker {
    fn take(&self, seen: Seen<'_>) {
        let Seen::Line(line, beyond) = seen else { return };
        self.keep(|keeper, each| keeper.take(self.key, &shown(line, beyond), each));
    }

    fn look(&self) {
        let since = i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.keep(|keeper, each| keeper.look(since, each));
    }

    /// Turns the waiting lines of both pipes into rows, because the other pipe's thread may have
    /// ended already.
    fn end(&self) {
        self.keep(|keeper, each| keeper.end(each));
    }

    fn keep(&self, work: impl FnOnce(&mut Keeper, &mut dyn FnMut(&'static str, Kept<'_>))) {
        let Some(rows) = self.rows.upgrade() else { return };
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut keeper, &mut |key, kept| {
            rows.push(Stream::Console, None, [(key, Value::from(&*kept.text()))]);
        });
    }
}
