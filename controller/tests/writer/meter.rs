//! Records what the writer reports about each use case.

use std::{
    fmt::Debug,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use controller::clock::Clock;
use tokio::time::Instant;
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

/// The work that one use case gave the writer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    /// The counts of statements, steps, bytes, bytes rewritten, bytes of JSON and bytes of rows, as
    /// text.
    pub(crate) work: String,
    /// The longest time that the work takes on a slow machine, computed with the controller's own
    /// weights.
    pub(crate) bound: Duration,
    /// The measured time that the work took on this machine.
    pub(crate) took: Duration,
}

/// The start of a use case and what its span has reported, until the span closes.
struct Open(Instant, Held);

/// The finished use cases since the last call of [`seen`], in the order in which the writer ran
/// them.
static SEEN: Mutex<Vec<Held>> = Mutex::new(Vec::new());

/// Begins to record the writer's use cases. A second call does nothing.
pub(crate) fn listen() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let all = tracing_subscriber::registry().with(Meter);
        tracing::subscriber::set_global_default(all).unwrap();
    });
}

/// Returns the use cases that have finished since the last call, and forgets them.
pub(crate) fn seen() -> Vec<Held> {
    std::mem::take(&mut SEEN.lock().unwrap_or_else(PoisonError::into_inner))
}

struct Meter;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Meter {
    fn on_new_span(&self, of: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if of.metadata().name() == "held" {
            let span = context.span(id).unwrap();
            span.extensions_mut().insert(Open(Clock::system().now(), Held::default()));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(Open(begun, held)) =
            context.span(id).unwrap().extensions_mut().get_mut::<Open>()
        {
            held.took = Clock::system().now() - *begun;
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(Open(_, held)) = context.span(id).unwrap().extensions_mut().get_mut::<Open>() {
            values.record(held);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(Open(_, held)) = context.span(&id).unwrap().extensions_mut().remove::<Open>() {
            SEEN.lock().unwrap_or_else(PoisonError::into_inner).push(held);
        }
    }
}

impl Visit for Held {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "work" => self.work = format!("{value:?}"),
            "bound_us" => self.bound = Duration::from_micros(format!("{value:?}").parse().unwrap()),
            _ => {}
        }
    }
}
