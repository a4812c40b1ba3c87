//! What a topic of the local log is: its name, its settings and the file they are kept in.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::connect::compress::Codec;
use crate::error::{Error, Result, nearest};

/// The settings that do something here: Kafka's name, default, what is allowed. The others of Kafka's are kept and
/// shown, and do nothing.
const SETTINGS: &[(&str, &str)] = &[
    ("cleanup.policy", "delete"),
    ("compression.type", "lz4"),
    ("delete.retention.ms", "86400000"),
    ("max.message.bytes", "67108864"),
    ("min.cleanable.dirty.ratio", "0.5"),
    ("retention.bytes", "-1"),
    // Kafka's default is seven days. A folder of files loses nothing unless it was asked to.
    ("retention.ms", "-1"),
    ("segment.bytes", "1073741824"),
];

const IDLE_SETTINGS: &[&str] = &[
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "remote.storage.enable",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
];

/// The file `topic.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TopicFile {
    /// Tells a topic from a later one of the same name.
    pub(super) id: String,
    /// How many partitions.
    pub(super) partitions: i32,
    /// What was set at creation.
    pub(super) config: BTreeMap<String, String>,
}

impl TopicFile {
    /// Reads the file in the folder of a topic; `None` when there is no such topic.
    pub(super) fn load(dir: &Path) -> Result<Option<TopicFile>> {
        let path = dir.join("topic.json");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(format!("cannot read {}", path.display()), e)),
        };
        let broken = |what: String| Error::data(format!("{} is broken: {what}", path.display()));
        let file: TopicFile = serde_json::from_slice(&text).map_err(|e| broken(e.to_string()))?;
        if !(1..=MAX_PARTITIONS).contains(&file.partitions) {
            return Err(broken(format!("{} partitions", file.partitions)));
        }
        Ok(Some(file))
    }

    /// The settings in force, defaults included.
    pub(super) fn settings(&self) -> BTreeMap<String, String> {
        with_defaults(&self.config)
    }
}

/// More partitions than this are refused.
pub(super) const MAX_PARTITIONS: i32 = 10_000;

/// `config` and the defaults of what it leaves out.
pub(crate) fn with_defaults(config: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let defaults = SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    defaults.chain(config.iter().map(|(k, v)| (k.clone(), v.clone()))).collect()
}

/// The settings of a topic, as numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Policy {
    pub(super) delete: bool,
    pub(super) compact: bool,
    pub(super) codec: Codec,
    pub(super) delete_retention_ms: i64,
    pub(super) max_message_bytes: usize,
    pub(super) dirty_ratio: f64,
    pub(super) retention_bytes: Option<u64>,
    pub(super) retention_ms: Option<i64>,
    pub(super) segment_bytes: u64,
}

impl Policy {
    /// Reads `config` under Kafka's names.
    ///
    /// # Errors
    /// [`crate::error::Kind::Sql`] naming the setting.
    pub(super) fn parse(config: &BTreeMap<String, String>) -> Result<Policy> {
        let known = || SETTINGS.iter().map(|s| s.0).chain(IDLE_SETTINGS.iter().copied());
        for name in config.keys() {
            if !known().any(|k| k == name) {
                let error = Error::sql(format!("topic setting {name} is not known"));
                return Err(match nearest(name, known()) {
                    Some(near) => error.with_hint(format!("did you mean {near}?")),
                    None => error,
                });
            }
        }
        let all = with_defaults(config);
        let text = |name: &str| all.get(name).map_or("", |v| v.trim());
        let bad = |name: &str, rule: &str| {
            Error::sql(format!("topic setting {name} is {:?}, but must be {rule}", text(name)))
        };
        let number = |name: &str, least: i64| {
            let value = text(name).parse::<i64>().ok().filter(|v| *v >= least);
            value.ok_or_else(|| bad(name, &format!("a whole number of at least {least}")))
        };
        let mut policy = Policy {
            delete: false,
            compact: false,
            codec: Codec::from_name(text("compression.type"))
                .ok_or_else(|| bad("compression.type", "one of none, gzip, snappy, lz4, zstd, producer"))?,
            delete_retention_ms: number("delete.retention.ms", 0)?,
            max_message_bytes: usize::try_from(number("max.message.bytes", 0)?).unwrap_or(usize::MAX),
            dirty_ratio: text("min.cleanable.dirty.ratio")
                .parse::<f64>()
                .ok()
                .filter(|r| (0.0..=1.0).contains(r))
                .ok_or_else(|| bad("min.cleanable.dirty.ratio", "between 0 and 1"))?,
            retention_bytes: u64::try_from(number("retention.bytes", -1)?).ok(),
            retention_ms: Some(number("retention.ms", -1)?).filter(|ms| *ms >= 0),
            segment_bytes: number("segment.bytes", 1024)?.clamp(1024, i64::from(i32::MAX)).unsigned_abs(),
        };
        for word in text("cleanup.policy").split(',') {
            match word.trim() {
                "delete" => policy.delete = true,
                "compact" => policy.compact = true,
                _ => return Err(bad("cleanup.policy", "delete, compact, or compact,delete")),
            }
        }
        Ok(policy)
    }
}

/// Checks a number of partitions.
///
/// # Errors
/// [`crate::error::Kind::Sql`] when it is not between 1 and [`MAX_PARTITIONS`].
pub(crate) fn check_partitions(partitions: i32) -> Result<()> {
    if (1..=MAX_PARTITIONS).contains(&partitions) {
        return Ok(());
    }
    Err(Error::sql(format!("a topic has 1 to {MAX_PARTITIONS} partitions, not {partitions}")))
}

/// Checks topic settings under Kafka's names.
///
/// # Errors
/// [`crate::error::Kind::Sql`] naming the setting.
pub(crate) fn check_config(config: &BTreeMap<String, String>) -> Result<()> {
    Policy::parse(config).map(|_| ())
}

/// Checks a topic name by Kafka's rules: 1 to 249 of letters, digits, `.`, `_` and `-`, and not `.` or `..`.
///
/// # Errors
/// [`crate::error::Kind::Sql`] saying which rule it breaks.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let rule = if name.is_empty() {
        "is empty"
    } else if name == "." || name == ".." {
        "may not be . or .."
    } else if name.len() > 249 {
        "is longer than 249 characters"
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        "may only have letters, digits, '.', '_' and '-'"
    } else {
        return Ok(());
    };
    Err(Error::sql(format!("topic name {name:?} is not allowed: it {rule}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_kafka() {
        for good in ["a", "Orders.v1_x-2", "_schemas", &"x".repeat(249)] {
            check_name(good).unwrap();
        }
        for bad in ["", ".", "..", "a b", "ü", "a/b", &"x".repeat(250)] {
            check_name(bad).unwrap_err();
        }
    }

    #[test]
    fn settings_are_checked() {
        let parse = |k: &str, v: &str| Policy::parse(&BTreeMap::from([(k.into(), v.into())]));
        let both = parse("cleanup.policy", "compact, delete").unwrap();
        assert!(both.compact && both.delete);
        assert_eq!(parse("retention.ms", "-1").unwrap().retention_ms, None);
        assert_eq!(parse("retenton.ms", "5").unwrap_err().hint(), Some("did you mean retention.ms?"));
        assert_eq!(
            parse("segment.bytes", "x").unwrap_err().message(),
            "topic setting segment.bytes is \"x\", but must be a whole number of at least 1024"
        );
        parse("cleanup.policy", "shred").unwrap_err();
    }
}
