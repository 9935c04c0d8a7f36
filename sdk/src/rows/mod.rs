//! Carries rows from `log` into memory, onto the disk and to the controller. Also makes the rows of
//! the console and of the system metrics, which need no call of the program.

pub(crate) mod console;
pub(crate) mod cursor;
pub(crate) mod journal;
pub(crate) mod row_buffer;
pub(crate) mod sender;
pub(crate) mod stream_file;
pub(crate) mod system;
