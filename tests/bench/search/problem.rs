//! Defines a problem: a space, a function to minimise, the noise on the values that an engine
//! receives, and the optimum if it is known. The families build problems, and the runner runs them.
//! A problem does not depend on an engine.

use serde_json::{Map, Value, json};
use sweeps::{
    config,
    history::History,
    search::{Method, Study, propose},
    space::Space,
};

use crate::{
    chance::Chance,
    families::{finite, losses, many, mixed, models, smooth, tables},
    statistics::mean,
};

/// A value for every parameter, by name.
pub(crate) type Values = Map<String, Value>;

type Objective = Box<dyn Fn(&Params<'_>) -> f64 + Send + Sync>;
/// Returns the value of a training at a point for each seed of the training.
type Rows = Box<dyn Fn(&Params<'_>) -> Vec<f64> + Send + Sync>;

/// The parameters that an objective reads.
pub(crate) struct Params<'a>(&'a Values);

impl Params<'_> {
    /// Returns whether a parameter has this value. Equal numbers are equal values.
    pub(crate) fn is(&self, name: &str, value: &Value) -> bool {
        let Some(own) = self.0.get(name) else { return false };
        own == value || own.is_number() && own.as_f64() == value.as_f64()
    }

    /// Returns a numeric parameter; NaN if it is missing, which fails the run.
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.0.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// Returns the decimal logarithm of a parameter.
    pub(crate) fn log10(&self, name: &str) -> f64 {
        self.number(name).log10()
    }

    /// Returns the value of a categorical parameter; empty if it is missing or no text.
    pub(crate) fn word(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the index in the name of a level, such as 1 for `b1` (see [`levels`]); `usize::MAX`
    /// if there is none.
    pub(crate) fn level(&self, name: &str) -> usize {
        self.word(name).get(1..).and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
    }

    /// Returns the values of `x0`, `x1` and so on.
    pub(crate) fn vector(&self) -> Vec<f64> {
        (0..self.0.len()).map_while(|axis| self.0.get(&format!("x{axis}"))?.as_f64()).collect()
    }
}

/// The noise on the value that an engine receives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Noise {
    None,
    /// Gaussian noise with this standard deviation.
    Even(f64),
    /// Gaussian noise, and one time in eight a far larger, upward error: a training that went
    /// badly.
    Spikes(f64),
}

impl Noise {
    pub(crate) fn draw(self, chance: &mut Chance) -> f64 {
        // Each call takes the same number of draws from the stream, so that all engines meet the
        // same noise.
        let (even, spiked, height) =
            (chance.normal(), chance.unit() < 0.125, -(1.0 - chance.unit()).ln());
        match self {
            Noise::None => 0.0,
            Noise::Even(sigma) => sigma * even,
            Noise::Spikes(sigma) if spiked => sigma * (even + 8.0 * height),
            Noise::Spikes(sigma) => sigma * even,
        }
    }
}

/// A problem; the engines minimise its value.
pub(crate) struct Problem {
    pub(crate) name: &'static str,
    pub(crate) family: &'static str,
    /// The `parameters` of a sweep's YAML, as JSON.
    pub(crate) parameters: Value,
    pub(crate) space: Space,
    pub(crate) noise: Noise,
    /// The smallest possible value, if known.
    pub(crate) optimum: Option<f64>,
    /// The point with the smallest value, if known.
    pub(crate) place: Option<Values>,
    /// Whether an evaluation costs milliseconds and not microseconds.
    pub(crate) slow: bool,
    objective: Objective,
    /// The values of which an engine gets a random one; `None` if there is a single value.
    rows: Option<Rows>,
}

