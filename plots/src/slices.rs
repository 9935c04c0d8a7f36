//! Draws slices: a small chart for each parameter, with the results of all runs over its values.

use crate::{
    axes::{Axes, Frame, Size},
    data::{Column, Kind},
    marks::{legend, look, opacity, radius, scatter, states_of},
    pen::Pen,
    picture::Chart,
    scale::Scale,
};

/// The least width of a small chart, its height, and the room between two of them.
const WIDTH: f64 = 290.0;
const HEIGHT: f64 = 200.0;
const GAP: f64 = 16.0;
/// The height of the legend.
const LEGEND: f64 = 22.0;

/// The runs of a sweep with their parameters.
#[derive(Clone, Debug)]
pub struct Slices {
    /// The parameters.
    pub parameters: Vec<Column>,
    /// The results.
    pub value: Column,
    /// The states of the runs.
    pub states: Vec<String>,
    /// The ids of the runs.
    pub ids: Vec<String>,
}

impl Chart for Slices {
    fn height(&self, width: f64) -> f64 {
        let rows = self.parameters.len().div_ceil(self.across(width)).max(1) as f64;
        LEGEND + rows * (HEIGHT + GAP) - GAP
    }

    fn draw(&self, pen: &mut Pen, size: Size) {
        legend(pen, &states_of(&self.states), size.width, 8.0);
        let across = self.across(size.width);
        let down = self.parameters.len().div_ceil(across).max(1);
        let cell = Size {
            width: (size.width - GAP * (across - 1) as f64) / across as f64,
            height: (size.height - LEGEND - GAP * (down - 1) as f64) / down as f64,
        };
        let origin = pen.origin();
        for (at, parameter) in self.parameters.iter().enumerate() {
            let x = (at % across) as f64 * (cell.width + GAP);
            let y = LEGEND + (at / across) as f64 * (cell.height + GAP);
            pen.move_origin(origin.0 + x.round(), origin.1 + y.round());
            self.draw_slice(pen, cell, parameter);
        }
        pen.move_origin(origin.0, origin.1);
    }
}

impl Slices {
    fn across(&self, width: f64) -> usize {
        (((width + GAP) / (WIDTH + GAP)) as usize).clamp(1, self.parameters.len().max(1))
    }

    fn draw_slice(&self, pen: &mut Pen, size: Size, parameter: &Column) {
        let mut axes = Axes {
            x: Scale::fit(parameter, 0.04),
            y: Scale::fit(&self.value, 0.06),
            x_name: String::new(),
            y_name: parameter.name.clone(),
        };
        let frame = axes.frame(size, 10.0, 0.0);
        axes.draw(pen, frame, frame.right);
        let Frame { left, top, right, bottom } = frame;
        pen.clip(left - 6.0, top - 6.0, right - left + 12.0, bottom - top + 12.0);
        let alpha = opacity(self.states.len(), 18.0, 0.9);
        let radius = radius(self.states.len()) - if self.states.len() > 600 { 0.6 } else { 0.0 };
        // The states that are listed first lie on top.
        for state in states_of(&self.states).into_iter().rev() {
            let look = look(state, &pen.theme);
            let spot = |row: usize| {
                let aside =
                    if parameter.kind == Kind::Category { jitter(&self.ids[row]) } else { 0.0 };
                let x = axes.x.to(parameter.values[row] + aside);
                (x, axes.y.to(self.value.values[row]), look.1)
            };
            let rows = (0..self.states.len()).filter(|&row| self.states[row] == state);
            scatter(pen, &rows.map(spot).collect::<Vec<_>>(), look, radius, alpha);
        }
        pen.unclip();
    }
}

/// Moves a mark of a category aside, always by the same amount for the same run.
fn jitter(id: &str) -> f64 {
    let hash = id.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte));
    let hash = (hash ^ hash >> 15).wrapping_mul(0x2c1b_3c6d);
    (f64::from(hash >> 8 & 0xffff) / f64::from(0xffff) - 0.5) * 0.56
}
