//! Checks the heads of the pages in a column of a Parquet file, before the crate `parquet` reads
//! them. A head says how large its page becomes, and the crate takes so much memory at once. So a
//! small file could take all memory. A head is a struct in Thrift's compact protocol.

/// The most structs and lists that lie in each other.
const DEPTH: u32 = 8;

const STRUCT: u8 = 12;

/// Checks that the bytes are pages, and that each becomes at most so many bytes. Returns the
/// reason if it is not so.
pub(super) fn check(bytes: &[u8], most: u64) -> Result<(), String> {
    let mut rest = Bytes(bytes);
    while !rest.0.is_empty() {
        let sizes = head(&mut rest).ok_or("the head of a page is damaged")?;
        let (Some(unpacked), Some(packed)) = sizes else {
            return Err("the head of a page has no size".to_owned());
        };
        if u64::try_from(unpacked).map_or(true, |size| size > most) {
            return Err(format!("a page has more than {most} bytes"));
        }
        let packed = usize::try_from(packed).ok();
        packed.and_then(|size| rest.take(size)).ok_or("a page is cut off")?;
    }
    Ok(())
}

/// Reads the head of a page; returns the size of its page without and with compression.
fn head(rest: &mut Bytes<'_>) -> Option<(Option<i64>, Option<i64>)> {
    let (mut unpacked, mut packed, mut id) = (None, None, 0);
    loop {
        let byte = rest.byte()?;
        let kind = byte & 15;
        if kind == 0 {
            return Some((unpacked, packed));
        }
        id = match i64::from(byte >> 4) {
            0 => rest.number()?,
            step => id + step,
        };
        match (id, kind) {
            (2, 5) => unpacked = Some(rest.number()?),
            (3, 5) => packed = Some(rest.number()?),
            _ => rest.skip(kind, 0)?,
        }
    }
}

/// The bytes that are left.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, size: usize) -> Option<()> {
        self.0 = self.0.get(size..)?;
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(value);
            }
        }
        None
    }

    /// Reads a number with a sign.
    fn number(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Passes over a value of this kind.
    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        match kind {
            // The kind of a flag is its value.
            1 | 2 => Some(()),
            3 => self.take(1),
            4..=6 => self.varint().map(drop),
            7 => self.take(8),
            8 => {
                let size = usize::try_from(self.varint()?).ok()?;
                self.take(size)
            }
            9 | 10 => self.skip_list(depth),
            STRUCT => loop {
                let byte = self.byte()?;
                if byte & 15 == 0 {
                    return Some(());
                }
                if byte >> 4 == 0 {
                    self.number()?;
                }
                self.skip(byte & 15, depth + 1)?;
            },
            _ => None,
        }
    }

    fn skip_list(&mut self, depth: u32) -> Option<()> {
        let byte = self.byte()?;
        let size = match byte >> 4 {
            15 => self.varint()?,
            size => u64::from(size),
        };
        for _ in 0..size {
            match byte & 15 {
                // In a list, a flag takes a byte.
                1 | 2 => self.take(1)?,
                kind => self.skip(kind, depth + 1)?,
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head with the kind 0 and these sizes, each below 64, and the page.
    fn page(unpacked: u8, packed: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x15, 0, 0x15, unpacked * 2, 0x15, packed * 2];
        bytes.extend(rest);
        bytes.push(0);
        bytes.extend(vec![7; packed.into()]);
        bytes
    }

    #[test]
    fn pages_within_the_bound_pass() {
        // A struct with a flag, a text, a list of two numbers and a double, and an unknown field.
        let inner = [0x2c, 0x11, 0x18, 1, b'x', 0x19, 0x25, 2, 4, 0x17, 1, 2, 3, 4, 5, 6, 7, 8, 0];
        let mut pages = page(20, 10, &inner);
        pages.extend(page(5, 0, &[]));
        assert_eq!(check(&pages, 20), Ok(()));
        assert!(check(&pages, 19).unwrap_err().contains("more than 19 bytes"));
        for end in 1..pages.len() - 1 {
            let whole = end == page(20, 10, &inner).len();
            assert_eq!(check(&pages[..end], 20).is_ok(), whole, "{end}");
        }
    }

    #[test]
    fn damaged_heads_are_refused() {
        let deep = [vec![0x15, 0], vec![0x1c; 1000]].concat();
        let huge_list = [0x15, 0, 0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f];
        let negative = [0x15, 0, 0x15, 1, 0x15, 0, 0];
        let no_size = [0x15, 0, 0];
        let huge_text = [0x15, 0, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        for wrong in [&deep[..], &huge_list, &negative, &no_size, &huge_text, &[0x1d], &[255; 20]] {
            assert!(check(wrong, 100).is_err(), "{wrong:?}");
        }
    }
}
