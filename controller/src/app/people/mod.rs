//! Decides who calls and what the caller may do. People have users, users have roles in teams and
//! projects, and keys and passwords open some or all of what their user may do. The first user is
//! made offline; before that, whoever reaches the controller is the administrator, unless it has a
//! token.

pub(crate) mod audit;
pub(crate) mod caller;
pub(in crate::app) mod hashing;
pub(crate) mod keys;
pub(crate) mod manage;
pub(crate) mod members;
pub(crate) mod online;
pub(crate) mod passwords;
pub(crate) mod permit;
pub(crate) mod roster;
pub(crate) mod sessions;
pub(crate) mod things;
pub(crate) mod tokens;
