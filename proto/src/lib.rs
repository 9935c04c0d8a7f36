//! The wire and nothing else: messages and services generated from `wire/*.proto`, [`dial`], the
//! one way to reach a controller, and [`folder`], calls that wait on a disk. Used by every program;
//! never holds a decision.

pub mod dial;
pub mod folder;

/// Everything generated from `wire/*.proto`; its documentation is there.
#[allow(missing_docs, clippy::all, clippy::too_many_lines)]
pub mod v1 {
    tonic::include_proto!("besom.v1");
}

/// The encoded descriptors of all services, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/besom.bin"));
