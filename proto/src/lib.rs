//! Defines the wire between Besom's programs. The messages and services are generated from
//! `wire/*.proto`. [`dial`] is the only way to reach a controller. [`folder`] keeps calls on a disk
//! until a controller can receive them. Every program of Besom uses this crate. The crate makes no
//! decision.

pub mod dial;
pub mod folder;

/// The code generated from `wire/*.proto`. The comments in those files document it.
#[allow(missing_docs, clippy::all, clippy::too_many_lines)]
pub mod v1 {
    tonic::include_proto!("besom.v1");
}

/// The encoded descriptors of all services, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/besom.bin"));
