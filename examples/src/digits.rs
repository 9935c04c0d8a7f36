//! Draws images of digits, so that the image examples do not need to download MNIST. An image has
//! 28 x 28 pixels. It shows the strokes of a pen, moved, turned, sheared and made noisy. The files
//! have MNIST's format. `images` calls this module for the default folder, and so does the `digits`
//! binary. Every call writes the same files, but the maths libraries of two machines can round a
//! pixel differently.

use std::{
    f32::consts::{PI, TAU},
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use crate::idx::Idx;

/// The width and the height of an image in pixels, as in MNIST.
const SIDE: usize = 28;
/// For the training files and the test files: the prefix of their names, the seed, and the number
/// of images.
const COUNTS: [(&str, u64, usize); 2] = [("train", 1, 6000), ("t10k", 2, 1000)];
/// The version of the drawn set. The name of the default folder contains it. It must change if the
/// code draws other images, so that trainers do not use an old folder.
const VERSION: u32 = 1;

type Point = (f32, f32);
type Stroke = Vec<Point>;

/// Returns the default folder of the drawn digits. It is in the user's cache folder, or in the
/// folder for temporary files if there is no cache folder.
pub fn default_folder() -> PathBuf {
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join(format!("besom/digits-{VERSION}"))
}

/// Writes the drawn set into `folder`, unless that folder exists. Several processes can call this
/// at the same time: the folder is that of the process that finishes first.
pub fn write_once(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    static WRITERS: AtomicU32 = AtomicU32::new(0);
    let mut part = folder.as_os_str().to_owned();
    part.push(format!(".{}-{}", std::process::id(), WRITERS.fetch_add(1, Relaxed)));
    let part = PathBuf::from(part);
    write(&part)?;
    match fs::rename(&part, folder) {
        // Another process has finished first, with the same files.
        Err(_) if folder.is_dir() => fs::remove_dir_all(&part),
        result => result,
    }
}

/// Writes the four files of the drawn set into `folder`, and creates the folder if it is missing.
pub fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, seed, count) in COUNTS {
        let mut images =
            Idx { shape: vec![count, SIDE, SIDE], data: Vec::with_capacity(count * SIDE * SIDE) };
        let mut labels = Idx { shape: vec![count], data: Vec::with_capacity(count) };
        for number in 0..count {
            let mut chance = Chance::new(seed, number as u64);
            let digit = (chance.next() % 10) as u8;
            labels.data.push(digit);
            images.data.extend(draw(digit, &mut chance));
        }
        images.write(&folder.join(format!("{name}-images-idx3-ubyte")))?;
        labels.write(&folder.join(format!("{name}-labels-idx1-ubyte")))?;
    }
    Ok(())
}

/// Draws an image of a digit. Returns its pixels row by row, from the top.
fn draw(digit: u8, chance: &mut Chance) -> Vec<u8> {
    let mut strokes = strokes(digit, chance);
    let (sin, cos) = chance.between(-0.3, 0.3).sin_cos();
    let (wide, high, shear) =
        (chance.between(10.0, 17.0), chance.between(15.0, 21.0), chance.between(-0.3, 0.3));
    let middle = (chance.between(12.0, 16.0), chance.between(12.0, 16.0));
    for (x, y) in strokes.iter_mut().flatten() {
        // Each point is moved a little at random, because a hand does not draw exact curves.
        let (u, v) =
            (*x - 0.5 + chance.between(-0.025, 0.025), *y - 0.5 + chance.between(-0.025, 0.025));
        let (u, v) = ((u + shear * v) * wide, v * high);
        (*x, *y) = (middle.0 + cos * u - sin * v, middle.1 + sin * u + cos * v);
    }
    let (pen, ink, dirt) =
        (chance.between(0.7, 1.7), chance.between(170.0, 255.0), chance.between(5.0, 40.0));
    let mut image = Vec::with_capacity(SIDE * SIDE);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let here = (column as f32 + 0.5, row as f32 + 0.5);
            let lines = strokes.iter().flat_map(|stroke| stroke.windows(2));
            let away =
                lines.map(|line| distance(here, line[0], line[1])).fold(f32::INFINITY, f32::min);
            let covered = (pen + 0.5 - away).clamp(0.0, 1.0);
            image.push((covered * ink + chance.bell() * dirt).clamp(0.0, 255.0) as u8);
        }
    }
    image
}

