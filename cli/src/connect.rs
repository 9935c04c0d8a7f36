//! The way to the controller, and what each of its answers means to a person: one table from gRPC
//! status to [`Failure`]. Used by every command but `check`; never prints.

use std::{error::Error, io, time::Duration};

use blobs::Trouble;
use proto::{
    dial::{self, Dial},
    v1::{self, ListRuns, ListSweeps, RunRef, SweepRef},
};
use terminal::{Exit, Failure, sanitise};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::args::Reach;

/// How long a controller may take for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the controller is asked again after an answer was lost.
const TRIES: u32 = 4;

/// A controller that has not been spoken to yet.
pub(crate) struct Controller {
    address: String,
    has_token: bool,
    dial: Dial,
}

impl Controller {
    /// From the flags. Connects with the first call.
    pub(crate) fn new(reach: &Reach) -> Result<Self, Failure> {
        let token = reach.token.as_deref().filter(|token| !token.is_empty());
        let dial = Dial::new(&reach.controller, token)
            .map_err(|error| Failure::new(Exit::Input, error.to_string()).hint(error.hint()))?;
        Ok(Self { address: reach.controller.clone(), has_token: token.is_some(), dial })
    }

    /// The way to its services.
    pub(crate) fn dial(&self) -> &Dial {
        &self.dial
    }

    /// What starts an agent for this sweep, on any machine that reaches this controller.
    pub(crate) fn agent_line(&self, sweep: &str) -> String {
        if self.address == dial::DEFAULT_CONTROLLER {
            format!("agent {sweep}")
        } else {
            format!("agent {sweep} --controller {}", self.address)
        }
    }

    /// Whether an agent needs a token too.
    pub(crate) fn has_token(&self) -> bool {
        self.has_token
    }

    /// The sweep; the failure of a wrong id names the nearest one.
    pub(crate) async fn sweep(&self, id: &str) -> Result<v1::Sweep, Failure> {
        match self.dial.sweeps().get(within_patience(SweepRef { sweep: id.to_owned() })).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(self.failure_about(id, &status).await),
        }
    }

    /// The run; the failure of a wrong id names what is near.
    pub(crate) async fn run(&self, id: &str) -> Result<v1::Run, Failure> {
        match self.dial.runs().get(within_patience(RunRef { run: id.to_owned() })).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(self.failure_about(id, &status).await),
        }
    }

    /// Why a file did not come over.
    pub(crate) fn trouble(&self, trouble: &Trouble) -> Failure {
        match trouble {
            Trouble::Remote(status) => self.failure(status),
            trouble => Failure::new(Exit::Refused, trouble.to_string()),
        }
    }

    /// All runs of a sweep by trial number.
    pub(crate) async fn runs_of(&self, sweep: &str) -> Result<Vec<v1::Run>, Failure> {
        let list = ListRuns { sweep: sweep.to_owned(), states: Vec::new(), limit: 0 };
        self.all(self.dial.runs().list(list).await).await
    }

    /// Everything that a streamed answer has.
    pub(crate) async fn all<T>(
        &self,
        answer: Result<Response<Streaming<T>>, Status>,
    ) -> Result<Vec<T>, Failure> {
        let mut stream = answer.map_err(|status| self.failure(&status))?.into_inner();
        let mut all = Vec::new();
        while let Some(one) = stream.message().await.map_err(|status| self.failure(&status))? {
            all.push(one);
        }
        Ok(all)
    }

    /// What this status means when it was the answer to a question about `id`.
    pub(crate) async fn failure_about(&self, id: &str, status: &Status) -> Failure {
        if status.code() != Code::NotFound {
            return self.failure(status);
        }
        let mut failure = self.failure(status);
        let hint = match id.rsplit_once('-') {
            Some((sweep, _)) => self.hint_for_run(sweep, id).await,
            None if self.is_sweep(id).await => Some(format!(
                "that is a sweep: `sweep show {id}` lists its runs, `sweep export {id} --curves` \
                has their rows"
            )),
            None => self.nearest_sweep(id).await.map(|near| format!("did you mean `{near}`?")),
        };
        failure.hints = vec![hint.unwrap_or_else(|| "`sweep ls` shows what there is".to_owned())];
        failure
    }

    async fn hint_for_run(&self, sweep: &str, run: &str) -> Option<String> {
        let trial = &run[sweep.len()..];
        let known =
            self.dial.sweeps().get(within_patience(SweepRef { sweep: sweep.to_owned() })).await;
        let Ok(known) = known else {
            return Some(format!("did you mean `{}{trial}`?", self.nearest_sweep(sweep).await?));
        };
        let trials = known.into_inner().counts.unwrap_or_default().trials;
        Some(match trials {
            0 => format!("sweep `{sweep}` has no run yet"),
            1 => format!("the one run of sweep `{sweep}` is `{sweep}-0`"),
            _ => format!("the runs of sweep `{sweep}` are `{sweep}-0` to `{sweep}-{}`", trials - 1),
        })
    }

    async fn is_sweep(&self, id: &str) -> bool {
        self.dial.sweeps().get(within_patience(SweepRef { sweep: id.to_owned() })).await.is_ok()
    }

    async fn nearest_sweep(&self, typed: &str) -> Option<String> {
        let list = self
            .dial
            .sweeps()
            .list(within_patience(ListSweeps { limit: 0 }))
            .await
            .ok()?
            .into_inner();
        nearest(typed, list.sweeps.into_iter().map(|sweep| sweep.id))
    }

    /// The table.
    pub(crate) fn failure(&self, status: &Status) -> Failure {
        // Only what happened on the way has a source: the controller's own answers have none.
        if let Some(source) = status.source() {
            return self.unreachable(status, source);
        }
        let said = sanitise(status.message());
        let said = if said.is_empty() { status.code().description().to_lowercase() } else { said };
        let (exit, advice) = match status.code() {
            Code::InvalidArgument | Code::NotFound => (Exit::Input, None),
            Code::Unauthenticated if self.has_token => {
                (Exit::Refused, Some("look at `--token` and BESOM_TOKEN"))
            }
            Code::Unauthenticated => {
                (Exit::Refused, Some("give it with `--token`, or in BESOM_TOKEN"))
            }
            Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded => {
                (Exit::Unreachable, Some("the same command may work in a moment"))
            }
            Code::Unimplemented => {
                (Exit::Refused, Some("are `sweep` and the controller of the same version?"))
            }
            Code::Internal => (Exit::Bug, Some("this is a bug; the controller's log says more")),
            // The controller says what is damaged, and what to do.
            Code::DataLoss => (Exit::Refused, None),
            _ => (Exit::Refused, None),
        };
        let mut failure = Failure::new(exit, said);
        let own = dial::hint(status);
        failure.hints.extend(own.map(sanitise).or_else(|| advice.map(str::to_owned)));
        failure
    }

    fn unreachable(&self, status: &Status, source: &(dyn Error + 'static)) -> Failure {
        let address = &self.address;
        if matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded) {
            let waited = PATIENCE.as_secs();
            return Failure::new(
                Exit::Unreachable,
                format!("the controller at {address} does not answer"),
            )
            .detail(format!("  waited {waited} seconds"));
        }
        let refused = is_refused(source);
        let failure = Failure::new(Exit::Unreachable, format!("no controller at {address}"));
        let failure =
            if refused { failure } else { failure.detail(format!("  {}", cause(source))) };
        failure.hint(format!(
            "`controller` starts one; `--controller` or {} names another",
            dial::CONTROLLER_VAR
        ))
    }
}

