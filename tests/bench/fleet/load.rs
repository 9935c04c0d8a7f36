//! Offers the same number of trials per second from few agents and from many, and measures the
//! latencies. Each agent also holds one trial all the time. The agent waits in a long poll whenever
//! it does nothing else, as real agents do.

use std::time::{Duration, Instant};

use terminal::table::Table;
use tests::{
    Lab,
    fake_agent::{FakeAgent, quantile},
};
use tokio::{
    runtime::Runtime,
    task::JoinSet,
    time::{sleep, timeout_at},
};

use crate::LEASE_SECONDS;

const RANDOM: &str = "
method: random
command: ['true']
metric: {name: loss, goal: minimize}
parameters:
  lr: {distribution: log_uniform_values, min: 0.00001, max: 0.1}
";

/// The time before the load begins, in which all agents connect and get the trial that they hold.
const SETTLING: Duration = Duration::from_secs(2);

/// The latencies in milliseconds: of each ask, counted from the time when the ask was due, and of
/// each tell.
#[derive(Default)]
struct Seen {
    asks: Vec<f64>,
    tells: Vec<f64>,
}

/// Returns a table with a line for each number of agents.
pub(crate) fn measure(runtime: &Runtime, fleets: &[usize], rate: u32, seconds: u64) -> String {
    let mut table = Table::new([
        ">agents",
        ">offered/s",
        ">trials/s",
        ">ask p50 ms",
        ">ask p99 ms",
        ">tell p50 ms",
        ">tell p99 ms",
        ">p99 of the first",
    ]);
    let (length, mut first) = (Duration::from_secs(seconds), None);
    for agents in fleets {
        terminal::say(format_args!("{agents} agents, {rate} trials a second offered"));
        let lab = Lab::with_leases(LEASE_SECONDS);
        let sweep = lab.create(RANDOM);
        let seen = runtime.block_on(offered(&lab, &sweep, *agents, rate, length));
        let p99 = quantile(&seen.asks, 0.99);
        let number = |value: f64| format!("{value:.2}");
        table.row([
            agents.to_string(),
            rate.to_string(),
            format!("{:.0}", seen.tells.len() as f64 / length.as_secs_f64()),
            number(quantile(&seen.asks, 0.5)),
            number(p99),
            number(quantile(&seen.tells, 0.5)),
            number(quantile(&seen.tells, 0.99)),
            format!("{:.2} x", p99 / *first.get_or_insert(p99)),
        ]);
    }
    table.to_string()
}

/// Lets the agents ask in turn, `rate` times per second in total. An agent that still waits for an
/// answer asks later than its turn, and its latency counts from the turn.
async fn offered(lab: &Lab, sweep: &str, agents: usize, rate: u32, length: Duration) -> Seen {
    let begun = Instant::now() + SETTLING;
    let mut tasks = JoinSet::new();
    for number in 0..agents {
        let mut agent = FakeAgent::new(&lab.address(), sweep, &format!("agent-{number}"));
        tasks.spawn(async move {
            // The agents connect one after the other, because a real fleet does not connect in one
            // instant.
            sleep(SETTLING.mul_f64(0.5 * number as f64 / agents as f64)).await;
            let own = agent.ask().await.expect("the sweep has no end");
            agent.hold(&own);
            let mut seen = Seen::default();
            for round in 0.. {
                let due = begun
                    + Duration::from_secs_f64((round * agents + number) as f64 / f64::from(rate));
                if due > begun + length {
                    return seen;
                }
                let waited = timeout_at(due.into(), agent.stopped()).await;
                assert!(waited.is_err(), "no trial is stopped here");
                let start = agent.ask().await.expect("the sweep has no end");
                seen.asks.push(since(due));
                let told = Instant::now();
                agent.tell(&start).await;
                seen.tells.push(since(told));
            }
            seen
        });
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        let seen = seen.expect("an agent does not panic");
        all.asks.extend(seen.asks);
        all.tells.extend(seen.tells);
    }
    all
}

fn since(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
