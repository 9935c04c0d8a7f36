//! Reads and writes the stored summaries of runs, and caches the decoded summaries of runs that log
//! rows. Code in `app` that needs the whole summary of a run uses this module. `app::read::find`
//! reads single values of stored summaries without this module.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;

use super::digest::{Digest, Summary, Writers};
use crate::{
    app::error::Error,
    settings::Limits,
    store::{self, Tx, runs::Run, summaries::Stored},
};

/// Returns the summary of a run: the last value of each key.
///
/// # Errors
/// Fails with [`Error::Damaged`] if the stored summary is damaged.
pub(in crate::app) fn of(tx: &Tx<'_>, run: &Run) -> Result<Summary, Error> {
    decode(tx, run, &store::summaries::get(tx, run.key)?)
}

/// Stores the summary of a run.
pub(in crate::app) fn save(tx: &Tx<'_>, run: &Run, summary: &Summary) -> Result<(), Error> {
    let stored = summary.write();
    tx.decoded(size(&stored));
    Ok(store::summaries::save(tx, run.key, &stored)?)
}

fn decode(tx: &Tx<'_>, run: &Run, stored: &Stored) -> Result<Summary, Error> {
    tx.decoded(size(stored));
    Summary::read(stored).map_err(|corrupt| {
        Error::damaged(format!("the summary of {} is damaged: {corrupt}", run.id))
    })
}

fn size(stored: &Stored) -> usize {
    stored.latest.len() + stored.overlay.len() + stored.ranges.len()
}

/// A cache of the decoded summaries of the runs that logged last. An entry is used only if the
/// database holds exactly the bytes that the entry was decoded from or encoded to. So an undone
/// change needs no correction here, and other code that writes a summary need not know of this
/// cache.
#[derive(Debug)]
pub(in crate::app) struct Summaries {
    limits: Limits,
    cache: Mutex<Cache>,
}

#[derive(Debug)]
struct Cache {
    runs: LruCache<i64, Decoded>,
    /// The sum of the weights of all cached summaries.
    bytes: usize,
}

/// A stored summary, with its decoded form and the writers that make the next append to it fast.
#[derive(Debug, Default)]
struct Decoded {
    stored: Stored,
    summary: Summary,
    writers: Writers,
}

impl Summaries {
    /// Creates an empty cache, which keeps at most `limits.decoded` summaries and
    /// `limits.decoded_bytes` bytes.
    pub(in crate::app) fn new(limits: &Limits) -> Self {
        let most = NonZeroUsize::new(limits.decoded).unwrap_or(NonZeroUsize::MIN);
        let cache = Cache { runs: LruCache::new(most), bytes: 0 };
        Self { limits: limits.clone(), cache: Mutex::new(cache) }
    }

    /// Adds rows of the stream `history` to the stored summary of a run. Returns false if the
    /// summary has no room for a key.
    ///
    /// # Errors
    /// Fails with [`Error::Damaged`] if the stored summary is damaged.
    pub(in crate::app) fn add_history(
        &self,
        tx: &Tx<'_>,
        run: &Run,
        digest: &Digest,
    ) -> Result<bool, Error> {
        let add = |summary: &mut Summary| summary.add_history(digest, &self.limits);
        self.add(tx, run, add, Summary::write_history)
    }

    /// Adds rows of the stream `summary` to the stored summary of a run. Returns false if the
    /// summary has no room for a key.
    ///
    /// # Errors
    /// Fails with [`Error::Damaged`] if the stored summary is damaged.
    pub(in crate::app) fn add_summary(
        &self,
        tx: &Tx<'_>,
        run: &Run,
        digest: &Digest,
    ) -> Result<bool, Error> {
        let add = |summary: &mut Summary| summary.add_summary(digest, &self.limits);
        self.add(tx, run, add, Summary::write_summary)
    }

