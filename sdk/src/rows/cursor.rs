//! Reads a journal file frame by frame. `StreamFile` uses this module to find the end of a file
//! that has rows already. The sender has one cursor per stream, which points to the row that the
//! controller wants next. When the run ends, a cursor also reads the frames in memory that the disk
//! has not taken. A cursor never writes.

use std::{fs::File, io, os::unix::fs::FileExt as _, sync::Arc};

use record::{Corrupt, MAX_FRAME_BYTES};

/// A place in a journal file: the start of a frame, or the end of the last frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of bytes before the place.
    pub(crate) bytes: u64,
    /// The number of rows before the place.
    pub(crate) rows: u64,
}

/// Returns the file's bytes from `place` up to `end`, but at most [`MAX_FRAME_BYTES`].
pub(crate) fn read(file: &File, place: Place, end: u64) -> io::Result<Vec<u8>> {
    let length = end.saturating_sub(place.bytes).min(MAX_FRAME_BYTES as u64) as usize;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, place.bytes)?;
    Ok(bytes)
}

/// Returns the place where the last whole frame in `bytes` ends. `bytes` begins at `place`. Frames
/// that reach beyond row `until` do not count.
fn whole(bytes: &[u8], mut place: Place, until: u64) -> io::Result<Place> {
    for frame in record::frames(bytes) {
        match frame {
            Ok(frame) if place.rows + frame.rows() <= until => {
                place.bytes += frame.bytes().len() as u64;
                place.rows += frame.rows();
            }
            Ok(_) | Err(Corrupt::Torn { .. }) => break,
            Err(corrupt @ Corrupt::Bad { .. }) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, corrupt));
            }
        }
    }
    Ok(place)
}

/// The journal file of one stream, with the position up to which the controller has the rows.
#[derive(Debug)]
pub(crate) struct Cursor {
    file: File,
    place: Place,
    /// The row that the controller wants next: usually the first row of the frame at `place`,
    /// sometimes a later one.
    next: u64,
    /// The place where the frames of the last [`Cursor::piece`] ended.
    sent: Place,
    /// The frames in memory that follow the file's frames after the end of the run, with the number
    /// of bytes before them.
    rest: Option<(u64, Arc<[u8]>)>,
}

impl Cursor {
    pub(crate) fn new(file: File) -> Self {
        Self { file, place: Place::default(), next: 0, sent: Place::default(), rest: None }
    }

    /// Adds frames in memory that follow the first `end` bytes of the file. The file must not grow
    /// after this call.
    pub(crate) fn follow(&mut self, end: u64, rest: &Arc<[u8]>) {
        if !rest.is_empty() {
            self.rest = Some((end, Arc::clone(rest)));
        }
    }

    /// Returns the size of all frames of the stream, in bytes: the `end` bytes of the file, plus
    /// the frames that are only in memory.
    pub(crate) fn end(&self, end: u64) -> u64 {
        self.rest.as_ref().map_or(end, |(before, rest)| before + rest.len() as u64)
    }

    fn read(&self, place: Place, end: u64) -> io::Result<Vec<u8>> {
        let Some((before, rest)) = &self.rest else { return read(&self.file, place, end) };
        match place.bytes.checked_sub(*before) {
            // No frame lies partly in the file and partly in memory.
            None => read(&self.file, place, *before),
            Some(from) => {
                let rest = rest.get(from as usize..).unwrap_or_default();
                Ok(rest[..rest.len().min(MAX_FRAME_BYTES)].to_vec())
            }
        }
    }

    /// Returns the row that the controller wants next.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Returns the byte at which the frame of the next row begins.
    pub(crate) fn at(&self) -> u64 {
        self.place.bytes
    }

