//! In-process topics: the same encoded batches and the same walker as the local log, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::batch::{BatchBuilder, Header, Place, Stamp, Walker, first_at, write};
use super::compress::Codec;
use super::ledger::Ledger;
use super::local::topic::{check_name, with_defaults};
use super::partitioner::Partitioner;
use super::{
    Connector, Delivery, Event, Isolation, NewRecord, NewTopic, Range, ReadRequest, RecordStream, Topic, Writer,
};
use crate::error::{Error, Result};

/// Topics that live as long as this value and its clones.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    topics: BTreeMap<String, Log>,
    next_producer_id: i64,
    next_topic_id: u64,
}

#[derive(Debug)]
struct Log {
    id: u64,
    config: BTreeMap<String, String>,
    partitions: Vec<Partition>,
}

#[derive(Debug, Default)]
struct Partition {
    batches: Vec<(Header, Arc<[u8]>)>,
    ledger: Ledger,
}

fn missing(name: &str) -> Error {
    Error::sql(format!("topic {name} does not exist"))
}

impl State {
    fn log(&self, name: &str) -> Result<&Log> {
        self.topics.get(name).ok_or_else(|| missing(name))
    }
}

impl Log {
    fn described(&self, name: &str) -> Topic {
        Topic { name: name.into(), partitions: self.count(), internal: name.starts_with('_') }
    }

    fn count(&self) -> i32 {
        i32::try_from(self.partitions.len()).unwrap_or(i32::MAX)
    }

    fn numbered(&self) -> impl Iterator<Item = (i32, &Partition)> {
        (0..).zip(&self.partitions)
    }
}

impl Partition {
    fn append(&mut self, mut batch: Vec<u8>) -> Result<()> {
        write::set_base_offset(&mut batch, self.ledger.end);
        let internal = || Error::internal("a batch that cannot be read was appended");
        let header = Header::parse(&batch).map_err(|_| internal())?.ok_or_else(internal)?;
        let control = header.control(&batch).map_err(|_| internal())?;
        self.ledger.apply(&header, control);
        self.batches.push((header, batch.into()));
        Ok(())
    }

