//! Parses the JSON object of a printed row, value by value. Only the reader of printed rows calls
//! this module. The parser accepts any text and reads each byte a bounded number of times.

use std::borrow::Cow;

use serde_json::{Number, Value as Json};

use super::doubt::{Doubt, Loss, MAX_DEPTH};
use crate::{MAX_KEY_BYTES, Value, json, shortened};

/// The key that sets the step of a printed row.
pub(super) const STEP: &str = "_step";
/// The maximum number of characters of a word that a [`Doubt`] quotes.
const WORD: usize = 40;

/// The values that the parser has read from one printed object, the value of `_step` apart.
#[derive(Default)]
pub(super) struct Object {
    pub(super) step: Option<u64>,
    pub(super) values: Vec<(String, Value)>,
    pub(super) loss: Option<Loss>,
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

/// A text and the parser's position in it.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Skips blanks, and then the byte `byte`. Fails if the text ends there or another byte follows
    /// the blanks.
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

    /// Skips the comma or the closing bracket after a value. Returns true after a comma, and false
    /// after the bracket `end`.
    fn goes_on(&mut self, end: u8) -> Result<bool, Doubt> {
        self.blanks();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        self.expect(b',').map(|()| true)
    }

    pub(super) fn object(
        &mut self,
        object: &mut Object,
        path: &mut String,
        depth: usize,
    ) -> Result<(), Doubt> {
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
            // A path over the limit grows no further, because its values are dropped anyway.
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

    /// Reads a value. `object` is the object that gets the value, or `None` if the value belongs to
    /// a list.
    pub(super) fn value(
        &mut self,
        object: Option<&mut Object>,
        path: &mut String,
        depth: usize,
    ) -> Result<(), Doubt> {
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

    pub(super) fn list(&mut self, depth: usize) -> Result<(), Doubt> {
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
        // `quoted` includes the quotes, so that serde_json can check and resolve the escapes.
        serde_json::from_str(quoted).map(Cow::Owned).map_err(|_| Doubt::Syntax(quote(quoted)))
    }

    /// Reads a number, a boolean or null. Returns `None` for null.
    fn scalar(&mut self) -> Result<Option<Value>, Doubt> {
        let rest = &self.text[self.at..];
        let end = rest.find([',', '}', ']', ' ', '\t']).unwrap_or(rest.len());
        let word = &rest[..end];
        let value = match word {
            "" => return Err(Doubt::Syntax(self.quote())),
            "null" => None,
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            // Python's `json` module prints floats that are not finite in this form.
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

    /// Quotes the text at the parser's position for people, up to the next `,`, `}` or `]`.
    fn quote(&self) -> String {
        let rest = &self.text[self.at..];
        let end = rest.char_indices().skip(1).find(|(_, letter)| ",}]".contains(*letter));
        quote(rest[..end.map_or(rest.len(), |(at, _)| at)].trim_end())
    }
}

/// Returns whether a word names infinity, such as `inf`, and is not a number that is too large.
fn is_infinity(word: &str) -> bool {
    word.trim_start_matches(['+', '-']).starts_with(|letter: char| letter.is_ascii_alphabetic())
}

fn quote(word: &str) -> String {
    match word.char_indices().nth(WORD) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}

/// Returns the byte offset behind the closing quote of the quoted text at the front of `text`;
/// `None` if the text is not closed. The first byte of `text` is the quote.
pub(super) fn closing(text: &str) -> Option<usize> {
    let quote = *text.as_bytes().first()?;
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let closes = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some(end + 2)
}

/// Returns a value as a step if it is a whole number and not negative. Python prints the step 3 as
/// `3.0` if it is a float.
fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::I64(number) => u64::try_from(*number).ok(),
        Value::U64(number) => Some(*number),
        // Up to 2^53, every whole number is an exact float.
        Value::F64(number)
            if number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(number) =>
        {
            Some(*number as u64)
        }
        _ => None,
    }
}
