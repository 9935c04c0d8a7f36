//! What a sweep's configuration says, parsed once per sweep and shared. Read by every use case that
//! deals with a sweep. A cache of what the rows say: it may be dropped at any time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sweeps::{
    config::{self, Config, Metric},
    search::{self, Impute, Method, Study},
};

use crate::{
    app::error::Error,
    store::{self, Tx},
};

/// A sweep's configuration, ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The sweep.
    pub(crate) id: String,
    /// As it was written.
    pub(crate) config: Config,
    /// What the search needs of it.
    pub(crate) study: Study,
    /// Most trials that it can have, if there is a bound.
    pub(crate) bound: Option<u64>,
    /// The bound is the cap's, not the space's.
    pub(crate) capped: bool,
}

impl Plan {
    /// From a valid configuration and the sweep's seed; without a past.
    pub(crate) fn new(id: &str, config: Config, seed: u64) -> Self {
        let space = search::bound(config.method, &config.space);
        let bound = space.into_iter().chain(config.run_cap).min();
        let metric = config.metric.as_ref();
        let study = Study {
            maximize: metric.is_some_and(|metric| metric.maximize),
            impute: metric.map_or(Impute::default(), |metric| metric.impute),
            constraints: config.constraints.clone(),
            ..Study::new(config.method, config.space.clone(), seed)
        };
        Self { id: id.to_owned(), study, capped: bound.is_some() && bound != space, bound, config }
    }

    /// The metric that the sweep optimises.
    pub(crate) fn metric(&self) -> Option<&Metric> {
        self.config.metric.as_ref()
    }

    /// Whether `value` is better than `than`.
    pub(crate) fn is_better(&self, value: f64, than: f64) -> bool {
        if self.study.maximize { value > than } else { value < than }
    }

    /// Whether a run with this value means that no new trial is needed.
    pub(crate) fn reaches_target(&self, value: f64) -> bool {
        let target = self.metric().and_then(|metric| metric.target);
        target.is_some_and(|target| value == target || self.is_better(value, target))
    }

    /// Whether the search needs more than the number of the trial.
    pub(crate) fn needs_history(&self) -> bool {
        self.study.method.needs_history()
    }

    /// The word for its method.
    pub(crate) fn method(&self) -> &'static str {
        match self.study.method {
            Method::Grid => "grid",
            Method::Random => "random",
            Method::Sobol => "sobol",
            Method::Bayes => "bayes",
        }
    }
}

/// What a byte of YAML costs to check, in bytes of JSON that are parsed.
const YAML: usize = 3;

/// Plans that were needed lately.
#[derive(Debug)]
pub(crate) struct Plans {
    most: usize,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    plans: HashMap<String, Arc<Plan>>,
    /// What looked like the id of a sweep, as a part of a run's, and was none.
    none: HashSet<String>,
}

impl Plans {
    /// Keeps at most this many.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, cache: Mutex::default() }
    }

    /// The plan of a sweep, if it was needed lately.
    pub(crate) fn cached(&self, id: &str) -> Option<Arc<Plan>> {
        self.lock().plans.get(id).cloned()
    }

    /// Whether it is known what is under this id.
    pub(super) fn knows(&self, id: &str) -> bool {
        let cache = self.lock();
        cache.plans.contains_key(id) || cache.none.contains(id)
    }

    pub(super) fn is_none(&self, id: &str) {
        let mut cache = self.lock();
        if cache.none.len() >= self.most {
            cache.none.clear();
        }
        cache.none.insert(id.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plan of a sweep.
    ///
    /// # Errors
    /// Missing when there is no such sweep.
    pub(crate) fn get(&self, tx: &Tx<'_>, id: &str) -> Result<Arc<Plan>, Error> {
        if let Some(plan) = self.cached(id) {
            return Ok(plan);
        }
        let sweep = store::sweeps::get(tx, id)?.ok_or_else(|| Error::no_sweep(id))?;
        tx.parsed(YAML * sweep.yaml.len());
        let config = config::check(&sweep.yaml).config;
        let config = config.ok_or_else(|| {
            Error::Bug(format!("the stored configuration of `{id}` is not valid any more"))
        })?;
        let mut plan = Plan::new(id, config, sweep.seed);
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
