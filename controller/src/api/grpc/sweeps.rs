//! Serves the Sweeps service. The `sweep` command and function agents call it. Every method
//! translates its request, calls `app`, and translates the answer.

use std::sync::Arc;

use ::sweeps::{lifecycle::sweep::Closing, search::Constraint};
use proto::v1::{
    Change, ChangeSweep, Counts, CreateSweep, EnqueuePoints, Enqueued, ExplainSweep, Explanation,
    ExtendSweep, Limit, ListSweeps, Recommendation, ReplayTrials, Replayed, Retried, RetryRuns,
    Sweep, SweepList, SweepRef, SweepUpdate, sweeps_server::Sweeps,
};
use record::ids::SweepId;
use tonic::{Request, Response, Status, async_trait, codegen::BoxStream};

use super::{
    Door,
    error::status,
    explain::{explanation, recommendation, repeated},
    stream,
};
use crate::app::{
    Error,
    read::{
        lists,
        views::{self, SweepView},
        watch,
    },
    sweeps::{
        enqueue::{self, NewPoints, Queue},
        explain::{self, Age},
        extend,
        manage::{self, NewSweep, Wish},
        replay,
    },
};

#[async_trait]
impl Sweeps for Door {
    async fn create(&self, request: Request<CreateSweep>) -> Result<Response<Sweep>, Status> {
        let (caller, CreateSweep { yaml, source, idempotency_key: key }) =
            self.enter(request).await?;
        let key = Some(key).filter(|key| !key.is_empty());
        let new = NewSweep { yaml, source, key, ..NewSweep::default() };
        let sweep = manage::create(&self.app, &caller, new).await.map_err(status)?;
        Ok(Response::new(sweep.into()))
    }

    async fn get(&self, request: Request<SweepRef>) -> Result<Response<Sweep>, Status> {
        let (caller, wanted) = self.enter(request).await?;
        let sweep =
            views::get_sweep(&self.app, &caller, wanted.sweep.into()).await.map_err(status)?;
        Ok(Response::new(sweep.into()))
    }

    async fn list(&self, request: Request<ListSweeps>) -> Result<Response<SweepList>, Status> {
        let (caller, wanted) = self.enter(request).await?;
        let sweeps = lists::list_sweeps(&self.app, &caller, wanted.limit).await.map_err(status)?;
        Ok(Response::new(SweepList { sweeps: sweeps.into_iter().map(Into::into).collect() }))
    }

    async fn change(&self, request: Request<ChangeSweep>) -> Result<Response<Sweep>, Status> {
        let (caller, wanted) = self.enter(request).await?;
        let wish = wish_from(wanted.change()).map_err(status)?;
        let id = wanted.sweep.into();
        let sweep = manage::change(&self.app, &caller, id, wish).await.map_err(status)?;
        Ok(Response::new(sweep.into()))
    }

    async fn retry(&self, request: Request<RetryRuns>) -> Result<Response<Retried>, Status> {
        let (caller, wanted) = self.enter(request).await?;
        let runs = wanted.runs.into_iter().map(Into::into).collect();
        let retried =
            manage::retry(&self.app, &caller, wanted.sweep.into(), runs).await.map_err(status)?;
        Ok(Response::new(Retried { runs: retried.into_iter().map(Into::into).collect() }))
    }

    async fn extend(&self, request: Request<ExtendSweep>) -> Result<Response<Sweep>, Status> {
        let (caller, ExtendSweep { sweep, runs, idempotency_key: key }) =
            self.enter(request).await?;
        let key = Some(key).filter(|key| !key.is_empty());
        let sweep = extend::extend(&self.app, &caller, sweep.into(), runs, key);
        Ok(Response::new(sweep.await.map_err(status)?.into()))
    }

    async fn enqueue(&self, request: Request<EnqueuePoints>) -> Result<Response<Enqueued>, Status> {
        let (caller, EnqueuePoints { sweep, yaml, source, idempotency_key: key }) =
            self.enter(request).await?;
        let key = Some(key).filter(|key| !key.is_empty());
        let new = NewPoints { yaml, source, key };
        let queue = enqueue::enqueue(&self.app, &caller, sweep.into(), new).await;
        let Queue { points, waiting } = queue.map_err(status)?;
        Ok(Response::new(Enqueued { points_json: points, waiting }))
    }

