//! Reads tables in Parquet, as the SDK writes them. It reads only the columns and the groups of
//! rows that an answer needs, one column of one group at a time. A file may be hostile, so all its
//! sizes are checked before they take memory.

use std::{ops::Range, sync::Arc};

use parquet::{
    basic::LogicalType,
    column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader},
    data_type::{ByteArray, DataType},
    errors::ParquetError,
    file::{
        metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData},
        reader::{ChunkReader, Length},
        serialized_reader::SerializedPageReader,
    },
    schema::types::ColumnDescPtr,
};
use record::file::FileRow;
use serde_json::{Value as Json, value::RawValue};

use super::{
    asked::{Asked, Bounds, COLUMNS, Cell, Table, failed, refused},
    choose::Choice,
    pages,
};
use crate::app::{App, error::Error};

/// The first and the last bytes of a file in Parquet.
pub(super) const MAGIC: &[u8] = b"PAR1";
/// The bytes behind the table of contents: its length and [`MAGIC`].
const TAIL: u64 = 8;
/// The most bytes of a table of contents.
const CONTENTS_BYTES: u64 = 4 << 20;

/// Reads rows of a table.
pub(super) async fn read(
    app: &Arc<App>,
    file: &FileRow,
    asked: &Asked,
    bounds: Bounds,
) -> Result<Table, Error> {
    let no_table = |reason: String| refused(file, &reason);
    let contents = contents(app, file).await?;
    let open = Open { app, file, contents: Arc::new(contents), bounds };
    let groups = open.groups().map_err(no_table)?;
    let total = groups.last().map_or(0, |group| group.rows.end);
    let schema = open.contents.file_metadata().schema_descr();
    let columns: Vec<String> =
        schema.columns().iter().map(|column| column.name().to_owned()).collect();
    asked.check(columns.len()).map_err(no_table)?;
    let (numbers, matched, looked_at) = if asked.chooses() {
        open.choose(&groups, asked).await?
    } else {
        (asked.page(total).collect(), total, total)
    };
    let rows = open.rows(&groups, &numbers, columns.len()).await?;
    Ok(Table { columns, rows, numbers, total, matched, looked_at, classes: Vec::new() })
}

/// Reads the table of contents of a file.
async fn contents(app: &App, file: &FileRow) -> Result<ParquetMetaData, Error> {
    let cut_off = || refused(file, "its end is cut off");
    let end = file.size.checked_sub(TAIL).filter(|end| *end > TAIL).ok_or_else(cut_off)?;
    let tail = app.store.blobs.read(&file.sha256, end..file.size).await?;
    let (length, magic) = tail.split_first_chunk::<4>().ok_or_else(cut_off)?;
    let length = u64::from(u32::from_le_bytes(*length));
    let begin = end.checked_sub(length).filter(|_| magic == MAGIC).ok_or_else(cut_off)?;
    if length > CONTENTS_BYTES {
        let reason = format!("its table of contents has more than {CONTENTS_BYTES} bytes");
        return Err(refused(file, &reason));
    }
    let bytes = app.store.blobs.read(&file.sha256, begin..end).await?;
    let parsed = app.threads.run(move || ParquetMetaDataReader::decode_metadata(&bytes)).await;
    let parsed = parsed.map_err(|_| refused(file, "its table of contents is damaged"))?;
    parsed.map_err(|error| refused(file, &error.to_string()))
}

/// A file whose table of contents was read.
struct Open<'a> {
    app: &'a Arc<App>,
    file: &'a FileRow,
    contents: Arc<ParquetMetaData>,
    bounds: Bounds,
}

/// A group of rows, with the numbers of its rows in the table.
struct Group {
    place: usize,
    rows: Range<u64>,
}

