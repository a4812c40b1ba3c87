//! Writing: an idempotent producer, in a transaction as soon as a statement has more than one record. Calls into
//! librdkafka that may wait run on blocking threads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::connect::{NewRecord, Topic, Writer};
use crate::error::{Error, Result};

use super::admin::Desk;
use super::client::{Context, Properties};
use super::error;

/// Longest wait for the transaction coordinator, and for a full queue to take one more record.
const LIMIT: Duration = Duration::from_secs(30);
/// Longest wait for everything sent to be acknowledged: as long as librdkafka itself tries.
const FLUSH: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);

/// The appends of one statement to one topic.
pub(super) struct KafkaWriter {
    appends: Option<Appends>,
}

impl KafkaWriter {
    /// A writer to a topic that is known to be there. Connects when there is something to write.
    pub(super) fn new(properties: Properties, desk: Arc<Desk>, topic: Topic) -> Self {
        let Topic { name: topic, partitions, .. } = topic;
        KafkaWriter {
            appends: Some(Appends { properties, desk, topic, partitions, waiting: None, transaction: None, sent: 0 }),
        }
    }

    /// Runs `step` on a blocking thread. If it fails, or nobody waits for it, the appends are taken back there.
    async fn on_thread<T: Send + 'static>(
        &mut self,
        step: impl FnOnce(&mut Appends) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut appends = self.appends.take().ok_or_else(|| Error::internal("this writer is dead"))?;
        let work = move || {
            let result = step(&mut appends);
            (appends, result)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok((appends, Ok(value))) => {
                self.appends = Some(appends);
                Ok(value)
            }
            Ok((appends, Err(error))) => {
                drop_elsewhere(appends);
                Err(error)
            }
            Err(e) => Err(Error::internal(format!("the writing thread ended: {e}"))),
        }
    }
}

impl Drop for KafkaWriter {
    fn drop(&mut self) {
        if let Some(appends) = self.appends.take() {
            drop_elsewhere(appends);
        }
    }
}

/// Taking back may wait for the cluster, which a destructor must not: a thread of its own does it.
fn drop_elsewhere(appends: Appends) {
    if appends.transaction.is_some() {
        // Without a thread the closure, and the appends in it, are dropped right here: slower, but as safe.
        let _handle = std::thread::Builder::new().name("weir-kafka-abort".into()).spawn(move || drop(appends));
    }
}

#[async_trait]
impl Writer for KafkaWriter {
    async fn append(&mut self, records: Vec<NewRecord>) -> Result<()> {
        self.on_thread(move |appends| appends.append(records)).await
    }

    async fn commit(mut self: Box<Self>) -> Result<u64> {
        self.on_thread(Appends::commit).await
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.on_thread(Appends::abort).await
    }
}

struct Appends {
    properties: Properties,
    desk: Arc<Desk>,
    topic: Arc<str>,
    partitions: i32,
    /// The first record, until it is known whether there will be a second.
    waiting: Option<NewRecord>,
    transaction: Option<Connection>,
    sent: u64,
}