    type WatchStream = BoxStream<SweepUpdate>;

    async fn watch(
        &self,
        request: Request<SweepRef>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (caller, wanted) = self.enter(request).await?;
        let updates =
            watch::watch(&self.app, &caller, wanted.sweep.into()).await.map_err(status)?;
        Ok(Response::new(stream(updates)))
    }

    async fn replay(&self, request: Request<ReplayTrials>) -> Result<Response<Replayed>, Status> {
        let (caller, wanted) = self.enter(request).await?;
        let found = replay::replay(&self.app, &caller, wanted.sweep.into(), wanted.trials)
            .await
            .map_err(status)?;
        let replay::Replayed { equal, incomparable, different } = found;
        Ok(Response::new(Replayed { equal, incomparable, different }))
    }

    async fn explain(
        &self,
        request: Request<ExplainSweep>,
    ) -> Result<Response<Explanation>, Status> {
        let (caller, ExplainSweep { sweep, parameters }) = self.enter(request).await?;
        let found = explain::explain(&self.app, &caller, sweep.into(), parameters, Age::Exact);
        let found = found.await.map_err(status)?.found;
        Ok(Response::new(explanation(Arc::unwrap_or_clone(found))))
    }

    async fn recommend(
        &self,
        request: Request<SweepRef>,
    ) -> Result<Response<Recommendation>, Status> {
        let (caller, SweepRef { sweep }) = self.enter(request).await?;
        let sweep = SweepId::from(sweep);
        let found = explain::recommend(&self.app, &caller, sweep.clone(), Age::Exact).await;
        Ok(Response::new(recommendation(&sweep, &found.map_err(status)?.found)))
    }
}

fn wish_from(change: Change) -> Result<Wish, Error> {
    match change {
        Change::Pause => Ok(Wish::Pause),
        Change::Resume => Ok(Wish::Resume),
        Change::Stop => Ok(Wish::Stop),
        Change::Cancel => Ok(Wish::Cancel),
        Change::Unspecified => {
            Err(Error::invalid("the change is missing: pause, resume, stop or cancel"))
        }
    }
}

impl From<watch::SweepUpdate> for SweepUpdate {
    fn from(update: watch::SweepUpdate) -> Self {
        let runs = update.runs.into_iter().map(Into::into).collect();
        SweepUpdate { sweep: Some(update.sweep.into()), runs }
    }
}

fn limit(limit: &Constraint) -> Limit {
    let (min, max) = limit.bounds();
    Limit { metric: limit.metric.clone(), min, max }
}

impl From<SweepView> for Sweep {
    fn from(view: SweepView) -> Self {
        let name = view.name().unwrap_or_default().to_owned();
        let SweepView { sweep, plan, progress, note, warnings, best, started_ms, .. } = view;
        let metric = plan.metric();
        Sweep {
            id: sweep.id.into(),
            name,
            description: plan.config.description.clone().unwrap_or_default(),
            project: plan.named_project().map(ToString::to_string).unwrap_or_default(),
            method: plan.method().to_owned(),
            state: progress.state.name().to_owned(),
            closing: progress.closing.map_or("", Closing::name).to_owned(),
            note: note.unwrap_or_default(),
            metric: metric.map(|metric| metric.name.clone()).unwrap_or_default(),
            maximize: plan.study.maximize,
            target: metric.and_then(|metric| metric.target),
            yaml: sweep.yaml,
            warnings,
            seed: sweep.seed.to_string(),
            trials_bound: plan.bound(progress.cap),
            run_cap: plan.config.run_cap,
            raised_cap: progress.cap,
            queued_points: view.queued_points,
            counts: Some(Counts {
                queued: progress.queued,
                leased: progress.leased,
                running: progress.running,
                finished: progress.finished,
                failed: progress.failed,
                crashed: progress.crashed,
                stopped: progress.stopped,
                pruned: progress.pruned,
                trials: progress.next_trial,
            }),
            best: best.map(Into::into),
            created_ms: sweep.created_ms,
            started_ms,
            ended_ms: progress.ended_ms,
            earlier_trials: plan.study.earlier.len() as u64,
            repeats: view.repeats.map(repeated),
            limits: plan.study.constraints.iter().map(limit).collect(),
            early_terminate: plan
                .config
                .early_terminate
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        }
    }
}
