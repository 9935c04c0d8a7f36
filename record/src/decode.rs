//! Decodes frames into rows. Every reader of a journal or of an append calls it: the controller,
//! the senders of the agent and of the SDK, and the `sweep` command. The decoder accepts any bytes:
//! it never panics. [`Frame::each`] allocates at most about a hundred times the size of its frame.
//! [`rows`] can allocate several hundred times the size, because it copies the key of every value.

use crate::{
    HEADER_BYTES, MAX_FRAME_BYTES, MAX_FRAME_ROWS, MAX_KEY_BYTES, MAX_TEXT_BYTES, Row, RowRef,
    VERSION, ValueRef, Writer, encode::tag, varint::Cursor,
};

/// The minimum size of a row in bytes: one each for the step, `wall_ms` and the number of values.
const LEAST_ROW_BYTES: u64 = 3;

/// A reason why bytes are not a sequence of frames.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// The last frame is cut off: the bytes end within it, or only zeros are left. A file system
    /// can leave zeros after a power loss. All frames before `at` are whole.
    #[error("the bytes end within the frame that begins at byte {at}")]
    Torn {
        /// The offset of the frame that is cut off, in bytes.
        at: usize,
    },
    /// A checksum, the version or the structure is wrong.
    #[error("the frame at byte {at} is damaged: {reason}")]
    Bad {
        /// The offset of the bad frame in bytes.
        at: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

impl Corrupt {
    /// Returns the offset of the torn or bad frame in bytes. All frames before that offset are
    /// whole.
    pub fn at(&self) -> usize {
        match self {
            Self::Torn { at } | Self::Bad { at, .. } => *at,
        }
    }
}

/// Returns an iterator over the frames in `bytes`. The iterator verifies the checksums, and ends
/// after the first error.
pub fn frames(bytes: &[u8]) -> Frames<'_> {
    Frames { bytes, at: 0 }
}

/// Decodes all rows of a sequence of frames. Every row has its own copies of its keys and texts;
/// [`Frame::each`] copies nothing.
///
/// # Errors
/// Fails with [`Corrupt`] at the first frame that is torn or bad.
pub fn rows(bytes: &[u8]) -> Result<Vec<Row>, Corrupt> {
    let mut rows = Vec::new();
    for frame in frames(bytes) {
        frame?.each(|row| rows.push(row.to_row()))?;
    }
    Ok(rows)
}

/// Returns the number of bytes and the number of rows in the whole frames at the front of `bytes`.
/// A caller uses this function to read a journal whose writer was killed or is still writing. The
/// function stops at a torn frame, and at a damaged frame that is not the first.
///
/// # Errors
/// Fails with [`Corrupt::Bad`] if the first frame is damaged.
pub fn whole(bytes: &[u8]) -> Result<(usize, u64), Corrupt> {
    let (mut end, mut rows) = (0, 0);
    for frame in frames(bytes) {
        match frame {
            Ok(frame) => (end, rows) = (end + frame.bytes().len(), rows + frame.rows()),
            Err(damage @ Corrupt::Bad { .. }) if end == 0 => return Err(damage),
            Err(_) => break,
        }
    }
    Ok((end, rows))
}

/// Adds up the numbers of rows that the frames declare. The function verifies the checksums but
/// does not decode the rows.
///
/// # Errors
/// Fails with [`Corrupt`] at the first frame that is torn or bad.
pub fn count(bytes: &[u8]) -> Result<u64, Corrupt> {
    frames(bytes).try_fold(0, |rows, frame| Ok(rows + frame?.rows()))
}

/// Returns a sequence of frames without the first `skip` rows of the whole sequence. The result is
/// empty if no rows are left. A caller uses this when the controller has already stored the first
/// rows of an append.
///
/// # Errors
/// Fails with [`Corrupt`] if a frame is torn or bad, up to the frame of the first row that is left.
/// The function copies the bytes behind that frame without a check.
pub fn skip(bytes: &[u8], mut skip: u64) -> Result<Vec<u8>, Corrupt> {
    for frame in frames(bytes) {
        let frame = frame?;
        if skip >= frame.rows() {
            skip -= frame.rows();
            continue;
        }
        if skip == 0 {
            return Ok(bytes[frame.at..].to_vec());
        }
        let (mut out, mut writer, mut index) = (Vec::new(), Writer::default(), 0);
        frame.each(|row| {
            if index >= skip {
                writer.row(row.step, row.wall_ms, row.values.iter().copied(), &mut out);
            }
            index += 1;
        })?;
        writer.flush(&mut out);
        out.extend_from_slice(&bytes[frame.at + frame.bytes.len()..]);
        return Ok(out);
    }
    Ok(Vec::new())
}

/// The iterator over frames that [`frames`] returns.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.bytes.len() {
            return None;
        }
        let frame = parse(self.bytes, self.at);
        self.at = frame.as_ref().map_or(self.bytes.len(), |frame| self.at + frame.bytes.len());
        Some(frame)
    }
}

