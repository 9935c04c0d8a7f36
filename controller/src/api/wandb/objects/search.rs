//! Serves lists of runs. The client filters them as MongoDB does, in JSON: an object of names and
//! what their values must be.

use record::ids::{ProjectId, SweepId};
use serde_json::{Map, Value as Json};

use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked},
        link::{Link, Page},
        names,
        session::Session,
    },
    app::read::{
        filter::{Field, Name, Sign, Sort, condition::Condition},
        find::{self, Search},
    },
};

/// The most runs on a page.
const MOST: usize = 1000;
/// The deepest nesting of a filter.
const DEEPEST: usize = 16;

/// Returns the page of runs that a question asks for: of a project, or of one of its sweeps.
pub(super) async fn runs(
    session: &Session,
    asked: &Asked<'_>,
    project: &ProjectId,
    sweep: Option<SweepId>,
) -> Result<Answer, Fault> {
    let search = search(asked, project, sweep)?;
    Ok(Answer::Link(Link::Page(page(session, asked, search).await?)))
}

/// Returns the page of a search that a question asks for.
pub(super) async fn page(
    session: &Session,
    asked: &Asked<'_>,
    search: Search,
) -> Result<Page, Fault> {
    let from = asked.text("after").and_then(|after| after.parse().ok()).unwrap_or(0);
    let first = asked.number("first").and_then(|first| usize::try_from(first).ok());
    let limit = first.unwrap_or(MOST).min(MOST);
    let (found, total) = find::page(session.app(), &session.caller, search, from, limit).await?;
    let more = from + found.len() < total;
    let item = |(at, view): (usize, _)| ((from + at + 1).to_string(), Link::Run(Box::new(view)));
    let items = found.into_iter().enumerate().map(item).collect();
    Ok(Page { items, more, total: Some(total as u64) })
}

/// Returns the search for the trials of a sweep that an agent got, the oldest first.
pub(super) fn of_agent(project: &ProjectId, sweep: SweepId, agent: &str) -> Result<Search, Fault> {
    let name = Name::Field(Field::Agent);
    Ok(Search {
        project: names::full(project),
        sweep: Some(sweep),
        condition: Some(Condition::compare(name, Sign::Is, &Json::from(agent))?),
        order: vec![oldest()],
        ..Search::default()
    })
}

/// Returns how many runs a question means.
pub(super) async fn count(
    session: &Session,
    asked: &Asked<'_>,
    project: &ProjectId,
) -> Result<Answer, Fault> {
    // A number needs no order.
    let search = Search { order: Vec::new(), ..search(asked, project, None)? };
    Ok(find::keys(session.app(), &session.caller, search).await?.len().into())
}

fn search(asked: &Asked<'_>, project: &ProjectId, sweep: Option<SweepId>) -> Result<Search, Fault> {
    let filters = asked.text("filters").filter(|text| !text.is_empty()).unwrap_or("{}");
    let filters: Json = serde_json::from_str(filters)
        .map_err(|error| Fault::wrong(format!("the filters are not JSON: {error}")))?;
    let order = asked.text("order").filter(|order| !order.is_empty());
    Ok(Search {
        project: names::full(project),
        sweep,
        condition: Some(condition(&filters, DEEPEST)?),
        order: vec![order.map_or_else(|| Ok(oldest()), self::order)?],
        ..Search::default()
    })
}

/// Returns the order in which the client expects runs: the oldest first.
fn oldest() -> Sort {
    Sort { name: Name::Field(Field::Created), falling: false }
}

/// Reads an order, such as `-summary_metrics.loss`.
fn order(text: &str) -> Result<Sort, Fault> {
    let (falling, said) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    Ok(Sort { name: name(said)?, falling })
}

/// Reads a name of a value, as the client writes it.
fn name(said: &str) -> Result<Name, Fault> {
    let field = |field| Ok(Name::Field(field));
    if let Some(key) = said.strip_prefix("config.") {
        return Ok(Name::Config(key.strip_suffix(".value").unwrap_or(key).to_owned()));
    }
    for prefix in ["summary_metrics.", "summaryMetrics.", "summary."] {
        if let Some(key) = said.strip_prefix(prefix) {
            return Ok(Name::Summary(key.strip_suffix(".value").unwrap_or(key).to_owned()));
        }
    }
    match said {
        "name" => field(Field::Slug),
        "display_name" | "displayName" => field(Field::Name),
        "state" => field(Field::State),
        "tags" => field(Field::Tags),
        "group" => field(Field::Group),
        "job_type" | "jobType" => field(Field::JobType),
        "sweep" => field(Field::Sweep),
        // Besom does not record each sign of life of a run.
        "created_at" | "createdAt" | "heartbeat_at" | "heartbeatAt" => field(Field::Created),
        other => Err(Fault::wrong(format!("Besom knows no value `{other}` of runs"))),
    }
}

/// Reads a filter. `left` is how much deeper it may be nested.
fn condition(filter: &Json, left: usize) -> Result<Condition, Fault> {
    let deeper = left.checked_sub(1).ok_or_else(|| Fault::wrong("the filters are too deep"))?;
    let Json::Object(filter) = filter else {
        return Err(Fault::wrong("a filter is an object of names and values"));
    };
    let list = |said: &Json| -> Result<Vec<Condition>, Fault> {
        let parts = said.as_array().ok_or_else(|| Fault::wrong("`$and` and `$or` need lists"))?;
        parts.iter().map(|part| condition(part, deeper)).collect()
    };
    let one = |(key, said): (&String, &Json)| match key.as_str() {
        "$and" => Ok(Condition::All(list(said)?)),
        "$or" => Ok(Condition::Any(list(said)?)),
        "$nor" => Ok(Condition::Not(Box::new(Condition::Any(list(said)?)))),
        "$not" => Ok(Condition::Not(Box::new(condition(said, deeper)?))),
        key => value(&name(key)?, said, deeper),
    };
    Ok(Condition::All(filter.iter().map(one).collect::<Result<_, _>>()?))
}

