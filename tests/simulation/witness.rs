//! Records the controller's answers in order, and the violations: events that must never happen.
//! `server.rs` reports every answer, and `machine.rs` reports every started program. `verdict.rs`
//! reads the record at the end. The witness changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use proto::v1::{AppendRows, Run};
use record::ids::{Attempt, RunId};
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::{
    program::STRAGGLER,
    server::{Answer, LATE_ROWS, Question},
};

/// One stream of one attempt: the attempt, the writer, and the stream's name.
pub(crate) type StreamOf = (Attempt, String, String);

/// The record of a simulation.
#[derive(Debug)]
pub(crate) struct Witness {
    home: String,
    begun: Instant,
    seen: Mutex<Seen>,
}

/// An end that the controller has acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) attempt: u32,
    pub(crate) state: String,
    /// The value of the sweep's metric.
    pub(crate) value: Option<f64>,
    /// The time at which the end was first acknowledged.
    at: Instant,
}

/// Everything that was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// For each run, the newest attempt that was handed out or begun.
    pub(crate) leased: BTreeMap<RunId, u32>,
    /// The number of rows that the controller has acknowledged, by stream.
    pub(crate) acknowledged: BTreeMap<StreamOf, u64>,
    /// The number of rows that a program has written to a disk or is about to send, by stream.
    pub(crate) offered: BTreeMap<StreamOf, u64>,
    /// The newest end that the controller has acknowledged, by run.
    pub(crate) ended: BTreeMap<RunId, End>,
    /// The runs that a user retried, and all runs outside sweeps. A new attempt may change their
    /// ends.
    pub(crate) reopened: BTreeSet<RunId>,
    /// By sweep, the raises of its cap that the controller has acknowledged, by their key.
    pub(crate) raised: BTreeMap<String, BTreeMap<String, u64>>,
    /// The same, with those that the controller may have made.
    pub(crate) asked: BTreeMap<String, BTreeMap<String, u64>>,
    /// The attempts whose program was started.
    pub(crate) started: BTreeSet<Attempt>,
    /// The events that must never happen, but did.
    pub(crate) violations: Vec<String>,
    /// The digest of all answers, in their order and with their times.
    digest: DefaultHasher,
    pub(crate) answers: u64,
    /// The lines of the trace, if a trace was requested.
    trace: Option<Vec<String>>,
}

impl Witness {
    /// Returns a witness of a simulation whose files are below the folder `home`.
    pub(crate) fn new(home: &Path, traced: bool) -> Self {
        let seen = Seen { trace: traced.then(Vec::new), ..Seen::default() };
        Self { home: home.display().to_string(), begun: Instant::now(), seen: Mutex::new(seen) }
    }

    /// Returns everything that was seen so far.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an event that must never happen.
    pub(crate) fn accuse(&self, what: String) {
        self.note(|| format!("VIOLATION {what}"));
        self.seen().violations.push(what);
    }

