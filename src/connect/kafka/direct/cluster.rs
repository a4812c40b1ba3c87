//! The brokers of one cluster: who they are, who leads what, where logs begin and end, and connections to them that
//! outlive a question. Blocking; every question is bounded by [`LIMIT`].

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ApiKey, ListOffsetsRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use parking_lot::Mutex;

use super::answer::{self, Metadata, Offset, Partition, Topic};
use super::code;
use super::connection::{Broken, Connection, Sent};
use super::settings::{Address, Settings};
use crate::connect::Isolation;
use crate::connect::kafka::cause::{Cause, Failure, silence};
use crate::error::{Error, Result};

/// Longest time for one question.
const LIMIT: Duration = Duration::from_secs(10);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// Connections kept per broker.
const KEPT: usize = 4;
/// ListOffsets for the first offset.
pub(super) const EARLIEST: i64 = -2;
/// ListOffsets for the offset after the last.
pub(super) const LATEST: i64 = -1;

/// Per partition, by number, an offset if there is one.
pub(super) type Offsets = Vec<(i32, Option<i64>)>;

/// A cluster. Nothing connects before the first question.
#[derive(Debug)]
pub(super) struct Cluster {
    settings: Settings,
    idle: Mutex<HashMap<Address, Vec<Connection>>>,
    brokers: Mutex<BTreeMap<i32, Address>>,
    worked: AtomicBool,
}

impl Cluster {
    /// The cluster that `settings` lead to.
    pub(super) fn new(settings: Settings) -> Self {
        Cluster { settings, idle: Mutex::default(), brokers: Mutex::default(), worked: AtomicBool::new(false) }
    }

    /// How it is reached.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A connection to `at`, an idle one if there is.
    pub(super) fn connect(&self, at: &Address) -> Result<Connection, Failure> {
        while let Some(connection) = self.idle.lock().get_mut(at).and_then(Vec::pop) {
            if connection.is_alive() {
                return Ok(connection);
            }
        }
        Connection::open(at, &self.settings)
    }

    /// Keeps a connection for the next question.
    pub(super) fn keep(&self, at: &Address, connection: Connection) {
        if connection.is_idle() {
            let mut idle = self.idle.lock();
            let kept = idle.entry(at.clone()).or_default();
            if kept.len() < KEPT {
                kept.push(connection);
            }
        }
    }

    /// Where broker `id` was last said to be.
    pub(super) fn address(&self, id: i32) -> Option<Address> {
        self.brokers.lock().get(&id).cloned()
    }

