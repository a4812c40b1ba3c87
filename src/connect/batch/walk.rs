//! Walking record batches into columns as they come, on one thread.

use super::columns::Columns;
use super::sieve::{Aborted, Sieve, Step};
use super::{Header, Place};
use crate::connect::{Isolation, Range, RawRecords, Want};
use crate::error::Result;

const FULL_ROWS: usize = 16 << 10;
const FULL_COUNT: usize = 1 << 20;
const FULL_BYTES: usize = 16 << 20;

/// Turns the batches of one slice of one partition into [`RawRecords`].
///
/// Feed it the bytes of the log in order; take records when it [is full](Walker::is_full) or at the end. It is done
/// when its [position](Walker::position) has reached the end of the slice. After an error it must not be used again.
#[derive(Debug)]
pub struct Walker {
    sieve: Sieve,
    full_rows: usize,
    columns: Columns,
}

impl Walker {
    /// A walker over `slice` of the topic in `place`.
    pub fn new(place: Place, slice: Range, want: Want, isolation: Isolation) -> Self {
        Walker { sieve: Sieve::new(place, slice, want, isolation), full_rows: 1, columns: Columns::default() }
    }

    /// As [`Sieve::restart`], before anything was fed.
    #[must_use]
    pub fn contiguous_from(mut self, position: i64) -> Self {
        self.restart(position);
        self
    }

    /// [`Walker::contiguous_from`] on a walker that is already there, before anything was fed to it.
    pub fn restart(&mut self, position: i64) {
        self.sieve.restart(position);
    }

    /// Makes known which transactions were aborted; needed before the batches they are in are fed.
    pub fn add_aborted(&mut self, aborted: impl IntoIterator<Item = Aborted>) {
        self.sieve.add_aborted(aborted);
    }

    /// Names the file that the next bytes come from.
    pub fn set_file(&mut self, file: std::sync::Arc<str>) {
        self.sieve.set_file(file);
    }

    /// Where errors are said to be.
    pub fn place(&self) -> &Place {
        self.sieve.place()
    }

    /// The offset after the last batch that was walked.
    pub fn position(&self) -> i64 {
        self.sieve.position()
    }

    /// Whether the slice has been walked to its end.
    pub fn is_done(&self) -> bool {
        self.sieve.is_done()
    }

    /// Whether [`Walker::take`] should be called before more is fed.
    pub fn is_full(&self) -> bool {
        let c = &self.columns;
        let rows = if self.sieve.want() == Want::default() { FULL_COUNT } else { self.full_rows };
        c.len >= rows || (c.len > 0 && (c.bytes >= FULL_BYTES || c.held() >= FULL_BYTES))
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
            let Some((header, step)) = self.sieve.next(rest, true)? else { break };
            self.columns.bytes += header.total;
            match step {
                Step::Skip => {}
                Step::Count => self.columns.len += header.count,
                Step::Open => {
                    let (slice, want) = (self.sieve.slice(), self.sieve.want());
                    let added = self.columns.add(&header, rest, 0, &slice, want);
                    added.map_err(|f| f.at(self.sieve.place(), header.base_offset))?;
                }
            }
            at += header.total;
        }
        Ok(at)
    }

    /// How many bytes from the start of `bytes` are needed before another batch can be walked.
    ///
    /// # Errors
    /// As [`Walker::feed`].
    pub fn needed(&self, bytes: &[u8]) -> Result<usize> {
        self.sieve.needed(bytes)
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
        self.columns.reserve(columns.len, columns.held(), self.sieve.want());
        columns.finish(self.sieve.slice().partition, self.sieve.want()).map(Some)
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
