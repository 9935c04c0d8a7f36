//! Where the steps of each file of a resumed run go. The client numbers them from 0 where it could
//! not know what came before (offline); then they go on behind the last step, as W&B does it when
//! it resumes a run. Where a file begins at a later step, it takes the place of what earlier files
//! had from there on.

use std::{collections::VecDeque, io};

use super::reader::RunReader;
use crate::{
    import::source::{Part, Reader as _},
    stream::Stream,
};

/// What becomes of the steps of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Is added to each.
    pub(super) shift: u64,
    /// From here on, later files have what counts.
    pub(super) end: u64,
}

/// For each file its place.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn places(files: &[Part], project: Option<&str>) -> io::Result<VecDeque<Place>> {
    if files.len() < 2 {
        return Ok(files.iter().map(|_| Place { shift: 0, end: u64::MAX }).collect());
    }
    let mut ranges = Vec::new();
    for file in files {
        let mut reader = RunReader::open(std::slice::from_ref(file), project)?;
        let mut range: Option<(u64, u64)> = None;
        while let Some((stream, row)) = reader.next()? {
            if stream == Stream::History {
                let (first, last) = range.unwrap_or((row.step, row.step));
                range = Some((row.step.min(first), row.step.max(last)));
            }
        }
        ranges.push(range);
    }
    Ok(arrange(&ranges))
}

/// From the first and the last step of each file.
fn arrange(ranges: &[Option<(u64, u64)>]) -> VecDeque<Place> {
    let mut before: Option<u64> = None;
    let mut begun = Vec::new();
    for range in ranges {
        let Some((first, last)) = *range else {
            begun.push((0, None));
            continue;
        };
        let shift = match before {
            Some(before) if first == 0 => before.saturating_add(1),
            _ => 0,
        };
        let (first, last) = (first.saturating_add(shift), last.saturating_add(shift));
        let kept = before.filter(|_| first > 0).map(|before| before.min(first - 1));
        before = Some(kept.unwrap_or(0).max(last));
        begun.push((shift, Some(first)));
    }
    let mut end = u64::MAX;
    let mut places = VecDeque::new();
    for (shift, first) in begun.into_iter().rev() {
        places.push_front(Place { shift, end });
        end = end.min(first.unwrap_or(u64::MAX));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arranged(ranges: &[Option<(u64, u64)>]) -> Vec<(u64, u64)> {
        arrange(ranges).into_iter().map(|place| (place.shift, place.end)).collect()
    }

    #[test]
    fn steps_from_zero_go_on_behind_and_later_ones_take_their_place() {
        let all = u64::MAX;
        assert_eq!(arranged(&[Some((0, 9))]), [(0, all)]);
        assert_eq!(
            arranged(&[Some((0, 9)), Some((0, 3)), Some((0, 1))]),
            [(0, 10), (10, 14), (14, all)]
        );
        assert_eq!(
            arranged(&[Some((0, 9)), Some((5, 7)), Some((0, 1))]),
            [(0, 5), (0, 8), (8, all)]
        );
        assert_eq!(
            arranged(&[Some((0, 9)), Some((8, 20)), Some((5, 6))]),
            [(0, 5), (0, 5), (0, all)]
        );
        assert_eq!(
            arranged(&[None, Some((0, 3)), None, Some((4, 9))]),
            [(0, 0), (0, 4), (0, 4), (0, all)]
        );
    }
}
