//! Appending to the local log: all of one statement, in one batch where it fits, else in a transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Inner, TopicLog, now_ms};
use crate::connect::batch::write::{HeaderRef, marker};
use crate::connect::batch::{BatchBuilder, Stamp};
use crate::connect::partitioner::Partitioner;
use crate::connect::{NewRecord, Writer};
use crate::error::{Error, Kind, Result};

/// Uncompressed bytes of a full batch.
const BATCH_BYTES: usize = 512 << 10;

/// Appends to one topic without async, for loading much: as [`Writer`], record by record.
#[derive(Debug)]
pub struct Appender {
    inner: Arc<Inner>,
    topic: Arc<TopicLog>,
    partitioner: Partitioner,
    builders: Vec<BatchBuilder>,
    /// The producer and, per partition that has batches of it, how many records.
    transaction: Option<(i64, BTreeMap<usize, i32>)>,
    count: u64,
    rolled: bool,
    broken: bool,
}

impl Appender {
    pub(super) fn new(inner: Arc<Inner>, topic: Arc<TopicLog>) -> Result<Self> {
        let mut seed = 0i64;
        for partition in &topic.partitions {
            let mut partition = partition.lock();
            partition.refresh()?;
            seed = seed.wrapping_add(partition.ledger.end);
        }
        let partitions = topic.partitions.len();
        Ok(Appender {
            inner,
            partitioner: Partitioner::new(topic.file.partitions, seed),
            builders: (0..partitions).map(|_| BatchBuilder::default()).collect(),
            topic,
            transaction: None,
            count: 0,
            rolled: false,
            broken: false,
        })
    }

