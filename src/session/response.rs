//! What a session answers: plain data for every front. No protocol, no terminal, no DataFusion types.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::catalog::shape::Sampled;
use crate::error::Span;

/// One item of the stream that [`crate::session::Session::execute`] yields. For each statement: `Begin`, then either
/// `Schema`, `Rows`…, `Receipt` (a result) or `Done` (an effect), with `Notice`s anywhere between.
#[derive(Debug, Clone)]
pub enum Response {
    /// A statement starts; its place in the executed text.
    Begin {
        /// Bytes of the statement.
        span: Span,
    },
    /// A result set starts.
    Schema(SchemaRef),
    /// Rows of the result set.
    Rows(RecordBatch),
    /// The result set is complete; what it cost and covered.
    Receipt(Receipt),
    /// Something the person should know; never data.
    Notice(Notice),
    /// A statement without rows took effect ("created stream orders").
    Done {
        /// One line, no full stop.
        message: String,
    },
}

/// Metadata key of a result's only column when its rows are lines of one text (a plan): tables show it as that text, without
/// a frame. Its value says nothing.
pub const LINES: &str = "weir.lines";

/// Metadata key of the schema of a list of things with what is to know of each: a terminal narrows its table rather than
/// turning it, and shows no frame when it has no rows, since a notice says why. Its value says nothing.
pub const LISTING: &str = "weir.listing";

/// Something to say beside the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// One sentence.
    pub message: String,
    /// What to do about it, if anything.
    pub hint: Option<String>,
    /// The topic it is about, when it holds for more than one statement: a session says it once per topic. Fronts whose
    /// sessions are single requests leave it out; the receipt has it as a field.
    pub about: Option<String>,
}

impl Notice {
    /// A notice for one statement.
    pub fn new(message: impl Into<String>) -> Self {
        Notice { message: message.into(), hint: None, about: None }
    }
}

/// The account of a bounded result: what was read, of what, at which cost, and what could not be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Receipt {
    /// Rows in the result.
    pub rows: u64,
    /// From submission to the last row.
    pub elapsed: Duration,
    /// One entry per topic read, in the order they appear in the statement.
    pub topics: Vec<TopicReceipt>,
    /// The result was cut short by the person or a limit, and which.
    pub incomplete: Option<String>,
}

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
