//! Implements the random search: it draws every parameter independently, and then settles the
//! inactive ones. The search has no memory: it can propose a point twice, and it never ends.
//! `propose` calls this module.

use serde_json::Value;

use super::{Origin, Study, Suggestion};
use crate::{
    point::Point,
    rng::{Purpose, Stream},
};

/// Returns the draw of trial `number`.
pub(super) fn propose(study: &Study, number: u64) -> Suggestion {
    let mut values = values(study, number);
    study.space.settle(&mut values);
    Suggestion { point: Point { values }, origin: Origin::Random, fit: None }
}

/// Returns a draw for each parameter, as if all of them were active.
pub(super) fn values(study: &Study, number: u64) -> Vec<Value> {
    let mut stream = Stream::new(study.seed, number, Purpose::Draw);
    // A constant consumes a random number too. So a user who fixes one parameter of a space does
    // not change the draws of the others.
    let parameters = study.space.parameters.iter();
    parameters.map(|parameter| parameter.distribution.value(stream.uniform())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::{
        config,
        history::History,
        search::{Method, Study, propose},
    };

    /// The number of values drawn of each law. The number is a power of two, since Sobol points are
    /// perfectly even for such numbers.
    const DRAWS: u64 = 4096;

    /// Returns the values that a parameter with this YAML entry gets.
    fn values(method: Method, entry: &str) -> Vec<Value> {
        let text = format!(
            "method: random\nprogram: a\nparameters:\n  x: {entry}\n  y: {{values: [1, 2]}}\n"
        );
        let config = config::check(&text).config.unwrap();
        let study = Study::new(method, config.space, 77);
        let value =
            |number| propose(&study, number, &History::default()).unwrap().point.values[0].clone();
        (0..DRAWS).map(value).collect()
    }

    /// Checks that a share of the draws is `p`. Random draws may differ by 4.5 standard deviations
    /// of a binomial law, which one in 150,000 tests exceeds. Sobol points may differ by two draws.
    fn check_share(method: Method, count: usize, p: f64, what: &str) {
        let n = DRAWS as f64;
        let tolerance =
            if method == Method::Sobol { 2.0 / n } else { 4.5 * (p * (1.0 - p) / n).sqrt() + 1e-9 };
        let share = count as f64 / n;
        assert!((share - p).abs() <= tolerance, "{method:?} {what}: {share} and not {p}");
    }

    /// Checks a continuous law by its quantiles in closed form. These closed forms use no function
    /// of this crate.
    fn check_quantiles(entry: &str, quantile: impl Fn(f64, f64) -> f64) {
        // Each level comes with the quantile of the standard normal law.
        let levels = [
            (0.01, -2.3263478740408408),
            (0.1, -1.2815515655446004),
            (0.25, -0.6744897501960817),
            (0.5, 0.0),
            (0.75, 0.6744897501960817),
            (0.9, 1.2815515655446004),
            (0.99, 2.3263478740408408),
        ];
        for method in [Method::Random, Method::Sobol] {
            let values: Vec<f64> =
                values(method, entry).iter().map(|value| value.as_f64().unwrap()).collect();
            for (p, z) in levels {
                let below = values.iter().filter(|&&x| x <= quantile(p, z)).count();
                check_share(method, below, p, &format!("{entry} at {p}"));
            }
        }
    }

    /// Checks a law of few values by the share of each value. No other value may occur.
    fn check_shares(entry: &str, shares: &[(Value, f64)]) {
        for method in [Method::Random, Method::Sobol] {
            let values = values(method, entry);
            for (wanted, p) in shares {
                let count = values.iter().filter(|value| *value == wanted).count();
                check_share(method, count, *p, &format!("{entry} is {wanted}"));
            }
            let known =
                |value: &Value| shares.iter().any(|(wanted, p)| wanted == value && *p > 0.0);
            assert!(values.iter().all(known), "{entry}: {values:?}");
        }
    }

    /// Returns the shares of multiples of `q`: the probability that the law gives a number which is
    /// rounded to each.
    fn rounded(
        q: f64,
        multiples: std::ops::RangeInclusive<i32>,
        cdf: impl Fn(f64) -> f64,
    ) -> Vec<(Value, f64)> {
        let between = |k: i32| cdf((f64::from(k) + 0.5) * q) - cdf((f64::from(k) - 0.5) * q);
        multiples.map(|k| (Value::from(f64::from(k) * q), between(k))).collect()
    }

    fn normal_cdf(z: f64) -> f64 {
        0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
    }

    #[test]
    fn continuous_laws_have_their_quantiles() {
        use libm::{exp, log, pow, sin};
        check_quantiles("{distribution: uniform, min: -3, max: 5}", |p, _| -3.0 + 8.0 * p);
        let log_uniform = |p: f64, _| exp(log(1e-5) + p * log(1e4));
        check_quantiles("{distribution: log_uniform_values, min: 0.00001, max: 0.1}", log_uniform);
        check_quantiles(
            "{distribution: inv_log_uniform_values, min: 0.00001, max: 0.1}",
            log_uniform,
        );
        check_quantiles("{distribution: log_uniform, min: -2, max: 3}", |p, _| exp(-2.0 + 5.0 * p));
        check_quantiles("{distribution: inv_log_uniform, min: -2, max: 3}", |p, _| {
            exp(-3.0 + 5.0 * p)
        });
        check_quantiles("{distribution: normal, mu: 3, sigma: 0.5}", |_, z| 3.0 + 0.5 * z);
        check_quantiles("{distribution: log_normal, mu: -1, sigma: 2}", |_, z| exp(-1.0 + 2.0 * z));
        check_quantiles("{distribution: beta, a: 3, b: 1}", |p, _| pow(p, 1.0 / 3.0));
        check_quantiles("{distribution: beta, a: 1, b: 4}", |p, _| 1.0 - pow(1.0 - p, 0.25));
        let arcsine = |p: f64, _| pow(sin(std::f64::consts::FRAC_PI_2 * p), 2.0);
        check_quantiles("{distribution: beta, a: 0.5, b: 0.5}", arcsine);
    }

    #[test]
    fn rounded_laws_have_their_shares() {
        let uniform = |x: f64| (x / 10.0).clamp(0.0, 1.0);
        check_shares(
            "{distribution: q_uniform, min: 0, max: 10, q: 2.5}",
            &rounded(2.5, 0..=4, uniform),
        );
        let log_uniform =
            |x: f64| if x <= 1.0 { 0.0 } else { (libm::log(x) / libm::log(8.0)).min(1.0) };
        let entry = "{distribution: q_log_uniform_values, min: 1, max: 8, q: 1.0}";
        check_shares(entry, &rounded(1.0, 1..=8, log_uniform));
        let exponents = |x: f64| if x <= 1.0 { 0.0 } else { (libm::log(x) / 2.0).min(1.0) };
        check_shares(
            "{distribution: q_log_uniform, min: 0, max: 2}",
            &rounded(1.0, 1..=7, exponents),
        );
        let normal = |x: f64| normal_cdf((x - 3.0) / 2.0);
        check_shares(
            "{distribution: q_normal, mu: 3, sigma: 2, q: 2.0}",
            &rounded(2.0, -5..=8, normal),
        );
        let log_normal = |x: f64| if x <= 0.0 { 0.0 } else { normal_cdf(libm::log(x) / 0.5) };
        check_shares("{distribution: q_log_normal, sigma: 0.5}", &rounded(1.0, 0..=20, log_normal));
        let beta = |x: f64| x.clamp(0.0, 1.0) * x.clamp(0.0, 1.0);
        check_shares("{distribution: q_beta, a: 2, b: 1, q: 0.25}", &rounded(0.25, 0..=4, beta));
    }

    #[test]
    fn integers_and_categories_have_their_shares() {
        let even: Vec<(Value, f64)> = (-2..=4).map(|x| (Value::from(x), 1.0 / 7.0)).collect();
        check_shares("{min: -2, max: 4}", &even);
        check_shares(
            "{values: [a, b, null]}",
            &["a".into(), "b".into(), Value::Null].map(|x| (x, 1.0 / 3.0)),
        );
        let weighted =
            [("a", 0.1), ("b", 0.0), ("c", 0.65), ("d", 0.25)].map(|(x, p)| (x.into(), p));
        check_shares("{values: [a, b, c, d], probabilities: [0.1, 0, 0.65, 0.25]}", &weighted);
    }
}
