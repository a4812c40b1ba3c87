//! Building record batches.

use super::{CONTROL, DELETE_HORIZON, HEADER_BYTES, PREFIX_BYTES, TRANSACTIONAL};
use crate::connect::compress::{Codec, compress};
use crate::error::{Error, Result};

/// Collects records of one batch, already in their wire form.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    raw: Vec<u8>,
    count: i32,
    last_delta: i32,
    first_timestamp: i64,
    max_timestamp: i64,
}

/// What a batch says about itself besides its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Offset of the first record.
    pub base_offset: i64,
    /// How to compress.
    pub codec: Codec,
    /// Producer id, or -1.
    pub producer_id: i64,
    /// Sequence number of the first record, or -1.
    pub base_sequence: i32,
    /// Part of a transaction.
    pub transactional: bool,
    /// Whether the builder's time base is a delete horizon, see [`super::Header::delete_horizon`].
    pub delete_horizon: bool,
    /// Where the batch ends when that is after its last record.
    pub last_offset_delta: Option<i32>,
}

impl Stamp {
    /// A batch outside transactions.
    pub fn plain(base_offset: i64, codec: Codec) -> Self {
        Stamp {
            base_offset,
            codec,
            producer_id: -1,
            base_sequence: -1,
            transactional: false,
            delete_horizon: false,
            last_offset_delta: None,
        }
    }

    /// A batch of the transaction of producer `producer_id`.
    pub fn transactional(producer_id: i64, base_sequence: i32, codec: Codec) -> Self {
        Stamp { producer_id, base_sequence, transactional: true, ..Stamp::plain(0, codec) }
    }
}

/// A header as the builder takes it: name, and value or null.
pub type HeaderRef<'a> = (&'a str, Option<&'a [u8]>);

impl BatchBuilder {
    /// An empty batch whose record timestamps are relative to `base`.
    pub fn with_time_base(base: i64) -> Self {
        BatchBuilder { first_timestamp: base, max_timestamp: i64::MIN, last_delta: -1, ..Default::default() }
    }

    /// Records so far.
    pub fn count(&self) -> u32 {
        self.count.unsigned_abs()
    }

    /// Uncompressed bytes so far.
    pub fn bytes(&self) -> usize {
        self.raw.len()
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Appends a record at the next offset.
    ///
    /// # Errors
    /// As [`BatchBuilder::push_at`].
    pub fn push<'a>(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl ExactSizeIterator<Item = HeaderRef<'a>> + Clone,
    ) -> Result<()> {
        if self.count == 0 {
            *self = BatchBuilder { raw: std::mem::take(&mut self.raw), ..BatchBuilder::with_time_base(timestamp) };
        }
        self.push_at(self.last_delta.saturating_add(1), timestamp, key, value, headers)
    }

    /// Appends a record `delta` after the batch's base offset; deltas must grow.
    ///
    /// # Errors
    /// [`crate::error::Kind::Limit`] when the record or the batch is too large for the format.
    pub fn push_at<'a>(
        &mut self,
        delta: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl ExactSizeIterator<Item = HeaderRef<'a>> + Clone,
    ) -> Result<()> {
        let time = timestamp.wrapping_sub(self.first_timestamp);
        let mut size = 1 + varint_len(time) + varint_len(i64::from(delta)) + field_len(key) + field_len(value);
        size += varint_len(signed(headers.len()));
        for (name, value) in headers.clone() {
            size += field_len(Some(name.as_bytes())) + field_len(value);
        }
        if self.raw.len().saturating_add(size) > super::MAX_BATCH_BYTES / 2 {
            return Err(Error::new(
                crate::error::Kind::Limit,
                format!("a record batch of more than {} MiB cannot be written", super::MAX_BATCH_BYTES >> 21),
            ));
        }
        let raw = &mut self.raw;
        put_varint(raw, signed(size));
        raw.push(0);
        put_varint(raw, time);
        put_varint(raw, i64::from(delta));
        put_field(raw, key);
        put_field(raw, value);
        put_varint(raw, signed(headers.len()));
        for (name, value) in headers {
            put_field(raw, Some(name.as_bytes()));
            put_field(raw, value);
        }
        self.count += 1;
        self.last_delta = delta;
        self.max_timestamp = self.max_timestamp.max(timestamp);
        Ok(())
    }

    /// The batch, and the builder empty again.
    ///
    /// # Errors
    /// The codec failed, which no input should make it do.
    pub fn finish(&mut self, stamp: Stamp) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(HEADER_BYTES + self.raw.len() / 2);
        out.resize(HEADER_BYTES, 0);
        compress(stamp.codec, &self.raw, &mut out)?;
        let mut attributes = stamp.codec.id();
        if stamp.transactional {
            attributes |= TRANSACTIONAL;
        }
        if stamp.delete_horizon {
            attributes |= DELETE_HORIZON;
        }
        let last = stamp.last_offset_delta.unwrap_or(self.last_delta);
        let max = if self.count == 0 { -1 } else { self.max_timestamp };
        let times = (self.first_timestamp, max);
        seal(&mut out, &stamp, attributes, last, times, self.count)?;
        self.raw.clear();
        *self = BatchBuilder { raw: std::mem::take(&mut self.raw), ..Default::default() };
        Ok(out)
    }
}

