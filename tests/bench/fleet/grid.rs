//! Runs a whole grid with agents that make only the calls, and checks that each point runs once.
//! Measures the controller's peak memory after a tenth of the grid, at the end, and after all
//! points were read through the API.

use std::{
    collections::BTreeSet,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use proto::{dial::Dial, v1::ListRuns};
use terminal::{Exit, Failure, table::Table};
use tests::{Lab, fake_agent::FakeAgent};
use tokio::{runtime::Runtime, task::JoinSet, time::sleep};

use crate::LEASE_SECONDS;

/// The number of points on the shorter side of the grid.
const SIDE: u64 = 10;

/// Runs the grid and prints a table.
pub(crate) fn measure(runtime: &Runtime, agents: usize, points: u64) -> Result<(), Failure> {
    let points = points / SIDE * SIDE;
    let lab = Lab::with_leases(LEASE_SECONDS);
    let sweep = lab.create(&format!(
        "method: grid\nprogram: none\nmetric: {{name: loss}}\n\
         parameters: {{a: {{min: 1, max: {}}}, b: {{min: 1, max: {SIDE}}}}}\n",
        points / SIDE
    ));
    let mut table =
        Table::new([">points", ">agents", ">seconds", ">trials/s", ">controller's peak MiB"]);
    let begun = Instant::now();
    let mut note = |done: u64| {
        let seconds = begun.elapsed().as_secs_f64();
        let numbers = [format!("{seconds:.1}"), format!("{:.0}", done as f64 / seconds)];
        let [seconds, rate] = numbers;
        table.row([done.to_string(), agents.to_string(), seconds, rate, peak(&lab).to_string()]);
    };
    runtime.block_on(work(&lab, &sweep, agents, points / 10, &mut note));
    note(points);
    runtime.block_on(check(&lab, &sweep, points))?;
    note(points);
    terminal::print(table);
    terminal::say(
        "each point was counted once; the last line was measured after all points were read \
        through the API",
    );
    Ok(())
}

/// Runs all agents until the sweep is over. Calls `note` when `early` trials are done.
async fn work(lab: &Lab, sweep: &str, agents: usize, early: u64, note: &mut impl FnMut(u64)) {
    let done = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for number in 0..agents {
        let mut agent = FakeAgent::new(&lab.address(), sweep, &format!("agent-{number}"));
        let done = Arc::clone(&done);
        tasks.spawn(async move {
            while let Some(start) = agent.ask().await {
                agent.tell(&start).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while done.load(Ordering::Relaxed) < early {
        sleep(Duration::from_millis(50)).await;
    }
    note(done.load(Ordering::Relaxed));
    tasks.join_all().await;
}

/// Reads every trial. Fails if a point is missing, occurs twice, or did not finish in one attempt.
async fn check(lab: &Lab, sweep: &str, points: u64) -> Result<(), Failure> {
    let dial = Dial::new(&lab.address(), None).expect("an address of a lab");
    let request = ListRuns { sweep: sweep.to_owned(), ..ListRuns::default() };
    let mut stream = dial.runs().list(request).await.expect("a list is answered").into_inner();
    let (mut trials, mut configs, mut unfinished) = (BTreeSet::new(), BTreeSet::new(), 0);
    let mut listed = 0;
    while let Some(run) = stream.message().await.expect("a list has an end") {
        listed += 1;
        trials.insert(run.trial);
        configs.insert(run.config_json);
        unfinished += u64::from(run.state != "finished" || run.attempt != 1 || run.rows != 1);
    }
    let counts = (listed, trials.len() as u64, configs.len() as u64, unfinished);
    if counts == (points, points, points, 0) {
        return Ok(());
    }
    let (listed, trials, configs, unfinished) = counts;
    let what = format!(
        "of {points} points, {listed} are listed, with {trials} numbers and {configs} configs; \
        {unfinished} did not finish in one attempt"
    );
    Err(Failure::new(Exit::Refused, what))
}

/// Returns the peak of the controller's memory so far, in MiB.
fn peak(lab: &Lab) -> u64 {
    let pid = lab.controller_pid().expect("the controller runs");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB") / 1024
}
