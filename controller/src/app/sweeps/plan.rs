//! Parses the configurations of sweeps and caches the results. Every use case that deals with a
//! sweep reads this cache. A dropped plan is parsed again from the stored YAML, so plans may be
//! dropped at any time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use record::ids::SweepId;
use sweeps::{
    config::{self, Config, Metric},
    search::{self, Impute, Method, Study},
};

use crate::{
    app::error::Error,
    store::{self, Tx},
};

/// The configuration of a sweep, ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The sweep's id.
    pub(crate) id: SweepId,
    /// The checked configuration.
    pub(crate) config: Config,
    /// The part of the configuration that the search needs.
    pub(crate) study: Study,
    /// The most trials that the sweep can have, or `None` if there is no bound.
    pub(crate) bound: Option<u64>,
    /// Whether `bound` comes from the configuration's `run_cap`, not from the size of the space.
    pub(crate) capped: bool,
}

impl Plan {
    /// Makes a plan from a valid configuration and the sweep's seed. The plan has no trials of
    /// earlier sweeps.
    pub(crate) fn new(id: SweepId, config: Config, seed: u64) -> Self {
        let space = search::bound(config.method, &config.space);
        let bound = space.into_iter().chain(config.run_cap).min();
        let metric = config.metric.as_ref();
        let study = Study {
            maximize: metric.is_some_and(|metric| metric.maximize),
            impute: metric.map_or(Impute::default(), |metric| metric.impute),
            constraints: config.constraints.clone(),
            ..Study::new(config.method, config.space.clone(), seed)
        };
        Self { id, study, capped: bound.is_some() && bound != space, bound, config }
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
pub(crate) struct Plans {
    most: usize,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    plans: HashMap<SweepId, Arc<Plan>>,
    /// The beginnings of run ids that looked like a sweep's id and belong to no sweep.
    none: HashSet<SweepId>,
}

impl Plans {
    /// Creates a cache that keeps at most this many plans.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, cache: Mutex::default() }
    }

    /// Returns the plan of a sweep, if the cache has the plan.
    pub(crate) fn cached(&self, id: &SweepId) -> Option<Arc<Plan>> {
        self.lock().plans.get(id).cloned()
    }

    /// Returns whether the cache has an entry for this id: the plan of a sweep, or the fact that no
    /// sweep has this id.
    pub(super) fn knows(&self, id: &SweepId) -> bool {
        let cache = self.lock();
        cache.plans.contains_key(id) || cache.none.contains(id)
    }

    pub(super) fn is_none(&self, id: SweepId) {
        let mut cache = self.lock();
        if cache.none.len() >= self.most {
            cache.none.clear();
        }
        cache.none.insert(id);
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the plan of a sweep, from the cache or from the stored configuration.
    ///
    /// # Errors
    /// Fails with [`Error::Missing`] if the sweep does not exist.
    pub(crate) fn get(&self, tx: &Tx<'_>, id: &SweepId) -> Result<Arc<Plan>, Error> {
        if let Some(plan) = self.cached(id) {
            return Ok(plan);
        }
        let sweep = store::sweeps::get(tx, id)?.ok_or_else(|| Error::no_sweep(id))?;
        tx.parsed(YAML * sweep.yaml.len());
        let config = config::check(&sweep.yaml).config;
        let config = config.ok_or_else(|| {
            Error::Bug(format!("the stored configuration of `{id}` is not valid any more"))
        })?;
        let mut plan = Plan::new(sweep.id, config, sweep.seed);
        if !plan.config.warm_start.is_empty() {
            plan.study.earlier = store::earlier::get(tx, id)?;
        }
        Ok(self.keep(plan))
    }

    fn keep(&self, plan: Plan) -> Arc<Plan> {
        let plan = Arc::new(plan);
        let mut cache = self.lock();
        if cache.plans.len() >= self.most {
            cache.plans.clear();
        }
        cache.none.remove(&plan.id);
        cache.plans.insert(plan.id.clone(), plan.clone());
        plan
    }
}
