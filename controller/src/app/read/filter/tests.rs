//! Tests filters as users write them, and the reasons why filters are refused.

use super::*;

fn passes(filter: &str, value: Option<Value>) -> bool {
    Filter::read(filter).unwrap().passes(value.into_iter())
}

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}

#[test]
fn numbers_and_texts_are_compared_with_their_own_kind() {
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
        ("config.bias = true", text("true"), false),
        ("config.bias = 'true'", text("true"), true),
        ("name = true", text("true"), true),
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
        assert_eq!(
            (read.name, read.sign, read.wanted.text.as_str()),
            (name, sign, value),
            "{filter}"
        );
    }
    for (filter, wrong) in [
        ("summary.x >= y > 2", "more than one comparison"),
        ("summary.\"a=b = 1", "the closing \" is missing"),
        ("summary.\"a\"b = 1", "the closing \" is missing"),
        ("summary.\"\" = 1", "the name after `summary.` is missing"),
        ("config.none < null", "null allows only = and !="),
    ] {
        let why = Filter::read(filter).unwrap_err();
        assert!(why.starts_with(wrong), "{filter}: {why}");
    }
    let sorted = Sort::read("-summary.\"val loss\"").unwrap();
    assert_eq!(sorted, Sort { name: summary("val loss"), falling: true });
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let lines = |filters: &[&str], sort: &[&str]| {
        let owned =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
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
        "`summary.loss < nan`: NaN allows only = and !="
    );
    assert!(lines(&["tags < a"], &[]).ends_with("allows only = and !="));
    assert!(lines(&["name = a"; 65], &[]).starts_with("the request has more than 64"));
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
