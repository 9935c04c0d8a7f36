//! Provides workers that ask and tell: agents without processes, each with a connection of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use tests::{Lab, fake_agent::FakeAgent};
use tokio::{task::JoinSet, time::sleep_until};

/// The amount of work of a closed loop.
pub(crate) enum Load {
    /// As much work as fits into this time.
    For(Duration),
    /// This many trials over all workers.
    Trials(u64),
}

/// The milliseconds of each ask and tell.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) asks: Vec<f64>,
    pub(crate) tells: Vec<f64>,
    length: Duration,
}

impl Measured {
    /// Returns the trials per second.
    pub(crate) fn rate(&self) -> f64 {
        self.tells.len() as f64 / self.length.as_secs_f64()
    }

    fn merge(&mut self, other: Measured) {
        self.asks.extend(other.asks);
        self.tells.extend(other.tells);
    }
}

/// Runs workers that ask for the next trial as soon as they have reported the previous one.
pub(crate) async fn closed(lab: &Lab, sweep: &str, workers: usize, load: &Load) -> Measured {
    let left = Arc::new(AtomicI64::new(match load {
        Load::For(_) => i64::MAX,
        Load::Trials(trials) => i64::try_from(*trials).expect("a bench is finite"),
    }));
    let begun = Instant::now();
    let until =
        begun + if let Load::For(length) = load { *length } else { Duration::from_secs(3600) };
    let mut tasks = JoinSet::new();
    for number in 0..workers {
        let mut worker = FakeAgent::new(&lab.address(), sweep, &format!("closed-{number}"));
        let left = left.clone();
        tasks.spawn(async move {
            let mut measured = Measured::default();
            while Instant::now() < until && left.fetch_sub(1, Ordering::Relaxed) > 0 {
                let asked = Instant::now();
                let start = worker.ask().await.expect("the sweep has no end");
                measured.asks.push(milliseconds(asked));
                let told = Instant::now();
                worker.tell(&start).await;
                measured.tells.push(milliseconds(told));
            }
            measured
        });
    }
    gather(tasks, begun).await
}

/// Lets 32 workers ask in turn, `rate` times per second in total. A worker that still waits for an
/// answer asks later than its turn, and the latency counts from the turn.
pub(crate) async fn offered(lab: &Lab, sweep: &str, rate: u32, length: Duration) -> Measured {
    const WORKERS: u32 = 32;
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..WORKERS {
        let mut worker = FakeAgent::new(&lab.address(), sweep, &format!("offered-{number}"));
        tasks.spawn(async move {
            let mut measured = Measured::default();
            for round in 0.. {
                let due = begun
                    + Duration::from_secs_f64(
                        f64::from(round * WORKERS + number) / f64::from(rate),
                    );
                if due > begun + length {
                    break;
                }
                sleep_until(due.into()).await;
                let start = worker.ask().await.expect("the sweep has no end");
                measured.asks.push(milliseconds(due));
                let told = Instant::now();
                worker.tell(&start).await;
                measured.tells.push(milliseconds(told));
            }
            measured
        });
    }
    gather(tasks, begun).await
}

async fn gather(mut tasks: JoinSet<Measured>, begun: Instant) -> Measured {
    let mut all = Measured::default();
    while let Some(measured) = tasks.join_next().await {
        all.merge(measured.expect("a worker does not panic"));
    }
    all.length = begun.elapsed();
    all
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
