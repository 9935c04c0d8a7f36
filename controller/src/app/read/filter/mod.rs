//! Parses the questions that users ask about many runs: filters such as `config.lr < 0.01`, and
//! names to sort by. `app::read::find` uses this module, and reads the values of the runs. No other
//! module parses filters. `condition.rs` joins filters by and, or and not. This module does no I/O.

pub(crate) mod condition;

use std::{cmp::Ordering, ops::Range};

use record::{Value, name};
use serde_json::Value as Json;
use sweeps::lifecycle::run::State;

use crate::app::error::Error;

/// The most filters and names to sort by in one question, counted together.
const MOST: usize = 64;

/// The hint that shows how to write a filter.
const FORM: &str = "a filter is a name, one of = != < <= > >=, and a value, as in `config.lr < \
    0.01`; put a name or a value that holds such a sign in quotes, as in `summary.\"a=b\" = 1`; ";

/// The name of a value that a run may have, as in a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// The value of the run's config at this path, whose parts are joined by `.`.
    Config(String),
    /// The value of the run's summary under this key.
    Summary(String),
    /// A field that every run has or may have.
    Field(Field),
}

/// A field that every run has or may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Id,
    Name,
    State,
    Project,
    Sweep,
    Group,
    JobType,
    Agent,
    Tags,
    Trial,
    Attempt,
    Value,
    Rows,
    Slug,
    Created,
    CreatedMs,
    StartedMs,
    EndedMs,
    /// The texts of the config. People cannot name this field; a search looks into it.
    Settings,
}

const FIELDS: [(&str, Field); 18] = [
    ("id", Field::Id),
    ("name", Field::Name),
    ("state", Field::State),
    ("project", Field::Project),
    ("sweep", Field::Sweep),
    ("group", Field::Group),
    ("job_type", Field::JobType),
    ("agent", Field::Agent),
    ("tags", Field::Tags),
    ("trial", Field::Trial),
    ("attempt", Field::Attempt),
    ("value", Field::Value),
    ("rows", Field::Rows),
    ("slug", Field::Slug),
    ("created", Field::Created),
    ("created_ms", Field::CreatedMs),
    ("started_ms", Field::StartedMs),
    ("ended_ms", Field::EndedMs),
];

/// A comparison of a value of a run with an operand, which the run passes or fails.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filter {
    /// The name of the value that is compared.
    pub(in crate::app) name: Name,
    sign: Sign,
    wanted: Wanted,
}

/// How a value and an operand are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Is,
    IsNot,
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// The operand of a comparison: `10` may mean a number and a text, and `'10'` means only a text.
#[derive(Clone, Debug, Default, PartialEq)]
struct Wanted {
    text: String,
    number: Option<Value>,
    flag: Option<bool>,
    /// Whether the operand equals no text. `true` and `false` without quotes are only booleans for
    /// config and summary values. For a field of a run, such as its name, they are texts.
    no_text: bool,
    /// Whether the operand equals a missing value: `null`, or an empty text that is compared with a
    /// field.
    null: bool,
}

/// A value that runs are sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    /// The name of the value.
    pub(crate) name: Name,
    /// Whether the largest value comes first.
    pub(crate) falling: bool,
}

/// Parses filters and names to sort by.
///
/// # Errors
/// Fails with [`Error::Invalid`] if there are too many of them or if one is wrong. The error lists
/// every mistake.
pub(in crate::app) fn read(
    filters: &[String],
    sort: &[String],
) -> Result<(Vec<Filter>, Vec<Sort>), Error> {
    if filters.len() + sort.len() > MOST {
        return Err(Error::invalid(format!(
            "the request has more than {MOST} filters and names to sort by"
        )));
    }
    let mut wrong = Vec::new();
    let mut note = |text: &str, why: String| wrong.push(format!("`{}`: {why}", text.trim()));
    let read =
        filters.iter().filter_map(|text| Filter::read(text).map_err(|why| note(text, why)).ok());
    let read: Vec<Filter> = read.collect();
    let order = sort.iter().filter_map(|text| Sort::read(text).map_err(|why| note(text, why)).ok());
    let order: Vec<Sort> = order.collect();
    let message = match wrong.as_slice() {
        [] => return Ok((read, order)),
        [one] => one.clone(),
        many => format!("{} mistakes\n  {}", many.len(), many.join("\n  ")),
    };
    let form = if read.len() < filters.len() { FORM } else { "" };
    Err(Error::invalid(message).hint(format!("{form}{}", known_names())))
}

