//! Carries rows into memory, onto the disk and to the controller, and makes the rows that need no
//! call: the console and the system metrics.

pub(crate) mod console;
pub(crate) mod cursor;
pub(crate) mod journal;
pub(crate) mod row_buffer;
pub(crate) mod sender;
pub(crate) mod stream_file;
pub(crate) mod system;
