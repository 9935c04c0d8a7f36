//! Parses the configurations of sweeps and caches the results. Every use case that deals with a
//! sweep reads this cache. A dropped plan is parsed again from the stored YAML, so plans may be
//! dropped at any time.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;
use record::ids::{HOME, ProjectId, SweepId};
use sweeps::{
    config::{self, Config, Metric},
    search::{self, Impute, Method, Study},
};

use super::stored;
use crate::{
    app::{error::Error, people::caller::NO_PROJECT},
    store::{self, Tx},
};

/// The configuration of a sweep, ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The sweep's id.
    pub(crate) id: SweepId,
    /// The project of the sweep's runs.
    pub(crate) project: ProjectId,
    /// The checked configuration.
    pub(crate) config: Config,
    /// The part of the configuration that the search needs.
    pub(crate) study: Study,
    /// The number of points that the method can try, or `None` if there is no bound.
    pub(crate) points: Option<u64>,
}

impl Plan {
    /// Makes a plan from a valid configuration and the sweep's seed. The plan has no trials of
    /// earlier sweeps.
    pub(crate) fn new(id: SweepId, project: ProjectId, config: Config, seed: u64) -> Self {
        let points = search::bound(config.method, &config.space);
        let metric = config.metric.as_ref();
        let study = Study {
            maximize: metric.is_some_and(|metric| metric.maximize),
            impute: metric.map_or(Impute::default(), |metric| metric.impute),
            constraints: config.constraints.clone(),
            wanted: config.points.clone(),
            ..Study::new(config.method, config.space.clone(), seed)
        };
        Self { id, project, study, points, config }
    }

    /// Returns the most trials that the sweep can have; `None` if there is no bound. `raised` is
    /// the cap to which people have raised the configuration's `run_cap`. The search never sees the
    /// bound, so a raised cap changes no suggestion.
    pub(crate) fn bound(&self, raised: Option<u64>) -> Option<u64> {
        self.points.into_iter().chain(raised.or(self.config.run_cap)).min()
    }

    /// Returns the project of the sweep's runs; `None` if the configuration names none.
    pub(crate) fn named_project(&self) -> Option<&ProjectId> {
        let Config { project, entity, .. } = &self.config;
        (project.is_some() || entity.is_some()).then_some(&self.project)
    }

    /// Returns the metric that the sweep optimises; `None` if the sweep has no metric.
    pub(crate) fn metric(&self) -> Option<&Metric> {
        self.config.metric.as_ref()
    }

    /// Returns whether the metric's value `value` is better than `than`.
    pub(crate) fn is_better(&self, value: f64, than: f64) -> bool {
        if self.study.maximize { value > than } else { value < than }
    }

    /// Returns whether a run with this value reaches the sweep's target, so that no new trial is
    /// needed.
    pub(crate) fn reaches_target(&self, value: f64) -> bool {
        let target = self.metric().and_then(|metric| metric.target);
        target.is_some_and(|target| value == target || self.is_better(value, target))
    }

    /// Returns whether the search needs the sweep's history, not only the number of the new trial.
    pub(crate) fn needs_history(&self) -> bool {
        self.study.method.needs_history()
    }

    /// Returns the name of the sweep's method.
    pub(crate) fn method(&self) -> &'static str {
        match self.study.method {
            Method::Grid => "grid",
            Method::Random => "random",
            Method::Sobol => "sobol",
            Method::Bayes => "bayes",
        }
    }
}

/// The cost of checking one byte of YAML. The unit is the cost of parsing one byte of JSON.
const YAML: usize = 3;

/// The plans that were needed lately.
#[derive(Debug)]
pub(crate) struct Plans(Mutex<Cache>);

#[derive(Debug)]
struct Cache {
    plans: LruCache<SweepId, Arc<Plan>>,
    /// The beginnings of run ids that looked like a sweep's id and belong to no sweep.
    none: LruCache<SweepId, ()>,
}

impl Plans {
    /// Creates a cache that keeps at most this many plans.
    pub(crate) fn new(most: usize) -> Self {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        Self(Mutex::new(Cache { plans: LruCache::new(most), none: LruCache::new(most) }))
    }

    /// Returns the plan of a sweep, if the cache has the plan.
    pub(crate) fn cached(&self, id: &SweepId) -> Option<Arc<Plan>> {
        self.lock().plans.get(id).cloned()
    }

    /// Returns whether the cache has an entry for this id: the plan of a sweep, or the fact that no
    /// sweep has this id.
    pub(super) fn knows(&self, id: &SweepId) -> bool {
        let mut cache = self.lock();
        cache.plans.get(id).is_some() || cache.none.get(id).is_some()
    }

    /// Records that no sweep has this id.
    pub(super) fn is_none(&self, id: SweepId) {
        self.lock().none.put(id, ());
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the plan of a sweep, from the cache or from the stored configuration.
    ///
    /// # Errors
    /// Fails with [`Error::Missing`] if the sweep does not exist.
    pub(crate) fn get(&self, tx: &Tx<'_>, id: &SweepId) -> Result<Arc<Plan>, Error> {
        if let Some(plan) = self.cached(id) {
            return Ok(plan);
        }
        let sweep = stored::sweep(tx, id)?;
        tx.parsed(YAML * sweep.yaml.len());
        let config = config::check(&sweep.yaml).config;
        let config = config.ok_or_else(|| {
            Error::Bug(format!("the stored configuration of `{id}` is not valid any more"))
        })?;
        let project = match sweep.project.as_str() {
            "" => ProjectId::new(HOME, config.project.as_deref().unwrap_or(NO_PROJECT)),
            _ => sweep.project,
        };
        let mut plan = Plan::new(sweep.id, project, config, sweep.seed);
        plan.study.earlier = store::earlier::get(tx, id)?;
        Ok(self.keep(plan))
    }

    fn keep(&self, plan: Plan) -> Arc<Plan> {
        let plan = Arc::new(plan);
        let mut cache = self.lock();
        cache.none.pop(&plan.id);
        cache.plans.put(plan.id.clone(), plan.clone());
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_that_was_used_longest_ago_goes_first() {
        let config = config::check("method: random\nprogram: p\nparameters: {a: {min: 0, max: 1}}");
        let config = config.config.unwrap();
        let plans = Plans::new(2);
        let [a, b, c, d] = ["a", "b", "c", "d"].map(SweepId::from);
        let keep = |id: &SweepId| {
            plans.keep(Plan::new(id.clone(), ProjectId::default(), config.clone(), 1))
        };
        keep(&a);
        keep(&b);
        assert!(plans.cached(&a).is_some());
        keep(&c);
        let known = [&a, &b, &c].map(|id| plans.cached(id).is_some());
        assert_eq!(known, [true, false, true]);
        plans.is_none(d.clone());
        assert!(plans.knows(&d) && !plans.knows(&b));
        keep(&d);
        assert_eq!(plans.cached(&d).unwrap().id, d);
    }
}
