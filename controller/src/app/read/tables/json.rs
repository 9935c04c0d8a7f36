//! Reads tables in JSON, as W&B's client writes them:
//! `{"columns": [...], "data": [[...], ...]}`. A table is read in one go, and twice if its rows are
//! filtered or sorted. So it needs little memory beside the text itself.

use std::{borrow::Cow, collections::HashMap, fmt, ops::Range};

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::{Value as Json, value::RawValue};

use super::{
    asked::{Asked, Bounds, COLUMNS, Cell, Table},
    choose::Choice,
    classes,
};

/// Reads rows of a table. A number that is not finite, which Python writes as a bare word, becomes
/// a text.
pub(super) fn read(bytes: Vec<u8>, asked: &Asked, bounds: Bounds) -> Result<Table, String> {
    let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    let table = rows(&text, asked, bounds);
    table.or_else(|_| rows(&record::python::plain(&text), asked, bounds))
}

fn rows(text: &str, asked: &Asked, bounds: Bounds) -> Result<Table, String> {
    if !asked.chooses() {
        let range = asked.from..asked.from.saturating_add(asked.limit);
        let mut page = Page { wanted: Wanted::Range(range), found: Vec::new() };
        let Walked { columns, total, types } = each(text, &mut page)?;
        let classes = classes::read(types, &columns);
        let (numbers, rows) = page.found.into_iter().unzip();
        let (matched, looked_at) = (total, total);
        return Ok(Table { columns, rows, numbers, total, matched, looked_at, classes });
    }
    let mut scan = Scan { choice: Choice::new(asked, bounds), places: asked.columns() };
    let Walked { columns, total, types } = each(text, &mut scan)?;
    asked.check(columns.len())?;
    let looked_at = scan.choice.looked_at;
    let (numbers, matched) = scan.choice.page();
    let wanted = Wanted::Rows(numbers.iter().copied().zip(0..).collect());
    let mut page = Page { wanted, found: Vec::new() };
    each(text, &mut page)?;
    page.found.sort_by_key(|(place, _)| *place);
    let rows = page.found.into_iter().map(|(_, row)| row).collect();
    let classes = classes::read(types, &columns);
    Ok(Table { columns, rows, numbers, total, matched, looked_at, classes })
}

/// What is done with the rows of a table.
trait Look {
    /// Returns whether the row with this number is wanted.
    fn wants(&mut self, number: u64) -> bool;
    /// Takes a row that is wanted.
    fn take(&mut self, number: u64, row: &RawValue);
}

/// Looks at the rows to choose some of them.
struct Scan<'a> {
    choice: Choice<'a>,
    places: Vec<usize>,
}

impl Look for Scan<'_> {
    fn wants(&mut self, _: u64) -> bool {
        !self.choice.is_full()
    }

    fn take(&mut self, _: u64, row: &RawValue) {
        let cells: Vec<&RawValue> = serde_json::from_str(row.get()).unwrap_or_default();
        let cells = self.places.iter().map(|place| cells.get(*place));
        let cells: Vec<Cell<'_>> =
            cells.map(|raw| raw.map_or(Cell::Empty, |raw| cell(raw.get()))).collect();
        self.choice.look(&cells);
    }
}

/// Keeps the rows of a page, with their numbers or with their places on the page.
struct Page {
    wanted: Wanted,
    found: Vec<(u64, Box<RawValue>)>,
}

enum Wanted {
    /// The rows with these numbers.
    Range(Range<u64>),
    /// The rows with these numbers, each with its place on the page.
    Rows(HashMap<u64, u64>),
}

impl Look for Page {
    fn wants(&mut self, number: u64) -> bool {
        match &self.wanted {
            Wanted::Range(range) => range.contains(&number),
            Wanted::Rows(places) => places.contains_key(&number),
        }
    }

    fn take(&mut self, number: u64, row: &RawValue) {
        let place = match &self.wanted {
            Wanted::Range(_) => number,
            Wanted::Rows(places) => places.get(&number).copied().unwrap_or(number),
        };
        self.found.push((place, row.to_owned()));
    }
}

/// Reads a cell.
fn cell(text: &str) -> Cell<'_> {
    let number = || text.parse().ok().map(Cell::Number);
    match text.as_bytes().first() {
        Some(b'n') => Cell::Empty,
        Some(b't' | b'f') => Cell::Bool(text == "true"),
        Some(b'"') => {
            #[derive(serde::Deserialize)]
            struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
            let text = serde_json::from_str(text).map(|Borrowed(text)| Cell::Text(text));
            text.unwrap_or(Cell::Empty)
        }
        _ => number().unwrap_or(Cell::Text(text.into())),
    }
}

/// What a walk over the rows of a table has found beside them.
struct Walked<'a> {
    /// The names of the columns.
    columns: Vec<String>,
    /// The number of rows.
    total: u64,
    /// The types of the columns as JSON; empty if the table has none.
    types: &'a str,
}

/// Walks over the rows of a table.
fn each<'a>(text: &'a str, look: &mut dyn Look) -> Result<Walked<'a>, String> {
    let walked = serde_json::Deserializer::from_str(text).deserialize_map(Members(look));
    walked.map_err(|error| error.to_string())
}

/// The members of a table that are read.
#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Columns,
    Data,
    #[serde(rename = "column_types")]
    Types,
    #[serde(other)]
    Other,
}