/// A question that gives up after [`PATIENCE`]. Not for streams, which may last.
pub(crate) fn within_patience<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(PATIENCE);
    request
}

/// Makes a call that may be made twice, and again after an answer was lost, up to [`TRIES`] times.
pub(crate) async fn with_tries<T>(
    mut call: impl AsyncFnMut() -> Result<Response<T>, Status>,
) -> Result<T, Status> {
    for attempt in 0.. {
        match call().await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) if attempt + 1 < TRIES && is_worth_another_try(&status) => {
                // One person at one keyboard: no fleet to spread.
                tokio::time::sleep(dial::backoff(attempt, 0.5)).await;
            }
            Err(status) => return Err(status),
        }
    }
    unreachable!("the last try returns")
}

/// Whether the same call may go through later, though not because nobody listens there.
pub(crate) fn is_worth_another_try(status: &Status) -> bool {
    dial::is_transient(status) && !status.source().is_some_and(is_refused)
}

/// Nobody listens at the address.
fn is_refused(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|error| {
        error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    })
}

/// The innermost reason, which is the one that says something.
fn cause(error: &(dyn Error + 'static)) -> String {
    let text = chain(error).last().map(ToString::to_string).unwrap_or_default();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The candidate that was probably meant: two slips of the fingers away at most, or begun like
/// this.
pub(crate) fn nearest(typed: &str, candidates: impl IntoIterator<Item = String>) -> Option<String> {
    let near = candidates.into_iter().filter_map(|candidate| {
        let begun = typed.len() >= 3 && candidate.starts_with(typed);
        let slips = if begun { 1 } else { strsim::osa_distance(typed, &candidate) };
        (candidate != typed && slips <= 2 && slips < typed.chars().count())
            .then_some((slips, candidate))
    });
    near.min().map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn controller(token: Option<&str>) -> Controller {
        let address = dial::DEFAULT_CONTROLLER.to_owned();
        Controller::new(&Reach { controller: address, token: token.map(str::to_owned) }).unwrap()
    }

    #[test]
    fn near_ids_are_found() {
        let ids = || ["k3x9abcd", "k3x9abce", "zzzzzzzz"].map(str::to_owned);
        assert_eq!(nearest("k3x9abdc", ids()).as_deref(), Some("k3x9abcd"));
        assert_eq!(nearest("zzz", ids()).as_deref(), Some("zzzzzzzz"));
        assert_eq!(nearest("aaaaaaaa", ids()), None);
        assert_eq!(nearest("", ids()), None);
    }

    #[tokio::test]
    async fn every_status_means_something() {
        let mut table = String::new();
        for code in (1..=16).map(Code::from_i32) {
            let failure = controller(None).failure(&Status::new(code, "what the controller said"));
            writeln!(table, "{code:?}: exit {}, {:?}", failure.exit as u8, failure.hints).unwrap();
        }
        insta::assert_snapshot!(table);
    }

    #[tokio::test]
    async fn the_controllers_own_hint_wins_and_cannot_steer_the_terminal() {
        let mut status = Status::unauthenticated("unknown \u{1b}[31mtoken");
        status.metadata_mut().insert(dial::HINT_KEY, "ask who started it".parse().unwrap());
        let failure = controller(Some("t")).failure(&status);
        assert_eq!(
            (failure.message.as_str(), failure.hints),
            ("unknown token", vec!["ask who started it".to_owned()])
        );
    }

    #[tokio::test]
    async fn the_agent_line_names_a_controller_that_is_not_the_default() {
        assert_eq!(controller(None).agent_line("k3x9abcd"), "agent k3x9abcd");
        let other =
            Controller::new(&Reach { controller: "gpu-1:7070".to_owned(), token: None }).unwrap();
        assert_eq!(other.agent_line("k3x9abcd"), "agent k3x9abcd --controller gpu-1:7070");
    }
}
