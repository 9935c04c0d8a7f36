//! Finds, filters and sorts runs. The handlers in `api` call this module. A search goes through the
//! stored runs once, and reads only the values that its filters and its order need. A search reads
//! in full only the runs that it returns. This module changes nothing.

use std::sync::Arc;

use record::{
    Value,
    ids::{ProjectId, RunId, SweepId},
};

use super::{
    filter::{
        self, Field, Name, Sort,
        condition::{Condition, Test},
    },
    pages::{self, Outlet, Pace, Streamed},
    path,
    views::{self, RunView},
};
use crate::{
    app::{
        App,
        error::Error,
        limits::check_list,
        people::{
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
        rows::{digest, metrics::Metric},
        runs::edited,
        sweeps::stored,
    },
    store::{
        self, Tx,
        listing::{Candidate, Number, Text},
    },
};

/// The most tests of one condition.
const TESTS: usize = 1000;
/// The most bytes of the runs of one page, beyond the page's first run.
const PAGE_BYTES: usize = 32 << 20;
/// The most values of one table.
const CELLS: usize = 2_000_000;

/// The runs that a caller asks for, and their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// The project of the runs; empty means any project.
    pub(crate) project: String,
    /// The sweep of the runs; `None` means any sweep or none.
    pub(crate) sweep: Option<SweepId>,
    /// The filters that the runs must pass, as users write them.
    pub(crate) filters: Vec<String>,
    /// The names of the values to sort by, as users write them. Among runs with equal values, the
    /// newest run comes first.
    pub(crate) sort: Vec<String>,
    /// The most runs to return; 0 means all.
    pub(crate) limit: u32,
    /// A further condition, which a program has made.
    pub(crate) condition: Option<Condition>,
    /// Further values to sort by, which a program has named.
    pub(crate) order: Vec<Sort>,
}

struct Question {
    caller: Caller,
    project: String,
    sweep: Option<SweepId>,
    condition: Condition,
    order: Vec<Sort>,
    limit: usize,
    /// The values to read of each found run.
    columns: Vec<Name>,
}

/// A found run: its internal key, and its values under the wanted names.
type Found = (i64, Vec<Option<Value>>);

/// Returns the runs that pass every filter of a search, in the order that the search asks for.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist. Fails with [`Error::Invalid`] if a
/// filter or a name to sort by is wrong; the error lists every mistake.
pub(crate) async fn find_runs(
    app: &Arc<App>,
    caller: &Caller,
    search: Search,
) -> Result<Streamed<RunView>, Error> {
    let found = keys(app, caller, search).await?;
    let app = app.clone();
    Ok(pages::stream(|outlet| async move { send_runs(&app, &found, &outlet).await }))
}

/// Returns at most `limit` of the runs that [`find_runs`] returns, from number `from` on, and how
/// many there are in all. Returns fewer if the runs are very large.
///
/// # Errors
/// Fails as [`find_runs`] does.
pub(crate) async fn page(
    app: &Arc<App>,
    caller: &Caller,
    search: Search,
    from: usize,
    limit: usize,
) -> Result<(Vec<RunView>, usize), Error> {
    let found = keys(app, caller, search).await?;
    let total = found.len();
    let page: Vec<i64> = found.into_iter().skip(from).take(limit).collect();
    let runs = app
        .read(move |tx, app| {
            let (mut runs, mut bytes) = (Vec::new(), 0);
            for key in page {
                let Some(run) = store::runs::at(tx, key)? else { continue };
                let view = views::run(tx, app, run)?;
                bytes += view.weight();
                runs.push(view);
                if bytes > PAGE_BYTES {
                    break;
                }
            }
            Ok(runs)
        })
        .await?;
    Ok((runs, total))
}

/// Returns the values under these names of the runs that [`find_runs`] returns, a list for each
/// run, and how many runs were found. The search's limit bounds the lists, not the number.
///
/// # Errors
/// Fails as [`find_runs`] does. Fails with [`Error::Invalid`] if a name is wrong, or if the table
/// has too many values.
pub(crate) async fn table(
    app: &Arc<App>,
    caller: &Caller,
    search: Search,
    columns: Vec<Name>,
) -> Result<(Vec<Vec<Option<Value>>>, usize), Error> {
    check_list(&app.settings.limits, "columns", &columns)?;
    let most = if search.limit == 0 { usize::MAX } else { search.limit as usize };
    let found = search_for(app, caller, Search { limit: 0, ..search }, columns).await?;
    let total = found.len();
    Ok((found.into_iter().take(most).map(|(_, values)| values).collect(), total))
}

