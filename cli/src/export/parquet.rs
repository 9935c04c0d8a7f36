//! Writes rows as a Parquet file with typed columns, compressed with Snappy, which the common
//! Parquet readers support. [`Sink`](super::rows::Sink) uses this module.

use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};
use record::ValueRef;

use super::columns::{Cell, Column, Kind};

/// The number of cells at which a row group is written. Empty cells count too.
const GROUP_CELLS: usize = 1 << 20;
/// The number of bytes of text at which a row group is written.
const GROUP_BYTES: usize = 32 << 20;

/// Writes rows in groups. [`GROUP_CELLS`], [`GROUP_BYTES`] and the size of one row bound the memory
/// of a group.
pub(crate) struct Parquet<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Gathered>,
    rows: usize,
    text_bytes: usize,
}

impl<W: Write + Send> Parquet<W> {
    /// Starts a file with these columns.
    pub(crate) fn new(out: W, columns: &[Column]) -> io::Result<Self> {
        let fields =
            columns.iter().map(field).collect::<Result<Vec<TypePtr>, _>>().map_err(other)?;
        let schema = Type::group_type_builder("rows").with_fields(fields).build().map_err(other)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("besom ", env!("CARGO_PKG_VERSION")).to_owned());
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties.build()));
        let columns = columns.iter().map(Gathered::new).collect();
        Ok(Self { file: file.map_err(other)?, columns, rows: 0, text_bytes: 0 })
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[Option<Cell<'_>>]) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            self.text_bytes += column.push(*cell)?;
        }
        self.rows += 1;
        if self.rows * self.columns.len() >= GROUP_CELLS || self.text_bytes >= GROUP_BYTES {
            self.group()?;
        }
        Ok(())
    }

    /// Writes the last rows and the footer, and returns the underlying writer.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.group()?;
        }
        self.file.into_inner().map_err(other)
    }

    fn group(&mut self) -> io::Result<()> {
        let mut group = self.file.next_row_group().map_err(other)?;
        for column in &mut self.columns {
            let writer = group.next_column().map_err(other)?;
            let writer = writer
                .ok_or_else(|| io::Error::other("the schema has fewer columns than the table"))?;
            column.write(writer).map_err(other)?;
        }
        group.close().map_err(other)?;
        (self.rows, self.text_bytes) = (0, 0);
        Ok(())
    }
}

fn other(error: ParquetError) -> io::Error {
    match error {
        // The disk's error is returned without Parquet's error around it, because it says more.
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        error => io::Error::other(error),
    }
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Count => (Physical::INT64, Some(LogicalType::integer(64, false))),
        Kind::Whole => (Physical::INT64, None),
        Kind::Float => (Physical::DOUBLE, None),
        Kind::Flag => (Physical::BOOLEAN, None),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
    };
    let repetition = if column.required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    let builder = Type::primitive_type_builder(&column.name, physical);
    Ok(Arc::new(builder.with_repetition(repetition).with_logical_type(logical).build()?))
}

/// A column of the row group that is being gathered.
struct Gathered {
    /// For each row, 1 if it has a value and 0 if not; `None` for a column where every row has one.
    present: Option<Vec<i16>>,
    values: Values,
}

enum Values {
    Whole(Vec<i64>),
    Float(Vec<f64>),
    Flag(Vec<bool>),
    Text(Vec<ByteArray>),
}

impl Gathered {
    fn new(column: &Column) -> Self {
        let values = match column.kind {
            Kind::Count | Kind::Whole | Kind::Time => Values::Whole(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Flag => Values::Flag(Vec::new()),
            Kind::Text => Values::Text(Vec::new()),
        };
        Self { present: (!column.required).then(Vec::new), values }
    }

    /// Adds the cell of the next row and returns its number of text bytes.
    fn push(&mut self, cell: Option<Cell<'_>>) -> io::Result<usize> {
        if let Some(present) = &mut self.present {
            present.push(cell.is_some().into());
        }
        let Some(cell) = cell else { return Ok(0) };
        match (&mut self.values, cell) {
            // Parquet stores an unsigned number as the signed one with the same bits.
            (Values::Whole(values), Cell::Count(number)) => values.push(number as i64),
            (Values::Whole(values), Cell::Time(number) | Cell::Value(ValueRef::I64(number))) => {
                values.push(number);
            }
            (Values::Float(values), Cell::Value(ValueRef::F64(number))) => values.push(number),
            // The conversion is exact: a column is `Kind::Float` only if floats represent all its
            // whole numbers exactly.
            (Values::Float(values), Cell::Value(ValueRef::I64(number))) => {
                values.push(number as f64)
            }
            (Values::Flag(values), Cell::Value(ValueRef::Bool(flag))) => values.push(flag),
            (Values::Text(values), cell) => {
                let text = cell.text();
                values.push(ByteArray::from(text.as_ref()));
                return Ok(text.len());
            }
            _ => return Err(io::Error::other("a value does not have the type of its column")),
        }
        Ok(0)
    }

    /// Writes the gathered cells as the column's part of the row group, and forgets them.
    fn write(&mut self, writer: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let present = self.present.as_deref();
        match &mut self.values {
            Values::Whole(values) => batch::<Int64Type>(writer, values, present),
            Values::Float(values) => batch::<DoubleType>(writer, values, present),
            Values::Flag(values) => batch::<BoolType>(writer, values, present),
            Values::Text(values) => batch::<ByteArrayType>(writer, values, present),
        }?;
        self.present.iter_mut().for_each(Vec::clear);
        Ok(())
    }
}

fn batch<T: DataType>(
    mut writer: SerializedColumnWriter<'_>,
    values: &mut Vec<T::T>,
    present: Option<&[i16]>,
) -> Result<(), ParquetError> {
    writer.typed::<T>().write_batch(values, present, None)?;
    values.clear();
    writer.close()
}
