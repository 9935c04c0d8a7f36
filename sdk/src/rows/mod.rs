//! The way of a row: into memory, onto the disk, to the controller; and the rows that come without
//! being asked for.

pub(crate) mod console;
pub(crate) mod cursor;
pub(crate) mod journal;
pub(crate) mod row_buffer;
pub(crate) mod sender;
pub(crate) mod stream_file;
pub(crate) mod system;
