//! Single values from and to JSON text: times, decimals, whole numbers, base64. Knows no columns.

use arrow::datatypes::TimeUnit;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

/// RFC 3339 text, also with a space instead of `T`, as a count of `unit` since 1970. Without a zone it is UTC.
pub(super) fn timestamp(text: &str, unit: TimeUnit) -> Option<i64> {
    let instant = usual_timestamp(text.as_bytes()).or_else(|| any_timestamp(text.trim()))?.and_utc();
    match unit {
        TimeUnit::Second => Some(instant.timestamp()),
        TimeUnit::Millisecond => Some(instant.timestamp_millis()),
        TimeUnit::Microsecond => Some(instant.timestamp_micros()),
        TimeUnit::Nanosecond => instant.timestamp_nanos_opt(),
    }
}

/// Text like `2024-05-01T12:30:00.123Z`, with up to nine digits after the point or without them.
fn usual_timestamp(text: &[u8]) -> Option<NaiveDateTime> {
    let (front, back) = text.split_first_chunk::<19>()?;
    let [fraction @ .., b'Z'] = back else { return None };
    let nanos = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            (digits.len()..9).try_fold(number(digits)?, |n, _| n.checked_mul(10))?
        }
        _ => return None,
    };
    let [y @ .., b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2] = front else { return None };
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(y)?).ok()?, number(&[*m1, *m2])?, number(&[*d1, *d2])?)?;
    date.and_hms_nano_opt(number(&[*h1, *h2])?, number(&[*i1, *i2])?, number(&[*s1, *s2])?, nanos)
}

/// The number that at most nine digits make.
#[inline]
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |all, digit| digit.is_ascii_digit().then(|| all * 10 + u32::from(digit - b'0')))
}

fn any_timestamp(text: &str) -> Option<NaiveDateTime> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => Some(instant.naive_utc()),
        Err(_) => ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
            .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0)),
    }
}

/// `2024-05-01` as days since 1970.
pub(super) fn date(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// `12:30:00.5` as microseconds since midnight.
pub(super) fn time_micros(text: &str) -> Option<i64> {
    let time = NaiveTime::parse_from_str(text.trim(), "%H:%M:%S%.f").ok()?;
    Some(i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond() / 1_000))
}

/// The digits of a number in JSON's notation: sign, digits without leading zeros, power of ten.
fn parts(text: &str) -> Option<(bool, Vec<u8>, i64)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if before.is_empty() && after.is_empty() {
        return None;
    }
    let mut digits = Vec::with_capacity(before.len() + after.len());
    for byte in before.bytes().chain(after.bytes()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        if !(digits.is_empty() && byte == b'0') {
            digits.push(byte - b'0');
        }
    }
    let mut exponent = exponent.checked_sub(i64::try_from(after.len()).ok()?)?;
    while digits.last() == Some(&0) {
        digits.pop();
        exponent = exponent.checked_add(1)?;
    }
    Some((negative, digits, exponent))
}

/// The number times ten to the power `scale`, when that is whole and has at most `precision` digits.
pub(super) fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits, exponent) = parts(text.trim())?;
    if digits.is_empty() {
        return Some(0);
    }
    let zeros = usize::try_from(exponent.checked_add(i64::from(scale))?).ok()?;
    if digits.len().checked_add(zeros)? > usize::from(precision.min(38)) {
        return None;
    }
    let mut value: i128 = 0;
    for digit in digits.iter().copied().chain(std::iter::repeat_n(0, zeros)) {
        value = value.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    Some(if negative { -value } else { value })
}

/// A whole number that is not written as plain digits (`5.0`, `1e3`), or the clause that says why there is none.
#[cold]
pub(super) fn whole(text: &str) -> Result<i64, &'static str> {
    let Some((negative, digits, exponent)) = parts(text.trim()) else {
        return Err("the text is no number");
    };
    if exponent < 0 && !digits.is_empty() {
        return Err("the number has a fraction, which is not allowed");
    }
    let out_of_range = "the number is out of range";
    let zeros = if digits.is_empty() { 0 } else { usize::try_from(exponent).map_err(|_| out_of_range)? };
    if digits.len().saturating_add(zeros) > 19 {
        return Err(out_of_range);
    }
    let value = digits.iter().copied().chain(std::iter::repeat_n(0, zeros)).fold(0i128, |v, d| v * 10 + i128::from(d));
    i64::try_from(if negative { -value } else { value }).map_err(|_| out_of_range)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 (RFC 4648, section 4) with padding.
