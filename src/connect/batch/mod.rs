//! Kafka record batches, format v2 (magic 2): the header, its checks, and where a broken one is. Knows bytes only,
//! neither files nor sockets.
//!
//! ```text
//!   0        8     12     16 17  21   23          27      35     43      51     57     61
//!   ┌────────┬─────┬──────┬─┬───┬────┬───────────┬───────┬──────┬───────┬──────┬──────┬────────────────────┐
//!   │ base   │ len │leader│2│crc│attr│last offset│first  │max   │producer│epoch,│count │ records, perhaps   │
//!   │ offset │     │epoch │ │32c│    │delta      │time   │time  │id     │seq   │      │ compressed         │
//!   └────────┴─────┴──────┴─┴───┴────┴───────────┴───────┴──────┴───────┴──────┴──────┴────────────────────┘
//!                                └── crc covers from here to the end
//! ```

mod columns;
pub mod cursor;
pub mod packed;
pub mod sieve;
pub mod walk;
pub mod write;

use std::borrow::Cow;
use std::sync::Arc;

use super::compress::Codec;
use crate::error::Error;
use cursor::Cursor;
pub use packed::Packed;
pub use sieve::{Aborted, Sieve};
pub use walk::{Walker, first_at};
pub use write::{BatchBuilder, Stamp};

/// Bytes before the records.
pub const HEADER_BYTES: usize = 61;
/// Bytes of base offset and length, which the length itself does not count.
pub const PREFIX_BYTES: usize = 12;
/// The largest batch that is accepted, compressed or not.
pub const MAX_BATCH_BYTES: usize = 512 << 20;

const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
const DELETE_HORIZON: i16 = 1 << 6;
const LOG_APPEND_TIME: i16 = 1 << 3;

/// What is wrong with some bytes, before anyone knows where they came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub Cow<'static, str>);

impl Fault {
    /// The fault as an error that names its place.
    pub fn at(self, place: &Place, offset: i64) -> Error {
        place.error(offset, &self.0)
    }
}

/// Where bytes came from, for errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The file, when there is one.
    pub file: Option<Arc<str>>,
}

impl Place {
    /// An [`Error::data`] about the batch at or after `offset`.
    pub fn error(&self, offset: i64, what: &str) -> Error {
        let error = Error::data(format!(
            "topic {}, partition {}, offset {offset}: record batch cannot be read: {what}",
            self.topic, self.partition
        ));
        match &self.file {
            Some(file) => error.with_detail(format!("in file {file}")),
            None => error,
        }
    }
}

/// The header of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Offset of the first record the batch was written with.
    pub base_offset: i64,
    /// Bytes of the whole batch, prefix included.
    pub total: usize,
    /// Epoch of the leader that wrote it; outside the checksum.
    pub leader_epoch: i32,
    /// CRC32C of everything from the attributes on.
    pub crc: u32,
    /// Codec, timestamp type and flags.
    pub attributes: i16,
    /// Last offset minus base offset.
    pub last_offset_delta: i32,
    /// What record timestamps are relative to.
    pub first_timestamp: i64,
    /// The greatest timestamp.
    pub max_timestamp: i64,
    /// The producer, -1 for none.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Sequence number of the first record.
    pub base_sequence: i32,
    /// How many records it holds.
    pub count: usize,
}

/// What a control batch says about the transaction of its producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// It was taken back.
    Abort,
    /// It became visible.
    Commit,
    /// Something newer than this code; it ends no transaction.
    Other,
}

impl Header {
    /// Reads the header at the start of `bytes`; `None` when there are too few bytes to tell. The batch itself may
    /// still be incomplete: compare [`Header::total`] with what is there.
    ///
    /// # Errors
    /// An old message format, or numbers that no batch can have.
    pub fn parse(bytes: &[u8]) -> Result<Option<Header>, Fault> {
        let Some(&magic) = bytes.get(16) else { return Ok(None) };
        if magic != 2 {
            return Err(Fault(
                if magic < 2 {
                    format!("message format {magic} (before Kafka 0.11) is not supported, only format 2")
                } else {
                    format!("unknown message format {magic}")
                }
                .into(),
            ));
        }
        let Some(head) = bytes.get(..HEADER_BYTES) else { return Ok(None) };
        let mut c = Cursor::new(head);
        Self::fields(&mut c).ok_or(Fault("header is cut short".into()))?.checked().map(Some)
    }

