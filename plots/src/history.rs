//! Draws the course of a sweep: a mark for each trial, and a line for the best result so far.

use crate::{
    axes::{Axes, Frame, Size},
    data::Column,
    marks::{Mark, legend, look, opacity, radius, scatter, states_of},
    pen::{Align, Base, Path, Pen, Stroke, Style},
    picture::Chart,
    rank::best_so_far,
    scale::Scale,
    text::number,
};

/// Trials without a value lie on a strip of this height below the axis.
const STRIP: f64 = 14.0;

/// The trials of a sweep in their order.
#[derive(Clone, Debug)]
pub struct History {
    /// The numbers of the trials, ascending.
    pub trials: Column,
    /// The results.
    pub value: Column,
    /// The states of the trials.
    pub states: Vec<String>,
    /// Whether each trial can be the best: it has finished and keeps all limits.
    pub counted: Vec<bool>,
    /// Whether large results are good.
    pub maximize: bool,
}

impl Chart for History {
    fn height(&self, width: f64) -> f64 {
        (width * 0.36).clamp(240.0, 420.0)
    }

    fn draw(&self, pen: &mut Pen, size: Size) {
        let values = &self.value.values;
        let mut axes = Axes {
            x: Scale::fit(&self.trials, 0.04).of_whole_numbers(),
            y: Scale::fit(&Column { values: self.without_outliers(), ..self.value.clone() }, 0.07),
            x_name: self.trials.name.clone(),
            y_name: self.value.name.clone(),
        };
        let frame = axes.frame(size, 12.0, 12.0);
        if values.iter().any(|&value| !axes.y.unit(value).is_finite()) {
            axes.y.place(frame.bottom - STRIP, frame.top);
        }
        let begin = legend(pen, &states_of(&self.states), frame.right, 10.0);
        axes.draw(pen, frame, begin);
        self.draw_trials(pen, &axes, frame);
        self.draw_best(pen, &axes, frame);
    }
}

impl History {
    fn draw_trials(&self, pen: &mut Pen, axes: &Axes, frame: Frame) {
        let radius = radius(self.states.len()) - 0.2;
        let alpha = opacity(self.states.len(), 26.0, 0.85);
        for state in states_of(&self.states) {
            let look = look(state, &pen.theme);
            let spot = |row: usize| {
                let x = axes.x.to(self.trials.values[row]);
                match self.value.values[row] {
                    // A value beyond the axis lies at its edge.
                    value if value > axes.y.high => (x, frame.top - 2.0, Mark::Up),
                    value if value.is_nan() => (x, frame.bottom - 4.0, look.1),
                    value => (x, axes.y.to(value.max(axes.y.low)), look.1),
                }
            };
            let rows = (0..self.states.len()).filter(|&row| self.states[row] == state);
            let spots: Vec<(f64, f64, Mark)> = rows.map(spot).collect();
            scatter(pen, &spots, look, radius, alpha);
        }
    }

    fn draw_best(&self, pen: &mut Pen, axes: &Axes, frame: Frame) {
        let rows = self.value.values.iter().zip(&self.counted);
        let counted: Vec<f64> =
            rows.map(|(&value, &is_counted)| if is_counted { value } else { f64::NAN }).collect();
        let (mut path, mut before) = (Path::default(), f64::NAN);
        for (best, trial) in
            best_so_far(&counted, self.maximize).into_iter().zip(&self.trials.values)
        {
            let (x, y) = (axes.x.to(*trial), axes.y.to(best));
            if before.is_nan() {
                path.move_to(x, y);
            } else if best != before {
                path.line_to(x, axes.y.to(before));
                path.line_to(x, y);
            }
            before = best;
        }
        if before.is_nan() {
            return;
        }
        let y = axes.y.to(before);
        path.line_to(frame.right, y);
        pen.stroke(path, Stroke::new(pen.theme.ink).width(1.8));
        let lift = if self.maximize { -4.0 } else { 15.0 };
        let style = Style::new(pen.theme.ink).bold().at(Align::Right, Base::Bottom);
        let text = format!("best {}", number(before, 4));
        pen.text(&text, frame.right, y + lift, style.halo(pen.theme.ground));
    }

    /// Returns the values without far outliers, which would squeeze all other trials into a line.
    /// An outlier is worse than the median by more than eight times the distance of the quartiles.
    fn without_outliers(&self) -> Vec<f64> {
        let values = &self.value.values;
        let mut sorted: Vec<f64> =
            values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        if sorted.len() < 8 {
            return values.clone();
        }
        let quartile = |share: f64| sorted[(share * (sorted.len() - 1) as f64) as usize];
        let (room, median) = (8.0 * (quartile(0.75) - quartile(0.25)), quartile(0.5));
        let is_outlier = |value: f64| {
            let worse = if self.maximize { median - value } else { value - median };
            room > 0.0 && worse > room
        };
        values.iter().map(|&value| if is_outlier(value) { f64::NAN } else { value }).collect()
    }
}
