//! Runs the agent's part in a trial like `agent::trial`, over simulated programs in place of
//! processes. The agent's own code judges the end of a program and reports it. The task of a trial
//! runs behind the agent's gate and dies with the agent.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use agent::{
    output::{journal::Journal, shipper::Shipper},
    trial::{
        ending::Ending,
        outcome::{Cause, Evidence, Unstartable, Verdict, judge},
        port::{Report, Ticket, TrialNews, Trials},
    },
};
use proto::v1::Start;
use record::ids::Attempt;
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

use crate::{
    machine::Machine,
    network::Line,
    program::{Program, journal},
    witness::Witness,
};

/// Runs the trials of one agent.
#[derive(Debug)]
pub(crate) struct SimulatedTrials {
    pub(crate) machine: Arc<Machine>,
    pub(crate) line: Line,
}

impl Trials for SimulatedTrials {
    fn see_to(&self, trial: Ticket, start: Option<Start>) {
        let (machine, line) = (self.machine.clone(), self.line.clone());
        self.machine.run_with_agent(async move {
            match start {
                Some(start) => begin(&machine, line, trial, start).await,
                None => adopt(&machine, line, trial).await,
            }
        });
    }

    /// Reports nothing, because the simulated GPUs always respond.
    fn watch(&self, _devices: Vec<String>, _news: mpsc::Sender<TrialNews>) {}

    fn forget(&self, attempt: &Attempt, sent: bool) -> Option<PathBuf> {
        let folder = self.machine.folder(attempt);
        if sent {
            self.machine.forget(attempt);
            let _ = fs::remove_dir_all(&folder);
            return None;
        }
        folder.exists().then_some(folder)
    }
}

async fn begin(machine: &Arc<Machine>, line: Line, trial: Ticket, start: Start) {
    match machine.launch(&trial.holding, &start) {
        Ok(program) => {
            tell(&trial, TrialNews::Launched(Box::new(start))).await;
            live(machine, line, trial, program, true).await;
        }
        Err(reason) => {
            decline(&trial, Some(Unstartable::new(reason))).await;
        }
    }
}

async fn adopt(machine: &Arc<Machine>, line: Line, trial: Ticket) {
    let attempt = trial.holding.attempt.clone();
    match machine.program(&attempt) {
        Some(program) => live(machine, line, trial, program, false).await,
        None => decline(&trial, None).await,
    }
}

async fn decline(trial: &Ticket, reason: Option<Unstartable>) {
    let attempt = trial.holding.attempt.clone();
    tell(
        trial,
        TrialNews::Over { attempt, verdict: Verdict::Decline(reason), ran: Duration::ZERO },
    )
    .await;
}

async fn tell(trial: &Ticket, news: TrialNews) {
    // Sending fails only while the agent is leaving.
    let _ = trial.news.send(news).await;
}

async fn live(
    machine: &Machine,
    line: Line,
    mut trial: Ticket,
    program: Arc<Program>,
    fresh: bool,
) {
    let folder = machine.folder(&trial.holding.attempt);
    let attempt = trial.holding.attempt.clone();
    let begun = Instant::now();
    let mut shipper = Shipper::new(line.clone(), attempt.clone(), &folder, fresh);
    let mut console = Console::open(&folder, machine.witness.clone());
    let (mut heard, mut stop) = (!fresh, None);
    {
        let rows = Notify::new();
        let shipping = shipper.ship_live(&rows);
        tokio::pin!(shipping);
        rows.notify_one();
        while !program.is_over() {
            if program.is_born() && !heard {
                heard = true;
                tell(&trial, TrialNews::Started(attempt.clone())).await;
            }
            if console.take(&program) {
                rows.notify_one();
            }
            tokio::select! {
                biased;
                () = program.moved.notified() => {}
                Some(order) = trial.stops.recv() => {
                    if order.cause == Cause::Fenced || !program.is_over() {
                        stop = Some(order.cause);
                    }
                    program.terminate(order.grace);
                }
                () = &mut shipping => {}
            }
        }
    }
    console.take(&program);
    let exit = program.exit();
    let (exit, out_of_memory, gpu_trouble) = (exit.as_ref(), false, None);
    let verdict = judge(Evidence { exit, stop, heard, out_of_memory, gpu_trouble, stderr: &[] });
    let (news, ran) = (&trial.news, begun.elapsed());
    let ending = Ending { link: &line, attempt: &attempt, dir: &folder, news, ran };
    ending.tell(verdict, shipper, Report { console_sent: true, ..Report::default() }).await;
}

/// Turns what a program prints into rows of the agent's own journal, each once, however often the
/// agent restarts.
struct Console {
    witness: Arc<Witness>,
    journal: Journal,
    taken: u64,
}

impl Console {
    fn open(folder: &Path, witness: Arc<Witness>) -> Self {
        let mut taken = 0;
        let journal = Journal::open(&journal(folder, "agent.history"), |_| taken += 1);
        Self { witness, journal: journal.expect("the folder can be read"), taken }
    }

    fn take(&mut self, program: &Program) -> bool {
        let printed = program.printed();
        for step in self.taken..printed {
            self.journal.push(&program.row(step));
        }
        let news = printed > self.taken;
        self.taken = printed;
        self.journal.flush().expect("the folder takes what is written");
        self.witness
            .wrote((program.attempt.clone(), "agent".to_owned(), "history".to_owned()), printed);
        news
    }
}
