//! Fills the disk of the controller while programs log. The disk is a small file system in its own
//! mount namespace. If the user may not mount one, the tests print a warning and are skipped.

use std::{
    fs::{self, File},
    io,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use besom::Run;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use tests::{Agent, Lab, measures, program, rows::read, wait_for};

/// The longest time until everything has arrived after there is room again.
const RECOVERY: Duration = Duration::from_secs(5);
/// The number of bytes by which [`Small::fill`] shrinks its file after a failed try. A try fails if
/// another process takes room meanwhile.
const STEP: u64 = 64 << 10;
/// A trial that appends its process id to the file `pids` and counts forever.
const TRIAL: &str = r#"echo $$ >> pids; step=0; while :; do
  echo "{\"step\": $step, \"loss\": $step}"; step=$((step + 1)); sleep 0.02; done"#;

/// A controller on a file system of 64 MiB. After it ends, `controller fsck` checks its folder.
struct Small {
    shell: Child,
    /// The path of the file system outside its namespace.
    disk: PathBuf,
    log: PathBuf,
}

impl Small {
    /// Starts the controller on a disk with room for `files` files. Returns `None` if the user may
    /// not mount file systems.
    fn start(lab: &Lab, files: u32) -> Option<Self> {
        let mount = format!("mount -t tmpfs -o size=64m,nr_inodes={files} besom \"$1\"");
        let unshare = |script: &str| {
            let mut command = Command::new("unshare");
            command.args(["-rm", "sh", "-c", script]).arg(program("controller")).arg(lab.dir());
            command
        };
        let tried = unshare(&mount).output();
        if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
            terminal::warn(format_args!(
                "skipped: no small file system can be mounted here: {tried:?}"
            ));
            return None;
        }
        let flags =
            format!("--listen 127.0.0.1:{} --lease-seconds 2 --grace-seconds 1", lab.port());
        let script = format!(
            "{mount} && \"$0\" {flags} --data \"$1/data\"; exec \"$0\" fsck --data \"$1/data\""
        );
        let log = lab.dir().with_extension("log");
        let out = File::create(&log).unwrap();
        let shell = unshare(&script).stderr(out).stdout(Stdio::null()).spawn().unwrap();
        wait_for("the controller", || TcpStream::connect(("127.0.0.1", lab.port())).ok());
        let disk = Path::new("/proc").join(shell.id().to_string()).join("root");
        Some(Self { disk: disk.join(lab.dir().strip_prefix("/").unwrap()), shell, log })
    }

    /// Returns what the controller, and the check after it, have printed to the standard error.
    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Ends the controller with SIGTERM. The controller must have reported a full disk once and
    /// free room once, and the check of its folder must find no damage.
    fn end(mut self) {
        assert!(Command::new("kill").args(self.children()).status().unwrap().success());
        let checked = self.shell.wait().unwrap();
        let said = self.said();
        assert!(checked.success(), "nothing is damaged: {said}");
        let times = |what: &str| said.matches(what).count();
        assert_eq!((times("is full"), times("has room again")), (1, 1), "said once each: {said}");
        fs::remove_file(&self.log).unwrap();
    }

    /// Returns the process of the controller while it runs.
    fn children(&self) -> Vec<String> {
        let shell = self.shell.id();
        let children =
            fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap_or_default();
        children.split_whitespace().map(str::to_owned).collect()
    }

    /// Takes the room that is free when the call begins, and no more. Room that the controller
    /// frees later stays free.
    fn fill(&self, name: &str) {
        let file = File::create(self.disk.join(name)).unwrap();
        let told = statvfs(&self.disk).unwrap();
        let mut room = told.f_bavail * told.f_frsize;
        while room > 0 && fallocate(&file, FallocateFlags::empty(), 0, room).is_err() {
            room = room.saturating_sub(STEP);
        }
    }

    fn free(&self, name: &str) {
        fs::remove_file(self.disk.join(name)).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        for child in self.children() {
            let _ = Command::new("kill").args(["-KILL", &child]).stderr(Stdio::null()).status();
        }
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Starts a run in the test's own process, with its journal outside the small file system.
fn run(lab: &Lab) -> Run {
    let init = besom::init().controller(lab.address()).dir(lab.dir().with_extension("runs"));
    init.project("full").start().unwrap()
}

fn log(run: &Run, steps: std::ops::Range<u64>) {
    for step in steps {
        run.log_at(step, [("loss", step as f64)]);
        sleep(Duration::from_millis(1));
    }
}

/// Returns the steps of a run's history.
fn steps(lab: &Lab, run: &str) -> Vec<u64> {
    read(lab, run, "history").iter().map(|row| row.step).collect()
}

fn files(lab: &Lab, run: &Run) -> usize {
    lab.json(&["run", "files", run.id(), "--json"]).as_array().unwrap().len()
}

fn save(lab: &Lab, run: &Run, name: &str) {
    run.save(lab.write(name, name)).unwrap();
}

/// Waits until `sweep show` says that the disk is full.
fn wait_for_note(lab: &Lab, sweep: &str) {
    wait_for("the note", || {
        let shown = lab.json(&["show", sweep, "--json"]);
        let note = shown["sweep"]["note"].as_str().unwrap_or_default();
        note.contains("disk of the controller is full").then_some(())
    });
}

/// Waits for a state. If tests enforce their time limits, it must be reached within [`RECOVERY`]
/// after `freed`.
fn recovers(what: &str, freed: Instant, mut check: impl FnMut() -> bool) {
    wait_for(what, || check().then_some(()));
    let took = freed.elapsed();
    terminal::say(format_args!("{what}: {:.1} s after there was room", took.as_secs_f64()));
    assert!(took < RECOVERY || !measures(), "{what}: {took:?} after there was room");
}

/// Cancels the sweep while the disk is full. The processes die, the reports of their ends wait, and
/// the agent says what they wait for.
fn cancel(lab: &Lab, sweep: &str, agent: &Agent) {
    let cancelled = lab.sweep(&["cancel", sweep]);
    let said = String::from_utf8_lossy(&cancelled.stderr);
    assert!(cancelled.status.success(), "a sweep can be cancelled: {said}");
    let pids = fs::read_to_string(lab.dir().join("pids")).unwrap();
    assert_eq!(pids.lines().count(), 2);
    wait_for("the trials to die", || {
        pids.lines().all(|pid| !Path::new("/proc").join(pid).exists()).then_some(())
    });
    let waits = || agent.said().lines().filter(|line| line.contains("  waits  ")).count();
    wait_for("the agent to say what it waits for", || (waits() == 2).then_some(()));
    sleep(Duration::from_secs(2));
    let said = agent.said();
    assert!(
        waits() == 2
            && said.contains("the disk of the controller is full: the agent keeps its end and "),
        "{said}"
    );
    assert!(
        lab.runs(sweep).iter().all(|run| run["state"] == "running"),
        "an end does not overtake its rows"
    );
}

#[test]
fn rows_and_ends_wait_for_a_full_disk_while_stops_go_on() {
    let mut lab = Lab::new();
    let Some(small) = Small::start(&lab, 10_000) else { return };
    let run = run(&lab);
    let trial = serde_json::json!(["sh", "-c", TRIAL]);
    let sweep = lab.create(&format!(
        "{{method: random, command: {trial}, parameters: {{x: {{min: 0, max: 1}}}}}}"
    ));
    let agent = lab.agent(&sweep, &["--slots", "2"]);
    let begun =
        || lab.runs(&sweep).iter().filter(|run| run["rows"].as_u64() > Some(9)).count() == 2;
    wait_for("two trials", || begun().then_some(()));
    log(&run, 0..200);
    save(&lab, &run, "before");
    wait_for("the first rows", || (steps(&lab, run.id()).len() == 200).then_some(()));
    wait_for("the first file", || (files(&lab, &run) == 1).then_some(()));

    small.fill("filler");
    wait_for_note(&lab, &sweep);
    log(&run, 200..400);
    save(&lab, &run, "during");
    cancel(&lab, &sweep, &agent);
    let kept = steps(&lab, run.id()).len();
    assert!(
        (200..400).contains(&kept),
        "acknowledged rows are there, the others are refused: {kept}"
    );
    assert_eq!(files(&lab, &run), 1);
    // After SIGTERM, the agent leaves although the controller has not taken the ends. The next
    // agent sends them.
    let data = agent.data.clone();
    agent.signal("TERM");
    let (code, said) = agent.wait();
    let promise = ["2 trials could not be reported", "hint: start the agent again to finish that"];
    assert!(code == Some(1) && promise.iter().all(|word| said.contains(word)), "{code:?} {said}");
    let agent = lab.agent_in(data, &sweep, &["--slots", "2"]);
    wait_for("the next agent", || (agent.said().matches("  waits  ").count() == 4).then_some(()));

    let freed = Instant::now();
    small.free("filler");
    recovers("all rows", freed, || steps(&lab, run.id()).len() == 400);
    recovers("the file", freed, || files(&lab, &run) == 2);
    recovers("both ends", freed, || lab.runs(&sweep).iter().all(|run| run["state"] == "stopped"));
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    let id = run.id().to_owned();
    assert_eq!(run.finish().unwrap().refused, 0);
    let runs = lab.runs(&sweep);
    for id in runs.iter().map(|run| run["id"].as_str().unwrap()).chain([id.as_str()]) {
        let steps = steps(&lab, id);
        assert_eq!(steps, (0..steps.len() as u64).collect::<Vec<_>>(), "each once, in order");
    }
    small.end();
}

#[test]
fn writes_beyond_the_reserve_are_refused_and_work_later() {
    let lab = Lab::new();
    let Some(small) = Small::start(&lab, 10_000) else { return };
    let run = run(&lab);
    let sweep = lab.create("{method: random, command: [train], parameters: {x: {min: 0, max: 1}}}");
    log(&run, 0..100);
    wait_for("the first rows", || (steps(&lab, run.id()).len() == 100).then_some(()));
    small.fill("filler");
    wait_for_note(&lab, &sweep);
    small.fill("the reserve");
    let changes = ["pause", "resume"].iter().cycle().take(100);
    let refused =
        changes.map(|word| lab.sweep(&[word, &sweep])).find(|change| !change.status.success());
    let refused = refused.expect("in the end nothing can be written");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("the disk of the controller is full") && said.contains("hint:"),
        "{said}"
    );
    let state = lab.state(&sweep);
    assert!(["pending", "paused"].contains(&state.as_str()), "it can be read: {state}");
    assert_eq!(steps(&lab, run.id()).len(), 100);
    log(&run, 100..200);

    let freed = Instant::now();
    small.free("filler");
    small.free("the reserve");
    recovers("a change", freed, || lab.sweep(&["cancel", &sweep]).status.success());
    recovers("all rows", freed, || steps(&lab, run.id()) == (0..200).collect::<Vec<_>>());
    assert_eq!(lab.state(&sweep), "cancelled");
    run.finish().unwrap();
    small.end();
}

#[test]
fn a_disk_without_free_inodes_counts_as_full() {
    let lab = Lab::new();
    let Some(small) = Small::start(&lab, 100) else { return };
    let run = run(&lab);
    let sweep = lab.create("{method: random, command: [train], parameters: {x: {min: 0, max: 1}}}");
    save(&lab, &run, "before");
    wait_for("the first file", || (files(&lab, &run) == 1).then_some(()));
    let filler = |number: u32| small.disk.join(format!("filler-{number}"));
    let full = (0..200).find(|number| {
        File::create(filler(*number)).is_err_and(|error| error.kind() == io::ErrorKind::StorageFull)
    });
    let full = full.expect("there is no room for another file");
    save(&lab, &run, "during");
    wait_for_note(&lab, &sweep);
    sleep(Duration::from_secs(2));
    assert_eq!(files(&lab, &run), 1);

    let freed = Instant::now();
    (0..full).for_each(|number| fs::remove_file(filler(number)).unwrap());
    recovers("the file", freed, || files(&lab, &run) == 2);
    run.finish().unwrap();
    small.end();
}
