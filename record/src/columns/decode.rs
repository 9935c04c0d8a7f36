//! From a block's parts to values and rows. Called by the controller's readers. Takes any bytes: it
//! never panics, and what it allocates is bounded by the limits of a block.

use super::{
    COLUMNS, Damaged, Head, Kind, MAX_TEXTS_BYTES, MOST_VALUES, SHAPES, STEPS, WALLS,
    encode::method, pack,
};
use crate::{MAX_FRAME_BYTES, RowRef, ValueRef, varint::Cursor, widen};

/// All values of one column, in the order of their rows.
#[derive(Clone, Debug)]
pub enum Values {
    /// Floats, with their bits.
    F64(Vec<f64>),
    /// Integers.
    I64(Vec<i64>),
    /// Integers beyond those.
    U64(Vec<u64>),
    /// Booleans.
    Bool(Vec<bool>),
    /// Texts or JSON, one after the other, with where each ends.
    Text(String, Vec<usize>),
}

impl Head {
    /// The steps of all rows.
    ///
    /// # Errors
    /// [`Damaged`] when the bytes are not this block's steps.
    pub fn read_steps(&self, part: &[u8]) -> Result<Vec<u64>, Damaged> {
        self.packed(STEPS, part, pack::get_second_differences)
    }

    /// The wall times of all rows, in milliseconds since the epoch.
    ///
    /// # Errors
    /// [`Damaged`] when the bytes are not this block's wall times.
    pub fn read_walls(&self, part: &[u8]) -> Result<Vec<i64>, Damaged> {
        let walls = self.packed(WALLS, part, pack::get_second_differences)?;
        Ok(walls.into_iter().map(u64::cast_signed).collect())
    }

    /// The values of the column at this place.
    ///
    /// # Errors
    /// [`Damaged`] when the bytes are not this column.
    pub fn read_column(&self, place: usize, part: &[u8]) -> Result<Values, Damaged> {
        let column = self.columns.get(place).ok_or(Damaged("no such column"))?;
        self.verify(COLUMNS + place, part)?;
        let mut cursor = Cursor(part);
        let values =
            values(column.kind, column.count, &mut cursor).ok_or(Damaged("a wrong column"))?;
        if cursor.0.is_empty() { Ok(values) } else { Err(Damaged("more than a column")) }
    }

    /// The rows that hold the column at this place, one for each of its values; `None` when that is
    /// each row once.
    ///
    /// # Errors
    /// [`Damaged`] when the bytes are not this block's shapes.
    pub fn rows_of(&self, place: usize, shapes: &[u8]) -> Result<Option<Vec<u32>>, Damaged> {
        let column = self.columns.get(place).ok_or(Damaged("no such column"))?;
        if self.is_in_every_row(place) {
            return Ok(None);
        }
        let holds = self.holds(place);
        let mut rows = Vec::with_capacity(column.count);
        for (row, shape) in self.read_shapes(shapes)?.into_iter().enumerate() {
            let times = holds.get(shape).ok_or(Damaged("an unknown shape"))?;
            if rows.len() + times > column.count {
                return Err(Damaged("a wrong count"));
            }
            rows.extend(std::iter::repeat_n(row as u32, *times));
        }
        if rows.len() == column.count { Ok(Some(rows)) } else { Err(Damaged("a wrong count")) }
    }

    /// Each row holds one value of the column at this place, as the head alone says.
    pub fn is_in_every_row(&self, place: usize) -> bool {
        let is_whole = self.columns.get(place).is_some_and(|column| column.count == self.rows);
        is_whole && self.holds(place).iter().all(|times| *times == 1)
    }

    /// How many values of a column a row of each shape holds.
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
            .ok_or(Damaged("wrong numbers of rows"))
    }

    fn verify(&self, place: usize, part: &[u8]) -> Result<(), Damaged> {
        match self.parts.get(place) {
            Some((length, check))
                if part.len() as u64 == *length && crc32c::crc32c(part) == *check =>
            {
                Ok(())
            }
            _ => Err(Damaged("a part with a wrong checksum")),
        }
    }
}

impl Values {
    /// The value at this place, as the kind of its column says.
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

/// Shows the rows of a block in order. `parts` are its parts in order; where that of a column is
/// `None`, its values are left out, and rows that hold nothing else are shown empty.
///
/// # Errors
/// [`Damaged`] when a part is not this block's; the rows before that may have been shown.
pub fn each(
    head: &Head,
    parts: &[Option<&[u8]>],
    mut show: impl FnMut(RowRef<'_>),
) -> Result<(), Damaged> {
    let part = |place: usize| parts.get(place).copied().flatten();
    let need = |place: usize| part(place).ok_or(Damaged("a missing part"));
    let (steps, walls) = (head.read_steps(need(STEPS)?)?, head.read_walls(need(WALLS)?)?);
    let shapes = head.read_shapes(need(SHAPES)?)?;
    let columns = (0..head.columns.len())
        .map(|place| part(COLUMNS + place).map(|part| head.read_column(place, part)).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    let (mut next, mut values, mut left) = (vec![0; columns.len()], Vec::new(), MOST_VALUES);
    for ((step, wall_ms), shape) in steps.into_iter().zip(walls).zip(shapes) {
        let shape = head.shapes.get(shape).ok_or(Damaged("an unknown shape"))?;
        left = left.checked_sub(shape.len()).ok_or(Damaged("too many values"))?;
        values.clear();
        for place in shape {
            let place = *place as usize;
            let Some(column) = columns.get(place).and_then(Option::as_ref) else { continue };
            let meta = &head.columns[place];
            let value = column.get(meta.kind, next[place]).ok_or(Damaged("too few values"))?;
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
    // A single row may have more than the limit, as much as its frame.
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
