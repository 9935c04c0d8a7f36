//! Decodes the parts of a block into values and rows. The controller's readers call it. The decoder
//! accepts any bytes: it never panics, and the limits of a block bound the memory that it
//! allocates.

use super::{
    COLUMNS, Damaged, Head, Kind, MAX_TEXTS_BYTES, MOST_VALUES, SHAPES, STEPS, WALLS,
    encode::method, pack,
};
use crate::{MAX_FRAME_BYTES, RowRef, ValueRef, varint::Cursor, widen};

/// All values of one column, in the order of their rows.
#[derive(Clone, Debug)]
pub enum Values {
    /// Floats with their exact bits.
    F64(Vec<f64>),
    /// Signed integers.
    I64(Vec<i64>),
    /// Unsigned integers too large for `I64`.
    U64(Vec<u64>),
    /// Booleans.
    Bool(Vec<bool>),
    /// The texts or JSON values, one after the other, and the byte offset at which each ends.
    Text(String, Vec<usize>),
}

impl Head {
    /// Returns the steps of all rows.
    ///
    /// # Errors
    /// Fails with [`Damaged`] if the bytes are not the part that holds this block's steps.
    pub fn read_steps(&self, part: &[u8]) -> Result<Vec<u64>, Damaged> {
        self.packed(STEPS, part, pack::get_second_differences)
    }

    /// Returns the wall times of all rows, in milliseconds since the epoch.
    ///
    /// # Errors
    /// Fails with [`Damaged`] if the bytes are not the part that holds this block's wall times.
    pub fn read_walls(&self, part: &[u8]) -> Result<Vec<i64>, Damaged> {
        let walls = self.packed(WALLS, part, pack::get_second_differences)?;
        Ok(walls.into_iter().map(u64::cast_signed).collect())
    }

    /// Returns the values of the column `columns[place]`.
    ///
    /// # Errors
    /// Fails with [`Damaged`] if there is no such column, or if the bytes are not its part.
    pub fn read_column(&self, place: usize, part: &[u8]) -> Result<Values, Damaged> {
        let column = self.columns.get(place).ok_or(Damaged("the block has no such column"))?;
        self.verify(COLUMNS + place, part)?;
        let mut cursor = Cursor(part);
        let values =
            values(column.kind, column.count, &mut cursor).ok_or(Damaged("a column is invalid"))?;
        if cursor.0.is_empty() { Ok(values) } else { Err(Damaged("bytes follow a column")) }
    }

    /// Returns, for each value of the column `columns[place]`, the number of its row in the block,
    /// from 0. Returns `None` if every row holds exactly one value of the column.
    ///
    /// # Errors
    /// Fails with [`Damaged`] if there is no such column, or if `shapes` is not the part that holds
    /// this block's shapes.
    pub fn rows_of(&self, place: usize, shapes: &[u8]) -> Result<Option<Vec<u32>>, Damaged> {
        let column = self.columns.get(place).ok_or(Damaged("the block has no such column"))?;
        if self.is_in_every_row(place) {
            return Ok(None);
        }
        let holds = self.holds(place);
        let mut rows = Vec::with_capacity(column.count);
        for (row, shape) in self.read_shapes(shapes)?.into_iter().enumerate() {
            let times = holds.get(shape).ok_or(Damaged("a row has an unknown shape"))?;
            if rows.len() + times > column.count {
                return Err(Damaged("the count of a column is wrong"));
            }
            rows.extend(std::iter::repeat_n(row as u32, *times));
        }
        if rows.len() == column.count {
            Ok(Some(rows))
        } else {
            Err(Damaged("the count of a column is wrong"))
        }
    }

    /// Returns whether every row holds exactly one value of the column `columns[place]`. The
    /// function needs no part of the block, only the head.
    pub fn is_in_every_row(&self, place: usize) -> bool {
        let is_whole = self.columns.get(place).is_some_and(|column| column.count == self.rows);
        is_whole && self.holds(place).iter().all(|times| *times == 1)
    }

    /// Returns, for each shape, how many values of the column `columns[place]` a row of that shape
    /// holds.
    fn holds(&self, place: usize) -> Vec<usize> {
        let times = |shape: &Vec<u32>| shape.iter().filter(|&&held| held as usize == place).count();
        self.shapes.iter().map(times).collect()
    }

    fn read_shapes(&self, part: &[u8]) -> Result<Vec<usize>, Damaged> {
        let shapes = self.packed(SHAPES, part, pack::get)?;
        Ok(shapes.into_iter().map(|shape| usize::try_from(shape).unwrap_or(usize::MAX)).collect())
    }

