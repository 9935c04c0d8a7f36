//! Rows that programs print: from a piece of standard output to the rows on it, or to the reason why what looks like a row is
//! none. Called by the agent. Takes any text, and reads each byte of it a bounded number of times.
//!
//! A row is a JSON object that nothing but further objects follows on its line, whatever stands before it. Nested objects
//! become names with dots, as the SDK logs maps; a list becomes its text. An object looks like a row when it begins with a
//! name in quotes and a colon.

use std::{borrow::Cow, collections::HashMap, fmt};

use serde_json::{Number, Value as Json};

use crate::{MAX_KEY_BYTES, MAX_TEXT_BYTES, Value, console::MAX_LINE_BYTES, json, shortened};

/// The key that sets the step of a printed row.
const STEP: &str = "_step";
/// How deep objects and lists may be nested.
const MAX_DEPTH: usize = 100;
/// A line that is too long to be read is told when a row begins within so many bytes.
const PREFIX_BYTES: usize = 1 << 10;
/// Above so many values, repeated names are found by a table.
const FEW: usize = 32;
/// The longest word that a reason quotes, in characters.
const WORD: usize = 40;

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
            Self::Word(word) => write!(f, "`{word}` is no JSON value; print JSON of plain numbers and texts"),
            Self::Large(word) => write!(f, "`{word}` is larger than the largest float"),
            Self::Syntax(word) => write!(f, "JSON has no `{word}` there"),
            Self::Followed => f.write_str("text stands behind the object; print it at the end of its line"),
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

/// The objects that follow each other from here on, and where they end: at the end of the text, or before something else.
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
    text.starts_with('"') && closing(text).is_some_and(|end| text[end..].trim_start().starts_with(':'))
}

fn quoted_and_colon(text: &str) -> bool {
    closing(text).is_some_and(|end| text[end..].trim_start().starts_with(':'))
}

fn word_and_colon(text: &str) -> bool {
    let rest = text.trim_start_matches(|letter: char| letter.is_alphanumeric() || "_./-".contains(letter));
    rest.len() < text.len() && rest.trim_start().starts_with(':')
}

/// Where the quoted text at the front ends, its quotes included.
fn closing(text: &str) -> Option<usize> {
    let quote = *text.as_bytes().first()?;
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let closes = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some(end + 2)
}

/// An object that is being read.
#[derive(Default)]
struct Object {
    step: Option<u64>,
    values: Vec<(String, Value)>,
    loss: Option<Loss>,
}

impl Object {
    fn take(&mut self, path: &str, top: bool, value: Value) {
        if path.len() > MAX_KEY_BYTES {
            self.loss = self.loss.or(Some(Loss::Key));
        } else if let Some(step) = whole(&value).filter(|_| top && path == STEP) {
            self.step = Some(step);
        } else {
            self.values.push((path.to_owned(), value));
        }
    }