/// A transaction marker for `producer_id`.
///
/// # Errors
/// None in practice.
pub fn marker(producer_id: i64, commit: bool, timestamp: i64) -> Result<Vec<u8>> {
    let key = [0, 0, 0, u8::from(commit)];
    let mut builder = BatchBuilder::default();
    builder.push(timestamp, Some(&key), Some(&[0; 6]), std::iter::empty())?;
    let stamp = Stamp { base_sequence: -1, ..Stamp::transactional(producer_id, -1, Codec::None) };
    let mut out = vec![0; HEADER_BYTES];
    out.extend_from_slice(&builder.raw);
    seal(&mut out, &stamp, TRANSACTIONAL | CONTROL, 0, (timestamp, timestamp), 1)?;
    Ok(out)
}

/// Gives a finished batch its place in the log; the checksum does not cover it.
pub fn set_base_offset(batch: &mut [u8], base_offset: i64) {
    if let Some(place) = batch.first_chunk_mut::<8>() {
        *place = base_offset.to_be_bytes();
    }
}

fn seal(out: &mut [u8], stamp: &Stamp, attributes: i16, last: i32, times: (i64, i64), count: i32) -> Result<()> {
    let length = i32::try_from(out.len().saturating_sub(PREFIX_BYTES))
        .map_err(|e| Error::internal("record batch too long").with_source(e))?;
    let epoch: i16 = if stamp.producer_id < 0 { -1 } else { 0 };
    let mut tail = Vec::with_capacity(40);
    tail.extend_from_slice(&attributes.to_be_bytes());
    tail.extend_from_slice(&last.to_be_bytes());
    tail.extend_from_slice(&times.0.to_be_bytes());
    tail.extend_from_slice(&times.1.to_be_bytes());
    tail.extend_from_slice(&stamp.producer_id.to_be_bytes());
    tail.extend_from_slice(&epoch.to_be_bytes());
    tail.extend_from_slice(&stamp.base_sequence.to_be_bytes());
    tail.extend_from_slice(&count.to_be_bytes());
    let put = |out: &mut [u8], at: usize, bytes: &[u8]| {
        if let Some(place) = out.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(out, 0, &stamp.base_offset.to_be_bytes());
    put(out, 8, &length.to_be_bytes());
    put(out, 12, &0i32.to_be_bytes());
    put(out, 16, &[2]);
    put(out, 21, &tail);
    let crc = crc32c::crc32c(out.get(21..).unwrap_or(&[]));
    put(out, 17, &crc.to_be_bytes());
    Ok(())
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[inline]
fn varint_len(value: i64) -> usize {
    // Seven bits a byte; at least one byte.
    let bits = 64 - (zigzag(value) | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

#[inline]
fn field_len(field: Option<&[u8]>) -> usize {
    field.map_or(1, |f| varint_len(signed(f.len())) + f.len())
}

#[inline]
fn put_varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[inline]
fn put_field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        Some(field) => {
            put_varint(out, signed(field.len()));
            out.extend_from_slice(field);
        }
        None => put_varint(out, -1),
    }
}