impl Problem {
    /// Returns a problem without noise and without a known optimum.
    ///
    /// # Panics
    /// Panics if a sweep cannot search the parameters.
    pub(crate) fn new(
        family: &'static str,
        name: &'static str,
        parameters: impl IntoIterator<Item = (String, Value)>,
        objective: impl Fn(&Params<'_>) -> f64 + Send + Sync + 'static,
    ) -> Self {
        let parameters = Value::Object(parameters.into_iter().collect());
        let text =
            json!({"method": "random", "command": ["true"], "parameters": parameters}).to_string();
        let config = config::check(&text).config.expect("a problem's space is valid");
        Self {
            name,
            family,
            parameters,
            space: config.space,
            noise: Noise::None,
            optimum: None,
            place: None,
            slow: false,
            objective: Box::new(objective),
            rows: None,
        }
    }

    /// Returns a problem whose trainings ran with several seeds. The value is the mean over the
    /// seeds. An engine gets the mean with this noise, or the value of one seed if there is none.
    pub(crate) fn repeated(
        family: &'static str,
        name: &'static str,
        parameters: impl IntoIterator<Item = (String, Value)>,
        rows: impl Fn(&Params<'_>) -> Vec<f64> + Send + Sync + Clone + 'static,
        noise: Noise,
    ) -> Self {
        let all = rows.clone();
        let problem = Self::new(family, name, parameters, move |params| mean(&rows(params)));
        let rows = (noise == Noise::None).then(|| Box::new(all) as Rows);
        Self { noise, rows, ..problem }
    }

    /// Sets an optimum whose place is known.
    pub(crate) fn known(
        mut self,
        value: f64,
        place: impl IntoIterator<Item = (String, Value)>,
    ) -> Self {
        self.place = Some(place.into_iter().collect());
        self.least(value)
    }

    /// Sets an optimum without its place.
    pub(crate) fn least(mut self, value: f64) -> Self {
        self.optimum = Some(value);
        self
    }

    /// Adds Gaussian noise. The standard deviation is this share of the range that contains the
    /// values of nine in ten random points.
    pub(crate) fn noisy(mut self, share: f64) -> Self {
        self.noise = Noise::Even(share * self.range());
        self
    }

    /// Adds the noise of [`Problem::noisy`] with spikes.
    pub(crate) fn spiky(mut self, share: f64) -> Self {
        self.noise = Noise::Spikes(share * self.range());
        self
    }

    /// Marks a problem whose evaluation costs milliseconds.
    pub(crate) fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    fn range(&self) -> f64 {
        let mut values: Vec<f64> =
            self.draws(7).take(400).map(|point| self.value(&point)).collect();
        values.sort_by(f64::total_cmp);
        values[380] - values[20]
    }

    /// Returns the noise-free value.
    pub(crate) fn value(&self, point: &Values) -> f64 {
        (self.objective)(&Params(point))
    }

    /// Takes the noise away, so that an engine gets the values themselves.
    pub(crate) fn quiet(self) -> Self {
        Self { noise: Noise::None, rows: None, ..self }
    }

    /// Returns the value with noise, which an engine gets.
    pub(crate) fn look(&self, point: &Values, chance: &mut Chance) -> f64 {
        // The noise is drawn in any case, so that every kind of problem takes as many draws.
        let noise = self.noise.draw(chance);
        let Some(rows) = &self.rows else { return self.value(point) + noise };
        let values = rows(&Params(point));
        values.get(chance.below(values.len())).copied().unwrap_or(f64::NAN)
    }

    /// Returns independent draws from the space, without end.
    pub(crate) fn draws(&self, seed: u64) -> impl Iterator<Item = Values> {
        let study = Study::new(Method::Random, self.space.clone(), seed);
        let history = History::default();
        (0..).map(move |number| {
            let drawn = propose(&study, number, &history).expect("random search has no end");
            match drawn.point.to_json(&study.space) {
                Value::Object(values) => values,
                _ => Values::new(),
            }
        })
    }
}

/// Returns every problem of the repository, family by family.
pub(crate) fn all() -> Vec<Problem> {
    [
        smooth::problems(),
        many::problems(),
        mixed::problems(),
        losses::problems(),
        models::problems(),
        finite::problems(),
        tables::trained(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns a parameter with its name.
pub(crate) fn named(name: &str, parameter: Value) -> (String, Value) {
    (name.to_owned(), parameter)
}

/// Returns the parameters `x0`, `x1` and so on, all with the same range.
pub(crate) fn cube(axes: usize, min: f64, max: f64) -> Vec<(String, Value)> {
    (0..axes).map(|axis| (format!("x{axis}"), uniform(min, max))).collect()
}

/// Returns the point of a [`cube`] with these coordinates.
pub(crate) fn place(coordinates: &[f64]) -> Vec<(String, Value)> {
    coordinates.iter().enumerate().map(|(axis, value)| (format!("x{axis}"), json!(value))).collect()
}

pub(crate) fn uniform(min: f64, max: f64) -> Value {
    json!({"distribution": "uniform", "min": min, "max": max})
}

pub(crate) fn log_uniform(min: f64, max: f64) -> Value {
    json!({"distribution": "log_uniform_values", "min": min, "max": max})
}

pub(crate) fn int(min: i64, max: i64) -> Value {
    json!({"distribution": "int_uniform", "min": min, "max": max})
}

pub(crate) fn log_int(min: i64, max: i64) -> Value {
    json!({"distribution": "q_log_uniform_values", "min": min, "max": max, "q": 1})
}

pub(crate) fn steps(min: f64, max: f64, step: f64) -> Value {
    json!({"distribution": "q_uniform", "min": min, "max": max, "q": step})
}

pub(crate) fn words(values: &[&str]) -> Value {
    json!({"distribution": "categorical", "values": values})
}

/// Returns a categorical parameter whose values, `a0`, `b1` and so on, have no order.
pub(crate) fn levels(count: usize) -> Value {
    words(&(0..count).map(level).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>())
}

/// Returns the name of one of [`levels`].
pub(crate) fn level(number: usize) -> String {
    format!("{}{number}", char::from(b'a' + (number % 26) as u8))
}
