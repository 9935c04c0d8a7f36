//! Runs real programs in a folder of their own, for tests and benches. A lab starts controllers,
//! agents and `sweep` commands as a user would, kills them as a crash would, and leaves nothing
//! running.

pub mod acknowledged;
mod chance;
pub mod fake_agent;
pub mod processes;
pub mod rows;

use std::{
    ffi::OsString,
    fs,
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

pub use self::chance::Chance;
use self::processes::{Signal, of_node, signal};

/// The longest time that a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A folder, a port, and the programs that run there. Dropping a lab kills its controller; dropping
/// an [`Agent`] kills the agent and its trials.
#[derive(Debug)]
pub struct Lab {
    dir: TempDir,
    port: u16,
    controller: Option<Child>,
    agents: u32,
    cgroup: Option<PathBuf>,
    lease_seconds: u32,
    token: Option<String>,
    encrypted: bool,
    verbose: bool,
}

/// A running agent, in a process group of its own.
#[derive(Debug)]
pub struct Agent {
    child: Child,
    /// The agent's data folder.
    pub data: PathBuf,
    log: PathBuf,
}

/// Returns the path of one of the project's programs: in the folder that BESOM_PROGRAMS names, else
/// built next to the test.
///
/// # Panics
/// Panics if the programs do not build.
pub fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let given = || std::env::var_os("BESOM_PROGRAMS").map(PathBuf::from);
    FOLDER.get_or_init(|| given().unwrap_or_else(build)).join(name)
}

/// Builds the project's programs; returns their folder.
fn build() -> PathBuf {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace");
    let built = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args([
            "build",
            "--quiet",
            "-p",
            "controller",
            "-p",
            "agent",
            "-p",
            "cli",
            "-p",
            "tests",
            "--bins",
        ])
        .current_dir(root)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the programs build");
    let test = std::env::current_exe().expect("a program knows its path");
    let folder = test.parent().expect("it lies in a folder");
    if folder.ends_with("deps") {
        folder.parent().expect("deps lies in a folder").into()
    } else {
        folder.into()
    }
}

/// Returns a loopback port that was free a moment ago. The port is below the ports that systems use
/// for outgoing connections, and no other lab of this process has it.
///
/// # Panics
/// Panics if the machine has no free port.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).expect("below 10,000");
    (0..10_000)
        .map(|_| 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port is free")
}

/// Waits until `check` returns a value.
///
/// # Panics
/// Panics after [`PATIENCE`] with `what`.
pub fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "gave up waiting for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns how often a test repeats: the value of this environment variable, or the default.
pub fn times(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|times| times.parse().ok()).unwrap_or(default)
}

/// Returns whether tests enforce their time limits. `cargo xtask soak` requests this, on a machine
/// that does nothing else. Without it, a test must not fail because other programs keep the machine
/// busy.
pub fn measures() -> bool {
    std::env::var_os("BESOM_MEASURES").is_some()
}

/// Returns the nanoseconds of the clock that all programs of a machine share.
pub fn monotonic_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(
    clippy::missing_panics_doc,
    reason = "a laboratory whose programs do not start has failed its test"
)]
impl Lab {
    /// Returns a folder and a port, with nothing running.
    pub fn new() -> Self {
        let dir =
            tempfile::Builder::new().prefix("besom-lab-").tempdir().expect("a folder can be made");
        let port = free_port();
        Self {
            dir,
            port,
            controller: None,
            agents: 0,
            cgroup: None,
            lease_seconds: 2,
            token: None,
            encrypted: false,
            verbose: false,
        }
    }

    /// Returns a lab with a running controller. Its leases last two seconds; stopped trials get a
    /// grace of one second.
    pub fn with_controller() -> Self {
        let mut lab = Self::new();
        lab.start_controller();
        lab
    }

    /// Returns a lab with a running controller whose leases last this long.
    pub fn with_leases(seconds: u32) -> Self {
        let mut lab = Self::new();
        lab.lease_seconds = seconds;
        lab.start_controller();
        lab
    }

