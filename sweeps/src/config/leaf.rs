//! One parameter as the YAML has it: what the search is given, where it stands, and what it depends
//! on. Made by `parameters` and `when`.

use serde_json::Value;

use super::problem::{At, Span};
use crate::space::Parameter;

/// One parameter and its place in the YAML.
pub(super) struct Leaf {
    /// What the search is given.
    pub(super) parameter: Parameter,
    /// The distribution's name, written or inferred.
    pub(super) distribution: &'static str,
    /// What it depends on, as it was written.
    pub(super) when: Option<When>,
    pub(super) path: String,
    pub(super) span: Span,
}

impl Leaf {
    /// The parameter's own name, without its groups.
    pub(super) fn name(&self) -> &str {
        self.parameter.path.last().map_or("", String::as_str)
    }

    /// Where it stands.
    pub(super) fn at(&self) -> At<'_> {
        At { path: &self.path, span: self.span }
    }
}

/// What a parameter depends on, before it is known whether that exists.
pub(super) struct When {
    /// The other parameter, its names joined by dots.
    pub(super) parent: String,
    pub(super) parent_span: Span,
    /// Each value with its place and how it was written.
    pub(super) values: Vec<(Value, Span, String)>,
    pub(super) path: String,
}

impl When {
    pub(super) fn at_parent(&self) -> At<'_> {
        At { path: &self.path, span: self.parent_span }
    }
}
