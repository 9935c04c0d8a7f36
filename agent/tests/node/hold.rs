//! Tests the agent's hold on a trial's processes and on its slot: cgroups, processes that cannot be
//! killed, and GPU memory that is not released. If the machine does not allow a test, the test
//! prints that it is skipped.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use agent::{
    agent::{Setup, Signal, work},
    processes::{cgroup::Delegation, process::Identity},
    slots::{layout::Slot, release::Gpus},
    state::folder::Folder,
    trial::{Shims, spec},
};
use proto::v1::Stop;
use rustix::process::Signal as ProcessSignal;
use telemetry::{Meter, Reading, Resident, gpus::Gpu};
use tokio::sync::mpsc;

use crate::support::{Fake, Home, script, trial, until};

const UUID: &str = "GPU-0";

/// A GPU: the processes that have memory on it, and whether it has fallen off its bus.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<i32>>>, Arc<AtomicBool>);

impl Meter for Memory {
    fn read(&mut self) -> Vec<Reading> {
        Vec::new()
    }

    fn residents(&mut self) -> Vec<Resident> {
        let resident = |pid: &i32| Resident { uuid: UUID.to_owned(), pid: *pid };
        self.0.lock().unwrap().iter().map(resident).collect()
    }

    fn trouble(&mut self, _uuid: &str) -> Option<String> {
        self.1.load(Ordering::Relaxed).then(|| "NVML says: it is lost".to_owned())
    }
}

/// Makes an agent with one slot, which has this GPU.
fn with_gpu(home: &Home, fake: &Fake, memory: &Memory) -> (Setup<Fake, Shims<Fake>>, Folder) {
    let (mut setup, folder) = home.setup(fake, 1, None);
    let gpu = Gpu { index: 0, uuid: UUID.to_owned(), name: "H".to_owned() };
    setup.slots = vec![Slot { gpus: vec![gpu] }];
    Arc::get_mut(&mut setup.trials.context).unwrap().gpus = Gpus::new(memory.clone());
    (setup, folder)
}

/// Returns the pid of a process that has ended.
fn dead() -> i32 {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    child.id().cast_signed()
}

#[tokio::test]
async fn a_slot_whose_gpu_memory_is_held_is_set_aside_until_it_is_free() {
    let (home, fake, memory) = (Home::new(), Fake::default(), Memory::default());
    fake.change(|state| state.queue.extend([trial(0, &["true"]), trial(1, &["true"])]));
    let holder = dead();
    *memory.0.lock().unwrap() = vec![holder];
    let (setup, _folder) = with_gpu(&home, &fake, &memory);
    let (interrupt, interrupts) = mpsc::channel(1);
    let agent = tokio::spawn(work(setup, interrupts));
    until(|| fake.ends().len() == 1).await;
    until(|| !fake.state().set_aside.is_empty()).await;
    let said = fake.state().set_aside.clone();
    assert_eq!(
        said,
        [format!("slot 1 is set aside: process {holder} still has GPU memory (s-0 (attempt 1))")]
    );
    assert_eq!(fake.ends().len(), 1, "the next trial waits");
    let held = fs::read_to_string(home.data().join("holdings.json")).unwrap();
    assert!(held.contains("s-0"), "a restarted agent must not give the slot away either: {held}");
    // Only GPU memory of a dead process keeps the slot set aside. The test's own process lives, so
    // its memory counts as that of another program.
    *memory.0.lock().unwrap() = vec![std::process::id().cast_signed()];
    until(|| fake.ends().len() == 2).await;
    until(|| fake.state().set_aside.is_empty()).await;
    interrupt.send(Signal::Interrupt).await.unwrap();
    agent.await.unwrap().unwrap();
    assert_eq!(fs::read_to_string(home.data().join("holdings.json")).unwrap(), "[]");
}