impl Appends {
    fn append(&mut self, records: Vec<NewRecord>) -> Result<()> {
        for record in &records {
            if let Some(partition) = record.partition.filter(|p| *p < 0 || *p >= self.partitions) {
                return Err(Error::sql(format!("topic \"{}\" has no partition {partition}", self.topic))
                    .with_hint(format!("partitions are 0 to {}", self.partitions - 1)));
            }
        }
        let mut records = records.into_iter();
        if self.transaction.is_none() && self.waiting.is_none() {
            self.waiting = records.next();
        }
        for record in records {
            let connection = match &self.transaction {
                Some(connection) => connection,
                None => self.transaction.insert(Connection::transaction(&self.properties, &self.topic)?),
            };
            if let Some(first) = self.waiting.take() {
                connection.send(&first)?;
                self.sent += 1;
            }
            connection.send(&record)?;
            self.sent += 1;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<u64> {
        if let Some(record) = self.waiting.take() {
            let connection = Connection::plain(&self.properties, &self.topic)?;
            connection.send(&record)?;
            connection.flush()?;
            self.wait_visible(&connection);
            return Ok(1);
        }
        if let Some(connection) = &self.transaction {
            connection.flush()?;
            connection.commit()?;
        }
        if let Some(connection) = self.transaction.take() {
            self.wait_visible(&connection);
        }
        Ok(self.sent)
    }

    /// Waits for the end of the transaction to take effect for readers. What is committed stays committed whether or
    /// not we see it in time: no error from here.
    fn wait_visible(&self, connection: &Connection) {
        let written = connection.context.written.lock().clone();
        let _unseen = self.desk.wait_visible(&self.topic, &written);
    }

    fn abort(&mut self) -> Result<()> {
        self.waiting = None;
        match self.transaction.take() {
            Some(connection) => {
                connection.abort()?;
                self.wait_visible(&connection);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Drop for Appends {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure; the broker ends the transaction when its time is over.
        let _unheard = self.abort();
    }
}

/// A producer and what became of the records it sent.
struct Connection {
    producer: BaseProducer<SinkContext>,
    context: SinkContext,
    brokers: String,
    topic: Arc<str>,
}

impl Connection {
    fn plain(properties: &Properties, topic: &Arc<str>) -> Result<Self> {
        Self::open(properties, topic, false)
    }

    fn transaction(properties: &Properties, topic: &Arc<str>) -> Result<Self> {
        let connection = Self::open(properties, topic, true)?;
        let started = Instant::now();
        loop {
            match connection.producer.init_transactions(Duration::from_secs(5)) {
                Ok(()) => break,
                Err(KafkaError::Transaction(e)) if e.is_retriable() && started.elapsed() < LIMIT => {
                    connection.producer.poll(POLL);
                }
                Err(e) => return Err(connection.failure(&e)),
            }
        }
        connection.producer.begin_transaction().map_err(|e| connection.failure(&e))?;
        Ok(connection)
    }

    fn open(properties: &Properties, topic: &Arc<str>, transactional: bool) -> Result<Self> {
        let context = SinkContext::default();
        let producer =
            properties.producer(transactional).create_with_context(context.clone()).map_err(error::of_config)?;
        Ok(Connection { producer, context, brokers: properties.brokers(), topic: Arc::clone(topic) })
    }

    /// Hands one record over; waits while the queue is full.
    fn send(&self, record: &NewRecord) -> Result<()> {
        let started = Instant::now();
        let mut native = self.native(record);
        loop {
            self.context.check(&self.topic)?;
            match self.producer.send(native) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    if started.elapsed() > LIMIT {
                        return Err(self.context.base.journal.diagnosis(&self.brokers));
                    }
                    native = back;
                    self.producer.poll(POLL);
                }
                Err((e, _)) => return Err(self.failure(&e)),
            }
        }
    }

    fn native<'a>(&'a self, record: &'a NewRecord) -> BaseRecord<'a, [u8], [u8]> {
        let mut native = BaseRecord::to(&self.topic);
        native.partition = record.partition;
        native.key = record.key.as_deref();
        native.payload = record.value.as_deref();
        native.timestamp = record.timestamp_ms;
        if !record.headers.is_empty() {
            let empty = OwnedHeaders::new_with_capacity(record.headers.len());
            native.headers =
                Some(record.headers.iter().fold(empty, |headers, (name, value)| {
                    headers.insert(Header { key: name, value: value.as_deref() })
                }));
        }
        native
    }

    /// Waits until everything sent is acknowledged.
    fn flush(&self) -> Result<()> {
        self.producer.flush(FLUSH).map_err(|e| self.failure(&e))?;
        self.context.check(&self.topic)
    }

    fn commit(&self) -> Result<()> {
        let started = Instant::now();
        loop {
            match self.producer.commit_transaction(LIMIT) {
                Ok(()) => return Ok(()),
                // The outcome is open until the call is repeated and answers.
                Err(KafkaError::Transaction(e)) if e.is_retriable() && started.elapsed() < LIMIT => {
                    self.producer.poll(POLL);
                }
                Err(e) => return Err(self.failure(&e)),
            }
        }
    }

    /// Aborts the transaction. librdkafka waits in it for reports that only a poll from elsewhere delivers.
    fn abort(&self) -> Result<()> {
        std::thread::scope(|scope| {
            let abort = scope.spawn(|| self.producer.abort_transaction(LIMIT));
            while !abort.is_finished() {
                self.producer.poll(POLL);
            }
            match abort.join() {
                Ok(done) => done.map_err(|e| self.failure(&e)),
                Err(_) => Err(Error::internal("aborting the transaction panicked")),
            }
        })
    }

    /// The error behind a failed call: what a record was refused for, else what the connection complained of, else
    /// the call's own code.
    fn failure(&self, error: &KafkaError) -> Error {
        self.producer.poll(Duration::ZERO);
        if let Err(refused) = self.context.check(&self.topic) {
            return refused;
        }
        let journal = &self.context.base.journal;
        if journal.hopeless() { journal.diagnosis(&self.brokers) } else { error::of_kafka(error, &what(&self.topic)) }
    }
}

fn what(topic: &str) -> String {
    format!("topic \"{topic}\"")
}

#[derive(Clone, Default)]
struct SinkContext {
    base: Context,
    refused: Arc<Mutex<Option<RDKafkaErrorCode>>>,
    /// Per partition the last offset acknowledged.
    written: Arc<Mutex<BTreeMap<i32, i64>>>,
}

impl SinkContext {
    /// The first refusal of a record, if there was one.
    fn check(&self, topic: &str) -> Result<()> {
        match *self.refused.lock() {
            Some(code) => Err(error::of_code(code, &what(topic))),
            None => Ok(()),
        }
    }
}

impl ClientContext for SinkContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.base.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.base.error(error, reason);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ProducerContext for SinkContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        match result {
            Ok(message) => {
                let mut written = self.written.lock();
                let last = written.entry(message.partition()).or_insert(-1);
                *last = message.offset().max(*last);
            }
            Err((error, _)) => {
                // Purged records are what an abort leaves behind.
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                if !matches!(code, RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) {
                    self.refused.lock().get_or_insert(code);
                }
            }
        }
    }
}