/// Parses names of values, as in filters.
///
/// # Errors
/// Fails with [`Error::Invalid`] at the first wrong name.
pub(crate) fn names(texts: &[String]) -> Result<Vec<Name>, Error> {
    let name = |text: &String| {
        let wrong = |why| Error::invalid(format!("`{text}`: {why}")).hint(known_names());
        Name::read(text.trim()).map_err(wrong)
    };
    texts.iter().map(name).collect()
}

fn known_names() -> String {
    let names = FIELDS.map(|(name, _)| name).join(", ");
    format!("names are config.KEY, summary.KEY, {names}")
}

impl Name {
    fn read(text: &str) -> Result<Self, String> {
        let key = |prefix: &str, key: &str| match name::unquoted(key)? {
            "" => Err(format!("the name after `{prefix}.` is missing")),
            key => Ok(key.to_owned()),
        };
        match text.split_once('.') {
            Some(("config", written)) => key("config", written).map(Self::Config),
            Some(("summary", written)) => key("summary", written).map(Self::Summary),
            _ if text.is_empty() => Err("the name is missing".to_owned()),
            _ => {
                let known = FIELDS.iter().find(|(name, _)| *name == text);
                let field = known.map(|(_, field)| Self::Field(*field));
                field.ok_or_else(|| {
                    format!("there is no `{text}`: config.{text} or summary.{text}?")
                })
            }
        }
    }
}

impl Filter {
    /// Makes a filter that compares a value with an operand, which means only what its type says.
    /// Returns `None` if no value compares with such an operand.
    pub(super) fn new(name: Name, sign: Sign, operand: &Json) -> Option<Self> {
        let text = |text: String| Wanted { text, ..Wanted::default() };
        let wanted = match operand {
            Json::Null => Wanted { null: true, ..text("null".to_owned()) },
            Json::Bool(flag) => Wanted { flag: Some(*flag), no_text: true, ..text(String::new()) },
            Json::String(said) => text(said.clone()),
            Json::Number(number) => {
                let whole = number.as_i64().map(Value::I64).or(number.as_u64().map(Value::U64));
                let number = whole.or_else(|| number.as_f64().map(Value::F64));
                Wanted { number, ..text(operand.to_string()) }
            }
            Json::Array(_) | Json::Object(_) => return None,
        };
        Some(Self { name, sign, wanted })
    }

    fn read(text: &str) -> Result<Self, String> {
        let Range { start, end } = comparison(text)?;
        let sign = match &text[start..end] {
            "=" | "==" => Sign::Is,
            "!=" => Sign::IsNot,
            "<" => Sign::Below,
            "<=" => Sign::AtMost,
            ">" => Sign::Above,
            ">=" => Sign::AtLeast,
            other => return Err(format!("no comparison `{other}`: one of = != < <= > >=")),
        };
        let name = Name::read(text[..start].trim())?;
        let mut wanted = Wanted::read(text[end..].trim())?;
        // A field without a value also equals an empty text.
        wanted.null |= matches!(name, Name::Field(_)) && wanted.text.is_empty();
        wanted.no_text = wanted.flag.is_some() && !matches!(name, Name::Field(_));
        let ordered = !matches!(sign, Sign::Is | Sign::IsNot);
        match &name {
            Name::Field(Field::State) if State::from_name(&wanted.text).is_none() => {
                let states = State::ALL.map(State::name).join(", ");
                Err(format!("no state `{}`: {states}", wanted.text))
            }
            Name::Field(Field::State | Field::Tags) if ordered => {
                Err("a state or a tag allows only = and !=".to_owned())
            }
            _ if ordered && wanted.number.as_ref().is_some_and(is_nan) => {
                Err("NaN allows only = and !=".to_owned())
            }
            _ if ordered && wanted.null => Err("null allows only = and !=".to_owned()),
            _ => Ok(Self { name, sign, wanted }),
        }
    }

