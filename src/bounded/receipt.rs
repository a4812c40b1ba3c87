//! What scans say of themselves, as plain data: how much was read of each topic, and where a running scan stands.

use crate::catalog::shape::Sampled;

/// The account of one topic in one statement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TopicReceipt {
    /// The topic.
    pub topic: String,
    /// Messages delivered by the reader.
    pub scanned: u64,
    /// Width of the snapshot's offset ranges over all partitions: an upper bound of the messages in the topic.
    pub in_range: u64,
    /// Partitions read.
    pub partitions_read: usize,
    /// Partitions the topic has.
    pub partitions: usize,
    /// Per partition read: first offset, exclusive end.
    pub offsets: Vec<(i32, i64, i64)>,
    /// Bytes read from the log or the network.
    pub bytes: u64,
    /// Records whose value was null, when values were looked at.
    pub tombstones: Option<u64>,
    /// Records that could not be decoded, when values were decoded.
    pub undecodable: Option<u64>,
    /// Values that were decoded (0 for a plain `count(*)`).
    pub decoded: u64,
    /// What the topic's columns were inferred from; `None` when a schema or a declaration gave them.
    pub inferred: Option<Sampled>,
}

/// Where a running scan stands, for a progress bar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Offsets passed so far over all topics.
    pub done: u64,
    /// Offsets to pass in all.
    pub total: u64,
    /// Bytes read so far.
    pub bytes: u64,
    /// Result rows handed out so far.
    pub rows: u64,
}
