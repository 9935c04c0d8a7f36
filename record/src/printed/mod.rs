//! Reads rows that programs print: finds the rows in a piece of standard output, and the reason why
//! a text that looks like a row is not one. The agent calls it. The reader accepts any text, and
//! reads each byte a bounded number of times.
//!
//! A row is a JSON object that ends its line, or that only further objects follow. Any text can
//! come before the object. A value in a nested object gets a name with dots, as in maps that the
//! SDK logs. A list becomes a text value: the list as the program printed it. An object looks like
//! a row if it begins with a name in quotes and a colon. An object that is a whole line also looks
//! like a row if its first name has no quotes.

mod doubt;
mod parser;

use std::collections::HashMap;

pub use self::doubt::{Doubt, Loss};
use self::parser::{Object, Parser, STEP, closing};
use crate::Value;

/// A line that is too long to be read gets a doubt if text that looks like a row begins within this
/// many bytes of the line's start.
const PREFIX_BYTES: usize = 1 << 10;
/// The maximum number of values of a row in which repeated names are searched without a hash table.
const FEW: usize = 32;
/// One row that a program printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrintedRow {
    /// The value of `_step`; `None` if it is missing or not a whole number from 0.
    pub step: Option<u64>,
    /// The names and values, in the order in which the names first occur. If a name occurs twice,
    /// its last value counts.
    pub values: Vec<(String, Value)>,
}

/// The rows and the problems in one piece of output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Printed {
    /// The rows in their order.
    pub rows: Vec<PrintedRow>,
    /// The reason why a text in the piece that looks like a row is not one. `None` if there is no
    /// such text, or if the program probably did not mean the text as a row.
    pub doubt: Option<Doubt>,
    /// The first part that a row of the piece has lost; `None` if no row has lost anything.
    pub loss: Option<Loss>,
}

/// A reader of a program's output, which gets one piece after the other.
#[derive(Debug, Default)]
pub struct Reader {
    /// Whether the piece before was only an opening brace.
    opened: bool,
}

impl Reader {
    /// Reads the next piece. `beyond` is the number of bytes that were dropped at the end of the
    /// piece. If it is not 0, the result has no rows.
    pub fn read(&mut self, piece: &str, beyond: usize) -> Printed {
        let opened = std::mem::replace(&mut self.opened, piece.trim_end() == "{");
        if opened && string_and_colon(piece.trim_start()) {
            return Printed { doubt: Some(Doubt::Lines), ..Printed::default() };
        }
        if beyond == 0 {
            return read(piece);
        }
        let begins = candidate(piece, 0).is_some_and(|(at, _)| at <= PREFIX_BYTES);
        Printed { doubt: begins.then_some(Doubt::Long), ..Printed::default() }
    }
}

/// The form of the text at a place where a row seems to begin.
enum Shape {
    Json,
    Python,
    Bare,
}

fn read(piece: &str) -> Printed {
    let (mut printed, mut from) = (Printed::default(), 0);
    while let Some((at, shape)) = candidate(piece, from) {
        let first = from == 0 && piece[..at].trim_start().trim_start_matches('[').is_empty();
        let doubt = match shape {
            Shape::Json => match objects(piece, at) {
                Ok((objects, end)) if end == piece.len() => {
                    add(objects, &mut printed);
                    return printed;
                }
                // An object with text after it on its line is not a row. The doubt is noted only
                // if the object begins the line: there, the program probably meant a row.
                Ok((_, end)) => {
                    printed.doubt = printed.doubt.or(first.then_some(Doubt::Followed));
                    from = end;
                    continue;
                }
                Err(doubt) => doubt,
            },
            Shape::Python => Doubt::Python,
            Shape::Bare => Doubt::Bare,
        };
        // After other text, an invalid object gets a doubt only if it seems to end the line.
        if first || doubt == Doubt::Open || piece.trim_end().ends_with('}') {
            printed.doubt = printed.doubt.or(Some(doubt));
        }
        // The search ends here, because the text that follows can be a part of the invalid object.
        break;
    }
    printed
}

/// Parses the objects that follow each other from `at`. Returns the objects, and the offset of the
/// first byte behind them that is not blank.
fn objects(text: &str, at: usize) -> Result<(Vec<Object>, usize), Doubt> {
    let (mut objects, mut parser) = (Vec::new(), Parser { text, at });
    loop {
        let mut object = Object::default();
        parser.object(&mut object, &mut String::new(), 0)?;
        objects.push(object);
        parser.blanks();
        if parser.peek() != Some(b'{') {
            return Ok((objects, parser.at));
        }
    }
}

fn add(objects: Vec<Object>, printed: &mut Printed) {
    for Object { step, values, loss } in objects {
        printed.loss = printed.loss.or(loss);
        let values = last_of_each(values);
        if values.iter().any(|(key, _)| key != STEP) {
            printed.rows.push(PrintedRow { step, values });
        } else if loss.is_none() {
            printed.doubt = printed.doubt.take().or(Some(Doubt::Empty));
        }
    }
}

/// Returns the offset at or after `from` where a row seems to begin; `None` if there is none.
fn candidate(text: &str, from: usize) -> Option<(usize, Shape)> {
    let mut from = from;
    loop {
        let at = from + text[from..].find('{')?;
        let inner = text[at + 1..].trim_start();
        if string_and_colon(inner) {
            return Some((at, Shape::Json));
        }
        if inner.starts_with('\'') && quoted_and_colon(inner) {
            return Some((at, Shape::Python));
        }
        // Only blanks can stand before a bare object, so only the first brace of the text can open
        // one. The blanks before any other brace are not read again.
        if from == 0
            && text[..at].trim().is_empty()
            && text.trim_end().ends_with('}')
            && word_and_colon(inner)
        {
            return Some((at, Shape::Bare));
        }
        from = at + 1;
    }
}

fn string_and_colon(text: &str) -> bool {
    text.starts_with('"')
        && closing(text).is_some_and(|end| text[end..].trim_start().starts_with(':'))
}

fn quoted_and_colon(text: &str) -> bool {
    closing(text).is_some_and(|end| text[end..].trim_start().starts_with(':'))
}

fn word_and_colon(text: &str) -> bool {
    let rest =
        text.trim_start_matches(|letter: char| letter.is_alphanumeric() || "_./-".contains(letter));
    rest.len() < text.len() && rest.trim_start().starts_with(':')
}

/// Returns the values with each name once: the last value of the name, at the place of its first
/// value.
fn last_of_each(values: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let repeats = |at: usize| values[..at].iter().any(|(key, _)| *key == values[at].0);
    if values.len() <= FEW && !(1..values.len()).any(repeats) {
        return values;
    }
    let (mut places, mut kept) = (HashMap::new(), Vec::<(String, Value)>::new());
    for (key, value) in values {
        match places.get(&key) {
            Some(place) => {
                let place: &usize = place;
                kept[*place].1 = value;
            }
            None => {
                places.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}
