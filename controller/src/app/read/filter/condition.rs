//! Joins filters to conditions that a run meets or does not: with and, or, not, and regular
//! expressions. Programs make conditions; the filters that people write need none.

use std::collections::HashSet;

use record::Value;
use regex::{Regex, RegexBuilder};
use serde_json::Value as Json;

use super::{Field, Filter, Name, Sign};
use crate::app::error::Error;

/// The most bytes of a compiled expression.
const EXPRESSION_BYTES: usize = 1 << 18;

/// A condition about a run.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// The run meets all of these.
    All(Vec<Condition>),
    /// The run meets at least one of these.
    Any(Vec<Condition>),
    /// The run does not meet this.
    Not(Box<Condition>),
    /// A value of the run passes this test.
    Test(Test),
}

/// A test of a value.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// The comparison of a value with an operand holds.
    Compare(Filter),
    /// The value is a text that the expression matches somewhere.
    Match(Name, Regex),
    /// The value is a text with this text in it. Both are in lower case.
    Contains(Name, String),
    /// The value is one of these texts.
    OneOf(Name, HashSet<String>),
    /// The run has such a value.
    Has(Name),
}

impl Condition {
    /// Makes the condition that the comparison of a value with an operand holds.
    ///
    /// # Errors
    /// Fails with [`Error::Invalid`] if no value compares with such an operand.
    pub(crate) fn compare(name: Name, sign: Sign, operand: &Json) -> Result<Self, Error> {
        let filter = Filter::new(name, sign, operand);
        let invalid = || {
            let kinds = "a text, a number, true, false or null";
            Error::invalid(format!("a filter compares with {kinds}, not with `{operand}`"))
        };
        Ok(Self::Test(Test::Compare(filter.ok_or_else(invalid)?)))
    }

    /// Makes the condition that a text matches a regular expression.
    ///
    /// # Errors
    /// Fails with [`Error::Invalid`] if the expression is malformed.
    pub(crate) fn matches(name: Name, expression: &str) -> Result<Self, Error> {
        let read = RegexBuilder::new(expression).size_limit(EXPRESSION_BYTES).build();
        let read = read.map_err(|error| Error::invalid(error.to_string()))?;
        Ok(Self::Test(Test::Match(name, read)))
    }

    /// Makes the condition that each word of a text occurs in a run's id, name, tags, group or
    /// config, whatever the case of its letters. Returns `None` if the text is empty.
    pub(crate) fn search(text: &str) -> Option<Self> {
        const FIELDS: [Field; 6] =
            [Field::Id, Field::Name, Field::Slug, Field::Tags, Field::Group, Field::Settings];
        let in_any =
            |word| Self::Any(FIELDS.map(|field| Self::contains(Name::Field(field), word)).into());
        let words: Vec<Self> = text.split_whitespace().map(in_any).collect();
        (!words.is_empty()).then_some(Self::All(words))
    }

    /// Makes the condition that a text is one of these.
    pub(crate) fn one_of(name: Name, texts: Vec<String>) -> Self {
        Self::Test(Test::OneOf(name, texts.into_iter().collect()))
    }

    /// Makes the condition that a text contains another one, whatever the case of their letters.
    fn contains(name: Name, text: &str) -> Self {
        Self::Test(Test::Contains(name, text.to_lowercase()))
    }

    /// Makes the condition that a run has such a value.
    pub(crate) fn has(name: Name) -> Self {
        Self::Test(Test::Has(name))
    }

    /// Returns the number of tests in the condition.
    pub(in crate::app) fn tests(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::tests).sum(),
            Self::Not(part) => part.tests(),
            Self::Test(_) => 1,
        }
    }

    /// Returns whether a run meets the condition. `values` returns the values of the run under a
    /// name: none, one, or several tags.
    pub(in crate::app) fn is_met<E>(
        &self,
        values: &mut impl FnMut(&Name) -> Result<Vec<Value>, E>,
    ) -> Result<bool, E> {
        match self {
            Self::All(parts) => {
                for part in parts {
                    if !part.is_met(values)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(parts) => {
                for part in parts {
                    if part.is_met(values)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(part) => Ok(!part.is_met(values)?),
            Self::Test(Test::Compare(filter)) => {
                Ok(filter.passes(values(&filter.name)?.into_iter()))
            }
            Self::Test(Test::Match(name, expression)) => {
                let is_match =
                    |value: &Value| matches!(value, Value::Text(text) if expression.is_match(text));
                Ok(values(name)?.iter().any(is_match))
            }
            Self::Test(Test::Contains(name, wanted)) => {
                let has = |value: &Value| match value {
                    Value::Text(text) => text.to_lowercase().contains(wanted),
                    _ => false,
                };
                Ok(values(name)?.iter().any(has))
            }
            Self::Test(Test::OneOf(name, wanted)) => {
                let is =
                    |value: &Value| matches!(value, Value::Text(text) if wanted.contains(text));
                Ok(values(name)?.iter().any(is))
            }
            Self::Test(Test::Has(name)) => Ok(!values(name)?.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_condition_joins_tests() {
        let lr = || Name::Config("lr".to_owned());
        let is = |operand: Json| Condition::compare(lr(), Sign::Is, &operand).unwrap();
        let met = |condition: &Condition, value: &[Value]| {
            let mut values = |name: &Name| match name {
                Name::Config(_) => Ok::<_, ()>(value.to_vec()),
                _ => Ok(vec![Value::Text("some-name".to_owned())]),
            };
            condition.is_met(&mut values).unwrap()
        };
        let one = [Value::F64(1.0)];
        let either = Condition::Any(vec![is(json!(1)), is(json!("x"))]);
        assert!(met(&either, &one) && met(&either, &[Value::Text("x".to_owned())]));
        assert!(!met(&either, &[Value::I64(2)]) && !met(&either, &[]));
        let neither = Condition::Not(Box::new(either));
        assert!(met(&neither, &[Value::I64(2)]) && !met(&neither, &one));
        assert!(!met(&is(json!("1")), &one), "a text is no number");
        assert!(met(&is(json!(true)), &[Value::Bool(true)]));
        assert!(met(&is(json!(null)), &[]) && !met(&is(json!(null)), &one));
        assert!(met(&Condition::has(lr()), &one));
        let named = |text| Condition::matches(Name::Field(Field::Name), text).unwrap();
        let both = Condition::All(vec![named("^some"), Condition::Not(Box::new(named("^name")))]);
        assert!(met(&both, &[]));
        assert!(Condition::matches(lr(), "(").is_err());
        assert!(Condition::compare(lr(), Sign::Is, &json!([1])).is_err());
    }
}
