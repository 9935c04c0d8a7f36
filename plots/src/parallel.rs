//! Draws parallel coordinates: an axis for each parameter, and a line for each run. The result
//! colours the lines, and the best lines lie on top.

use crate::{
    axes::Size,
    data::{Column, Kind},
    pen::{Align, Base, Path, Pen, Stroke, Style, measure, squeeze},
    picture::{Chart, WIDTH},
    rank::{rank_among, ranks},
    scale::Scale,
    text::{count, shorten, visible},
};

/// The room beside the first and the last axis.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 62.0;
/// The room that an axis needs for its texts.
const ROOM: f64 = 90.0;
/// The width of the widest picture.
const WIDEST: f64 = 3000.0;
/// The titles end here.
const TITLES: f64 = 24.0;
/// The most lines of one stroke.
const BATCH: usize = 48;
/// More lines than this are thin.
const MANY: usize = 60;
/// The number of different colours.
const SHADES: f64 = 64.0;

/// The runs of a sweep with their parameters.
#[derive(Clone, Debug)]
pub struct Parallel {
    /// The parameters, and the result as the last column.
    pub columns: Vec<Column>,
    /// Whether large results are good.
    pub maximize: bool,
}

/// An axis in its place.
struct Axis<'c> {
    column: &'c Column,
    scale: Scale,
    x: f64,
    /// The pixel of each run.
    places: Vec<f64>,
    /// The pixel of the runs without a value, if there are any.
    none: Option<f64>,
}

impl Chart for Parallel {
    fn width(&self) -> f64 {
        (self.columns.len() as f64 * ROOM).clamp(WIDTH, WIDEST)
    }

    fn height(&self, width: f64) -> f64 {
        (width * 0.4).clamp(280.0, 440.0)
    }

    fn draw(&self, pen: &mut Pen, size: Size) {
        let Some(result) = self.columns.last() else { return };
        let units = ranks(&result.values, self.maximize);
        let gap = (size.width - LEFT - RIGHT) / (self.columns.len() - 1).max(1) as f64;
        let axes: Vec<Axis<'_>> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| Axis::new(column, LEFT + at as f64 * gap, size.height, &units))
            .collect();
        draw_lines(pen, &axes, &units);
        let last = axes.len() - 1;
        for (at, axis) in axes.iter().enumerate() {
            axis.draw(pen, gap);
            if at == last {
                self.draw_colours(pen, axis);
            }
            axis.draw_ticks(pen, gap, at == last);
        }
        let style = Style::new(pen.theme.muted).at(Align::Right, Base::Bottom);
        let runs = count(units.len() as u64);
        let noun = if units.len() == 1 { "run" } else { "runs" };
        pen.text(&format!("{runs} {noun}"), size.width - 8.0, size.height - 3.0, style);
    }
}

impl Parallel {
    /// Draws the scale of colours beside the axis of the result.
    fn draw_colours(&self, pen: &mut Pen, axis: &Axis<'_>) {
        let mut sorted: Vec<f64> =
            axis.column.values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let (steps, scale) = (32, &axis.scale);
        let height = (scale.start - scale.end) / f64::from(steps);
        for step in 0..steps {
            let y = scale.end + f64::from(step) * height;
            let unit = rank_among(&sorted, scale.from(y + height / 2.0), self.maximize);
            let mut path = Path::default();
            path.rect(axis.x + 2.0, y, 7.0, height + 0.5);
            pen.fill(path, pen.theme.result(unit), 1.0);
        }
    }
}