impl Open<'_> {
    /// Lists the groups of rows. Fails with the reason if the table has columns or groups that are
    /// not read here.
    fn groups(&self) -> Result<Vec<Group>, String> {
        let columns = self.contents.file_metadata().schema_descr().columns();
        if columns.len() > COLUMNS {
            return Err(format!("it has more than {COLUMNS} columns"));
        }
        let nested = columns.iter().find(|column| {
            column.path().parts().len() != 1
                || column.max_rep_level() > 0
                || column.max_def_level() > 1
        });
        if let Some(column) = nested {
            return Err(format!("its column `{}` has lists or groups", column.path()));
        }
        let (mut groups, mut first) = (Vec::new(), 0_u64);
        for (group, place) in self.contents.row_groups().iter().zip(0..) {
            let rows = u64::try_from(group.num_rows()).ok();
            let rows = rows.filter(|rows| *rows <= self.bounds.rows).ok_or_else(|| {
                format!("a group of its rows has more than {} rows", self.bounds.rows)
            })?;
            groups.push(Group { place, rows: first..first + rows });
            first += rows;
        }
        Ok(groups)
    }

    /// Filters and sorts the rows. Returns the numbers of those on the page, the number of rows
    /// that passed, and the number of rows that were looked at.
    async fn choose(&self, groups: &[Group], asked: &Asked) -> Result<(Vec<u64>, u64, u64), Error> {
        let (mut choice, mut scanned) = (Choice::new(asked, self.bounds), 0);
        for group in groups {
            if choice.is_full() || scanned > self.bounds.scanned_bytes {
                break;
            }
            let rows = (group.rows.end - group.rows.start) as usize;
            let mut columns = Vec::new();
            for place in asked.columns() {
                let whole = std::iter::once(0..rows).collect();
                let (values, bytes) = self.column(group, place, whole).await?;
                scanned += bytes;
                columns.push(values);
            }
            for row in 0..rows {
                if choice.is_full() {
                    break;
                }
                let cells = columns.iter().map(|values| values[row].to_cell());
                choice.look(&cells.collect::<Vec<_>>());
            }
        }
        let looked_at = choice.looked_at;
        let (numbers, matched) = choice.page();
        Ok((numbers, matched, looked_at))
    }

    /// Reads the rows with these numbers, in this order.
    async fn rows(
        &self,
        groups: &[Group],
        numbers: &[u64],
        columns: usize,
    ) -> Result<Vec<Box<RawValue>>, Error> {
        let mut sorted: Vec<(u64, usize)> = numbers.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        let mut rows = vec![String::new(); numbers.len()];
        let mut bytes = 0;
        for group in groups {
            let from = sorted.partition_point(|(number, _)| *number < group.rows.start);
            let to = sorted.partition_point(|(number, _)| *number < group.rows.end);
            let own = &sorted[from..to];
            if own.is_empty() {
                continue;
            }
            let places = own.iter().map(|(number, _)| (number - group.rows.start) as usize);
            let wanted = ranges(places);
            for column in 0..columns {
                let (values, _) = self.column(group, column, wanted.clone()).await?;
                for ((_, place), value) in own.iter().zip(values) {
                    let row = &mut rows[*place];
                    row.push(if row.is_empty() { '[' } else { ',' });
                    let before = row.len();
                    value.write(row);
                    bytes += row.len() - before;
                }
                if bytes > self.bounds.answer {
                    let most = self.bounds.answer;
                    let reason = format!("these rows have more than {most} bytes");
                    return Err(refused(self.file, &reason));
                }
            }
        }
        let row = |mut text: String| {
            text.push_str(if text.is_empty() { "[]" } else { "]" });
            RawValue::from_string(text).map_err(|error| failed(&error))
        };
        rows.into_iter().map(row).collect()
    }

    /// Reads values of a column in a group of rows: those of rows in ascending ranges. Returns also
    /// the number of bytes that were read.
    async fn column(
        &self,
        group: &Group,
        place: usize,
        wanted: Vec<Range<usize>>,
    ) -> Result<(Vec<Value>, u64), Error> {
        let no_table = |reason: &str| refused(self.file, reason);
        let chunk = Chunk::of(self.contents.row_group(group.place), place, self.file.size)
            .map_err(|reason| no_table(&reason))?;
        let (range, most) = (chunk.range.clone(), self.bounds.column_bytes);
        let size = range.end - range.start;
        if size > most {
            return Err(no_table(&format!("a column of a group has more than {most} bytes")));
        }
        let bytes = self.app.store.blobs.read(&self.file.sha256, range).await?;
        let rows = (group.rows.end - group.rows.start) as usize;
        let decoding = self.app.threads.run(move || {
            pages::check(&bytes, most)?;
            chunk.decode(bytes, rows, &wanted).map_err(|error| error.to_string())
        });
        let decoded = decoding.await.map_err(|_| no_table("a column of it is damaged"))?;
        Ok((decoded.map_err(|reason| no_table(&reason))?, size))
    }
}

