//! Defines why a controller does not start. Each cause that a person can act on has its own
//! variant.

use std::{io, net::SocketAddr, path::PathBuf};

/// The reason why a controller does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no token, although other machines can reach the address. The controller would let
    /// in everyone who can connect.
    #[error("refusing to listen on {0} without a token")]
    Open(SocketAddr),
    /// The token can be guessed, although other machines can reach the address.
    #[error("refusing to listen on {0} with a token that can be guessed")]
    Weak(SocketAddr),
    /// There is no TLS, although other machines can reach the address, and nobody has allowed it.
    #[error("refusing to listen on {0} without TLS")]
    Plain(SocketAddr),
    /// The certificate of the port or its key cannot be used.
    #[error("cannot use `{}`: {reason}", .file.display())]
    Certificate {
        /// The file of the certificate or of the key.
        file: PathBuf,
        /// Why the file cannot be used.
        reason: String,
    },
    /// The token has a character that clients cannot send. The number is the place of that
    /// character, counted from 1.
    #[error("character {0} of the token cannot be sent in a header")]
    Token(usize),
    /// The controller cannot listen on the address.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// Another process uses the data folder.
    #[error("another controller uses `{}`", .0.display())]
    InUse(PathBuf),
    /// The database is damaged or missing, or the contents that it names are missing.
    #[error("{reason}")]
    Damaged {
        /// The data folder.
        folder: PathBuf,
        /// What is damaged, in a sentence.
        reason: String,
    },
    /// The command cannot use this folder: it is missing, holds no database, or holds something
    /// that the command must not touch.
    #[error("cannot use `{}`: {reason}", .folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// Why the folder is not fit.
        reason: String,
    },
    /// The folder cannot be used.
    #[error("cannot use `{}`: {reason}", .folder.display())]
    Data {
        /// The folder.
        folder: PathBuf,
        /// Why the folder cannot be used.
        reason: String,
    },
    /// A bug in the controller.
    #[error("{0}")]
    Bug(String),
}