    fn take_text(&mut self, path: &str, top: bool, text: &str) {
        let kept = shortened(text);
        if kept.len() < text.len() {
            self.loss = self.loss.or(Some(Loss::Text));
        }
        self.take(path, top, Value::Text(kept.to_owned()));
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Takes this byte, after blanks.
    fn expect(&mut self, byte: u8) -> Result<(), Doubt> {
        self.blanks();
        match self.peek() {
            Some(found) if found == byte => self.at += 1,
            None => return Err(Doubt::Open),
            Some(b'\'') => return Err(Doubt::Python),
            Some(_) => return Err(Doubt::Syntax(self.quote())),
        }
        Ok(())
    }

    /// Whether the object or list goes on: after a comma, or else with its end.
    fn goes_on(&mut self, end: u8) -> Result<bool, Doubt> {
        self.blanks();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        self.expect(b',').map(|()| true)
    }

    fn object(&mut self, object: &mut Object, path: &mut String, depth: usize) -> Result<(), Doubt> {
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blanks();
            if !matches!(self.peek(), Some(b'"') | None) {
                self.expect(b'"')?;
            }
            let key = self.string()?;
            self.expect(b':')?;
            let before = path.len();
            // A name that is too long already has no need of its end.
            if before <= MAX_KEY_BYTES {
                if depth > 0 {
                    path.push('.');
                }
                path.push_str(&key);
            }
            self.value(Some(&mut *object), path, depth)?;
            path.truncate(before);
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    /// A value of the object, or one of a list, which nobody takes by itself.
    fn value(&mut self, object: Option<&mut Object>, path: &mut String, depth: usize) -> Result<(), Doubt> {
        if depth == MAX_DEPTH {
            return Err(Doubt::Deep);
        }
        self.blanks();
        let start = self.at;
        let top = depth == 0;
        match self.peek() {
            None => Err(Doubt::Open),
            Some(b'"') => {
                let text = self.string()?;
                if let Some(object) = object {
                    object.take_text(path, top, &text);
                }
                Ok(())
            }
            Some(b'{') => match object {
                Some(object) => self.object(object, path, depth + 1),
                None => self.object(&mut Object::default(), &mut String::new(), depth + 1),
            },
            Some(b'[') => {
                self.list(depth + 1)?;
                if let Some(object) = object {
                    object.take_text(path, top, &self.text[start..self.at]);
                }
                Ok(())
            }
            Some(b'\'') => Err(Doubt::Python),
            Some(_) => {
                if let (Some(value), Some(object)) = (self.scalar()?, object) {
                    object.take(path, top, value);
                }
                Ok(())
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<(), Doubt> {
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(None, &mut String::new(), depth)?;
            if !self.goes_on(b']')? {
                return Ok(());
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Doubt> {
        let rest = &self.text[self.at..];
        let end = closing(rest).ok_or(Doubt::Open)?;
        let quoted = &rest[..end];
        self.at += end;
        if !quoted.bytes().any(|byte| byte == b'\\' || byte.is_ascii_control()) {
            return Ok(Cow::Borrowed(&quoted[1..end - 1]));
        }
        // The quotes are included: serde_json checks and resolves the escapes.
        serde_json::from_str(quoted).map(Cow::Owned).map_err(|_| Doubt::Syntax(quote(quoted)))
    }

    /// A number, a boolean or null, which is no value.
    fn scalar(&mut self) -> Result<Option<Value>, Doubt> {
        let rest = &self.text[self.at..];
        let end = rest.find([',', '}', ']', ' ', '\t']).unwrap_or(rest.len());
        let word = &rest[..end];
        let value = match word {
            "" => return Err(Doubt::Syntax(self.quote())),
            "null" => None,
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            // As Python prints them.
            "NaN" => Some(Value::F64(f64::NAN)),
            "Infinity" => Some(Value::F64(f64::INFINITY)),
            "-Infinity" => Some(Value::F64(f64::NEG_INFINITY)),
            _ => match serde_json::from_str::<Number>(word) {
                Ok(number) => json::from_json(&Json::Number(number)),
                Err(_) if word.parse::<f64>().is_ok_and(f64::is_infinite) && !is_infinity(word) => {
                    return Err(Doubt::Large(quote(word)));
                }
                Err(_) => return Err(Doubt::Word(self.quote())),
            },
        };
        self.at += end;
        Ok(value)
    }

    /// What stands here, for people: up to the next comma or end.
    fn quote(&self) -> String {
        let rest = &self.text[self.at..];
        let end = rest.char_indices().skip(1).find(|(_, letter)| ",}]".contains(*letter));
        quote(rest[..end.map_or(rest.len(), |(at, _)| at)].trim_end())
    }
}

/// A word that means infinity, and not a number that is too large.
fn is_infinity(word: &str) -> bool {
    word.trim_start_matches(['+', '-']).starts_with(|letter: char| letter.is_ascii_alphabetic())
}

fn quote(word: &str) -> String {
    match word.char_indices().nth(WORD) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
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

/// A step: whole and not negative. Python prints `3.0` where a step passed through a float.
fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::I64(number) => u64::try_from(*number).ok(),
        Value::U64(number) => Some(*number),
        // Up to 2^53 every whole number has a float of its own.
        Value::F64(number) if number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(number) => {
            Some(*number as u64)
        }
        _ => None,
    }
}
