//! Decides which lines of a console are kept: the whole first part, then lines up to a number of
//! bytes per second, and always the last part. The module is pure: the caller passes the time. The
//! agent and the SDK call it while they follow a console. The keeper hands lines on in the order in
//! which it received them. The keeper also hands on the number of lines that it leaves out. At any
//! time, these lines and numbers cover the first lines of each key, without a gap. A key names the
//! file that a line comes from, such as standard error.

use std::{borrow::Cow, collections::VecDeque};

/// The limits of a [`Keeper`], in bytes and in bytes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The size of the first part, which is kept whole.
    pub head: u64,
    /// The bytes that the allowance grows by in each second. The allowance is the number of bytes
    /// that can be handed on at once after the first part; it begins at `window`.
    pub pace: u64,
    /// The maximum of the allowance, in bytes.
    pub window: u64,
    /// The size of the last part: the newest lines, which wait until the allowance or the end of
    /// the console releases them. Older lines that wait are left out.
    pub last: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: 5 << 20, pace: 32 << 10, window: 256 << 10, last: 512 << 10 }
    }
}

/// An item that the keeper hands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept<'a> {
    /// A line.
    Line(&'a str),
    /// The number of lines of one key that were left out at this place.
    LeftOut(u64),
}

impl Kept<'_> {
    /// Returns the item as a line of text for the console.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Line(line) => Cow::Borrowed(line),
            Self::LeftOut(1) => Cow::Borrowed("[1 line left out]"),
            Self::LeftOut(lines) => Cow::Owned(format!("[{lines} lines left out]")),
        }
    }
}

