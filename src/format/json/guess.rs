//! Short cuts over JSON text of the usual form, eight bytes at a time. Each gives what [`parse`](super::parse) would give
//! for the same bytes, or nothing. Knows bytes only.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*eight))
}

#[inline]
fn sixteen(bytes: &[u8], at: usize) -> Option<u128> {
    let sixteen = bytes.get(at..)?.first_chunk::<16>()?;
    Some(u128::from_le_bytes(*sixteen))
}

/// How many bytes stand before the first marked one.
#[inline]
fn before(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// Marks quotes, backslashes and control characters. The lowest mark is exact, those above it may be wrong.
#[inline]
fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * 0x22);
    let backslash = word ^ (ONES * 0x5C);
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    (zero(quote) | zero(backslash) | (word.wrapping_sub(ONES * 0x20) & !word)) & HIGH
}

/// Marks what is no digit, exactly.
#[inline]
fn no_digit(word: u64) -> u64 {
    let value = word ^ (ONES * 0x30);
    (((value & !HIGH) + ONES * 0x76) | value) & HIGH
}

/// Where the quote stands that closes the text starting at `from`, when no escape and no control character comes first.
#[inline]
pub(super) fn text_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(eight) = word(bytes, at) {
        let marks = special(eight);
        if marks != 0 {
            at += before(marks);
            return (bytes.get(at) == Some(&b'"')).then_some(at);
        }
        at += 8;
    }
    loop {
        match bytes.get(at) {
            Some(b'"') => return Some(at),
            Some(b'\\' | 0..=0x1F) | None => return None,
            Some(_) => at += 1,
        }
    }
}

#[inline]
fn digits_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(eight) = word(bytes, at) {
        let marks = no_digit(eight);
        if marks != 0 {
            return at + before(marks);
        }
        at += 8;
    }
    while matches!(bytes.get(at), Some(b'0'..=b'9')) {
        at += 1;
    }
    at
}

/// Where the number that starts at `from` ends, when it has no exponent, and whether it has no point either.
#[inline]
pub(super) fn number_end(bytes: &[u8], from: usize) -> Option<(usize, bool)> {
    let start = from + usize::from(bytes.get(from) == Some(&b'-'));
    let end = digits_end(bytes, start);
    if end == start || (end > start + 1 && bytes.get(start) == Some(&b'0')) {
        return None;
    }
    match bytes.get(end) {
        Some(b'.') => {
            let last = digits_end(bytes, end + 1);
            (last > end + 1 && !matches!(bytes.get(last), Some(b'e' | b'E'))).then_some((last, false))
        }
        Some(b'e' | b'E') => None,
        _ => Some((end, true)),
    }
}

/// The digits from `from` on as a number behind those of `start`, and where they end; nothing when there is none, or more
/// than `most`, which leaves room in 64 bits.
#[inline]
fn digits(bytes: &[u8], from: usize, start: u64, most: usize) -> Option<(u64, usize)> {
    let mut value = start;
    let mut at = from;
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        if at == from + most {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
        at += 1;
    }
    (at > from).then_some((value, at))
}

/// The number before any point or exponent, where it ends, and whether it has a minus sign.
#[inline]
fn front(bytes: &[u8], from: usize, most: usize) -> Option<(u64, usize, bool)> {
    let negative = bytes.get(from) == Some(&b'-');
    let start = from + usize::from(negative);
    let (value, end) = digits(bytes, start, 0, most)?;
    (end == start + 1 || bytes.get(start) != Some(&b'0')).then_some((value, end, negative))
}

/// The value of a number of at most 18 digits without point and exponent, and where it ends.
#[inline]
pub(super) fn whole(bytes: &[u8], from: usize) -> Option<(i64, usize)> {
    let (value, end, negative) = front(bytes, from, 18)?;
    if matches!(bytes.get(end), Some(b'.' | b'e' | b'E')) {
        return None;
    }
    let value = i64::try_from(value).ok()?;
    Some((if negative { -value } else { value }, end))
}

