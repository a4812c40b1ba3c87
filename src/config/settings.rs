//! The table of session settings: one row each feeds SET, UNSET, SHOW SETTINGS, completion, help and the docs.

use std::collections::BTreeMap;

use crate::error::{Error, Result, nearest};

/// What a setting may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number in this range.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Any text.
    Text,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Name as in `SET name = …`; a unit, if any, comes last.
    pub name: &'static str,
    /// What it may hold.
    pub r#type: Type,
    /// Its value before anyone sets it.
    pub default: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
    /// The Java or librdkafka name it equals, or "".
    pub kafka_name: &'static str,
}

/// Every setting, in the order `SHOW SETTINGS` lists them.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "on_error",
        r#type: Type::Choice(&["null", "skip", "fail"]),
        default: "null",
        doc: "What becomes of a record that cannot be decoded: its row stays with NULL columns and `_error` set, is left out, or ends the query.",
        kafka_name: "",
    },
    Setting {
        name: "isolation",
        r#type: Type::Choice(&["read_committed", "read_uncommitted"]),
        default: "read_committed",
        doc: "Whether records of open and aborted transactions are seen.",
        kafka_name: "isolation.level",
    },
    Setting {
        name: "sample_records",
        r#type: Type::Integer { min: 1, max: 100_000 },
        default: "200",
        doc: "How many of a topic's newest and oldest records are looked at to infer columns when no registry has its schema.",
        kafka_name: "",
    },
    Setting {
        name: "batch_rows",
        r#type: Type::Integer { min: 1, max: 1_000_000 },
        default: "8192",
        doc: "Rows per batch inside the engine.",
        kafka_name: "",
    },
    Setting {
        name: "timeout_ms",
        r#type: Type::Integer { min: 0, max: i64::MAX },
        default: "0",
        doc: "Longest time a statement may take; 0 is no limit.",
        kafka_name: "",
    },
    Setting {
        name: "max_rows",
        r#type: Type::Integer { min: 0, max: i64::MAX },
        default: "0",
        doc: "Most rows a result may have before it is cut and marked incomplete; 0 is no limit.",
        kafka_name: "",
    },
    Setting {
        name: "format",
        r#type: Type::Choice(&["auto", "table", "vertical", "csv", "tsv", "json", "ndjson", "markdown"]),
        default: "auto",
        doc: "How results are shown: auto is a table when it fits the terminal, else vertical.",
        kafka_name: "",
    },
    Setting {
        name: "pager",
        r#type: Type::Choice(&["auto", "off"]),
        default: "auto",
        doc: "Whether results taller than the terminal go through $WEIR_PAGER or $PAGER.",
        kafka_name: "",
    },
    Setting {
        name: "timing",
        r#type: Type::Choice(&["on", "off"]),
        default: "on",
        doc: "Whether the receipt under a result is shown.",
        kafka_name: "",
    },
];

/// A session's settings: the table's defaults and what was set over them.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    changed: BTreeMap<&'static str, String>,
}

impl Settings {
    /// The row called `name`, in any case.
    ///
    /// # Errors
    /// No such setting; the nearest name is suggested.
    pub fn find(name: &str) -> Result<&'static Setting> {
        SETTINGS.iter().find(|s| s.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let error = Error::sql(format!("there is no setting \"{name}\""));
            match nearest(name, SETTINGS.iter().map(|s| s.name)) {
                Some(near) => error.with_hint(format!("did you mean \"{near}\"?")),
                None => error.with_hint("SHOW SETTINGS lists them all"),
            }
        })
    }

    /// Sets `name` to `value` after checking it against the table.
    ///
    /// # Errors
    /// No such setting, or a value it cannot hold; the message lists what it can.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let setting = Self::find(name)?;
        let value = match setting.r#type {
            Type::Choice(words) => match words.iter().find(|w| w.eq_ignore_ascii_case(value)) {
                Some(word) => (*word).to_string(),
                None => {
                    return Err(Error::sql(format!("{} cannot be '{value}'", setting.name))
                        .with_hint(format!("one of: {}", words.join(", "))));
                }
            },
            Type::Integer { min, max } => match value.parse::<i64>() {
                Ok(n) if (min..=max).contains(&n) => n.to_string(),
                _ => {
                    let range = match max {
                        i64::MAX => format!("a whole number of at least {min}"),
                        _ => format!("a whole number from {min} to {max}"),
                    };
                    return Err(Error::sql(format!("{} cannot be '{value}'", setting.name)).with_hint(range));
                }
            },
            Type::Text => value.to_string(),
        };
        self.changed.insert(setting.name, value);
        Ok(())
    }

    /// Puts `name` back to its default.
    ///
    /// # Errors
    /// No such setting.
    pub fn unset(&mut self, name: &str) -> Result<()> {
        self.changed.remove(Self::find(name)?.name);
        Ok(())
    }

    /// The value in force; "" for a name that is not in the table.
    pub fn get(&self, name: &str) -> &str {
        match Self::find(name) {
            Ok(setting) => self.changed.get(setting.name).map_or(setting.default, String::as_str),
            Err(_) => "",
        }
    }

    /// The value in force of an integer setting; 0 for any other.
    pub fn get_integer(&self, name: &str) -> i64 {
        self.get(name).parse().unwrap_or(0)
    }

    /// Whether `name` was set away from its default.
    pub fn is_changed(&self, name: &str) -> bool {
        Self::find(name).is_ok_and(|s| self.changed.contains_key(s.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_legal_value() {
        for setting in SETTINGS {
            Settings::default().set(setting.name, setting.default).expect(setting.name);
        }
    }

    #[test]
    fn a_wrong_value_says_what_would_do() {
        let mut settings = Settings::default();
        let error = settings.set("on_error", "explode").expect_err("not a choice");
        assert_eq!(error.message(), "on_error cannot be 'explode'");
        assert_eq!(error.hint(), Some("one of: null, skip, fail"));
        let error = settings.set("on_eror", "skip").expect_err("not a name");
        assert_eq!(error.hint(), Some("did you mean \"on_error\"?"));
    }
}
