//! Reduces a curve to a few buckets, each of which sums up the points within it.
//! `app::read::curves` uses this module. This module does no I/O.

/// The sum-up of a curve's points in one stretch of the horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bucket {
    /// The smallest and the largest x of the points.
    pub(crate) x: (f64, f64),
    /// The smallest and the largest step of the points.
    pub(crate) steps: (u64, u64),
    /// The number of finite values.
    pub(crate) count: u64,
    /// The smallest and the largest finite value; `None` if no value is finite.
    pub(crate) range: Option<(f64, f64)>,
    /// The finite value at the highest step that has a finite value; `None` if no value is finite.
    pub(crate) last: Option<f64>,
    /// Three counts: of the values that are NaN, of those that are infinity, and of those that are
    /// minus infinity.
    pub(crate) odd: [u64; 3],
}

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// The step at which the value was logged.
    pub(crate) step: u64,
    /// The position on the horizontal axis.
    pub(crate) x: f64,
    /// The logged value.
    pub(crate) value: f64,
}

impl Bucket {
    fn of(point: Point) -> Self {
        let Point { step, x, .. } = point;
        let mut bucket =
            Self { x: (x, x), steps: (step, step), count: 0, range: None, last: None, odd: [0; 3] };
        bucket.add(point);
        bucket
    }

    /// Adds a point to the bucket. The caller passes points in the order of their steps.
    fn add(&mut self, Point { step, x, value }: Point) {
        self.x = (self.x.0.min(x), self.x.1.max(x));
        self.steps = (self.steps.0.min(step), self.steps.1.max(step));
        if value.is_finite() {
            self.count += 1;
            let (least, most) = self.range.unwrap_or((value, value));
            self.range = Some((least.min(value), most.max(value)));
            self.last = Some(value);
        } else {
            self.odd[if value.is_nan() { 0 } else { 1 + usize::from(value < 0.0) }] += 1;
        }
    }

    /// Adds values at the steps from `first` on, one at each step. All of these steps must be
    /// larger than the bucket's earlier steps.
    fn extend(&mut self, first: u64, values: &[f64]) {
        let Some(last) = values.last() else { return };
        if !values.iter().all(|value| value.is_finite()) {
            // With the values first, `zip` never computes the step after the last value, which
            // could overflow.
            for (value, step) in values.iter().zip(first..) {
                self.add(Point { step, x: step as f64, value: *value });
            }
            return;
        }
        let step = first + (values.len() as u64 - 1);
        (self.x.1, self.steps.1) = (step as f64, step);
        self.count += values.len() as u64;
        let (mut least, mut most) = self.range.unwrap_or((*last, *last));
        for value in values {
            // `min` and `max` would check for NaN, and no value here is NaN.
            least = if *value < least { *value } else { least };
            most = if *value > most { *value } else { most };
        }
        self.range = Some((least, most));
        self.last = Some(*last);
    }
}

/// A maker of buckets over steps. The caller adds points in the order of their steps. If several
/// points have the same step, the last one counts.
#[derive(Debug)]
pub(in crate::app) struct BySteps {
    width: u64,
    /// The last step of the bucket that is being filled.
    end: u64,
    least: u64,
    pending: Option<(u64, f64)>,
    done: Vec<Bucket>,
}

impl BySteps {
    /// Starts at most `most` buckets over the steps from `least` to `last`, both inclusive. `least`
    /// must not be above `last`, and `most` must not be 0.
    pub(in crate::app) fn new((least, last): (u64, u64), most: u64) -> Self {
        // The number of steps may be 2^64, which no `u64` holds.
        let width = ((last - least) / most).saturating_add(1);
        Self { width, end: least, least, pending: None, done: Vec::new() }
    }

    /// Returns the number of steps in each bucket.
    pub(in crate::app) fn width(&self) -> u64 {
        self.width
    }

    /// Adds one point.
    pub(in crate::app) fn add(&mut self, step: u64, value: f64) {
        if let Some((before, value)) = self.pending.filter(|(before, _)| *before != step) {
            self.put(before, value);
        }
        self.pending = Some((step, value));
    }

    /// Adds points at the steps from `first` on, one point at each step.
    pub(in crate::app) fn add_run(&mut self, first: u64, values: &[f64]) {
        let Some((last, before)) = values.split_last() else { return };
        let (mut at, mut left) = (first, before);
        while let Some((value, behind)) = left.split_first() {
            self.add(at, *value);
            // `put` adds the value to the last bucket or to a new one, and `self.end` is this
            // bucket's last step. So the values up to that step can be added together.
            if let Some((step, value)) = self.pending.take() {
                self.put(step, value);
            }
            let room = usize::try_from(self.end - at).unwrap_or(usize::MAX).min(behind.len());
            let (same, next) = behind.split_at(room);
            if let Some(bucket) = self.done.last_mut() {
                bucket.extend(at + 1, same);
            }
            (at, left) = (at + 1 + room as u64, next);
        }
        self.add(at, *last);
    }

    /// Returns all buckets that hold a point.
    pub(in crate::app) fn finish(mut self) -> Vec<Bucket> {
        if let Some((step, value)) = self.pending.take() {
            self.put(step, value);
        }
        self.done
    }

