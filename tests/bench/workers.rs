//! Workers that ask and tell: agents without processes, each with a connection of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use proto::{
    dial::Dial,
    v1::{AppendRows, Beat, EndRun, Orders, Outcome, Start},
};
use record::{Row, Value, Writer};
use tests::Lab;
use tokio::{task::JoinSet, time::sleep_until};

/// How much work a closed loop does.
pub(crate) enum Load {
    /// As much as fits.
    For(Duration),
    /// So many trials over all workers.
    Trials(u64),
}

/// What was seen: milliseconds of each ask and tell.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) asks: Vec<f64>,
    pub(crate) tells: Vec<f64>,
    length: Duration,
}

impl Measured {
    /// Trials a second.
    pub(crate) fn rate(&self) -> f64 {
        self.tells.len() as f64 / self.length.as_secs_f64()
    }

    /// The value that a share `q` of the samples stays below.
    pub(crate) fn quantile(samples: &[f64], q: f64) -> f64 {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let index = (q * sorted.len() as f64) as usize;
        sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }

    fn merge(&mut self, other: Measured) {
        self.asks.extend(other.asks);
        self.tells.extend(other.tells);
    }
}

/// Every worker asks again as soon as it has told.
pub(crate) async fn closed(lab: &Lab, sweep: &str, workers: usize, load: &Load) -> Measured {
    let left = Arc::new(AtomicI64::new(match load {
        Load::For(_) => i64::MAX,
        Load::Trials(trials) => i64::try_from(*trials).expect("a bench is finite"),
    }));
    let begun = Instant::now();
    let until = begun + if let Load::For(length) = load { *length } else { Duration::from_secs(3600) };
    let mut tasks = JoinSet::new();
    for number in 0..workers {
        let mut worker = Worker::new(lab, sweep, &format!("closed-{number}"));
        let left = left.clone();
        tasks.spawn(async move {
            let mut measured = Measured::default();
            while Instant::now() < until && left.fetch_sub(1, Ordering::Relaxed) > 0 {
                let asked = Instant::now();
                let start = worker.ask().await;
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

/// Asks come at a fixed rate, whether or not the controller keeps up: latency counts from the time when an ask was due.
pub(crate) async fn offered(lab: &Lab, sweep: &str, rate: u32, length: Duration) -> Measured {
    const WORKERS: u32 = 32;
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..WORKERS {
        let mut worker = Worker::new(lab, sweep, &format!("offered-{number}"));
        tasks.spawn(async move {
            let mut measured = Measured::default();
            for round in 0.. {
                let due =
                    begun + Duration::from_secs_f64(f64::from(round * WORKERS + number) / f64::from(rate));
                if due > begun + length {
                    break;
                }
                sleep_until(due.into()).await;
                let start = worker.ask().await;
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

static INCARNATION: AtomicU64 = AtomicU64::new(1);

struct Worker {
    dial: Dial,
    beat: Beat,
    frames: Vec<u8>,
}

impl Worker {
    fn new(lab: &Lab, sweep: &str, name: &str) -> Self {
        let mut frames = Vec::new();
        let row = Row { step: 0, wall_ms: 0, values: vec![("loss".to_owned(), Value::F64(0.5))] };
        Writer::default().frame(&[row], &mut frames);
        let beat = Beat {
            agent: name.to_owned(),
            // Each load begins its workers anew.
            incarnation: INCARNATION.fetch_add(1, Ordering::Relaxed),
            sweep: sweep.to_owned(),
            free: 1,
            slots: 1,
            wait_ms: 1_000,
            host: "bench".to_owned(),
            devices: vec!["CPU".to_owned()],
            ..Beat::default()
        };
        Self { dial: Dial::new(&lab.address(), None).expect("the lab has an address"), beat, frames }
    }

    /// One trial to run.
    async fn ask(&mut self) -> Start {
        loop {
            self.beat.beat += 1;
            let orders: Orders = self
                .dial
                .agents()
                .heartbeat(self.beat.clone())
                .await
                .expect("a heartbeat is answered")
                .into_inner();
            if let Some(start) = orders.start.into_iter().next() {
                return start;
            }
        }
    }

    /// Its row and its end.
    async fn tell(&mut self, start: &Start) {
        let mut runs = self.dial.runs();
        let append = AppendRows {
            run: start.run.clone(),
            attempt: start.attempt,
            writer: "agent".to_owned(),
            stream: "history".to_owned(),
            offset: 0,
            frames: self.frames.clone(),
        };
        runs.append(append).await.expect("an append is answered");
        let outcome = Outcome { state: "finished".to_owned(), exit_code: Some(0), ..Outcome::default() };
        let end = EndRun {
            run: start.run.clone(),
            attempt: start.attempt,
            outcome: Some(outcome),
            ..EndRun::default()
        };
        runs.end(end).await.expect("an end is answered");
    }
}
