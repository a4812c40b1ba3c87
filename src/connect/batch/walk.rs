//! Walking record batches into columns: one decompression a batch, no allocation and no copy a record.

use std::collections::VecDeque;

use arrow::buffer::{Buffer, ScalarBuffer};

use super::cursor::Cursor;
use super::{Control, Fault, HEADER_BYTES, Header, Place};
use crate::connect::compress::{Codec, decompress};
use crate::connect::records::{HeaderColumn, ViewColumn};
use crate::connect::{Isolation, Range, RawRecords, Want};
use crate::error::Result;

/// An aborted transaction as Kafka's Fetch response gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Aborted {
    /// Its first offset in the partition.
    pub first_offset: i64,
    /// Whose it was.
    pub producer_id: i64,
}

const FULL_ROWS: usize = 16 << 10;
const FULL_COUNT: usize = 1 << 20;
const FULL_BYTES: usize = 16 << 20;
const SEAL_BYTES: usize = 4 << 20;

/// Turns the batches of one slice of one partition into [`RawRecords`].
///
/// Feed it the bytes of the log in order; take records when it [is full](Walker::is_full) or at the end. It is done
/// when its [position](Walker::position) has reached the end of the slice. After an error it must not be used again.
#[derive(Debug)]
pub struct Walker {
    place: Place,
    slice: Range,
    want: Want,
    position: i64,
    /// Whether `position` is where a batch ended.
    begun: bool,
    contiguous: bool,
    aborted: VecDeque<Aborted>,
    aborting: Vec<i64>,
    committed: bool,
    full_rows: usize,
    columns: Columns,
}

#[derive(Debug, Default)]
struct Columns {
    len: usize,
    offsets: Vec<i64>,
    timestamps: Vec<i64>,
    keys: ViewColumn,
    values: ViewColumn,
    headers: HeaderColumn,
    tombstones: usize,
    bytes: usize,
    buffer: Vec<u8>,
    sealed: Vec<Buffer>,
    sealed_bytes: usize,
}

impl Walker {
    /// A walker over `slice` of the topic in `place`.
    pub fn new(place: Place, slice: Range, want: Want, isolation: Isolation) -> Self {
        Walker {
            place,
            slice,
            want,
            position: slice.start,
            begun: false,
            contiguous: false,
            aborted: VecDeque::new(),
            aborting: Vec::new(),
            committed: isolation == Isolation::ReadCommitted,
            full_rows: 1,
            columns: Columns::default(),
        }
    }

    /// Demands from now on that every batch begins at `position`, where the one before ended: true of logs whose
    /// compaction leaves no holes between batches, and what finds damage in offsets, which the checksum of the format
    /// does not cover.
    #[must_use]
    pub fn contiguous_from(mut self, position: i64) -> Self {
        self.restart(position);
        self
    }

    /// [`Walker::contiguous_from`] on a walker that is already there, before anything was fed to it.
    pub fn restart(&mut self, position: i64) {
        self.contiguous = true;
        self.position = position;
    }

    /// Makes known which transactions were aborted; needed before the batches they are in are fed.
    pub fn add_aborted(&mut self, aborted: impl IntoIterator<Item = Aborted>) {
        let mut all: Vec<_> = self.aborted.drain(..).chain(aborted).collect();
        all.sort_unstable();
        self.aborted = all.into();
    }

    /// Names the file that the next bytes come from.
    pub fn set_file(&mut self, file: std::sync::Arc<str>) {
        self.place.file = Some(file);
    }

    /// Where errors are said to be.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The offset after the last batch that was walked.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// Whether the slice has been walked to its end.
    pub fn is_done(&self) -> bool {
        self.position >= self.slice.end
    }

    /// Whether [`Walker::take`] should be called before more is fed.
    pub fn is_full(&self) -> bool {
        let c = &self.columns;
        let rows = if self.want == Want::default() { FULL_COUNT } else { self.full_rows };
        c.len >= rows || (c.len > 0 && (c.bytes >= FULL_BYTES || c.buffer.len() + c.sealed_bytes >= FULL_BYTES))
    }

