//! Computes how the steps of a resumed run's files fit together: how far each file's steps are
//! shifted, and from which step later files replace them. An offline client cannot know the earlier
//! steps and counts from 0. So the steps of a file that begins at 0 continue after the last earlier
//! step, as when W&B itself resumes a run. A file that begins at a later step replaces what earlier
//! files have from that step on.

use std::collections::VecDeque;

/// How far the steps of a file are shifted, and where they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The number that is added to each step.
    pub(super) shift: u64,
    /// The step, after the shift, from which later files replace this file; `u64::MAX` if none
    /// does.
    pub(super) end: u64,
}

/// Computes the place of each file. `ranges` holds each file's smallest and largest step, in the
/// order of the files; `None` stands for a file without steps.
pub(super) fn places(ranges: &[Option<(u64, u64)>]) -> VecDeque<Place> {
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
        places(ranges).into_iter().map(|place| (place.shift, place.end)).collect()
    }

    #[test]
    fn steps_from_zero_are_appended_and_later_steps_replace_earlier_files() {
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