/// A keeper of the lines of two files, such as standard output and standard error. The files share
/// the limits.
#[derive(Debug)]
pub struct Keeper {
    limits: Limits,
    /// The size in bytes of the rest of the first part, which is not used yet.
    room: u64,
    /// The number of bytes that can be handed on at the time `reckoned_ms`, after the first part.
    allowance: u64,
    reckoned_ms: Option<i64>,
    /// The newest lines, which are not handed on yet. `bytes` is their size.
    waiting: VecDeque<(&'static str, String)>,
    bytes: u64,
    /// For each key, the number of lines that were dropped from `waiting` and not handed on as a
    /// number yet.
    left_out: [(&'static str, u64); 2],
}

impl Keeper {
    /// Returns a keeper for lines of these two keys. `kept` is the number of bytes that an earlier
    /// keeper of the same console has handed on.
    pub fn new(limits: Limits, keys: [&'static str; 2], kept: u64) -> Self {
        Self {
            limits,
            room: limits.head.saturating_sub(kept),
            allowance: limits.window,
            reckoned_ms: None,
            waiting: VecDeque::new(),
            bytes: 0,
            left_out: keys.map(|key| (key, 0)),
        }
    }

    /// Takes a line. Passes it to `each` at once if it belongs to the first part; otherwise the
    /// line waits.
    pub fn take(
        &mut self,
        key: &'static str,
        line: &str,
        mut each: impl FnMut(&'static str, Kept<'_>),
    ) {
        let bytes = line.len() as u64 + 1;
        if bytes <= self.room {
            self.room -= bytes;
            return each(key, Kept::Line(line));
        }
        // The first part ends here for good. Otherwise a later, shorter line that still fits would
        // overtake this line.
        self.room = 0;
        self.waiting.push_back((key, line.to_owned()));
        self.bytes += bytes;
        self.leave_out(self.limits.last);
    }

    /// Hands on waiting lines up to the allowance at `now_ms`, the oldest first. Hands on nothing
    /// if more bytes wait than the allowance and the allowance can still grow.
    pub fn look(&mut self, now_ms: i64, each: impl FnMut(&'static str, Kept<'_>)) {
        let since = now_ms.saturating_sub(self.reckoned_ms.unwrap_or(now_ms)).max(0).unsigned_abs();
        self.reckoned_ms = Some(now_ms);
        let more = since.saturating_mul(self.limits.pace) / 1000;
        self.allowance = self.allowance.saturating_add(more).min(self.limits.window);
        if self.bytes > self.allowance && self.allowance < self.limits.window {
            return;
        }
        let before = self.bytes;
        self.hand_on(self.allowance, each);
        self.allowance -= before - self.bytes;
    }

    /// Hands on all waiting lines, which are the last part of the console.
    pub fn end(&mut self, each: impl FnMut(&'static str, Kept<'_>)) {
        self.hand_on(u64::MAX, each);
    }

    /// Drops the oldest waiting lines until at most `most` bytes are left.
    fn leave_out(&mut self, most: u64) {
        while self.bytes > most
            && let Some((key, line)) = self.waiting.pop_front()
        {
            self.bytes -= line.len() as u64 + 1;
            let known = self.left_out.iter_mut().find(|(known, _)| *known == key);
            known.into_iter().for_each(|(_, count)| *count += 1);
        }
    }

    /// Hands on the numbers of lines left out, and then the oldest waiting lines, at most `most`
    /// bytes.
    fn hand_on(&mut self, most: u64, mut each: impl FnMut(&'static str, Kept<'_>)) {
        for (key, count) in &mut self.left_out {
            match std::mem::take(count) {
                0 => {}
                count => each(key, Kept::LeftOut(count)),
            }
        }
        let mut room = most;
        while let Some((key, line)) = self.waiting.front()
            && let Some(left) = room.checked_sub(line.len() as u64 + 1)
        {
            each(key, Kept::Line(line));
            self.bytes -= room - left;
            room = left;
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { head: 20, pace: 1000, window: 12, last: 16 };

    /// The items that the keeper handed on, as texts.
    #[derive(Default)]
    struct Said(Vec<String>);

    impl Said {
        fn add(&mut self, key: &str, kept: &Kept<'_>) {
            self.0.push(match kept {
                Kept::Line(line) => format!("{key} {line}"),
                Kept::LeftOut(count) => format!("{key} [{count}]"),
            });
        }
    }

    #[test]
    fn the_first_part_the_windows_and_the_last_part_are_kept() {
        let (mut keeper, mut said) = (Keeper::new(LIMITS, ["o", "e"], 0), Said::default());
        for number in 10..30 {
            let key = if number % 5 == 0 { "e" } else { "o" };
            keeper.take(key, &format!("l{number}"), |key, kept| said.add(key, &kept));
        }
        assert_eq!(said.0, ["e l10", "o l11", "o l12", "o l13", "o l14"], "20 bytes");
        keeper.look(0, |key, kept| said.add(key, &kept));
        assert_eq!(
            said.0[5..],
            ["o [8]", "e [3]", "o l26", "o l27", "o l28"],
            "12 bytes of the last 16"
        );
        keeper.take("o", "l30", |key, kept| said.add(key, &kept));
        keeper.look(3, |key, kept| said.add(key, &kept));
        assert_eq!(said.0.len(), 10, "3 bytes by then");
        keeper.look(8, |key, kept| said.add(key, &kept));
        assert_eq!(said.0[10..], ["o l29", "o l30"]);
        for number in 31..40 {
            keeper.take("o", &format!("l{number}"), |key, kept| said.add(key, &kept));
        }
        keeper.end(|key, kept| said.add(key, &kept));
        assert_eq!(
            said.0[12..],
            ["o [5]", "o l36", "o l37", "o l38", "o l39"],
            "the last 16 bytes"
        );
    }

    #[test]
    fn a_line_that_is_longer_than_any_room_is_counted() {
        let (mut keeper, mut said) = (Keeper::new(LIMITS, ["o", "e"], 18), Said::default());
        keeper.take("o", &"x".repeat(30), |key, kept| said.add(key, &kept));
        keeper.take("o", "a", |key, kept| said.add(key, &kept));
        keeper.look(i64::MIN, |key, kept| said.add(key, &kept));
        keeper.look(i64::MAX, |key, kept| said.add(key, &kept));
        assert_eq!(said.0, ["o [1]", "o a"]);
    }

    proptest! {
        /// The keeper hands on or counts every line, in the order of its key. The lines that it
        /// hands on have at most the bytes that the limits allow in this time.
        #[test]
        fn nothing_is_lost_without_a_count(
            lines in proptest::collection::vec((any::<bool>(), 0_usize..8, 0_i64..20), 0..100),
        ) {
            let mut keeper = Keeper::new(LIMITS, ["o", "e"], 0);
            let (mut now, mut counts, mut bytes) = (0, [0_u64; 2], 0_u64);
            let mut kept: Vec<(usize, String)> = Vec::new();
            let mut numbers = [0_u64; 2];
            let mut each = |key: &'static str, one: Kept<'_>| {
                let place = usize::from(key == "e");
                match one {
                    Kept::Line(line) => {
                        let number = line.split(' ').next().unwrap_or_default().to_owned();
                        assert_eq!(number, counts[place].to_string());
                        counts[place] += 1;
                        bytes += line.len() as u64 + 1;
                        kept.push((place, number));
                    }
                    Kept::LeftOut(count) => counts[place] += count,
                }
            };
            for (is_error, length, later) in lines {
                let place = usize::from(is_error);
                let line = format!("{} {}", numbers[place], "x".repeat(length));
                numbers[place] += 1;
                keeper.take(["o", "e"][place], &line, &mut each);
                now += later;
                keeper.look(now, &mut each);
            }
            keeper.end(&mut each);
            prop_assert_eq!(counts, numbers);
            prop_assert!(
                bytes
                    <= LIMITS.head
                        + LIMITS.window
                        + now.unsigned_abs() * LIMITS.pace / 1000
                        + LIMITS.last
            );
        }
    }
}