    /// Returns whether a run passes the filter. `values` are the run's values under the filter's
    /// name: none, one, or several tags.
    pub(in crate::app) fn passes(&self, values: impl Iterator<Item = Value>) -> bool {
        let wanted = &self.wanted;
        let mut values = values.peekable();
        match self.sign {
            Sign::Is if values.peek().is_none() => wanted.null,
            Sign::IsNot if values.peek().is_none() => !wanted.null,
            Sign::Is => values.any(|value| wanted.compare(&value) == Some(Ordering::Equal)),
            Sign::IsNot => values.all(|value| wanted.compare(&value) != Some(Ordering::Equal)),
            Sign::Below => values.any(|value| wanted.compare(&value).is_some_and(Ordering::is_lt)),
            Sign::AtMost => values.any(|value| wanted.compare(&value).is_some_and(Ordering::is_le)),
            Sign::Above => values.any(|value| wanted.compare(&value).is_some_and(Ordering::is_gt)),
            Sign::AtLeast => {
                values.any(|value| wanted.compare(&value).is_some_and(Ordering::is_ge))
            }
        }
    }
}

/// Returns the place of the comparison sign in a filter. The filter's name and value may also hold
/// such signs. After a quoted name, the first sign counts. After a name without quotes, the first
/// sign counts that has blanks around it or is followed only by a quoted text. If no sign is like
/// this, the first sign of all counts.
fn comparison(text: &str) -> Result<Range<usize>, String> {
    let from = name::quoted_end(text);
    let is_blank = |letter: Option<char>| letter.is_some_and(char::is_whitespace);
    let stands_apart = |sign: &Range<usize>| {
        is_blank(text[..sign.start].chars().next_back())
            && is_blank(text[sign.end..].chars().next())
    };
    let is_quoted = |sign: &Range<usize>| name::is_quoted(text[sign.end..].trim());
    let all = signs(text, from);
    let Some(first) = all.first() else {
        return Err("no comparison: one of = != < <= > >=".to_owned());
    };
    let divides = |sign: &&Range<usize>| from > 0 || stands_apart(sign) || is_quoted(sign);
    let found = all.iter().find(divides).unwrap_or(first);
    let is_more = |sign: &Range<usize>| sign.start > found.start && stands_apart(sign);
    if name::quote(text[found.end..].trim()).is_none() && all.iter().any(is_more) {
        return Err(
            "more than one comparison: put a name or a value that holds one in quotes".to_owned()
        );
    }
    Ok(found.clone())
}

/// Returns the places of the comparison signs from `from` on. Sign characters without a gap between
/// them form one sign.
fn signs(text: &str, from: usize) -> Vec<Range<usize>> {
    let mut signs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text[from..].match_indices(|letter| "=!<>~".contains(letter)) {
        let at = from + at;
        match signs.last_mut() {
            Some(last) if last.end == at => last.end += 1,
            _ => signs.push(at..at + 1),
        }
    }
    signs
}