/// Joins ascending numbers to ranges.
fn ranges(numbers: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for number in numbers {
        match found.last_mut().filter(|last| last.end == number) {
            Some(last) => last.end += 1,
            None => found.push(number..number + 1),
        }
    }
    found
}

/// A column of a group of rows.
struct Chunk {
    about: ColumnChunkMetaData,
    range: Range<u64>,
}

impl Chunk {
    /// Finds a column of a group. Fails with the reason if it lies outside of the file.
    fn of(group: &RowGroupMetaData, place: usize, size: u64) -> Result<Self, String> {
        let about = group.columns().get(place).ok_or("a group has too few columns")?.clone();
        let begin = about.dictionary_page_offset().unwrap_or(about.data_page_offset());
        let range = u64::try_from(begin).ok().and_then(|begin| {
            let length = u64::try_from(about.compressed_size()).ok()?;
            Some(begin..begin.checked_add(length)?).filter(|range| range.end <= size)
        });
        let range = range.ok_or("a column lies outside of the file")?;
        Ok(Self { about, range })
    }

    fn decode(
        self,
        bytes: Vec<u8>,
        rows: usize,
        wanted: &[Range<usize>],
    ) -> Result<Vec<Value>, ParquetError> {
        let source = Arc::new(Source { first: self.range.start, bytes: bytes.into() });
        let pages = SerializedPageReader::new(source, &self.about, rows, None)?;
        let column = self.about.column_descr_ptr();
        let is_json = column.logical_type_ref() == Some(&LogicalType::Json);
        let text = |bytes: ByteArray| match is_json {
            true => Value::Json(bytes),
            false => Value::Text(bytes),
        };
        match get_column_reader(column.clone(), Box::new(pages)) {
            ColumnReader::BoolColumnReader(from) => values(from, &column, wanted, Value::Bool),
            ColumnReader::Int32ColumnReader(from) => {
                values(from, &column, wanted, |number| Value::Whole(number.into()))
            }
            ColumnReader::Int64ColumnReader(from) => values(from, &column, wanted, Value::Whole),
            ColumnReader::Int96ColumnReader(from) => {
                values(from, &column, wanted, |time| Value::Whole(time.to_millis()))
            }
            ColumnReader::FloatColumnReader(from) => {
                values(from, &column, wanted, |number| Value::Number(record::widen(number)))
            }
            ColumnReader::DoubleColumnReader(from) => values(from, &column, wanted, Value::Number),
            ColumnReader::ByteArrayColumnReader(from) => values(from, &column, wanted, text),
            ColumnReader::FixedLenByteArrayColumnReader(from) => {
                values(from, &column, wanted, |bytes| Value::Text(bytes.into()))
            }
        }
    }
}

