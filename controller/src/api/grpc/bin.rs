//! Serves the Bin service. The `sweep` command calls it. Every method translates its request, calls
//! `app`, and translates the answer.

use proto::v1::{
    BinList, BinRefs, Binned, Deleted, ListBin, Restored, RestoredList, RunList, SweepRef,
    bin_server::Bin,
};
use tonic::{Request, Response, Status, async_trait};

use super::{Door, error::status};
use crate::app::bin::{self, BinnedView};

#[async_trait]
impl Bin for Door {
    async fn delete_runs(&self, request: Request<RunList>) -> Result<Response<Deleted>, Status> {
        let (caller, RunList { runs }) = self.enter(request).await?;
        let runs = runs.into_iter().map(Into::into).collect();
        let purge_ms = bin::delete_runs(&self.app, &caller, runs).await.map_err(status)?;
        Ok(Response::new(Deleted { purge_ms }))
    }

    async fn delete_sweep(&self, request: Request<SweepRef>) -> Result<Response<Deleted>, Status> {
        let (caller, SweepRef { sweep }) = self.enter(request).await?;
        let purge_ms = bin::delete_sweep(&self.app, &caller, sweep.into()).await.map_err(status)?;
        Ok(Response::new(Deleted { purge_ms }))
    }

    async fn restore(&self, request: Request<BinRefs>) -> Result<Response<RestoredList>, Status> {
        let (caller, BinRefs { ids }) = self.enter(request).await?;
        let restored = bin::restore(&self.app, &caller, ids).await.map_err(status)?;
        let restored = restored.into_iter().map(Into::into).collect();
        Ok(Response::new(RestoredList { restored }))
    }

    async fn list(&self, request: Request<ListBin>) -> Result<Response<BinList>, Status> {
        let (caller, ListBin { limit }) = self.enter(request).await?;
        let entries = bin::list(&self.app, &caller, None, limit).await.map_err(status)?;
        Ok(Response::new(BinList { entries: entries.into_iter().map(Into::into).collect() }))
    }
}

fn kind(is_sweep: bool) -> String {
    if is_sweep { "sweep" } else { "run" }.to_owned()
}

impl From<bin::Restored> for Restored {
    fn from(bin::Restored { id, is_sweep, renamed }: bin::Restored) -> Self {
        Restored { id, kind: kind(is_sweep), renamed: renamed.unwrap_or_default() }
    }
}

impl From<BinnedView> for Binned {
    fn from(BinnedView { binned, bytes, purge_ms }: BinnedView) -> Self {
        Binned {
            kind: kind(binned.is_sweep),
            id: binned.id,
            name: binned.name,
            project: binned.project.into(),
            sweep: binned.sweep.unwrap_or_default().into(),
            deleted_ms: binned.deleted_ms,
            deleted_by: binned.who,
            purge_ms,
            bytes,
        }
    }
}
