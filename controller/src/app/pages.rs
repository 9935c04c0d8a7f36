//! Lists that are longer than one look into the database: read a page at a time, each in a transaction of its own, and
//! sent as fast as the reader takes them. Called by use cases that list. Decides nothing.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{
    App,
    error::Error,
    views::{STREAMED, Streamed},
};
use crate::store::Tx;

/// Everything that `page` gives: it is called with the last item that it gave, first with none, until it gives nothing.
pub(super) fn streamed<T, F>(app: &Arc<App>, page: F) -> Streamed<T>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&Tx<'_>, &App, Option<&T>) -> Result<Vec<T>, Error> + Send + Sync + 'static,
{
    let (app, page) = (app.clone(), Arc::new(page));
    stream(STREAMED, |send| async move {
        let mut after: Option<T> = None;
        loop {
            let (page, from) = (page.clone(), after.clone());
            let found = app.read(move |tx, app| page(tx, app, from.as_ref())).await?;
            let Some(last) = found.last() else { return Ok(()) };
            after = Some(last.clone());
            for item in found {
                if send.send(Ok(item)).await.is_err() {
                    return Ok(());
                }
            }
        }
    })
}

/// What `fill` sends, in a task of its own, and its error last if it fails. `room` items may wait for the reader.
pub(super) fn stream<T: Send + 'static, F>(
    room: usize,
    fill: impl FnOnce(mpsc::Sender<Result<T, Error>>) -> F,
) -> Streamed<T>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let (send, receive) = mpsc::channel(room);
    let filling = fill(send.clone());
    tokio::spawn(async move {
        if let Err(error) = filling.await {
            // Whoever has gone away does not want to know.
            let _ = send.send(Err(error)).await;
        }
    });
    receive
}