    fn offset_at(&self, place: &Place, time: i64) -> Result<Option<i64>> {
        for (header, bytes) in self.batches.iter().filter(|(h, _)| !h.is_control() && h.max_timestamp >= time) {
            let found = first_at(place, header, bytes, time)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// One slice and the batches it is in.
#[derive(Debug)]
struct Job {
    partition: i32,
    batches: Vec<Arc<[u8]>>,
    walker: Walker,
}

impl Job {
    /// Sends all of the slice; false when nobody listens any more.
    async fn send(mut self, sender: &async_channel::Sender<Result<Delivery>>) -> Result<bool> {
        let mut batches = self.batches.iter();
        loop {
            let batch = if self.walker.is_full() { None } else { batches.next() };
            if let Some(batch) = batch {
                self.walker.feed(batch)?;
            } else if let Some(raw) = self.walker.take()? {
                if sender.send(Ok(Event::Records(raw).into())).await.is_err() {
                    return Ok(false);
                }
            } else {
                return Ok(sender.send(Ok(Event::End { partition: self.partition }.into())).await.is_ok());
            }
        }
    }
}

impl Memory {
    /// No topics yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn job(&self, request: &ReadRequest, slice: &Range) -> Result<Job> {
        let state = self.state.lock();
        let log = state.log(&request.topic)?;
        let number = slice.partition;
        let partition = usize::try_from(number).ok().and_then(|n| log.partitions.get(n)).ok_or_else(|| {
            Error::sql(format!("topic {} has no partition {number}", request.topic))
                .with_hint(format!("it has {}, numbered from 0", log.count()))
        })?;
        let there = partition.ledger.range(number, request.isolation, &[]);
        let slice = Range { partition: number, start: slice.start.max(there.start), end: slice.end.min(there.end) };
        let place = Place { topic: Arc::clone(&request.topic), partition: number, file: None };
        let first = partition.batches.partition_point(|(h, _)| h.next_offset() <= slice.start);
        let batches = partition.batches.get(first..).unwrap_or(&[]).iter();
        let batches = batches.take_while(|(h, _)| h.base_offset < slice.end).map(|(_, b)| Arc::clone(b)).collect();
        let mut walker = Walker::new(place, slice, request.want, request.isolation);
        walker.add_aborted(partition.ledger.aborted_in(&slice));
        Ok(Job { partition: number, batches, walker })
    }
}

#[async_trait]
impl Connector for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn location(&self) -> String {
        "memory".to_owned()
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        Ok(self.state.lock().topics.iter().map(|(name, log)| log.described(name)).collect())
    }

    async fn topic(&self, name: &str) -> Result<Option<Topic>> {
        Ok(self.state.lock().topics.get(name).map(|log| log.described(name)))
    }

    async fn topic_config(&self, name: &str) -> Result<BTreeMap<String, String>> {
        Ok(with_defaults(&self.state.lock().log(name)?.config))
    }

    async fn ranges(&self, topic: &str, isolation: Isolation) -> Result<Vec<Range>> {
        let state = self.state.lock();
        Ok(state.log(topic)?.numbered().map(|(n, p)| p.ledger.range(n, isolation, &[])).collect())
    }

    async fn offsets_at(&self, topic: &str, timestamp_ms: i64) -> Result<Vec<(i32, Option<i64>)>> {
        let state = self.state.lock();
        let place = |partition| Place { topic: topic.into(), partition, file: None };
        state.log(topic)?.numbered().map(|(n, p)| Ok((n, p.offset_at(&place(n), timestamp_ms)?))).collect()
    }

    fn read(&self, request: ReadRequest) -> Result<RecordStream> {
        let jobs = request.slices.iter().map(|slice| self.job(&request, slice)).collect::<Result<Vec<_>>>()?;
        self.state.lock().log(&request.topic)?;
        let (sender, events) = async_channel::bounded(4);
        let work = async move {
            for job in jobs {
                match job.send(&sender).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        // When nobody listens there is nobody to tell.
                        let _ = sender.send(Err(error)).await;
                        return;
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("weir-read-memory".to_owned());
        thread
            .spawn(|| futures::executor::block_on(work))
            .map_err(|e| Error::io("cannot start a reading thread", e))?;
        Ok(RecordStream::new(events))
    }

    async fn writer(&self, topic: &str) -> Result<Box<dyn Writer>> {
        let state = self.state.lock();
        let log = state.log(topic)?;
        let seed = log.partitions.iter().map(|p| p.ledger.end).sum();
        Ok(Box::new(MemoryWriter {
            memory: self.clone(),
            topic: topic.to_owned(),
            id: log.id,
            partitioner: Partitioner::new(log.count(), seed),
            builders: log.partitions.iter().map(|_| BatchBuilder::default()).collect(),
            transaction: None,
            count: 0,
        }))
    }

    async fn create_topic(&self, topic: NewTopic) -> Result<()> {
        check_name(&topic.name)?;
        super::local::topic::check_partitions(topic.partitions)?;
        super::local::topic::check_config(&topic.config)?;
        let mut state = self.state.lock();
        if state.topics.contains_key(&topic.name) {
            return Err(Error::sql(format!("topic {} exists already", topic.name)));
        }
        state.next_topic_id += 1;
        let partitions = (0..topic.partitions).map(|_| Partition::default()).collect();
        let log = Log { id: state.next_topic_id, config: topic.config, partitions };
        state.topics.insert(topic.name, log);
        Ok(())
    }

    async fn delete_topic(&self, name: &str) -> Result<()> {
        self.state.lock().topics.remove(name).map(|_| ()).ok_or_else(|| missing(name))
    }
}

const BATCH_BYTES: usize = 512 << 10;

#[derive(Debug)]
struct MemoryWriter {
    memory: Memory,
    topic: String,
    id: u64,
    partitioner: Partitioner,
    builders: Vec<BatchBuilder>,
    /// The producer, once something was written.
    transaction: Option<i64>,
    count: u64,
}

impl MemoryWriter {
    fn with_log<T>(&self, act: impl FnOnce(&mut Log) -> Result<T>) -> Result<T> {
        let mut state = self.memory.state.lock();
        match state.topics.get_mut(&self.topic).filter(|log| log.id == self.id) {
            Some(log) => act(log),
            None => Err(Error::sql(format!("topic {} was deleted", self.topic))),
        }
    }

    fn producer(&mut self) -> i64 {
        *self.transaction.get_or_insert_with(|| {
            let mut state = self.memory.state.lock();
            state.next_producer_id += 1;
            state.next_producer_id
        })
    }

    fn spill(&mut self, number: usize) -> Result<()> {
        let id = self.producer();
        let Some(builder) = self.builders.get_mut(number).filter(|b| !b.is_empty()) else { return Ok(()) };
        let batch = builder.finish(Stamp::transactional(id, 0, Codec::Lz4))?;
        self.with_log(|log| log.partitions.get_mut(number).map_or(Ok(()), |p| p.append(batch)))
    }

    /// Ends the transaction in all partitions it has written to, at once.
    fn end(&mut self, commit: bool) -> Result<()> {
        let Some(id) = self.transaction.take() else { return Ok(()) };
        let now = now_ms();
        self.with_log(|log| {
            let open = log.partitions.iter_mut().filter(|p| p.ledger.open.contains_key(&id));
            open.into_iter().try_for_each(|p| p.append(write::marker(id, commit, now)?))
        })
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[async_trait]
impl Writer for MemoryWriter {
    async fn append(&mut self, records: Vec<NewRecord>) -> Result<()> {
        let now = now_ms();
        for record in &records {
            let number = self.partitioner.choose(&self.topic, record)?;
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            let Some(builder) = self.builders.get_mut(number) else { continue };
            let headers = record.headers.iter().map(|(n, v)| (n.as_str(), v.as_deref()));
            let time = record.timestamp_ms.unwrap_or(now);
            builder.push(time, record.key.as_deref(), record.value.as_deref(), headers)?;
            self.count += 1;
            if builder.bytes() >= BATCH_BYTES {
                self.spill(number)?;
                self.partitioner.turn();
            }
        }
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<u64> {
        let filled = self.builders.iter().filter(|b| !b.is_empty()).count();
        if filled <= 1 && self.transaction.is_none() {
            for number in 0..self.builders.len() {
                let Some(builder) = self.builders.get_mut(number).filter(|b| !b.is_empty()) else { continue };
                let batch = builder.finish(Stamp::plain(0, Codec::Lz4))?;
                self.with_log(|log| log.partitions.get_mut(number).map_or(Ok(()), |p| p.append(batch)))?;
            }
            return Ok(self.count);
        }
        for number in 0..self.builders.len() {
            self.spill(number)?;
        }
        self.end(true)?;
        Ok(self.count)
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.end(false)
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        // When the topic is gone there is nothing to take back.
        let _ = self.end(false);
    }
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn memory_passes_the_suite() {
        crate::connect::suite::run(&super::Memory::new()).await;
    }
}
