//! Makes tables with typed columns. A table's rows are written to a Parquet file in groups while
//! the program adds them, so a table may be far larger than memory. The file is in the system's
//! temporary folder; logging the table copies the file into the run's folder. Cells may be images.
//! A table with an image column keeps its rows in memory until it is logged.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Seek as _},
    path::PathBuf,
    process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};
use serde_json::{Value as Json, json};

use super::{error::MediaError, image::Image, keeper::Keeper};
use crate::files::store::Source;

/// The number of rows that are written to the file together, as one Parquet row group.
const GROUP_ROWS: usize = 10_000;
/// The key in the Parquet file's metadata under which the columns and their types are stored, as
/// JSON.
const COLUMNS_KEY: &str = "besom.columns";

/// The type of a column's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Floats.
    F64,
    /// Whole numbers.
    I64,
    /// True or false.
    Bool,
    /// Text.
    Text,
    /// Images. The table's file has the JSON of each image, which names the image's own file.
    Image,
}

/// One cell of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// No value. This cell fits every column.
    Null,
    /// A float.
    F64(f64),
    /// A whole number. This cell also fits a column of floats.
    I64(i64),
    /// True or false.
    Bool(bool),
    /// A text.
    Text(String),
    /// An image.
    Image(Image),
}

/// A table that takes rows until it is logged, and refuses rows after that. Clones of a table are
/// the same table. In a row of a run, a table has the form `{"_type": "table-file", ...}`.
///
/// ```
/// use besom::{Cell, Column, Table};
/// # let run = besom::init().mode(besom::Mode::Disabled).start()?;
/// let table = Table::new([("text", Column::Text), ("loss", Column::F64)])?;
/// table.add_row([Cell::from("a cat"), Cell::from(0.25)])?;
/// besom::log!(run, "predictions" => table);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Table(Arc<Mutex<Building>>);

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Debug)]
struct Building {
    columns: Vec<(String, Column)>,
    /// Per column, the cells that are not written to the file yet.
    waiting: Vec<Vec<Cell>>,
    rows: u64,
    /// The table's file: open with its writer until the table is logged, then closed. After a
    /// failed write, the file is given up as broken.
    file: State,
    path: Temporary,
}

enum State {
    Open(Box<SerializedFileWriter<File>>),
    Closed,
    Broken,
}

/// The path of a file that is removed when the value is dropped.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // A file that cannot be removed only takes space.
        let _ = fs::remove_file(&self.0);
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Open(..) => "Open",
            Self::Closed => "Closed",
            Self::Broken => "Broken",
        })
    }
}

impl Table {
    /// Makes a table with these columns, and creates its file in the system's temporary folder.
    ///
    /// # Errors
    /// Fails if there is no column, if two columns have the same name, or if the file cannot be
    /// created.
    pub fn new<T: Into<String>>(
        columns: impl IntoIterator<Item = (T, Column)>,
    ) -> Result<Self, MediaError> {
        let columns: Vec<(String, Column)> =
            columns.into_iter().map(|(name, column)| (name.into(), column)).collect();
        let is_twice = |at: usize| columns[..at].iter().any(|(name, _)| *name == columns[at].0);
        if columns.is_empty() || (0..columns.len()).any(is_twice) {
            return Err(MediaError::Shape(
                "a table needs at least one column, and each column needs its own name".to_owned(),
            ));
        }
        let (file, path) = temporary()?;
        let writer = open(&columns, file).map_err(encode)?;
        let waiting = columns.iter().map(|_| Vec::new()).collect();
        let file = State::Open(Box::new(writer));
        Ok(Self(Arc::new(Mutex::new(Building { columns, waiting, rows: 0, file, path }))))
    }

    /// Adds a row with one cell for each column. After every 10,000 rows, the call writes these
    /// rows to the table's file, unless the table has an image column.
    ///
    /// # Errors
    /// Fails if a cell does not fit its column, if the number of cells is wrong, or if the table
    /// was logged already. Also fails if the rows cannot be written to the table's file. After such
    /// a failure, the table takes no more rows and cannot be logged.
    pub fn add_row<C: Into<Cell>>(
        &self,
        cells: impl IntoIterator<Item = C>,
    ) -> Result<(), MediaError> {
        let cells: Vec<Cell> = cells.into_iter().map(Into::into).collect();
        self.lock().add(cells)
    }

    /// Returns the number of rows that were added so far.
    pub fn rows(&self) -> u64 {
        self.lock().rows
    }

