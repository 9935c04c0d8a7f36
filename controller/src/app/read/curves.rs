//! Reads the curves of the keys that a run logged. This module reads only the requested columns of
//! merged blocks, and all rows that are not merged yet. The handlers in `api` call this module
//! through `app::read::history`. A curve has one value at each step. If several rows have a value
//! at a step, the last of these rows by attempt, writer and row number counts. Fenced rows are left
//! out. This module changes nothing.

use std::{ops::RangeInclusive, rc::Rc};

use record::{
    ValueRef,
    columns::{COLUMNS, Head, Kind, SHAPES, STEPS, Values, WALLS},
    stream::StreamName,
};

use super::buckets::{self, Bucket, BySteps, Point};
use crate::{
    app::{
        error::{Error, Why},
        rows::pieces::{self, damaged},
        runs::lineage::Lineage,
    },
    store::{self, Tx, blocks::Stream, runs::Run},
};

/// The most points of a curve that may be collected before they are put into buckets. A curve over
/// steps whose steps rise with its rows, as in nearly all runs, goes into buckets directly.
const SORTED: usize = 1 << 26;

/// The quantity on the horizontal axis of a curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    /// The step of the row.
    Step,
    /// The time at which the writer logged the row, in milliseconds since 1970.
    WallTime,
    /// The value of another key at the same step.
    Key(String),
    /// How often the key has been logged with a finite value, as rungs count.
    Count,
}

/// The part of a curve that a caller asks for.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// The most buckets of each curve; 0 means `Limits::curve_buckets`.
    pub(crate) buckets: usize,
    /// The steps that the curve covers.
    pub(crate) steps: RangeInclusive<u64>,
    /// The quantity on the horizontal axis.
    pub(crate) axis: Axis,
}

/// The history of a run (see [`Lineage`]), or another stream of it, without its fenced rows, in the
/// order of attempt, writer and row.
pub(in crate::app) struct History<'a> {
    tx: &'a Tx<'a>,
    blocks: Vec<Stored>,
}

enum Stored {
    Frames(Vec<u8>),
    Columns { block: i64, head: Rc<Head> },
}

/// The points of one key in one block.
struct Segment {
    /// The smallest and the largest step of the points.
    steps: (u64, u64),
    /// Whether no step is smaller than the step of the point before it.
    in_order: bool,
    points: Points,
}

enum Points {
    Here(Vec<Point>),
    /// The points are still in these columns of a merged block.
    There {
        block: i64,
        head: Rc<Head>,
        columns: Vec<usize>,
    },
}

impl<'a> History<'a> {
    /// Opens a stream of a run: reads the heads of merged blocks, and all rows that are not
    /// merged. Also reads the rows of a merged block of which only the first rows count.
    pub(in crate::app) fn open(tx: &'a Tx<'a>, run: &Run, name: StreamName) -> Result<Self, Error> {
        let mut blocks = Vec::new();
        for (attempt, writer, rows) in Lineage::of(tx, run)?.streams(tx, run.key, name)? {
            let stream = Stream { run: run.key, name, attempt, writer: &writer };
            for piece in store::columns::pieces(tx, stream)? {
                let counted = rows.saturating_sub(piece.first);
                if piece.fenced || counted == 0 {
                    continue;
                }
                if counted < piece.rows {
                    blocks.push(Stored::Frames(pieces::first(tx, piece.key, counted)?));
                    continue;
                }
                let (frames, head) = store::columns::content(tx, piece.key)?;
                blocks.push(match head {
                    None => Stored::Frames(frames),
                    Some(head) => Stored::Columns {
                        block: piece.key,
                        head: Rc::new(Head::read(&head).map_err(damaged)?),
                    },
                });
            }
        }
        Ok(Self { tx, blocks })
    }

    /// Calls `frames` with the frames of each block whose rows [`History::open`] has read, and
    /// `head` with the head of each other block.
    pub(in crate::app) fn each(
        &self,
        mut frames: impl FnMut(&[u8]) -> Result<(), Error>,
        mut head: impl FnMut(&Head),
    ) -> Result<(), Error> {
        for block in &self.blocks {
            match block {
                Stored::Frames(bytes) => frames(bytes)?,
                Stored::Columns { head: read, .. } => head(read),
            }
        }
        Ok(())
    }

