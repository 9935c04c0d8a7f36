//! Streams answers that are too long for one message. Each page is read in its own transaction,
//! after the client has taken the page before it. So a stream to a slow client holds no snapshot
//! and not much more than a page. Use cases that return lists or streams call this module. This
//! module decides nothing.

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

/// The size of a page in bytes, which is about the memory that one stream uses for a client that
/// does not read.
pub(in crate::app) const PAGE_BYTES: usize = 128 << 10;

/// The number of items of the first page, which is read before the size of the items is known.
const FIRST: u32 = 16;

/// The receiving end of a streamed answer.
#[derive(Debug)]
pub(crate) struct Streamed<T> {
    receive: mpsc::Receiver<Result<T, Error>>,
    demand: Arc<Demand>,
}

/// The sending end of a streamed answer.
#[derive(Debug)]
pub(in crate::app) struct Outlet<T> {
    send: mpsc::Sender<Result<T, Error>>,
    demand: Arc<Demand>,
}

/// Whether the reader has taken all items and waits for more.
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
    /// Waits until the reader has taken all items and waits for more. Returns false if the reader
    /// has gone. The sender must call this function before it reads the next rows for the reader.
    pub(in crate::app) async fn is_wanted(&self) -> bool {
        while !self.demand.is_there.load(Ordering::Acquire) {
            tokio::select! {
                () = self.demand.changed.notified() => {}
                () = self.send.closed() => return false,
            }
        }
        !self.send.is_closed()
    }

    /// Sends one item. Returns false if the reader has gone.
    pub(in crate::app) async fn send(&self, item: T) -> bool {
        self.demand.is_there.store(false, Ordering::Release);
        self.send.send(Ok(item)).await.is_ok()
    }

    /// Waits until the reader has gone.
    pub(in crate::app) async fn closed(&self) {
        self.send.closed().await;
    }
}

/// Returns a stream of the items that `fill` sends. `fill` runs in a task of its own. If `fill`
/// fails, its error is the stream's last item.
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
            // A reader that has gone does not need the error.
            let _ = outlet.send.send(Err(error)).await;
        }
    });
    Streamed { receive, demand }
}

/// Streams all items that `page` returns. Each call of `page` gets the last item so far, or `None`
/// at first, and the most items to return. The stream ends when `page` returns no items. `weigh`
/// returns about how many bytes an item has.
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

/// The number of items to read for the next page, which follows from the size of the items before.
#[derive(Debug)]
pub(in crate::app) struct Pace {
    next: u32,
    most: u32,
}

impl Pace {
    /// Creates a pace that starts with the number of items of a first page.
    pub(in crate::app) fn new(app: &App) -> Self {
        let most = app.settings.limits.page;
        Self { next: FIRST.min(most), most }
    }

    /// Returns the number of items of the next page.
    pub(in crate::app) fn limit(&self) -> u32 {
        self.next
    }

    /// Sets the number of items of the next page from the sizes of the items that were just read.
    pub(in crate::app) fn took(&mut self, weights: impl Iterator<Item = usize>) {
        let (mut items, mut bytes) = (0, 0);
        for weight in weights {
            items += 1;
            bytes += weight;
        }
        let fit = (PAGE_BYTES * items).checked_div(bytes).unwrap_or(usize::MAX);
        // The next items may be larger, so the number grows at most fourfold.
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
    async fn nothing_is_read_before_the_last_item_was_taken() {
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
