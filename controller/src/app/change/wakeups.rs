//! Wakes the tasks that wait for a change. Commits ring; long polls, watchers and readers that
//! follow a run listen. A ring carries no data: a woken task reads the rows itself. A ring never
//! wakes more tasks than the change concerns.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Notify, futures::Notified};

/// The subject that a task can wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// The attempts that this agent holds.
    Agent(String),
    /// The state of a sweep or of one of its runs.
    Sweep(String),
    /// The trials of a sweep: it has one to hand out, or never will again.
    Work(String),
    /// The rows or the state of a run.
    Run(String),
}

/// The listeners that a ring wakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ring {
    /// All listeners of the topic.
    All(Topic),
    /// One listener of the topic, because there is only one trial to take.
    One(Topic),
}

/// The bell of a controller.
#[derive(Debug, Default)]
pub(crate) struct Bell(Mutex<HashMap<Topic, Weak<Notify>>>);

/// A listener's place at the bell.
#[derive(Debug)]
pub(crate) struct Listener(Arc<Notify>);

impl Listener {
    /// Returns a future that wakes at the next ring after this call, not after its first poll. Call
    /// this, then look, then wait: so no change is missed between looking and waiting.
    pub(crate) fn ring(&self) -> Notified<'_> {
        self.0.notified()
    }
}

impl Bell {
    /// Registers a listener for a topic.
    pub(crate) fn listen(&self, topic: Topic) -> Listener {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(topic).or_default();
        let notify = place.upgrade().unwrap_or_default();
        *place = Arc::downgrade(&notify);
        Listener(notify)
    }

    /// Wakes the listeners. Costs one look-up if there are none.
    pub(crate) fn ring(&self, rings: &[Ring]) {
        if rings.is_empty() {
            return;
        }
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |topic| places.get(topic).and_then(Weak::upgrade);
        for ring in rings {
            match ring {
                Ring::All(topic) => place(topic).inspect(|place| place.notify_waiters()),
                Ring::One(topic) => place(topic).inspect(|place| place.notify_one()),
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
    async fn a_ring_between_looking_and_waiting_is_heard() {
        let bell = Bell::default();
        let topic = Topic::Run("a-1".to_owned());
        let listener = bell.listen(topic.clone());
        let ring = listener.ring();
        bell.ring(&[Ring::All(topic)]);
        ring.await;
    }

    #[tokio::test]
    async fn a_ring_for_one_wakes_one_of_many() {
        let bell = Bell::default();
        let topic = Topic::Work("sweep".to_owned());
        let (one, two) = (bell.listen(topic.clone()), bell.listen(topic.clone()));
        let (mut first, mut second) = (Box::pin(one.ring()), Box::pin(two.ring()));
        assert!(!first.as_mut().enable() && !second.as_mut().enable());
        bell.ring(&[Ring::One(topic)]);
        assert!(first.as_mut().enable() ^ second.as_mut().enable());
    }

    #[test]
    fn tidying_forgets_a_topic_without_listeners() {
        let bell = Bell::default();
        drop(bell.listen(Topic::Sweep("s".to_owned())));
        bell.tidy();
        assert!(bell.0.lock().unwrap().is_empty());
    }
}
