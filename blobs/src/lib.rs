//! A program's side of files: their hashes, their way to the controller and back, and safely into a
//! folder. Used by the SDK, the agent and the `sweep` command. Trusts no name and no byte that
//! comes over the wire; decides nothing else.

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
