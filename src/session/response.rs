//! What a session answers: plain data for every front. No protocol, no terminal, no DataFusion types.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

pub use crate::bounded::receipt::{Progress, TopicReceipt};
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
