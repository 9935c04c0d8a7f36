//! What people ask of many runs, in words: filters such as `config.lr < 0.01` and names to sort by. Used by `app::find`, which
//! knows where the values are. The one place that reads these words; pure.

use std::{cmp::Ordering, ops::Range};

use record::{Value, name};
use sweeps::lifecycle::run::State;

use super::error::Error;

/// Filters and names to sort by in one question.
const MOST: usize = 64;

/// How a filter is written.
const FORM: &str = "a filter is a name, one of = != < <= > >=, and a value, as in `config.lr < 0.01`; a name or a value that \
                    holds such a sign stands in quotes, as in `summary.\"a=b\" = 1`; ";

/// A value of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// The parameter or setting at this path, its parts joined by `.`.
    Config(String),
    /// What its summary has under this key.
    Summary(String),
    /// What every run has, or may have.
    Field(Field),
}

/// What every run has, or may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
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
}

const FIELDS: [(&str, Field); 13] = [
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
];

/// A comparison that a run passes or not.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filter {
    /// Of this value.
    pub(super) name: Name,
    sign: Sign,
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Is,
    IsNot,
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// What a value is compared with: `10` may be meant as a number and as a text, `'10'` as a text alone.
#[derive(Clone, Debug, PartialEq)]
struct Wanted {
    text: String,
    number: Option<Value>,
    flag: Option<bool>,
    /// It is `null`: what has no value is equal to it.
    null: bool,
}

/// What runs are sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sort {
    /// This value.
    pub(super) name: Name,
    /// The largest first.
    falling: bool,
}

/// Reads filters and names to sort by.
///
/// # Errors
/// Invalid, with everything that is wrong with any of them.
pub(super) fn read(filters: &[String], sort: &[String]) -> Result<(Vec<Filter>, Vec<Sort>), Error> {
    if filters.len() + sort.len() > MOST {
        return Err(Error::invalid(format!("more than {MOST} filters and names to sort by")));
    }
    let mut wrong = Vec::new();
    let mut note = |text: &str, why: String| wrong.push(format!("`{}`: {why}", text.trim()));
    let read = filters.iter().filter_map(|text| Filter::read(text).map_err(|why| note(text, why)).ok());
    let read: Vec<Filter> = read.collect();
    let order = sort.iter().filter_map(|text| Sort::read(text).map_err(|why| note(text, why)).ok());
    let order: Vec<Sort> = order.collect();
    let message = match wrong.as_slice() {
        [] => return Ok((read, order)),
        [one] => one.clone(),
        many => format!("{} mistakes\n  {}", many.len(), many.join("\n  ")),
    };
    let form = if read.len() < filters.len() { FORM } else { "" };
    let names = FIELDS.map(|(name, _)| name).join(", ");
    Err(Error::invalid(message).hint(format!("{form}names are config.KEY, summary.KEY, {names}")))
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
                field.ok_or_else(|| format!("there is no `{text}`: config.{text} or summary.{text}?"))
            }
        }
    }
}

impl Filter {
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
        // A field without a value is an empty text too.
        wanted.null |= matches!(name, Name::Field(_)) && wanted.text.is_empty();
        let ordered = !matches!(sign, Sign::Is | Sign::IsNot);
        match &name {
            Name::Field(Field::State) if State::from_name(&wanted.text).is_none() => {
                let states = State::ALL.map(State::name).join(", ");
                Err(format!("no state `{}`: {states}", wanted.text))
            }
            Name::Field(Field::State | Field::Tags) if ordered => {
                Err("a state or tag can be equal (=) or not (!=)".to_owned())
            }
            _ if ordered && wanted.number.as_ref().is_some_and(is_nan) => {
                Err("NaN can be equal (=) or not (!=)".to_owned())
            }
            _ if ordered && wanted.null => Err("null can be equal (=) or not (!=)".to_owned()),
            _ => Ok(Self { name, sign, wanted }),
        }
    }

    /// Whether a run passes that has these values under the name: none, one, or of tags several.
    pub(super) fn passes(&self, values: impl Iterator<Item = Value>) -> bool {
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
            Sign::AtLeast => values.any(|value| wanted.compare(&value).is_some_and(Ordering::is_ge)),
        }
    }
}

/// Where the comparison stands. A name and a value may hold its signs too. So it is the first one after a quoted name;
/// else the first that has blanks around it, or a quoted text and nothing more behind it; else the first.
fn comparison(text: &str) -> Result<Range<usize>, String> {
    let from = name::quoted_end(text);
    let is_blank = |letter: Option<char>| letter.is_some_and(char::is_whitespace);
    let stands_apart = |sign: &Range<usize>| {
        is_blank(text[..sign.start].chars().next_back()) && is_blank(text[sign.end..].chars().next())
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
        return Err("more than one comparison: a name or a value that holds one stands in quotes".to_owned());
    }
    Ok(found.clone())
}

