//! Encodes variable-length integers (LEB128, zigzag for signed ones) and provides a cursor that
//! never reads past its bytes. The encoders and decoders of frames and columns use it.

/// The maximum size of one varint, in bytes.
pub(crate) const MAX_BYTES: usize = 10;

/// Appends `number` to `out` as a varint.
pub(crate) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed `number` to `out` as a varint. Numbers near 0 take few bytes.
pub(crate) fn put_signed(number: i64, out: &mut Vec<u8>) {
    put(((number << 1) ^ (number >> 63)) as u64, out);
}

/// A reader that takes values from the front of some bytes. Every method returns `None` if the
/// bytes end too early or are invalid.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for (index, byte) in self.0.iter().take(MAX_BYTES).enumerate() {
            let bits = u64::from(byte & 0x7f);
            // The tenth byte of a varint holds only the highest of the 64 bits.
            if index == MAX_BYTES - 1 && *byte > 1 {
                return None;
            }
            number |= bits << (7 * index);
            if byte & 0x80 == 0 {
                self.0 = &self.0[index + 1..];
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Reads a length and then that many bytes of UTF-8. Returns `None` if the length is above
    /// `most`.
    pub(crate) fn text(&mut self, most: usize) -> Option<&'a str> {
        let length = usize::try_from(self.varint()?).ok().filter(|length| *length <= most)?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    pub(crate) fn f64(&mut self) -> Option<f64> {
        let bits = self.bytes(8)?.try_into().ok()?;
        Some(f64::from_bits(u64::from_le_bytes(bits)))
    }
}
