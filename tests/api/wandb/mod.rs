//! Tests the protocol of W&B's client: who may do what, what comes twice, and what is too much. The
//! folder tests/wandb has the tests with the client itself.

mod agents;
mod artifacts;
pub(crate) mod http;
mod lines;
mod rights;
mod storage;
mod teams;
mod too_much;