/// Where signs of comparison follow each other without a gap.
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
            return Ok(Self { text: inner.to_owned(), number: None, flag: None, null: false });
        }
        if text.is_empty() {
            return Err("the value is missing; the empty text is ''".to_owned());
        }
        let whole = text.parse().map(Value::I64).or_else(|_| text.parse().map(Value::U64)).ok();
        Ok(Self {
            text: text.to_owned(),
            number: whole.or_else(|| text.parse().map(Value::F64).ok()),
            flag: text.parse().ok(),
            null: text == "null",
        })
    }

    /// How a value stands to this; `None` where they cannot be compared.
    fn compare(&self, value: &Value) -> Option<Ordering> {
        match value {
            Value::F64(_) | Value::I64(_) | Value::U64(_) => match &self.number {
                Some(number) if is_nan(number) && is_nan(value) => Some(Ordering::Equal),
                Some(number) => numbers(value, number),
                None => None,
            },
            Value::Bool(flag) => Some(flag.cmp(self.flag.as_ref()?)),
            // `< 10` speaks of numbers: no text is below it.
            Value::Text(text) if self.number.is_some() => (*text == self.text).then_some(Ordering::Equal),
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

    /// Which of two runs comes first by their values. Numbers, then booleans, then texts, or all the other way round; NaN
    /// after them and what is missing last, either way.
    pub(super) fn order(&self, one: Option<&Value>, other: Option<&Value>) -> Ordering {
        let (one, other) = (one.filter(|value| is_there(value)), other.filter(|value| is_there(value)));
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

/// An empty text says as little as none, and objects have no order.
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

/// Two numbers, exactly: an order in which 2^53 as a float were equal to two whole numbers would be none.
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
    // Saturates beyond 128 bits, which no whole number here reaches.
    match one.cmp(&(other.trunc() as i128)) {
        Ordering::Equal => 0.0.partial_cmp(&other.fract()),
        unequal => Some(unequal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(filter: &str, value: Option<Value>) -> bool {
        Filter::read(filter).unwrap().passes(value.into_iter())
    }

    fn text(text: &str) -> Option<Value> {
        Some(Value::Text(text.to_owned()))
    }

    #[test]
    fn numbers_and_texts_are_compared_each_with_their_own() {
        for (filter, value, passed) in [
            ("config.lr<0.01", Some(Value::F64(0.001)), true),
            ("config.lr < 1e-3", Some(Value::F64(0.001)), false),
            ("config.lr <= 1", Some(Value::I64(1)), true),
            ("config.opt = adam", text("adam"), true),
            ("config.opt == 'adam'", text("adam"), true),
            ("config.opt < 10", text("1"), false),
            ("name = 10", text("10"), true),
            ("config.n = '10'", Some(Value::I64(10)), false),
            ("config.bias = true", Some(Value::Bool(true)), true),
            ("config.bias = true", text("true"), true),
            ("config.bias != true", Some(Value::Bool(false)), true),
            ("config.lr != 0.1", None, true),
            ("config.lr < 0.1", None, false),
            ("config.lr > 0.1", None, false),
            ("group = ''", text(""), true),
            ("config.seed = 9007199254740993", Some(Value::I64(9_007_199_254_740_992)), false),
            ("summary.n = 18446744073709551615", Some(Value::U64(u64::MAX)), true),
            ("summary.n = 18446744073709551614", Some(Value::U64(u64::MAX)), false),
            ("summary.n > -1", Some(Value::U64(u64::MAX)), true),
            ("summary.loss = nan", Some(Value::F64(f64::NAN)), true),
            ("summary.loss != nan", Some(Value::F64(f64::NAN)), false),
            ("summary.loss != nan", Some(Value::F64(0.1)), true),
            ("summary.loss < inf", Some(Value::F64(f64::NAN)), false),
            ("summary.loss >= -inf", Some(Value::F64(f64::NEG_INFINITY)), true),
            ("summary.picture = x", Some(Value::Json("{}".to_owned())), false),
            ("config.none = null", None, true),
            ("config.none != null", None, false),
            ("config.none = null", Some(Value::I64(0)), false),
            ("config.none != null", Some(Value::I64(0)), true),
            ("config.betas != null", Some(Value::Json("[0.9]".to_owned())), true),
            ("config.none = 'null'", None, false),
            ("config.none = null", text("null"), true),
            ("agent = null", None, true),
            ("agent = ''", None, true),
            ("config.opt = ''", None, false),
        ] {
            assert_eq!(passes(filter, value.clone()), passed, "{filter} {value:?}");
        }
        let tags = ["fast", "best"].map(|tag| Value::Text(tag.to_owned()));
        let tagged = |filter: &str| Filter::read(filter).unwrap().passes(tags.iter().cloned());
        assert!(tagged("tags = best") && tagged("tags != slow") && !tagged("tags != fast"));
    }

    #[test]
    fn names_and_values_may_hold_the_signs_of_comparisons() {
        let summary = |key: &str| Name::Summary(key.to_owned());
        for (filter, name, sign, value) in [
            ("summary.\"val loss\" = 5", summary("val loss"), Sign::Is, "5"),
            ("summary.\"a=b\"=1", summary("a=b"), Sign::Is, "1"),
            ("summary.'x >= y' > 2", summary("x >= y"), Sign::Above, "2"),
            ("summary.'q\"uote' != 2", summary("q\"uote"), Sign::IsNot, "2"),
            ("summary.q\"uote > 2", summary("q\"uote"), Sign::Above, "2"),
            ("summary.a=b = 1", summary("a=b"), Sign::Is, "1"),
            ("summary.loss<eps > 2", summary("loss<eps"), Sign::Above, "2"),
            ("summary.s = \"x = y\"", summary("s"), Sign::Is, "x = y"),
            ("summary.s='x = y'", summary("s"), Sign::Is, "x = y"),
            ("summary.s=x=y", summary("s"), Sign::Is, "x=y"),
            ("summary.größe >= 2", summary("größe"), Sign::AtLeast, "2"),
            ("config.\"a.b\" <0.1", Name::Config("a.b".to_owned()), Sign::Below, "0.1"),
        ] {
            let read = Filter::read(filter).unwrap();
            assert_eq!((read.name, read.sign, read.wanted.text.as_str()), (name, sign, value), "{filter}");
        }
        for (filter, wrong) in [
            ("summary.x >= y > 2", "more than one comparison"),
            ("summary.\"a=b = 1", "the closing \" is missing"),
            ("summary.\"a\"b = 1", "the closing \" is missing"),
            ("summary.\"\" = 1", "the name after `summary.` is missing"),
            ("config.none < null", "null can be equal (=) or not (!=)"),
        ] {
            let why = Filter::read(filter).unwrap_err();
            assert!(why.starts_with(wrong), "{filter}: {why}");
        }
        let sorted = Sort::read("-summary.\"val loss\"").unwrap();
        assert_eq!(sorted, Sort { name: summary("val loss"), falling: true });
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let lines = |filters: &[&str], sort: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            read(&owned(filters), &owned(sort)).unwrap_err().to_string()
        };
        let all = lines(
            &[
                "config.lr",
                "lr < 1",
                "config. = 1",
                "config.lr =< 1",
                "state = runing",
                "name =",
                "name = 'a",
            ],
            &["-loss"],
        );
        let starts = [
            "8 mistakes",
            "  `config.lr`: no comparison",
            "  `lr < 1`: there is no `lr`: config.lr or summary.lr?",
            "  `config. = 1`: the name after `config.` is missing",
            "  `config.lr =< 1`: no comparison `=<`",
            "  `state = runing`: no state `runing`: queued,",
            "  `name =`: the value is missing",
            "  `name = 'a`: the closing ' is missing",
            "  `-loss`: there is no `loss`: config.loss or",
        ];
        for (line, start) in all.lines().zip(starts) {
            assert!(line.starts_with(start), "{line}");
        }
        assert_eq!(all.lines().count(), starts.len());
        assert_eq!(
            lines(&["summary.loss < nan"], &[]),
            "`summary.loss < nan`: NaN can be equal (=) or not (!=)"
        );
        assert!(lines(&["tags < a"], &[]).ends_with("can be equal (=) or not (!=)"));
        assert!(lines(&["name = a"; 65], &[]).starts_with("more than 64"));
    }

    #[test]
    fn the_order_is_total() {
        let values = [
            Some(Value::F64(f64::NEG_INFINITY)),
            Some(Value::I64(i64::MIN)),
            Some(Value::F64(-0.5)),
            Some(Value::I64(0)),
            Some(Value::F64(0.5)),
            Some(Value::I64(9_007_199_254_740_992)),
            Some(Value::I64(9_007_199_254_740_993)),
            Some(Value::I64(i64::MAX)),
            Some(Value::F64(9.3e18)),
            Some(Value::U64(u64::MAX - 1)),
            Some(Value::U64(u64::MAX)),
            Some(Value::F64(18_446_744_073_709_551_616.0)),
            Some(Value::Bool(false)),
            Some(Value::Bool(true)),
            text("a"),
            text("b"),
            Some(Value::F64(f64::NAN)),
            None,
        ];
        let order = |sort: &str, one: usize, other: usize| {
            Sort::read(sort).unwrap().order(values[one].as_ref(), values[other].as_ref())
        };
        for one in 0..values.len() {
            for other in 0..values.len() {
                assert_eq!(order("rows", one, other), one.cmp(&other), "{one} {other}");
                let falling = if one.max(other) < 16 { other.cmp(&one) } else { one.cmp(&other) };
                assert_eq!(order("-rows", one, other), falling, "{one} {other}");
            }
        }
        let same = Sort::read("rows").unwrap();
        assert!(same.order(Some(&Value::F64(-0.0)), Some(&Value::I64(0))).is_eq());
        assert!(same.order(text("").as_ref(), None).is_eq());
    }
}
