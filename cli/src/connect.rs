//! Calls the controller and turns each error status into a [`Failure`] that explains it to the
//! user. One table maps gRPC codes to exit codes and hints. Every command but `check` and `engine`
//! uses this module, which never prints.

use std::{error::Error as _, time::Duration};

use blobs::Trouble;
use proto::{
    dial::{self, Dial},
    v1::{self, ListRuns, ListSweeps, RunRef, SweepRef},
};
use terminal::{Exit, Failure, sanitise};
use tonic::{Code, Request, Response, Status, Streaming};

/// The longest time that one call waits for its answer. Streamed answers have no limit.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most times that [`with_tries`] makes one call.
const TRIES: u32 = 4;

/// The flags that say how to reach the controller.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Reach {
    /// Address of the controller
    #[arg(long, global = true, value_name = "URL", env = proto::dial::CONTROLLER_VAR)]
    #[arg(
        default_value = proto::dial::DEFAULT_CONTROLLER,
        hide_env_values = true,
        display_order = 100
    )]
    pub(crate) controller: String,
    /// Token for the controller
    #[arg(
        long,
        global = true,
        env = proto::dial::TOKEN_VAR,
        hide_env_values = true,
        display_order = 101
    )]
    pub(crate) token: Option<String>,
    /// Certificate of the controller to accept, or a PEM file of authorities [default: those that
    /// the machine trusts]
    #[arg(long, global = true, value_name = "sha256:...|FILE", env = dial::TRUST_VAR)]
    #[arg(hide_env_values = true, display_order = 102)]
    pub(crate) trust: Option<String>,
    /// Call a controller over a network without TLS: everyone on the way can read the token and
    /// all that is shown
    #[arg(long, global = true, env = dial::INSECURE_VAR, hide_env_values = true)]
    #[arg(value_parser = clap::builder::FalseyValueParser::new(), display_order = 103)]
    pub(crate) insecure: bool,
}

/// A controller, with all that is needed to reach it.
pub(crate) struct Controller {
    address: String,
    trust: Option<String>,
    insecure: bool,
    has_token: bool,
    dial: Dial,
}

impl Controller {
    /// Builds the controller from the flags. No connection is made until the first call.
    pub(crate) fn new(reach: &Reach) -> Result<Self, Failure> {
        let known = dial::Reach {
            controller: reach.controller.clone(),
            token: reach.token.clone(),
            trust: reach.trust.clone(),
            insecure: reach.insecure,
        };
        let known = known.with_stored_key();
        let has_token = known.token.as_deref().is_some_and(|token| !token.is_empty());
        let dial = Dial::reach(&known)
            .map_err(|error| Failure::new(Exit::Input, error.to_string()).hint(error.hint()))?;
        let Reach { controller: address, trust, insecure, .. } = reach.clone();
        Ok(Self { address, trust, insecure, has_token, dial })
    }

    /// Returns the dial, which creates a client for each service.
    pub(crate) fn dial(&self) -> &Dial {
        &self.dial
    }

    /// Returns the address of the controller, without a slash at its end.
    pub(crate) fn address(&self) -> &str {
        self.address.trim_end_matches('/')
    }

    /// Returns the command that starts an agent for this sweep on any machine that reaches this
    /// controller.
    pub(crate) fn agent_line(&self, sweep: &str) -> String {
        let mut line = format!("agent {sweep}");
        if self.address != dial::DEFAULT_CONTROLLER {
            line.extend([" --controller ", &self.address]);
        }
        line.extend(self.trust.iter().flat_map(|trust| [" --trust ", trust]));
        line.extend(self.insecure.then_some(" --insecure"));
        line
    }

    /// Returns whether the user gave a token. If so, agents probably need it too.
    pub(crate) fn has_token(&self) -> bool {
        self.has_token
    }

