//! Badly behaved trainers: `zoo TAG` becomes the program that BESOM_PARAM_beast names, with
//! processes that behave as users' programs do. The command line of each process carries the tag,
//! the run, its attempt and the name, so that a test finds it however it hides. The tests in
//! tests/end_to_end/stops start the zoo. Every process ends by itself after some minutes.

use std::{
    env, error,
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, getpid, kill_process, setsid};

/// The time after which a process ends by itself.
const LIFE: Duration = Duration::from_secs(300);
/// The time that a spark lives before it starts the next one. A chain ends after [`SPARKS`] sparks.
const SPARK: Duration = Duration::from_millis(20);
const SPARKS: u32 = 5_000;

const LEADERLESS: &str = "
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(300,)).start()
ctypes.CDLL(None).pthread_exit(None)
";

type Done = Result<(), Box<dyn error::Error>>;

fn main() -> Done {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [tag] => {
            let named = |name: &str| env::var(name).unwrap_or_default();
            let beast = named("BESOM_PARAM_beast");
            let tag = format!("{tag}:{}:{}:{beast}", named("BESOM_RUN"), named("BESOM_ATTEMPT"));
            Err(zoo(&beast, &tag).exec().into())
        }
        [what, tag, rest @ ..] => {
            be(what, tag, rest.first().and_then(|left| left.parse().ok()).unwrap_or(SPARKS))
        }
        [] => Err("zoo TAG".into()),
    }
}

/// Runs one process of a program, or the program itself.
fn be(what: &str, tag: &str, left: u32) -> Done {
    let itself = env::current_exe()?.display().to_string();
    let spin = format!("'{itself}' spin '{tag}'");
    match what {
        "obedient" | "spin" => spin_on(),
        // The child of `setsid` leads its own session.
        "setsid" => {
            zoo("leader", tag).spawn()?;
            spin_on()
        }
        "leader" => {
            setsid()?;
            spin_on()
        }
        // The grandchild of `daemon` has no parent in the trial and another session. The grandchild
        // of `cleared` also has no environment.
        "daemon" | "cleared" => {
            let mut child = zoo("detach", tag);
            if what == "cleared" {
                child.env_clear();
            }
            child.spawn()?.wait()?;
            spin_on()
        }
        "detach" => {
            setsid()?;
            zoo("spin", tag).spawn()?;
            Ok(())
        }
        // The beast `deaf` ignores SIGTERM, and so does the process that it starts.
        "deaf" => shell(format!("trap '' TERM; {spin} & exec {spin}")),
        // The beast `stopped` stops its child and itself, so neither can handle SIGTERM.
        "stopped" => {
            let child = zoo("spin", tag).spawn()?;
            let stop = |pid: Option<Pid>| pid.map_or(Ok(()), |pid| kill_process(pid, Signal::STOP));
            stop(Pid::from_raw(child.id().cast_signed()))?;
            stop(Some(getpid()))?;
            spin_on()
        }
        "wrapper" => shell(format!("{spin} & wait")),
        "pipeline" => shell(format!("{spin} | {spin}; true")),
        "ranks" => {
            for _ in 0..4 {
                zoo("spin", tag).spawn()?;
            }
            spin_on()
        }
        // On SIGTERM, `respawner` starts a process that ignores SIGTERM.
        "respawner" => {
            shell(format!("trap \"trap '' TERM; {spin} & exit 0\" TERM; {spin} & wait; wait"))
        }
        // The first thread of `leaderless` exits and another continues, so the kernel shows the
        // process as a zombie.
        "leaderless" => Err(Command::new("python3").args(["-c", LEADERLESS, tag]).exec().into()),
        // The beast `bomb` starts chains of processes. Each process lives for a moment and starts
        // the next one.
        "bomb" => {
            for _ in 0..4 {
                zoo("spark", tag).spawn()?;
            }
            spin_on()
        }
        "spark" => {
            thread::sleep(SPARK);
            if left > 0 {
                zoo("spark", tag).arg((left - 1).to_string()).spawn()?;
            }
            Ok(())
        }
        other => Err(format!("no beast `{other}`").into()),
    }
}

fn zoo(what: &str, tag: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap_or_default());
    command.args([what, tag]).stdin(Stdio::null());
    command
}

/// Replaces this process with a shell.
fn shell(script: String) -> Done {
    Err(Command::new("/bin/sh").args(["-c", &script]).exec().into())
}

/// Computes a little now and then until it is killed or its time is over.
fn spin_on() -> Done {
    let begun = Instant::now();
    while begun.elapsed() < LIFE {
        let busy = Instant::now();
        while busy.elapsed() < Duration::from_micros(200) {}
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
