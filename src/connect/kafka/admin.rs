//! Questions to the cluster that read no record: topics, settings, offsets; and making and deleting topics. Blocking;
//! every call is bounded by [`LIMIT`], and by much less when all brokers are down.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use parking_lot::Mutex;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic as NativeNewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::connect::{Isolation, NewTopic, Range, Topic};
use crate::error::{Error, Result};

use super::client::{Context, Properties};
use super::error;

/// Longest time for one question.
const LIMIT: Duration = Duration::from_secs(10);
/// How long brokers that are down or refuse us may take to change their mind: a name with several addresses is tried
/// one address after the other.
const GRACE: Duration = Duration::from_millis(1000);
/// Longest wait for a committed transaction to be seen.
const VISIBLE: Duration = Duration::from_secs(2);
/// How long we wait for an answer the first time; doubled from then on.
const FIRST_STEP: Duration = Duration::from_millis(200);
/// How long to listen for what went wrong between two attempts.
const LISTEN: Duration = Duration::from_millis(50);

/// The connections that questions go over, made when first needed.
#[derive(Debug)]
pub(super) struct Desk {
    properties: Properties,
    committed: Mutex<Option<Arc<Probe>>>,
    uncommitted: Mutex<Option<Arc<Probe>>>,
    admin: Mutex<Option<Arc<AdminClient<Context>>>>,
    /// Partitions of topics asked for, at the latest answer.
    known: Mutex<HashMap<Arc<str>, i32>>,
}

struct Probe {
    consumer: BaseConsumer<Context>,
    context: Context,
    brokers: String,
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("brokers", &self.brokers).finish_non_exhaustive()
    }
}

impl Probe {
    fn new(properties: &Properties, isolation: Isolation) -> Result<Self> {
        let context = Context::default();
        let consumer = properties.probe(isolation).create_with_context(context.clone()).map_err(error::of_config)?;
        Ok(Probe { consumer, context, brokers: properties.brokers() })
    }

    /// Asks until there is an answer, the brokers are known to be down, or [`LIMIT`] has passed. `what` is named in
    /// errors.
    fn ask<T>(&self, what: &str, question: impl Fn(&BaseConsumer<Context>, Duration) -> KafkaResult<T>) -> Result<T> {
        let started = Instant::now();
        let mut step = FIRST_STEP;
        loop {
            let left = LIMIT.saturating_sub(started.elapsed());
            let failure = match question(&self.consumer, step.min(left.max(LISTEN))) {
                Ok(answer) => {
                    self.context.journal.clear();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            if !is_passing(&failure) {
                return Err(error::of_kafka(&failure, what));
            }
            while self.consumer.poll(LISTEN).is_some() {}
            let late = started.elapsed() >= LIMIT;
            if late || (self.context.journal.hopeless() && started.elapsed() >= GRACE) {
                if is_answer(&failure) && !self.context.journal.troubled_since(started) {
                    return Err(error::of_kafka(&failure, what).with_hint("try again in a moment"));
                }
                return Err(self.context.journal.diagnosis(&self.brokers));
            }
            step *= 2;
        }
    }
}

/// Whether the same question may be answered a moment later.
fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::OperationTimedOut
                | Code::TimedOutQueue
                | Code::RequestTimedOut
                | Code::NetworkException
                | Code::Resolve
                | Code::Authentication
                | Code::SSL
        )
    ) || is_answer(error)
}

/// Whether a broker answered that it is not, or not yet, the one to ask: leaders move when brokers come and go.
fn is_answer(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::LeaderNotAvailable
                | Code::NotLeaderForPartition
                | Code::ReplicaNotAvailable
                | Code::BrokerNotAvailable
                | Code::FencedLeaderEpoch
                | Code::UnknownLeaderEpoch
                | Code::OffsetNotAvailable
                | Code::KafkaStorageError
        )
    )
}

impl Desk {
    pub(super) fn new(properties: Properties) -> Self {
        Desk {
            properties,
            committed: Mutex::default(),
            uncommitted: Mutex::default(),
            admin: Mutex::default(),
            known: Mutex::default(),
        }
    }

    fn probe(&self, isolation: Isolation) -> Result<Arc<Probe>> {
        let mut slot = match isolation {
            Isolation::ReadCommitted => self.committed.lock(),
            Isolation::ReadUncommitted => self.uncommitted.lock(),
        };
        if let Some(probe) = slot.as_ref() {
            return Ok(Arc::clone(probe));
        }
        let probe = Arc::new(Probe::new(&self.properties, isolation)?);
        *slot = Some(Arc::clone(&probe));
        Ok(probe)
    }

    fn admin(&self) -> Result<Arc<AdminClient<Context>>> {
        let mut slot = self.admin.lock();
        if let Some(admin) = slot.as_ref() {
            return Ok(Arc::clone(admin));
        }
        let admin: AdminClient<Context> =
            self.properties.admin().create_with_context(Context::default()).map_err(error::of_config)?;
        let admin = Arc::new(admin);
        *slot = Some(Arc::clone(&admin));
        Ok(admin)
    }

