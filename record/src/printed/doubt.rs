//! Explains to people why a printed text that looks like a row is not one, and which values a
//! printed row has lost.

use std::fmt;

use crate::{MAX_KEY_BYTES, MAX_TEXT_BYTES, console::MAX_LINE_BYTES};

/// The maximum depth of nested objects and lists.
pub(super) const MAX_DEPTH: usize = 100;

/// A reason why a text that looks like a row is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A name or a value is in single quotes, as Python prints a dict.
    Python,
    /// A name has no quotes.
    Bare,
    /// A word that is no JSON value, such as `None`, stands in place of a value.
    Word(String),
    /// A number is too large for a float.
    Large(String),
    /// Invalid JSON: another text stands where a comma, a colon, a name, a value or a closing
    /// bracket must stand, or a text has an invalid escape.
    Syntax(String),
    /// Text follows the object on its line.
    Followed,
    /// The line ends before the object does.
    Open,
    /// The object has several lines: its opening brace stands alone on a line, and a name with a
    /// colon follows on the next line.
    Lines,
    /// Objects and lists are nested more than 100 levels deep.
    Deep,
    /// The object holds no value besides `_step`: only nulls and empty objects.
    Empty,
    /// The line is longer than [`MAX_LINE_BYTES`].
    Long,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python => f.write_str("it is a Python dict; print json.dumps(...) of it"),
            Self::Bare => f.write_str("a name needs double quotes; print JSON"),
            Self::Word(word) => {
                write!(f, "`{word}` is not a JSON value; print plain numbers and texts as JSON")
            }
            Self::Large(word) => write!(f, "`{word}` is larger than the largest float"),
            Self::Syntax(word) => write!(f, "`{word}` is not valid JSON there"),
            Self::Followed => {
                f.write_str("text stands behind the object; print it at the end of its line")
            }
            Self::Open => f.write_str("the line ends before the object does"),
            Self::Lines => f.write_str("the object has several lines; print it on one line"),
            Self::Deep => write!(f, "it is nested more than {MAX_DEPTH} levels deep"),
            Self::Empty => f.write_str("it holds no value"),
            Self::Long => write!(f, "it is longer than {} MiB", MAX_LINE_BYTES >> 20),
        }
    }
}

/// The part of a printed row that was lost because it exceeds a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Values whose name is too long.
    Key,
    /// The end of a text, or of the text of a list.
    Text,
    /// Values for which the row has no room.
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