/// Returns the internal keys of the runs that [`find_runs`] returns.
///
/// # Errors
/// Fails as [`find_runs`] does.
pub(crate) async fn keys(
    app: &Arc<App>,
    caller: &Caller,
    search: Search,
) -> Result<Vec<i64>, Error> {
    let found = search_for(app, caller, search, Vec::new()).await?;
    Ok(found.into_iter().map(|(key, _)| key).collect())
}

async fn search_for(
    app: &Arc<App>,
    caller: &Caller,
    search: Search,
    columns: Vec<Name>,
) -> Result<Vec<Found>, Error> {
    caller.admits(Right::See)?;
    check_list(&app.settings.limits, "filters", &search.filters)?;
    check_list(&app.settings.limits, "names to sort by", &search.sort)?;
    let (filters, mut order) = filter::read(&search.filters, &search.sort)?;
    order.extend(search.order);
    let limit = if search.limit == 0 { usize::MAX } else { search.limit as usize };
    let Search { project, sweep, condition, .. } = search;
    let tests = condition.as_ref().map_or(0, Condition::tests);
    if tests > TESTS {
        return Err(Error::invalid(format!(
            "the filters have {tests} tests; the limit is {TESTS}"
        )));
    }
    if let Some(sweep) = &sweep {
        permit::sweep(app, caller, Right::See, sweep).await?;
    }
    let project = if project.is_empty() { project } else { caller.project(&project)?.into() };
    let caller = caller.clone();
    let filters = filters.into_iter().map(|filter| Condition::Test(Test::Compare(filter)));
    let condition = Condition::All(filters.chain(condition).collect());
    let question = Question { caller, project, sweep, condition, order, limit, columns };
    app.read(move |tx, _| {
        if let Some(sweep) = &question.sweep {
            stored::progress(tx, sweep)?;
        }
        question.answer(tx)
    })
    .await
}

async fn send_runs(
    app: &Arc<App>,
    mut found: &[i64],
    outlet: &Outlet<RunView>,
) -> Result<(), Error> {
    let mut pace = Pace::new(app);
    while !found.is_empty() && outlet.is_wanted().await {
        let (page, rest) = found.split_at(found.len().min(pace.limit() as usize));
        found = rest;
        let page = page.to_vec();
        let found = move |tx: &Tx<'_>, app: &App| {
            views::runs(tx, app, page.iter().map(|&key| store::runs::at(tx, key)))
        };
        let runs = app.read(found).await?;
        pace.took(runs.iter().map(RunView::weight));
        for run in runs {
            if !outlet.send(run).await {
                return Ok(());
            }
        }
    }
    Ok(())
}

impl Question {
    fn sees(&self, candidate: &Candidate<'_>) -> Result<bool, Error> {
        if self.caller == Caller::Admin {
            return Ok(true);
        }
        let project = ProjectId::from(candidate.text(Text::Project)?);
        let run = RunId::from(candidate.text(Text::Id)?);
        let sweep = Some(candidate.text(Text::Sweep)?).filter(|sweep| !sweep.is_empty());
        let sweep = sweep.map(SweepId::from);
        Ok(self.caller.may(Right::See, &project, Thing::Run(&run, sweep.as_ref())))
    }

