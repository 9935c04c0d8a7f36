//! Deletes files of runs, for good. The contents go later, if nothing else refers to them.

use std::{collections::BTreeSet, sync::Arc};

use record::ids::RunId;

use crate::{
    app::{
        App,
        change::{
            Change,
            wakeups::{Topic, Wake},
        },
        error::Error,
        limits::check_list,
        people::{
            audit,
            caller::{Caller, Right},
            permit,
        },
    },
    store,
};

/// Deletes the files with these paths, of all attempts of the run. Returns their size in bytes.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run or one of the files does not exist. Then nothing is
/// deleted.
pub(crate) async fn remove(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    paths: Vec<String>,
) -> Result<u64, Error> {
    permit::run(app, caller, Right::Steer, &run).await?;
    caller.admits(Right::Steer)?;
    check_list(&app.settings.limits, "paths", &paths)?;
    let (who, paths) = (caller.who(), BTreeSet::from_iter(paths));
    let remove = move |change: &mut Change<'_>| {
        let of = change.run(&run)?;
        let mut size = 0;
        for path in paths {
            let removed = store::files::remove(change.tx, of.key, &path)?;
            size += removed.ok_or_else(|| {
                Error::missing(format!("the run `{run}` has no file `{path}`"))
                    .hint(format!("`sweep run files {run}` lists its files"))
            })?;
            let object = format!("{run}/{path}");
            audit::note(change, who.clone(), "delete file", object, Some(of.project.clone()))?;
        }
        change.wake(Wake::All(Topic::Run(run)));
        Ok(size)
    };
    app.change(remove).await
}
