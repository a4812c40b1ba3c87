//! Records of opened batches as they are collected into columns: one decompression a batch, none for batches that are
//! not compressed, no allocation and no copy a record.

use arrow::buffer::{Buffer, ScalarBuffer};

use super::cursor::Cursor;
use super::{Fault, HEADER_BYTES, Header};
use crate::connect::compress::{Codec, decompress};
use crate::connect::records::{HeaderColumn, ViewColumn};
use crate::connect::{Range, RawRecords, Want};
use crate::error::Result;

const SEAL_BYTES: usize = 4 << 20;
/// A new buffer is no smaller, unless it was asked for.
const LEAST_ROOM: usize = 64 << 10;
/// How much larger records are usually when decompressed, at most.
const EXPECTED_RATIO: usize = 4;

/// What was collected so far. The views of keys and values point into `sealed` and, under the number after the last
/// of those, into `buffer`.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) len: usize,
    /// Bytes of the batches before decompression.
    pub(super) bytes: usize,
    offsets: Vec<i64>,
    timestamps: Vec<i64>,
    keys: ViewColumn,
    values: ViewColumn,
    headers: HeaderColumn,
    tombstones: usize,
    buffer: Vec<u8>,
    sealed: Vec<Buffer>,
    sealed_bytes: usize,
    /// The bytes that batches lie in as they came, and the number of that buffer once views point into it.
    whole: Option<Buffer>,
    whole_number: Option<u32>,
}

/// The bytes of one batch's records, and what views into them are relative to.
#[derive(Clone, Copy)]
struct Data<'a> {
    records: &'a [u8],
    /// The number of the buffer.
    number: u32,
    /// Where `records` begins in it.
    start: usize,
}

impl Columns {
    /// Columns of batches that lie in `whole`: those that are not compressed are not copied.
    pub(super) fn within(whole: Buffer) -> Self {
        Columns { whole: Some(whole), ..Columns::default() }
    }

    /// Bytes that the columns hold besides what they share.
    pub(super) fn held(&self) -> usize {
        self.buffer.len() + self.sealed_bytes
    }

    /// Makes room for as much as `rows` and `bytes`.
    pub(super) fn reserve(&mut self, rows: usize, bytes: usize, want: Want) {
        self.buffer.reserve(bytes.min(SEAL_BYTES * 2));
        if want.positions {
            self.offsets.reserve(rows);
            self.timestamps.reserve(rows);
        }
        if want.keys {
            self.keys = ViewColumn::with_capacity(rows);
        }
        if want.values {
            self.values = ViewColumn::with_capacity(rows);
        }
    }

    /// Adds the records of `batch` that lie in `slice`. `at` is where the batch begins in the whole, if there is one.
    pub(super) fn add(&mut self, h: &Header, batch: &[u8], at: usize, slice: &Range, want: Want) -> Result<(), Fault> {
        let packed = batch.get(HEADER_BYTES..h.total).unwrap_or(&[]);
        let codec = h.codec()?;
        let keeps = want.keys || want.values;
        let malformed = Fault("its records do not fit their lengths".into());
        if codec == Codec::None
            && let Some(number) = self.share(keeps)
        {
            let data = Data { records: packed, number, start: at.saturating_add(HEADER_BYTES) };
            return self.walk(h, data, slice, want).ok_or(malformed);
        }
        if keeps {
            self.make_room(packed.len());
        } else {
            self.buffer.clear();
        }
        let start = self.buffer.len();
        decompress(codec, packed, &mut self.buffer)?;
        let buffer = std::mem::take(&mut self.buffer);
        let number = u32::try_from(self.sealed.len()).unwrap_or(u32::MAX);
        let data = Data { records: buffer.get(start..).unwrap_or(&[]), number, start };
        let walked = self.walk(h, data, slice, want);
        self.buffer = buffer;
        walked.ok_or(malformed)
    }

    /// Room for `packed` bytes once they are decompressed: a buffer that grew would have to be copied, so that a new one
    /// is begun where one might not do.
    fn make_room(&mut self, packed: usize) {
        let expected = packed.saturating_mul(EXPECTED_RATIO);
        if self.buffer.capacity() - self.buffer.len() >= expected.min(SEAL_BYTES) && self.buffer.len() < SEAL_BYTES {
            return;
        }
        if !self.buffer.is_empty() {
            self.seal();
        }
        self.buffer.reserve(expected.clamp(LEAST_ROOM, SEAL_BYTES));
    }

