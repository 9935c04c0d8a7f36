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
    let (send, receive) = mpsc::channel(STREAMED);
    let (app, page) = (app.clone(), Arc::new(page));
    tokio::spawn(async move {
        let mut after: Option<T> = None;
        loop {
            let (page, from) = (page.clone(), after.clone());
            match app.read(move |tx, app| page(tx, app, from.as_ref())).await {
                Ok(found) => {
                    let Some(last) = found.last() else { return };
                    after = Some(last.clone());
                    for item in found {
                        if send.send(Ok(item)).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    // Whoever has gone away does not want to know.
                    let _ = send.send(Err(error)).await;
                    return;
                }
            }
        }
    });
    receive
}
