//! Chooses rows of a table: filters them, and sorts them by a column. The readers of JSON and of
//! Parquet call this module with the cells of each row. It keeps a bounded number of bytes.

use std::cmp::Ordering;

use super::asked::{Asked, Bounds, Cell, Order};
use crate::app::text::cut;

/// The bytes of a text by which rows are sorted. The rest of a long text does not matter.
const KEY_BYTES: usize = 64;

/// What a row is sorted by. Numbers come before texts, and empty cells last.
#[derive(Debug)]
enum Key {
    Number(f64),
    Text(Box<str>),
    Empty,
}

impl Key {
    fn of(cell: &Cell<'_>) -> Self {
        match cell {
            Cell::Empty => Self::Empty,
            Cell::Bool(flag) => Self::Number(f64::from(u8::from(*flag))),
            Cell::Number(number) => Self::Number(*number),
            Cell::Text(text) => Self::Text(cut(text, KEY_BYTES).into()),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Number(_) | Self::Empty => 0,
        }
    }

    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let turned = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => turned(one.total_cmp(two)),
            (Self::Text(one), Self::Text(two)) => turned(one.cmp(two)),
            (Self::Number(_), Self::Text(_)) => turned(Ordering::Less),
            (Self::Text(_), Self::Number(_)) => turned(Ordering::Greater),
            (Self::Empty, Self::Empty) => Ordering::Equal,
            (Self::Empty, _) => Ordering::Greater,
            (_, Self::Empty) => Ordering::Less,
        }
    }
}

/// Looks at the rows of a table, one after the other, and keeps those that pass.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    asked: &'a Asked,
    bounds: Bounds,
    kept: Vec<(Key, u64)>,
    bytes: usize,
    /// The number of rows that were looked at.
    pub(super) looked_at: u64,
}

impl<'a> Choice<'a> {
    pub(super) fn new(asked: &'a Asked, bounds: Bounds) -> Self {
        Self { asked, bounds, kept: Vec::new(), bytes: 0, looked_at: 0 }
    }

    /// Returns whether no more rows are looked at.
    pub(super) fn is_full(&self) -> bool {
        self.looked_at >= self.bounds.rows || self.bytes >= self.bounds.answer
    }

    /// Takes the next row: the cells of [`Asked::columns`], in this order.
    pub(super) fn look(&mut self, cells: &[Cell<'_>]) {
        let number = self.looked_at;
        self.looked_at += 1;
        let mut pairs = self.asked.filters.iter().zip(cells);
        if !pairs.all(|(filter, cell)| filter.passes(cell)) {
            return;
        }
        let sorted = self.asked.order.and_then(|_| cells.last());
        let key = sorted.map_or(Key::Empty, Key::of);
        self.bytes += key.bytes();
        self.kept.push((key, number));
    }

    /// Returns the numbers of the rows on the page, and the number of rows that passed.
    pub(super) fn page(mut self) -> (Vec<u64>, u64) {
        if let Some(Order { descending, .. }) = self.asked.order {
            self.kept.sort_by(|one, two| one.0.compare(&two.0, descending));
        }
        let matched = self.kept.len() as u64;
        let page = self.asked.page(matched);
        let numbers = self.kept[page.start as usize..page.end as usize].iter();
        (numbers.map(|(_, number)| *number).collect(), matched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds =
        Bounds { column_bytes: 1000, rows: 100, scanned_bytes: 1000, answer: 1000 };

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.into())
    }

    #[test]
    fn rows_are_sorted_with_empty_cells_last() {
        let order = |descending| {
            let order = Some(Order { column: 0, descending });
            let asked = Asked { limit: 9, order, ..Asked::default() };
            let mut choice = Choice::new(&asked, BOUNDS);
            let cells = [text("b"), Cell::Number(2.0), Cell::Empty, Cell::Number(-1.0), text("a")];
            cells.into_iter().for_each(|cell| choice.look(&[cell]));
            choice.page()
        };
        assert_eq!(order(false), (vec![3, 1, 4, 0, 2], 5));
        assert_eq!(order(true), (vec![0, 4, 1, 3, 2], 5));
    }

    #[test]
    fn a_choice_has_bounds() {
        let order = Some(Order { column: 0, descending: false });
        let asked = Asked { from: 1, limit: 2, order, ..Asked::default() };
        let mut rows = Choice::new(&asked, Bounds { rows: 3, ..BOUNDS });
        (0..3).for_each(|at| rows.look(&[Cell::Number(-f64::from(at))]));
        assert!(rows.is_full());
        assert_eq!(rows.page(), (vec![1, 0], 3));
        let mut bytes = Choice::new(&asked, Bounds { answer: 100, ..BOUNDS });
        let long = "\u{e9}".repeat(1000);
        bytes.look(&[text(&long)]);
        assert!(!bytes.is_full());
        bytes.look(&[text(&long)]);
        assert!(bytes.is_full());
    }
}
