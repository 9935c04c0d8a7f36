//! Packs whole numbers into groups of 64. Every number of a group takes as many bits as the largest
//! number of the group needs. The encoder and the decoder of columns use this module. Reading
//! accepts any bytes. A group takes at least one byte, and 512 bytes of memory, so reading
//! allocates about a thousand times the bytes' size at most.

use crate::varint::{self, Cursor};

const GROUP: usize = 64;

/// Appends the packed numbers to `out`. The bytes do not contain the count, which [`get`] needs.
pub(super) fn put(numbers: &[u64], out: &mut Vec<u8>) {
    for group in numbers.chunks(GROUP) {
        let width = 64 - group.iter().fold(0, |all, number| all | number).leading_zeros();
        out.push(width as u8);
        let (mut word, mut used) = (0_u64, 0);
        for number in group {
            word |= number << used;
            used += width;
            if used >= 64 {
                out.extend_from_slice(&word.to_le_bytes());
                used -= 64;
                word = if used > 0 { number >> (width - used) } else { 0 };
            }
            if width == 0 {
                break;
            }
        }
        out.extend_from_slice(&word.to_le_bytes()[..used.div_ceil(8) as usize]);
    }
}

/// Reads `count` numbers; returns `None` if the bytes end too early or are invalid.
pub(super) fn get(cursor: &mut Cursor<'_>, count: usize) -> Option<Vec<u64>> {
    // Every group takes at least one byte. A count that the bytes cannot hold is refused before it
    // can allocate memory.
    if count.div_ceil(GROUP) > cursor.0.len() {
        return None;
    }
    let mut numbers = Vec::with_capacity(count);
    while numbers.len() < count {
        let width = u32::from(*cursor.bytes(1)?.first()?);
        let some = GROUP.min(count - numbers.len());
        if width > 64 {
            return None;
        }
        unpack(cursor.bytes((some * width as usize).div_ceil(8))?, width, some, &mut numbers);
    }
    Some(numbers)
}

/// Appends `some` numbers of a group to `numbers`. Each takes `width` bits of `bytes`.
fn unpack(bytes: &[u8], width: u32, some: usize, numbers: &mut Vec<u64>) {
    // With the padding, the closures below can read 8 bytes at the last number, and 8 more behind
    // them.
    let mut padded = [0_u8; 8 * (GROUP + 2)];
    padded[..bytes.len()].copy_from_slice(bytes);
    let word = |at: usize| {
        let mut whole = [0; 8];
        whole.copy_from_slice(&padded[at..at + 8]);
        u64::from_le_bytes(whole)
    };
    let mask = u64::MAX.checked_shr(64 - width).unwrap_or(0);
    let width = width as usize;
    match width {
        0 => numbers.extend(std::iter::repeat_n(0, some)),
        // The bits of a number start up to 7 bits into its first byte. Up to a width of 57, an
        // 8-byte word from that byte contains all of them.
        1..=57 => numbers.extend((0..some).map(|index| {
            let bit = index * width;
            (word(bit / 8) >> (bit % 8)) & mask
        })),
        _ => numbers.extend((0..some).map(|index| {
            let bit = index * width;
            let (at, shift) = (bit / 64 * 8, bit % 64);
            let high = if shift + width > 64 { word(at + 8) << (64 - shift) } else { 0 };
            (word(at) >> shift | high) & mask
        })),
    }
}

/// Appends the first number, and then the packed differences between neighbours. Small differences
/// of either sign take few bits.
pub(super) fn put_differences(numbers: &[u64], out: &mut Vec<u8>) {
    let Some(first) = numbers.first() else { return };
    varint::put(*first, out);
    put(
        &numbers.windows(2).map(|pair| zigzag(pair[1].wrapping_sub(pair[0]))).collect::<Vec<_>>(),
        out,
    );
}

/// Reads `count` numbers that [`put_differences`] wrote; returns `None` if the bytes are invalid.
pub(super) fn get_differences(cursor: &mut Cursor<'_>, count: usize) -> Option<Vec<u64>> {
    if count == 0 {
        return Some(Vec::new());
    }
    let mut now = cursor.varint()?;
    let mut numbers = get(cursor, count - 1)?;
    for number in &mut numbers {
        let before = now;
        now = now.wrapping_add(unzigzag(*number));
        *number = before;
    }
    numbers.push(now);
    Some(numbers)
}

/// Appends the first number, and then the differences between neighbours with [`put_differences`].
/// Evenly rising numbers take about one byte per 64 numbers.
pub(super) fn put_second_differences(numbers: &[u64], out: &mut Vec<u8>) {
    let Some(first) = numbers.first() else { return };
    varint::put(*first, out);
    let differences: Vec<u64> =
        numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    put_differences(&differences, out);
}

/// Reads `count` numbers that [`put_second_differences`] wrote; returns `None` if the bytes are
/// invalid.
pub(super) fn get_second_differences(cursor: &mut Cursor<'_>, count: usize) -> Option<Vec<u64>> {
    if count == 0 {
        return Some(Vec::new());
    }
    let mut now = cursor.varint()?;
    let mut numbers = get_differences(cursor, count - 1)?;
    for number in &mut numbers {
        let before = now;
        now = now.wrapping_add(*number);
        *number = before;
    }
    numbers.push(now);
    Some(numbers)
}

fn zigzag(difference: u64) -> u64 {
    let signed = difference.cast_signed();
    ((signed << 1) ^ (signed >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> u64 {
    (number >> 1) ^ (number & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(
            numbers in vec(prop_oneof![0..3_u64, any::<u64>(), Just(u64::MAX)], 0..300),
            width in 0..65_u32,
        ) {
            let numbers: Vec<u64> = numbers
                .iter()
                .map(|number| number & u64::MAX.checked_shr(64 - width).unwrap_or(0))
                .collect();
            for (put, get) in [
                (
                    put as fn(&[u64], &mut Vec<u8>),
                    get as fn(&mut Cursor<'_>, usize) -> Option<Vec<u64>>,
                ),
                (put_differences, get_differences),
                (put_second_differences, get_second_differences),
            ] {
                let mut bytes = Vec::new();
                put(&numbers, &mut bytes);
                let mut cursor = Cursor(&bytes);
                let back = get(&mut cursor, numbers.len());
                prop_assert_eq!(back.as_ref(), Some(&numbers));
                prop_assert!(cursor.0.is_empty());
            }
        }
    }

    #[test]
    fn evenly_rising_numbers_take_almost_no_bytes() {
        let mut bytes = Vec::new();
        put_second_differences(
            &(0..65_536).map(|step| 7 + step * 50).collect::<Vec<u64>>(),
            &mut bytes,
        );
        assert!(bytes.len() < 1100, "{}", bytes.len());
    }
}
