//! Hashes files, sends them to the controller and fetches them back, and writes them safely into a
//! folder. The SDK, the agent and the `sweep` command use this crate. It checks every path and
//! every content that comes over the wire. Its callers decide which files to move and when to try
//! again.

mod cache;
pub mod fetch;
mod folder;
mod hash;
mod named;
mod wire;

pub use cache::Cache;
pub use folder::{Folder, NewFile};
pub use hash::{Hashed, Hasher, copy, of_file};
pub use named::{ROWS_BYTES, batch, piece};
pub use wire::{Trouble, download, missing, upload, upload_named};
