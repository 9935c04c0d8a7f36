//! Turns the raw bytes of a program's console into lines that a person can read and a terminal can
//! show. The result is a pure function of the bytes. The lines do not depend on how reads divide
//! the bytes, so a restarted agent gets the same lines again.

use std::borrow::Cow;

/// The maximum length of a line in bytes. [`Lines`] counts and drops the bytes beyond it. The limit
/// is several times the largest row, because a program prints a row with escapes.
pub const MAX_LINE_BYTES: usize = 4 << 20;
/// The maximum capacity that a buffer keeps when its line ends, in bytes.
const ROOM_BYTES: usize = 64 << 10;
/// The maximum number of bytes of a line that are sent as console output.
pub const MAX_SHOWN_BYTES: usize = 16 << 10;

/// A reader that divides bytes into lines. Text after a carriage return replaces the line, as on a
/// terminal, so a progress bar leaves only its last form.
#[derive(Debug, Default)]
pub struct Lines {
    /// The bytes since the last newline or carriage return. If `returned`, the bytes before that
    /// carriage return, until the next text replaces them.
    now: Vec<u8>,
    /// The last visible text that later text replaced after a carriage return. It becomes the line
    /// if only blanks follow it.
    before: Vec<u8>,
    /// The number of bytes of `before` beyond the limit, which were dropped.
    before_beyond: usize,
    /// Whether the last byte was a carriage return.
    returned: bool,
    /// The number of bytes of `now` beyond the limit, which were dropped.
    beyond: usize,
    /// Whether a byte came after the last newline.
    open: bool,
}

/// A piece or a line that [`Lines`] finds in the bytes.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// A piece: the clean text between two newlines or carriage returns, even if later text
    /// replaces it on a terminal. The number counts the bytes of the piece beyond
    /// [`MAX_LINE_BYTES`], which were dropped.
    Piece(&'a str, usize),
    /// A line in its final form on a terminal. The number counts the bytes of this form beyond
    /// [`MAX_LINE_BYTES`], which were dropped. [`Lines`] passes a line after the pieces of that
    /// line.
    Line(&'a str, usize),
}

impl Lines {
    /// Reads the next bytes, and passes each piece and line that ends in them to `each`.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Seen<'_>)) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match piece.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (piece, None),
            };
            if !text.is_empty() {
                self.text(text);
            }
            match end {
                Some(b'\n') => self.finish(&mut each),
                Some(_) => {
                    if !self.returned && !self.now.is_empty() {
                        each(Seen::Piece(&clean(&self.now), self.beyond));
                    }
                    (self.returned, self.open) = (true, true);
                }
                None => {}
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        if self.returned {
            self.start_over();
        }
        let room = MAX_LINE_BYTES - self.now.len();
        let kept = text.len().min(room);
        self.now.extend_from_slice(&text[..kept]);
        self.beyond += text.len() - kept;
        self.open = true;
    }

    fn start_over(&mut self) {
        self.returned = false;
        if !clean(&self.now).trim().is_empty() {
            std::mem::swap(&mut self.before, &mut self.now);
            self.before_beyond = self.beyond;
        }
        self.now.clear();
        self.beyond = 0;
    }

    /// Ends the current line, even if it is empty, and passes it to `each`. [`Lines::push`] calls
    /// this at a newline. After the program's end, the caller calls this if [`Lines::is_open`].
    pub fn finish(&mut self, mut each: impl FnMut(Seen<'_>)) {
        let text = clean(&self.now);
        if !self.returned && !text.is_empty() {
            each(Seen::Piece(&text, self.beyond));
        }
        if text.trim().is_empty() && !self.before.is_empty() {
            each(Seen::Line(&clean(&self.before), self.before_beyond));
        } else {
            each(Seen::Line(&text, self.beyond));
        }
        let (mut now, mut before) =
            (std::mem::take(&mut self.now), std::mem::take(&mut self.before));
        for room in [&mut now, &mut before] {
            room.clear();
            room.shrink_to(ROOM_BYTES);
        }
        *self = Self { now, before, ..Self::default() };
    }

    /// Returns whether a byte came after the last newline, so that a line is not ended yet.
    pub fn is_open(&self) -> bool {
        self.open
    }
}

/// Returns the part of a line that is sent as console output. A line over [`MAX_SHOWN_BYTES`] loses
/// its end and gets a note with the number of lost bytes. `beyond` is the number of bytes that
/// [`Lines`] has dropped from the line.
pub fn shown(line: &str, beyond: usize) -> Cow<'_, str> {
    let most = line.len().min(MAX_SHOWN_BYTES);
    let end = (0..=most).rfind(|end| line.is_char_boundary(*end)).unwrap_or(0);
    match line.len() - end + beyond {
        0 => Cow::Borrowed(line),
        left_out => Cow::Owned(format!("{} [{left_out} bytes left out]", &line[..end])),
    }
}