    /// Returns the whole frames to send next: from row [`Cursor::next`] up to byte `end` of the
    /// file, but at most about [`MAX_FRAME_BYTES`]. The frames that are only in memory follow after
    /// that byte. The result is empty if the controller has everything.
    pub(crate) fn piece(&mut self, end: u64) -> io::Result<Vec<u8>> {
        let mut bytes = self.read(self.place, end)?;
        self.sent = whole(&bytes, self.place, u64::MAX)?;
        bytes.truncate((self.sent.bytes - self.place.bytes) as usize);
        if self.next == self.place.rows {
            return Ok(bytes);
        }
        let piece = record::skip(&bytes, self.next - self.place.rows);
        piece.map_err(|corrupt| io::Error::new(io::ErrorKind::InvalidData, corrupt))
    }

    /// Moves the cursor to row `next`. Returns false if the journal has fewer than `next` rows: in
    /// this case, the controller has rows that are not from this journal.
    pub(crate) fn seek(&mut self, next: u64, end: u64) -> io::Result<bool> {
        if next == self.sent.rows {
            self.place = self.sent;
        } else if next < self.place.rows {
            self.place = Place::default();
        }
        self.next = next;
        while self.place.rows < next {
            let bytes = self.read(self.place, end)?;
            let place = whole(&bytes, self.place, next)?;
            if place == self.place {
                // Either `next` lies within the frame that begins here, or the journal ends here.
                return Ok(whole(&bytes, place, u64::MAX)?.rows > next);
            }
            self.place = place;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use record::{Row, Value, Writer};

    use super::*;

    fn journal(frames: u64, rows: u64) -> (File, u64) {
        let (mut bytes, mut writer) = (Vec::new(), Writer::default());
        for frame in 0..frames {
            let row = |row| Row {
                step: frame * rows + row,
                wall_ms: 0,
                values: vec![("a".to_owned(), Value::I64(1))],
            };
            writer.frame(&(0..rows).map(row).collect::<Vec<_>>(), &mut bytes);
        }
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        (file, bytes.len() as u64)
    }

    #[test]
    fn every_row_can_be_the_next() {
        let (file, end) = journal(4, 3);
        let mut cursor = Cursor::new(file);
        for next in [0, 1, 2, 3, 11, 12, 5, 0, 7] {
            assert!(cursor.seek(next, end).unwrap());
            let rows = record::rows(&cursor.piece(end).unwrap()).unwrap();
            assert_eq!(
                rows.iter().map(|row| row.step).collect::<Vec<_>>(),
                (next..12).collect::<Vec<_>>()
            );
        }
        assert!(!cursor.seek(13, end).unwrap());
    }

    #[test]
    fn frames_that_the_disk_never_took_follow_the_file() {
        let (file, end) = journal(4, 3);
        let mut bytes = vec![0; end as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        let kept = end / 2;
        assert_eq!(record::count(&bytes[..kept as usize]), Ok(6));
        let mut cursor = Cursor::new(file);
        cursor.follow(kept, &bytes[kept as usize..].into());
        assert_eq!(cursor.end(kept), end);
        for next in [0, 4, 6, 8, 12, 3] {
            assert!(cursor.seek(next, kept).unwrap());
            let mut at = next;
            while at < 12 {
                let rows = record::rows(&cursor.piece(kept).unwrap()).unwrap();
                assert_eq!(rows[0].step, at);
                at += rows.len() as u64;
                assert!(cursor.seek(at, kept).unwrap());
            }
            assert!(cursor.piece(kept).unwrap().is_empty());
        }
        assert!(!cursor.seek(13, kept).unwrap());
    }

    #[test]
    fn a_long_journal_goes_out_in_pieces() {
        let (file, end) = journal(50, 20_000);
        let (mut cursor, mut rows, mut pieces) = (Cursor::new(file), 0, 0);
        loop {
            let piece = cursor.piece(end).unwrap();
            if piece.is_empty() {
                break;
            }
            assert!(piece.len() <= MAX_FRAME_BYTES);
            rows += record::count(&piece).unwrap();
            pieces += 1;
            assert!(cursor.seek(rows, end).unwrap());
        }
        assert_eq!(rows, 1_000_000);
        assert!(pieces > 3);
    }
}
