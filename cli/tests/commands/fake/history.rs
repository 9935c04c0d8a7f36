//! The History service of the fake controller. Only one run of the fake controller has rows, in two
//! attempts.

use proto::v1::{
    Block, CurveBucket, CurveList, HistoryKey, HistoryKeyList, HistoryKeys, KeyCurve, ReadCurve,
    ReadHistory, history_server::History,
};
use record::{Row, Value, Writer};
use tonic::{Request, Response, Status};

use super::{Answers, SWEEP, Shared, stream};

fn rows(attempt: u32) -> Vec<Row> {
    let row = |step: u64| {
        let mut values =
            vec![("val/loss".to_owned(), Value::F64(1.0 / (step + u64::from(attempt)) as f64))];
        if step == 2 {
            values.push(("note".to_owned(), Value::Text("a, \"b\"\u{1b}[2J".to_owned())));
        }
        Row { step, wall_ms: 1_700_000_000_000 + step as i64, values }
    };
    (0..3).map(row).collect()
}

#[tonic::async_trait]
impl History for Shared {
    async fn keys(
        &self,
        request: Request<HistoryKeys>,
    ) -> Result<Response<HistoryKeyList>, Status> {
        let run = request.into_inner().run;
        let key = |key: &str, kind: &str| HistoryKey {
            key: key.to_owned(),
            types: vec![kind.to_owned()],
            count: 6,
            last_step: 2,
            ..HistoryKey::default()
        };
        let keys = match run.strip_prefix(SWEEP) {
            Some("-1") => vec![key("note", "text"), key("val/loss", "number")],
            Some("-0" | "-2") => Vec::new(),
            _ => return Err(Status::not_found(format!("no run `{run}`"))),
        };
        Ok(Response::new(HistoryKeyList { keys }))
    }

    async fn curve(&self, request: Request<ReadCurve>) -> Result<Response<CurveList>, Status> {
        let bucket = CurveBucket {
            count: 1,
            min: Some(1.0),
            max: Some(1.0),
            last: Some(1.0),
            ..CurveBucket::default()
        };
        let curve = |key| KeyCurve { key, buckets: vec![bucket] };
        Ok(Response::new(CurveList {
            curves: request.into_inner().keys.into_iter().map(curve).collect(),
        }))
    }

    type RowsStream = Answers<Block>;

    async fn rows(
        &self,
        request: Request<ReadHistory>,
    ) -> Result<Response<Self::RowsStream>, Status> {
        let ReadHistory { run, keys, last, .. } = request.into_inner();
        if !run.ends_with("-1") {
            return stream(Vec::new());
        }
        let block = |attempt: u32| {
            let mut rows = rows(attempt);
            rows.iter_mut().for_each(|row| {
                row.values.retain(|(key, _)| keys.is_empty() || keys.contains(key))
            });
            rows.retain(|row| !row.values.is_empty());
            let mut frames = Vec::new();
            Writer::default().frame(&rows, &mut frames);
            let rows = rows.len() as u64;
            Block { attempt, writer: "sdk".to_owned(), offset: 0, rows, frames, fenced: false }
        };
        let newest = if (1..=3).contains(&last) { 2 } else { 1 };
        stream((newest..=2).map(|attempt| Ok(block(attempt))).collect())
    }
}
