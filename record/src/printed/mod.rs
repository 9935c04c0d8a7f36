//! Rows that programs print: from a piece of standard output to the rows on it, or to the reason
//! why what looks like a row is none. Called by the agent. Takes any text, and reads each byte of
//! it a bounded number of times.
//!
//! A row is a JSON object that nothing but further objects follows on its line, whatever stands
//! before it. Nested objects become names with dots, as the SDK logs maps; a list becomes its text.
//! An object looks like a row when it begins with a name in quotes and a colon.

mod doubt;
mod parser;

use std::collections::HashMap;

pub use self::doubt::{Doubt, Loss};
use self::parser::{Object, Parser, STEP, closing};
use crate::Value;

/// A line that is too long to be read is told when a row begins within so many bytes.
const PREFIX_BYTES: usize = 1 << 10;
/// Above so many values, repeated names are found by a table.
const FEW: usize = 32;
/// A row: its step, if the line names one, and its values in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrintedRow {
    /// The value of `_step`, if it is a whole number from 0.
    pub step: Option<u64>,
    /// Name and value. Of a name that stands there twice the last value counts.
    pub values: Vec<(String, Value)>,
}

/// What stands on a piece of output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Printed {
    /// In their order.
    pub rows: Vec<PrintedRow>,
    /// Why something that looks like a row is none.
    pub doubt: Option<Doubt>,
    /// What one of the rows has lost.
    pub loss: Option<Loss>,
}

/// Reads pieces of output, one after the other.
#[derive(Debug, Default)]
pub struct Reader {
    /// The piece before was an opening brace alone.
    opened: bool,
}

impl Reader {
    /// Reads the next piece. `beyond`: bytes at its end that were not kept.
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

/// What an object looks like.
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
                // Text with an object in it is text, but what stands first was meant as a row.
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
        // Behind other text only what ends the line is meant as a row.
        if first || doubt == Doubt::Open || piece.trim_end().ends_with('}') {
            printed.doubt = printed.doubt.or(Some(doubt));
        }
        // What comes after may be a part of it.
        break;
    }
    printed
}

/// The objects that follow each other from here on, and where they end: at the end of the text, or
/// before something else.
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

/// The next place where a row seems to begin.
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
        if text[..at].trim().is_empty() && text.trim_end().ends_with('}') && word_and_colon(inner) {
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

/// Of values with one name the last, where the first stood.
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
