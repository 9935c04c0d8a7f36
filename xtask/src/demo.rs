//! `cargo xtask demo`: runs a whole sweep with real programs in a temporary folder, shows the best
//! configuration, and stops every program that it started.

use std::{
    env, fs, io,
    net::{TcpListener, TcpStream},
    os::unix::{fs::symlink, process::CommandExt as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, sleep},
    time::{Duration, Instant},
};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::{Failure, Result, cargo, libtorch, say, web};

const SWEEP: &str = "examples/typical/sweep.yaml";
const CONTROLLER_LOG: &str = "controller.log";
const AGENT_LOG: &str = "agent.log";
const TICK: Duration = Duration::from_millis(50);
/// The maximum time for the start of the controller, and for the end of a program after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the demo. With `keep`, the controller runs until the user interrupts the demo.
pub(crate) fn run(keep: bool) -> Result<()> {
    let torch = say::step("libtorch", libtorch::ensure)?;
    web::build_if_possible()?;
    // One build makes all programs. With one build per program, cargo would compile some crates
    // several times, because each build needs other features of them.
    say::step("building controller, agent, sweep and the examples", || {
        let packages =
            ["controller", "agent", "cli", "examples"].map(|package| ["--package", package]);
        cargo::run_with_torch(&torch, ["build", "--bins"].iter().chain(packages.as_flattened()))
    })?;
    let mut stage = Stage::new(cargo::programs()?)?;
    say::step("starting a controller", || stage.start_controller())?;
    let id = stage.create()?;
    say::line(format_args!(
        "{} training: {SWEEP}, one agent with {} slots",
        say::cyan("▸"),
        stage.slots
    ));
    let page = format!("http://{}/open/{id}", stage.address);
    say::line(format_args!("{} watch it at {page}", say::cyan("▸")));
    stage.train(&id)?;
    say::line("");
    stage.show(&["show", &id])?;
    say::line("");
    stage.show(&["best", &id])?;
    say::line("");
    if keep {
        say::line(format_args!("Open {page} to look at it. Ctrl+C stops the controller."));
        stage.wait();
    }
    drop(stage);
    say::line(
        "That was a whole sweep, and nothing of it is left running. Your own: see README.md.",
    );
    if !keep {
        say::line("`cargo xtask demo --keep` leaves the controller running, to look at its pages.");
    }
    Ok(())
}

/// A folder with a controller in it. Dropping the stage stops the controller and removes the
/// folder.
struct Stage {
    programs: PathBuf,
    folder: PathBuf,
    address: String,
    slots: usize,
    interrupted: Arc<AtomicBool>,
    controller: Option<Running>,
}

