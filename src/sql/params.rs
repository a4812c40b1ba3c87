//! Parameters of a statement: typed values that are bound, never pasted into the text. Knows text and values, not where
//! either comes from.

mod interval;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

pub use interval::parse_interval;

/// Values by name, for `:name` or `$name` in the text. `$1`, `$2`, … are names too.
pub type Params = BTreeMap<String, Value>;

/// A parameter's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL of no particular type.
    Null,
    /// BOOLEAN.
    Boolean(bool),
    /// BIGINT.
    Integer(i64),
    /// DOUBLE.
    Double(f64),
    /// VARCHAR.
    Text(String),
    /// TIMESTAMP in milliseconds since the epoch, UTC.
    Timestamp(i64),
    /// DATE in days since the epoch.
    Date(i32),
    /// INTERVAL: months, days, nanoseconds.
    Interval(i32, i32, i64),
}

/// The type a parameter is declared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// `BOOLEAN`: true or false.
    Boolean,
    /// `INT`: a whole number of 32 bits.
    Int,
    /// `BIGINT`: a whole number of 64 bits.
    Bigint,
    /// `DOUBLE`.
    Double,
    /// `VARCHAR`, also written `STRING` or `TEXT`.
    Varchar,
    /// `TIMESTAMP`, UTC unless the text says otherwise.
    Timestamp,
    /// `DATE`.
    Date,
    /// `INTERVAL`, see [`parse_interval`].
    Interval,
}

/// Every spelling of a type, in the order help lists them.
const TYPES: &[(&str, ParamType)] = &[
    ("BOOLEAN", ParamType::Boolean),
    ("INT", ParamType::Int),
    ("BIGINT", ParamType::Bigint),
    ("DOUBLE", ParamType::Double),
    ("VARCHAR", ParamType::Varchar),
    ("STRING", ParamType::Varchar),
    ("TEXT", ParamType::Varchar),
    ("TIMESTAMP", ParamType::Timestamp),
    ("DATE", ParamType::Date),
    ("INTERVAL", ParamType::Interval),
];

impl ParamType {
    /// The type called `name`, in any case.
    pub fn by_name(name: &str) -> Option<ParamType> {
        TYPES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, t)| *t)
    }

    /// Every name [`ParamType::by_name`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TYPES.iter().map(|(name, _)| *name)
    }

    /// The name used in messages.
    pub fn name(self) -> &'static str {
        TYPES.iter().find(|(_, t)| *t == self).map_or("VARCHAR", |(name, _)| name)
    }

    /// What a value of this type looks like, for hints.
    pub fn example(self) -> &'static str {
        match self {
            ParamType::Boolean => "true or false",
            ParamType::Int => "a whole number from -2147483648 to 2147483647",
            ParamType::Bigint => "a whole number of 64 bits",
            ParamType::Double => "a number such as 0.5",
            ParamType::Varchar => "text",
            ParamType::Timestamp => "a time such as 2026-11-01T14:00:00Z or '2026-11-01 14:00:00' (UTC)",
            ParamType::Date => "a date such as 2026-11-01",
            ParamType::Interval => "a span of time such as '7 days', '1 hour 30 minutes', 90s or P7D",
        }
    }

    /// Some value of this type, to plan with when none was given.
    pub fn sample(self) -> Value {
        match self {
            ParamType::Boolean => Value::Boolean(true),
            ParamType::Int | ParamType::Bigint => Value::Integer(1),
            ParamType::Double => Value::Double(1.0),
            ParamType::Varchar => Value::Text(String::new()),
            ParamType::Timestamp => Value::Timestamp(0),
            ParamType::Date => Value::Date(0),
            ParamType::Interval => Value::Interval(0, 1, 0),
        }
    }

    /// `text` as a value of this type; `None` when it is not one. Surrounding blanks are ignored but for VARCHAR.
    pub fn parse(self, text: &str) -> Option<Value> {
        let trimmed = text.trim();
        match self {
            ParamType::Boolean => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(Value::Boolean(true)),
                "false" | "no" | "off" | "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            ParamType::Int => trimmed.parse::<i32>().ok().map(|n| Value::Integer(i64::from(n))),
            ParamType::Bigint => trimmed.parse().ok().map(Value::Integer),
            ParamType::Double => {
                trimmed.parse::<f64>().ok().filter(|_| trimmed.bytes().any(|b| b.is_ascii_digit())).map(Value::Double)
            }
            ParamType::Varchar => Some(Value::Text(text.to_string())),
            ParamType::Timestamp => parse_timestamp(trimmed).map(Value::Timestamp),
            ParamType::Date => parse_date(trimmed).map(Value::Date),
            ParamType::Interval => {
                parse_interval(trimmed).map(|(months, days, nanos)| Value::Interval(months, days, nanos))
            }
        }
    }
}

