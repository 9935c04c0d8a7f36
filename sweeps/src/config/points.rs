//! Reads the points that people want a sweep to try: the key `points`, and the points that they
//! queue later. Each point is checked against the space. `top` and `check_points` call this module.
//! The module never chooses a value that a point leaves out.

use std::collections::BTreeMap;

use crate::{point::Wanted, search::Method, space::Space};

use super::{
    Config,
    fields::{Field, Fields, describe, inline},
    fit::fit,
    problem::{At, Report},
    text::{bare, code, listed},
    tree::{Kind, Node},
    value,
    when::meant,
};

/// The largest number of points in one list.
const MOST: usize = 1000;

/// Reads the key `points` and reports problems. Points with errors are left out.
pub(super) fn read(
    field: &Field<'_>,
    space: &Space,
    method: Method,
    report: &mut Report,
) -> Vec<Wanted> {
    let Some(nodes) = field.list() else {
        report
            .error(
                field.at(),
                format!("`points` must be a list of points, not {}", describe(field.value)),
            )
            .hint("write one point per line, such as `- {lr: 0.01}`");
        return Vec::new();
    };
    if nodes.is_empty() {
        report
            .error(field.at(), "`points` is empty")
            .hint("list a point, such as `- {lr: 0.01}`, or remove `points`");
    }
    Reader::new(space, method, report).all(nodes, field.at())
}

/// Reads a text that is a list of points, or one point. Points with errors are left out.
pub(super) fn of_text(root: &Node, config: &Config, report: &mut Report) -> Option<Vec<Wanted>> {
    let at = At { path: "", span: root.span };
    let nodes = match &root.kind {
        Kind::List(nodes) => nodes.as_slice(),
        Kind::Map(_) => std::slice::from_ref(root),
        Kind::Scalar(_) => {
            report
                .error(at, format!("the points must be a list, not {}", describe(root)))
                .hint("write one point per line, such as `- {lr: 0.01}`");
            return None;
        }
    };
    if nodes.is_empty() {
        report
            .error(at, "the list of points is empty")
            .hint("list a point, such as `- {lr: 0.01}`");
    }
    Some(Reader::new(&config.space, config.method, report).all(nodes, at))
}

struct Reader<'r> {
    space: &'r Space,
    method: Method,
    /// The indices of the parameters, by their names with groups before them and dots between.
    names: BTreeMap<String, usize>,
    report: &'r mut Report,
}

/// The values of one point, as far as they were read.
struct Draft {
    point: Wanted,
    /// Whether a parameter was named: for each its line, and whether its value has an error.
    named: BTreeMap<usize, Named>,
}

struct Named {
    line: usize,
    is_wrong: bool,
}

