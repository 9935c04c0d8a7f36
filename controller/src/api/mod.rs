//! Contains the servers: each speaks one protocol and decides nothing. `lib.rs`, `copy.rs` and
//! `port` call them. They never see the store.

pub(crate) mod caller;
mod content;
pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod local;
mod origin;
pub(crate) mod wandb;
pub(crate) mod web;