    /// All topics, by name.
    pub(super) fn topics(&self) -> Result<Vec<Topic>> {
        let probe = self.probe(Isolation::ReadCommitted)?;
        let metadata = probe.ask("the list of topics", |consumer, timeout| consumer.fetch_metadata(None, timeout))?;
        let mut topics: Vec<Topic> = metadata.topics().iter().map(to_topic).collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// One topic, if it is there.
    pub(super) fn topic(&self, name: &str) -> Result<Option<Topic>> {
        let topic = self.look_up(name)?;
        self.remember(name, topic.as_ref());
        Ok(topic)
    }

    /// Remembers what the cluster said of a topic, whoever asked.
    pub(super) fn remember(&self, name: &str, topic: Option<&Topic>) {
        let mut known = self.known.lock();
        match topic {
            Some(topic) => known.insert(Arc::clone(&topic.name), topic.partitions),
            None => known.remove(name),
        };
    }

    /// How many partitions the topic had when last asked for, without asking again.
    pub(super) fn known_partitions(&self, name: &str) -> Option<i32> {
        self.known.lock().get(name).copied()
    }

    fn look_up(&self, name: &str) -> Result<Option<Topic>> {
        use RDKafkaErrorCode as Code;
        if !is_legal_name(name) {
            return Ok(None);
        }
        let what = format!("topic \"{name}\"");
        let probe = self.probe(Isolation::ReadCommitted)?;
        let metadata = probe.ask(&what, |consumer, timeout| consumer.fetch_metadata(Some(name), timeout))?;
        let Some(topic) = metadata.topics().iter().find(|t| t.name() == name) else {
            return Ok(None);
        };
        match topic.error().map(Code::from) {
            None | Some(Code::LeaderNotAvailable) => Ok(Some(to_topic(topic))),
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownTopicId | Code::InvalidTopic) => {
                Ok(None)
            }
            Some(code) => Err(error::of_code(code, &what)),
        }
    }

    /// The topic, or the error that says it is not there.
    pub(super) fn existing(&self, name: &str) -> Result<Topic> {
        self.topic(name)?.ok_or_else(|| missing(name))
    }

    /// The topic's settings that are not secret.
    pub(super) fn topic_config(&self, name: &str) -> Result<BTreeMap<String, String>> {
        self.existing(name)?;
        let what = format!("the settings of topic \"{name}\"");
        let admin = self.admin()?;
        let answers = block_on(admin.describe_configs(&[ResourceSpecifier::Topic(name)], &options()))
            .map_err(|e| error::of_kafka(&e, &what))?;
        let mut settings = BTreeMap::new();
        for answer in answers {
            let resource: ConfigResource = answer.map_err(|code| error::of_code(code, &what))?;
            for entry in resource.entries {
                if let (false, Some(value)) = (entry.is_sensitive, entry.value) {
                    settings.insert(entry.name, value);
                }
            }
        }
        Ok(settings)
    }

    /// First and end offset per partition. Two round trips per leader, whatever the number of partitions.
    pub(super) fn ranges(&self, name: &str, isolation: Isolation) -> Result<Vec<Range>> {
        let topic = self.existing(name)?;
        // The end first: what is deleted in between moves the start, and a start past the end is then an empty range.
        let ends = self.list_offsets(&topic, isolation, Offset::End)?;
        let starts = self.list_offsets(&topic, isolation, Offset::Beginning)?;
        to_ranges(name, &starts, &ends)
    }

    /// Per partition the first offset at or after a moment.
    pub(super) fn offsets_at(&self, name: &str, timestamp_ms: i64) -> Result<Vec<(i32, Option<i64>)>> {
        if timestamp_ms < 0 {
            // Before the epoch there are only records without a timestamp: everything counts.
            return Ok(firsts(&self.ranges(name, Isolation::ReadUncommitted)?));
        }
        let topic = self.existing(name)?;
        self.list_offsets(&topic, Isolation::ReadUncommitted, Offset::Offset(timestamp_ms))
    }