    fn seal(&mut self) {
        self.sealed_bytes += self.buffer.len();
        self.sealed.push(Buffer::from_vec(std::mem::take(&mut self.buffer)));
    }

    /// The number under which views may point into the whole; `None` without one.
    fn share(&mut self, keeps: bool) -> Option<u32> {
        let whole = self.whole.as_ref()?;
        if !keeps {
            return Some(0);
        }
        if let Some(number) = self.whole_number {
            return Some(number);
        }
        let whole = whole.clone();
        if !self.buffer.is_empty() {
            self.seal();
        }
        let number = u32::try_from(self.sealed.len()).ok()?;
        self.sealed.push(whole);
        self.whole_number = Some(number);
        Some(number)
    }

    /// Appends the records in `data`; `None` when they are malformed.
    fn walk(&mut self, h: &Header, data: Data<'_>, slice: &Range, want: Want) -> Option<()> {
        let append_time = h.is_log_append_time();
        let mut c = Cursor::new(data.records);
        let mut last = -1;
        for _ in 0..h.count {
            let length = c.size()?;
            let end = c.position().checked_add(length)?;
            c.skip(1)?;
            let time = c.varint()?;
            let delta = c.varint()?;
            if delta <= last || delta > i64::from(h.last_offset_delta) {
                return None;
            }
            last = delta;
            let offset = h.base_offset + delta;
            if offset < slice.start || offset >= slice.end {
                c.jump(end)?;
                continue;
            }
            if want.positions {
                self.offsets.push(offset);
                let time = if append_time { h.max_timestamp } else { h.first_timestamp.wrapping_add(time) };
                self.timestamps.push(time);
            }
            self.body(&mut c, end, data, want)?;
            c.jump(end)?;
            self.len += 1;
        }
        (c.position() == data.records.len()).then_some(())
    }

    #[inline]
    fn body(&mut self, c: &mut Cursor<'_>, end: usize, data: Data<'_>, want: Want) -> Option<()> {
        if !(want.keys || want.values || want.headers || want.tombstones) {
            return Some(());
        }
        let position = |c: &Cursor<'_>, taken: &[u8]| u32::try_from(data.start + c.position() - taken.len()).ok();
        let key = c.bytes()?;
        if want.keys {
            match key {
                Some(key) => self.keys.push(key, data.number, position(c, key)?),
                None => self.keys.push_null(),
            }
        }
        if !(want.values || want.headers || want.tombstones) {
            return Some(());
        }
        let value = c.bytes()?;
        if want.values {
            match value {
                Some(value) => self.values.push(value, data.number, position(c, value)?),
                None => self.values.push_null(),
            }
        }
        if want.tombstones || want.values {
            self.tombstones += usize::from(value.is_none());
        }
        if want.headers {
            for _ in 0..c.size()? {
                let name = c.bytes()??;
                self.headers.push(name, c.bytes()?);
            }
            self.headers.end_row();
        }
        // A field that reaches past its record would have been read from its neighbour.
        (c.position() <= end).then_some(())
    }

    /// The columns.
    ///
    /// # Errors
    /// Only on a defect.
    pub(super) fn finish(mut self, partition: i32, want: Want) -> Result<RawRecords> {
        let mut buffers = self.sealed;
        if want.keys || want.values {
            // What is left unused of a buffer was never touched; only a great waste is worth a copy.
            if self.buffer.capacity() / 8 > self.buffer.len() {
                self.buffer.shrink_to_fit();
            }
            buffers.push(Buffer::from_vec(self.buffer));
        }
        let keys = if want.keys { Some(self.keys.finish(buffers.clone())?) } else { None };
        let values = if want.values { Some(self.values.finish(buffers)?) } else { None };
        Ok(RawRecords {
            offsets: want.positions.then(|| ScalarBuffer::from(self.offsets)),
            timestamps: want.positions.then(|| ScalarBuffer::from(self.timestamps)),
            keys,
            values,
            headers: if want.headers { Some(self.headers.finish()?) } else { None },
            tombstones: self.tombstones,
            ..RawRecords::counted(partition, self.len, self.bytes as u64)
        })
    }
}
