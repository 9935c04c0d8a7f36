//! Kills a controller at every single write and sync of one change. The controller restarts and
//! reports the rows that it has. The controller's machine then loses power before the controller
//! writes again. The report must still be true after that. Random seeds reach this case only once
//! in about 17,000.

use std::{path::Path, sync::Arc};

use proto::v1::{AppendRows, BeginRun};
use record::{Row, Value, Writer};
use tokio::runtime::Builder;

use crate::{
    disk::{self, Fault},
    server::{Server, runs},
    witness::Witness,
};

/// The number of crash points, more than an append has writes and syncs.
const POINTS: u64 = 12;

/// Returns the number of rows that the controller reports after the kill, and the number after the
/// loss of power.
async fn told(folder: &Path, point: u64) -> (u64, u64) {
    let server = Server::new(folder.to_owned(), point, Arc::new(Witness::new(folder, false)));
    assert!(server.start(0).await);
    let door = server.door().unwrap();
    let begin =
        BeginRun { project: "p".to_owned(), config_json: "{}".to_owned(), ..BeginRun::default() };
    let begun = runs(&door).begin(begin).await.unwrap().into_inner();
    let mut append = AppendRows {
        run: begun.run,
        attempt: begun.attempt,
        writer: "sdk".to_owned(),
        stream: "history".to_owned(),
        ..AppendRows::default()
    };
    let question = append.clone();
    let row = Row { step: 0, wall_ms: 0, values: vec![("loss".to_owned(), Value::F64(0.5))] };
    Writer::default().frame(&[row], &mut append.frames);
    disk::fail_in(point, Fault::Kill);
    // The controller may have died in this call, so its answer does not matter.
    let _ = runs(&door).append(append).await;
    server.kill();
    let mut said = Vec::new();
    for _ in 0..2 {
        assert!(server.start(0).await);
        let door = server.door().unwrap();
        said.push(runs(&door).append(question.clone()).await.unwrap().into_inner().next);
        disk::lose_power();
        server.kill();
    }
    (said[0], said[1])
}

#[test]
fn data_of_a_killed_controller_is_synced_before_it_is_reported() {
    let mut seen = [false; 2];
    for point in 0..POINTS {
        // The seed `luck` decides which unsynced writes survive a loss of power.
        for luck in 0..8 {
            let folder = tempfile::tempdir().unwrap();
            disk::format(luck);
            let runtime =
                Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let (killed, powerless) = runtime.block_on(told(folder.path(), point));
            assert_eq!(killed, powerless, "killed at write {point}, luck {luck}");
            seen[killed as usize] = true;
        }
    }
    assert_eq!(seen, [true, true], "some kills come before the row is there, and some after");
}
