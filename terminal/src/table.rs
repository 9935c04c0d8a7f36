//! Formats tables with aligned columns and without lines between them. Columns of numbers align to
//! the right, and columns of text to the left. Escape sequences for colours have no width.

use std::fmt;

use crate::style;
pub use crate::text::width;

/// A table, to which the caller adds columns and then rows.
#[derive(Clone, Debug, Default)]
pub struct Table {
    header: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table with these column heads. A head that starts with `>` aligns its column to
    /// the right.
    pub fn new<const N: usize>(header: [&str; N]) -> Self {
        header.into_iter().fold(Self::default(), |table, head| match head.strip_prefix('>') {
            Some(head) => table.right(head),
            None => table.left(head),
        })
    }

    /// Adds a column of text. The caller must add all columns before the first row.
    #[must_use]
    pub fn left(self, head: &str) -> Self {
        self.column(head, false)
    }

    /// Adds a column of numbers. The caller must add all columns before the first row.
    #[must_use]
    pub fn right(self, head: &str) -> Self {
        self.column(head, true)
    }

    fn column(mut self, head: &str, right: bool) -> Self {
        self.header.push(head.to_owned());
        self.right.push(right);
        self
    }

    /// Adds a row. Cells that are missing at its end are empty, and cells beyond the last column
    /// are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.header.len(), String::new());
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head: Vec<String> =
            self.header.iter().map(|cell| style::paint(style::FAINT, cell)).collect();
        // A table whose heads are all empty has no head line.
        let head = self.header.iter().any(|cell| !cell.is_empty()).then_some(&head);
        let lines: Vec<&Vec<String>> = head.into_iter().chain(&self.rows).collect();
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| lines.iter().map(|line| width(&line[column])).max().unwrap_or(0))
            .collect();
        for (number, line) in lines.iter().enumerate() {
            let mut text = String::new();
            for (column, cell) in line.iter().enumerate() {
                let gap = " ".repeat(widths[column] - width(cell));
                let last = column + 1 == line.len();
                text += &match (self.right[column], last) {
                    (true, _) => format!("{gap}{cell}"),
                    (false, true) => cell.clone(),
                    (false, false) => format!("{cell}{gap}"),
                };
                if !last {
                    text += "  ";
                }
            }
            let end = if number + 1 == lines.len() { "" } else { "\n" };
            write!(f, "{}{end}", text.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_whatever_their_colour() {
        let mut table = Table::new(["run", ">val/loss", "state"]);
        table.row(["a-1".to_owned(), "0.25".to_owned(), style::paint(style::GOOD, "finished")]);
        table.row(["a-100".to_owned(), "12.5".to_owned(), "failed".to_owned()]);
        let plain = anstream::adapter::strip_str(&table.to_string()).to_string();
        insta::assert_snapshot!(plain, @r"
        run    val/loss  state
        a-1        0.25  finished
        a-100      12.5  failed
        ");
    }

    #[test]
    fn a_table_without_heads_has_no_head_line() {
        let mut table = Table::new(["", ">"]);
        table.row(["lr".to_owned(), "0.1".to_owned()]);
        table.row(["batch_size".to_owned(), "64".to_owned()]);
        assert_eq!(table.to_string(), "lr          0.1\nbatch_size   64");
    }
}