/// Draws the lines from the worst to the best, so that the best stay in sight.
fn draw_lines(pen: &mut Pen, axes: &[Axis<'_>], units: &[f64]) {
    let shade = |row: usize| (units[row] * SHADES).round();
    let mut rows: Vec<usize> = (0..units.len()).collect();
    // Runs without a result come first.
    let key = |row: usize| if units[row].is_nan() { -1.0 } else { units[row] };
    rows.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
    let (least, most) = strengths(rows.len());
    let width = if rows.len() > MANY { 0.9 } else { 1.6 };
    let same =
        |&a: &usize, &b: &usize| shade(a) == shade(b) || shade(a).is_nan() && shade(b).is_nan();
    for group in rows.chunk_by(same) {
        let unit = shade(group[0]) / SHADES;
        let is_known = !unit.is_nan();
        let colour = if is_known { pen.theme.result(unit) } else { pen.theme.muted };
        let strength = if is_known { unit.powi(4) } else { 0.0 };
        for batch in group.chunks(BATCH) {
            let mut path = Path::default();
            for &row in batch {
                for (at, axis) in axes.iter().enumerate() {
                    match at {
                        0 => path.move_to(axis.x, axis.places[row]),
                        _ => path.line_to(axis.x, axis.places[row]),
                    }
                }
            }
            let alpha = least + (most - least) * strength;
            pen.stroke(path, Stroke::new(colour).width(width).alpha(alpha));
        }
    }
}

/// Returns the strength of the worst and of the best lines: many lines must be faint to be seen at
/// all.
fn strengths(lines: usize) -> (f64, f64) {
    let root = (lines.max(1) as f64).sqrt();
    ((8.0 / root).clamp(0.06, 0.75), (20.0 / root).clamp(0.22, 0.95))
}

impl<'c> Axis<'c> {
    fn new(column: &'c Column, x: f64, height: f64, units: &[f64]) -> Self {
        let (top, bottom) = (TITLES + 12.0, height - 26.0);
        let mut scale = Scale::fit(column, if column.bounds.is_none() { 0.02 } else { 0.0 });
        let has_none = column.values.iter().any(|&value| !scale.unit(value).is_finite());
        scale.place(if has_none { bottom - 22.0 } else { bottom }, top);
        // The lines of a category spread over its band, so that one sees how good they are.
        let band = match column.kind {
            Kind::Category => (scale.start - scale.end) / column.categories.len().max(1) as f64,
            _ => 0.0,
        };
        let place = |(&value, &unit): (&f64, &f64)| match scale.to(value) {
            place if place.is_finite() => {
                place + (0.5 - if unit.is_nan() { 0.0 } else { unit }) * band * 0.62
            }
            _ => bottom,
        };
        let places = column.values.iter().zip(units).map(place).collect();
        Self { column, scale, x, places, none: has_none.then_some(bottom) }
    }

    fn draw(&self, pen: &mut Pen, gap: f64) {
        let style = Style::new(pen.theme.ink).bold().at(Align::Centre, Base::Bottom);
        let name = squeeze(&self.column.name, gap - 8.0, true);
        pen.text(&name, self.x, TITLES - 8.0, style);
        let mut path = Path::default();
        path.segment((self.x, self.scale.end), (self.x, self.scale.start));
        pen.stroke(path.clone(), Stroke::new(pen.theme.ground).width(3.0).alpha(0.8));
        pen.stroke(path, Stroke::new(pen.theme.ink).width(1.1));
    }

    fn draw_ticks(&self, pen: &mut Pen, gap: f64, is_last: bool) {
        let Self { scale, x, .. } = self;
        let room = if scale.kind == Kind::Category { 14.0 } else { 30.0 };
        let ticks = scale.ticks((((scale.start - scale.end) / room) as usize).max(2));
        let (side, beside) = if is_last { (1.0, 14.0) } else { (-1.0, 6.0) };
        let mut path = Path::default();
        for tick in &ticks {
            let length = if tick.label.is_empty() { 2.0 } else { 4.0 };
            let y = scale.to(tick.value);
            path.segment((*x, y), (x + side * length, y));
        }
        pen.stroke(path, Stroke::new(pen.theme.ink));
        let most = ((gap / 8.0) as usize).max(4);
        let mut edge = f64::INFINITY;
        for tick in ticks.iter().filter(|tick| !tick.label.is_empty()) {
            let y = scale.to(tick.value);
            if (edge - y).abs() >= 13.0 {
                edge = y;
                plate(pen, &shorten(&visible(&tick.label), most), x + side * beside, y, side);
            }
        }
        if let Some(none) = self.none {
            let mut path = Path::default();
            path.circle(*x, none, 3.0);
            pen.fill(path.clone(), pen.theme.ground, 1.0);
            pen.stroke(path, Stroke::new(pen.theme.ink));
            plate(pen, "none", x + side * beside, none, side);
        }
    }
}

/// Writes a text on a plate, because lines run behind it.
fn plate(pen: &mut Pen, text: &str, x: f64, y: f64, side: f64) {
    let width = measure(text, false) + 4.0;
    let mut path = Path::default();
    path.rect(if side < 0.0 { x - width + 2.0 } else { x - 2.0 }, y - 6.5, width, 13.0);
    pen.fill(path, pen.theme.ground, 0.82);
    let align = if side < 0.0 { Align::Right } else { Align::Left };
    pen.text(text, x, y, Style::new(pen.theme.ink).size(10.5).at(align, Base::Middle));
}
