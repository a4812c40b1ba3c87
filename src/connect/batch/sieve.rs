//! Which batches of a slice are read, decided by their headers alone: offsets, and transactions that were taken back.
//! Opens no batch.

use std::collections::VecDeque;

use super::{Control, Fault, HEADER_BYTES, Header, Place};
use crate::connect::{Isolation, Range, Want};
use crate::error::Result;

/// An aborted transaction as Kafka's Fetch response gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Aborted {
    /// Its first offset in the partition.
    pub first_offset: i64,
    /// Whose it was.
    pub producer_id: i64,
}

/// What is to be done with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing of it is to be delivered.
    Skip,
    /// All its records are, and nothing of them but their number: it need not be opened.
    Count,
    /// Some or all of its records are.
    Open,
}

/// Goes through the batches of one slice of one partition, in the log's order. After an error it must not be used
/// again.
#[derive(Debug)]
pub struct Sieve {
    place: Place,
    slice: Range,
    want: Want,
    position: i64,
    /// Whether `position` is where a batch ended.
    begun: bool,
    contiguous: bool,
    committed: bool,
    aborted: VecDeque<Aborted>,
    aborting: Vec<i64>,
}

impl Sieve {
    /// A sieve for `slice` of the topic in `place`.
    pub fn new(place: Place, slice: Range, want: Want, isolation: Isolation) -> Self {
        Sieve {
            place,
            slice,
            want,
            position: slice.start,
            begun: false,
            contiguous: false,
            committed: isolation == Isolation::ReadCommitted,
            aborted: VecDeque::new(),
            aborting: Vec::new(),
        }
    }

    /// Demands from now on that every batch begins at `position`, where the one before ended: true of logs whose
    /// compaction leaves no holes between batches, and what finds damage in offsets, which the checksum of the format
    /// does not cover.
    pub fn restart(&mut self, position: i64) {
        self.contiguous = true;
        self.position = position;
    }

    /// Makes known which transactions were aborted; needed before the batches they are in.
    pub fn add_aborted(&mut self, aborted: impl IntoIterator<Item = Aborted>) {
        let mut all: Vec<_> = self.aborted.drain(..).chain(aborted).collect();
        all.sort_unstable();
        all.dedup();
        self.aborted = all.into();
    }

    /// Names the file that the next batches come from.
    pub fn set_file(&mut self, file: std::sync::Arc<str>) {
        self.place.file = Some(file);
    }

    /// Where errors are said to be.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What is being read.
    pub fn slice(&self) -> Range {
        self.slice
    }

    /// What is to be delivered.
    pub fn want(&self) -> Want {
        self.want
    }

    /// The offset after the last batch.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// Whether the slice has been gone through to its end.
    pub fn is_done(&self) -> bool {
        self.position >= self.slice.end
    }

    /// Says that nothing is stored from here to the end of the slice: it is done.
    pub fn exhaust(&mut self) {
        self.position = self.position.max(self.slice.end);
    }

    /// What to do with the batch at the start of `bytes`; `None` when it is not there as a whole. The checksum is
    /// compared here when `check`; else whoever opens or counts the batch must.
    ///
    /// # Errors
    /// A batch that cannot be read, with topic, partition and offset.
    pub fn next(&mut self, bytes: &[u8], check: bool) -> Result<Option<(Header, Step)>> {
        let Some(header) = Header::parse(bytes).map_err(|f| f.at(&self.place, self.position))? else {
            return Ok(None);
        };
        let Some(batch) = bytes.get(..header.total) else { return Ok(None) };
        let step = self.judge(&header, batch, check).map_err(|f| f.at(&self.place, self.position))?;
        self.position = header.next_offset();
        self.begun = true;
        Ok(Some((header, step)))
    }

    /// How many bytes from the start of `bytes` are needed before another batch can be judged.
    ///
    /// # Errors
    /// As [`Sieve::next`].
    pub fn needed(&self, bytes: &[u8]) -> Result<usize> {
        let header = Header::parse(bytes).map_err(|f| f.at(&self.place, self.position))?;
        Ok(header.map_or(HEADER_BYTES, |h| h.total))
    }

    fn judge(&mut self, header: &Header, batch: &[u8], check: bool) -> Result<Step, Fault> {
        if check {
            header.check_crc(batch)?;
        }
        if self.contiguous && header.base_offset != self.position {
            let found = header.base_offset;
            return Err(Fault(format!("it says it begins at offset {found}, after one that ends elsewhere").into()));
        }
        if self.begun && header.base_offset < self.position {
            let found = header.base_offset;
            return Err(Fault(format!("it says it begins at offset {found}, before the one before it ends").into()));
        }
        let hidden = self.committed && self.follow(header, batch)?;
        if hidden || header.is_control() || header.count == 0 || header.last_offset() < self.slice.start {
            // Nobody will look at it again: a header that lies must not hide records.
            if !check {
                header.check_crc(batch)?;
            }
            return Ok(Step::Skip);
        }
        let inside = header.base_offset >= self.slice.start && header.last_offset() < self.slice.end;
        Ok(if inside && self.want == Want::default() { Step::Count } else { Step::Open })
    }

    /// Follows transactions through one batch; whether its records belong to an aborted one.
    fn follow(&mut self, header: &Header, batch: &[u8]) -> Result<bool, Fault> {
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
