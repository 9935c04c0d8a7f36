//! Draws the curves of runs: how a metric went over the steps.

use crate::{
    axes::{Axes, Frame, Size},
    data::{Kind, extent},
    pen::{Align, Base, Path, Pen, Stroke, Style, measure, squeeze},
    picture::Chart,
    scale::{Scale, padded},
    smooth::{bridge, smooth},
    text::{count, shorten, visible},
    theme::Colour,
};

/// If more lines than this have a band, none is drawn: they would only cover each other.
const MOST_BANDS: usize = 12;
/// The most lines that have the colour of their run, dashes, and names at their ends. More lines
/// could not be told apart. They have the colour of their rank.
const MOST_NAMES: usize = 24;
/// The length of the line between a curve and its name.
const LEADER: f64 = 22.0;
/// The height of a name.
const NAME: f64 = 13.0;
const DASHES: [&[f32]; 4] = [&[], &[7.0, 3.0], &[2.0, 3.0], &[10.0, 3.0, 2.0, 3.0]];

/// A part of a curve.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// The place.
    pub x: f64,
    /// The last finite value of the part.
    pub last: f64,
    /// The smallest and the largest finite value of the part.
    pub range: (f64, f64),
}

/// The curve of a run.
#[derive(Clone, Debug)]
pub struct Series {
    /// The id of the run, which chooses its colour.
    pub id: String,
    /// The name at the end of the line.
    pub label: String,
    /// The parts with a finite value, by ascending x.
    pub points: Vec<Point>,
    /// Where the run logged NaN.
    pub nan_at: Vec<f64>,
    /// Where the run logged infinity, and whether it was positive.
    pub infinite_at: Vec<(f64, bool)>,
    /// How often the run logged NaN, infinity and negative infinity.
    pub odd: [u64; 3],
}

/// Curves over one x axis.
#[derive(Clone, Debug)]
pub struct Lines {
    /// The name of the x axis.
    pub x_name: String,
    /// The curves, the best first. The best are drawn on top.
    pub series: Vec<Series>,
    /// The strength of the smoothing, from 0 to just below 1.
    pub smooth: f64,
    /// What the reader must know: "120 of 1,000 runs drawn".
    pub note: Option<String>,
}

/// A curve as it is drawn.
struct Line<'s> {
    series: &'s Series,
    x: Vec<f64>,
    raw: Vec<f64>,
    /// The smoothed values, or those that the run logged.
    values: Vec<f64>,
    /// The longest step of x that the line bridges.
    bridge: f64,
    colour: Colour,
    dash: &'static [f32],
}

impl Chart for Lines {
    fn height(&self, width: f64) -> f64 {
        (width * 0.4).clamp(260.0, 460.0)
    }

    fn draw(&self, pen: &mut Pen, size: Size) {
        let lines = self.lines(pen);
        let mut axes = self.axes(&lines);
        let named = self.named(size);
        let widths = self.series.iter().map(|series| measure(&name(series), false));
        let room = widths.fold(0.0, f64::max) + LEADER + 5.0;
        let notes = self.notes().join(" · ");
        let above = if notes.is_empty() { 0.0 } else { 14.0 };
        let beside = if named { room.min(size.width * 0.3) } else { 12.0 };
        let frame = axes.frame(size, beside, above);
        axes.draw(pen, frame, frame.right);
        let style = Style::new(pen.theme.muted).at(Align::Right, Base::Top);
        pen.text(&squeeze(&notes, frame.right, false), frame.right, 0.0, style);
        let Frame { left, top, right, bottom } = frame;
        pen.clip(left, top - 5.0, right - left + 2.0, bottom - top + 6.0);
        for line in lines.iter().rev() {
            self.draw_line(pen, &axes, line);
        }
        pen.unclip();
        if named {
            draw_names(pen, &axes, frame, &lines);
        }
    }
}

