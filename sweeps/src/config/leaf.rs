//! Represents one parameter of the YAML: the parameter for the search, its place in the text, and
//! the condition on another parameter. `parameters` and `when` build these types.

use serde_json::Value;

use super::problem::{At, Span};
use crate::space::Parameter;

/// One parameter and its place in the YAML.
pub(super) struct Leaf {
    /// The parameter that the search gets.
    pub(super) parameter: Parameter,
    /// The distribution's name, written or inferred.
    pub(super) distribution: &'static str,
    /// The condition as it was written; `None` if the parameter has no condition.
    pub(super) when: Option<When>,
    pub(super) path: String,
    pub(super) span: Span,
}

impl Leaf {
    /// Returns the parameter's own name, without its groups.
    pub(super) fn name(&self) -> &str {
        self.parameter.path.last().map_or("", String::as_str)
    }

    /// Returns the place of the parameter.
    pub(super) fn at(&self) -> At<'_> {
        At { path: &self.path, span: self.span }
    }
}

/// The condition of a parameter as it was written. The condition may name a parameter that does not
/// exist.
pub(super) struct When {
    /// The name of the other parameter, with its groups before it and dots between.
    pub(super) parent: String,
    pub(super) parent_span: Span,
    /// Each value of the other parameter that makes this one active, with the value's place and
    /// spelling in the YAML.
    pub(super) values: Vec<(Value, Span, String)>,
    pub(super) path: String,
}

impl When {
    pub(super) fn at_parent(&self) -> At<'_> {
        At { path: &self.path, span: self.parent_span }
    }
}
