//! Turns values into pixels. The rules are those of the dashboard (dashboard/src/charts/scale.ts).

use crate::{
    data::{Column, Kind, extent},
    text::number,
    ticks::{self, Tick},
};

/// An axis with this many different values or fewer shows exactly these values.
const FEW: usize = 8;

/// An axis: a range of values, and the pixels of its ends.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) kind: Kind,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// The pixels of `low` and `high`.
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) categories: Vec<String>,
    /// The only values of the axis, if they are few.
    exact: Vec<f64>,
    is_whole: bool,
}

impl Scale {
    pub(crate) fn new(kind: Kind, (low, high): (f64, f64)) -> Self {
        let (categories, exact) = (Vec::new(), Vec::new());
        Self { kind, low, high, start: 0.0, end: 1.0, categories, exact, is_whole: false }
    }

    /// Returns the axis of whole numbers: it has no ticks between them.
    pub(crate) fn of_whole_numbers(self) -> Self {
        Self { is_whole: true, ..self }
    }

    /// Returns the axis that shows all values of a column. `pad` is the empty share at both ends.
    pub(crate) fn fit(column: &Column, pad: f64) -> Self {
        let kind = column.kind;
        if kind == Kind::Category {
            let high = (column.categories.len() as f64 - 0.5).max(0.5);
            let categories = column.categories.clone();
            return Self { categories, ..Self::new(kind, (-0.5, high)) };
        }
        let found = extent(&column.values, kind == Kind::Log);
        // The values may lie outside the space, and must still be seen.
        let wider =
            |(low, high): (f64, f64), (least, most): (f64, f64)| (least.min(low), most.max(high));
        let range = match (column.bounds.and_then(|(low, high)| finite(low, high)), found) {
            (Some(bounds), Some(found)) => wider(bounds, found),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) if kind == Kind::Log => (0.1, 1.0),
            (None, None) => (0.0, 1.0),
        };
        let range = match (kind, range) {
            (Kind::Log, (low, high)) if low <= 0.0 => {
                (found.map_or(high / 1000.0, |(least, _)| least), high)
            }
            _ => range,
        };
        let is_whole = kind == Kind::Linear
            && column.values.iter().all(|value| !value.is_finite() || value.fract() == 0.0);
        // The limits of a space say more than the values that were tried first.
        let exact = if column.bounds.is_none() { choices(&column.values) } else { Vec::new() };
        Self { exact, is_whole, ..Self::new(kind, padded(kind, range, pad)) }
    }

    /// Sets the pixels between which the axis lies.
    pub(crate) fn place(&mut self, start: f64, end: f64) {
        (self.start, self.end) = (start, end);
    }

    /// Returns the place of a value between 0 and 1; NaN if the axis cannot show it.
    pub(crate) fn unit(&self, value: f64) -> f64 {
        let place = |value: f64, low: f64, high: f64| match high > low {
            true => (value - low) / (high - low),
            false => 0.5,
        };
        match self.kind {
            Kind::Log if value > 0.0 => place(value.ln(), self.low.ln(), self.high.ln()),
            Kind::Log => f64::NAN,
            Kind::Linear | Kind::Category => place(value, self.low, self.high),
        }
    }

    /// Returns the pixel of a value; NaN if the axis cannot show it.
    pub(crate) fn to(&self, value: f64) -> f64 {
        self.start + (self.end - self.start) * self.unit(value)
    }

    /// Returns the value at a pixel.
    pub(crate) fn from(&self, pixel: f64) -> f64 {
        let unit = (pixel - self.start) / (self.end - self.start);
        match self.kind {
            Kind::Log => (self.low.ln() + (self.high.ln() - self.low.ln()) * unit).exp(),
            Kind::Linear | Kind::Category => self.low + (self.high - self.low) * unit,
        }
    }

    /// Returns the ticks of the axis, with at most about `most` texts.
    pub(crate) fn ticks(&self, most: usize) -> Vec<Tick> {
        if self.exact.len() > 1 {
            let tick = |&value: &f64| Tick { value, label: number(value, 6) };
            return self.exact.iter().map(tick).collect();
        }
        match self.kind {
            Kind::Category => ticks::categories(&self.categories, most),
            Kind::Log => ticks::log(self.low, self.high, most),
            Kind::Linear => ticks::linear(self.low, self.high, most, self.is_whole),
        }
    }
}