impl Stage {
    fn new(programs: PathBuf) -> Result<Self> {
        let folder = env::temp_dir().join(format!("besom-demo-{}", std::process::id()));
        let failed =
            |error: io::Error| Failure::new(format!("cannot use `{}`: {error}", folder.display()));
        fs::create_dir_all(&folder).map_err(failed)?;
        // The sweep's `program` is `target/debug/mnist`, relative to the folder where the agent
        // runs. A link in that folder leads to cargo's target folder, which can be anywhere.
        let target = programs.parent().unwrap_or(&programs);
        symlink(target, folder.join("target")).map_err(failed)?;
        let free = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(failed)?;
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, interrupted.clone()).map_err(failed)?;
        }
        let slots = thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
        Ok(Self {
            programs,
            address: free.to_string(),
            slots,
            interrupted,
            controller: None,
            folder,
        })
    }

    /// Returns a command that starts one of Besom's programs with the address of the stage's
    /// controller.
    fn command(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.args(args).current_dir(cargo::root()).stdin(Stdio::null());
        command
            .env("BESOM_CONTROLLER", format!("http://{}", self.address))
            .env_remove("BESOM_TOKEN");
        command
    }

    fn log(&self, name: &str) -> Result<fs::File> {
        fs::File::create(self.folder.join(name))
            .map_err(|error| Failure::new(format!("cannot write {name}: {error}")))
    }

    fn start_controller(&mut self) -> Result<()> {
        let mut command = self.command("controller", &["--listen", &self.address, "--data"]);
        command.arg(self.folder.join("data")).stderr(self.log(CONTROLLER_LOG)?).process_group(0);
        let mut controller = Running(spawn(&mut command)?);
        let begun = Instant::now();
        let listens = self.until(|| {
            let gone = controller.exit()?.is_some() || begun.elapsed() > PATIENCE;
            Ok(if gone {
                Some(false)
            } else {
                TcpStream::connect(&self.address).is_ok().then_some(true)
            })
        })?;
        if !listens {
            return Err(Failure::new(format!(
                "the controller does not listen\n{}",
                self.said(CONTROLLER_LOG)
            )));
        }
        self.controller = Some(controller);
        Ok(())
    }

    /// Creates the sweep and returns its id.
    fn create(&self) -> Result<String> {
        let created =
            self.command("sweep", &["create", SWEEP, "--json"]).stderr(Stdio::inherit()).output();
        let created =
            created.map_err(|error| Failure::new(format!("cannot run sweep: {error}")))?;
        let answer = String::from_utf8_lossy(&created.stdout).into_owned();
        let id = answer.split("\"id\":").nth(1).and_then(|rest| rest.split('"').nth(1));
        id.map(str::to_owned).ok_or_else(|| Failure::new("the sweep could not be created"))
    }

    /// Waits until the user interrupts the demo.
    fn wait(&self) {
        while !self.interrupted.load(Ordering::Relaxed) {
            sleep(TICK);
        }
    }

    /// Runs `sweep` with its output on the user's terminal.
    fn show(&self, args: &[&str]) -> Result<()> {
        let mut child = Running(spawn(&mut self.command("sweep", args))?);
        match self.until(|| child.exit())? {
            status if status.success() => Ok(()),
            status => Err(Failure::new(format!("`sweep {}` failed: {status}", args[0]))),
        }
    }

    /// Runs the agent, and `sweep watch` on the user's terminal, until the sweep is over. If the
    /// agent exits earlier, fails with the agent's log, because no other agent would run the rest
    /// of the sweep.
    fn train(&mut self, id: &str) -> Result<()> {
        let mut agent = self.command("agent", &[id, "--slots", &self.slots.to_string(), "--data"]);
        agent.arg(self.folder.join("agent")).current_dir(&self.folder).process_group(0);
        agent.stdout(Stdio::null()).stderr(self.log(AGENT_LOG)?);
        let mut agent = Running(spawn(&mut agent)?);
        let mut watch = Running(spawn(&mut self.command("sweep", &["watch", id]))?);
        let mut alone: Option<Instant> = None;
        let over = self.until(|| {
            if let Some(status) = watch.exit()? {
                return Ok(Some(status.success()));
            }
            // The agent can exit before `sweep watch` has shown the last changes of the sweep, so
            // `sweep watch` gets some more seconds.
            if agent.exit()?.is_some()
                && alone.get_or_insert_with(Instant::now).elapsed() > PATIENCE / 4
            {
                return Ok(Some(false));
            }
            Ok(None)
        })?;
        if over {
            return Ok(());
        }
        Err(Failure::new(format!(
            "the sweep did not end; the agent said:\n{}",
            self.said(AGENT_LOG)
        )))
    }

    /// Returns what a program wrote to its log.
    fn said(&self, log: &str) -> String {
        fs::read_to_string(self.folder.join(log)).unwrap_or_default()
    }

    /// Calls `what` again and again until it returns an answer or the user interrupts the demo.
    fn until<T>(&self, mut what: impl FnMut() -> io::Result<Option<T>>) -> Result<T> {
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Failure::new("interrupted; everything that was started is stopped"));
            }
            match what() {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => sleep(TICK),
                Err(error) => {
                    return Err(Failure::new(format!("cannot wait for a program: {error}")));
                }
            }
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.controller.take());
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A running program. Dropping this value stops the program with two SIGTERMs: the first drains an
/// agent, and the second ends its trials. If the program still runs after [`PATIENCE`], SIGKILL
/// ends it.
struct Running(Child);

impl Running {
    fn exit(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let begun = Instant::now();
        let mut terms = 0;
        while matches!(self.exit(), Ok(None)) {
            if begun.elapsed() > PATIENCE {
                let _ = self.0.kill();
                let _ = self.0.wait();
                return;
            }
            if terms < 2 {
                terms += 1;
                let id = self.0.id().to_string();
                let _ = Command::new("kill").args(["-TERM", &id]).stderr(Stdio::null()).status();
            }
            sleep(TICK);
        }
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().map_err(|error| Failure::new(format!("cannot start {name}: {error}")))
}
