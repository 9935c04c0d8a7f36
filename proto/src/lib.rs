//! Defines the wire: messages and services generated from `wire/*.proto`, [`dial`], the only way to
//! reach a controller, and [`folder`], which keeps calls on a disk until they can be made. Every
//! program of Besom uses this crate. The crate makes no decision.

pub mod dial;
pub mod folder;

/// The code generated from `wire/*.proto`. The comments in those files document it.
#[allow(missing_docs, clippy::all, clippy::too_many_lines)]
pub mod v1 {
    tonic::include_proto!("besom.v1");
}

/// The encoded descriptors of all services, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/besom.bin"));