fn finite(low: f64, high: f64) -> Option<(f64, f64)> {
    (low.is_finite() && high.is_finite()).then_some((low, high))
}

/// Widens a range by a share of its length, and a range without length to one that has some.
pub(crate) fn padded(kind: Kind, (low, high): (f64, f64), pad: f64) -> (f64, f64) {
    if kind == Kind::Log {
        let factor = if high > low { ((high.ln() - low.ln()) * pad).exp() } else { 3.0 };
        return (low / factor, high * factor);
    }
    let room = if high > low { (high - low) * pad } else { low.abs() / 2.0 };
    let room = if room > 0.0 || high > low { room } else { 1.0 };
    (low - room, high + room)
}

/// Returns the different values if they look as if someone chose them: few, short, and used often.
fn choices(values: &[f64]) -> Vec<f64> {
    let mut found: Vec<f64> = Vec::new();
    for &value in values.iter().filter(|value| value.is_finite()) {
        if !found.contains(&value) {
            found.push(value);
        }
        if found.len() > FEW {
            return Vec::new();
        }
    }
    let is_short = |value: &f64| format!("{value:.2e}").parse() == Ok(*value);
    let often = values.len() as f64 >= 1.5 * found.len() as f64;
    if !(found.len() > 1 && often && found.iter().all(is_short)) {
        return Vec::new();
    }
    found.sort_by(f64::total_cmp);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column(kind: Kind, values: &[f64]) -> Column {
        Column { kind, ..Column::numbers("x", values.to_vec()) }
    }

    #[test]
    fn an_axis_shows_the_space_and_all_values() {
        let mut lr = column(Kind::Log, &[1e-3, 0.5]);
        lr.bounds = Some((1e-4, 0.1));
        let scale = Scale::fit(&lr, 0.0);
        assert!((scale.low - 1e-4).abs() < 1e-12 && (scale.high - 0.5).abs() < 1e-12);
        assert!(scale.to(-1.0).is_nan());
    }

    #[test]
    fn few_chosen_values_are_the_ticks() {
        let scale = Scale::fit(&column(Kind::Linear, &[32.0, 64.0, 32.0, 128.0, 64.0, 128.0]), 0.0);
        let labels: Vec<String> = scale.ticks(9).into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, ["32", "64", "128"]);
    }

    #[test]
    fn constant_and_missing_values_have_an_axis() {
        for values in [&[][..], &[f64::NAN], &[3.0, 3.0], &[0.0], &[f64::MAX, f64::MIN]] {
            for kind in [Kind::Linear, Kind::Log] {
                let scale = Scale::fit(&column(kind, values), 0.05);
                assert!(scale.low < scale.high, "{values:?}");
                assert!((scale.high - scale.low).is_finite(), "{values:?}");
                assert!(!scale.ticks(5).is_empty(), "{kind:?} {values:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_value_keeps_its_place(
            low in 1e-6..1e6,
            factor in 1.1..1e6,
            share in 0.0..1.0,
            is_log: bool,
        ) {
            let kind = if is_log { Kind::Log } else { Kind::Linear };
            let high: f64 = low * factor;
            let mut scale = Scale::new(kind, (low, high));
            scale.place(300.0, 20.0);
            let value = low + (high - low) * share;
            let back = scale.from(scale.to(value));
            prop_assert!((back - value).abs() <= 1e-9 * high);
            prop_assert!((20.0..=300.0).contains(&scale.to(value)));
        }
    }
}
