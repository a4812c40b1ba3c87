//! Reading from Kafka without librdkafka: Fetch requests on sockets of our own, so that record batches arrive as they
//! lie in the log and are opened where they are used. Serves reads, metadata and offsets; what it cannot serve (see
//! [`settings`]) and everything that writes goes through librdkafka.
//!
//! `settings` understands properties, `connection` speaks to one broker (`tls` and `sasl` on the way in, `answer` takes
//! responses apart, `code` names errors), `cluster` knows who leads what, `reader` and `fetcher` read.

mod answer;
mod cluster;
mod code;
mod connection;
mod fetcher;
mod reader;
mod sasl;
mod settings;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::admin::{firsts, missing, to_ranges};
use crate::connect::{Isolation, Range, ReadRequest, RecordStream, Topic};
use crate::error::{Error, Result};
use cluster::{Cluster, EARLIEST, LATEST, Offsets};
use settings::{Settings, Unable};

/// A cluster as it is read directly.
#[derive(Debug, Clone)]
pub(super) struct Direct {
    cluster: Arc<Cluster>,
}

impl Direct {
    /// The cluster that librdkafka's properties `given` lead to. Makes no network call.
    ///
    /// # Errors
    /// What of the properties only librdkafka can serve.
    pub(super) fn new(given: &BTreeMap<String, String>, client_id: String) -> Result<Direct, String> {
        let settings = Settings::new(given, client_id).map_err(|Unable(why)| why)?;
        Ok(Direct { cluster: Arc::new(Cluster::new(settings)) })
    }

    /// All topics, by name.
    pub(super) fn topics(&self) -> Result<Vec<Topic>> {
        let metadata = self.cluster.metadata(None)?;
        let mut topics: Vec<Topic> = metadata.topics.iter().map(described).collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// One topic, if it is there.
    pub(super) fn topic(&self, name: &str) -> Result<Option<Topic>> {
        Ok(self.cluster.topic(name)?.as_ref().map(described))
    }

    /// First and end offset per partition.
    pub(super) fn ranges(&self, name: &str, isolation: Isolation) -> Result<Vec<Range>> {
        // The end first: what is deleted in between moves the start, and a start past the end is then an empty range.
        let [ends, starts] = self.offsets(name, [LATEST, EARLIEST], isolation)?;
        to_ranges(name, &starts, &ends)
    }

    /// Per partition the first offset at or after a moment.
    pub(super) fn offsets_at(&self, name: &str, timestamp_ms: i64) -> Result<Offsets> {
        if timestamp_ms < 0 {
            // Before the epoch there are only records without a timestamp: everything counts.
            return Ok(firsts(&self.ranges(name, Isolation::ReadUncommitted)?));
        }
        let [found] = self.offsets(name, [timestamp_ms], Isolation::ReadUncommitted)?;
        Ok(found)
    }

    fn offsets<const N: usize>(&self, name: &str, times: [i64; N], isolation: Isolation) -> Result<[Offsets; N]> {
        let topic = self.cluster.topic(name)?.ok_or_else(|| missing(name))?;
        let found = self.cluster.offsets(topic, &times, isolation)?;
        found.try_into().map_err(|_| Error::internal("an answer for every time"))
    }

    /// Starts a read; `patience` is how long nothing may come while brokers are lost.
    pub(super) fn read(&self, request: ReadRequest, patience: Duration) -> Result<RecordStream> {
        reader::start(Arc::clone(&self.cluster), request, patience)
    }
}

fn described(topic: &answer::Topic) -> Topic {
    let partitions = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    Topic {
        name: topic.name.as_str().into(),
        partitions,
        internal: topic.internal || super::admin::is_internal(&topic.name),
    }
}