impl Lines {
    fn lines<'s>(&'s self, pen: &Pen) -> Vec<Line<'s>> {
        let x = self.series.iter().flat_map(|series| &series.points).map(|point| point.x);
        let (low, high) = extent(&x.collect::<Vec<_>>(), false).unwrap_or_default();
        let mut used: Vec<Colour> = Vec::new();
        let line = |(at, series): (usize, &'s Series)| {
            let Series { id, points, .. } = series;
            let x: Vec<f64> = points.iter().map(|point| point.x).collect();
            let raw: Vec<f64> = points.iter().map(|point| point.last).collect();
            let values = match self.smooth > 0.0 {
                true => smooth(&x, &raw, high - low, self.smooth.min(0.9999)),
                false => raw.clone(),
            };
            let is_one_of_many = self.series.len() > MOST_NAMES;
            let colour = match is_one_of_many {
                true => pen.theme.result(1.0 - at as f64 / (self.series.len() - 1) as f64),
                false => pen.theme.run(id),
            };
            let before = used.iter().filter(|&&other| other == colour).count();
            used.push(colour);
            let dash = if is_one_of_many { &[] } else { DASHES[before % DASHES.len()] };
            Line { series, bridge: bridge(&x, &raw), x, raw, values, colour, dash }
        };
        self.series.iter().enumerate().map(line).collect()
    }

    fn axes(&self, lines: &[Line<'_>]) -> Axes {
        let places = self.series.iter().flat_map(|series| {
            let infinite = series.infinite_at.iter().map(|(x, _)| *x);
            series.points.iter().map(|point| point.x).chain(series.nan_at.clone()).chain(infinite)
        });
        let x = extent(&places.collect::<Vec<_>>(), false).unwrap_or((0.0, 1.0));
        let x = if x.1 > x.0 { x } else { padded(Kind::Linear, x, 0.1) };
        let mut values: Vec<f64> = lines.iter().flat_map(|line| line.values.clone()).collect();
        if self.has_bands() {
            let points = self.series.iter().flat_map(|series| &series.points);
            values.extend(points.flat_map(|point| [point.range.0, point.range.1]));
        }
        let y = extent(&values, false).unwrap_or((0.0, 1.0));
        Axes {
            x: Scale::new(Kind::Linear, x).of_whole_numbers(),
            y: Scale::new(Kind::Linear, padded(Kind::Linear, y, 0.06)),
            x_name: self.x_name.clone(),
            y_name: String::new(),
        }
    }

    fn has_bands(&self) -> bool {
        self.series.len() <= MOST_BANDS
    }

    /// Returns whether the lines have their names at their ends.
    fn named(&self, size: Size) -> bool {
        let room = ((size.height - 60.0) / NAME) as usize;
        size.width >= 340.0 && (2..=room.min(MOST_NAMES)).contains(&self.series.len())
    }

    fn notes(&self) -> Vec<String> {
        let odd: Vec<String> = self
            .series
            .iter()
            .filter_map(|series| {
                let found = series.odd.iter().zip(["NaN", "∞", "-∞"]);
                let parts: Vec<String> = found
                    .filter(|(times, _)| **times > 0)
                    .map(|(times, name)| format!("{} {name}", count(*times)))
                    .collect();
                (!parts.is_empty()).then(|| format!("{}: {}", name(series), parts.join(", ")))
            })
            .collect();
        let odd = match odd.len() {
            0..=2 => odd,
            lines => vec![format!("NaN or ∞ in {lines} lines")],
        };
        let ranked = (self.series.len() > MOST_NAMES).then(|| "coloured by result".to_owned());
        self.note.iter().cloned().chain(ranked).chain(odd).collect()
    }

    fn draw_line(&self, pen: &mut Pen, axes: &Axes, line: &Line<'_>) {
        if self.has_bands() {
            pen.fill(band(axes, line), line.colour, 0.14);
        }
        let stroke = Stroke::new(line.colour);
        if self.smooth > 0.0 {
            pen.stroke(trace(axes, line, &line.raw), stroke.alpha(0.28));
        }
        let stroke = match self.series.len() {
            0..=MOST_NAMES => stroke.width(1.7).dash(line.dash),
            _ => stroke.width(0.9).alpha(0.75),
        };
        pen.stroke(trace(axes, line, &line.values), stroke);
        draw_odd(pen, axes, line);
    }
}

fn name(series: &Series) -> String {
    shorten(&visible(&series.label), 18)
}

impl Line<'_> {
    /// Returns whether the line has a gap between two places.
    fn breaks(&self, from: f64, to: f64) -> bool {
        to - from > self.bridge || self.series.nan_at.iter().any(|&at| at > from && at <= to)
    }
}