impl Wanted {
    fn read(text: &str) -> Result<Self, String> {
        if let Some(quote) = name::quote(text) {
            let inner = text[1..].strip_suffix(quote).ok_or_else(|| name::unclosed(quote))?;
            return Ok(Self {
                text: inner.to_owned(),
                number: None,
                flag: None,
                no_text: false,
                null: false,
            });
        }
        if text.is_empty() {
            return Err("the value is missing; the empty text is ''".to_owned());
        }
        let whole = text.parse().map(Value::I64).or_else(|_| text.parse().map(Value::U64)).ok();
        Ok(Self {
            text: text.to_owned(),
            number: whole.or_else(|| text.parse().map(Value::F64).ok()),
            flag: text.parse().ok(),
            no_text: false,
            null: text == "null",
        })
    }

    /// Compares a value with the operand. Returns `None` if the two cannot be compared.
    fn compare(&self, value: &Value) -> Option<Ordering> {
        match value {
            Value::F64(_) | Value::I64(_) | Value::U64(_) => match &self.number {
                Some(number) if is_nan(number) && is_nan(value) => Some(Ordering::Equal),
                Some(number) => numbers(value, number),
                None => None,
            },
            Value::Bool(flag) => Some(flag.cmp(self.flag.as_ref()?)),
            Value::Text(_) if self.no_text => None,
            // A filter such as `< 10` means numbers, so no text is below or above its operand.
            Value::Text(text) if self.number.is_some() => {
                (*text == self.text).then_some(Ordering::Equal)
            }
            Value::Text(text) => Some(text.as_str().cmp(&self.text)),
            Value::Json(_) => None,
        }
    }
}

impl Sort {
    fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (falling, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        Ok(Self { name: Name::read(name.trim())?, falling })
    }

    /// Compares two runs by their values under the name to sort by. Numbers come first, then
    /// booleans, then texts. A falling order reverses this. In both orders, NaN comes after all of
    /// these, and a missing value comes last.
    pub(in crate::app) fn order(&self, one: Option<&Value>, other: Option<&Value>) -> Ordering {
        let (one, other) =
            (one.filter(|value| is_there(value)), other.filter(|value| is_there(value)));
        let late = |value: Option<&Value>| value.map_or(2, |value| u8::from(is_nan(value)));
        late(one).cmp(&late(other)).then_with(|| {
            let (Some(one), Some(other)) = (one, other) else { return Ordering::Equal };
            let order = match (one, other) {
                (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
                (Value::Text(one), Value::Text(other)) => one.cmp(other),
                // Two NaN are equal.
                _ if kind(one) == kind(other) => numbers(one, other).unwrap_or(Ordering::Equal),
                _ => kind(one).cmp(&kind(other)),
            };
            if self.falling { order.reverse() } else { order }
        })
    }
}

/// Returns whether a value has a place in the order. An empty text counts as missing, and objects
/// have no order.
fn is_there(value: &Value) -> bool {
    !matches!(value, Value::Json(_)) && *value != Value::Text(String::new())
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::F64(number) if number.is_nan())
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::F64(_) | Value::I64(_) | Value::U64(_) => 0,
        Value::Bool(_) => 1,
        Value::Text(_) | Value::Json(_) => 2,
    }
}

/// Compares two numbers exactly. A comparison as floats would not be an order, because the float
/// 2^53 would equal two different integers.
fn numbers(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::F64(one), Value::F64(other)) => one.partial_cmp(other),
        (Value::F64(one), other) => whole(integer(other)?, *one).map(Ordering::reverse),
        (one, Value::F64(other)) => whole(integer(one)?, *other),
        (one, other) => Some(integer(one)?.cmp(&integer(other)?)),
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::I64(number) => Some((*number).into()),
        Value::U64(number) => Some((*number).into()),
        _ => None,
    }
}

fn whole(one: i128, other: f64) -> Option<Ordering> {
    if other.is_nan() {
        return None;
    }
    // The conversion saturates beyond 128 bits, which no whole number here reaches.
    match one.cmp(&(other.trunc() as i128)) {
        Ordering::Equal => 0.0.partial_cmp(&other.fract()),
        unequal => Some(unequal),
    }
}

#[cfg(test)]
mod tests;
