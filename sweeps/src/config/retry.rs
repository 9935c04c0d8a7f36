//! Reads the key `retry`: how many further attempts a trial gets after failures of each class.
//! `top` calls this module, which never counts failures.

use crate::lifecycle::{Class, Retry};

use super::{
    fields::{Field, describe, inline},
    problem::Report,
    scalar::Core,
    tree::Kind,
};

/// The largest number of further attempts per class. A trial that needs more will probably never
/// succeed.
const MOST: i128 = 1000;

/// Reads the numbers of attempts and reports problems. Returns `None` if one of the problems is an
/// error.
pub(super) fn read(field: &Field<'_>, report: &mut Report) -> Option<Retry> {
    let Some(fields) = field.fields(report) else {
        let is_count = matches!(
            &field.value.kind,
            Kind::Scalar(scalar) if matches!(scalar.core, Core::Integer(_))
        );
        let count = if is_count { inline(field.value) } else { "1".to_owned() };
        report
            .error(field.at(), format!("`retry` must be a mapping, not {}", describe(field.value)))
            .hint(format!("write `retry: {{error: {count}}}`, or another class of failure"));
        return None;
    };
    let classes = Class::ALL.map(Class::name);
    fields.refuse_unknown(&classes, &classes, " in `retry`", report);
    let before = report.errors();
    let mut retry = Retry::default();
    for class in Class::ALL {
        let attempts = fields.get(class.name()).and_then(|field| field.integer(0, MOST, report));
        if let Some(attempts) = attempts.and_then(|attempts| u32::try_from(attempts).ok()) {
            retry.set(class, attempts);
        }
    }
    (report.errors() == before).then_some(retry)
}
