//! Holds the colours of the charts: two themes, the scale viridis, and the palette of Okabe and
//! Ito. They are the colours of the dashboard (dashboard/src/charts/charts.css and colours.ts).

use std::fmt;

/// A colour as `0xrrggbb`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, PartialOrd, Ord)]
pub(crate) struct Colour(pub(crate) u32);

impl Colour {
    /// Returns red, green and blue.
    pub(crate) fn parts(self) -> [u8; 3] {
        let [_, red, green, blue] = self.0.to_be_bytes();
        [red, green, blue]
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06x}", self.0)
    }
}

/// The colours of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    /// Whether the ground is dark.
    pub(crate) dark: bool,
    pub(crate) ground: Colour,
    pub(crate) ink: Colour,
    pub(crate) muted: Colour,
    pub(crate) grid: Colour,
    pub(crate) good: Colour,
    pub(crate) bad: Colour,
    pub(crate) warn: Colour,
}

impl Theme {
    /// Dark ink on a light ground.
    pub const LIGHT: Theme = Theme {
        dark: false,
        ground: Colour(0xff_ff_ff),
        ink: Colour(0x1b_21_29),
        muted: Colour(0x5b_65_72),
        grid: Colour(0xe6_e9_ee),
        good: Colour(0x00_78_5a),
        bad: Colour(0xc2_36_1b),
        warn: Colour(0x94_65_0a),
    };
    /// Light ink on a dark ground.
    pub const DARK: Theme = Theme {
        dark: true,
        ground: Colour(0x14_17_1c),
        ink: Colour(0xe4_e8_ee),
        muted: Colour(0x9a_a5_b3),
        grid: Colour(0x2a_30_38),
        good: Colour(0x35_c4_95),
        bad: Colour(0xff_82_66),
        warn: Colour(0xe6_b4_50),
    };

    /// Returns the colour of a category by its number; the colours repeat.
    pub(crate) fn category(&self, index: usize) -> Colour {
        let palette = if self.dark { &ON_DARK } else { &ON_LIGHT };
        Colour(palette[index % palette.len()])
    }

    /// Returns the colour of a result, from 0 for the worst to 1 for the best. The best has the
    /// strongest contrast to the ground: dark violet on a light ground, and yellow on a dark one.
    pub(crate) fn result(&self, unit: f64) -> Colour {
        viridis(if self.dark { 0.16 + 0.84 * unit } else { 0.94 * (1.0 - unit) })
    }

    /// Returns the colour of a run. It depends on the id alone, so a run has the same colour in
    /// every chart. Neighbouring trials of a sweep differ.
    pub(crate) fn run(&self, id: &str) -> Colour {
        let digits = id.bytes().rev().take(9).take_while(u8::is_ascii_digit).count();
        let (name, trial) = id.split_at(id.len() - digits);
        let hash = name
            .chars()
            .fold(0x811c_9dc5, |hash: u32, sign| (hash ^ sign as u32).wrapping_mul(0x0100_0193));
        let trial: u64 = trial.parse().unwrap_or(0);
        self.category((u64::from(hash) + trial) as usize % ON_LIGHT.len())
    }
}

/// The palette of Okabe and Ito, darkened or lightened until it has contrast to the ground.
const ON_LIGHT: [u32; 8] =
    [0x0072b2, 0xd55e00, 0x009066, 0xb9588f, 0xb07a00, 0x2f93cc, 0x7d7600, 0x3d4450];
const ON_DARK: [u32; 8] =
    [0x4aa3df, 0xf0762b, 0x1fbf92, 0xe094c0, 0xf0b033, 0x8fd0f5, 0xf0e442, 0xc4ccd6];

const VIRIDIS: [u32; 16] = [
    0x440154, 0x481a6c, 0x472f7d, 0x414487, 0x39568c, 0x31688e, 0x2a788e, 0x23888e, 0x1f988b,
    0x22a884, 0x35b779, 0x54c568, 0x7ad151, 0xa5db36, 0xd2e21b, 0xfde725,
];

/// Returns the colour of a value in [0, 1] on the scale viridis. NaN has the colour of 0.
fn viridis(unit: f64) -> Colour {
    let place = if unit.is_nan() { 0.0 } else { unit.clamp(0.0, 1.0) * 15.0 };
    let below = (place as usize).min(14);
    let (from, to) = (Colour(VIRIDIS[below]).parts(), Colour(VIRIDIS[below + 1]).parts());
    let share = place - below as f64;
    let mixed = from.iter().zip(to).fold(0, |mixed, (&from, to)| {
        let part = f64::from(from) + (f64::from(to) - f64::from(from)) * share;
        mixed << 8 | part.round() as u32
    });
    Colour(mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_from_violet_to_yellow() {
        let colours = [0.0, 0.5, 1.0].map(|unit| viridis(unit).to_string());
        assert_eq!(colours, ["#440154", "#21908d", "#fde725"]);
        assert_eq!(viridis(f64::NAN), viridis(0.0));
        assert_eq!(Theme::DARK.result(1.0), viridis(1.0));
        assert_eq!(Theme::LIGHT.result(1.0), viridis(0.0));
    }

    #[test]
    fn neighbouring_trials_differ_and_no_id_fails() {
        let colours: Vec<Colour> =
            (0..8).map(|trial| Theme::LIGHT.run(&format!("k3x9abcd-{trial}"))).collect();
        assert!(colours.windows(2).all(|pair| pair[0] != pair[1]));
        for id in ["", "7", "naïve-日本", "x-99999999999999999999"] {
            Theme::LIGHT.run(id);
        }
    }
}
