//! Defines the columns that the charts draw: numbers with a scale, or categories.

use std::collections::HashMap;

/// How the values of a column lie on an axis.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Equal differences have equal lengths.
    Linear,
    /// Equal ratios have equal lengths.
    Log,
    /// Each value is the index of a category.
    Category,
}

/// A parameter or a metric, with one value for each row.
#[derive(Clone, Debug)]
pub struct Column {
    /// The title of the axis.
    pub name: String,
    /// The kind of the axis.
    pub kind: Kind,
    /// The values. NaN: the row has none.
    pub values: Vec<f64>,
    /// The texts of the categories.
    pub categories: Vec<String>,
    /// The limits of the search space. Without them, the axis shows the range of the values.
    pub bounds: Option<(f64, f64)>,
}

impl Column {
    /// Makes a column of numbers. Values that are all positive and span more than three decades get
    /// a log axis.
    pub fn numbers(name: &str, values: Vec<f64>) -> Self {
        let is_wide =
            extent(&values, false).is_some_and(|(low, high)| low > 0.0 && high / low > 1e3);
        let kind = if is_wide { Kind::Log } else { Kind::Linear };
        Self { name: name.to_owned(), kind, values, categories: Vec::new(), bounds: None }
    }

    /// Makes a column of numbers on a linear axis.
    pub fn linear(name: &str, values: Vec<f64>) -> Self {
        Self { kind: Kind::Linear, ..Self::numbers(name, values) }
    }

    /// Makes a column of numbers on a log axis.
    pub fn logarithmic(name: &str, values: Vec<f64>) -> Self {
        Self { kind: Kind::Log, ..Self::numbers(name, values) }
    }

    /// Returns the column with the limits of its space.
    pub fn within(self, bounds: Option<(f64, f64)>) -> Self {
        Self { bounds, ..self }
    }

    /// Makes a column of texts. `known` are the texts that the space lists, in its order; other
    /// texts follow them. `None`: a row without a value.
    pub fn categories(
        name: &str,
        known: Vec<String>,
        texts: impl IntoIterator<Item = Option<String>>,
    ) -> Self {
        let mut categories = known;
        let mut places: HashMap<String, usize> =
            categories.iter().cloned().enumerate().map(|(at, text)| (text, at)).collect();
        let place = |text: Option<String>| {
            let Some(text) = text else { return f64::NAN };
            let next = places.len().max(categories.len());
            let place = *places.entry(text.clone()).or_insert(next);
            if place == categories.len() {
                categories.push(text);
            }
            place as f64
        };
        let values = texts.into_iter().map(place).collect();
        let name = name.to_owned();
        Self { name, kind: Kind::Category, values, categories, bounds: None }
    }
}

/// The largest size of a value that an axis has to show. The length of an axis is then finite.
const LARGEST: f64 = f64::MAX / 8.0;

/// Returns the smallest and the largest finite value; `positive`: of those above zero.
pub(crate) fn extent(values: &[f64], positive: bool) -> Option<(f64, f64)> {
    let shown = values.iter().filter(|value| value.is_finite() && (!positive || **value > 0.0));
    shown.map(|value| value.clamp(-LARGEST, LARGEST)).fold(None, |range, value| {
        let (low, high): (f64, f64) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_have_the_order_of_the_space() {
        let known = ["sgd", "adam"].map(str::to_owned).into();
        let texts = ["adam", "lion", "sgd", "lion"].map(|text| Some(text.to_owned()));
        let column = Column::categories("optimizer", known, texts.into_iter().chain([None]));
        assert_eq!(column.categories, ["sgd", "adam", "lion"]);
        assert_eq!(column.values[..4], [1.0, 2.0, 0.0, 2.0]);
        assert!(column.values[4].is_nan());
    }

    #[test]
    fn a_wide_range_of_positive_values_is_logarithmic() {
        assert_eq!(Column::numbers("x", vec![1.0, 1001.0]).kind, Kind::Log);
        assert_eq!(Column::numbers("x", vec![0.0, 1001.0]).kind, Kind::Linear);
        assert_eq!(Column::numbers("x", vec![f64::NAN]).kind, Kind::Linear);
    }
}
