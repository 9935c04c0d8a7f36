//! Changes what people say about a sweep after its creation: its name. The configuration never
//! changes, because the search and its replays follow from it. `api::wandb` calls this module.

use std::sync::Arc;

use record::ids::SweepId;

use super::{manage, planning};
use crate::app::{
    App,
    change::{
        Change,
        wakeups::{Topic, Wake},
    },
    error::{Error, Why},
    limits::check_name,
    people::{
        audit,
        caller::{Caller, Right},
        permit,
    },
    read::views::{self, SweepView},
};

/// What a caller says about a sweep. A field that is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edit {
    /// The sweep's name. An empty one is the name in the configuration.
    pub(crate) name: Option<String>,
    /// The configuration, which must be the sweep's own.
    pub(crate) yaml: Option<String>,
}

/// Changes the name of a sweep.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist, and with [`Error::Refused`] if the
/// caller sends another configuration than the sweep's own.
pub(crate) async fn edit(
    app: &Arc<App>,
    caller: &Caller,
    id: SweepId,
    edit: Edit,
) -> Result<SweepView, Error> {
    permit::sweep(app, caller, Right::Steer, &id).await?;
    let plan = planning::of(app, &id).await?;
    if let Some(yaml) = edit.yaml {
        let (_, said) = manage::checked(app, move || manage::check(yaml, "")).await?;
        if said?.0 != plan.config {
            let message = format!("the configuration of sweep `{id}` does not change any more");
            let hint = format!("a new sweep with `warm_start: [{id}]` starts from its results");
            return Err(Error::refused(Why::State, message).hint(hint));
        }
    }
    if let Some(name) = edit.name {
        check_name(&app.settings.limits, "the name", &name)?;
        let (sweep, who, project) = (id.clone(), caller.who(), plan.project.clone());
        let write = move |change: &mut Change<'_>| {
            change.progress(&sweep)?.name = Some(name).filter(|name| !name.is_empty());
            let topics = [Topic::Sweep(sweep.clone())].into_iter().chain(Topic::within(&project));
            topics.for_each(|topic| change.wake(Wake::All(topic)));
            audit::note(change, who, "rename sweep", sweep.as_str(), Some(project))
        };
        app.change(write).await?;
    }
    views::get_sweep(app, caller, id).await
}