    /// Walks the complete batches at the start of `bytes` until it is full or done; returns how many bytes those
    /// were. When that is 0 and it is neither full nor done, more bytes are needed: [`Walker::needed`] of them.
    ///
    /// # Errors
    /// A batch that cannot be read, with topic, partition and offset.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut at = 0;
        while !self.is_full() && !self.is_done() {
            let rest = bytes.get(at..).unwrap_or(&[]);
            let Some(header) = Header::parse(rest).map_err(|f| f.at(&self.place, self.position))? else { break };
            let Some(batch) = rest.get(..header.total) else { break };
            self.batch(&header, batch).map_err(|f| f.at(&self.place, self.position))?;
            at += header.total;
            self.position = header.next_offset();
            self.begun = true;
        }
        Ok(at)
    }

    /// How many bytes from the start of `bytes` are needed before another batch can be walked.
    ///
    /// # Errors
    /// As [`Walker::feed`].
    pub fn needed(&self, bytes: &[u8]) -> Result<usize> {
        let header = Header::parse(bytes).map_err(|f| f.at(&self.place, self.position))?;
        Ok(header.map_or(HEADER_BYTES, |h| h.total))
    }

    /// The records walked since the last call, `None` when there are none.
    ///
    /// # Errors
    /// Only on a defect.
    pub fn take(&mut self) -> Result<Option<RawRecords>> {
        let columns = std::mem::take(&mut self.columns);
        if columns.len == 0 {
            self.columns.bytes = columns.bytes;
            return Ok(None);
        }
        // The first records go out at once, for those who want few; then batches grow.
        self.full_rows = self.full_rows.saturating_mul(8).min(FULL_ROWS);
        self.columns.reserve(columns.len, columns.buffer.len() + columns.sealed_bytes, self.want);
        columns.finish(self.slice.partition, self.want).map(Some)
    }

    fn batch(&mut self, header: &Header, batch: &[u8]) -> Result<(), Fault> {
        header.check_crc(batch)?;
        if self.contiguous && header.base_offset != self.position {
            let found = header.base_offset;
            return Err(Fault(format!("it says it begins at offset {found}, after one that ends elsewhere").into()));
        }
        if self.begun && header.base_offset < self.position {
            let found = header.base_offset;
            return Err(Fault(format!("it says it begins at offset {found}, before the one before it ends").into()));
        }
        self.columns.bytes += header.total;
        if header.last_offset() < self.slice.start {
            if self.committed {
                self.hidden(header, batch)?;
            }
            return Ok(());
        }
        if (self.committed && self.hidden(header, batch)?) || header.is_control() || header.count == 0 {
            return Ok(());
        }
        let inside = header.base_offset >= self.slice.start && header.last_offset() < self.slice.end;
        if inside && self.want == Want::default() {
            self.columns.len += header.count;
            return Ok(());
        }
        let codec = header.codec()?;
        let packed = batch.get(HEADER_BYTES..header.total).unwrap_or(&[]);
        self.columns.records(header, codec, packed, &self.slice, self.want)
    }

    /// Follows transactions through one batch; whether its records belong to an aborted one.
    fn hidden(&mut self, header: &Header, batch: &[u8]) -> Result<bool, Fault> {
        if !header.is_transactional() {
            return Ok(false);
        }
        while let Some(next) = self.aborted.front().filter(|a| a.first_offset <= header.last_offset()) {
            self.aborting.push(next.producer_id);
            self.aborted.pop_front();
        }
        let aborting = self.aborting.contains(&header.producer_id);
        if aborting && header.control(batch)? == Some(Control::Abort) {
            self.aborting.retain(|id| *id != header.producer_id);
        }
        Ok(aborting)
    }
}

/// The offset of the first record of one batch at or after `time`, in ms; `None` when it holds none.
///
/// # Errors
/// The batch cannot be read.
pub fn first_at(place: &Place, header: &Header, batch: &[u8], time: i64) -> Result<Option<i64>> {
    let slice = Range { partition: place.partition, start: header.base_offset, end: header.next_offset() };
    let want = Want { positions: true, ..Want::default() };
    let mut walker = Walker::new(place.clone(), slice, want, Isolation::ReadUncommitted);
    walker.feed(batch)?;
    Ok(walker.take()?.and_then(|raw| {
        let (times, offsets) = (raw.timestamps?, raw.offsets?);
        offsets.get(times.iter().position(|t| *t >= time)?).copied()
    }))
}

impl Columns {
    fn reserve(&mut self, rows: usize, bytes: usize, want: Want) {
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

    fn records(&mut self, h: &Header, codec: Codec, packed: &[u8], slice: &Range, want: Want) -> Result<(), Fault> {
        let keeps = want.keys || want.values;
        if !keeps {
            self.buffer.clear();
        } else if self.buffer.len() >= SEAL_BYTES {
            self.sealed_bytes += self.buffer.len();
            self.sealed.push(Buffer::from_vec(std::mem::take(&mut self.buffer)));
        }
        let start = self.buffer.len();
        decompress(codec, packed, &mut self.buffer)?;
        let buffer = std::mem::take(&mut self.buffer);
        let walked = self.walk(h, buffer.get(start..).unwrap_or(&[]), start, slice, want);
        self.buffer = buffer;
        walked.ok_or(Fault("its records do not fit their lengths".into()))
    }

    /// Appends the records in `data`, which begins at `start` of the current buffer; `None` when they are malformed.
    fn walk(&mut self, h: &Header, data: &[u8], start: usize, slice: &Range, want: Want) -> Option<()> {
        let number = u32::try_from(self.sealed.len()).ok()?;
        let append_time = h.is_log_append_time();
        let mut c = Cursor::new(data);
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
            self.body(&mut c, end, number, start, want)?;
            c.jump(end)?;
            self.len += 1;
        }
        (c.position() == data.len()).then_some(())
    }

    #[inline]
    fn body(&mut self, c: &mut Cursor<'_>, end: usize, number: u32, start: usize, want: Want) -> Option<()> {
        if !(want.keys || want.values || want.headers || want.tombstones) {
            return Some(());
        }
        let position = |c: &Cursor<'_>, taken: &[u8]| u32::try_from(start + c.position() - taken.len()).ok();
        let key = c.bytes()?;
        if want.keys {
            match key {
                Some(key) => self.keys.push(key, number, position(c, key)?),
                None => self.keys.push_null(),
            }
        }
        if !(want.values || want.headers || want.tombstones) {
            return Some(());
        }
        let value = c.bytes()?;
        if want.values {
            match value {
                Some(value) => self.values.push(value, number, position(c, value)?),
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

    fn finish(mut self, partition: i32, want: Want) -> Result<RawRecords> {
        let mut buffers = self.sealed;
        if want.keys || want.values {
            // What is left unused of a large buffer is worth a copy of the bytes in it.
            if self.buffer.capacity() / 2 > self.buffer.len() {
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
