//! Sums up the curves of groups of runs: at each x, the mean, the extremes and the standard
//! deviation over the runs of a group. `api::web` calls this module. It reads a few runs at a time
//! and keeps only the sums, so a group may have thousands of runs. It changes nothing.
//!
//! Runs log at different steps. Between two of its points, a run counts with the value on the
//! straight line between them. Before its first point and after its last one, it does not count. So
//! no group jumps because one run logs less often than another.

use std::{collections::HashMap, sync::Arc};

use record::ids::RunId;

use super::series::{self, Question};
use crate::app::{App, error::Error, people::caller::Caller};

/// The runs whose curves are read before they are added to the sums.
const AT_ONCE: usize = 64;

/// The curve of a group under a key. The lists have a number for each x, which is NaN if no run of
/// the group counts there.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// The means.
    pub(crate) mean: Vec<f64>,
    /// The least values of any run.
    pub(crate) least: Vec<f64>,
    /// The largest values of any run.
    pub(crate) most: Vec<f64>,
    /// The standard deviations; 0 where one run counts.
    pub(crate) deviation: Vec<f64>,
    /// The numbers of runs that count.
    pub(crate) count: Vec<f64>,
}

/// Curves of groups over one list of x.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grouped {
    /// The limits of x; `None` if no curve has a point.
    pub(crate) bounds: Option<(f64, f64)>,
    /// For each bucket with a point of any run, the largest x of these points, ascending.
    pub(crate) x: Vec<f64>,
    /// The curves: those of the first group, then those of the next.
    pub(crate) curves: Vec<Curve>,
}

/// The sums of a curve in one bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    count: u32,
    mean: f64,
    /// The sum of the squared distances from the mean.
    squares: f64,
    range: Option<(f64, f64)>,
}

/// Returns the curves of groups of runs. The runs of `asked` play no role.
///
/// # Errors
/// Fails with [`Error::Missing`] if a run does not exist, and with [`Error::Invalid`] if the caller
/// asks for more than the limits allow.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    groups: Vec<Vec<RunId>>,
    asked: Question,
) -> Result<Grouped, Error> {
    let mut of_run: HashMap<RunId, Vec<usize>> = HashMap::new();
    let mut runs = Vec::new();
    for (group, ids) in groups.iter().enumerate() {
        for id in ids {
            let of = of_run.entry(id.clone()).or_insert_with(|| {
                runs.push(id.clone());
                Vec::new()
            });
            if of.last() != Some(&group) {
                of.push(group);
            }
        }
    }
    let buckets = check(app, &groups, &runs, &asked)?;
    let mut asked = Question { runs, buckets, ..asked };
    let grid = series::grid(app, caller, &asked).await?;
    let mut sums = vec![vec![Sum::default(); buckets]; groups.len() * asked.keys.len()];
    let mut x = vec![None; buckets];
    let all = std::mem::take(&mut asked.runs);
    for runs in all.chunks(AT_ONCE) {
        let asked = Question { runs: runs.to_vec(), ..asked.clone() };
        let lines = series::lines(app, caller, asked.clone(), grid, &mut x).await?;
        for (run, lines) in runs.iter().zip(lines.chunks(asked.keys.len())) {
            for group in of_run.get(run).into_iter().flatten() {
                for (key, line) in lines.iter().enumerate() {
                    add(&mut sums[group * asked.keys.len() + key], line);
                }
            }
        }
    }
    let filled: Vec<bool> = x.iter().map(Option::is_some).collect();
    let curves = sums.into_iter().map(|sums| curve(sums, &filled)).collect();
    Ok(Grouped { bounds: grid, x: x.into_iter().flatten().collect(), curves })
}

