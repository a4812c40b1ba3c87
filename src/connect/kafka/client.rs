//! From properties to librdkafka clients, and what those clients say about themselves. Every client made here is
//! called `weir-…` and keeps its log lines in a [`Journal`] instead of printing them.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::connect::Isolation;
use crate::error::{Error, Result};

use super::error;

/// Lines kept per client: enough for one failure of every broker of a usual bootstrap list.
const JOURNAL_LINES: usize = 32;

/// Client properties under librdkafka's names, checked but not yet used.
#[derive(Clone)]
pub(super) struct Properties {
    given: Arc<BTreeMap<String, String>>,
}

impl std::fmt::Debug for Properties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Properties").field("brokers", &self.brokers()).finish_non_exhaustive()
    }
}

impl Properties {
    /// Checks names and values without any network call.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`]: no brokers given, a property that does not exist, or a value it cannot hold.
    pub(super) fn new(given: BTreeMap<String, String>) -> Result<Self> {
        let properties = Properties { given: Arc::new(given) };
        if properties.brokers().trim().is_empty() {
            return Err(Error::usage("no Kafka brokers are named").with_hint("set bootstrap.servers=host:port"));
        }
        properties.base().create_native_config().map_err(error::of_config)?;
        Ok(properties)
    }

    /// All of them, as given.
    pub(super) fn given(&self) -> &BTreeMap<String, String> {
        &self.given
    }

    /// The bootstrap list as given.
    pub(super) fn brokers(&self) -> String {
        let list = ["bootstrap.servers", "metadata.broker.list"].iter().find_map(|name| self.given.get(*name));
        list.cloned().unwrap_or_default()
    }

    /// A client for metadata and offsets, which never fetches.
    pub(super) fn probe(&self, isolation: Isolation) -> ClientConfig {
        let mut config = self.base();
        config.remove("group.id");
        config.set("isolation.level", isolation_level(isolation));
        config
    }

    /// A client for topic administration.
    pub(super) fn admin(&self) -> ClientConfig {
        self.base()
    }

    /// A client that reads assigned partitions. The group is never joined and never committed to.
    pub(super) fn reader(&self, isolation: Isolation) -> ClientConfig {
        let mut config = self.with_defaults(&[
            ("fetch.queue.backoff.ms", "2"),
            ("fetch.message.max.bytes", "262144"),
            ("fetch.wait.max.ms", "20"),
            ("queued.min.messages", "20000"),
            ("queued.max.messages.kbytes", "16384"),
            ("check.crcs", "false"),
            ("socket.timeout.ms", "10000"),
            ("topic.metadata.propagation.max.ms", "2000"),
        ]);
        config
            .set("group.id", format!("weir-{}", random_id()))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("isolation.level", isolation_level(isolation))
            .set("allow.auto.create.topics", "false")
            .remove("group.instance.id");
        config
    }

    /// A producer that partitions like Java's; with a transactional id of its own when `transactional`.
    pub(super) fn producer(&self, transactional: bool) -> ClientConfig {
        let mut config = self.with_defaults(&[
            ("compression.type", "lz4"),
            ("linger.ms", "5"),
            ("queue.buffering.max.kbytes", "65536"),
            ("message.timeout.ms", "60000"),
        ]);
        config.set("partitioner", "murmur2_random").set("enable.idempotence", "true");
        config.remove("transactional.id");
        if transactional {
            config.set("transactional.id", format!("weir-{}", random_id()));
            if !self.given.contains_key("transaction.timeout.ms") {
                config.set("transaction.timeout.ms", "300000");
            }
        }
        config
    }

    fn base(&self) -> ClientConfig {
        self.with_defaults(&[("reconnect.backoff.max.ms", "1000")])
    }

    /// `defaults`, under what was given, under what may not be changed.
    fn with_defaults(&self, defaults: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in defaults {
            config.set(*name, *value);
        }
        for (name, value) in self.given.iter() {
            config.set(name.as_str(), value.as_str());
        }
        config.set("client.id", self.client_id());
        config.set_log_level(RDKafkaLogLevel::Info);
        config
    }

    /// How our clients call themselves.
    pub(super) fn client_id(&self) -> String {
        match self.given.get("client.id") {
            Some(id) if id.starts_with("weir-") => id.clone(),
            Some(id) => format!("weir-{id}"),
            None => format!("weir-{}", std::process::id()),
        }
    }
}