    fn packed(
        &self,
        place: usize,
        part: &[u8],
        get: fn(&mut Cursor<'_>, usize) -> Option<Vec<u64>>,
    ) -> Result<Vec<u64>, Damaged> {
        self.verify(place, part)?;
        let mut cursor = Cursor(part);
        get(&mut cursor, self.rows)
            .filter(|_| cursor.0.is_empty())
            .ok_or(Damaged("the numbers of the rows are invalid"))
    }

    fn verify(&self, place: usize, part: &[u8]) -> Result<(), Damaged> {
        match self.parts.get(place) {
            Some((length, check))
                if part.len() as u64 == *length && crc32c::crc32c(part) == *check =>
            {
                Ok(())
            }
            _ => Err(Damaged("the checksum of a part is wrong")),
        }
    }
}

impl Values {
    /// Returns the value at index `at`. `kind` says whether a text is plain text or JSON.
    fn get(&self, kind: Kind, at: usize) -> Option<ValueRef<'_>> {
        Some(match self {
            Self::F64(numbers) => ValueRef::F64(*numbers.get(at)?),
            Self::I64(numbers) => ValueRef::I64(*numbers.get(at)?),
            Self::U64(numbers) => ValueRef::U64(*numbers.get(at)?),
            Self::Bool(flags) => ValueRef::Bool(*flags.get(at)?),
            Self::Text(texts, ends) => {
                let start = at.checked_sub(1).map_or(0, |before| ends[before]);
                let text = texts.get(start..*ends.get(at)?)?;
                if kind == Kind::Json { ValueRef::Json(text) } else { ValueRef::Text(text) }
            }
        })
    }
}

/// Passes the rows of a block to `show` in order. `parts` are the block's parts in order. If the
/// part of a column is `None`, `show` gets the rows without the values of that column.
///
/// # Errors
/// Fails with [`Damaged`] if a part does not belong to this block, or if the part of the steps, the
/// wall times or the shapes is missing. `show` can have received some rows before the failure.
pub fn each(
    head: &Head,
    parts: &[Option<&[u8]>],
    mut show: impl FnMut(RowRef<'_>),
) -> Result<(), Damaged> {
    let part = |place: usize| parts.get(place).copied().flatten();
    let need = |place: usize| part(place).ok_or(Damaged("a part is missing"));
    let (steps, walls) = (head.read_steps(need(STEPS)?)?, head.read_walls(need(WALLS)?)?);
    let shapes = head.read_shapes(need(SHAPES)?)?;
    let columns = (0..head.columns.len())
        .map(|place| part(COLUMNS + place).map(|part| head.read_column(place, part)).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    let (mut next, mut values, mut left) = (vec![0; columns.len()], Vec::new(), MOST_VALUES);
    for ((step, wall_ms), shape) in steps.into_iter().zip(walls).zip(shapes) {
        let shape = head.shapes.get(shape).ok_or(Damaged("a row has an unknown shape"))?;
        left = left.checked_sub(shape.len()).ok_or(Damaged("the block has too many values"))?;
        values.clear();
        for place in shape {
            let place = *place as usize;
            let Some(column) = columns.get(place).and_then(Option::as_ref) else { continue };
            let meta = &head.columns[place];
            let value =
                column.get(meta.kind, next[place]).ok_or(Damaged("a column has too few values"))?;
            next[place] += 1;
            values.push((meta.key.as_str(), value));
        }
        show(RowRef { step, wall_ms, values: &values });
    }
    Ok(())
}

fn values(kind: Kind, count: usize, cursor: &mut Cursor<'_>) -> Option<Values> {
    Some(match kind {
        Kind::F64 => {
            let method = *cursor.bytes(1)?.first()?;
            let bits = pack::get_differences(cursor, count)?;
            let numbers = bits.into_iter();
            Values::F64(match method {
                method::F64 => numbers.map(f64::from_bits).collect(),
                method::F32_DECIMAL => {
                    numbers.map(|bits| widen(f32::from_bits(bits as u32))).collect()
                }
                method::F32 => numbers.map(|bits| f64::from(f32::from_bits(bits as u32))).collect(),
                _ => return None,
            })
        }
        Kind::I64 => Values::I64(
            pack::get_differences(cursor, count)?.into_iter().map(u64::cast_signed).collect(),
        ),
        Kind::U64 => Values::U64(pack::get_differences(cursor, count)?),
        Kind::Bool => {
            Values::Bool(pack::get(cursor, count)?.into_iter().map(|flag| flag != 0).collect())
        }
        Kind::Text | Kind::Json => texts(count, cursor)?,
    })
}

fn texts(count: usize, cursor: &mut Cursor<'_>) -> Option<Values> {
    let lengths = pack::get(cursor, count)?;
    let method = *cursor.bytes(1)?.first()?;
    let length = usize::try_from(cursor.varint()?).ok()?;
    // The texts of several rows have at most `MAX_TEXTS_BYTES`. The texts of a single row fit into
    // a frame.
    if length > MAX_TEXTS_BYTES.max(MAX_FRAME_BYTES) {
        return None;
    }
    let rest = cursor.bytes(cursor.0.len())?;
    let bytes = match method {
        method::PLAIN => rest.to_vec(),
        method::LZ4 => lz4_flex::block::decompress(rest, length).ok()?,
        _ => return None,
    };
    let texts = String::from_utf8(bytes).ok().filter(|texts| texts.len() == length)?;
    let mut end = 0_usize;
    let mut ends = Vec::with_capacity(count);
    for length in lengths {
        end = end.checked_add(usize::try_from(length).ok()?)?;
        ends.push(end);
    }
    (end == length && ends.iter().all(|end| texts.is_char_boundary(*end)))
        .then_some(Values::Text(texts, ends))
}
