//! Sends messages to a controller one after the other, even while a test kills and restarts it, and
//! counts what the controller acknowledged. The tests that kill controllers use this module.
//! [`acknowledged`] repeats a message without a limit until an answer arrives. After the caller
//! sets `over`, the function ends with the next answer.

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

/// The project of the runs that [`acknowledged`] begins.
pub const PROJECT: &str = "kills";
/// The number of rows in one append.
const ROWS: u64 = 20;
/// The pause after a message that failed, before the next try.
const PAUSE: Duration = Duration::from_millis(5);

/// Begins a run and calls `tell` until `over` is set. `tell` receives the number of acknowledged
/// items, sends further items, and returns the new number. Returns the run's id and the last number
/// of acknowledged items.
///
/// # Panics
/// Panics if the controller refuses to begin the run, or refuses an item with an error that is not
/// transient.
pub async fn acknowledged<F: Future<Output = Result<u64, Status>>>(
    dial: Dial,
    over: Arc<AtomicBool>,
    tell: impl Fn(Dial, RunBegun, u64) -> F,
) -> (String, u64) {
    let begin = BeginRun { project: PROJECT.to_owned(), ..BeginRun::default() };
    let begun = dial.runs().begin(begin).await.expect("a run can be begun").into_inner();
    let (mut acked, mut answered) = (0, false);
    // The loop ends only after an answer: after a lost answer, the caller does not know what was
    // stored.
    while !answered || !over.load(Ordering::Relaxed) {
        let told = tell(dial.clone(), begun.clone(), acked).await;
        answered = told.is_ok();
        match told {
            // After a lost answer, the same items are sent again, and the controller skips them.
            Ok(now) => acked = now,
            Err(status) => {
                assert!(is_transient(&status), "{status}");
                sleep(PAUSE).await;
            }
        }
    }
    (begun.run, acked)
}

/// Appends the next `ROWS` rows of [`rows::values`] after the first `acked` rows. Returns the
/// number of rows that the controller then has.
///
/// # Errors
/// Fails if the controller refuses or the connection fails.
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