    /// Adds a line to the trace.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        let mut seen = self.seen();
        let at = self.begun.elapsed().as_secs_f64();
        if let Some(trace) = &mut seen.trace {
            trace.push(format!("{at:>10.3}  {}", line()));
        }
    }

    /// Returns the trace so far.
    pub(crate) fn trace(&self) -> Vec<String> {
        self.seen().trace.clone().unwrap_or_default()
    }

    /// Returns the digest of the answers. Two digests are equal if the same answers came in the
    /// same order at the same times.
    pub(crate) fn digest(&self) -> u64 {
        self.seen().digest.finish()
    }

    /// Adds a number to the digest. The number must be the same in every simulation of the same
    /// seed.
    pub(crate) fn seal(&self, number: u64) {
        number.hash(&mut self.seen().digest);
    }

    /// Records that a program was started for this attempt.
    pub(crate) fn started(&self, attempt: &Attempt) {
        if !self.seen().started.insert(attempt.clone()) {
            self.accuse(format!("{attempt} was started twice"));
        }
    }

    /// Records that a program has written `rows` rows of this stream.
    pub(crate) fn wrote(&self, stream: StreamOf, rows: u64) {
        let mut seen = self.seen();
        let known = seen.offered.entry(stream).or_default();
        *known = rows.max(*known);
    }

    /// Records an answer of the controller. The controller has finished its work on the call by
    /// then.
    pub(crate) fn answered(&self, question: &Question, answer: &Result<Answer, Status>) {
        // The path of the folder is removed, because it differs between two simulations of a seed.
        let described = describe(question, answer).replace(&self.home, "~");
        self.note(|| described.clone());
        {
            let mut seen = self.seen();
            seen.answers += 1;
            let at = self.begun.elapsed().as_millis();
            (at, described).hash(&mut seen.digest);
        }
        match (question, answer) {
            (Question::Beat(_), Ok(Answer::Orders(orders))) => {
                for start in &orders.start {
                    let mut seen = self.seen();
                    let newest = seen.leased.entry(start.run.as_str().into()).or_default();
                    *newest = start.attempt.max(*newest);
                }
            }
            (Question::Append(rows), Ok(Answer::Appended(appended))) => {
                let attempt = Attempt::new(rows.run.as_str(), rows.attempt);
                self.accepted(&attempt, "rows");
                let mut seen = self.seen();
                let known =
                    seen.acknowledged.entry((attempt, rows.writer.clone(), rows.stream.clone()));
                let known = known.or_default();
                *known = appended.next.max(*known);
            }
            (Question::End(end), Ok(Answer::Ended(ended))) => {
                let attempt = Attempt::new(end.run.as_str(), end.attempt);
                self.accepted(&attempt, "the end");
                if let Some(run) = &ended.run {
                    self.ended(attempt, run);
                }
            }
            (Question::Append(rows), answer) if rows.writer == STRAGGLER => {
                self.straggled(rows, answer)
            }
            (Question::Retry(_), Ok(Answer::Retried(retried))) => {
                let runs = retried.runs.iter().map(|run| RunId::from(run.as_str()));
                self.seen().reopened.extend(runs);
            }
            (Question::Extend(extend), answer) => {
                let mut seen = self.seen();
                let raise = |known: &mut BTreeMap<String, BTreeMap<String, u64>>| {
                    let known = known.entry(extend.sweep.clone()).or_default();
                    known.insert(extend.idempotency_key.clone(), extend.runs);
                };
                if answer.is_ok() {
                    raise(&mut seen.raised);
                }
                raise(&mut seen.asked);
                drop(seen);
                self.suspect(question, answer);
            }
            (Question::Begin(_), Ok(Answer::Begun(begun))) => {
                let (mut seen, run) = (self.seen(), RunId::from(begun.run.as_str()));
                seen.leased.insert(run.clone(), begun.attempt);
                seen.reopened.insert(run);
            }
            _ => self.suspect(question, answer),
        }
    }

    fn ended(&self, attempt: Attempt, run: &Run) {
        let (number, state, value) = (attempt.number, run.state.clone(), run.value);
        let before = self.seen().ended.get(&attempt.run).cloned();
        let same = before.filter(|end| end.attempt == number && end.state == state);
        let at = same.as_ref().map_or_else(Instant::now, |end| end.at);
        self.seen().ended.insert(attempt.run.clone(), End { attempt: number, state, value, at });
        if same.is_some_and(|end| end.value != value) {
            self.accuse(format!("the value of {attempt} changed after its end"));
        }
    }

    /// Checks that the token of an attempt no longer works when the grace after the attempt's end
    /// is over.
    fn straggled(&self, rows: &AppendRows, answer: &Result<Answer, Status>) {
        let (seen, run) = (self.seen(), RunId::from(rows.run.as_str()));
        let end = seen.ended.get(&run).filter(|end| {
            let over = matches!(end.state.as_str(), "finished" | "failed" | "stopped" | "pruned");
            over && end.attempt == rows.attempt && !seen.reopened.contains(&run)
        });
        let closed = end.is_some_and(|end| end.at.elapsed() > LATE_ROWS + Duration::from_secs(1));
        drop(seen);
        let refused = |status: &Status| proto::dial::is_away(status);
        if closed && !answer.as_ref().is_err_and(refused) {
            self.accuse(format!("the token of {}/{} has not ended", rows.run, rows.attempt));
        }
    }

    /// Checks for answers that no caller should ever get.
    fn suspect(&self, question: &Question, answer: &Result<Answer, Status>) {
        if let Err(status) = answer
            && matches!(status.code(), Code::Internal | Code::InvalidArgument | Code::OutOfRange)
        // `OutOfRange` is the normal answer to a wrong offset, but no simulated caller sends one.
        {
            self.accuse(format!("{question:?} was answered with {status:?}"));
        }
    }

    fn accepted(&self, attempt: &Attempt, what: &str) {
        let newest = self.seen().leased.get(&attempt.run).copied().unwrap_or(0);
        if attempt.number < newest {
            self.accuse(format!(
                "{what} of {attempt} were taken after attempt {newest} was handed out"
            ));
        }
    }
}

fn describe(question: &Question, answer: &Result<Answer, Status>) -> String {
    let asked = match question {
        Question::Beat(beat) => {
            let holds: Vec<String> =
                beat.holds.iter().map(|held| format!("{}/{}", held.run, held.attempt)).collect();
            format!(
                "beat {}.{}.{} holds {holds:?} free {}",
                beat.agent, beat.incarnation, beat.beat, beat.free
            )
        }
        Question::Append(rows) => format!(
            "append {}/{} {}.{} at {} ({} bytes)",
            rows.run,
            rows.attempt,
            rows.writer,
            rows.stream,
            rows.offset,
            rows.frames.len()
        ),
        Question::End(end) => {
            let state = end.outcome.as_ref().map(|outcome| outcome.state.as_str());
            format!("end {}/{} {}", end.run, end.attempt, state.unwrap_or_default())
        }
        other => format!("{other:?}"),
    };
    let said = match answer {
        Ok(Answer::Orders(orders)) => {
            let starts: Vec<String> = orders
                .start
                .iter()
                .map(|start| format!("{}/{}", start.run, start.attempt))
                .collect();
            let stops: Vec<String> = orders
                .stop
                .iter()
                .map(|stop| format!("{}/{} {}", stop.run, stop.attempt, stop.reason))
                .collect();
            format!("start {starts:?} stop {stops:?} sweep {}", orders.sweep_state)
        }
        Ok(Answer::Appended(appended)) => format!("next {}", appended.next),
        Ok(Answer::Ended(ended)) => {
            let state = ended.run.as_ref().map(|run| run.state.as_str());
            format!("now {}", state.unwrap_or_default())
        }
        Ok(Answer::Begun(begun)) => format!("begun {}/{}", begun.run, begun.attempt),
        Ok(Answer::Sweep(sweep)) => format!("sweep {} {}", sweep.id, sweep.state),
        Ok(Answer::Retried(retried)) => format!("retried {:?}", retried.runs),
        Err(status) => format!("{:?} {}", status.code(), status.message()),
    };
    format!("{asked} -> {said}")
}