pub(super) fn to_base64(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.chunks(3) {
        let all = chunk.iter().enumerate().fold(0u32, |all, (i, byte)| all | u32::from(*byte) << (16 - 8 * i));
        for place in 0..4 {
            let digit = usize::try_from(all >> (18 - 6 * place) & 63).unwrap_or_default();
            let letter = ALPHABET.get(digit).copied().unwrap_or(b'=');
            out.push(if place <= chunk.len() { letter } else { b'=' });
        }
    }
}

/// The bytes of base64 text; padding may be left out.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if text.len() - digits.len() > 2 || digits.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.chunks(4) {
        let mut all = 0u32;
        for (place, letter) in chunk.iter().enumerate() {
            let digit = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            all |= u32::from(digit) << (18 - 6 * place);
        }
        let [_, three @ ..] = all.to_be_bytes();
        bytes.extend(three.iter().take(chunk.len() - 1));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_are_never_cut() {
        assert_eq!(whole("5.0"), Ok(5));
        assert_eq!(whole("-1.5e1"), Ok(-15));
        assert_eq!(whole("0.0e99"), Ok(0));
        assert_eq!(whole("9223372036854775807.0"), Ok(i64::MAX));
        assert!(whole("5.7").unwrap_err().contains("fraction"));
        assert!(whole("9223372036854775808").unwrap_err().contains("range"));
        assert!(whole("1e400000000000000000").unwrap_err().contains("range"));
        assert!(whole("x").unwrap_err().contains("no number"));
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        assert_eq!(decimal("12.34", 6, 2), Some(1234));
        assert_eq!(decimal("-1e3", 6, 2), Some(-100_000));
        assert_eq!(decimal("0.10", 6, 1), Some(1));
        assert_eq!(decimal("0.15", 6, 1), None);
        assert_eq!(decimal("99999", 6, 2), None);
        assert_eq!(decimal("1e999999999999", 38, 2), None);
    }

    #[test]
    fn timestamps_take_zones_and_leave_them_out() {
        let want = Some(1_714_564_800_000);
        for text in ["2024-05-01T12:00:00Z", "2024-05-01T14:00:00+02:00", "2024-05-01 12:00:00", "2024-05-01T12:00"] {
            assert_eq!(timestamp(text, TimeUnit::Millisecond), want, "{text}");
        }
        assert_eq!(timestamp("yesterday", TimeUnit::Millisecond), None);
        let nanos = usual_timestamp(b"2024-05-01T12:00:00.12Z").unwrap().and_utc().timestamp_subsec_nanos();
        assert_eq!(nanos, 120_000_000);
        assert_eq!(timestamp("9999-01-01T00:00:00Z", TimeUnit::Nanosecond), None);
    }

    proptest! {
        #[test]
        fn a_usual_timestamp_is_read_as_any_other(
            text in "[0-2][0-9]{3}-([01][0-9]|1[0-3])-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,10})?Z",
            at in any::<prop::sample::Index>(),
            other in prop::option::weighted(0.2, "[0-9:.+TZ é-]"),
        ) {
            let mut text = text;
            if let Some(other) = other {
                let at = at.index(text.len());
                text.replace_range(at..=at, &other);
            }
            let usual = usual_timestamp(text.as_bytes());
            prop_assert!(usual.is_none() || usual == any_timestamp(&text), "{text}: {usual:?}");
        }

        #[test]
        fn base64_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut text = Vec::new();
            to_base64(&bytes, &mut text);
            prop_assert_eq!(from_base64(std::str::from_utf8(&text).unwrap()), Some(bytes));
        }
    }
}