    /// Changes the stored summary of a run with `add`. `write` encodes the parts that `add`
    /// changes, and returns whether the encoded form holds all of them. Only such a summary is
    /// cached.
    fn add(
        &self,
        tx: &Tx<'_>,
        run: &Run,
        add: impl FnOnce(&mut Summary) -> bool,
        write: impl FnOnce(&Summary, &mut Writers, &mut Stored) -> bool,
    ) -> Result<bool, Error> {
        let mut cache = self.lock();
        let Decoded { mut stored, mut summary, mut writers } = cache.take(tx, run)?;
        let fits = add(&mut summary);
        let is_whole = write(&summary, &mut writers, &mut stored);
        tx.decoded(size(&stored));
        store::summaries::save(tx, run.key, &stored)?;
        if is_whole {
            let decoded = Decoded { stored, summary, writers };
            cache.keep(run, decoded, self.limits.decoded_bytes);
        }
        Ok(fits)
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// Takes the summary of a run out of the cache, or decodes the stored one.
    fn take(&mut self, tx: &Tx<'_>, run: &Run) -> Result<Decoded, Error> {
        // A run without an entry here starts with an empty entry, which matches a summary that is
        // not stored.
        let known = self.runs.pop(&run.key).unwrap_or_default();
        self.bytes -= known.weight();
        Ok(match store::summaries::get_unless(tx, run.key, &known.stored)? {
            None => known,
            Some(stored) => {
                Decoded { summary: decode(tx, run, &stored)?, stored, writers: known.writers }
            }
        })
    }

    /// Keeps the summary of a run, unless it is larger than the cache. If there is too little room,
    /// drops the summaries that were used longest ago.
    fn keep(&mut self, run: &Run, decoded: Decoded, most_bytes: usize) {
        if decoded.weight() > most_bytes {
            return;
        }
        self.bytes += decoded.weight();
        let displaced = self.runs.push(run.key, decoded);
        self.bytes -= displaced.map_or(0, |(_, old)| old.weight());
        while self.bytes > most_bytes
            && let Some((_, oldest)) = self.runs.pop_lru()
        {
            self.bytes -= oldest.weight();
        }
    }
}

impl Decoded {
    /// Returns about how many bytes of memory the entry takes.
    fn weight(&self) -> usize {
        /// The bytes of one key: its entries in a map of the summary and in a map of a writer.
        const ENTRY: usize = 256;
        2 * size(&self.stored) + ENTRY * self.summary.entries()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        sync::{Arc, mpsc},
    };

    use proptest::{collection::vec, prelude::*};
    use record::{Row, Value, Writer};
    use sweeps::lifecycle::run::State;
    use tempfile::TempDir;

    use super::*;
    use crate::store::Store;

    /// A change that a use case makes to the summary of a run.
    #[derive(Clone, Debug)]
    enum Deed {
        History(Vec<Row>),
        Summary(Vec<Row>),
        /// Replaces the summary by that of these rows, as an attempt does that resumes from a
        /// checkpoint.
        Rewind(Vec<Row>),
        Clear,
    }

    /// A use case: its deeds, each with the key of a run, and whether its writes are kept.
    type UseCase = (Vec<(i64, Deed)>, bool);

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let value = prop_oneof![
            any::<i64>().prop_map(Value::I64),
            any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
            "[a-z]{0,12}".prop_map(Value::Text),
        ];
        let row = (0..5_u64, vec(("[a-h]", value), 0..5));
        vec(row.prop_map(|(step, values)| Row { step, wall_ms: 0, values }), 1..3)
    }

    fn use_case() -> impl Strategy<Value = UseCase> {
        let deed = prop_oneof![
            6 => rows().prop_map(Deed::History),
            3 => rows().prop_map(Deed::Summary),
            1 => rows().prop_map(Deed::Rewind),
            1 => Just(Deed::Clear),
        ];
        (vec((0..4_i64, deed), 1..4), prop::bool::weighted(0.7))
    }

    fn digest(rows: &[Row]) -> Digest {
        let mut frames = Vec::new();
        Writer::default().frame(rows, &mut frames);
        Digest::of(&frames).unwrap()
    }

    fn run(key: i64) -> Run {
        Run { key, ..Run::new(format!("run-{key}").into(), State::Running, 0) }
    }

    fn rewound(rows: &[Row], limits: &Limits) -> Summary {
        let mut summary = Summary::default();
        summary.add_history(&digest(rows), limits);
        summary
    }

