//! Reads rows of a logged table, which is a file of a run in W&B's form:
//! `{"columns": [...], "data": [[...], ...]}`. The handlers of `api::web` call this module. It
//! changes nothing.

use std::{fmt, sync::Arc};

use record::ids::RunId;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::{Value as Json, value::RawValue};

use super::files;
use crate::app::{App, error::Error, people::caller::Caller};

/// The most columns of a table.
const COLUMNS: usize = 10_000;
/// The first bytes of a Parquet file, which is how the SDK stores tables.
const PARQUET: &[u8] = b"PAR1";

/// Rows of a table.
#[derive(Debug)]
pub(crate) struct Table {
    /// The names of the columns.
    pub(crate) columns: Vec<String>,
    /// The rows that the caller asks for. Each is a list of JSON.
    pub(crate) rows: Vec<Box<RawValue>>,
    /// The number of all rows of the table.
    pub(crate) total: u64,
}

/// The rows that a caller asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// The number of the first row, from 0.
    pub(crate) from: u64,
    /// The most rows.
    pub(crate) limit: u64,
}

/// Returns rows of the table in a file of a run.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run has no such file. Fails with [`Error::Invalid`] if the
/// file is no table in JSON, or is larger than `Limits::table_bytes`.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    path: String,
    range: Range,
) -> Result<Table, Error> {
    let file = files::find(app, caller, run, path).await?;
    let failed = |error: &dyn fmt::Display| Error::Bug(format!("a table was not read: {error}"));
    let turn = app.tables.clone().acquire_owned().await.map_err(|closed| failed(&closed))?;
    let hint = "fetch the file itself, under `files`";
    if files::beginning(app, &file.sha256, file.size, PARQUET.len() as u64).await? == PARQUET {
        let message = format!("`{}` is a table in Parquet; only JSON is read here", file.path);
        return Err(Error::invalid(message).hint(hint));
    }
    let most = app.settings.limits.table_bytes;
    if file.size > most {
        let message = format!("the table `{}` has more than {most} bytes", file.path);
        return Err(Error::invalid(message).hint(hint));
    }
    let bytes = files::beginning(app, &file.sha256, file.size, most).await?;
    let parsing = app.threads.run(move || {
        // The work keeps its turn until it ends, even if the caller no longer waits.
        let _turn = turn;
        parse(bytes, range)
            .map_err(|reason| Error::invalid(format!("`{}` is no table: {reason}", file.path)))
    });
    parsing.await.map_err(|error| failed(&error))?
}

/// Reads a table. A number that is not finite, which Python writes as a bare word, becomes a text.
fn parse(bytes: Vec<u8>, range: Range) -> Result<Table, String> {
    let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    let read = |text: &str| serde_json::Deserializer::from_str(text).deserialize_map(range);
    let table = read(&text).or_else(|_| read(&record::python::plain(&text)));
    table.map_err(|error| error.to_string())
}

/// The members of a table that are read.
#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Columns,
    Data,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for Range {
    type Value = Table;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `columns` and `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table, A::Error> {
        let (mut columns, mut data) = (None, None);
        while let Some(member) = map.next_key()? {
            match member {
                Member::Columns => columns = Some(map.next_value()?),
                Member::Data => data = Some(map.next_value_seed(Rows(self))?),
                Member::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let Names(columns) = columns.ok_or_else(|| A::Error::missing_field("columns"))?;
        let (rows, total) = data.ok_or_else(|| A::Error::missing_field("data"))?;
        Ok(Table { columns, rows, total })
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

/// Reads the rows of this range, and counts all rows. The texts of the rows stay as they are: a
/// parsed row would take many times their memory.
struct Rows(Range);

impl<'de> DeserializeSeed<'de> for Rows {
    type Value = (Vec<Box<RawValue>>, u64);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows {
    type Value = (Vec<Box<RawValue>>, u64);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Range { from, limit } = self.0;
        let (mut rows, mut total) = (Vec::new(), 0);
        loop {
            if total < from || total - from >= limit {
                if seq.next_element::<IgnoredAny>()?.is_none() {
                    return Ok((rows, total));
                }
            } else {
                let Some(row) = seq.next_element::<Box<RawValue>>()? else {
                    return Ok((rows, total));
                };
                if !row.get().starts_with('[') {
                    return Err(A::Error::custom(format!("its row {total} is no list")));
                }
                rows.push(row);
            }
            total += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(
        text: &str,
        from: u64,
        limit: u64,
    ) -> Result<(Vec<String>, Vec<String>, u64), String> {
        let table = parse(text.as_bytes().to_vec(), Range { from, limit })?;
        let rows = table.rows.iter().map(|row| row.get().to_owned()).collect();
        Ok((table.columns, rows, table.total))
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
        assert!(parse(vec![0xff], Range { from: 0, limit: 1 }).is_err());
    }
}
