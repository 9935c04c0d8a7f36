//! Serves the History service. The `sweep` command calls it. Every method translates its request,
//! calls `app`, and translates the answer.

use proto::v1::{
    Block, CurveAxis, CurveBucket, CurveList, HistoryKey, HistoryKeyList, HistoryKeys, KeyCurve,
    ReadCurve, ReadHistory, history_server::History,
};
use record::stream::StreamName;
use tonic::{Request, Response, Status, async_trait, codegen::BoxStream};

use super::{Door, error::status, stream};
use crate::app::read::{
    buckets::Bucket,
    curves::{Axis, Window},
    history::{self, Key, Wanted},
};

#[async_trait]
impl History for Door {
    async fn keys(
        &self,
        request: Request<HistoryKeys>,
    ) -> Result<Response<HistoryKeyList>, Status> {
        let (caller, HistoryKeys { run }) = self.enter(request).await?;
        let keys = history::keys(&self.app, &caller, run.into(), StreamName::History)
            .await
            .map_err(status)?;
        Ok(Response::new(HistoryKeyList { keys: keys.into_iter().map(key_to).collect() }))
    }

    async fn curve(&self, request: Request<ReadCurve>) -> Result<Response<CurveList>, Status> {
        let (caller, read) = self.enter(request).await?;
        let window = window_from(&read);
        let curves = history::curves(&self.app, &caller, read.run.into(), read.keys, window)
            .await
            .map_err(status)?;
        let curve = |(key, buckets): (String, Vec<Bucket>)| KeyCurve {
            key,
            buckets: buckets.into_iter().map(bucket_to).collect(),
        };
        Ok(Response::new(CurveList { curves: curves.into_iter().map(curve).collect() }))
    }

    type RowsStream = BoxStream<Block>;

    async fn rows(
        &self,
        request: Request<ReadHistory>,
    ) -> Result<Response<Self::RowsStream>, Status> {
        let (caller, ReadHistory { run, keys, from, limit, last, all }) =
            self.enter(request).await?;
        let (run, keys) = (run.into(), keys.into_iter().collect());
        let wanted = Wanted { run, keys, from, limit, last, all };
        let rows = history::rows(&self.app, &caller, wanted).await.map_err(status)?;
        Ok(Response::new(stream(rows)))
    }
}

fn window_from(read: &ReadCurve) -> Window {
    let axis = match read.x() {
        CurveAxis::Step => Axis::Step,
        CurveAxis::WallTime => Axis::WallTime,
        CurveAxis::Key => Axis::Key(read.x_key.clone()),
    };
    let steps = read.from_step.unwrap_or(0)..=read.to_step.unwrap_or(u64::MAX);
    Window { buckets: read.buckets as usize, steps, axis }
}

fn key_to((key, found): (String, Key)) -> HistoryKey {
    let Key { types, count, steps, range, odd } = found;
    let (first_step, last_step) = steps.unwrap_or_default();
    HistoryKey {
        key,
        types: types.into_iter().collect(),
        count,
        first_step,
        last_step,
        min: range.map(|(least, _)| least),
        max: range.map(|(_, most)| most),
        nan: odd[0],
        positive_infinity: odd[1],
        negative_infinity: odd[2],
    }
}

fn bucket_to(bucket: Bucket) -> CurveBucket {
    let Bucket { x, steps, count, range, last, odd } = bucket;
    CurveBucket {
        first_x: x.0,
        last_x: x.1,
        first_step: steps.0,
        last_step: steps.1,
        count,
        min: range.map(|(least, _)| least),
        max: range.map(|(_, most)| most),
        last,
        nan: odd[0],
        positive_infinity: odd[1],
        negative_infinity: odd[2],
    }
}
