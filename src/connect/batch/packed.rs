//! Batches that were read and not opened yet: whoever wants the records opens them, on a thread of their own.

use arrow::buffer::Buffer;
use bytes::Bytes;

use super::columns::Columns;
use super::sieve::{Sieve, Step};
use super::{Header, Place};
use crate::connect::{Range, RawRecords, Want};
use crate::error::Result;

/// Batches of one partition in the log's order.
#[derive(Debug)]
pub struct Packed {
    place: Place,
    slice: Range,
    want: Want,
    bytes: Bytes,
    batches: Vec<Batch>,
    size: u64,
    records: usize,
}

#[derive(Debug)]
struct Batch {
    header: Header,
    /// Where it begins in the bytes.
    at: usize,
    step: Step,
}

impl Packed {
    /// Takes those batches at the start of `bytes` that pass `sieve`, until more than `most` bytes of them are taken
    /// or the slice is done; what was taken, if anything, and how many bytes were gone through. An incomplete batch at
    /// the end is left.
    ///
    /// # Errors
    /// A batch that cannot be read, with topic, partition and offset.
    pub fn take(sieve: &mut Sieve, bytes: &Bytes, most: usize) -> Result<(Option<Packed>, usize)> {
        let (mut at, mut size, mut records) = (0, 0, 0_usize);
        let mut batches = Vec::new();
        while !sieve.is_done() && size < most {
            let Some((header, step)) = sieve.next(bytes.get(at..).unwrap_or(&[]), false)? else { break };
            let total = header.total;
            if step != Step::Skip {
                size += total;
                records = records.saturating_add(header.count);
                batches.push(Batch { header, at, step });
            }
            at += total;
        }
        if batches.is_empty() {
            return Ok((None, at));
        }
        let packed = Packed {
            place: sieve.place().clone(),
            slice: sieve.slice(),
            want: sieve.want(),
            bytes: bytes.slice(..at),
            batches,
            size: size as u64,
            records,
        };
        Ok((Some(packed), at))
    }

    /// At most this many records come out.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Checks, decompresses and walks the batches.
    ///
    /// # Errors
    /// A batch that cannot be read, with topic, partition and offset.
    pub fn open(self) -> Result<RawRecords> {
        let whole = Buffer::from(self.bytes.clone());
        let mut columns = Columns::within(whole);
        let walks = self.batches.iter().any(|b| b.step == Step::Open);
        if walks {
            let bytes = usize::try_from(self.size).unwrap_or(0).saturating_mul(3);
            columns.reserve(self.records.min(self.bytes.len()), bytes, self.want);
        }
        for Batch { header, at, step } in &self.batches {
            let batch = self.bytes.get(*at..).and_then(|b| b.get(..header.total)).unwrap_or(&[]);
            let opened = header.check_crc(batch).and_then(|()| match step {
                Step::Skip => Ok(()),
                Step::Count => {
                    columns.len += header.count;
                    Ok(())
                }
                Step::Open => columns.add(header, batch, *at, &self.slice, self.want),
            });
            opened.map_err(|f| f.at(&self.place, header.base_offset))?;
        }
        columns.bytes = usize::try_from(self.size).unwrap_or(usize::MAX);
        columns.finish(self.place.partition, self.want)
    }
}
