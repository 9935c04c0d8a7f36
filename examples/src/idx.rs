//! Reads and writes IDX, the format of MNIST's files: a magic number, the dimensions, and then
//! unsigned bytes. Such files are often gzipped. `images` reads files with this module, and
//! `digits` writes them.

use std::{
    fmt,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;

/// The third byte of the magic number. This value says that the elements are unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;
/// The maximum size of an array in bytes, which is more than any data set in this format needs.
/// With this limit, the reader refuses a damaged header that asks for more.
const MOST_BYTES: usize = 4 << 30;

/// An array of bytes with any number of dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The lengths of the dimensions, the outermost first. Their product is the length of `data`.
    pub shape: Vec<usize>,
    /// The elements, in the order in which the last dimension varies fastest.
    pub data: Vec<u8>,
}

/// The reason why a file could not be read.
#[derive(Debug)]
pub struct IdxError {
    /// The path of the file.
    pub path: PathBuf,
    /// The problem with the file.
    pub problem: String,
}

impl fmt::Display for IdxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read `{}`: {}", self.path.display(), self.problem)
    }
}

impl std::error::Error for IdxError {}

impl Idx {
    /// Reads a file. Decompresses it if its name ends in `.gz`.
    pub fn read(path: &Path) -> Result<Self, IdxError> {
        let fail = |problem: String| IdxError { path: path.to_owned(), problem };
        let file = BufReader::new(File::open(path).map_err(|error| fail(error.to_string()))?);
        let zipped = path.extension().is_some_and(|extension| extension == "gz");
        let read = if zipped { Self::parse(GzDecoder::new(file)) } else { Self::parse(file) };
        read.map_err(fail)
    }

    /// Writes the array to an uncompressed file.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        let dimensions = u8::try_from(self.shape.len()).map_err(io::Error::other)?;
        out.write_all(&[0, 0, UNSIGNED_BYTE, dimensions])?;
        for &length in &self.shape {
            out.write_all(&u32::try_from(length).map_err(io::Error::other)?.to_be_bytes())?;
        }
        out.write_all(&self.data)?;
        out.flush()
    }

    fn parse(mut from: impl Read) -> Result<Self, String> {
        let [zero, zero_too, kind, dimensions] = word(&mut from)?;
        if (zero, zero_too) == (0x1f, 0x8b) {
            return Err("it is gzipped; unzip it, or give its name the ending `.gz`".to_owned());
        }
        if (zero, zero_too, kind) != (0, 0, UNSIGNED_BYTE) {
            return Err(format!(
                "it is not an IDX file of bytes: it begins with \
                {zero:02x}{zero_too:02x}{kind:02x}, not 000008"
            ));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let length = u32::from_be_bytes(word(&mut from)?);
            shape.push(usize::try_from(length).map_err(|error| error.to_string())?);
        }
        let length = shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
        let length = length
            .filter(|&length| length <= MOST_BYTES)
            .ok_or(format!("its header has the impossible size {shape:?}"))?;
        let mut data = Vec::new();
        // The function tries to read one byte more than expected, to detect a file that is too
        // long.
        from.take(length as u64 + 1).read_to_end(&mut data).map_err(|error| error.to_string())?;
        match data.len() {
            found if found < length => {
                Err(format!("it is cut short: {shape:?} needs {length} bytes, but it has {found}"))
            }
            found if found > length => Err(format!("it exceeds the {length} bytes of {shape:?}")),
            _ => Ok(Self { shape, data }),
        }
    }
}

fn word(from: &mut impl Read) -> Result<[u8; 4], String> {
    let mut word = [0; 4];
    from.read_exact(&mut word).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends within its header".to_owned(),
        _ => error.to_string(),
    })?;
    Ok(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    fn problem(bytes: &[u8]) -> String {
        Idx::parse(bytes).expect_err("it is wrong")
    }

    #[test]
    fn a_written_file_is_read_back_zipped_or_not() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let idx = Idx { shape: vec![2, 1, 3], data: vec![0, 1, 2, 253, 254, 255] };
        let (plain, zipped) = (folder.path().join("a"), folder.path().join("a.gz"));
        idx.write(&plain)?;
        assert_eq!(Idx::read(&plain)?, idx);
        let mut encoder = GzEncoder::new(File::create(&zipped)?, Compression::fast());
        encoder.write_all(&std::fs::read(&plain)?)?;
        encoder.finish()?;
        assert_eq!(Idx::read(&zipped)?, idx);
        // A browser can save a gzipped file under a name without `.gz`.
        std::fs::rename(&zipped, &plain)?;
        assert!(Idx::read(&plain).expect_err("zipped").to_string().contains("it is gzipped"));
        Ok(())
    }

    #[test]
    fn every_kind_of_damage_has_its_message() {
        assert_eq!(problem(b"\0\0"), "it ends within its header");
        assert_eq!(
            problem(b"<htm"),
            "it is not an IDX file of bytes: it begins with 3c6874, not 000008"
        );
        assert_eq!(
            problem(&[0, 0, 8, 1, 0, 0, 0, 3, 9]),
            "it is cut short: [3] needs 3 bytes, but it has 1"
        );
        assert_eq!(problem(&[0, 0, 8, 1, 0, 0, 0, 1, 9, 9]), "it exceeds the 1 bytes of [1]");
        let huge = [&[0, 0, 8, 3][..], &[255; 12]].concat();
        assert!(
            problem(&huge).starts_with("its header has the impossible size"),
            "{}",
            problem(&huge)
        );
    }
}