    /// Returns the found runs, in the requested order.
    fn answer(&self, tx: &Tx<'_>) -> Result<Vec<Found>, Error> {
        let mut found: Vec<(Vec<Option<Value>>, Found)> = Vec::new();
        let mut known = Definitions::default();
        let sweep = self.sweep.as_ref();
        store::listing::each(tx, &self.project, sweep, |candidate| -> Result<bool, Error> {
            if !self.sees(candidate)? {
                return Ok(true);
            }
            let mut values = |name: &Name| match name {
                Name::Field(Field::Tags) => {
                    Ok(tags(candidate)?.into_iter().map(Value::Text).collect())
                }
                name => Ok(value(candidate, name, &mut known)?.into_iter().collect()),
            };
            if !self.condition.is_met::<Error>(&mut values)? {
                return Ok(true);
            }
            let by = self.order.iter().map(|sort| value(candidate, &sort.name, &mut known));
            let by = by.collect::<Result<_, Error>>()?;
            let cells = self.columns.iter().map(|name| value(candidate, name, &mut known));
            let cells = cells.collect::<Result<_, Error>>()?;
            found.push((by, (candidate.key()?, cells)));
            if found.len() * self.columns.len() > CELLS {
                let message = format!("the table has more than {CELLS} values");
                return Err(Error::invalid(message).hint("ask for fewer columns, or filter"));
            }
            Ok(!self.order.is_empty() || found.len() < self.limit)
        })?;
        // The sort is stable: among runs with equal values, the newest run stays first.
        found.sort_by(|(one, _), (other, _)| {
            let pairs = self.order.iter().zip(one.iter().zip(other));
            let mut orders =
                pairs.map(|(sort, (one, other))| sort.order(one.as_ref(), other.as_ref()));
            orders.find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        found.truncate(self.limit);
        Ok(found.into_iter().map(|(_, found)| found).collect())
    }
}

/// A cache of the definitions of metrics that were parsed last. Runs of one program mostly have the
/// same definitions.
#[derive(Default)]
struct Definitions {
    json: String,
    metrics: Vec<Metric>,
}

impl Definitions {
    fn of(&mut self, json: &str) -> &[Metric] {
        if self.json != json {
            self.metrics = Metric::list(json);
            json.clone_into(&mut self.json);
        }
        &self.metrics
    }
}

/// Returns the value of a run under a name. All tags of the run together form one text.
fn value(
    run: &Candidate<'_>,
    name: &Name,
    known: &mut Definitions,
) -> Result<Option<Value>, Error> {
    let text = |column| {
        let text = run.text(column)?;
        Ok((!text.is_empty()).then(|| Value::Text(text.to_owned())))
    };
    let number = |column| Ok(run.number(column)?.map(Value::I64));
    match name {
        Name::Config(path) => {
            let chosen = path::value(run.text(Text::Config)?, path);
            if chosen.is_some() {
                Ok(chosen)
            } else {
                Ok(path::value(run.text(Text::Added)?, path))
            }
        }
        Name::Summary(key) => {
            if let Some(said) = edited::value(run.text(Text::Edited)?, key) {
                return Ok(Some(said));
            }
            let metrics = known.of(run.text(Text::Metrics)?);
            digest::value(run.logged()?, metrics, key).map_err(|corrupt| {
                let id = run.text(Text::Id).unwrap_or_default();
                Error::damaged(format!("the summary of {id} is damaged: {corrupt}"))
            })
        }
        Name::Field(Field::Tags) => Ok(Some(Value::Text(joined(&tags(run)?)))),
        Name::Field(Field::Id) => text(Text::Id),
        Name::Field(Field::Name) => text(Text::Name),
        Name::Field(Field::State) => text(Text::State),
        Name::Field(Field::Project) => text(Text::Project),
        Name::Field(Field::Sweep) => {
            let sweep = text(Text::Sweep)?;
            if sweep.is_some() { Ok(sweep) } else { text(Text::Joined) }
        }
        Name::Field(Field::Group) => text(Text::Group),
        Name::Field(Field::JobType) => text(Text::JobType),
        Name::Field(Field::Agent) => text(Text::Agent),
        Name::Field(Field::Slug) => {
            let slug = text(Text::Slug)?;
            Ok(slug.or(text(Text::Id)?))
        }
        Name::Field(Field::Created) => {
            let created = run.number(Number::Created)?.map(jiff::Timestamp::from_millisecond);
            // Texts of this form have the order of the times.
            let written = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
            Ok(created.and_then(Result::ok).map(written).map(Value::Text))
        }
        Name::Field(Field::CreatedMs) => number(Number::Created),
        Name::Field(Field::StartedMs) => number(Number::Started),
        Name::Field(Field::EndedMs) => number(Number::Ended),
        Name::Field(Field::Settings) => {
            let texts = [run.text(Text::Config)?, run.text(Text::Added)?];
            Ok(Some(Value::Text(texts.join(" "))))
        }
        Name::Field(Field::Trial) => number(Number::Trial),
        Name::Field(Field::Attempt) => number(Number::Attempt),
        Name::Field(Field::Rows) => number(Number::Rows),
        Name::Field(Field::Value) => Ok(run.value()?.map(Value::F64)),
    }
}

/// Returns tags as one text, in which `, ` stands between two of them. Within a tag, a backslash
/// stands before `, ` and before a backslash, so that a reader can tell the tags apart.
fn joined(tags: &[String]) -> String {
    let one = |tag: &String| tag.replace('\\', r"\\").replace(", ", r"\, ");
    tags.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn tags(run: &Candidate<'_>) -> Result<Vec<String>, Error> {
    Ok(serde_json::from_str(run.text(Text::Tags)?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn a_comma_in_a_tag_does_not_look_like_two_tags() {
        let text =
            |tags: &[&str]| joined(&tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>());
        assert_eq!(text(&["a", "b,c"]), "a, b,c");
        assert_eq!(text(&["a, b", "c"]), r"a\, b, c");
        assert_eq!(text(&[r"a\", "b"]), r"a\\, b");
    }
}
