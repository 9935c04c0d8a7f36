//! Serves the Runs service. The SDK, agents and the `sweep` command call it. Every method
//! translates its request, calls `app`, and translates the answer.

use std::time::Duration;

use proto::v1::{
    AppendRows, Appended, BeginRun, Block, EndRun, Failure, FindRuns, Limited, ListRuns,
    MetricDefinition, Outcome, ReadRows, Run, RunBegun, RunEnded, RunRef, Rung, runs_server::Runs,
};
use record::{ids::Attempt, stream::StreamName};
use sweeps::{
    lifecycle::Class,
    stopping::{Decision, Verdict},
};
use tonic::{Request, Response, Status, async_trait, codegen::BoxStream};

use super::{Door, error::status, explain, known, named, stream};
use crate::app::{
    Error,
    read::{
        find::{self, Search},
        lists::{self, Listing},
        views::{self, BlockView, Constrained, FailureView, Reading, RunView},
    },
    rows::{
        ingest::{self, Append},
        metrics::{Goal, Metric},
    },
    runs::{
        begin::{self, Begun, NewRun, Resume},
        end::{self, End, EndState},
    },
    text::cut,
};

#[async_trait]
impl Runs for Door {
    async fn begin(&self, request: Request<BeginRun>) -> Result<Response<RunBegun>, Status> {
        let (caller, wanted) = self.enter(request).await?;
        let begun = match wanted.run.is_empty() {
            true => begin::begin(&self.app, &caller, new_from(wanted).map_err(status)?).await,
            false => {
                let number = Some(wanted.attempt).filter(|number| *number > 0);
                begin::join(&self.app, &caller, wanted.run.into(), number).await
            }
        };
        Ok(Response::new(self.begun_to(begun.map_err(status)?)))
    }

    async fn append(&self, request: Request<AppendRows>) -> Result<Response<Appended>, Status> {
        let (caller, append) = self.enter(request).await?;
        let append = append_from(append).map_err(status)?;
        let appended = ingest::append(&self.app, &caller, append).await.map_err(status)?;
        Ok(Response::new(Appended { next: appended.next, stop_wanted: appended.stop_wanted }))
    }

    async fn end(&self, request: Request<EndRun>) -> Result<Response<RunEnded>, Status> {
        // A caller that missed the answer reports the end again, maybe long after it. The repeat
        // changes nothing, so this method accepts a token that has ended.
        let (caller, EndRun { run, attempt, outcome, ended_ms, ran_ms }) = known(request)?;
        let attempt = Attempt::new(run, attempt);
        let end = end_from(outcome.unwrap_or_default(), ended_ms, ran_ms).map_err(status)?;
        let ended = end::end(&self.app, &caller, attempt, end).await.map_err(status)?;
        let note = ended.run.note.clone().unwrap_or_default();
        Ok(Response::new(RunEnded { run: Some(ended.into()), note }))
    }

    async fn get(&self, request: Request<RunRef>) -> Result<Response<Run>, Status> {
        let (caller, wanted) = self.enter(request).await?;
        let run = views::get_run(&self.app, &caller, wanted.run.into()).await.map_err(status)?;
        Ok(Response::new(run.into()))
    }

    type ListStream = BoxStream<Run>;

    async fn list(&self, request: Request<ListRuns>) -> Result<Response<Self::ListStream>, Status> {
        let (caller, ListRuns { sweep, states, limit }) = self.enter(request).await?;
        let listing = Listing { sweep: named(sweep), states, limit };
        let runs = lists::list_runs(&self.app, &caller, listing).await.map_err(status)?;
        Ok(Response::new(stream(runs)))
    }

    type FindStream = BoxStream<Run>;

    async fn find(&self, request: Request<FindRuns>) -> Result<Response<Self::FindStream>, Status> {
        let (caller, FindRuns { project, sweep, filters, sort, limit }) =
            self.enter(request).await?;
        let sweep = named(sweep);
        let search = Search { project, sweep, filters, sort, limit, ..Search::default() };
        let runs = find::find_runs(&self.app, &caller, search).await.map_err(status)?;
        Ok(Response::new(stream(runs)))
    }

    type ReadStream = BoxStream<Block>;

    async fn read(&self, request: Request<ReadRows>) -> Result<Response<Self::ReadStream>, Status> {
        let (caller, ReadRows { run, stream: name, attempt, follow }) = self.enter(request).await?;
        let stream_name = stream_from(&name).map_err(status)?;
        let reading = Reading { run: run.into(), stream: stream_name, attempt, follow };
        let blocks = views::read_rows(&self.app, &caller, reading).await.map_err(status)?;
        Ok(Response::new(stream(blocks)))
    }
}

impl Door {
    fn begun_to(&self, begun: Begun) -> RunBegun {
        let lease_ms = u32::try_from(self.app.settings.lease.as_millis()).unwrap_or(u32::MAX);
        let Begun { of: Attempt { run, number }, config_json, token, next_step } = begun;
        RunBegun { run: run.into(), attempt: number, config_json, token, lease_ms, next_step }
    }
}

fn new_from(begin: BeginRun) -> Result<NewRun, Error> {
    Ok(NewRun {
        project: begin.project,
        name: begin.name,
        config_json: begin.config_json,
        tags: begin.tags,
        notes: begin.notes,
        group: begin.group,
        job_type: begin.job_type,
        id: named(begin.id),
        resume: Resume::read(&begin.resume)?,
        idempotency_key: begin.idempotency_key,
        started_ms: begin.started_ms,
    })
}