/// One frame whose checksums were verified.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    at: usize,
    bytes: &'a [u8],
    rows: u64,
}

impl<'a> Frame<'a> {
    /// Returns the whole frame, header included.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the number of rows that the frame declares. Only [`Frame::each`] checks that the
    /// frame contains so many.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Passes every row to `show` in order. The rows borrow their keys and texts from the frame.
    ///
    /// # Errors
    /// Fails with [`Corrupt::Bad`] if the structure is wrong. `show` has then already received the
    /// rows before the place of the error.
    pub fn each(&self, mut show: impl FnMut(RowRef<'_>)) -> Result<(), Corrupt> {
        let bad = |reason| Corrupt::Bad { at: self.at, reason };
        let mut cursor = Cursor(&self.bytes[HEADER_BYTES..]);
        cursor.varint().ok_or(bad("the number of rows is missing"))?;
        let keys = keys(&mut cursor).ok_or(bad("the table of keys is invalid"))?;
        let (mut step, mut wall_ms, mut values) = (0_u64, 0_i64, Vec::with_capacity(keys.len()));
        for _ in 0..self.rows {
            values.clear();
            let (steps, walls) =
                row(&mut cursor, &keys, &mut values).ok_or(bad("a row is invalid"))?;
            step = step.wrapping_add(steps as u64);
            wall_ms = wall_ms.wrapping_add(walls);
            show(RowRef { step, wall_ms, values: &values });
        }
        if cursor.0.is_empty() { Ok(()) } else { Err(bad("bytes follow the last row")) }
    }
}

/// Parses the frame at offset `at`. At least one byte must follow that offset.
fn parse(all: &[u8], at: usize) -> Result<Frame<'_>, Corrupt> {
    let bad = |reason| Corrupt::Bad { at, reason };
    let bytes = &all[at..];
    if bytes[0] != VERSION {
        // No frame begins with 0, so zeros up to the end are a torn tail.
        let zeros = bytes.iter().all(|byte| *byte == 0);
        return Err(if zeros { Corrupt::Torn { at } } else { bad("the version is unknown") });
    }
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Err(Corrupt::Torn { at });
    };
    let word = |from: usize| {
        u32::from_le_bytes([header[from], header[from + 1], header[from + 2], header[from + 3]])
    };
    if crc32c::crc32c(&header[..9]) != word(9) {
        return Err(bad("the checksum of the header is wrong"));
    }
    let length = word(1) as usize;
    if length > MAX_FRAME_BYTES - HEADER_BYTES {
        return Err(bad("the length is over the limit"));
    }
    let Some(body) = bytes[HEADER_BYTES..].get(..length) else { return Err(Corrupt::Torn { at }) };
    if crc32c::crc32c(body) != word(5) {
        return Err(bad("the checksum of the body is wrong"));
    }
    let mut cursor = Cursor(body);
    let rows = cursor.varint().ok_or(bad("the number of rows is missing"))?;
    // Some callers use this count and never decode the rows, so an impossible count is refused
    // here.
    if rows == 0 || rows > MAX_FRAME_ROWS || rows > cursor.0.len() as u64 / LEAST_ROW_BYTES {
        return Err(bad("the number of rows is impossible"));
    }
    Ok(Frame { at, bytes: &bytes[..HEADER_BYTES + length], rows })
}

fn keys<'a>(cursor: &mut Cursor<'a>) -> Option<Vec<&'a str>> {
    let count = cursor.varint()?;
    // The capacity is at most 64, so that a wrong count cannot allocate much memory. Most frames
    // have fewer than 64 keys.
    let mut keys = Vec::with_capacity(usize::try_from(count).ok()?.min(64));
    for _ in 0..count {
        keys.push(cursor.text(MAX_KEY_BYTES)?);
    }
    Some(keys)
}

/// Decodes one row's values into `values`. Returns the differences of the step and of `wall_ms`
/// from the row before; `None` if the row is invalid.
fn row<'a>(
    cursor: &mut Cursor<'a>,
    keys: &[&'a str],
    values: &mut Vec<(&'a str, ValueRef<'a>)>,
) -> Option<(i64, i64)> {
    let (steps, walls, count) = (cursor.signed()?, cursor.signed()?, cursor.varint()?);
    for _ in 0..count {
        let head = cursor.varint()?;
        let key = *keys.get(usize::try_from(head >> 3).ok()?)?;
        let value = match head & 7 {
            tag::F64 => ValueRef::F64(cursor.f64()?),
            tag::I64 => ValueRef::I64(cursor.signed()?),
            tag::U64 => ValueRef::U64(cursor.varint()?),
            tag::FALSE => ValueRef::Bool(false),
            tag::TRUE => ValueRef::Bool(true),
            tag::TEXT => ValueRef::Text(cursor.text(MAX_TEXT_BYTES)?),
            tag::JSON => ValueRef::Json(cursor.text(MAX_TEXT_BYTES)?),
            _ => return None,
        };
        values.push((key, value));
    }
    Some((steps, walls))
}