/// Powers of ten that floating point holds exactly.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// The value of a number without exponent whose digits floating point holds exactly, and where it ends. Both parts of one
/// division are exact then, so that its result is the nearest there is: what parsing the text gives.
#[inline]
pub(super) fn float(bytes: &[u8], from: usize) -> Option<(f64, usize)> {
    let (mut value, mut end, negative) = front(bytes, from, 9)?;
    let mut power = 1e0;
    if bytes.get(end) == Some(&b'.') {
        let start = end + 1;
        (value, end) = digits(bytes, start, value, 9)?;
        power = *POWERS.get(end - start)?;
    }
    if value > 1 << 53 || matches!(bytes.get(end), Some(b'e' | b'E')) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    let value = value as f64 / power;
    Some((if negative { -value } else { value }, end))
}

/// Bytes that are expected somewhere.
#[derive(Debug)]
pub(super) struct Lead {
    bytes: Box<[u8]>,
    /// The first sixteen, as a number, and which bits of it count.
    start: u128,
    mask: u128,
}

impl Lead {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let start = bytes.iter().take(16).rev().fold(0, |all, byte| all << 8 | u128::from(*byte));
        Lead { start, mask: low_bytes(bytes.len().min(16)), bytes: bytes.into() }
    }

    /// Where they end when they stand at `at`.
    #[inline]
    pub(super) fn end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let end = at + self.bytes.len();
        let same = match sixteen(bytes, at) {
            Some(found) if self.bytes.len() <= 16 => (found ^ self.start) & self.mask == 0,
            _ => bytes.get(at..end)? == &*self.bytes,
        };
        same.then_some(end)
    }
}

/// All bits of the lowest `count` bytes.
#[inline]
fn low_bytes(count: usize) -> u128 {
    u128::MAX.checked_shr(128 - 8 * count as u32).unwrap_or_default()
}

/// A key of at most fifteen bytes, none of them zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShortKey(u128);

impl ShortKey {
    /// No key is this.
    pub(super) const NONE: Self = ShortKey(u128::MAX);

    pub(super) fn of(key: &[u8]) -> Option<Self> {
        let mut sixteen = [0; 16];
        sixteen.get_mut(..key.len()).filter(|_| key.len() < 16)?.copy_from_slice(key);
        Some(ShortKey(u128::from_le_bytes(sixteen)))
    }

    /// The key that stands after the quote before `from`, and where its colon ends, when it has no escapes and the colon
    /// follows at once.
    #[inline]
    pub(super) fn at(bytes: &[u8], from: usize) -> Option<(Self, usize)> {
        let found = sixteen(bytes, from)?;
        let marks = special(found as u64);
        let length = if marks != 0 { before(marks) } else { 8 + before(special((found >> 64) as u64)) };
        let end = from + length;
        let closed = bytes.get(end..end + 2) == Some(b"\":") && length < 16;
        closed.then(|| (ShortKey(found & low_bytes(length)), end + 2))
    }

    /// The first eight bytes, and the others.
    #[inline]
    pub(super) fn halves(self) -> (u64, u64) {
        (self.0 as u64, (self.0 >> 64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_marked_for_what_it_is_at_every_place() {
        for (byte, place) in (0..=u8::MAX).flat_map(|b| (0..8).map(move |p| (b, p))) {
            let first = |marks: u64| (marks != 0).then(|| before(marks));
            for rest in [b'0', b'9'] {
                let mut eight = [rest; 8];
                eight[place] = byte;
                let found = u64::from_le_bytes(eight);
                let stops = matches!(byte, b'"' | b'\\' | 0..=0x1F);
                assert_eq!(first(special(found)), stops.then_some(place), "{eight:?}");
                assert_eq!(first(no_digit(found)), (!byte.is_ascii_digit()).then_some(place), "{eight:?}");
            }
        }
    }

    #[test]
    fn only_numbers_that_floating_point_holds_are_usual() {
        assert_eq!(float(b"1234.25,", 0), Some((1234.25, 7)));
        assert_eq!(float(b"-0}", 0).map(|(value, end)| (value.to_bits(), end)), Some(((-0.0_f64).to_bits(), 2)));
        assert_eq!(float(b"9007199.254740993", 0), None);
        assert_eq!(float(b"1234567890", 0), None);
        assert_eq!(float(b"1.5e3", 0), None);
        assert_eq!(whole(b"999999999999999999 ", 0), Some((999_999_999_999_999_999, 18)));
        assert_eq!(whole(b"1000000000000000000", 0), None);
        assert_eq!(whole(b"5.0", 0), None);
    }
}
