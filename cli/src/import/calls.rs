//! Makes the calls to the controller that `send` and `streams` share.

use proto::v1::{BeginRun, Block, ReadRows, RunBegun};
use record::Row;
use serde_json::Value as Json;
use terminal::{Exit, Failure};

use super::{paths, source::Found};
use crate::{connect, connect::Controller};

/// Returns the failure to read a source.
pub(super) fn unreadable(found: &Found, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Input, paths::unreadable(&found.source.path(), error))
}

/// Calls `show` with each row of a stream that earlier imports of this kind of source have written.
/// Skips fenced rows. Stops when `show` returns false.
pub(super) async fn each(
    controller: &Controller,
    found: &Found,
    run: &str,
    stream: &str,
    mut show: impl FnMut(&Block, Row) -> bool,
) -> Result<(), Failure> {
    let lost = |status| controller.failure(&status);
    let message =
        ReadRows { run: run.to_owned(), stream: stream.to_owned(), attempt: 0, follow: false };
    let mut blocks = controller.dial().runs().read(message).await.map_err(lost)?.into_inner();
    while let Some(block) = blocks.message().await.map_err(lost)? {
        if block.fenced || block.writer != found.source.writer() {
            continue;
        }
        let rows = record::rows(&block.frames).map_err(|corrupt| {
            Failure::new(Exit::Bug, format!("the rows of run `{run}` cannot be read: {corrupt}"))
        })?;
        for row in rows {
            if !show(&block, row) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Begins a run, and tries again while the controller does not answer.
pub(super) async fn call(
    controller: &Controller,
    message: BeginRun,
) -> Result<RunBegun, tonic::Status> {
    let mut runs = controller.dial().runs();
    connect::with_tries(async || runs.begin(connect::within_patience(message.clone())).await).await
}

/// Builds the message with the run's project, name, config, labels and start time.
pub(super) fn introduction(found: &Found) -> BeginRun {
    let about = found.about.clone();
    BeginRun {
        project: about.project,
        name: about.name,
        config_json: Json::Object(about.config).to_string(),
        tags: about.tags,
        notes: about.notes,
        group: about.group,
        job_type: about.job_type,
        started_ms: found.times.map(|(first, _)| first),
        ..BeginRun::default()
    }
}
