//! What is longer than one answer: read a page at a time, each in a transaction of its own, and
//! only when the client has taken what was read before. So a slow reader holds neither a snapshot
//! nor more than a page. Called by use cases that list or stream. Decides nothing.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::sync::{Notify, mpsc};
use tokio_stream::Stream;

use crate::{
    app::{App, error::Error},
    store::Tx,
};

/// Bytes of a page: what one stream has in memory for a client that does not read.
pub(in crate::app) const PAGE_BYTES: usize = 128 << 10;

/// Items of the first page, before it is known how large they are.
const FIRST: u32 = 16;

/// What a stream gives.
#[derive(Debug)]
pub(crate) struct Streamed<T> {
    receive: mpsc::Receiver<Result<T, Error>>,
    demand: Arc<Demand>,
}

/// Where a stream's items come in.
#[derive(Debug)]
pub(in crate::app) struct Outlet<T> {
    send: mpsc::Sender<Result<T, Error>>,
    demand: Arc<Demand>,
}

/// Whether the reader has taken everything and waits for more.
#[derive(Debug, Default)]
struct Demand {
    is_there: AtomicBool,
    changed: Notify,
}

impl<T> Stream for Streamed<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = self.receive.poll_recv(context);
        if item.is_pending() {
            self.demand.is_there.store(true, Ordering::Release);
            self.demand.changed.notify_one();
        }
        item
    }
}

impl<T> Outlet<T> {
    /// Waits until the reader has taken everything; false when it has gone. To be called before
    /// anything is read for it.
    pub(in crate::app) async fn is_wanted(&self) -> bool {
        while !self.demand.is_there.load(Ordering::Acquire) {
            tokio::select! {
                () = self.demand.changed.notified() => {}
                () = self.send.closed() => return false,
            }
        }
        !self.send.is_closed()
    }

    /// Hands one item over; false when the reader has gone.
    pub(in crate::app) async fn send(&self, item: T) -> bool {
        self.demand.is_there.store(false, Ordering::Release);
        self.send.send(Ok(item)).await.is_ok()
    }

    /// Returns when the reader has gone.
    pub(in crate::app) async fn closed(&self) {
        self.send.closed().await;
    }
}

/// What `fill` sends, in a task of its own, and its error last if it fails.
pub(in crate::app) fn stream<T: Send + 'static, F>(
    fill: impl FnOnce(Arc<Outlet<T>>) -> F,
) -> Streamed<T>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let (send, receive) = mpsc::channel(1);
    let demand = Arc::<Demand>::default();
    let outlet = Arc::new(Outlet { send, demand: demand.clone() });
    let filling = fill(outlet.clone());
    tokio::spawn(async move {
        if let Err(error) = filling.await {
            // Whoever has gone away does not want to know.
            let _ = outlet.send.send(Err(error)).await;
        }
    });
    Streamed { receive, demand }
}

/// Everything that `page` gives: it is called with the last item that it gave, first with none,
/// and with how many it may give, until it gives nothing. `weigh` says about how many bytes an
/// item has.
pub(in crate::app) fn streamed<T, F>(app: &Arc<App>, weigh: fn(&T) -> usize, page: F) -> Streamed<T>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&Tx<'_>, &App, Option<&T>, u32) -> Result<Vec<T>, Error> + Send + Sync + 'static,
{
    let (app, page) = (app.clone(), Arc::new(page));
    stream(|outlet| async move {
        let (mut after, mut pace): (Option<T>, Pace) = (None, Pace::new(&app));
        while outlet.is_wanted().await {
            let (page, from, limit) = (page.clone(), after.clone(), pace.limit());
            let found = app.read(move |tx, app| page(tx, app, from.as_ref(), limit)).await?;
            let Some(last) = found.last() else { return Ok(()) };
            after = Some(last.clone());
            pace.took(found.iter().map(weigh));
            for item in found {
                if !outlet.send(item).await {
                    return Ok(());
                }
            }
        }
        Ok(())
    })
}

/// How many items the next page has: as many as make a page by what the last ones weighed.
#[derive(Debug)]
pub(in crate::app) struct Pace {
    next: u32,
    most: u32,
}

impl Pace {
    /// Nothing is known yet.
    pub(in crate::app) fn new(app: &App) -> Self {
        let most = app.settings.limits.page;
        Self { next: FIRST.min(most), most }
    }

    /// Items of the next page.
    pub(in crate::app) fn limit(&self) -> u32 {
        self.next
    }

    /// Items of these weights were read.
    pub(in crate::app) fn took(&mut self, weights: impl Iterator<Item = usize>) {
        let (mut items, mut bytes) = (0, 0);
        for weight in weights {
            items += 1;
            bytes += weight;
        }
        let fit = (PAGE_BYTES * items).checked_div(bytes).unwrap_or(usize::MAX);
        // Not far beyond what was seen: the next ones may be larger.
        let next = u32::try_from(fit).unwrap_or(u32::MAX).min(self.next.saturating_mul(4));
        self.next = next.clamp(1, self.most);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio_stream::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn nothing_is_read_before_the_last_was_taken() {
        let read = Arc::new(AtomicUsize::new(0));
        let reading = read.clone();
        let mut streamed = stream(|outlet| async move {
            while outlet.is_wanted().await {
                let item = reading.fetch_add(1, Ordering::Relaxed);
                if !outlet.send(item).await {
                    break;
                }
            }
            Ok(())
        });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(read.load(Ordering::Relaxed), 0);
        for item in 0..10 {
            assert_eq!(streamed.next().await.unwrap().unwrap(), item);
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert_eq!(read.load(Ordering::Relaxed), item + 1);
        }
    }

    #[test]
    fn a_page_has_as_many_items_as_fit() {
        let mut pace = Pace { next: 16, most: 500 };
        pace.took(std::iter::repeat_n(100, 16));
        assert_eq!(pace.limit(), 64);
        pace.took(std::iter::repeat_n(100, 64));
        pace.took(std::iter::repeat_n(100, 256));
        assert_eq!(pace.limit(), 500);
        pace.took(std::iter::repeat_n(10 << 10, 500));
        assert_eq!(pace.limit(), 12);
        pace.took(std::iter::repeat_n(10 << 20, 12));
        assert_eq!(pace.limit(), 1);
        pace.took(std::iter::repeat_n(0, 1));
        assert_eq!(pace.limit(), 4);
    }
}