fn isolation_level(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::ReadCommitted => "read_committed",
        Isolation::ReadUncommitted => "read_uncommitted",
    }
}

/// Sixteen hexadecimal digits that nobody else has.
pub(super) fn random_id() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// What a client reported since its last success.
#[derive(Debug, Default)]
pub(super) struct Journal {
    inner: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    lines: VecDeque<String>,
    hopeless: bool,
    latest: Option<Instant>,
    history: error::History,
}

impl Journal {
    /// Writes a line down.
    pub(super) fn note(&self, line: &str) {
        let mut inner = self.inner.lock();
        if inner.lines.len() == JOURNAL_LINES {
            inner.lines.pop_front();
        }
        inner.lines.push_back(line.to_string());
        inner.latest = Some(Instant::now());
    }

    /// Whether waiting longer is of little use: every broker is down, or one refused who we are.
    pub(super) fn hopeless(&self) -> bool {
        self.inner.lock().hopeless
    }

    /// Whether anything was reported after `moment`.
    pub(super) fn troubled_since(&self, moment: Instant) -> bool {
        self.inner.lock().latest.is_some_and(|at| at > moment)
    }

    /// Forgets everything: the client works.
    pub(super) fn clear(&self) {
        *self.inner.lock() = Trouble { history: error::History::Worked, ..Trouble::default() };
    }

    /// What the lines mean, as one error. `brokers` is the bootstrap list.
    pub(super) fn diagnosis(&self, brokers: &str) -> Error {
        let inner = self.inner.lock();
        error::diagnose(inner.lines.iter().map(String::as_str), brokers, inner.history)
    }

    fn give_up(&self) {
        self.inner.lock().hopeless = true;
    }
}

/// Sends a client's log lines and errors to a journal.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    /// Where they go.
    pub(super) journal: Arc<Journal>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // A connection closed by the other side is a FAIL at level info.
        if facility == "FAIL" || (level as i32) <= (RDKafkaLogLevel::Error as i32) {
            self.journal.note(message);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // Reading by assignment needs no group: who may not ask for its coordinator can still read.
        if code == Some(RDKafkaErrorCode::GroupAuthorizationFailed) || code == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        if let Some(
            RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::SSL,
        ) = code
        {
            self.journal.give_up();
        }
        if code != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.journal.note(reason);
        }
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ConsumerContext for Context {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn properties(pairs: &[(&str, &str)]) -> Result<Properties> {
        Properties::new(pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect())
    }

    #[test]
    fn properties_are_checked_before_anything_connects() {
        assert_eq!(properties(&[]).expect_err("no brokers").kind(), Kind::Usage);
        let unknown = properties(&[("bootstrap.servers", "h:1"), ("sasl.passwort", "hunter2")]).expect_err("no such");
        assert_eq!(unknown.message(), "there is no Kafka client property \"sasl.passwort\"");
        assert!(!format!("{unknown:?}").contains("hunter2"));
        let wrong = properties(&[("bootstrap.servers", "h:1"), ("security.protocol", "tls")]).expect_err("no value");
        assert_eq!(wrong.kind(), Kind::Usage);
    }

    #[test]
    fn what_must_hold_cannot_be_changed_by_properties() {
        let given = [
            ("bootstrap.servers", "h:1"),
            ("group.id", "theirs"),
            ("client.id", "mine"),
            ("enable.auto.commit", "true"),
            ("auto.offset.reset", "latest"),
            ("fetch.message.max.bytes", "1000"),
            ("partitioner", "consistent"),
        ];
        let properties = properties(&given).expect("properties");
        let reader = properties.reader(Isolation::ReadCommitted);
        assert_ne!(reader.get("group.id"), Some("theirs"));
        assert_eq!(reader.get("client.id"), Some("weir-mine"));
        assert_eq!(reader.get("enable.auto.commit"), Some("false"));
        assert_eq!(reader.get("auto.offset.reset"), Some("error"));
        assert_eq!(reader.get("fetch.message.max.bytes"), Some("1000"));
        assert_eq!(properties.probe(Isolation::ReadCommitted).get("group.id"), None);
        assert_eq!(properties.producer(true).get("partitioner"), Some("murmur2_random"));
    }

    #[test]
    fn nothing_given_is_printed_by_debug() {
        let given = [("bootstrap.servers", "h:1"), ("sasl.password", "hunter2")];
        assert!(!format!("{:?}", properties(&given).expect("properties")).contains("hunter2"));
    }
}