#[tokio::test]
async fn a_gpu_that_does_not_answer_gets_no_trial_and_fails_none() {
    let (home, fake, memory) = (Home::new(), Fake::default(), Memory::default());
    let dies = home.dir.path().join("dies");
    let lost = home.dir.path().join("lost");
    let program = format!(
        "touch {}; until [ -e {} ]; do sleep 0.05; done; exit 1",
        dies.display(),
        lost.display()
    );
    fake.change(|state| state.queue.extend([script(0, &program), trial(1, &["true"])]));
    let (setup, _folder) = with_gpu(&home, &fake, &memory);
    let (interrupt, interrupts) = mpsc::channel(1);
    let agent = tokio::spawn(work(setup, interrupts));
    until(|| dies.exists()).await;
    memory.1.store(true, Ordering::Relaxed);
    fs::write(&lost, "").unwrap();
    until(|| fake.ends().len() == 1).await;
    let outcome = fake.state().ended[0].outcome.clone().unwrap();
    let want = "exit code 1: its GPU does not answer (NVML says: it is lost)";
    assert_eq!((outcome.state.as_str(), outcome.message.as_str()), ("crashed", want));
    until(|| !fake.state().set_aside.is_empty()).await;
    let said = fake.state().set_aside.clone();
    assert_eq!(
        said,
        ["slot 1 is set aside: GPU 0 (GPU-0) does not answer (NVML says: it is lost)"]
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(fake.ends().len(), 1, "no trial starts on this GPU");
    memory.1.store(false, Ordering::Relaxed);
    until(|| fake.ends().len() == 2).await;
    assert!(fake.state().set_aside.is_empty());
    interrupt.send(Signal::Interrupt).await.unwrap();
    agent.await.unwrap().unwrap();
}

#[tokio::test]
async fn trials_for_a_gpu_that_never_answered_go_back() {
    let (home, fake, memory) = (Home::new(), Fake::default(), Memory::default());
    memory.1.store(true, Ordering::Relaxed);
    let (setup, _folder) = with_gpu(&home, &fake, &memory);
    let (interrupt, interrupts) = mpsc::channel(1);
    fake.change(|state| state.queue.push_back(trial(0, &["true"])));
    let agent = tokio::spawn(work(setup, interrupts));
    until(|| !fake.state().set_aside.is_empty()).await;
    assert!(fake.ends().is_empty());
    interrupt.send(Signal::Interrupt).await.unwrap();
    agent.await.unwrap().unwrap();
    assert!(fake.ends().is_empty() && !home.attempt(0).join("spec.json").exists());
}

/// A cgroup of version 1 that freezes its processes, so that even SIGKILL has no effect.
struct Freezer(PathBuf);

impl Freezer {
    fn new() -> Option<Self> {
        let path = format!("/sys/fs/cgroup/freezer/besom-test-{}", std::process::id()).into();
        fs::create_dir(&path).ok().map(|()| Self(path))
    }

    fn set(&self, state: &str) {
        fs::write(self.0.join("freezer.state"), state).unwrap();
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("freezer.state"), "THAWED");
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Returns whether a process has got a SIGTERM that has had no effect yet.
fn sigterm_is_pending(process: &Identity) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap();
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
    let sigterm = 1 << (ProcessSignal::TERM.as_raw() - 1);
    u64::from_str_radix(pending.trim(), 16).unwrap() & sigterm != 0
}

#[tokio::test]
async fn a_process_that_cannot_be_killed_keeps_its_slot() {
    let Some(freezer) = Freezer::new() else {
        terminal::say(
            "SKIPPED: a process that cannot be killed: this machine does not allow a test to \
            freeze one (cgroup v1)",
        );
        return;
    };
    let program = format!("echo 0 > {}/cgroup.procs; exec sleep 1000", freezer.0.display());
    let (home, fake) = (Home::new(), Fake::default());
    fake.change(|state| state.queue.extend([script(0, &program), trial(1, &["true"])]));
    let (setup, _folder) = home.setup(&fake, 1, None);
    let (interrupt, interrupts) = mpsc::channel(1);
    let agent = tokio::spawn(work(setup, interrupts));
    let processes = home.running(0).await;
    until(|| fs::read_to_string(freezer.0.join("cgroup.procs")).unwrap().lines().count() == 1)
        .await;
    freezer.set("FROZEN");
    let stop =
        Stop { run: "s-0".to_owned(), attempt: 1, reason: "cancelled".to_owned(), grace_ms: 100 };
    fake.change(|state| state.stops.push(stop));
    let program = processes.program.unwrap();
    // If the agent heard of the shim's end first, the order to stop would come too late to count.
    until(|| sigterm_is_pending(&program)).await;
    processes.shim.kill();
    until(|| !fake.state().set_aside.is_empty()).await;
    let said = fake.state().set_aside.clone();
    let want =
        format!("slot 1 is set aside: process {} cannot be ended (s-0 (attempt 1))", program.pid);
    assert_eq!(said, [want]);
    assert_eq!(fake.ends(), [("s-0".to_owned(), "stopped".to_owned())], "the next trial waits");
    assert!(program.is_alive());
    freezer.set("THAWED");
    until(|| fake.ends().len() == 2).await;
    assert!(!program.is_alive());
    interrupt.send(Signal::Interrupt).await.unwrap();
    agent.await.unwrap().unwrap();
}

/// Returns the delegation of an agent with this name. If this machine does not let trials have
/// their own cgroups, prints why the test is skipped and returns `None`.
fn delegation(agent: &str) -> Option<Delegation> {
    let agent = format!("{agent}-{}", std::process::id());
    let found = Delegation::find(env!("CARGO_BIN_EXE_agent").as_ref(), &agent);
    found
        .inspect_err(|why| {
            terminal::say(format_args!("SKIPPED: trials with their own cgroups: {why}"))
        })
        .ok()
}

#[test]
fn cgroups_of_an_earlier_start_are_removed_unless_they_are_in_use() {
    let Some(found) = delegation("left") else { return };
    let [empty, used] = ["empty", "used"].map(|name| found.make(name).unwrap());
    fs::create_dir(empty.path().join("inner")).unwrap();
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    fs::write(used.path().join("cgroup.procs"), child.id().to_string()).unwrap();
    assert_eq!(delegation("left"), Some(found));
    assert!(!empty.path().exists() && used.path().exists());
    used.kill();
    child.wait().unwrap();
    assert!(used.processes().is_empty());
    used.remove().unwrap();
}

#[tokio::test]
async fn cgroups_that_a_trial_made_end_with_it() {
    let Some(found) = delegation("nested") else { return };
    // The program starts a `sleep` without the mark, in a cgroup inside the trial's own. After the
    // shim is killed, `sleep` is no descendant of a shim, so only the cgroup leads the agent to it.
    let program = r#"
        own=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)$(
            sed -n 's/^0:://p' /proc/self/cgroup)
        mkdir "$own/inner"
        (echo 0 > "$own/inner/cgroup.procs"; exec env -i setsid sleep 1000) &
        echo $!
        sleep 1"#;
    let (home, fake) = (Home::new(), Fake::with([script(0, program)]));
    let (mut setup, _folder) = home.setup(&fake, 1, None);
    Arc::get_mut(&mut setup.trials.context).unwrap().cgroups = Some(found);
    let (_keep, interrupts) = mpsc::channel(1);
    let agent = tokio::spawn(work(setup, interrupts));
    let processes = home.running(0).await;
    let cgroup = spec::cgroup(&home.attempt(0)).unwrap();
    until(|| cgroup.path().join("inner").exists()).await;
    until(|| cgroup.processes().len() >= 2).await;
    let inside: Vec<Identity> = cgroup.processes().into_iter().filter_map(Identity::of).collect();
    assert!(!inside.contains(&processes.shim), "the shim must outlive the killed processes");
    processes.shim.kill();
    agent.await.unwrap().unwrap();
    assert!(inside.iter().all(|process| !process.is_alive()), "{inside:?}");
    assert!(!cgroup.path().exists());
}