    /// Adds a record to partition `partition`, or to the one its key chooses; `timestamp_ms` is since the epoch.
    ///
    /// # Errors
    /// A partition that is not there, a record larger than the topic's `max.message.bytes`, a disk that refuses.
    pub fn push<'a>(
        &mut self,
        partition: Option<i32>,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl ExactSizeIterator<Item = HeaderRef<'a>> + Clone,
    ) -> Result<()> {
        let number = match (partition, key) {
            (None, Some(key)) => crate::connect::partitioner::partition_of(key, self.topic.file.partitions),
            (None, None) => self.partitioner.choose(&self.topic.name, &NewRecord::default())?,
            (partition, _) => {
                self.partitioner.choose(&self.topic.name, &NewRecord { partition, ..Default::default() })?
            }
        };
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let size = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        let limit = self.topic.policy.max_message_bytes;
        if size > limit {
            let what = format!("a record of {size} bytes is too large for topic {}", self.topic.name);
            let hint = format!("its max.message.bytes is {limit}");
            return Err(Error::new(Kind::Limit, what).with_hint(hint));
        }
        let builder = self.builders.get_mut(number).ok_or_else(|| Error::internal("partition without builder"))?;
        builder.push(timestamp_ms, key, value, headers)?;
        self.count += 1;
        if builder.bytes() >= BATCH_BYTES {
            self.spill(number)?;
            if key.is_none() && partition.is_none() {
                self.partitioner.turn();
            }
        }
        Ok(())
    }

    /// Writes what partition `number` has collected as part of the transaction, which begins if there is none.
    fn spill(&mut self, number: usize) -> Result<()> {
        self.check()?;
        let id = match &self.transaction {
            Some((id, _)) => *id,
            None => self.inner.next_producer()?,
        };
        let (_, touched) = self.transaction.get_or_insert_with(|| (id, BTreeMap::new()));
        let (Some(builder), Some(partition)) = (self.builders.get_mut(number), self.topic.partitions.get(number))
        else {
            return Err(Error::internal("partition without builder"));
        };
        if builder.is_empty() {
            return Ok(());
        }
        let sequence = touched.entry(number).or_insert(0);
        let stamp = Stamp::transactional(id, *sequence, self.topic.policy.codec);
        *sequence = sequence.wrapping_add(builder.count().cast_signed()) & i32::MAX;
        let mut batch = builder.finish(stamp)?;
        let appended = partition.lock().append(&mut batch, self.topic.policy.segment_bytes);
        self.broken |= appended.is_err();
        self.rolled |= appended?;
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if self.broken {
            return Err(Error::internal("this writer has failed before and takes no more records"));
        }
        if self.topic.is_deleted() {
            return Err(Error::sql(format!("topic {} was deleted", self.topic.name)));
        }
        Ok(())
    }

    /// As [`Writer::commit`].
    ///
    /// # Errors
    /// The disk refuses; then nothing became visible, unless the message says otherwise.
    pub fn commit(mut self) -> Result<u64> {
        self.check()?;
        let filled: Vec<usize> =
            self.builders.iter().enumerate().filter(|(_, b)| !b.is_empty()).map(|(number, _)| number).collect();
        match (&self.transaction, filled.as_slice()) {
            (None, []) => {}
            (None, [number]) => self.commit_plain(*number)?,
            _ => {
                for number in filled {
                    self.spill(number)?;
                }
                self.commit_transaction()?;
            }
        }
        if self.rolled {
            // The commit stands whatever becomes of this; `Local::maintain` tells what is wrong.
            let _ = self.inner.maintain_topic(&self.topic, now_ms());
        }
        Ok(self.count)
    }

    fn commit_plain(&mut self, number: usize) -> Result<()> {
        let (Some(builder), Some(partition)) = (self.builders.get_mut(number), self.topic.partitions.get(number))
        else {
            return Err(Error::internal("partition without builder"));
        };
        let mut batch = builder.finish(Stamp::plain(0, self.topic.policy.codec))?;
        let mut partition = partition.lock();
        self.rolled = partition.append(&mut batch, self.topic.policy.segment_bytes)?;
        sync(partition.unsynced())?;
        partition.checkpoint()
    }

    fn commit_transaction(&mut self) -> Result<()> {
        let Some((id, touched)) = &self.transaction else { return Ok(()) };
        let partitions: Vec<usize> = touched.keys().copied().collect();
        for partition in partitions.iter().filter_map(|n| self.topic.partitions.get(*n)) {
            let file = partition.lock().unsynced();
            sync(file)?;
        }
        let id = *id;
        self.inner.prepare(id)?;
        // From here on it is committed, whatever happens: what is missing is completed when the log is next opened.
        self.transaction = None;
        self.rolled |= mark(&self.topic, &partitions, id, true)?;
        self.inner.settled(id)
    }

    /// As [`Writer::abort`].
    ///
    /// # Errors
    /// The disk refuses; the records stay invisible and are taken back when the log is next opened.
    pub fn abort(mut self) -> Result<()> {
        self.take_back()
    }

    fn take_back(&mut self) -> Result<()> {
        let Some((id, touched)) = self.transaction.take() else { return Ok(()) };
        let partitions: Vec<usize> = touched.into_keys().collect();
        mark(&self.topic, &partitions, id, false).map(|_| ())
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        // What cannot be marked now is aborted when the log is next opened.
        let _ = self.take_back();
    }
}

fn sync(file: Option<Arc<std::fs::File>>) -> Result<()> {
    match file {
        Some(file) => file.sync_data().map_err(|e| Error::io("cannot sync a segment", e)),
        None => Ok(()),
    }
}

/// Ends the transaction of producer `id` in `partitions`.
fn mark(topic: &TopicLog, partitions: &[usize], id: i64, commit: bool) -> Result<bool> {
    let mut rolled = false;
    for partition in partitions.iter().filter_map(|n| topic.partitions.get(*n)) {
        let mut partition = partition.lock();
        rolled |= partition.append(&mut marker(id, commit, now_ms())?, topic.policy.segment_bytes)?;
        sync(partition.unsynced())?;
        partition.checkpoint()?;
    }
    Ok(rolled)
}

#[async_trait]
impl Writer for Appender {
    async fn append(&mut self, records: Vec<NewRecord>) -> Result<()> {
        self.check()?;
        let now = now_ms();
        for record in &records {
            let headers = record.headers.iter().map(|(n, v)| (n.as_str(), v.as_deref()));
            let time = record.timestamp_ms.unwrap_or(now);
            let pushed = self.push(record.partition, time, record.key.as_deref(), record.value.as_deref(), headers);
            self.broken |= pushed.is_err();
            pushed?;
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<u64> {
        let committed = tokio::task::spawn_blocking(move || Appender::commit(*self)).await;
        committed.map_err(|e| Error::internal("a commit did not end").with_source(e))?
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Appender::abort(*self)
    }
}
