//! Parameters of a statement: typed values that are bound, never pasted into the text.

use std::collections::BTreeMap;

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