    /// Returns the curve of one key within the window: at most `window.buckets` buckets (at least
    /// one), in the order of the window's axis.
    pub(in crate::app) fn curve(&self, key: &str, window: &Window) -> Result<Vec<Bucket>, Error> {
        let segments = self.segments(key, window)?;
        let most = window.buckets.max(1);
        if window.axis == Axis::Step {
            let Some(bounds) = steps_of(&segments, window) else { return Ok(Vec::new()) };
            let mut buckets = BySteps::new(bounds, most as u64);
            self.fill(segments, window, &mut buckets)?;
            return Ok(buckets.finish());
        }
        Ok(buckets::by_x(&self.points(segments, window)?, most))
    }

    /// Returns the smallest and the largest x of the curve of one key within the window; `None` if
    /// the curve has no points there.
    pub(in crate::app) fn bounds(
        &self,
        key: &str,
        window: &Window,
    ) -> Result<Option<(f64, f64)>, Error> {
        let segments = self.segments(key, window)?;
        if window.axis == Axis::Step {
            let steps = steps_of(&segments, window);
            return Ok(steps.map(|(least, last)| (least as f64, last as f64)));
        }
        let points = self.points(segments, window)?;
        Ok(buckets::bounds(points.iter().map(|point| point.x)))
    }

    /// Returns the curve of one key in buckets of equal width between two x, both inclusive, so
    /// that several curves have the same buckets. Each bucket comes with its place on the grid, and
    /// empty buckets are left out. For the axis `Step`, the two x must be the window's steps.
    pub(in crate::app) fn on_grid(
        &self,
        key: &str,
        window: &Window,
        grid: (f64, f64),
    ) -> Result<Vec<(usize, Bucket)>, Error> {
        let segments = self.segments(key, window)?;
        let most = window.buckets.max(1);
        if window.axis == Axis::Step {
            let (least, last) = (*window.steps.start(), *window.steps.end());
            let mut buckets = BySteps::new((least, last), most as u64);
            let width = buckets.width();
            self.fill(segments, window, &mut buckets)?;
            let place = |bucket: &Bucket| ((bucket.steps.0 - least) / width) as usize;
            return Ok(buckets.finish().into_iter().map(|one| (place(&one), one)).collect());
        }
        let points = self.points(segments, window)?;
        let found = buckets::on_grid(&points, grid, most).into_iter().enumerate();
        Ok(found.filter_map(|(place, bucket)| Some((place, bucket?))).collect())
    }

    /// Puts the points of the segments within the window into buckets over steps.
    fn fill(
        &self,
        segments: Vec<Segment>,
        window: &Window,
        buckets: &mut BySteps,
    ) -> Result<(), Error> {
        let is_sorted = segments.iter().all(|segment| segment.in_order)
            && segments.windows(2).all(|pair| pair[0].steps.1 < pair[1].steps.0);
        if !is_sorted {
            let points = self.in_order(segments, window)?;
            points.iter().for_each(|point| buckets.add(point.step, point.value));
            return Ok(());
        }
        for segment in segments {
            match self.run(&segment, window)? {
                Some((first, values)) => buckets.add_run(first, &values),
                None => self.load(segment, window, |step, _, value| buckets.add(step, value))?,
            }
        }
        Ok(())
    }

    /// Returns the points of the segments with their x, in the order of their steps. The axis is
    /// not `Step`.
    fn points(&self, segments: Vec<Segment>, window: &Window) -> Result<Vec<Point>, Error> {
        let points = self.in_order(segments, window)?;
        match &window.axis {
            Axis::Step | Axis::WallTime => Ok(points),
            Axis::Key(other) => {
                let over = self.in_order(self.segments(other, window)?, window)?;
                Ok(join(&points, &over))
            }
            Axis::Count => Ok(counted(points)),
        }
    }

