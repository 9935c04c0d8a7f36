//! Why something that looks like a row is none, and what a row has lost, in words for people.

use std::fmt;

use crate::{MAX_KEY_BYTES, MAX_TEXT_BYTES, console::MAX_LINE_BYTES};

/// How deep objects and lists may be nested.
pub(super) const MAX_DEPTH: usize = 100;

/// Why something that looks like a row is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A name in single quotes.
    Python,
    /// A name without quotes.
    Bare,
    /// A word where a value should be.
    Word(String),
    /// A number that no float can hold.
    Large(String),
    /// Something else where a comma, a colon, a name or an end should be.
    Syntax(String),
    /// Text stands behind the object.
    Followed,
    /// The line ends before the object does.
    Open,
    /// The object goes on in the next line.
    Lines,
    /// Objects and lists in each other, too many.
    Deep,
    /// Nothing but nulls and empty objects.
    Empty,
    /// The line is too long.
    Long,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python => f.write_str("it is a Python dict; print json.dumps(...) of it"),
            Self::Bare => f.write_str("a name needs double quotes; print JSON"),
            Self::Word(word) => {
                write!(f, "`{word}` is no JSON value; print JSON of plain numbers and texts")
            }
            Self::Large(word) => write!(f, "`{word}` is larger than the largest float"),
            Self::Syntax(word) => write!(f, "JSON has no `{word}` there"),
            Self::Followed => {
                f.write_str("text stands behind the object; print it at the end of its line")
            }
            Self::Open => f.write_str("the line ends before the object does"),
            Self::Lines => f.write_str("the object has several lines; print it on one line"),
            Self::Deep => write!(f, "it is nested more than {MAX_DEPTH} deep"),
            Self::Empty => f.write_str("it holds no value"),
            Self::Long => write!(f, "it is longer than {} MiB", MAX_LINE_BYTES >> 20),
        }
    }
}

/// What a row has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Values with a name that is too long.
    Key,
    /// The end of a text, or of the text of a list.
    Text,
    /// Values beyond what one row can hold.
    Row,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => write!(f, "a name is longer than {MAX_KEY_BYTES} bytes"),
            Self::Text => write!(f, "a text is longer than {} KiB", MAX_TEXT_BYTES >> 10),
            Self::Row => f.write_str("a row holds 1 MiB at most"),
        }
    }
}
