//! Why a controller does not start: what a person can do something about, each for itself.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why a controller does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Everybody who can connect would be let in.
    #[error("refusing to listen on {0} without a token")]
    Open(SocketAddr),
    /// The token can be guessed.
    #[error("refusing to listen on {0} with a token that can be guessed")]
    Weak(SocketAddr),
    /// The token cannot be sent by a client.
    #[error("character {0} of the token cannot be sent in a header")]
    Token(usize),
    /// The port cannot be had.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// Somebody else works in the folder.
    #[error("another controller uses `{}`", .0.display())]
    InUse(PathBuf),
    /// What is in the folder is damaged.
    #[error("{reason}")]
    Damaged {
        /// Which folder.
        folder: PathBuf,
        /// What is damaged, in a sentence.
        reason: String,
    },
    /// The folder is not one for this.
    #[error("cannot use `{}`: {reason}", .folder.display())]
    NoFolder {
        /// Which.
        folder: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The folder cannot be used.
    #[error("cannot use `{}`: {reason}", .folder.display())]
    Data {
        /// Which.
        folder: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Ours to repair.
    #[error("{0}")]
    Bug(String),
}