/// Reads the values of rows in ascending ranges.
fn values<T: DataType>(
    mut from: ColumnReaderImpl<T>,
    column: &ColumnDescPtr,
    wanted: &[Range<usize>],
    to: impl Fn(T::T) -> Value,
) -> Result<Vec<Value>, ParquetError> {
    let ends_early = || ParquetError::General("a column ends before its group does".to_owned());
    let (mut found, mut at) = (Vec::new(), 0);
    for range in wanted {
        if from.skip_records(range.start - at)? != range.start - at {
            return Err(ends_early());
        }
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let has_levels = column.max_def_level() > 0;
        let given = has_levels.then_some(&mut levels);
        let (records, _, _) = from.read_records(range.len(), given, None, &mut values)?;
        if records != range.len() {
            return Err(ends_early());
        }
        let mut values = values.into_iter().map(&to);
        if has_levels {
            let value = |level: i16| if level > 0 { values.next() } else { None };
            found.extend(levels.into_iter().map(value).map(|value| value.unwrap_or(Value::Empty)));
        } else {
            found.extend(values);
        }
        at = range.end;
    }
    Ok(found)
}

/// Bytes of a file, from the place `first` on.
struct Source {
    first: u64,
    bytes: axum::body::Bytes,
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.first + self.bytes.len() as u64
    }
}

impl ChunkReader for Source {
    type T = std::io::Cursor<axum::body::Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let rest = self.len().saturating_sub(start);
        Ok(std::io::Cursor::new(self.get_bytes(start, rest as usize)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<axum::body::Bytes, ParquetError> {
        let outside = || ParquetError::EOF("a page lies outside of its column".to_owned());
        let from = start.checked_sub(self.first).ok_or_else(outside)? as usize;
        let to = from.checked_add(length).filter(|to| *to <= self.bytes.len());
        Ok(self.bytes.slice(from..to.ok_or_else(outside)?))
    }
}

/// A value of a column. Equal texts may share their bytes.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Empty,
    Bool(bool),
    Whole(i64),
    Number(f64),
    Text(ByteArray),
    Json(ByteArray),
}

impl Value {
    fn to_cell(&self) -> Cell<'_> {
        match self {
            Self::Empty => Cell::Empty,
            Self::Bool(flag) => Cell::Bool(*flag),
            Self::Whole(number) => Cell::Number(*number as f64),
            Self::Number(number) => Cell::Number(*number),
            Self::Text(bytes) | Self::Json(bytes) => {
                Cell::Text(String::from_utf8_lossy(bytes.data()))
            }
        }
    }

    /// Writes the value as JSON. A number that is not finite becomes a text, as in other tables.
    fn write(&self, out: &mut String) {
        let text = match self {
            Self::Empty => Json::Null,
            Self::Bool(flag) => Json::from(*flag),
            Self::Whole(number) => Json::from(*number),
            Self::Number(number) if number.is_finite() => Json::from(*number),
            Self::Number(number) if number.is_nan() => Json::from("NaN"),
            Self::Number(number) => {
                Json::from(if *number > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Self::Text(bytes) => Json::from(String::from_utf8_lossy(bytes.data())),
            Self::Json(bytes) => match serde_json::from_slice::<&RawValue>(bytes.data()) {
                Ok(raw) => return out.push_str(raw.get()),
                Err(_) => Json::from(String::from_utf8_lossy(bytes.data())),
            },
        };
        out.push_str(&text.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_joined_to_ranges() {
        assert_eq!(ranges([0, 1, 2, 5, 7, 8].into_iter()), [0..3, 5..6, 7..9]);
        assert!(ranges([].into_iter()).is_empty());
    }

    #[test]
    fn values_are_written_as_json() {
        let written = |value: Value| {
            let mut out = String::new();
            value.write(&mut out);
            out
        };
        assert_eq!(written(Value::Number(f64::NAN)), r#""NaN""#);
        assert_eq!(written(Value::Number(f64::NEG_INFINITY)), r#""-Infinity""#);
        assert_eq!(written(Value::Whole(i64::MIN)), i64::MIN.to_string());
        assert_eq!(written(Value::Text("a\"b".into())), r#""a\"b""#);
        assert_eq!(written(Value::Json("{\"a\": 1}".into())), "{\"a\": 1}");
        assert_eq!(written(Value::Json("{".into())), r#""{""#);
        assert_eq!(written(Value::Text(vec![0xff].into())), "\"\u{fffd}\"");
    }
}
