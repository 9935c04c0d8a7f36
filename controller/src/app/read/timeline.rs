//! Reads which agent had which run at what time. `api::web` calls this module. It changes nothing.

use std::sync::Arc;

use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            things::Thing,
        },
    },
    store::{self, places::Span},
};

/// The runs that are looked at: this many newest ones.
const NEWEST: u32 = 20_000;

/// Returns the spans that touch a stretch of time and that the caller may see, the newest run
/// first. Says of each whether a larger value is better. The times are in milliseconds since the
/// epoch, and both are inclusive.
///
/// # Errors
/// Refuses the token of a run. Fails with [`Error::Invalid`] if the stretch ends before it begins.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<(Span, bool)>, Error> {
    caller.admits(Right::See)?;
    if from_ms > to_ms {
        return Err(Error::invalid("the stretch of time ends before it begins"));
    }
    let caller = caller.clone();
    app.read(move |tx, app| {
        let mut spans = store::places::spans(tx, NEWEST, from_ms, to_ms)?;
        spans.retain(|span| {
            let thing = Thing::Run(&span.run, span.sweep.as_ref());
            caller.may(Right::See, &span.project, thing)
        });
        let maximize = |span: &Span| match &span.sweep {
            Some(sweep) => Ok(app.plans.get(tx, sweep)?.study.maximize),
            None => Ok(false),
        };
        spans.into_iter().map(|span| maximize(&span).map(|maximize| (span, maximize))).collect()
    })
    .await
}