/// Reads the members of a table.
struct Members<'l>(&'l mut dyn Look);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Walked<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `columns` and `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut columns, mut total, mut types) = (None, None, "");
        while let Some(member) = map.next_key()? {
            match member {
                Member::Columns => columns = Some(map.next_value()?),
                Member::Data => total = Some(map.next_value_seed(Rows(&mut *self.0))?),
                Member::Types => types = map.next_value::<&RawValue>()?.get(),
                Member::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let Names(columns) = columns.ok_or_else(|| A::Error::missing_field("columns"))?;
        let total = total.ok_or_else(|| A::Error::missing_field("data"))?;
        Ok(Walked { columns, total, types })
    }
}

/// The names of columns, which are texts or numbers.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self(Vec::new()))
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Self, A::Error> {
        while let Some(name) = seq.next_element::<Json>()? {
            if self.0.len() == COLUMNS {
                return Err(A::Error::custom(format!("it has more than {COLUMNS} columns")));
            }
            self.0.push(match name {
                Json::String(name) => name,
                other => other.to_string(),
            });
        }
        Ok(self)
    }
}

/// Counts the rows, and shows those that are wanted as texts: a parsed row would take many times
/// their memory.
struct Rows<'l>(&'l mut dyn Look);

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<u64, A::Error> {
        let mut total = 0;
        loop {
            if self.0.wants(total) {
                let Some(row) = seq.next_element::<&RawValue>()? else { return Ok(total) };
                if !row.get().starts_with('[') {
                    return Err(A::Error::custom(format!("its row {total} is no list")));
                }
                self.0.take(total, row);
            } else if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(total);
            }
            total += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::read::tables::asked::{Filter, Order};

    const BOUNDS: Bounds = Bounds { column_bytes: 0, rows: 3, scanned_bytes: 0, answer: 1 << 20 };

    fn parsed(
        text: &str,
        from: u64,
        limit: u64,
    ) -> Result<(Vec<String>, Vec<String>, u64), String> {
        let table = chosen(text, &Asked { from, limit, ..Asked::default() })?;
        Ok((table.columns.clone(), texts(&table), table.total))
    }

    fn chosen(text: &str, asked: &Asked) -> Result<Table, String> {
        read(text.as_bytes().to_vec(), asked, BOUNDS)
    }

    fn texts(table: &Table) -> Vec<String> {
        table.rows.iter().map(|row| row.get().to_owned()).collect()
    }

    #[test]
    fn rows_are_filtered_and_sorted() {
        let text = r#"{"data": [[3, "a\u0062"], [1, "ac"], [2, "x"], [0, "a"]],
            "columns": ["n", "t"]}"#;
        let order = Some(Order { column: 0, descending: false });
        let filters = vec![Filter::parse("1:A").unwrap()];
        let asked = Asked { from: 0, limit: 9, order, filters };
        let table = chosen(text, &asked).unwrap();
        assert_eq!(texts(&table), [r#"[1, "ac"]"#, r#"[3, "a\u0062"]"#]);
        assert_eq!((table.numbers, table.matched), (vec![1, 0], 2));
        // The last row is beyond the bound.
        assert_eq!((table.looked_at, table.total), (3, 4));
        let page = chosen(text, &Asked { from: 1, limit: 1, ..asked.clone() }).unwrap();
        assert_eq!(page.numbers, [0]);
        let order = Some(Order { column: 2, descending: false });
        let refused = chosen(text, &Asked { order, ..asked }).unwrap_err();
        assert!(refused.contains("2 columns"), "{refused}");
    }

    #[test]
    fn rows_of_a_range_are_read() {
        let text = r#"{"data": [[1, "a"], [NaN, "NaN"], [3, null]], "columns": ["x", 7], "n": {}}"#;
        let columns = ["x", "7"].map(str::to_owned).to_vec();
        let rows = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
        let (second, third) = (r#"["NaN", "NaN"]"#, "[3, null]");
        assert_eq!(parsed(text, 1, 9).unwrap(), (columns.clone(), rows(&[second, third]), 3));
        assert_eq!(parsed(text, 1, 1).unwrap(), (columns.clone(), rows(&[second]), 3));
        assert_eq!(parsed(text, 3, 1).unwrap(), (columns.clone(), vec![], 3));
        assert_eq!(parsed(text, u64::MAX, u64::MAX).unwrap(), (columns, vec![], 3));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let wide = format!(r#"{{"columns": {:?}, "data": []}}"#, vec![0; COLUMNS + 1]);
        for (text, why) in [
            ("", "EOF"),
            ("[1]", "an object with `columns` and `data`"),
            (r#"{"columns": []}"#, "missing field `data`"),
            (r#"{"data": []}"#, "missing field `columns`"),
            (r#"{"columns": [], "data": {}}"#, "a list of rows"),
            (r#"{"columns": [], "data": [[], 1]}"#, "its row 1 is no list"),
            (r#"{"columns": [], "data": [[1,]]}"#, "line 1"),
            (&wide, "more than 10000 columns"),
        ] {
            let refused = parsed(text, 0, 9).unwrap_err();
            assert!(refused.contains(why), "{text:.60}: {refused}");
        }
        assert!(read(vec![0xff], &Asked::default(), BOUNDS).is_err());
    }
}
