//! Stores blocks on disk between two passes: the first pass finds the columns, the second writes
//! the rows. The temporary file has no name, so nothing of it stays on the disk, however the
//! program ends.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _},
};

use prost::Message as _;
use proto::v1::Block;

/// Stores blocks on disk in the order of their arrival. Only one block is in memory at a time.
pub(crate) struct Spool(BufWriter<File>);

impl Spool {
    /// Creates an empty spool.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(BufWriter::new(tempfile::tempfile()?)))
    }

    /// Stores a block of the run with this index.
    pub(crate) fn push(&mut self, run: u32, block: &Block) -> io::Result<()> {
        self.0.write_all(&run.to_le_bytes())?;
        self.0.write_all(&(block.encoded_len() as u64).to_le_bytes())?;
        self.0.write_all(&block.encode_to_vec())
    }

    /// Returns an iterator over the stored blocks.
    pub(crate) fn into_blocks(self) -> io::Result<Blocks> {
        let mut file = self.0.into_inner()?;
        file.rewind()?;
        Ok(Blocks(BufReader::new(file)))
    }
}

/// The blocks of a [`Spool`].
pub(crate) struct Blocks(BufReader<File>);

impl Blocks {
    /// Returns the next block with the index of its run, or `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u32, Block)>> {
        let (mut run, mut length) = ([0; 4], [0; 8]);
        match self.0.read_exact(&mut run) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        self.0.read_exact(&mut length)?;
        let mut bytes = Vec::new();
        (&mut self.0).take(u64::from_le_bytes(length)).read_to_end(&mut bytes)?;
        Ok(Some((u32::from_le_bytes(run), Block::decode(bytes.as_slice())?)))
    }
}
