//! Simulates a program that logs a run outside sweeps. The program begins, logs, and reports an end
//! or is killed without a report. The program then restarts and resumes its run.

use std::{sync::Arc, time::Duration};

use agent::controller::link::Link;
use proto::v1::{AppendRows, BeginRun, EndRun, Outcome};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use record::{Row, Value, Writer, ids::Attempt};
use tokio::time::sleep;
use tonic::{Code, Status};

use crate::{
    network::Line,
    server::{Answer, Bearer, LEASE, Question},
    world::World,
};

/// The number of times that a program begins or resumes its run.
const BEGINNINGS: u32 = 6;
/// The longest time that a program waits for the answer to one call.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the program to the end of its last attempt.
pub(crate) async fn live(world: Arc<World>, number: usize) {
    let mut rng = StdRng::seed_from_u64(world.scenario.seed ^ (0x10AE << 16) ^ number as u64);
    let id = format!("loner-{number}");
    let network = world.network.clone();
    for beginning in 0..BEGINNINGS {
        sleep(Duration::from_secs(rng.random_range(1..600))).await;
        let begin = BeginRun {
            project: "alone".to_owned(),
            id: id.clone(),
            resume: "allow".to_owned(),
            idempotency_key: format!("{id}-{beginning}"),
            config_json: "{}".to_owned(),
            ..BeginRun::default()
        };
        // The program runs on a node of its own, which is never cut off.
        let node = usize::MAX - number;
        let begun = loop {
            let question = Question::Begin(begin.clone());
            match network.ask(node, Bearer::admin(), question, PATIENCE).await {
                Ok(Answer::Begun(begun)) => break begun,
                _ => sleep(Duration::from_secs(1)).await,
            }
        };
        let token = Bearer::of(&begun.token);
        let line = Line { network: network.clone(), node, token };
        let attempt = Attempt::new(begun.run.as_str(), begun.attempt);
        log(&world, &line, &attempt, &mut rng).await;
        let state = ["finished", "failed", "stopped", ""][rng.random_range(0..4)];
        if state.is_empty() {
            // The program was killed; sometimes it comes back before the controller has noticed.
            sleep(LEASE.mul_f64(rng.random_range(0.1..3.0))).await;
            continue;
        }
        let outcome = Outcome { state: state.to_owned(), ..Outcome::default() };
        let (run, attempt) = (attempt.run.into(), attempt.number);
        let end = EndRun { run, attempt, outcome: Some(outcome), ..EndRun::default() };
        while line.end(end.clone()).await.is_err_and(|status| may_be_heard(&status)) {
            sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Returns whether to retry a call, by the same rule as the SDK.
fn may_be_heard(status: &Status) -> bool {
    proto::dial::is_away(status) && status.code() != Code::PermissionDenied
}

async fn log(world: &World, line: &Line, attempt: &Attempt, rng: &mut StdRng) {
    for step in 0..rng.random_range(0..10) {
        sleep(Duration::from_millis(rng.random_range(10..20_000))).await;
        let row = Row { step, wall_ms: 0, values: vec![("loss".to_owned(), Value::F64(0.5))] };
        let mut frames = Vec::new();
        Writer::default().frame(&[row], &mut frames);
        let append = AppendRows {
            run: attempt.run.to_string(),
            attempt: attempt.number,
            writer: "sdk".to_owned(),
            stream: "history".to_owned(),
            offset: step,
            frames,
        };
        world.witness.wrote((attempt.clone(), "sdk".to_owned(), "history".to_owned()), step + 1);
        while line.append(append.clone()).await.is_err_and(|status| may_be_heard(&status)) {
            sleep(Duration::from_secs(1)).await;
        }
    }
}