    /// Waits until a committed reader sees the offsets in `written`, by partition: transaction markers are written
    /// after the commit is acknowledged. An older open transaction of someone else can hold that up for as long as it
    /// likes, so this ends after [`VISIBLE`] in any case.
    pub(super) fn wait_visible(&self, name: &str, written: &BTreeMap<i32, i64>) -> Result<()> {
        let topic = self.existing(name)?;
        let started = Instant::now();
        loop {
            let ends = self.list_offsets(&topic, Isolation::ReadCommitted, Offset::End)?;
            let seen = |(partition, end): &(i32, Option<i64>)| match (written.get(partition), end) {
                (Some(last), Some(end)) => end > last,
                _ => true,
            };
            if ends.iter().all(seen) || started.elapsed() >= VISIBLE {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// ListOffsets for every partition: `at` is the end (the last stable offset when the isolation is
    /// read_committed), the beginning, or a timestamp in the guise of an offset.
    fn list_offsets(&self, topic: &Topic, isolation: Isolation, at: Offset) -> Result<Vec<(i32, Option<i64>)>> {
        if topic.partitions == 0 {
            return Ok(Vec::new());
        }
        let what = format!("the offsets of topic \"{}\"", topic.name);
        let probe = self.probe(isolation)?;
        let again = Cell::new(false);
        let answer = probe.ask(&what, |consumer, timeout| {
            if again.replace(true) {
                // The client asks the leaders it knows of, and those may be of before the change.
                consumer.fetch_metadata(Some(&topic.name), timeout)?;
            }
            let mut list = TopicPartitionList::new();
            for partition in 0..topic.partitions {
                list.add_partition_offset(&topic.name, partition, at)?;
            }
            let answer = consumer.offsets_for_times(list, timeout)?;
            for element in answer.elements() {
                element.error()?;
            }
            Ok(answer)
        })?;
        let mut offsets: Vec<(i32, Option<i64>)> = answer
            .elements()
            .iter()
            .map(|e| match e.offset() {
                Offset::Offset(offset) => (e.partition(), Some(offset)),
                _ => (e.partition(), None),
            })
            .collect();
        offsets.sort_unstable();
        Ok(offsets)
    }

    /// Makes a topic and waits until it can be used.
    pub(super) fn create_topic(&self, topic: &NewTopic) -> Result<()> {
        let what = format!("topic \"{}\"", topic.name);
        if !is_legal_name(&topic.name) {
            return Err(error::of_code(RDKafkaErrorCode::InvalidTopic, &what));
        }
        if self.topic(&topic.name)?.is_some() {
            return Err(error::of_code(RDKafkaErrorCode::TopicAlreadyExists, &what));
        }
        let replicas = if topic.replicas < 1 { -1 } else { i32::from(topic.replicas) };
        let mut native = NativeNewTopic::new(&topic.name, topic.partitions.max(1), TopicReplication::Fixed(replicas));
        for (name, value) in &topic.config {
            native = native.set(name, value);
        }
        let admin = self.admin()?;
        let answers = block_on(admin.create_topics([&native], &options())).map_err(|e| error::of_kafka(&e, &what))?;
        for answer in answers {
            answer.map_err(|(_, code)| error::of_code(code, &what))?;
        }
        self.wait_for(&what, || {
            let there = self.topic(&topic.name)?.is_some_and(|t| t.partitions >= topic.partitions);
            Ok(there && self.ranges(&topic.name, Isolation::ReadCommitted).is_ok())
        })
    }

    /// Deletes a topic and waits until it is gone.
    pub(super) fn delete_topic(&self, name: &str) -> Result<()> {
        self.existing(name)?;
        let what = format!("topic \"{name}\"");
        let admin = self.admin()?;
        let answers = block_on(admin.delete_topics(&[name], &options())).map_err(|e| error::of_kafka(&e, &what))?;
        for answer in answers {
            answer.map_err(|(_, code)| error::of_code(code, &what))?;
        }
        self.wait_for(&what, || Ok(self.topic(name)?.is_none()))
    }

    /// Asks again until `reached`, for at most [`LIMIT`]: brokers learn of changes one after the other.
    fn wait_for(&self, what: &str, reached: impl Fn() -> Result<bool>) -> Result<()> {
        let started = Instant::now();
        while !reached()? {
            if started.elapsed() >= LIMIT {
                return Err(Error::connect(format!("{what}: the change did not reach all brokers in time"))
                    .with_hint("look again in a moment"));
            }
            std::thread::sleep(LISTEN);
        }
        Ok(())
    }
}

/// First and end offsets of the same partitions in the same order, as ranges.
pub(super) fn to_ranges(name: &str, starts: &[(i32, Option<i64>)], ends: &[(i32, Option<i64>)]) -> Result<Vec<Range>> {
    let both = ends.iter().zip(starts).map(|((partition, end), (_, start))| {
        let (Some(start), Some(end)) = (*start, *end) else {
            return Err(Error::connect(format!("the cluster gave no offsets for {name} partition {partition}")));
        };
        Ok(Range { partition: *partition, start: start.min(end), end })
    });
    both.collect()
}

/// Per partition the first offset that holds a record, if any.
pub(super) fn firsts(ranges: &[Range]) -> Vec<(i32, Option<i64>)> {
    ranges.iter().map(|r| (r.partition, (r.start < r.end).then_some(r.start))).collect()
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(LIMIT)).operation_timeout(Some(LIMIT))
}

fn to_topic(topic: &MetadataTopic) -> Topic {
    let name = topic.name();
    let partitions = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
    Topic { name: name.into(), partitions, internal: is_internal(name) }
}

/// Whether a topic is somebody's book-keeping.
pub(super) fn is_internal(name: &str) -> bool {
    name == "_schemas" || ["__", "_confluent", "_weir"].iter().any(|prefix| name.starts_with(prefix))
}

/// The error for a topic that is not there.
pub(super) fn missing(name: &str) -> Error {
    Error::sql(format!("topic \"{name}\" is not there")).with_hint("SHOW TOPICS lists what is there")
}

pub(super) fn is_legal_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() <= 249 && name != "." && name != ".." && name.chars().all(legal)
}
