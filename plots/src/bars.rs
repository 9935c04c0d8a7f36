//! Draws bars with error bars: how important each parameter is.

use crate::{
    axes::{Size, crisp},
    data::Kind,
    pen::{Align, Base, Path, Pen, Stroke, Style, measure},
    picture::Chart,
    scale::Scale,
    text::{number, shorten, visible},
    ticks,
};

/// The heights of the rows.
const THICKEST: f64 = 30.0;
const THINNEST: f64 = 17.0;

/// The importance of one parameter, as shares of the variance.
#[derive(Clone, Debug)]
pub struct Bar {
    /// The name of the parameter.
    pub name: String,
    /// The share with all interactions.
    pub value: f64,
    /// The share without interactions.
    pub alone: f64,
    /// The ends of the error bar.
    pub range: (f64, f64),
}

/// The importances of parameters.
#[derive(Clone, Debug)]
pub struct Bars {
    /// The bars, the longest first.
    pub bars: Vec<Bar>,
    /// The reason why the bars should not be trusted; they are grey then.
    pub weak: Option<String>,
    /// How the values were computed.
    pub note: String,
}

impl Chart for Bars {
    fn height(&self, _width: f64) -> f64 {
        let rows = self.bars.len().clamp(1, 40) as f64;
        self.top() + 24.0 + rows * THICKEST.min(THINNEST.max(420.0 / rows))
    }

    fn draw(&self, pen: &mut Pen, size: Size) {
        let (top, bottom) = (self.top(), size.height - 20.0);
        let room = (((bottom - top) / THINNEST) as usize).max(1);
        let shown = &self.bars[..self.bars.len().min(room)];
        let row = ((bottom - top) / shown.len().max(1) as f64).min(THICKEST);
        let widest = shown.iter().map(|bar| measure(&label(bar), false)).fold(20.0, f64::max);
        let highest = shown.iter().map(|bar| bar.value.max(bar.range.1)).fold(0.0, f64::max);
        let mut scale = Scale::new(Kind::Linear, (0.0, if highest > 0.0 { highest } else { 1.0 }));
        scale.place((widest + 14.0).min(size.width * 0.45), size.width - 58.0);
        self.draw_notes(pen, shown.len());
        draw_grid(pen, &scale, top, top + row * shown.len() as f64);
        for (at, bar) in shown.iter().enumerate() {
            self.draw_bar(pen, &scale, bar, top + (at as f64 + 0.5) * row, row);
        }
    }
}

impl Bars {
    /// Returns where the bars begin, below the notes.
    fn top(&self) -> f64 {
        4.0 + if self.weak.is_some() { 30.0 } else { 15.0 }
    }

    fn draw_notes(&self, pen: &mut Pen, shown: usize) {
        let mut y = 4.0;
        let style = Style::new(pen.theme.muted).at(Align::Left, Base::Top);
        if let Some(weak) = &self.weak {
            pen.text(weak, 4.0, y, Style { colour: pen.theme.warn, ..style });
            y += 15.0;
        }
        let all = self.bars.len();
        let hidden =
            if shown < all { format!(" · {shown} of {all} shown") } else { String::new() };
        pen.text(&format!("{}{hidden}", self.note), 4.0, y, style);
    }

    fn draw_bar(&self, pen: &mut Pen, scale: &Scale, bar: &Bar, y: f64, row: f64) {
        let half = (row * 0.32).min(9.0);
        let colour = if self.weak.is_some() { pen.theme.muted } else { pen.theme.category(0) };
        for (value, alpha) in [(bar.value, 0.38), (bar.alone, 0.75)] {
            let mut path = Path::default();
            let length = (scale.to(value) - scale.start).max(1.0);
            path.rect(scale.start, y - half, length, 2.0 * half);
            pen.fill(path, colour, alpha);
        }
        let style = Style::new(pen.theme.ink);
        pen.text(&label(bar), scale.start - 8.0, y, style.at(Align::Right, Base::Middle));
        let edge = scale.to(bar.value.max(bar.range.1));
        let share = bar.value * 100.0;
        let share = if share < 0.1 { "< 0.1".to_owned() } else { number(share, 2) };
        pen.text(&format!("{share} %"), edge + 7.0, y, style);
        let (low, high) = (scale.to(bar.range.0), scale.to(bar.range.1));
        let mut path = Path::default();
        path.segment((low, crisp(y)), (high, crisp(y)));
        for end in [crisp(low), crisp(high)] {
            path.segment((end, y - 4.0), (end, y + 4.0));
        }
        pen.stroke(path, Stroke::new(pen.theme.ink).width(1.2));
    }
}

fn draw_grid(pen: &mut Pen, scale: &Scale, top: f64, bottom: f64) {
    let most = (((scale.end - scale.start) / 60.0) as usize).max(2);
    let mut path = Path::default();
    for tick in ticks::linear(0.0, scale.high * 100.0, most, false) {
        let x = crisp(scale.to(tick.value / 100.0));
        path.segment((x, top), (x, bottom));
        let style = Style::new(pen.theme.muted).at(Align::Centre, Base::Top);
        pen.text(&format!("{} %", tick.label), x, bottom + 5.0, style);
    }
    pen.stroke(path, Stroke::new(pen.theme.grid));
}

fn label(bar: &Bar) -> String {
    shorten(&visible(&bar.name), 22)
}