    /// Requests a sweep from the controller. If no sweep has the id, the failure has the hint of
    /// [`Controller::failure_about`].
    pub(crate) async fn sweep(&self, id: &str) -> Result<v1::Sweep, Failure> {
        match self.dial.sweeps().get(within_patience(SweepRef { sweep: id.to_owned() })).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(self.failure_about(id, &status).await),
        }
    }

    /// Requests a run from the controller. If no run has the id, the failure has the hint of
    /// [`Controller::failure_about`].
    pub(crate) async fn run(&self, id: &str) -> Result<v1::Run, Failure> {
        match self.dial.runs().get(within_patience(RunRef { run: id.to_owned() })).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(self.failure_about(id, &status).await),
        }
    }

    /// Returns the failure for a file that was not transferred.
    pub(crate) fn trouble(&self, trouble: &Trouble) -> Failure {
        match trouble {
            Trouble::Remote(status) => self.failure(status),
            trouble => Failure::new(Exit::Refused, trouble.to_string()),
        }
    }

    /// Lists all runs of a sweep by trial number.
    pub(crate) async fn runs_of(&self, sweep: &str) -> Result<Vec<v1::Run>, Failure> {
        let list = ListRuns { sweep: sweep.to_owned(), states: Vec::new(), limit: 0 };
        self.all(self.dial.runs().list(list).await).await
    }

    /// Collects all messages of a streamed answer.
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

    /// Returns the failure for this status of a call about `id`. If the controller did not find
    /// `id`, the failure's hint names existing ids that are similar, or a command that lists ids.
    pub(crate) async fn failure_about(&self, id: &str, status: &Status) -> Failure {
        if status.code() != Code::NotFound {
            return self.failure(status);
        }
        let mut failure = self.failure(status);
        if status.message().contains("is deleted") {
            // The controller has said how to restore it.
            return failure;
        }
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

    /// Returns the failure for a status. The table in this function defines its exit code and hint.
    pub(crate) fn failure(&self, status: &Status) -> Failure {
        // Only a failure of the connection has a source. The controller's own answers have none.
        if status.source().is_some() {
            return self.unreachable(status);
        }
        let said = sanitise(status.message());
        let said = if said.is_empty() { status.code().description().to_lowercase() } else { said };
        let (exit, advice) = match status.code() {
            Code::InvalidArgument | Code::NotFound => (Exit::Input, None),
            Code::Unauthenticated if self.has_token => {
                (Exit::Refused, Some("check `--token` and BESOM_TOKEN"))
            }
            Code::Unauthenticated => {
                (Exit::Refused, Some("pass the token with `--token` or in BESOM_TOKEN"))
            }
            Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded => {
                (Exit::Unreachable, Some("the same command may work in a moment"))
            }
            Code::Unimplemented => {
                (Exit::Refused, Some("are `sweep` and the controller of the same version?"))
            }
            Code::Internal => (Exit::Bug, Some("this is a bug; the controller's log says more")),
            // The controller's message says what is damaged and what to do.
            Code::DataLoss => (Exit::Refused, None),
            _ => (Exit::Refused, None),
        };
        let mut failure = Failure::new(exit, said);
        let own = dial::hint(status);
        failure.hints.extend(own.map(|hint| sanitise(&hint)).or_else(|| advice.map(str::to_owned)));
        failure
    }

    fn unreachable(&self, status: &Status) -> Failure {
        let address = &self.address;
        if matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded) {
            let waited = PATIENCE.as_secs();
            return Failure::new(
                Exit::Unreachable,
                format!("the controller at {address} does not answer"),
            )
            .detail(format!("  waited {waited} seconds"));
        }
        let failure = Failure::new(Exit::Unreachable, format!("no controller at {address}"));
        let failure = match dial::is_refused(status) {
            true => failure,
            false => failure.detail(format!("  {}", cause(status))),
        };
        failure.hint(dial::advice(status).unwrap_or_else(|| {
            let variable = dial::CONTROLLER_VAR;
            format!("`controller` starts one; `--controller` or {variable} names another")
        }))
    }
}

/// Builds a request that gives up after [`PATIENCE`]. Do not use this function for a streamed
/// answer, which may last longer.
pub(crate) fn within_patience<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(PATIENCE);
    request
}

/// Makes a call, and repeats it while its failure is worth another try, up to [`TRIES`] calls in
/// all. Pauses between the calls. The call must be safe to repeat.
pub(crate) async fn with_tries<T>(
    mut call: impl AsyncFnMut() -> Result<Response<T>, Status>,
) -> Result<T, Status> {
    for attempt in 0.. {
        match call().await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) if attempt + 1 < TRIES && is_worth_another_try(&status) => {
                // The constant 0.5 replaces a random jitter: the calls of one user need not be
                // spread.
                tokio::time::sleep(dial::backoff(attempt, 0.5)).await;
            }
            Err(status) => return Err(status),
        }
    }
    unreachable!("the last try returns")
}

/// Returns whether the same call may succeed later. Returns false for a refused connection, because
/// no program listens at the address.
pub(crate) fn is_worth_another_try(status: &Status) -> bool {
    dial::is_transient(status) && !dial::is_refused(status)
}

/// Returns why the connection failed, as the part of a sentence.
fn cause(status: &Status) -> String {
    let text = dial::reason(status);
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Returns the candidate that the user probably meant: the one with the fewest typing mistakes, at
/// most two. The number of mistakes must be below the number of typed characters. A candidate that
/// begins with at least three typed bytes counts as one mistake away. The typed text itself is
/// never returned.
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
        let token = token.map(str::to_owned);
        Controller::new(&Reach { controller: address, token, ..Reach::default() }).unwrap()
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
    async fn the_controllers_own_hint_wins_and_is_sanitised() {
        let mut status = Status::unauthenticated("unknown \u{1b}[31mtoken");
        dial::advise(&mut status, "ask who started it");
        let failure = controller(Some("t")).failure(&status);
        assert_eq!(
            (failure.message.as_str(), failure.hints),
            ("unknown token", vec!["ask who started it".to_owned()])
        );
    }

    #[tokio::test]
    async fn the_agent_line_names_a_controller_that_is_not_the_default() {
        assert_eq!(controller(None).agent_line("k3x9abcd"), "agent k3x9abcd");
        let line = |controller: &str, trust: Option<&str>, insecure| {
            let (controller, trust) = (controller.to_owned(), trust.map(str::to_owned));
            let reach = Reach { controller, trust, insecure, ..Reach::default() };
            Controller::new(&reach).unwrap().agent_line("k3x9abcd")
        };
        let pin = format!("sha256:{}", "0".repeat(64));
        assert_eq!(
            line("https://gpu-1:7070", Some(&pin), false),
            format!("agent k3x9abcd --controller https://gpu-1:7070 --trust {pin}")
        );
        assert_eq!(
            line("gpu-1:7070", None, true),
            "agent k3x9abcd --controller gpu-1:7070 --insecure"
        );
    }
}