    /// Returns a lab with a running controller that requires this token. All programs of the lab
    /// have this token.
    pub fn with_token(token: &str) -> Self {
        let mut lab = Self::new();
        lab.token = Some(token.to_owned());
        lab.start_controller();
        lab
    }

    /// Returns a lab with a running controller whose certificate signs itself, and that requires
    /// this token. All programs of the lab have the token and trust the certificate.
    pub fn encrypted(token: &str) -> Self {
        let mut lab = Self::new();
        (lab.token, lab.encrypted) = (Some(token.to_owned()), true);
        lab.start_controller();
        lab
    }

    /// Returns the lab with a controller that logs more than usual, once it is started.
    #[must_use]
    pub fn verbose(mut self) -> Self {
        self.verbose = true;
        self
    }

    /// Returns the fingerprints that the controller of [`Lab::encrypted`] has printed, one for each
    /// of its starts.
    pub fn fingerprints(&self) -> Vec<String> {
        let log = fs::read_to_string(self.dir().join("controller.log")).unwrap_or_default();
        log.split_whitespace().filter(|word| word.starts_with("sha256:")).map(Into::into).collect()
    }

    /// Returns the lab's folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the address of the controller.
    pub fn address(&self) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Returns the port of [`Lab::address`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns a command for one of the project's programs in the lab's folder. The program finds
    /// the lab's controller and sees no settings of the user.
    pub fn command(&self, name: &str) -> Command {
        self.at_home(Command::new(program(name)))
    }

    /// Returns the command with the lab's folder and variables, and without variables of the user's
    /// shell.
    pub fn at_home(&self, mut command: Command) -> Command {
        // A variable that the user's shell sets could hide a fault, or cause one, so it is removed.
        let stray = |name: &OsString| name.to_string_lossy().starts_with("BESOM_");
        std::env::vars_os().map(|(name, _)| name).filter(stray).for_each(|name| {
            command.env_remove(name);
        });
        command
            .current_dir(self.dir())
            .env("BESOM_CONTROLLER", self.address())
            .env("XDG_STATE_HOME", self.dir().join("state"))
            .env("XDG_CONFIG_HOME", self.dir().join("config"))
            .env("NO_COLOR", "1")
            .env_remove("PYTHONUNBUFFERED")
            .envs(self.token.as_ref().map(|token| ("BESOM_TOKEN", token)))
            .envs(self.fingerprints().pop().map(|fingerprint| ("BESOM_TRUST", fingerprint)))
            .stdin(Stdio::null());
        command
    }

    /// Starts the controller on the lab's data, for the first time or after its end. Waits until it
    /// listens.
    pub fn start_controller(&mut self) {
        let starts = self.fingerprints().len();
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir().join("controller.log"));
        let mut child = self
            .command("controller")
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args([
                "--lease-seconds",
                &self.lease_seconds.to_string(),
                "--grace-seconds",
                "1",
                "--data",
            ])
            .arg(self.dir().join("besom-data"))
            .args(self.encrypted.then_some(["--tls", "self-signed"]).into_iter().flatten())
            .envs(self.verbose.then_some(("BESOM_LOG", "debug")))
            .stderr(log.expect("a log can be made"))
            .stdout(Stdio::null())
            .spawn()
            .expect("the controller starts");
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = fs::read_to_string(self.dir().join("controller.log")).unwrap_or_default();
            assert!(
                child.try_wait().is_ok_and(|ended| ended.is_none()),
                "the controller runs: {log}"
            );
            assert!(begun.elapsed() < PATIENCE, "the controller listens: {log}");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.controller = Some(child);
        if self.encrypted {
            // The controller listens before it has its certificate.
            wait_for("its fingerprint", || (self.fingerprints().len() > starts).then_some(()));
        }
    }

    /// Starts the controller on the lab's data with a token that no other program of the lab has.
    pub fn start_controller_with(&mut self, token: &str) {
        let own = self.token.replace(token.to_owned());
        self.start_controller();
        self.token = own;
    }

    /// Returns the process id of the controller; `None` if the lab has not started it, or has
    /// killed it.
    pub fn controller_pid(&self) -> Option<u32> {
        self.controller.as_ref().map(Child::id)
    }