    /// Returns the segments that may hold points of the key within the window.
    fn segments(&self, key: &str, window: &Window) -> Result<Vec<Segment>, Error> {
        let mut segments: Vec<Segment> = Vec::new();
        for block in &self.blocks {
            match block {
                Stored::Frames(frames) => segments.extend(in_frames(frames, key, window)?),
                Stored::Columns { block, head } => {
                    let wanted = [Kind::F64, Kind::I64, Kind::U64]
                        .into_iter()
                        .filter_map(|kind| head.column(key, kind));
                    let columns: Vec<usize> = wanted.collect();
                    let bounds = columns.iter().map(|column| head.columns[*column].steps);
                    let bounds = bounds.reduce(|one, two| (one.0.min(two.0), one.1.max(two.1)));
                    let Some(steps) = bounds.filter(|(least, last)| {
                        least <= window.steps.end() && last >= window.steps.start()
                    }) else {
                        continue;
                    };
                    let in_order = head.rising && columns.len() == 1;
                    let points = Points::There { block: *block, head: head.clone(), columns };
                    segments.push(Segment { steps, in_order, points });
                }
            }
        }
        Ok(segments)
    }

    /// Returns the first step within the window and the values from this step on, if the segment
    /// has one value at each step. The block's head says whether this is the case, so the column of
    /// steps is not read. Returns `None` for every other segment.
    fn run(&self, segment: &Segment, window: &Window) -> Result<Option<(u64, Vec<f64>)>, Error> {
        let Points::There { block, head, columns } = &segment.points else { return Ok(None) };
        let (true, &[column]) = (head.is_step_by_step(), columns.as_slice()) else {
            return Ok(None);
        };
        if !head.is_in_every_row(column) {
            return Ok(None);
        }
        let part = store::columns::part(self.tx, *block, COLUMNS + column)?;
        let Some(mut values) = numbers(head.read_column(column, &part).map_err(damaged)?) else {
            return Ok(None);
        };
        let (first, last) = head.steps;
        let from = first.max(*window.steps.start());
        values.truncate((last.min(*window.steps.end()) - first) as usize + 1);
        values.drain(..(from - first) as usize);
        Ok(Some((from, values)))
    }

    /// Calls `show` with the step, x and value of each point of a segment within the window. For
    /// the axes `Step`, `Key` and `Count`, `show` gets 0 as x.
    fn load(
        &self,
        segment: Segment,
        window: &Window,
        mut show: impl FnMut(u64, f64, f64),
    ) -> Result<(), Error> {
        let (block, head, columns) = match segment.points {
            Points::Here(points) => {
                points.iter().for_each(|point| show(point.step, point.x, point.value));
                return Ok(());
            }
            Points::There { block, head, columns } => (block, head, columns),
        };
        let part = |part| store::columns::part(self.tx, block, part);
        let steps = head.read_steps(&part(STEPS)?).map_err(damaged)?;
        let walls = match window.axis {
            Axis::WallTime => Some(head.read_walls(&part(WALLS)?).map_err(damaged)?),
            Axis::Step | Axis::Key(_) | Axis::Count => None,
        };
        let mut found = Vec::new();
        for column in &columns {
            let values = head.read_column(*column, &part(COLUMNS + column)?).map_err(damaged)?;
            let Some(numbers) = numbers(values) else { continue };
            let held = head.rows_of(*column, &part(SHAPES)?).map_err(damaged)?;
            if held.is_none() && walls.is_none() && columns.len() == 1 {
                let all =
                    steps.iter().zip(&numbers).filter(|(step, _)| window.steps.contains(step));
                all.for_each(|(step, value)| show(*step, 0.0, *value));
                return Ok(());
            }
            match held {
                None => found.extend(numbers.into_iter().enumerate()),
                Some(rows) => found.extend(rows.into_iter().map(|row| row as usize).zip(numbers)),
            }
        }
        // If the kind of a key's values has changed, its values are in several columns. The sort
        // puts the values of these columns in the order of their rows.
        found.sort_by_key(|(row, _)| *row);
        for (row, value) in found {
            let step = *steps.get(row).ok_or_else(|| damaged("a row is beyond the last"))?;
            if window.steps.contains(&step) {
                let x = walls
                    .as_ref()
                    .and_then(|walls| walls.get(row))
                    .map_or(0.0, |wall| *wall as f64);
                show(step, x, value);
            }
        }
        Ok(())
    }