impl Value {
    /// What a value without a declared type is: a BIGINT or DOUBLE when the text is exactly how one is written, a BOOLEAN
    /// for `true` and `false`, NULL for `null`, else text. `007` and `+1` stay text.
    pub fn guess(text: &str) -> Value {
        match text {
            "true" => return Value::Boolean(true),
            "false" => return Value::Boolean(false),
            "null" | "NULL" => return Value::Null,
            _ => {}
        }
        if let Some(n) = text.parse::<i64>().ok().filter(|n| n.to_string() == text) {
            return Value::Integer(n);
        }
        let decimal = text.strip_prefix('-').unwrap_or(text);
        let plain = decimal.split_once('.').is_some_and(|(whole, fraction)| {
            let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
            digits(whole) && digits(fraction) && (whole == "0" || !whole.starts_with('0'))
        });
        match text.parse::<f64>() {
            Ok(n) if plain => Value::Double(n),
            _ => Value::Text(text.to_string()),
        }
    }
}

fn parse_timestamp(text: &str) -> Option<i64> {
    if let Ok(zoned) = DateTime::parse_from_rfc3339(text) {
        return Some(zoned.timestamp_millis());
    }
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let local = text.strip_suffix('Z').unwrap_or(text);
    for format in formats {
        if let Ok(time) = NaiveDateTime::parse_from_str(local, format) {
            return Some(time.and_utc().timestamp_millis());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

fn parse_date(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_its_values_and_refuses_others() {
        assert_eq!(ParamType::Int.parse(" 5 "), Some(Value::Integer(5)));
        assert_eq!(ParamType::Int.parse("ten"), None);
        assert_eq!(ParamType::Int.parse("2147483648"), None);
        assert_eq!(ParamType::Bigint.parse("2147483648"), Some(Value::Integer(2_147_483_648)));
        assert_eq!(ParamType::Double.parse("1e3"), Some(Value::Double(1000.0)));
        assert_eq!(ParamType::Double.parse("inf"), None);
        assert_eq!(ParamType::Boolean.parse("TRUE"), Some(Value::Boolean(true)));
        assert_eq!(ParamType::Boolean.parse("maybe"), None);
        assert_eq!(ParamType::Varchar.parse(" a "), Some(Value::Text(" a ".into())));
        assert_eq!(ParamType::Date.parse("1970-01-02"), Some(Value::Date(1)));
        assert_eq!(ParamType::Date.parse("1970-02-30"), None);
        for text in ["1970-01-01T00:00:01Z", "1970-01-01 00:00:01", "1970-01-01T01:00:01+01:00"] {
            assert_eq!(ParamType::Timestamp.parse(text), Some(Value::Timestamp(1000)), "{text}");
        }
        assert_eq!(ParamType::Timestamp.parse("1970-01-02"), Some(Value::Timestamp(86_400_000)));
        assert_eq!(ParamType::Interval.parse("7 days"), Some(Value::Interval(0, 7, 0)));
    }

    #[test]
    fn names_lead_to_types_and_back() {
        for name in ParamType::names() {
            let r#type = ParamType::by_name(&name.to_lowercase()).unwrap();
            assert_eq!(ParamType::by_name(r#type.name()), Some(r#type));
            assert!(!r#type.example().is_empty());
        }
        assert_eq!(ParamType::by_name("INTEGER8"), None);
    }

    #[test]
    fn undeclared_values_are_numbers_only_when_written_like_one() {
        assert_eq!(Value::guess("5"), Value::Integer(5));
        assert_eq!(Value::guess("-5"), Value::Integer(-5));
        assert_eq!(Value::guess("0.5"), Value::Double(0.5));
        assert_eq!(Value::guess("true"), Value::Boolean(true));
        assert_eq!(Value::guess("null"), Value::Null);
        for text in ["007", "+1", "1e5", "", "1.", "nan", "12 ", "00.5", "7 days"] {
            assert_eq!(Value::guess(text), Value::Text(text.into()), "{text}");
        }
    }
}