    pub(crate) fn keep(&self, keeper: &Keeper<'_>) -> io::Result<Json> {
        let mut building = self.lock();
        building.close(keeper)?;
        if !matches!(building.file, State::Closed) {
            return Err(io::Error::other("the table could not be written"));
        }
        let mut json = keeper.file("table", "parquet", Source::File(&building.path.0))?;
        json.insert("columns".to_owned(), described(&building.columns));
        json.insert("rows".to_owned(), building.rows.into());
        Ok(Json::Object(json))
    }

    fn lock(&self) -> MutexGuard<'_, Building> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Building {
    fn add(&mut self, cells: Vec<Cell>) -> Result<(), MediaError> {
        if cells.len() != self.columns.len() {
            let message = format!(
                "the row has {} cells; the table has {} columns",
                cells.len(),
                self.columns.len()
            );
            return Err(MediaError::Shape(message));
        }
        for ((name, column), cell) in self.columns.iter().zip(&cells) {
            if !cell.fits(*column) {
                return Err(MediaError::Shape(format!(
                    "a cell does not fit column `{name}` of type {column:?}"
                )));
            }
        }
        if !matches!(self.file, State::Open(..)) {
            return Err(MediaError::Shape(
                "the table takes no more rows: it was logged already, or its file is broken"
                    .to_owned(),
            ));
        }
        for (waiting, cell) in self.waiting.iter_mut().zip(cells) {
            waiting.push(cell);
        }
        self.rows += 1;
        // Images get their file names when the table is logged, so rows with images wait in memory
        // until then.
        let has_images = self.columns.iter().any(|(_, column)| *column == Column::Image);
        if self.waiting[0].len() >= GROUP_ROWS && !has_images { self.write_group() } else { Ok(()) }
    }

    fn write_group(&mut self) -> Result<(), MediaError> {
        let State::Open(writer) = &mut self.file else { return Ok(()) };
        let written = write_group(writer, &self.columns, &mut self.waiting);
        written.inspect_err(|_| self.file = State::Broken).map_err(encode)
    }

    /// Stores the images of the table's cells, writes the waiting rows, and closes the table's
    /// file.
    fn close(&mut self, keeper: &Keeper<'_>) -> io::Result<()> {
        for cell in self.waiting.iter_mut().flatten() {
            if let Cell::Image(image) = cell {
                *cell = Cell::Text(image.keep(keeper)?.to_string());
            }
        }
        if self.waiting.first().is_some_and(|waiting| !waiting.is_empty()) {
            self.write_group().map_err(io::Error::other)?;
        }
        self.file = match std::mem::replace(&mut self.file, State::Broken) {
            State::Open(writer) => {
                writer.close().map_err(io::Error::other)?;
                State::Closed
            }
            other => other,
        };
        Ok(())
    }
}

impl Cell {
    fn fits(&self, column: Column) -> bool {
        matches!(
            (self, column),
            (Self::Null, _)
                | (Self::F64(_) | Self::I64(_), Column::F64)
                | (Self::I64(_), Column::I64)
                | (Self::Bool(_), Column::Bool)
                | (Self::Text(_), Column::Text)
                | (Self::Image(_), Column::Image)
        )
    }
}

/// Implements conversions into a cell; `None` becomes [`Cell::Null`].
macro_rules! cells {
    ($($type:ty => |$value:ident| $make:expr;)+) => {$(
        impl From<$type> for Cell {
            fn from($value: $type) -> Self {
                $make
            }
        }
    )+};
}

cells! {
    f64 => |value| Self::F64(value);
    f32 => |value| Self::F64(record::widen(value));
    i64 => |value| Self::I64(value);
    i32 => |value| Self::I64(value.into());
    u32 => |value| Self::I64(value.into());
    u8 => |value| Self::I64(value.into());
    bool => |value| Self::Bool(value);
    String => |value| Self::Text(value);
    &str => |value| Self::Text(value.to_owned());
    Image => |value| Self::Image(value);
    usize => |value| i64::try_from(value).map_or(Self::F64(value as f64), Self::I64);
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Creates a new file in the system's temporary folder. Only this user can read the file.
fn temporary() -> Result<(File, Temporary), MediaError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut tries = 0;
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("besom-table-{}-{number}.parquet", process::id()));
        // With `create_new`, the call cannot follow a link that another user has put at this path.
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((file, Temporary(path))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 1000 => {
                tries += 1
            }
            Err(source) => return Err(MediaError::Keep { path, source }),
        }
    }
}