    fn put(&mut self, step: u64, value: f64) {
        let point = Point { step, x: step as f64, value };
        match self.done.last_mut().filter(|_| step <= self.end) {
            Some(bucket) => bucket.add(point),
            None => {
                self.done.push(Bucket::of(point));
                let start = step - (step - self.least) % self.width;
                self.end = start.saturating_add(self.width - 1);
            }
        }
    }
}

/// Returns at most `most` buckets over x, which may be any number. `points` must be in the order of
/// their steps. Points whose x is not finite are left out.
pub(in crate::app) fn by_x(points: &[Point], most: usize) -> Vec<Bucket> {
    let bounds = bounds(points.iter().map(|point| point.x));
    let buckets = bounds.map_or_else(Vec::new, |bounds| on_grid(points, bounds, most));
    buckets.into_iter().flatten().collect()
}

/// Returns the smallest and the largest finite number; `None` if there is none.
pub(in crate::app) fn bounds(numbers: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = numbers.filter(|number| number.is_finite()).map(|number| (number, number));
    finite.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
}

/// Returns a place for each of `most` buckets of equal width between two limits, both inclusive. A
/// bucket without points is `None`. `points` must be in the order of their steps. Points beyond the
/// limits are left out.
pub(in crate::app) fn on_grid(
    points: &[Point],
    (least, last): (f64, f64),
    most: usize,
) -> Vec<Option<Bucket>> {
    let mut buckets: Vec<Option<Bucket>> = vec![None; most];
    for point in points.iter().filter(|point| (least..=last).contains(&point.x)) {
        // The halves keep the width of the widest range finite.
        let part = (point.x / 2.0 - least / 2.0) / (last / 2.0 - least / 2.0);
        // If all points have the same x, `part` is NaN, which converts to 0.
        let place = ((part * most as f64) as usize).min(most - 1);
        match &mut buckets[place] {
            Some(bucket) => bucket.add(*point),
            empty => *empty = Some(Bucket::of(*point)),
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_steps(points: &[(u64, f64)], range: (u64, u64), most: u64) -> Vec<Bucket> {
        let mut buckets = BySteps::new(range, most);
        points.iter().for_each(|(step, value)| buckets.add(*step, *value));
        buckets.finish()
    }

    #[test]
    fn a_bucket_covers_all_of_its_values() {
        let points: Vec<_> =
            (0..10).map(|step| (step, [3.0, 1.0, 2.0, f64::NAN, 0.5][step as usize % 5])).collect();
        let found = by_steps(&points, (0, 9), 2);
        let bucket = |from: u64| Bucket {
            x: (from as f64, from as f64 + 4.0),
            steps: (from, from + 4),
            count: 4,
            range: Some((0.5, 3.0)),
            last: Some(0.5),
            odd: [1, 0, 0],
        };
        assert_eq!(found, [bucket(0), bucket(5)]);
        let odd = by_steps(&[(7, f64::INFINITY), (8, f64::NEG_INFINITY), (9, f64::NAN)], (7, 9), 1);
        assert_eq!(
            (odd[0].count, odd[0].range, odd[0].last, odd[0].odd),
            (0, None, None, [1, 1, 1])
        );
    }

    #[test]
    fn the_last_value_at_a_step_counts_and_gaps_make_no_buckets() {
        let found = by_steps(&[(0, 1.0), (0, 2.0), (99, 5.0), (100, 6.0)], (0, 100), 10);
        assert_eq!(
            found.iter().map(|b| (b.steps, b.count, b.last)).collect::<Vec<_>>(),
            [((0, 0), 1, Some(2.0)), ((99, 100), 2, Some(6.0)),]
        );
    }

    #[test]
    fn adding_a_run_of_steps_equals_adding_its_points() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let value = |at: u64| {
            if at % 37 < 3 && at > 500 {
                odd[at as usize % 3]
            } else {
                (at * 7 % 101) as f64 - 50.0
            }
        };
        let points: Vec<(u64, f64)> = (0..1000).map(|at| (90 + at, value(at))).collect();
        let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        for most in [1, 2, 7, 64, 999, 1000, 5000] {
            for cut in [0, 1, 2, 500, 999, 1000] {
                let mut buckets = BySteps::new((90, 1089), most);
                // The first value of the following run replaces this point, which has the same
                // step.
                buckets.add(90, 1e9);
                buckets.add_run(90, &values[..cut]);
                buckets.add_run(90 + cut as u64, &values[cut..]);
                assert_eq!(buckets.finish(), by_steps(&points, (90, 1089), most), "{most} {cut}");
            }
        }
        let mut last = BySteps::new((u64::MAX - 2, u64::MAX), 2);
        last.add_run(u64::MAX - 2, &[1.0, 2.0, 3.0]);
        assert_eq!(last.finish().iter().map(|bucket| bucket.count).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn extreme_steps_and_x_find_their_buckets() {
        let found = by_steps(&[(0, 1.0), (u64::MAX, 2.0)], (0, u64::MAX), 3);
        assert_eq!(found.len(), 2);
        assert_eq!(by_steps(&[(u64::MAX, 2.0)], (u64::MAX, u64::MAX), 800).len(), 1);
        let point = |step, x| Point { step, x, value: 1.0 };
        let wide = [point(0, f64::MIN), point(1, 0.0), point(2, f64::MAX), point(3, f64::NAN)];
        assert_eq!(by_x(&wide, 4).iter().map(|b| b.count).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(by_x(&[point(0, 2.0), point(1, 2.0)], 9)[0].count, 2);
        assert!(by_x(&[], 5).is_empty());
    }
}
