//! Hashes files, sends them to the controller and fetches them back, and writes them safely into a
//! folder. The SDK, the agent and the `sweep` command use it. The crate trusts no name and no byte
//! that comes over the wire, and decides nothing else.

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