/// Reads what the value under a name must be: a plain value, or an object of operators.
fn value(name: &Name, said: &Json, left: usize) -> Result<Condition, Fault> {
    let is_operators = |object: &&Map<String, Json>| object.keys().all(|key| key.starts_with('$'));
    match said.as_object().filter(is_operators) {
        Some(operators) => {
            let parts = operators.iter().map(|(word, operand)| operator(name, word, operand, left));
            Ok(Condition::All(parts.collect::<Result<_, _>>()?))
        }
        None => compare(name, Sign::Is, said),
    }
}

fn operator(name: &Name, word: &str, operand: &Json, left: usize) -> Result<Condition, Fault> {
    let deeper = left.checked_sub(1).ok_or_else(|| Fault::wrong("the filters are too deep"))?;
    let not = |condition| Condition::Not(Box::new(condition));
    let any = || -> Result<Condition, Fault> {
        let said = operand.as_array().ok_or_else(|| Fault::wrong("`$in` needs a list"))?;
        let parts = said.iter().map(|item| compare(name, Sign::Is, item));
        Ok(Condition::Any(parts.collect::<Result<_, _>>()?))
    };
    match word {
        "$eq" => compare(name, Sign::Is, operand),
        "$ne" => Ok(not(compare(name, Sign::Is, operand)?)),
        "$gt" => compare(name, Sign::Above, operand),
        "$gte" => compare(name, Sign::AtLeast, operand),
        "$lt" => compare(name, Sign::Below, operand),
        "$lte" => compare(name, Sign::AtMost, operand),
        "$in" => any(),
        "$nin" => Ok(not(any()?)),
        "$not" => Ok(not(value(name, operand, deeper)?)),
        "$exists" => {
            let has = Condition::has(name.clone());
            Ok(if operand.as_bool() == Some(false) { not(has) } else { has })
        }
        "$regex" => {
            let text = operand.as_str().ok_or_else(|| Fault::wrong("`$regex` needs a text"))?;
            Ok(Condition::matches(name.clone(), text)?)
        }
        other => Err(Fault::wrong(format!("Besom knows no operator `{other}` of filters"))),
    }
}

fn compare(name: &Name, sign: Sign, operand: &Json) -> Result<Condition, Fault> {
    if let (Name::Field(Field::State), Sign::Is, Some(word)) = (name, sign, operand.as_str()) {
        let is = |state: &&str| Condition::compare(name.clone(), sign, &Json::from(*state));
        let parts = states(word).iter().map(is);
        return Ok(Condition::Any(parts.collect::<Result<_, _>>()?));
    }
    let moment = match (name, operand.as_str()) {
        (Name::Field(Field::Created), Some(text)) => Some(Json::from(moment(text, sign))),
        _ => None,
    };
    Ok(Condition::compare(name.clone(), sign, moment.as_ref().unwrap_or(operand))?)
}

/// Returns a time of the client as Besom compares times, to the millisecond. The client knows times
/// to the second: a run of that second is neither before nor after it.
fn moment(text: &str, sign: Sign) -> String {
    let whole = text.strip_suffix('Z').unwrap_or(text);
    if whole.len() != "2026-01-31T09:30:00".len() {
        return text.to_owned();
    }
    match sign {
        Sign::Above | Sign::AtMost => format!("{whole}.999Z"),
        _ => format!("{whole}.000Z"),
    }
}

/// Returns our states of runs for which the client has this word.
fn states(word: &str) -> &'static [&'static str] {
    match word.to_ascii_lowercase().as_str() {
        "pending" => &["queued", "leased"],
        "running" | "preempting" => &["running"],
        "finished" => &["finished", "pruned"],
        "preempted" => &["preempted"],
        "failed" => &["failed"],
        "crashed" => &["crashed"],
        "killed" => &["stopped"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_of_the_client_are_read() {
        for good in [
            json!({}),
            json!({"state": "finished", "config.lr.value": {"$lt": 0.1}}),
            json!({"$or": [{"tags": {"$in": ["a", "b"]}}, {"$not": {"group": "g"}}]}),
            json!({"summary_metrics.loss": {"$exists": true, "$ne": null}}),
            json!({"display_name": {"$regex": "^a"}, "createdAt": {"$gt": "2026-01-01"}}),
        ] {
            assert!(condition(&good, DEEPEST).is_ok(), "{good}");
        }
        let mut deep = json!({});
        for _ in 0..DEEPEST {
            deep = json!({ "$not": deep });
        }
        for bad in [
            json!([]),
            json!({"nonsense": 1}),
            json!({"config.lr": {"$near": 1}}),
            json!({"config.lr": {"$in": 1}}),
            json!({"name": {"$regex": "("}}),
            json!({"$and": {}}),
            deep,
        ] {
            assert!(condition(&bad, DEEPEST).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_order_has_a_direction_and_a_name() {
        assert_eq!(order("+created_at").unwrap(), oldest());
        let by = order("-summary_metrics.val/loss").unwrap();
        assert_eq!((by.name, by.falling), (Name::Summary("val/loss".to_owned()), true));
        let by = order("config.lr.value").unwrap();
        assert_eq!((by.name, by.falling), (Name::Config("lr".to_owned()), false));
    }
}