    /// Returns whether no controller runs, for any reason. If so, the lab can start it again.
    pub fn lost_controller(&mut self) -> bool {
        let lives = |child: &mut Child| child.try_wait().expect("it can be waited for").is_none();
        self.controller.take_if(|child| !lives(child));
        self.controller.is_none()
    }

    /// Kills the controller with SIGKILL.
    pub fn kill_controller(&mut self) {
        let mut child = self.controller.take().expect("a controller runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// Writes a file into the lab's folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir().join(name);
        fs::write(&path, text).expect("the lab's folder can be written");
        path
    }

    /// Runs `sweep` with these arguments to its end.
    pub fn sweep(&self, args: &[&str]) -> Output {
        self.command("sweep").args(args).output().expect("sweep starts")
    }

    /// Runs `sweep` and reads its JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.sweep(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "sweep {args:?}: {errors}");
        serde_json::from_slice(&output.stdout).expect("--json prints JSON")
    }

    /// Creates a sweep and returns its id.
    pub fn create(&self, yaml: &str) -> String {
        self.write("sweep.yaml", yaml);
        let created = self.json(&["create", "sweep.yaml", "--json"]);
        created["id"].as_str().expect("create answers with an id").to_owned()
    }

    /// Starts an agent with a new data folder.
    pub fn agent(&mut self, sweep: &str, args: &[&str]) -> Agent {
        self.agents += 1;
        self.agent_in(self.dir().join(format!("agent-{}", self.agents)), sweep, args)
    }

    /// Starts agents in this cgroup from now on.
    pub fn put_agents_into(&mut self, cgroup: Option<&Path>) {
        self.cgroup = cgroup.map(Path::to_owned);
    }

    fn agent_command(&self) -> Command {
        let Some(cgroup) = &self.cgroup else { return self.command("agent") };
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "echo 0 > \"$0/cgroup.procs\" && exec \"$@\""])
            .arg(cgroup)
            .arg(program("agent"));
        self.at_home(command)
    }

    /// Starts an agent on this data folder.
    pub fn agent_in(&self, data: PathBuf, sweep: &str, args: &[&str]) -> Agent {
        let log = data.with_extension("log");
        let errors =
            fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log can be made");
        let child = self
            .agent_command()
            .arg(sweep)
            .args(args)
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(errors)
            .process_group(0)
            .spawn()
            .expect("the agent starts");
        Agent { child, data, log }
    }

    /// Returns the runs of a sweep, as `sweep export` prints them.
    pub fn runs(&self, sweep: &str) -> Vec<Value> {
        let exported = self.json(&["export", sweep, "--format", "json"]);
        exported.as_array().expect("an export is a list").clone()
    }

    /// Returns the state of a sweep.
    pub fn state(&self, sweep: &str) -> String {
        let shown = self.json(&["show", sweep, "--json"]);
        shown["sweep"]["state"].as_str().expect("a sweep has a state").to_owned()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(mut child) = self.controller.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[allow(
    clippy::missing_panics_doc,
    reason = "an agent that cannot be waited for has failed its test"
)]
impl Agent {
    /// Waits for the agent's end; returns the exit code and the log.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the agent can be waited for") {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "the agent ends; it said:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        };
        (status.code(), self.said())
    }

    /// Returns the agent's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns whether the agent has ended, for any reason.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("the agent can be waited for").is_some()
    }

    /// Returns the agent's log so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends SIGKILL to the agent alone: its shims and trials live on.
    pub fn kill(&mut self) {
        self.child.kill().expect("the agent can be killed");
        self.child.wait().expect("it ends");
    }

    /// Sends SIGKILL to the agent and to every process that works in its data folder, as if the
    /// node were lost.
    pub fn kill_with_trials(&mut self) {
        self.kill();
        // The second pass kills the processes that were being started during the first pass.
        for _ in 0..2 {
            signal(Signal::KILL, &of_node(&self.data));
        }
    }

    /// Sends a signal by its name, as Ctrl-C sends INT.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent =
            Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill runs");
        assert!(sent.success(), "the agent takes signal {name}");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill_with_trials();
        }
    }
}