    /// Carries out a deed through the cache.
    fn do_it(summaries: &Summaries, tx: &Tx<'_>, (key, deed): &(i64, Deed)) -> Result<(), Error> {
        let run = run(*key);
        match deed {
            Deed::History(rows) => summaries.add_history(tx, &run, &digest(rows)).map(drop),
            Deed::Summary(rows) => summaries.add_summary(tx, &run, &digest(rows)).map(drop),
            Deed::Rewind(rows) => save(tx, &run, &rewound(rows, &summaries.limits)),
            Deed::Clear => Ok(store::summaries::clear(tx, *key)?),
        }
    }

    /// Returns the stored summary after a deed, computed without the cache.
    fn done(stored: &Stored, deed: &Deed, limits: &Limits) -> Stored {
        let mut summary = Summary::read(stored).unwrap();
        match deed {
            Deed::History(rows) => _ = summary.add_history(&digest(rows), limits),
            Deed::Summary(rows) => _ = summary.add_summary(&digest(rows), limits),
            Deed::Rewind(rows) => summary = rewound(rows, limits),
            Deed::Clear => return Stored::default(),
        }
        summary.write()
    }

    /// Runs use cases in one transaction. For this, the writer thread stays busy until all of them
    /// wait.
    async fn together(store: &Arc<Store>, summaries: &Arc<Summaries>, group: Vec<UseCase>) {
        let (release, held) = mpsc::sync_channel::<()>(1);
        let busy = store.clone();
        let busy = tokio::spawn(async move {
            let wait = move |_: &Tx<'_>| {
                let _ = held.recv();
                Ok::<_, Error>(())
            };
            busy.write(wait, |()| {}).await
        });
        let mut tasks = vec![busy];
        for (deeds, is_kept) in group {
            let (store, summaries) = (store.clone(), summaries.clone());
            let work = move |tx: &Tx<'_>| {
                deeds.iter().try_for_each(|deed| do_it(&summaries, tx, deed))?;
                if is_kept { Ok(()) } else { Err(Error::Bug("on purpose".to_owned())) }
            };
            tasks.push(tokio::spawn(async move {
                assert_eq!(store.write(work, |()| {}).await.is_ok(), is_kept);
                Ok(())
            }));
        }
        for _ in 0..2 * tasks.len() {
            tokio::task::yield_now().await;
        }
        release.send(()).unwrap();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    }

    async fn check(groups: Vec<Vec<UseCase>>, limits: Limits) {
        let folder = TempDir::new().unwrap();
        let open = || Store::open_again(folder.path(), &limits);
        let (mut store, summaries) = (Arc::new(open()), Arc::new(Summaries::new(&limits)));
        let mut expected: HashMap<i64, Stored> = HashMap::new();
        for (number, group) in groups.into_iter().enumerate() {
            let kept = group.iter().filter(|(_, is_kept)| *is_kept).flat_map(|(deeds, _)| deeds);
            for (key, deed) in kept {
                let stored = expected.entry(*key).or_default();
                *stored = done(stored, deed, &limits);
            }
            together(&store, &summaries, group).await;
            if number % 3 == 2 {
                // The store is closed and opened again, and the cache stays.
                drop(store);
                store = Arc::new(open());
            }
            for (&key, wanted) in &expected {
                let get = move |tx: &Tx<'_>| Ok::<_, Error>(store::summaries::get(tx, key)?);
                assert_eq!(&store.read(get).await.unwrap(), wanted, "run {key}");
            }
            let cache = summaries.lock();
            let weight = cache.runs.iter().map(|(_, decoded)| decoded.weight()).sum::<usize>();
            assert_eq!(cache.bytes, weight);
            assert!(weight <= limits.decoded_bytes && cache.runs.len() <= limits.decoded);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_cache_changes_nothing(
            groups in vec(vec(use_case(), 1..4), 1..8),
            decoded in 1..5_usize,
            decoded_bytes in prop::sample::select(vec![0, 2000, 8000, 1 << 20]),
            summary_keys in prop::sample::select(vec![3, 100]),
        ) {
            let small = Limits { summary_text: 8, summary_bytes: 120, ..Limits::default() };
            let limits = Limits { decoded, decoded_bytes, summary_keys, ..small };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(check(groups, limits));
        }
    }
}
