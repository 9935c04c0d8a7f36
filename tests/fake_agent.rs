//! Acts as an agent that makes only the calls, on its own connection. The fake agent asks for
//! trials, holds them, and immediately reports what a trial would report. The benches use this
//! module, which starts no process.

use std::sync::atomic::{AtomicU64, Ordering};

use proto::{
    dial::Dial,
    v1::{AppendRows, Appended, Beat, EndRun, Held, Orders, Outcome, Start, Stop},
};
use record::{Row, Value, Writer};

/// An agent without processes. Every call panics if the controller does not answer it.
#[derive(Debug)]
pub struct FakeAgent {
    dial: Dial,
    beat: Beat,
}

#[allow(clippy::missing_panics_doc, reason = "a bench whose controller does not answer has failed")]
impl FakeAgent {
    /// Returns an agent that works for a sweep. Each agent has a new incarnation, so a name may be
    /// used again.
    pub fn new(address: &str, sweep: &str, name: &str) -> Self {
        static INCARNATION: AtomicU64 = AtomicU64::new(1);
        let beat = Beat {
            agent: name.to_owned(),
            incarnation: INCARNATION.fetch_add(1, Ordering::Relaxed),
            sweep: sweep.to_owned(),
            slots: 1,
            wait_ms: 10_000,
            host: "bench".to_owned(),
            devices: vec!["CPU".to_owned()],
            ..Beat::default()
        };
        Self { dial: Dial::new(address, None).expect("an address of a lab"), beat }
    }

    async fn heartbeat(&mut self, free: u32) -> Orders {
        self.beat.beat += 1;
        self.beat.free = free;
        let beat = self.beat.clone();
        self.dial.agents().heartbeat(beat).await.expect("a heartbeat is answered").into_inner()
    }

    /// Waits for the order to start one trial. Returns `None` if the sweep is over.
    pub async fn ask(&mut self) -> Option<Start> {
        loop {
            let orders = self.heartbeat(1).await;
            match orders.start.into_iter().next() {
                Some(start) => return Some(start),
                None if orders.sweep_over => return None,
                None => {}
            }
        }
    }

    /// Adds this trial to the heartbeats from now on.
    pub fn hold(&mut self, start: &Start) {
        self.beat.holds.push(Held {
            run: start.run.clone(),
            attempt: start.attempt,
            started: true,
        });
    }

    /// Waits with one long poll after the other for an order to stop a trial. The future may be
    /// dropped at any time, and the method called again.
    pub async fn stopped(&mut self) -> Stop {
        loop {
            if let Some(stop) = self.heartbeat(0).await.stop.into_iter().next() {
                return stop;
            }
        }
    }

    /// Appends one value of the metric `loss` as the only row of the trial. The future resolves
    /// when the row is durable.
    pub fn report(&self, start: &Start, loss: f64) -> impl Future<Output = Appended> + use<> {
        let mut frames = Vec::new();
        let row = Row { step: 0, wall_ms: 0, values: vec![("loss".to_owned(), Value::F64(loss))] };
        Writer::default().frame(&[row], &mut frames);
        let append = AppendRows {
            run: start.run.clone(),
            attempt: start.attempt,
            writer: "agent".to_owned(),
            stream: "history".to_owned(),
            offset: 0,
            frames,
        };
        let mut runs = self.dial.runs();
        async move { runs.append(append).await.expect("an append is answered").into_inner() }
    }

    /// Reports that the trial's process has ended.
    pub async fn end(&mut self, start: &Start, state: &str) {
        self.beat.holds.retain(|held| held.run != start.run);
        let outcome = Outcome { state: state.to_owned(), ..Outcome::default() };
        let end = EndRun {
            run: start.run.clone(),
            attempt: start.attempt,
            outcome: Some(outcome),
            ..EndRun::default()
        };
        self.dial.runs().end(end).await.expect("an end is answered");
    }

    /// Reports a trial's row and its end.
    pub async fn tell(&mut self, start: &Start) {
        self.report(start, 0.5).await;
        self.end(start, "finished").await;
    }
}

/// Returns the value below which a share `q` of the samples lies; NaN without samples.
pub fn quantile(samples: &[f64], q: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (q * sorted.len() as f64) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
