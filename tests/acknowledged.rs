//! Somebody who tells a controller one thing after the other, through whatever happens to it, and
//! counts what was acknowledged. Used by the tests that kill controllers. Never gives up: whoever
//! has set `over` waits for the next answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use proto::{
    dial::{Dial, is_transient},
    v1::{AppendRows, BeginRun, RunBegun},
};
use record::{Row, Writer};
use tokio::time::sleep;
use tonic::Status;

use crate::rows;

/// The project of the runs that are begun here.
pub const PROJECT: &str = "kills";
/// Rows of one append.
const ROWS: u64 = 20;
/// Between two tries without an answer.
const PAUSE: Duration = Duration::from_millis(5);

/// Begins a run and tells of it until `over`: `tell` is given how many things were acknowledged,
/// and answers how many are now. Gives the run, and how many were acknowledged in the end.
///
/// # Panics
/// When the controller refuses for good.
pub async fn acknowledged<F: Future<Output = Result<u64, Status>>>(
    dial: Dial,
    over: Arc<AtomicBool>,
    tell: impl Fn(Dial, RunBegun, u64) -> F,
) -> (String, u64) {
    let begin = BeginRun { project: PROJECT.to_owned(), ..BeginRun::default() };
    let begun = dial.runs().begin(begin).await.expect("a run can be begun").into_inner();
    let (mut acked, mut answered) = (0, false);
    // Not before an answer has come: what was stored behind a lost one nobody knows.
    while !answered || !over.load(Ordering::Relaxed) {
        let told = tell(dial.clone(), begun.clone(), acked).await;
        answered = told.is_ok();
        match told {
            // Behind a lost answer the same is told again, and skipped.
            Ok(now) => acked = now,
            Err(status) => {
                assert!(is_transient(&status), "{status}");
                sleep(PAUSE).await;
            }
        }
    }
    (begun.run, acked)
}

/// Appends some rows of [`rows::values`] behind the first `acked`; how many the controller has now.
///
/// # Errors
/// What the controller or the way to it says.
pub async fn append(dial: Dial, begun: RunBegun, acked: u64) -> Result<u64, Status> {
    let row = |step| Row { step, wall_ms: 0, values: rows::values(step) };
    let mut frames = Vec::new();
    Writer::default().frame(&(acked..acked + ROWS).map(row).collect::<Vec<_>>(), &mut frames);
    let append = AppendRows {
        run: begun.run,
        attempt: begun.attempt,
        writer: "sdk".to_owned(),
        stream: "history".to_owned(),
        offset: acked,
        frames,
    };
    Ok(dial.runs().append(append).await?.into_inner().next)
}