impl<'r> Reader<'r> {
    fn new(space: &'r Space, method: Method, report: &'r mut Report) -> Reader<'r> {
        let names = space.parameters.iter().enumerate();
        let names = names.map(|(index, parameter)| (parameter.path.join("."), index)).collect();
        Reader { space, method, names, report }
    }

    fn all(&mut self, nodes: &[Node], at: At<'_>) -> Vec<Wanted> {
        if nodes.len() > MOST {
            self.report
                .error(at, format!("there are {} points", nodes.len()))
                .hint(format!("list at most {MOST} of them"));
            return Vec::new();
        }
        let mut lines = BTreeMap::new();
        let mut points = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let path = if at.path.is_empty() { "points" } else { at.path };
            let at = At { path: &format!("{path}[{index}]"), span: node.span };
            let Some(point) = self.point(node, at) else { continue };
            // Only whole points can be equal: the method fills each of the others differently.
            let whole = point.whole(self.space).map(|whole| whole.to_json(self.space).to_string());
            let earlier = whole.and_then(|whole| lines.insert(whole, node.span.line));
            if let Some(line) = earlier {
                self.report
                    .error(at, format!("this point repeats the one on line {line}"))
                    .hint("remove one of the two: each point is tried once");
            }
            points.push(point);
        }
        points
    }

    /// Reads one point. Returns `None` if it has an error.
    fn point(&mut self, node: &Node, at: At<'_>) -> Option<Wanted> {
        let before = self.report.errors();
        let Some(fields) = Fields::of(node, at.span, at.path, self.report) else {
            self.report
                .error(at, format!("a point is a mapping of parameters, not {}", describe(node)))
                .hint("write names and values, such as `{lr: 0.01, layers: 3}`");
            return None;
        };
        if fields.iter().len() == 0 {
            self.report
                .error(at, "this point has no value")
                .hint("name a parameter and its value, such as `{lr: 0.01}`");
        }
        let point = Wanted { values: vec![None; self.space.parameters.len()] };
        let mut draft = Draft { point, named: BTreeMap::new() };
        self.values(&fields, "", &mut draft);
        for (name, index) in self.names.clone() {
            self.condition(&name, index, &draft, at);
        }
        let point = draft.point;
        if self.method == Method::Grid && self.report.errors() == before {
            self.is_cell(&point, at);
        }
        (self.report.errors() == before).then_some(point)
    }

    /// Reads the values of a point, or of a group in it.
    fn values(&mut self, fields: &Fields<'_>, group: &str, draft: &mut Draft) {
        for field in fields.iter() {
            let name = format!("{group}{}", field.key);
            let prefix = format!("{name}.");
            let member = self.names.keys().find(|name| name.starts_with(&prefix)).cloned();
            match (self.names.get(&name), member) {
                (Some(&index), _) => self.value(field, &name, index, draft),
                (None, Some(member)) => match field.fields(self.report) {
                    Some(fields) => self.values(&fields, &prefix, draft),
                    None => {
                        let rest = member.strip_prefix(&prefix).unwrap_or(&member);
                        let message = format!("{} is a group of parameters", code(&name));
                        let hint = format!(
                            "write its parameters below it, such as `{}: {{{rest}: ...}}`",
                            field.key
                        );
                        self.report.error(field.at(), message).hint(hint);
                    }
                },
                (None, None) => {
                    let known: Vec<&str> = self.names.keys().map(String::as_str).collect();
                    let hint = meant(&name, &known, "a parameter");
                    self.report
                        .error(field.at_key(), format!("no parameter is called {}", code(&name)))
                        .hint(hint);
                }
            }
        }
    }

    fn value(&mut self, field: &Field<'_>, name: &str, index: usize, draft: &mut Draft) {
        let line = field.key_span.line;
        if let Some(Named { line, .. }) = draft.named.get(&index) {
            let message = format!("{} has a value on line {line} already", code(name));
            self.report.error(field.at_key(), message).hint("keep one of the two");
            return;
        }
        let value = value::json(field.value, &field.path, self.report).and_then(|value| {
            let distribution = &self.space.parameters[index].distribution;
            match fit(distribution, &value, &inline(field.value), self.method) {
                Ok(value) => Some(value),
                Err(misfit) => {
                    let message = format!("{} {}", code(name), misfit.why);
                    self.report.error(field.at(), message).hint(misfit.hint);
                    None
                }
            }
        });
        draft.named.insert(index, Named { line, is_wrong: value.is_none() });
        draft.point.values[index] = value;
    }

    /// Reports a given value of a parameter that is not active at the point, or of which the point
    /// leaves open whether it is.
    fn condition(&mut self, name: &str, index: usize, draft: &Draft, at: At<'_>) {
        if draft.point.values[index].is_none() {
            return;
        }
        let mut child = index;
        while let Some(condition) = &self.space.parameters[child].condition {
            let parent = &self.space.parameters[condition.parent];
            let value = draft.point.value(self.space, condition.parent);
            let other = parent.path.join(".");
            let wanted = condition.values.first().map(bare).unwrap_or_default();
            if draft.named.get(&condition.parent).is_some_and(|named| named.is_wrong) {
                return;
            }
            let (message, hint) = match value {
                Some(value) if condition.holds(value) => {
                    child = condition.parent;
                    continue;
                }
                Some(value) => (
                    format!(
                        "{} is inactive at this point, where {} is {}",
                        code(name),
                        code(&other),
                        code(&bare(value))
                    ),
                    format!("remove it, or write {}", code(&format!("{other}: {wanted}"))),
                ),
                None => (
                    format!(
                        "{} depends on {}, which this point leaves open",
                        code(name),
                        code(&other)
                    ),
                    format!("add {}", code(&format!("{other}: {wanted}"))),
                ),
            };
            self.report.error(at, message).hint(hint);
            return;
        }
    }

    /// Reports a point that leaves parameters of a grid open.
    fn is_cell(&mut self, point: &Wanted, at: At<'_>) {
        if point.whole(self.space).is_some() {
            return;
        }
        let value = |index: usize| point.value(self.space, index);
        let open = |index: &usize| self.space.is_active(*index, value) && value(*index).is_none();
        let missing = self.names.iter().filter(|(_, index)| open(index));
        let missing = listed(missing.map(|(name, _)| name.as_str()), "and");
        self.report
            .error(at, format!("this point is no cell of the grid: it leaves {missing} open"))
            .hint("give every parameter that varies a value");
    }
}
