//! Text to a span of time: `7 days`, `1 hour 30 minutes`, `90s`, `1h30m`, ISO 8601 `P7DT1H`. Knows nothing else.

const DAY_NANOS: i128 = 86_400_000_000_000;
const MAX_FRACTION_DIGITS: usize = 9;

/// A unit as months, or as nanoseconds (days split off at the end).
#[derive(Clone, Copy)]
enum Unit {
    Months(i128),
    Nanos(i128),
}

/// Reads a span of time as months, days and nanoseconds; `None` when `text` is not one or does not fit.
///
/// Two notations: numbers with units, in any order, with or without blanks (`1 hour 30 minutes`, `1h30m`, `-90s`, `1.5
/// days`), and ISO 8601 durations (`P1Y2M3W4DT5H6M7.8S`). In the first, `m` is minutes and `mon` is months. Years and months
/// take no fractions; a fraction of a day becomes hours, minutes and seconds.
pub fn parse_interval(text: &str) -> Option<(i32, i32, i64)> {
    let text = text.trim();
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) if rest.starts_with(['P', 'p']) => (true, rest),
        _ => (false, text),
    };
    let mut total = Total::default();
    match body.strip_prefix(['P', 'p']) {
        Some(iso) => read_iso(iso, &mut total)?,
        None => read_words(body, &mut total)?,
    }
    total.finish(if negative { -1 } else { 1 })
}

#[derive(Default)]
struct Total {
    months: i128,
    days: i128,
    nanos: i128,
    parts: usize,
}

impl Total {
    fn add(&mut self, number: Number, unit: Unit) -> Option<()> {
        self.parts += 1;
        match unit {
            Unit::Months(months) => {
                if number.digits.checked_rem(number.scale)? != 0 {
                    return None;
                }
                let whole = number.digits.checked_div(number.scale)?;
                self.months = self.months.checked_add(whole.checked_mul(months)?)?;
            }
            Unit::Nanos(nanos) => {
                let product = number.digits.checked_mul(nanos)?.checked_div(number.scale)?;
                if nanos < DAY_NANOS {
                    self.nanos = self.nanos.checked_add(product)?;
                } else {
                    self.days = self.days.checked_add(product.checked_div(DAY_NANOS)?)?;
                    self.nanos = self.nanos.checked_add(product.checked_rem(DAY_NANOS)?)?;
                }
            }
        }
        Some(())
    }

    fn finish(self, sign: i128) -> Option<(i32, i32, i64)> {
        if self.parts == 0 {
            return None;
        }
        let months = i32::try_from(self.months.checked_mul(sign)?).ok()?;
        let days = i32::try_from(self.days.checked_mul(sign)?).ok()?;
        let nanos = i64::try_from(self.nanos.checked_mul(sign)?).ok()?;
        Some((months, days, nanos))
    }
}

/// `digits / scale`.
struct Number {
    digits: i128,
    scale: i128,
}

/// Takes a decimal number off the front of `text`.
fn take_number(text: &str) -> Option<(Number, &str)> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = body.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(body.len());
    let (number, rest) = (body.get(..end)?, body.get(end..)?);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || whole.len() > 18 || fraction.len() > MAX_FRACTION_DIGITS {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some((Number { digits: if negative { -digits } else { digits }, scale }, rest))
}

fn read_words(mut text: &str, total: &mut Total) -> Option<()> {
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if text.is_empty() {
            return Some(());
        }
        let (number, rest) = take_number(text)?;
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        total.add(number, word_unit(rest.get(..end)?)?)?;
        text = rest.get(end..)?;
    }
}

fn word_unit(word: &str) -> Option<Unit> {
    let word = word.to_lowercase();
    let singular = if word.len() > 3 { word.strip_suffix('s').unwrap_or(&word) } else { &word };
    Some(match singular {
        "ns" | "nanosecond" => Unit::Nanos(1),
        "us" | "µs" | "microsecond" => Unit::Nanos(1_000),
        "ms" | "millisecond" => Unit::Nanos(1_000_000),
        "s" | "sec" | "second" => Unit::Nanos(1_000_000_000),
        "m" | "min" | "minute" => Unit::Nanos(60_000_000_000),
        "h" | "hr" | "hour" => Unit::Nanos(3_600_000_000_000),
        "d" | "day" => Unit::Nanos(DAY_NANOS),
        "w" | "week" => Unit::Nanos(7 * DAY_NANOS),
        "mon" | "month" => Unit::Months(1),
        "y" | "yr" | "year" => Unit::Months(12),
        _ => return None,
    })
}

fn read_iso(text: &str, total: &mut Total) -> Option<()> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    for (mut rest, in_time) in [(date, false), (time, true)] {
        while !rest.is_empty() {
            let (number, after) = take_number(rest)?;
            let designator = after.chars().next()?;
            let unit = match (designator.to_ascii_uppercase(), in_time) {
                ('Y', false) => Unit::Months(12),
                ('M', false) => Unit::Months(1),
                ('W', false) => Unit::Nanos(7 * DAY_NANOS),
                ('D', false) => Unit::Nanos(DAY_NANOS),
                ('H', true) => Unit::Nanos(3_600_000_000_000),
                ('M', true) => Unit::Nanos(60_000_000_000),
                ('S', true) => Unit::Nanos(1_000_000_000),
                _ => return None,
            };
            total.add(number, unit)?;
            rest = after.get(designator.len_utf8()..)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000_000_000;
    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn words_and_iso_durations() {
        for (text, expected) in [
            ("7 days", (0, 7, 0)),
            ("1 hour 30 minutes", (0, 0, HOUR + HOUR / 2)),
            ("1h30m", (0, 0, HOUR + HOUR / 2)),
            ("90s", (0, 0, 90 * SECOND)),
            ("250 ms", (0, 0, SECOND / 4)),
            ("2 weeks", (0, 14, 0)),
            ("1.5 days", (0, 1, 12 * HOUR)),
            ("-1 day", (0, -1, 0)),
            ("1 year, 2 mons", (14, 0, 0)),
            ("P7D", (0, 7, 0)),
            ("P1Y2M3W4DT5H6M7.5S", (14, 25, 5 * HOUR + 6 * 60 * SECOND + 7 * SECOND + SECOND / 2)),
            ("-PT90S", (0, 0, -90 * SECOND)),
            ("PT36H", (0, 0, 36 * HOUR)),
        ] {
            assert_eq!(parse_interval(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for text in
            ["", "7", "days", "7 parsecs", "P", "PT", "P7", "P1H", "1.5 months", "7 days x", "99999999999 years"]
        {
            assert_eq!(parse_interval(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[-+P0-9.TYMWDHSa-z ]{0,24}") {
            let _ = parse_interval(&text);
        }

        #[test]
        fn parts_add_up(days in 0_i32..100_000, seconds in 0_i64..1_000_000) {
            let expected = Some((0, days, seconds * SECOND));
            prop_assert_eq!(parse_interval(&format!("{days} days {seconds} seconds")), expected);
            prop_assert_eq!(parse_interval(&format!("P{days}DT{seconds}S")), expected);
        }
    }
}