/// Returns the strokes of a digit in the unit square, where y points downwards. Some digits have
/// two forms, of which `chance` chooses one.
fn strokes(digit: u8, chance: &mut Chance) -> Vec<Stroke> {
    let other = chance.next().is_multiple_of(2);
    let line = |points: &[Point]| points.to_vec();
    match digit {
        0 => vec![arc((0.5, 0.5), (0.38, 0.48), -PI / 2.0, TAU)],
        1 if other => vec![line(&[(0.3, 0.22), (0.52, 0.02), (0.52, 0.98)])],
        1 => vec![
            line(&[(0.32, 0.2), (0.52, 0.02), (0.52, 0.98)]),
            line(&[(0.28, 0.98), (0.76, 0.98)]),
        ],
        2 => {
            let mut stroke = arc((0.5, 0.3), (0.36, 0.28), -PI, 1.25 * PI);
            stroke.extend([(0.12, 0.97), (0.9, 0.97)]);
            vec![stroke]
        }
        3 => vec![
            arc((0.46, 0.27), (0.34, 0.25), -0.85 * PI, 1.35 * PI),
            arc((0.46, 0.73), (0.38, 0.26), -PI / 2.0, 1.35 * PI),
        ],
        4 if other => {
            vec![
                line(&[(0.6, 0.02), (0.1, 0.65), (0.92, 0.65)]),
                line(&[(0.68, 0.3), (0.68, 0.98)]),
            ]
        }
        4 => vec![
            line(&[(0.2, 0.03), (0.16, 0.52), (0.86, 0.52)]),
            line(&[(0.76, 0.03), (0.72, 0.98)]),
        ],
        5 => {
            let mut stroke = line(&[(0.84, 0.03), (0.24, 0.03), (0.18, 0.45)]);
            stroke.extend(arc((0.46, 0.68), (0.38, 0.29), -0.72 * PI, 1.5 * PI));
            vec![stroke]
        }
        6 => {
            let mut stroke = line(&[(0.72, 0.02), (0.4, 0.22), (0.18, 0.5)]);
            stroke.extend(arc((0.5, 0.7), (0.34, 0.27), PI, -TAU));
            vec![stroke]
        }
        7 if other => vec![line(&[(0.1, 0.04), (0.88, 0.04), (0.42, 0.98)])],
        7 => vec![
            line(&[(0.1, 0.04), (0.88, 0.04), (0.36, 0.98)]),
            line(&[(0.36, 0.5), (0.82, 0.5)]),
        ],
        8 => vec![
            arc((0.5, 0.26), (0.29, 0.24), PI / 2.0, TAU),
            arc((0.5, 0.74), (0.36, 0.25), -PI / 2.0, TAU),
        ],
        _ => {
            let mut stroke = arc((0.48, 0.3), (0.33, 0.27), 0.0, -TAU);
            stroke.extend(if other {
                [(0.8, 0.6), (0.74, 0.98)]
            } else {
                [(0.78, 0.7), (0.3, 0.97)]
            });
            vec![stroke]
        }
    }
}

/// Returns a piece of an ellipse as a stroke. It begins at the angle `from` and goes clockwise by
/// the angle `by`, both in radians. Angle 0 is the right-hand side.
fn arc(middle: Point, radius: Point, from: f32, by: f32) -> Stroke {
    const PIECES: u8 = 14;
    (0..=PIECES)
        .map(|piece| {
            let (sin, cos) = (from + by * f32::from(piece) / f32::from(PIECES)).sin_cos();
            (middle.0 + radius.0 * cos, middle.1 + radius.1 * sin)
        })
        .collect()
}

/// Returns the distance from the first point to the line segment between the other two.
fn distance((x, y): Point, (ax, ay): Point, (bx, by): Point) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy).max(f32::MIN_POSITIVE);
    let along = along.clamp(0.0, 1.0);
    (x - ax - along * dx).hypot(y - ay - along * dy)
}

/// A SplitMix64 generator of random numbers. Its numbers never change, while those of a crate's
/// default generator can change with a new version.
struct Chance(u64);

impl Chance {
    fn new(seed: u64, number: u64) -> Self {
        let mut chance = Self(
            seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03),
        );
        chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Returns a random number with an approximately standard normal distribution: the sum of three
    /// uniform numbers, so it lies between -3 and 3.
    fn bell(&mut self) -> f32 {
        (0..3).map(|_| self.between(-1.0, 1.0)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ten_digits_are_drawn_the_same_every_time() {
        let image = |number| draw((number % 10) as u8, &mut Chance::new(1, number));
        assert_eq!(image(3), image(3));
        assert_ne!(image(3), image(13));
        for digit in 0..10 {
            let inked = image(digit).iter().filter(|&&pixel| pixel > 128).count();
            assert!((25..350).contains(&inked), "{digit}: {inked} pixels");
        }
    }

    #[test]
    fn a_folder_is_written_once() -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let folder = place.path().join("digits");
        std::thread::scope(|scope| {
            let writers =
                [scope.spawn(|| write_once(&folder)), scope.spawn(|| write_once(&folder))];
            for writer in writers {
                writer.join().expect("no panic").expect("written");
            }
        });
        write_once(&folder)?;
        assert_eq!(fs::read_dir(&folder)?.count(), 4);
        let labels = Idx::read(&folder.join("train-labels-idx1-ubyte")).expect("readable");
        assert_eq!(labels.shape, [6000]);
        assert!(
            (0..10).all(|digit| labels.data.iter().filter(|&&label| label == digit).count() > 500)
        );
        Ok(())
    }
}
