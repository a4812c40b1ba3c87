//! Where records come from and go to: topics as columns of raw records. Knows bytes, never formats, columns or SQL.
//!
//! One trait, [`Connector`], three peers: [`kafka`], [`local`] and [`memory`]. All of them pass the suite in
//! [`suite`]. Reading is pull-based through a bounded channel of [`Event`]s; the threads behind it belong to the
//! connector and end when the [`RecordStream`] is dropped.

pub mod batch;
pub mod compress;
pub mod kafka;
pub mod ledger;
pub mod local;
pub mod memory;
pub mod partitioner;
pub mod records;
pub mod suite;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Result;
use batch::Packed;
pub use records::RawRecords;

/// A topic as the cluster or the log knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name, in its own spelling.
    pub name: Arc<str>,
    /// Partition numbers are `0..partitions`.
    pub partitions: i32,
    /// Kafka's and weir's own book-keeping topics (`__consumer_offsets`, `_schemas`, …).
    pub internal: bool,
}

/// The offsets a partition holds at one moment: `start` is the first, `end` one past the last that a reader of the
/// asked isolation may see. Offsets in between may be missing (compaction, transaction markers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The partition.
    pub partition: i32,
    /// Log start offset.
    pub start: i64,
    /// Exclusive end: the high watermark, or the last stable offset for [`Isolation::ReadCommitted`].
    pub end: i64,
}

/// Which records of transactions a reader sees. The same words as Kafka's `isolation.level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// Only records of committed transactions, up to the first open one.
    #[default]
    ReadCommitted,
    /// Everything up to the high watermark.
    ReadUncommitted,
}

/// Which parts of a record the reader must deliver. What is not wanted may cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Want {
    /// Offsets and timestamps.
    pub positions: bool,
    /// Keys.
    pub keys: bool,
    /// Values.
    pub values: bool,
    /// Headers.
    pub headers: bool,
    /// How many values are null (tombstones), even when values themselves are not wanted. Costs a walk over the
    /// records where a count would otherwise be read from batch headers.
    pub tombstones: bool,
}

/// One bounded read of one topic.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// The topic.
    pub topic: Arc<str>,
    /// What to read: per partition the half-open range of offsets. Partitions appear at most once.
    pub slices: Vec<Range>,
    /// What to deliver of each record.
    pub want: Want,
    /// Transaction visibility.
    pub isolation: Isolation,
    /// When true, slices are read one after the other in the order given; else in any interleaving, with as many
    /// threads as `threads`. Order inside a partition is always the log's.
    pub in_order: bool,
    /// At most this many reading threads; at least one.
    pub threads: usize,
}

/// What a reader says.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every event is records; a box would be one more allocation each")]
pub enum Event {
    /// Some records of one partition, in offset order.
    Records(RawRecords),
    /// The slice of `partition` has been read to its end; nothing more of it follows. A stream that closes before
    /// every slice has ended is broken and its consumer must say so.
    End {
        /// The partition.
        partition: i32,
    },
}

/// What a reading thread hands over: an event, or batches that become one where they are received.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every delivery is records; a box would be one more allocation each"
)]
pub enum Delivery {
    /// An event as it is.
    Event(Event),
    /// Records in batches that nobody has opened.
    Packed(Packed),
}

impl Delivery {
    /// The event; batches are checked, decompressed and walked. Records may be none.
    ///
    /// # Errors
    /// A batch that is broken.
    pub fn open(self) -> Result<Event> {
        match self {
            Delivery::Event(event) => Ok(event),
            Delivery::Packed(packed) => packed.open().map(Event::Records),
        }
    }
}

impl From<Event> for Delivery {
    fn from(event: Event) -> Self {
        Delivery::Event(event)
    }
}

/// A running read, to be received from by one or several consumers. Dropping all of them stops the threads behind it
/// within one fetch.
#[derive(Debug, Clone)]
pub struct RecordStream {
    deliveries: async_channel::Receiver<Result<Delivery>>,
}

impl RecordStream {
    /// A stream of what is sent into the other end of `deliveries`, which is closed when all slices ended or after the
    /// first error.
    pub fn new(deliveries: async_channel::Receiver<Result<Delivery>>) -> Self {
        RecordStream { deliveries }
    }