/// Passes if the groups are within the limits. Returns the number of buckets.
fn check(
    app: &App,
    groups: &[Vec<RunId>],
    runs: &[RunId],
    asked: &Question,
) -> Result<usize, Error> {
    let limits = &app.settings.limits;
    for (what, names, most) in [
        ("groups", groups.len(), limits.pages.groups),
        ("runs", runs.len(), limits.pages.grouped_runs),
    ] {
        if names == 0 || names > most {
            let message = format!("the request names {names} {what}; it may name 1 to {most}");
            return Err(Error::invalid(message));
        }
    }
    series::check(app, asked, groups.len())
}

/// Adds the curve of a run to the sums of its group.
fn add(sums: &mut [Sum], line: &series::Line) {
    let mut before: Option<usize> = None;
    for place in 0..sums.len() {
        let value = line.last[place];
        if !value.is_finite() {
            continue;
        }
        if let Some(before) = before {
            let (from, wide) = (line.last[before], (place - before) as f64);
            for (sum, step) in sums[before + 1..place].iter_mut().zip(1_u32..) {
                let share = f64::from(step) / wide;
                let value = from * (1.0 - share) + value * share;
                sum.add(value, (value, value));
            }
        }
        sums[place].add(value, (line.least[place], line.most[place]));
        before = Some(place);
    }
}

impl Sum {
    fn add(&mut self, value: f64, (least, most): (f64, f64)) {
        self.count += 1;
        // The sum of plain squares would lose small deviations from a large mean.
        let distance = value - self.mean;
        self.mean += distance / f64::from(self.count);
        self.squares += distance * (value - self.mean);
        let (low, high) = self.range.unwrap_or((least, most));
        self.range = Some((low.min(least), high.max(most)));
    }
}

fn curve(sums: Vec<Sum>, filled: &[bool]) -> Curve {
    let kept = || sums.iter().zip(filled).filter(|(_, filled)| **filled).map(|(sum, _)| sum);
    let or_nan = |sum: &Sum, value: f64| if sum.count == 0 { f64::NAN } else { value };
    let nan = (f64::NAN, f64::NAN);
    Curve {
        mean: kept().map(|sum| or_nan(sum, sum.mean)).collect(),
        least: kept().map(|sum| sum.range.unwrap_or(nan).0).collect(),
        most: kept().map(|sum| sum.range.unwrap_or(nan).1).collect(),
        deviation: kept()
            .map(|sum| or_nan(sum, (sum.squares / f64::from(sum.count.max(2) - 1)).sqrt()))
            .collect(),
        count: kept().map(|sum| f64::from(sum.count)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f64]) -> series::Line {
        let [last, least, most] = [(); 3].map(|()| values.to_vec());
        series::Line { last, least, most, odd: [0; 3] }
    }

    #[test]
    fn a_run_counts_between_its_points_and_not_beyond_them() {
        const GAP: f64 = f64::NAN;
        let mut sums = vec![Sum::default(); 5];
        add(&mut sums, &line(&[0.0, GAP, 4.0, GAP, GAP]));
        add(&mut sums, &line(&[GAP, 4.0, 8.0, 1.0, GAP]));
        let found = curve(sums, &[true; 5]);
        assert_eq!(found.mean[..4], [0.0, 3.0, 6.0, 1.0]);
        assert!(found.mean[4].is_nan() && found.least[4].is_nan());
        assert_eq!(found.least[..4], [0.0, 2.0, 4.0, 1.0]);
        assert_eq!(found.most[..4], [0.0, 4.0, 8.0, 1.0]);
        assert_eq!(found.count, [1.0, 2.0, 2.0, 1.0, 0.0]);
        assert_eq!(found.deviation[..4], [0.0, 2f64.sqrt(), 8f64.sqrt(), 0.0]);
    }

    #[test]
    fn the_deviation_from_a_large_mean_is_kept() {
        let mut sums = vec![Sum::default(); 1];
        for value in [1e9, 1e9 + 1.0, 1e9 + 2.0] {
            add(&mut sums, &line(&[value]));
        }
        assert_eq!(curve(sums, &[true]).deviation, [1.0]);
    }
}
