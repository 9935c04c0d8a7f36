//! Aligned columns without lines. Numbers to the right, text to the left; the width of a cell is counted without colours.

/// A table under construction.
#[derive(Clone, Debug, Default)]
pub struct Table {
    header: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads; a head that starts with `>` aligns its column to the right.
    pub fn new<const N: usize>(header: [&str; N]) -> Self {
        Self {
            header: header.iter().map(|head| head.trim_start_matches('>').to_owned()).collect(),
            right: header.iter().map(|head| head.starts_with('>')).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.header.len(), String::new());
        self.rows.push(cells);
    }
}

/// Columns that a terminal shows for this text, colours not counted.
pub fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().chars().count()
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head: Vec<String> =
            self.header.iter().map(|cell| crate::style::paint(crate::style::FAINT, cell)).collect();
        let lines: Vec<&Vec<String>> = std::iter::once(&head).chain(&self.rows).collect();
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
        table.row(["a-1".to_owned(), "0.25".to_owned(), crate::style::paint(crate::style::GOOD, "finished")]);
        table.row(["a-100".to_owned(), "12.5".to_owned(), "failed".to_owned()]);
        let plain = anstream::adapter::strip_str(&table.to_string()).to_string();
        insta::assert_snapshot!(plain, @r"
        run    val/loss  state
        a-1        0.25  finished
        a-100      12.5  failed
        ");
    }
}
