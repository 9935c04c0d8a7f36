//! Draws the axes of a chart with two of them.

use crate::{
    data::Kind,
    pen::{Align, Base, Path, Pen, Stroke, Style, measure, squeeze},
    scale::Scale,
    text::{shorten, visible},
    ticks::Tick,
};

/// The room between the texts of the y axis and the frame.
const GAP: f64 = 7.0;
/// The most characters of a text beside an axis.
const LONGEST: usize = 18;

/// The width and the height of a chart.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// The width in pixels.
    pub width: f64,
    /// The height in pixels.
    pub height: f64,
}

/// The part of a chart in which its data lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

/// Two axes with their titles.
#[derive(Clone, Debug)]
pub(crate) struct Axes {
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    pub(crate) x_name: String,
    pub(crate) y_name: String,
}

impl Axes {
    /// Computes the frame, and places both scales in it. `right` and `top` are what the chart needs
    /// beside the frame.
    pub(crate) fn frame(&mut self, size: Size, right: f64, top: f64) -> Frame {
        let named = |name: &str, room: f64| if name.is_empty() { 0.0 } else { room };
        let mut frame = Frame {
            left: 0.0,
            top: 8.0 + top + named(&self.y_name, 14.0),
            right: (size.width - right).max(40.0),
            bottom: (size.height - 22.0 - named(&self.x_name, 14.0)).max(30.0),
        };
        self.y.place(frame.bottom, frame.top);
        let widest = y_ticks(&self.y).into_iter().map(|tick| measure(&tick.label, false));
        let widest = widest.fold(24.0, f64::max);
        frame.left = (widest + GAP + 4.0).min(size.width * 0.4);
        self.x.place(frame.left, frame.right);
        frame
    }

    /// Draws the grid and the texts of both axes. The title of the y axis ends before the pixel
    /// `end`.
    pub(crate) fn draw(&self, pen: &mut Pen, frame: Frame, end: f64) {
        let Frame { left, right, bottom, .. } = frame;
        let (rows, columns) = (y_ticks(&self.y), x_ticks(&self.x));
        let mut grid = Path::default();
        for tick in &rows {
            let y = crisp(self.y.to(tick.value));
            grid.segment((left, y), (right, y));
        }
        pen.stroke(grid, Stroke::new(pen.theme.grid));
        let mut line = Path::default();
        for tick in &columns {
            let x = crisp(self.x.to(tick.value));
            let length = if tick.label.is_empty() { 2.0 } else { 4.0 };
            line.segment((x, bottom), (x, bottom + length));
        }
        line.segment((left, crisp(bottom)), (right, crisp(bottom)));
        pen.stroke(line, Stroke::new(pen.theme.muted).alpha(0.55));
        let style = Style::new(pen.theme.muted);
        for tick in &rows {
            let style = style.at(Align::Right, Base::Middle);
            pen.text(&tick.label, left - GAP, self.y.to(tick.value), style);
        }
        let style = style.at(Align::Centre, Base::Top);
        for tick in &columns {
            let half = measure(&tick.label, false) / 2.0;
            let x = self.x.to(tick.value).max(half + 1.0).min(right + 8.0 - half);
            pen.text(&tick.label, x, bottom + 7.0, style);
        }
        let name = squeeze(&self.x_name, right - left, false);
        pen.text(&name, (left + right) / 2.0, bottom + 22.0, style);
        let title = squeeze(&self.y_name, end - 12.0, true);
        let style = Style::new(pen.theme.ink).bold().at(Align::Left, Base::Top);
        pen.text(&title, 4.0, 4.0, style);
    }
}

fn y_ticks(scale: &Scale) -> Vec<Tick> {
    let length = (scale.start - scale.end).abs();
    let room = if scale.kind == Kind::Category { 14.0 } else { 27.0 };
    let most = ((length / room) as usize).max(2);
    thinned(scale, scale.ticks(most).into_iter().map(cut).collect(), |_| 13.0)
}

/// Returns as many ticks as have room: fewer if their texts would touch.
fn x_ticks(scale: &Scale) -> Vec<Tick> {
    let width = |tick: &Tick| measure(&tick.label, false) + 10.0;
    let most = (((scale.end - scale.start).abs() / 46.0) as usize).max(2);
    for most in (2..=most).rev() {
        let ticks: Vec<Tick> = scale.ticks(most).into_iter().map(cut).collect();
        if thinned(scale, ticks.clone(), width) == ticks {
            return ticks;
        }
    }
    thinned(scale, scale.ticks(2).into_iter().map(cut).collect(), width)
}

fn cut(tick: Tick) -> Tick {
    Tick { label: shorten(&visible(&tick.label), LONGEST), ..tick }
}

/// Takes away the texts that would touch an earlier one.
fn thinned(scale: &Scale, ticks: Vec<Tick>, width: impl Fn(&Tick) -> f64) -> Vec<Tick> {
    let mut last: Option<(f64, f64)> = None;
    let mut kept = ticks;
    for tick in kept.iter_mut().filter(|tick| !tick.label.is_empty()) {
        let (place, room) = (scale.to(tick.value), width(tick));
        match last {
            Some((edge, size)) if (place - edge).abs() < (room + size) / 2.0 => tick.label.clear(),
            _ => last = Some((place, room)),
        }
    }
    kept
}

/// Moves a thin line to the middle of a pixel, so that it is sharp.
pub(crate) fn crisp(pixel: f64) -> f64 {
    (pixel - 0.5).round() + 0.5
}
