//! Wakes the tasks that wait for a change of the database. Commits send wake-ups, and so do
//! heartbeats and the end of a full disk. Long polls, watchers and readers that follow a run
//! receive them. A wake-up carries no data: a woken task reads the database itself. A wake-up wakes
//! no task that waits for another topic.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use record::{
    ids::{ProjectId, RunId, SweepId},
    stream::StreamName,
};
use tokio::sync::{Notify, futures::Notified};

use crate::store::runs::Run;

/// The subject of a change that a task can wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// The orders of this agent, or a newer heartbeat from it.
    Agent(String),
    /// The state of a sweep or of one of its runs.
    Sweep(SweepId),
    /// The trials of a sweep: the sweep has one to hand out, or its state has changed.
    Work(SweepId),
    /// The rows or the state of a run.
    Run(RunId),
    /// The state of a run, or what is said about it.
    State(RunId),
    /// The rows of one stream of a run.
    Logged(RunId, StreamName),
    /// The history or the summary of any run of a sweep.
    LoggedIn(SweepId),
    /// The history or the summary of any run of a project.
    LoggedTo(ProjectId),
    /// The state of any sweep or run of a project.
    Project(ProjectId),
    /// The state of any sweep or run of a team.
    Team(String),
    /// The state of any sweep or run.
    Any,
}

impl Topic {
    /// Returns the topics of a change in a project: of a sweep's state, or of a run.
    pub(crate) fn within(project: &ProjectId) -> [Self; 3] {
        [Self::Project(project.clone()), Self::Team(project.team().to_owned()), Self::Any]
    }

    /// Returns the topics of a change of a run's state, or of what is said about it.
    pub(crate) fn of_state(run: &Run) -> impl Iterator<Item = Self> {
        let own = [Self::Run(run.id.clone()), Self::State(run.id.clone())];
        let sweep = run.sweep.clone().map(Self::Sweep);
        own.into_iter().chain(sweep).chain(Self::within(&run.project))
    }

    /// Returns the topics of new rows in one of a run's streams.
    pub(crate) fn of_rows(run: &Run, stream: StreamName) -> impl Iterator<Item = Self> {
        let own = [Self::Run(run.id.clone()), Self::Logged(run.id.clone(), stream)];
        let is_summed_up = matches!(stream, StreamName::History | StreamName::Summary);
        let sweep = run.sweep.clone().map(Self::LoggedIn);
        let all = sweep.into_iter().chain([Self::LoggedTo(run.project.clone())]);
        own.into_iter().chain(all.filter(move |_| is_summed_up))
    }
}

/// The listeners that a wake-up wakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// All listeners of the topic.
    All(Topic),
    /// One listener of the topic, because the wake-up stands for one trial.
    One(Topic),
}

/// The topics that tasks wait for, each with its listeners.
#[derive(Debug, Default)]
pub(crate) struct Wakeups(Mutex<HashMap<Topic, Weak<Notify>>>);

/// A task that waits for a topic.
#[derive(Debug)]
pub(crate) struct Listener(Arc<Notify>);

impl Listener {
    /// Returns a future that completes at the first wake-up for all listeners after this call, even
    /// before its first poll. A task calls this function, then reads the database, then awaits the
    /// future. So the task misses no change between the read and the wait.
    pub(crate) fn woken(&self) -> Notified<'_> {
        self.0.notified()
    }
}

impl Wakeups {
    /// Registers a listener for a topic.
    pub(crate) fn listen(&self, topic: Topic) -> Listener {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(topic).or_default();
        let notify = place.upgrade().unwrap_or_default();
        *place = Arc::downgrade(&notify);
        Listener(notify)
    }

    /// Wakes the listeners that these wake-ups name. A wake-up without a listener costs one
    /// look-up.
    pub(crate) fn wake(&self, wakes: &[Wake]) {
        if wakes.is_empty() {
            return;
        }
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |topic| places.get(topic).and_then(Weak::upgrade);
        for wake in wakes {
            match wake {
                Wake::All(topic) => place(topic).inspect(|place| place.notify_waiters()),
                Wake::One(topic) => place(topic).inspect(|place| place.notify_one()),
            };
        }
    }

    /// Forgets the topics that have no listeners any more.
    pub(crate) fn tidy(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, place| place.strong_count() > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wakeup_between_looking_and_waiting_is_heard() {
        let wakeups = Wakeups::default();
        let topic = Topic::Run(RunId::from("a-1"));
        let listener = wakeups.listen(topic.clone());
        let woken = listener.woken();
        wakeups.wake(&[Wake::All(topic)]);
        woken.await;
    }

    #[tokio::test]
    async fn a_wakeup_for_one_wakes_one_of_many() {
        let wakeups = Wakeups::default();
        let topic = Topic::Work(SweepId::from("sweep"));
        let (one, two) = (wakeups.listen(topic.clone()), wakeups.listen(topic.clone()));
        let (mut first, mut second) = (Box::pin(one.woken()), Box::pin(two.woken()));
        assert!(!first.as_mut().enable() && !second.as_mut().enable());
        wakeups.wake(&[Wake::One(topic)]);
        assert!(first.as_mut().enable() ^ second.as_mut().enable());
    }

    #[test]
    fn tidying_forgets_a_topic_without_listeners() {
        let wakeups = Wakeups::default();
        drop(wakeups.listen(Topic::Sweep(SweepId::from("s"))));
        wakeups.tidy();
        assert!(wakeups.0.lock().unwrap().is_empty());
    }
}
