//! Tells a caller when something changes that the caller looks at, so that the caller reads it
//! anew. A hint holds no data. Many changes in quick succession become one hint. `api::web` calls
//! this module.

use std::{collections::BTreeSet, future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use record::{
    ids::{ProjectId, RunId, SweepId},
    stream::StreamName,
};
use tokio::sync::futures::Notified;

use super::pages::{self, Outlet, Streamed};
use crate::{
    app::{
        App,
        change::wakeups::{Listener, Topic},
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
        runs::lookup,
    },
    store::{self, people::Only},
};

/// Something that a caller looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// All that the caller may see.
    Home,
    /// A project.
    Project(ProjectId),
    /// A sweep.
    Sweep(SweepId),
    /// A run.
    Run(RunId),
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// The state of a sweep or a run, or what is said about a run.
    State,
    /// Rows of the history, the summary or the system metrics.
    Rows,
    /// Lines of the console.
    Console,
    /// Files, checkpoints and artifacts.
    Files,
}

/// What a follower hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The subject with this number in the caller's list has changed.
    Changed(usize, What),
    /// Nothing has changed for a while.
    Nothing,
}

/// A listener of a topic, with the hint that a wake-up becomes.
type Listening = (usize, What, Listener);

/// Follows some subjects, until the controller shuts down or the caller's key is no longer valid.
///
/// # Errors
/// Fails with [`Error::Missing`] if the caller may not see a subject, and with [`Error::Invalid`]
/// if there is none or if there are too many.
pub(crate) async fn follow(
    app: &Arc<App>,
    caller: &Caller,
    subjects: Vec<Subject>,
) -> Result<Streamed<News>, Error> {
    let (count, most) = (subjects.len(), app.settings.limits.topics);
    if count == 0 || count > most {
        let message = format!("the request names {count} topics; it may name 1 to {most}");
        return Err(Error::invalid(message));
    }
    let mut listening = Vec::new();
    for (at, subject) in subjects.into_iter().enumerate() {
        check(app, caller, &subject).await?;
        let topics = topics(caller, subject).into_iter();
        listening.extend(topics.map(|(what, topic)| (at, what, app.wakeups.listen(topic))));
    }
    let (app, caller) = (app.clone(), caller.clone());
    Ok(pages::stream(|outlet| async move { send_news(&app, &caller, &listening, &outlet).await }))
}

/// Passes if the caller may see the subject.
async fn check(app: &Arc<App>, caller: &Caller, subject: &Subject) -> Result<(), Error> {
    match subject {
        Subject::Home => caller.admits(Right::See),
        Subject::Project(project) => {
            caller.check(Right::See, project, Thing::Project, || permit::no_project(project))
        }
        Subject::Sweep(id) => {
            permit::sweep(app, caller, Right::See, id).await?;
            let id = id.clone();
            app.read(move |tx, _| match store::sweeps::progress(tx, &id)? {
                Some(_) => Ok(()),
                None => Err(Error::no_sweep(&id)),
            })
            .await
        }
        Subject::Run(id) => {
            permit::run(app, caller, Right::See, id).await?;
            let id = id.clone();
            app.read(move |tx, _| lookup::find(tx, &id).map(drop)).await
        }
    }
}

/// Returns the topics of a subject, each with what a wake-up of it means.
fn topics(caller: &Caller, subject: Subject) -> Vec<(What, Topic)> {
    match subject {
        Subject::Home => match caller {
            Caller::Person(person) if person.only().is_some() => match person.only() {
                Some(Only::Run(run)) => vec![(What::State, Topic::State(run.clone()))],
                Some(Only::Sweep(sweep)) => vec![(What::State, Topic::Sweep(sweep.clone()))],
                _ => Vec::new(),
            },
            Caller::Person(person) if !person.user.admin => {
                let topic = |grant: &store::people::Grant| match grant.project.as_str() {
                    "" => Topic::Team(grant.team.clone()),
                    name => Topic::Project(ProjectId::new(&grant.team, name)),
                };
                person.grants.iter().map(|grant| (What::State, topic(grant))).collect()
            }
            _ => vec![(What::State, Topic::Any)],
        },
        Subject::Project(project) => vec![
            (What::State, Topic::Project(project.clone())),
            (What::Rows, Topic::LoggedTo(project)),
        ],
        Subject::Sweep(sweep) => {
            vec![(What::State, Topic::Sweep(sweep.clone())), (What::Rows, Topic::LoggedIn(sweep))]
        }
        Subject::Run(run) => {
            let logged = StreamName::ALL.map(|stream| {
                let what = match stream {
                    StreamName::History | StreamName::Summary | StreamName::System => What::Rows,
                    StreamName::Console => What::Console,
                    StreamName::Files => What::Files,
                    StreamName::Meta => What::State,
                };
                (what, Topic::Logged(run.clone(), stream))
            });
            logged.into_iter().chain([(What::State, Topic::State(run))]).collect()
        }
    }
}

async fn send_news(
    app: &Arc<App>,
    caller: &Caller,
    listening: &[Listening],
    outlet: &Outlet<News>,
) -> Result<(), Error> {
    let woken = |at: usize| Box::pin(listening[at].2.woken());
    let mut waits: Vec<_> = (0..listening.len()).map(woken).collect();
    while outlet.is_wanted().await {
        let ready = tokio::select! {
            ready = any(&mut waits) => ready,
            () = app.clock.sleep(app.settings.alive) => Vec::new(),
            () = outlet.closed() => return Ok(()),
            () = app.drained() => return Ok(()),
        };
        permit::still(app, caller)?;
        let mut changed = BTreeSet::new();
        for at in ready {
            // The follower reads only after it has the hint. So a change from now on is a new one.
            waits[at] = woken(at);
            changed.insert((listening[at].0, listening[at].1));
        }
        if changed.is_empty() && !outlet.send(News::Nothing).await {
            return Ok(());
        }
        let has_news = !changed.is_empty();
        for (subject, what) in changed {
            if !outlet.send(News::Changed(subject, what)).await {
                return Ok(());
            }
        }
        if has_news {
            tokio::select! {
                () = app.clock.sleep(app.settings.hint_pause) => {}
                () = outlet.closed() => return Ok(()),
                () = app.drained() => return Ok(()),
            }
        }
    }
    Ok(())
}

/// Waits until at least one of the listeners is woken. Returns the numbers of all that are.
async fn any(waits: &mut [Pin<Box<Notified<'_>>>]) -> Vec<usize> {
    poll_fn(|context| {
        let mut ready = Vec::new();
        for (at, wait) in waits.iter_mut().enumerate() {
            if wait.as_mut().poll(context).is_ready() {
                ready.push(at);
            }
        }
        if ready.is_empty() { Poll::Pending } else { Poll::Ready(ready) }
    })
    .await
}
