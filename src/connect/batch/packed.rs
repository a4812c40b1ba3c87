//! Batches that were read and not opened yet: whoever wants the records opens them, on a thread of their own.

use arrow::buffer::Buffer;
use bytes::Bytes;

use super::columns::Columns;
use super::sieve::{Sieve, Step};
use super::{Header, Place};
use crate::connect::{Range, RawRecords, Want};
use crate::error::{Error, Result};

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

/// Batches of this many bytes are opened together, unless a single one is larger.
pub const PARCEL_BYTES: usize = 512 << 10;

/// The error of the first of `batches` whose checksum does not fit.
fn first_damaged(place: &Place, bytes: &Bytes, batches: &[Batch]) -> Option<Error> {
    batches.iter().find_map(|b| {
        let fault = b.header.check_crc(bytes.get(b.at..).unwrap_or(&[])).err()?;
        Some(fault.at(place, b.header.base_offset))
    })
}

impl Packed {
    /// Takes all batches of `bytes` that pass `sieve`, some at a time; returns what is left at the end, which is less
    /// than a batch, or not of the slice. `each` says whether to go on.
    ///
    /// # Errors
    /// A batch that cannot be read, with topic, partition and offset.
    pub fn take_all(sieve: &mut Sieve, mut bytes: Bytes, mut each: impl FnMut(Packed) -> bool) -> Result<Bytes> {
        loop {
            let (packed, used) = Self::take(sieve, &bytes)?;
            bytes = bytes.slice(used..);
            if !packed.is_none_or(&mut each) || used == 0 || sieve.is_done() {
                return Ok(bytes);
            }
        }
    }

    /// Takes those batches at the start of `bytes` that pass `sieve`, until there are [`PARCEL_BYTES`] or the slice is
    /// done; what was taken, if anything, and how many bytes were gone through. An incomplete batch at
    /// the end is left.
    ///
    /// # Errors
    /// A batch that cannot be read, with topic, partition and offset.
    fn take(sieve: &mut Sieve, bytes: &Bytes) -> Result<(Option<Packed>, usize)> {
        let (mut at, mut size, mut records) = (0, 0, 0_usize);
        let mut batches = Vec::new();
        while !sieve.is_done() && size < PARCEL_BYTES {
            let next = sieve.next(bytes.get(at..).unwrap_or(&[]), false);
            // What looks wrong here may only be the wrong place, because of a batch before it.
            let next = next.map_err(|error| first_damaged(sieve.place(), bytes, &batches).unwrap_or(error));
            let Some((header, step)) = next? else { break };
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

    /// Checks, decompresses and walks the batches.
    ///
    /// # Errors
    /// A batch that cannot be read, with topic, partition and offset.
    pub fn open(self) -> Result<RawRecords> {
        let whole = Buffer::from(self.bytes.clone());
        let mut columns = Columns::within(whole);
        let walks = self.batches.iter().any(|b| b.step == Step::Open);
        if walks {
            let bytes = usize::try_from(self.size).unwrap_or(0).saturating_mul(4);
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