    /// The next event, `None` at the end. Batches are checked, decompressed and walked here, by the consumer: that is
    /// what spreads the work of one partition over several cores.
    ///
    /// # Errors
    /// The reader's; a batch that is broken. The stream is closed then.
    pub async fn next(&self) -> Option<Result<Event>> {
        loop {
            let event = self.receive().await?.and_then(Delivery::open);
            match event {
                Ok(Event::Records(records)) if records.len == 0 => {}
                Ok(event) => return Some(Ok(event)),
                Err(error) => {
                    self.close();
                    return Some(Err(error));
                }
            }
        }
    }

    /// The next delivery, for those who open it elsewhere; `None` at the end.
    ///
    /// # Errors
    /// The reader's.
    pub async fn receive(&self) -> Option<Result<Delivery>> {
        self.deliveries.recv().await.ok()
    }

    /// Whether anyone still holds the stream, asked without holding it.
    pub fn downgrade(&self) -> async_channel::WeakReceiver<Result<Delivery>> {
        self.deliveries.downgrade()
    }

    /// Stops the reading; what was delivered already can still be received.
    pub fn close(&self) {
        self.deliveries.close();
    }
}

/// A record on its way in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// Where to; by key (Java's murmur2, as `murmur2_random`) or round robin when `None`.
    pub partition: Option<i32>,
    /// Key bytes.
    pub key: Option<Bytes>,
    /// Value bytes; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Headers in order; names may repeat.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Milliseconds since the epoch; now when `None`.
    pub timestamp_ms: Option<i64>,
}

/// A topic to be made.
#[derive(Debug, Clone, Default)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; at least 1.
    pub partitions: i32,
    /// Replicas per partition; ignored by the local log and memory.
    pub replicas: i16,
    /// Topic settings under Kafka's names (`cleanup.policy`, `retention.ms`, …).
    pub config: BTreeMap<String, String>,
}

/// Appends of one statement: invisible to committed readers until [`Writer::commit`], gone after [`Writer::abort`] or
/// when dropped. All partitions become visible together or not at all.
#[async_trait]
pub trait Writer: Send {
    /// Adds records, in order. May block for back-pressure.
    ///
    /// # Errors
    /// A record too large, a partition that is not there, a broker or disk that refuses. The writer is then dead.
    async fn append(&mut self, records: Vec<NewRecord>) -> Result<()>;
    /// Makes everything appended durable and visible; returns how many records that were.
    async fn commit(self: Box<Self>) -> Result<u64>;
    /// Takes everything back.
    async fn abort(self: Box<Self>) -> Result<()>;
}

/// A cluster, a log directory, or memory.
#[async_trait]
pub trait Connector: Debug + Send + Sync {
    /// `kafka`, `local` or `memory`.
    fn kind(&self) -> &'static str;

    /// What reads, for EXPLAIN, when there is more than one way.
    fn reader(&self) -> String {
        self.kind().to_string()
    }

    /// Where it is, for banners and errors: broker list or folder.
    fn location(&self) -> String;

    /// All topics, by name. May be served from a cache a few seconds old.
    async fn topics(&self) -> Result<Vec<Topic>>;

    /// One topic, `None` when it is not there. Never creates it.
    async fn topic(&self, name: &str) -> Result<Option<Topic>>;

    /// The topic's settings under Kafka's names.
    async fn topic_config(&self, name: &str) -> Result<BTreeMap<String, String>>;

    /// What each partition of `topic` holds now, by partition number.
    async fn ranges(&self, topic: &str, isolation: Isolation) -> Result<Vec<Range>>;

    /// Per partition the first offset whose record is at or after `timestamp_ms`, `None` where there is none.
    async fn offsets_at(&self, topic: &str, timestamp_ms: i64) -> Result<Vec<(i32, Option<i64>)>>;

    /// Starts reading. Errors that come later arrive in the stream.
    ///
    /// # Errors
    /// A topic or partition that is not there.
    fn read(&self, request: ReadRequest) -> Result<RecordStream>;

    /// Opens a writer for one statement on `topic`.
    async fn writer(&self, topic: &str) -> Result<Box<dyn Writer>>;

    /// Makes a topic.
    ///
    /// # Errors
    /// It exists, the name is not allowed, or we may not.
    async fn create_topic(&self, topic: NewTopic) -> Result<()>;

    /// Deletes a topic and everything in it.
    async fn delete_topic(&self, name: &str) -> Result<()>;
}