fn append_from(append: AppendRows) -> Result<Append, Error> {
    let AppendRows { run, attempt, writer, stream, offset, frames } = append;
    let (of, stream) = (Attempt::new(run, attempt), stream_from(&stream)?);
    Ok(Append { of, writer, stream, offset: Some(offset), frames })
}

fn stream_from(name: &str) -> Result<StreamName, Error> {
    StreamName::from_name(name).ok_or_else(|| {
        let name = cut(name, 100);
        let streams = "history, summary, console, meta, files or system";
        Error::invalid(format!("no stream `{name}`: {streams}"))
    })
}

fn end_from(outcome: Outcome, ended_ms: Option<i64>, ran_ms: Option<u64>) -> Result<End, Error> {
    let state = match outcome.state.as_str() {
        "finished" => EndState::Finished,
        "failed" => EndState::Failed,
        "stopped" => EndState::Stopped,
        "preempted" => EndState::Preempted,
        "crashed" => EndState::Crashed,
        other => {
            let words = "finished, failed, stopped, preempted or crashed";
            return Err(Error::invalid(format!("no end `{other}`: {words}")));
        }
    };
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    let class = match outcome.class.as_str() {
        "" => None,
        name => Some(class_from(name)?),
    };
    Ok(End {
        state,
        class,
        exit_code: outcome.exit_code,
        signal: outcome.signal,
        message: text(outcome.message),
        ended_ms,
        ran: ran_ms.map(Duration::from_millis),
    })
}

/// Parses a class of failure that a program or its agent can report.
fn class_from(name: &str) -> Result<Class, Error> {
    let told = Class::ALL.into_iter().filter(|class| *class != Class::Lost);
    let classes: Vec<&str> = told.map(Class::name).collect();
    let class = Class::from_name(name).filter(|class| classes.contains(&class.name()));
    class.ok_or_else(|| {
        Error::invalid(format!("no class of failure `{name}`: {}", classes.join(", ")))
    })
}

impl From<RunView> for Run {
    fn from(view: RunView) -> Self {
        let RunView { run, summary_json, about, metrics, code_json, constrained, .. } = view;
        let limited =
            |one: Constrained| Limited { metric: one.metric, value: one.value, holds: one.holds };
        let ended = !run.state.is_live() || run.outcome.message.is_some();
        let outcome = ended.then(|| Outcome {
            state: run.state.name().to_owned(),
            class: run.outcome.class.map(Class::name).unwrap_or_default().to_owned(),
            exit_code: run.outcome.exit_code,
            signal: run.outcome.signal,
            message: run.outcome.message.unwrap_or_default(),
        });
        let suggestion = &run.suggestion;
        let suggestion_json = suggestion.origin.as_ref().map(|origin| {
            let fit = suggestion.fit.as_deref().unwrap_or("null");
            let engine = suggestion.engine.as_deref().unwrap_or_default();
            format!(
                r#"{{"origin":{origin},"seen":{},"fit":{fit},"engine":"{engine}"}}"#,
                suggestion.seen
            )
        });
        Run {
            id: run.id.into(),
            sweep: run.sweep.unwrap_or_default().into(),
            trial: run.trial,
            project: run.project.into(),
            name: run.name,
            state: run.state.name().to_owned(),
            attempt: run.attempt,
            agent: run.agent.unwrap_or_default(),
            config_json: run.config,
            summary_json,
            value: run.value,
            rows: run.history,
            outcome,
            note: run.note.unwrap_or_default(),
            stop_wanted: run.stop_wanted.is_some(),
            created_ms: run.created_ms,
            started_ms: run.started_ms,
            ended_ms: run.ended_ms,
            suggestion_json: suggestion_json.unwrap_or_default(),
            limited: constrained.into_iter().map(limited).collect(),
            rungs: view.rungs.into_iter().map(rung_to).collect(),
            incumbent: view.incumbent.map(explain::incumbent),
            repeats: view.repeats.map(explain::repeated),
            tags: serde_json::from_str(&run.tags).unwrap_or_default(),
            notes: about.notes,
            group: about.group,
            job_type: about.job_type,
            added_config_json: about.added,
            metrics: metrics.into_iter().map(metric_to).collect(),
            code_json,
            failures: view.failures.into_iter().map(failure_to).collect(),
        }
    }
}

fn metric_to(metric: Metric) -> MetricDefinition {
    let Metric { name, summary, step_metric, goal } = metric;
    let summary = summary.into_iter().map(|way| way.name().to_owned()).collect();
    let goal = goal.map_or("", Goal::name).to_owned();
    MetricDefinition { name, summary, step_metric, goal }
}

fn failure_to(failure: FailureView) -> Failure {
    let FailureView { attempt, class, agent, message, ended_ms, .. } = failure;
    let (agent, message) = (agent.unwrap_or_default(), message.unwrap_or_default());
    Failure { attempt, class: class.name().to_owned(), agent, message, ended_ms }
}

fn rung_to(decision: Decision) -> Rung {
    let Decision { iteration, value, rank, of, threshold, verdict } = decision;
    Rung { iteration, value, rank, of, threshold, stop: verdict == Verdict::Stop }
}

impl From<BlockView> for Block {
    fn from(view: BlockView) -> Self {
        let BlockView { attempt, writer, first, rows, fenced, frames, merged: _ } = view;
        Block { attempt, writer, offset: first, rows, frames, fenced }
    }
}