    /// Asks whoever answers, those we know first.
    fn ask_anyone<T>(&self, mut question: impl FnMut(&mut Connection) -> Result<T, Failure>) -> Result<T> {
        let known: Vec<Address> = self.brokers.lock().values().cloned().collect();
        let mut worst: Option<Failure> = None;
        let mut tried: Vec<&Address> = Vec::new();
        for at in known.iter().chain(&self.settings.bootstrap) {
            if tried.contains(&at) {
                continue;
            }
            tried.push(at);
            let answered = self.connect(at).and_then(|mut connection| {
                let answer = question(&mut connection).map_err(|f| self.unwelcome(f))?;
                self.keep(at, connection);
                Ok(answer)
            });
            match answered {
                Ok(answer) => {
                    self.worked.store(true, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(failure) if worst.as_ref().is_none_or(|w| w.cause <= failure.cause) => worst = Some(failure),
                Err(_) => {}
            }
        }
        Err(worst.map_or_else(|| silence(&self.settings.brokers), Failure::error))
    }

    /// A broker that wants a login hangs up at the first question after the greeting.
    fn unwelcome(&self, failure: Failure) -> Failure {
        let new = !self.worked.load(Ordering::Relaxed) && self.settings.login.is_none();
        let cause = if new && failure.cause == Cause::Closed { Cause::HungUpAfterGreeting } else { failure.cause };
        Failure { cause, ..failure }
    }

    /// What the cluster says of `names`, or of all topics.
    pub(super) fn metadata(&self, names: Option<&[&str]>) -> Result<Metadata> {
        let topics = names.map(|names| {
            let named = |name: &&str| MetadataRequestTopic::default().with_name(Some(topic_name(name)));
            names.iter().map(named).collect()
        });
        let request = MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(false);
        let metadata = self.ask_anyone(|connection| {
            let version = required(connection, ApiKey::Metadata, (4, 12))?;
            let answer = connection.ask(ApiKey::Metadata, version, &request)?;
            answer::metadata(answer, version).ok_or_else(|| malformed(connection, "Metadata"))
        })?;
        let mut brokers = BTreeMap::new();
        for broker in &metadata.brokers {
            if let Ok(port) = u16::try_from(broker.port) {
                brokers.insert(broker.id, Address { host: broker.host.clone(), port });
            }
        }
        *self.brokers.lock() = brokers;
        Ok(metadata)
    }

    /// What the cluster says of one topic; `None` when it is not there. Waits while leaders are being chosen.
    pub(super) fn topic(&self, name: &str) -> Result<Option<Topic>> {
        let started = Instant::now();
        loop {
            let metadata = self.metadata(Some(&[name]))?;
            let topic = metadata.topics.into_iter().find(|t| t.name == name);
            match topic {
                None => return Ok(None),
                Some(topic) if code::is_missing(topic.code) => return Ok(None),
                Some(topic) if topic.code == 0 => return Ok(Some(topic)),
                Some(topic) if code::is_passing(topic.code) && started.elapsed() < LIMIT => std::thread::sleep(PAUSE),
                Some(topic) => return Err(code::error(topic.code, &format!("topic \"{name}\""))),
            }
        }
    }

    /// For every one of `times`, and every partition of the topic, by number: the first offset at or after that time
    /// ([`EARLIEST`] and [`LATEST`] being times too), `None` where there is none. Answers are as old as their order in
    /// `times` says.
    pub(super) fn offsets(&self, topic: Topic, times: &[i64], isolation: Isolation) -> Result<Vec<Offsets>> {
        let name = topic.name.clone();
        let mut found: Vec<BTreeMap<i32, Option<i64>>> = vec![BTreeMap::new(); times.len()];
        let mut open: Vec<Partition> = topic.partitions;
        let started = Instant::now();
        loop {
            let trouble = self.offsets_once(&name, &open, times, isolation, &mut found)?;
            open.retain(|p| found.iter().any(|f| !f.contains_key(&p.index)));
            if open.is_empty() {
                return Ok(found.into_iter().map(|f| f.into_iter().collect()).collect());
            }
            if started.elapsed() >= LIMIT {
                let what = format!("the offsets of topic \"{name}\"");
                return Err(trouble.unwrap_or_else(|| {
                    Error::connect(format!("{what}: some partitions have no leader")).with_hint("try again")
                }));
            }
            std::thread::sleep(PAUSE);
            let again = self.topic(&name)?;
            let again = again.ok_or_else(|| crate::connect::kafka::admin::missing(&name))?;
            open = again.partitions.into_iter().filter(|p| open.iter().any(|o| o.index == p.index)).collect();
        }
    }

    /// Asks every leader once; what it could not tell may be told later.
    fn offsets_once(
        &self,
        name: &str,
        partitions: &[Partition],
        times: &[i64],
        isolation: Isolation,
        found: &mut [BTreeMap<i32, Option<i64>>],
    ) -> Result<Option<Error>> {
        let mut by_leader: BTreeMap<i32, Vec<&Partition>> = BTreeMap::new();
        for partition in partitions {
            by_leader.entry(partition.leader).or_default().push(partition);
        }
        let mut trouble = None;
        // Everyone is asked before anyone is listened to.
        let mut asked = Vec::new();
        for (leader, partitions) in &by_leader {
            let Some(at) = self.address(*leader) else { continue };
            let sent = self.connect(&at).and_then(|mut connection| {
                let version = required(&connection, ApiKey::ListOffsets, (2, 7))?;
                let sent: Result<Vec<Sent>, Failure> = times
                    .iter()
                    .map(|time| {
                        let request = list_offsets(name, partitions, *time, isolation, version);
                        connection.send(ApiKey::ListOffsets, version, &request)
                    })
                    .collect();
                Ok((connection, version, sent?))
            });
            match sent {
                Ok((connection, version, sent)) => asked.push((at, connection, version, sent)),
                Err(failure) => trouble = Some(failure.error()),
            }
        }
        for (at, mut connection, version, sent) in asked {
            for (sent, found) in sent.into_iter().zip(found.iter_mut()) {
                let answered = match connection.receive(sent, Duration::ZERO, &|| true) {
                    Ok(answer) => answer::list_offsets(answer, version)
                        .ok_or_else(|| malformed(&connection, "ListOffsets").error()),
                    Err(Broken::Failed(failure)) => Err(failure.error()),
                    Err(Broken::Unheard) => Err(Error::internal("nobody waited for an offset")),
                };
                match answered {
                    Ok(offsets) => note(name, offsets, found, &mut trouble)?,
                    Err(error) => {
                        trouble = Some(error);
                        break;
                    }
                }
            }
            self.keep(&at, connection);
        }
        Ok(trouble)
    }
}

/// Puts down what was told; what may pass becomes trouble, what will not an error.
fn note(
    name: &str,
    offsets: Vec<Offset>,
    found: &mut BTreeMap<i32, Option<i64>>,
    trouble: &mut Option<Error>,
) -> Result<()> {
    for Offset { partition, code, offset } in offsets {
        let what = || format!("topic \"{name}\" partition {partition}");
        if code == 0 {
            found.insert(partition, (offset >= 0).then_some(offset));
        } else if code::is_passing(code) || code::is_missing(code) {
            *trouble = Some(code::error(code, &what()));
        } else {
            return Err(code::error(code, &what()));
        }
    }
    Ok(())
}

fn list_offsets(
    name: &str,
    partitions: &[&Partition],
    time: i64,
    isolation: Isolation,
    version: i16,
) -> ListOffsetsRequest {
    let partitions = partitions
        .iter()
        .map(|p| {
            let epoch = if version >= 4 { p.epoch } else { -1 };
            let partition = ListOffsetsPartition::default().with_partition_index(p.index);
            partition.with_current_leader_epoch(epoch).with_timestamp(time)
        })
        .collect();
    let topic = ListOffsetsTopic::default().with_name(topic_name(name)).with_partitions(partitions);
    ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_isolation_level(isolation_level(isolation))
        .with_topics(vec![topic])
}

/// The isolation as requests carry it.
pub(super) fn isolation_level(isolation: Isolation) -> i8 {
    match isolation {
        Isolation::ReadUncommitted => 0,
        Isolation::ReadCommitted => 1,
    }
}

/// A topic's name as requests carry it.
pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_string()))
}

/// The version of `api` to use.
pub(super) fn required(connection: &Connection, api: ApiKey, ours: (i16, i16)) -> Result<i16, Failure> {
    connection.version(api, ours).ok_or_else(|| {
        connection.failure(Cause::Other, format!("it supports no version of {api:?} that is known here"))
    })
}

/// The failure of a broker whose answer makes no sense.
pub(super) fn malformed(connection: &Connection, what: &str) -> Failure {
    connection.failure(Cause::Other, format!("its {what} response cannot be read"))
}
