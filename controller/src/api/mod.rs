//! The doors: each speaks one protocol and decides nothing. Called by the server in `lib.rs`. Never
//! sees the store.

pub(crate) mod caller;
pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod local;
