//! Measures the time from the report of a bad value until an agent has the order to stop the trial.
//! With a real agent, measures the time from the print of a bad value until the process gets
//! SIGTERM.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use terminal::table::Table;
use tests::{
    Lab,
    fake_agent::{FakeAgent, quantile},
    wait_for,
};
use tokio::{runtime::Runtime, sync::Barrier, task::JoinSet, time::timeout};

use crate::LEASE_SECONDS;

/// The metric and the stopping rule of a sweep. The rule stops every trial that is not in the best
/// third, rounded up, at its first value.
const RULE: &str = "
metric: {name: loss, goal: minimize}
early_terminate: {type: hyperband, min_iter: 1, eta: 3}
";
/// The number of reports per second of all agents together.
const RATE: f64 = 100.0;
/// The number of seconds after which a real trial ends by itself if nothing stops it.
const UNSTOPPED: u32 = 3;

/// Returns a table with a line for agents that make only the calls, and a line for processes.
pub(crate) fn measure(
    runtime: &Runtime,
    connected: usize,
    stops: usize,
    processes: usize,
) -> String {
    let mut lab = Lab::with_leases(LEASE_SECONDS);
    let sweep = lab.create(&format!(
        "method: random\nprogram: none\nparameters: {{x: {{min: 0.0, max: 1.0}}}}\n{RULE}"
    ));
    terminal::say(format_args!(
        "{connected} agents connected, {stops} stops, and {processes} of real processes"
    ));
    let orders = runtime.spawn(prunes(lab.address(), sweep, connected, stops));
    let signals = signals(&mut lab, processes);
    let orders = runtime.block_on(orders).expect("the agents do not panic");
    let mut table = Table::new([
        "from the report of a value to",
        ">agents",
        ">stops",
        ">p50 ms",
        ">p99 ms",
        ">worst ms",
    ]);
    for (what, samples) in
        [("the agent's order to stop", orders), ("SIGTERM at the process", signals)]
    {
        let number = |q| format!("{:.2}", quantile(&samples, q));
        let (agents, stops) = ((connected + 1).to_string(), samples.len().to_string());
        table.row([what.to_owned(), agents, stops, number(0.5), number(0.99), number(1.0)]);
    }
    table.to_string()
}

/// Returns, for each stop, the milliseconds from the call that reports a bad value until its agent
/// has the order.
async fn prunes(address: String, sweep: String, agents: usize, stops: usize) -> Vec<f64> {
    let mut good = FakeAgent::new(&address, &sweep, "good");
    for _ in 0..3 {
        let start = good.ask().await.expect("the sweep has no end");
        good.tell(&start).await;
    }
    let (begins, reports) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(1)));
    let over = Arc::new(Barrier::new(agents));
    let begun = Instant::now() + Duration::from_secs(1);
    let mut tasks = JoinSet::new();
    for number in 0..agents {
        let mut agent = FakeAgent::new(&address, &sweep, &format!("agent-{number}"));
        let (begins, reports, over) =
            (Arc::clone(&begins), Arc::clone(&reports), Arc::clone(&over));
        tasks.spawn(async move {
            let mut samples = Vec::new();
            for round in 0.. {
                let due = begun + Duration::from_secs_f64((round * agents + number) as f64 / RATE);
                if begins.fetch_add(1, Ordering::Relaxed) >= stops {
                    break;
                }
                let start = agent.ask().await.expect("the sweep has no end");
                agent.hold(&start);
                // Until the trial's bad value is due, the agent waits in long polls for an order to
                // stop.
                let waited = tokio::time::timeout_at(due.into(), agent.stopped()).await;
                assert!(waited.is_err(), "nothing is stopped without a reason");
                // Smaller values are better, and each report has a larger value than all reports
                // before it.
                let report = agent.report(&start, reports.fetch_add(1, Ordering::Relaxed) as f64);
                let told = Instant::now();
                let stop = async {
                    let stop = agent.stopped().await;
                    (stop, told.elapsed().as_secs_f64() * 1e3)
                };
                let both = async { tokio::join!(report, stop) };
                let (_, (stop, took)) =
                    timeout(tests::PATIENCE, both).await.expect("a bad trial is stopped");
                assert_eq!((stop.run, stop.reason.as_str()), (start.run.clone(), "pruned"));
                samples.push(took);
                agent.end(&start, "stopped").await;
            }
            // The agent stays connected until the last stop is measured.
            over.wait().await;
            samples
        });
    }
    tasks.join_all().await.concat()
}

/// Returns, for each program under a real agent, the milliseconds from its print of a bad value
/// until it gets SIGTERM.
fn signals(lab: &mut Lab, processes: usize) -> Vec<f64> {
    let notes = lab.dir().join("notes");
    fs::create_dir(&notes).expect("the lab's folder can be written");
    let program = lab.write("trial.py", &program(&notes.to_string_lossy()));
    let sweep = lab.create(&format!(
        "method: grid\ncommand: [python3, '{}']\nparameters: {{x: {{min: 1, max: \
        {processes}}}}}\n{RULE}",
        program.display()
    ));
    let agent = lab.agent(&sweep, &["--slots", "4"]);
    wait_for("the real trials to end", || (lab.state(&sweep) == "finished").then_some(()));
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    let noted = fs::read_dir(&notes).expect("the folder is there").flatten();
    noted.filter_map(|note| fs::read_to_string(note.path()).ok()?.parse::<f64>().ok()).collect()
}

/// Returns a program that prints its parameter as its value. When it gets SIGTERM, it writes down
/// the time since the print.
fn program(notes: &str) -> String {
    format!(
        r#"import json, os, signal, sys, time
x = json.loads(os.environ["BESOM_PARAMS"])["x"]
def stop(*_):
    with open("{notes}/%d" % x, "w") as note:
        note.write(str((time.monotonic_ns() - printed) / 1e6))
    sys.exit(0)
time.sleep(0.3)
printed = time.monotonic_ns()
signal.signal(signal.SIGTERM, stop)
print(json.dumps({{"loss": x}}), flush=True)
time.sleep({UNSTOPPED})
"#
    )
}