/// Returns the path of a line. A point without neighbours becomes a dot.
fn trace(axes: &Axes, line: &Line<'_>, values: &[f64]) -> Path {
    let mut path = Path::default();
    let places: Vec<usize> = (0..values.len()).filter(|&at| values[at].is_finite()).collect();
    let joined = |&a: &usize, &b: &usize| !line.breaks(line.x[a], line.x[b]);
    for part in places.chunk_by(joined) {
        for (order, &at) in part.iter().enumerate() {
            let (x, y) = (axes.x.to(line.x[at]), axes.y.to(values[at]));
            match (order, part.len()) {
                (_, 1) => path.segment((x - 1.0, y), (x + 1.0, y)),
                (0, _) => path.move_to(x, y),
                _ => path.line_to(x, y),
            }
        }
    }
    path
}

/// Returns the area between the smallest and the largest values.
fn band(axes: &Axes, line: &Line<'_>) -> Path {
    let mut path = Path::default();
    let points = &line.series.points;
    for part in points.chunk_by(|a, b| !line.breaks(a.x, b.x)) {
        if part.iter().all(|point| point.range.0 == point.range.1) {
            continue;
        }
        let ahead = part.iter().map(|point| (point.x, point.range.1));
        let back = part.iter().rev().map(|point| (point.x, point.range.0));
        for (order, (x, y)) in ahead.chain(back).enumerate() {
            let (x, y) = (axes.x.to(x), axes.y.to(y));
            if order == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
        }
        path.close();
    }
    path
}

/// Draws crosses where the run logged NaN, and arrows at the edge where it logged infinity.
fn draw_odd(pen: &mut Pen, axes: &Axes, line: &Line<'_>) {
    let (bottom, top) = (axes.y.start, axes.y.end);
    let mut crosses = Path::default();
    for x in line.series.nan_at.iter().map(|&x| axes.x.to(x)) {
        crosses.segment((x - 3.5, bottom - 9.0), (x + 3.5, bottom - 2.0));
        crosses.segment((x + 3.5, bottom - 9.0), (x - 3.5, bottom - 2.0));
    }
    pen.stroke(crosses, Stroke::new(line.colour).width(1.8));
    let mut arrows = Path::default();
    for &(x, is_positive) in &line.series.infinite_at {
        let x = axes.x.to(x);
        let (edge, back) =
            if is_positive { (top - 4.0, top + 3.0) } else { (bottom, bottom - 7.0) };
        arrows.segment((x, edge), (x - 4.0, back));
        arrows.line_to(x + 4.0, back);
        arrows.close();
    }
    pen.fill(arrows, line.colour, 1.0);
}

fn draw_names(pen: &mut Pen, axes: &Axes, frame: Frame, lines: &[Line<'_>]) {
    let end = |line: &Line<'_>| {
        let last = line.values.iter().rposition(|value| value.is_finite())?;
        Some((axes.x.to(line.x[last]), axes.y.to(line.values[last])))
    };
    let ends: Vec<(&Line<'_>, (f64, f64))> =
        lines.iter().filter_map(|line| Some((line, end(line)?))).collect();
    let wanted: Vec<f64> = ends.iter().map(|(_, (_, y))| *y).collect();
    let heights = spread(&wanted, frame.top, frame.bottom);
    for ((line, (x, y)), height) in ends.into_iter().zip(heights) {
        let mut path = Path::default();
        path.segment((x + 2.0, y), (frame.right + LEADER - 3.0, height));
        let dash: &[f32] = if x < frame.right - 12.0 { &[1.0, 3.0] } else { &[] };
        pen.stroke(path, Stroke::new(line.colour).alpha(0.6).dash(dash));
        pen.text(&name(line.series), frame.right + LEADER, height, Style::new(line.colour));
    }
}

/// Moves names apart that would overlap. Returns heights that are as near as possible to the wanted
/// ones, between `top` and `bottom`.
fn spread(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let mut heights = wanted.to_vec();
    let mut least = top;
    for &at in &order {
        heights[at] = heights[at].max(least);
        least = heights[at] + NAME;
    }
    let mut most = bottom;
    for &at in order.iter().rev() {
        heights[at] = heights[at].min(most);
        most = heights[at] - NAME;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_order_and_do_not_overlap() {
        let heights = spread(&[50.0, 52.0, 49.0, 120.0], 0.0, 120.0);
        assert_eq!(heights, [62.0, 75.0, 49.0, 120.0]);
        assert_eq!(spread(&[100.0, 100.0], 0.0, 100.0), [87.0, 100.0]);
    }
}