    /// Returns the points of the segments within the window in the order of their steps, one point
    /// for each step.
    fn in_order(&self, segments: Vec<Segment>, window: &Window) -> Result<Vec<Point>, Error> {
        let mut points = Vec::new();
        for segment in segments {
            self.load(segment, window, |step, x, value| points.push(Point { step, x, value }))?;
            if points.len() > SORTED {
                let message = format!(
                    "the curve has more than {SORTED} points, out of order or not over steps"
                );
                return Err(Error::refused(Why::State, message).hint("ask for fewer steps at once"));
            }
        }
        if !points.is_sorted_by_key(|point| point.step) {
            // The sort is stable: the last point of a step stays the last point of this step.
            points.sort_by_key(|point| point.step);
        }
        points.dedup_by(|later, kept| {
            let same = later.step == kept.step;
            if same {
                *kept = *later;
            }
            same
        });
        Ok(points)
    }
}

/// Returns the smallest and the largest step of the segments within the window.
fn steps_of(segments: &[Segment], window: &Window) -> Option<(u64, u64)> {
    let bounds = segments.iter().map(|segment| segment.steps);
    let (from, to) = bounds.reduce(|one, two| (one.0.min(two.0), one.1.max(two.1)))?;
    Some((from.max(*window.steps.start()), to.min(*window.steps.end())))
}

/// Returns the values of a column of numbers, or `None` for a column of booleans, texts or JSON.
fn numbers(values: Values) -> Option<Vec<f64>> {
    match values {
        Values::F64(numbers) => Some(numbers),
        Values::I64(numbers) => Some(numbers.into_iter().map(|number| number as f64).collect()),
        Values::U64(numbers) => Some(numbers.into_iter().map(|number| number as f64).collect()),
        Values::Bool(_) | Values::Text(..) => None,
    }
}

/// Returns a segment with the key's points within the window from frames that are not merged yet.
/// Returns `None` if there are no such points.
fn in_frames(frames: &[u8], key: &str, window: &Window) -> Result<Option<Segment>, Error> {
    let mut points: Vec<Point> = Vec::new();
    for frame in record::frames(frames) {
        let show = |row: record::RowRef<'_>| {
            for (_, value) in row.values.iter().filter(|(name, _)| *name == key) {
                let value = match value {
                    ValueRef::F64(number) => *number,
                    ValueRef::I64(number) => *number as f64,
                    ValueRef::U64(number) => *number as f64,
                    ValueRef::Bool(_) | ValueRef::Text(_) | ValueRef::Json(_) => continue,
                };
                let x = if window.axis == Axis::WallTime { row.wall_ms as f64 } else { 0.0 };
                points.push(Point { step: row.step, x, value });
            }
        };
        frame.map_err(damaged)?.each(show).map_err(damaged)?;
    }
    points.retain(|point| window.steps.contains(&point.step));
    let bounds = points.iter().map(|point| (point.step, point.step));
    let bounds = bounds.reduce(|one, two| (one.0.min(two.0), one.1.max(two.1)));
    let in_order = points.is_sorted_by_key(|point| point.step);
    Ok(bounds.map(|steps| Segment { steps, in_order, points: Points::Here(points) }))
}

/// Returns the points with the count of finite values up to each as its x.
fn counted(mut points: Vec<Point>) -> Vec<Point> {
    let mut count = 0_u64;
    for point in &mut points {
        count += u64::from(point.value.is_finite());
        point.x = count as f64;
    }
    points
}

/// Returns the points at the steps that both curves have, with the value of `over` as their x.
fn join(points: &[Point], over: &[Point]) -> Vec<Point> {
    let mut others = over.iter().peekable();
    let at = |point: &Point| {
        while others.next_if(|other| other.step < point.step).is_some() {}
        let other = others.peek().filter(|other| other.step == point.step)?;
        Some(Point { x: other.value, ..*point })
    };
    points.iter().filter_map(at).collect()
}
