//! `cargo xtask demo`: from nothing to the best config, on real programs in a folder of their own, and nothing left running.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::{Failure, Result, cargo, install, libtorch, say};

const SWEEP: &str = "examples/typical/sweep.yaml";
const TICK: Duration = Duration::from_millis(50);

pub(crate) fn run() -> Result<()> {
    let torch = say::step("libtorch", libtorch::ensure)?;
    let programs = say::step("building controller, agent and sweep", install::build)?;
    say::step("building the examples", || {
        cargo::run_with_torch(&torch, ["build", "--package", "examples", "--bins"])
    })?;
    let mut stage = Stage::new(programs)?;
    say::step("starting a controller", || stage.start_controller())?;
    let id = stage.create()?;
    say::line(format_args!("{} training: {SWEEP}, one agent with {} slots", say::cyan("▸"), stage.slots));
    let mut agent =
        stage.command("agent", &[&id, "--slots", &stage.slots.to_string(), "--data", "agent-data"]);
    stage.agent = Some(spawn(agent.stderr(stage.log("agent.log")?).stdout(Stdio::null()).process_group(0))?);
    stage.show(&["watch", &id])?;
    stage.wait_for_agent()?;
    say::line("");
    stage.show(&["show", &id])?;
    say::line("");
    stage.show(&["best", &id])?;
    say::line("");
    stage.leave();
    say::line("That was a whole sweep, and nothing of it is left running. Your own: see README.md.");
    Ok(())
}

/// A folder with a controller and an agent in it. Dropping it ends both and removes the folder.
struct Stage {
    programs: PathBuf,
    folder: PathBuf,
    address: String,
    slots: usize,
    interrupted: Arc<AtomicBool>,
    controller: Option<Child>,
    agent: Option<Child>,
}

impl Stage {
    fn new(programs: PathBuf) -> Result<Self> {
        let folder = env::temp_dir().join(format!("besom-demo-{}", std::process::id()));
        let failed =
            |error: std::io::Error| Failure::new(format!("cannot use `{}`: {error}", folder.display()));
        fs::create_dir_all(&folder).map_err(failed)?;
        let free =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(failed)?;
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, interrupted.clone()).map_err(failed)?;
        }
        let slots = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
        Ok(Self {
            programs,
            address: free.to_string(),
            slots,
            interrupted,
            controller: None,
            agent: None,
            folder,
        })
    }

    /// One of our programs, told where the stage's controller is.
    fn command(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(name));
        let args = args
            .iter()
            .map(|arg| if *arg == "agent-data" { self.folder.join(arg).into() } else { (*arg).into() });
        command
            .args(args.collect::<Vec<std::ffi::OsString>>())
            .current_dir(cargo::root())
            .stdin(Stdio::null());
        command.env("BESOM_CONTROLLER", format!("http://{}", self.address)).env_remove("BESOM_TOKEN");
        command
    }

    fn log(&self, name: &str) -> Result<fs::File> {
        fs::File::create(self.folder.join(name))
            .map_err(|error| Failure::new(format!("cannot write {name}: {error}")))
    }

    fn start_controller(&mut self) -> Result<()> {
        let mut command = self.command("controller", &["--listen", &self.address, "--data"]);
        command.arg(self.folder.join("data")).stderr(self.log("controller.log")?).process_group(0);
        self.controller = Some(spawn(&mut command)?);
        let begun = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            if begun.elapsed() > Duration::from_secs(20) {
                let said = fs::read_to_string(self.folder.join("controller.log")).unwrap_or_default();
                return Err(Failure::new(format!("the controller does not listen\n{said}")));
            }
            sleep(TICK);
        }
        Ok(())
    }

    /// Creates the sweep; its id.
    fn create(&self) -> Result<String> {
        let created = self.command("sweep", &["create", SWEEP, "--json"]).stderr(Stdio::inherit()).output();
        let created = created.map_err(|error| Failure::new(format!("cannot run sweep: {error}")))?;
        let answer = String::from_utf8_lossy(&created.stdout).into_owned();
        let id = answer.split("\"id\":").nth(1).and_then(|rest| rest.split('"').nth(1));
        id.map(str::to_owned).ok_or_else(|| Failure::new("the sweep could not be created"))
    }

    /// Runs `sweep` in front of the person.
    fn show(&mut self, args: &[&str]) -> Result<()> {
        let mut child = spawn(&mut self.command("sweep", args))?;
        let ended = self.wait(&mut child, args[0]);
        if ended.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        ended
    }

    /// The agent leaves by itself when the sweep is over; when it does not leave well, what it said is the reason.
    fn wait_for_agent(&mut self) -> Result<()> {
        let Some(mut child) = self.agent.take() else { return Ok(()) };
        let ended = self.wait(&mut child, "the agent");
        if child.try_wait().is_ok_and(|status| status.is_none()) {
            self.agent = Some(child);
        }
        ended.map_err(|failure| {
            let said = fs::read_to_string(self.folder.join("agent.log")).unwrap_or_default();
            Failure { what: format!("{}\n{said}", failure.what), ..failure }
        })
    }

    fn wait(&self, child: &mut Child, what: &str) -> Result<()> {
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Failure::new("interrupted; everything that was started is being stopped"));
            }
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(Failure::new(format!("{what} failed: {status}"))),
                Ok(None) => sleep(TICK),
                Err(error) => return Err(Failure::new(format!("cannot wait for {what}: {error}"))),
            }
        }
    }

    /// Ends what runs and removes the folder.
    fn leave(&mut self) {
        // The first TERM drains an agent, the second ends its trials.
        for child in [self.agent.take(), self.controller.take()].into_iter().flatten() {
            end(child);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.leave();
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().map_err(|error| Failure::new(format!("cannot start {name}: {error}")))
}

fn end(mut child: Child) {
    for round in 0..200 {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        if round < 2 {
            let _ =
                Command::new("kill").args(["-TERM", &child.id().to_string()]).stderr(Stdio::null()).status();
        }
        sleep(TICK * 2);
    }
    let _ = child.kill();
    let _ = child.wait();
}
