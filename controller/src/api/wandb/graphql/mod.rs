//! Answers GraphQL. A document is parsed by the crate `async-graphql-parser` and walked field by
//! field over objects. There is no schema: each version of the client asks for other fields, and a
//! field that is not served is answered with null.

mod document;
mod execute;

pub(super) use document::{Asked, read};
pub(super) use execute::{Answer, Graph, Object, run};