/// Removes terminal escapes and control characters except tabs. Invalid UTF-8 becomes U+FFFD.
fn clean(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    let plain = |c: char| c == '\t' || !c.is_control();
    if text.chars().all(plain) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => skip_escape(&mut rest),
            '\u{9b}' => skip_sequence(&mut rest),
            c if plain(c) => out.push(c),
            _ => {}
        }
    }
    Cow::Owned(out)
}

/// Skips the rest of an escape sequence after ESC: a control sequence, a string that ends with BEL,
/// ST or ESC and one character, or one or two more characters.
fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => skip_sequence(rest),
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(c) = rest.next() {
                if c == '\x07' || c == '\u{9c}' {
                    return;
                }
                if c == '\x1b' {
                    rest.next();
                    return;
                }
            }
        }
        // An escape that selects a character set has an intermediate and a final character.
        Some(' '..='/') => {
            rest.next();
        }
        _ => {}
    }
}

/// Skips the rest of a control sequence after CSI: the parameters and one final character.
fn skip_sequence(rest: &mut std::str::Chars<'_>) {
    for c in rest {
        if ('@'..='~').contains(&c) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        seen(pieces).0
    }

    /// Returns the lines and the pieces.
    fn seen(bytes: &[&[u8]]) -> (Vec<String>, Vec<String>) {
        let (mut lines, mut out, mut pieces) = (Lines::default(), Vec::new(), Vec::new());
        let mut each = |seen: Seen<'_>| match seen {
            Seen::Piece(text, beyond) => pieces.push(shown(text, beyond).into_owned()),
            Seen::Line(text, beyond) => out.push(shown(text, beyond).into_owned()),
        };
        for some in bytes {
            lines.push(some, &mut each);
        }
        if lines.is_open() {
            lines.finish(&mut each);
        }
        (out, pieces)
    }

    #[test]
    fn lines_have_the_text_that_a_terminal_shows() {
        for (bytes, want) in [
            (&b"a\nb\n"[..], vec!["a", "b"]),
            (b"a\r\nb\r\n", vec!["a", "b"]),
            (b"no newline", vec!["no newline"]),
            (b"\n\n", vec!["", ""]),
            (b" 10%\r 20%\r100%\ndone\n", vec!["100%", "done"]),
            (b" 10%\r 20%\r", vec![" 20%"]),
            (b"50%\r\x1b[2K\r\n", vec!["50%"]),
            (b"50%\r\x1b[Kend\n", vec!["end"]),
            (b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b(By\n", vec!["red xy"]),
            (b"tab\there\x00\x08\n", vec!["tab\there"]),
            (b"\xff\xfe ok\n", vec!["\u{fffd}\u{fffd} ok"]),
            ("caf\u{e9} \u{9b}31mx\n".as_bytes(), vec!["caf\u{e9} x"]),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", vec!["link"]),
        ] {
            assert_eq!(lines(&[bytes]), want, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn every_piece_is_seen_once() {
        for (bytes, want) in [
            (&b"a\r\nb\n"[..], vec!["a", "b"]),
            (b" 10%\r\r 20%\r\x1b[2K\rrow\r", vec![" 10%", " 20%", "", "row"]),
            (b"\n\nx", vec!["x"]),
        ] {
            assert_eq!(seen(&[bytes]).1, want, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_long_line_is_cut_and_counted() {
        let long = vec![b'x'; MAX_LINE_BYTES + 5];
        let line = lines(&[&long, b"y\n"]).remove(0);
        let left_out = MAX_LINE_BYTES + 6 - MAX_SHOWN_BYTES;
        assert!(line.ends_with(&format!("x [{left_out} bytes left out]")), "{}", line.len());
        let line = lines(&[&long, b"\r\x1b[2K\r\n"]).remove(0);
        let left_out = MAX_LINE_BYTES + 5 - MAX_SHOWN_BYTES;
        assert!(line.ends_with(&format!("x [{left_out} bytes left out]")), "{}", line.len());
        let text = "\u{e9}".repeat(MAX_SHOWN_BYTES);
        let cut = shown(&text, 0);
        assert!(
            cut.len() < MAX_SHOWN_BYTES + 40
                && cut.ends_with(&format!("[{MAX_SHOWN_BYTES} bytes left out]"))
        );
    }

    proptest! {
        #[test]
        fn reads_may_be_cut_anywhere(
            bytes in proptest::collection::vec(
                prop_oneof![
                    Just(b'\n'), Just(b'\r'), Just(0x1b), Just(b'['), Just(b'm'), any::<u8>(),
                ],
                0..200,
            ),
            cut in 0_usize..200,
        ) {
            let cut = cut.min(bytes.len());
            let whole = seen(&[&bytes]);
            prop_assert_eq!(&seen(&[&bytes[..cut], &bytes[cut..]]), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&seen(&single), &whole);
            prop_assert!(
                whole.0.iter().chain(&whole.1).all(|line| !line.contains(['\x1b', '\n', '\r']))
            );
        }
    }
}