    fn fields(c: &mut Cursor<'_>) -> Option<Header> {
        let base_offset = i64::from_be_bytes(c.array()?);
        let length = i32::from_be_bytes(c.array()?);
        let leader_epoch = i32::from_be_bytes(c.array()?);
        let [_magic] = c.array()?;
        Some(Header {
            base_offset,
            total: usize::try_from(length).unwrap_or(0).saturating_add(PREFIX_BYTES),
            leader_epoch,
            crc: u32::from_be_bytes(c.array()?),
            attributes: i16::from_be_bytes(c.array()?),
            last_offset_delta: i32::from_be_bytes(c.array()?),
            first_timestamp: i64::from_be_bytes(c.array()?),
            max_timestamp: i64::from_be_bytes(c.array()?),
            producer_id: i64::from_be_bytes(c.array()?),
            producer_epoch: i16::from_be_bytes(c.array()?),
            base_sequence: i32::from_be_bytes(c.array()?),
            count: usize::try_from(i32::from_be_bytes(c.array()?)).unwrap_or(usize::MAX),
        })
    }

    fn checked(self) -> Result<Header, Fault> {
        let span = usize::try_from(self.last_offset_delta);
        if self.total < HEADER_BYTES || self.total > MAX_BATCH_BYTES {
            return Err(Fault(format!("its length {} is impossible", self.total).into()));
        }
        if self.base_offset < 0 || self.base_offset.checked_add(i64::from(self.last_offset_delta) + 1).is_none() {
            return Err(Fault(format!("its base offset {} is impossible", self.base_offset).into()));
        }
        match span {
            Ok(span) if self.count <= span.saturating_add(1) => Ok(self),
            _ => Err(Fault("its record count does not fit its offsets".into())),
        }
    }

    /// The last offset the batch covers.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// One past the last offset the batch covers.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// Whether it is part of a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Whether it holds a transaction marker instead of records.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Whether all its records carry the time of their append, [`Header::max_timestamp`].
    pub fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// From when on compaction may drop the tombstones in it; set by the first compaction (KIP-534).
    pub fn delete_horizon(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON != 0).then_some(self.first_timestamp)
    }

    /// How its records are compressed.
    ///
    /// # Errors
    /// A codec number that is not known.
    pub fn codec(&self) -> Result<Codec, Fault> {
        Codec::from_id(self.attributes & 7)
    }

    /// Compares the checksum with the bytes of `batch`, which is the whole batch.
    ///
    /// # Errors
    /// They differ.
    pub fn check_crc(&self, batch: &[u8]) -> Result<(), Fault> {
        let actual = crc32c::crc32c(batch.get(21..self.total).unwrap_or(&[]));
        if actual == self.crc {
            return Ok(());
        }
        Err(Fault(format!("its checksum is {actual:08x} but should be {:08x}", self.crc).into()))
    }

    /// What the control batch `batch` says; `None` for a batch of records.
    ///
    /// # Errors
    /// The marker is malformed.
    pub fn control(&self, batch: &[u8]) -> Result<Option<Control>, Fault> {
        if !self.is_control() {
            return Ok(None);
        }
        let fault = || Fault("transaction marker is malformed".into());
        let records = batch.get(HEADER_BYTES..self.total).ok_or_else(fault)?;
        let mut c = Cursor::new(records);
        let kind = (|| {
            let _length = c.varint()?;
            c.skip(1)?;
            let (_time, _offset) = (c.varint()?, c.varint()?);
            let mut key = Cursor::new(c.bytes()??);
            let _version: [u8; 2] = key.array()?;
            Some(i16::from_be_bytes(key.array()?))
        })();
        match kind {
            Some(0) => Ok(Some(Control::Abort)),
            Some(1) => Ok(Some(Control::Commit)),
            Some(_) => Ok(Some(Control::Other)),
            None => Err(fault()),
        }
    }
}

#[cfg(test)]
mod tests;