fn open(
    columns: &[(String, Column)],
    mut file: File,
) -> Result<SerializedFileWriter<File>, ParquetError> {
    file.rewind()?;
    let field = |(name, column): &(String, Column)| {
        let physical = match column {
            Column::F64 => Physical::DOUBLE,
            Column::I64 => Physical::INT64,
            Column::Bool => Physical::BOOLEAN,
            Column::Text | Column::Image => Physical::BYTE_ARRAY,
        };
        let logical = match (physical, column) {
            (Physical::BYTE_ARRAY, Column::Image) => Some(LogicalType::Json),
            (Physical::BYTE_ARRAY, _) => Some(LogicalType::String),
            _ => None,
        };
        let builder =
            Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        builder.with_logical_type(logical).build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let schema = Arc::new(Type::group_type_builder("table").with_fields(fields).build()?);
    let about = KeyValue::new(COLUMNS_KEY.to_owned(), described(columns).to_string());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![about]));
    SerializedFileWriter::new(file, schema, Arc::new(properties.build()))
}

/// Returns the names and types of the columns as JSON, for the row and for the file's metadata.
fn described(columns: &[(String, Column)]) -> Json {
    let name = |column: &Column| match column {
        Column::F64 => "f64",
        Column::I64 => "i64",
        Column::Bool => "bool",
        Column::Text => "text",
        Column::Image => "image",
    };
    columns.iter().map(|(title, column)| json!({ "name": title, "type": name(column) })).collect()
}

fn write_group(
    writer: &mut SerializedFileWriter<File>,
    columns: &[(String, Column)],
    waiting: &mut [Vec<Cell>],
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for ((_, column), cells) in columns.iter().zip(waiting) {
        let cells = std::mem::take(cells);
        match column {
            Column::F64 => write_column::<DoubleType>(&mut group, cells, |cell| match cell {
                Cell::F64(number) => Some(number),
                Cell::I64(number) => Some(number as f64),
                _ => None,
            }),
            Column::I64 => write_column::<Int64Type>(&mut group, cells, |cell| match cell {
                Cell::I64(number) => Some(number),
                _ => None,
            }),
            Column::Bool => write_column::<BoolType>(&mut group, cells, |cell| match cell {
                Cell::Bool(flag) => Some(flag),
                _ => None,
            }),
            Column::Text | Column::Image => {
                write_column::<ByteArrayType>(&mut group, cells, |cell| match cell {
                    Cell::Text(text) => Some(ByteArray::from(text.into_bytes())),
                    _ => None,
                })
            }
        }?;
    }
    group.close()?;
    Ok(())
}

fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    cells: Vec<Cell>,
    value: impl Fn(Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let missing =
        || ParquetError::General("the schema has fewer columns than the table".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    let values: Vec<Option<T::T>> = cells.into_iter().map(value).collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    column.close()
}

fn encode(error: ParquetError) -> MediaError {
    MediaError::Encode(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_do_not_fit_are_refused() {
        let table = Table::new([("step", Column::I64), ("loss", Column::F64)]).unwrap();
        table.add_row([Cell::from(1), Cell::from(0.5)]).unwrap();
        table.add_row([Cell::from(2), Cell::from(3)]).unwrap();
        table.add_row([Cell::Null, Cell::from(None::<f64>)]).unwrap();
        assert!(table.add_row([Cell::from(1.5), Cell::from(0.5)]).is_err());
        assert!(table.add_row([1]).is_err());
        assert_eq!(table.rows(), 3);
        assert!(Table::new([("a", Column::I64), ("a", Column::I64)]).is_err());
        assert!(Table::new::<&str>([]).is_err());
    }

    #[test]
    fn a_broken_table_leaves_no_file_behind() {
        let columns = [("x".to_owned(), Column::F64)];
        let table = Table::new(columns.clone()).unwrap();
        let path = {
            let mut building = table.lock();
            let path = building.path.0.clone();
            // No write to a file that is open only for reading succeeds.
            let file = File::open(&path).unwrap();
            building.file = State::Open(Box::new(open(&columns, file).unwrap()));
            path
        };
        let added = (0..GROUP_ROWS).find_map(|row| table.add_row([(row as f64).sin()]).err());
        assert!(matches!(added, Some(MediaError::Encode(_))), "{added:?}");
        assert!(path.exists() && table.add_row([0.0]).is_err());
        drop(table);
        assert!(!path.exists());
    }
}
