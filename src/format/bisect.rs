//! Recovery for decoders that cannot say which record was bad: try a segment, and cut it where it fails. Knows neither
//! formats nor Arrow types.
//!
//! ```text
//!   rows   g g g g B g g b g        B: refused by push     b: makes finish fail
//!   try   [g g g g B                decoder thrown away, B is an error
//!   again [g g g g]                 kept
//!   try             [g g b g]       finish fails: decoder thrown away, cut in two
//!   then            [g g] [b g]     … until b stands alone
//! ```
//! A row is pushed at most twice, plus once per halving around it, so `n` rows cost at most `O(n log n)` pushes whatever
//! they hold.

use arrow::array::RecordBatch;

use crate::error::Result;

/// A decoder of several records into one batch. After any error it is thrown away.
pub trait Segment {
    /// Adds one record.
    ///
    /// # Errors
    /// The sentence that says why this record is bad.
    fn push(&mut self, payload: &[u8]) -> Result<(), String>;

    /// The records pushed since the last call, one row each.
    ///
    /// # Errors
    /// The sentence that says why one of them is bad, without knowing which.
    fn finish(&mut self) -> Result<RecordBatch, String>;
}

/// What could be read, in ascending order of rows.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Good rows, and the batch that holds them in this order.
    pub batches: Vec<(Vec<u32>, RecordBatch)>,
    /// Bad rows, each with its reason.
    pub errors: Vec<(u32, String)>,
}

/// Decodes `rows`, whose bytes `payload` gives. `slot` keeps the decoder between calls; `make` builds a new one.
///
/// # Errors
/// Only those of `make`.
pub fn decode<'a, S: Segment>(
    slot: &mut Option<S>,
    make: impl Fn() -> Result<S>,
    rows: &[u32],
    payload: impl Fn(u32) -> &'a [u8],
) -> Result<Recovered> {
    let mut recovered = Recovered::default();
    let mut pending: Vec<std::ops::Range<usize>> = std::iter::once(0..rows.len()).collect();
    while let Some(range) = pending.pop() {
        let segment = rows.get(range.clone()).unwrap_or_default();
        if segment.is_empty() {
            continue;
        }
        let mut decoder = match slot.take() {
            Some(decoder) => decoder,
            None => make()?,
        };
        let failed =
            segment.iter().enumerate().find_map(|(at, row)| decoder.push(payload(*row)).err().map(|e| (at, e)));
        if let Some((at, reason)) = failed {
            let bad = range.start + at;
            pending.push(bad + 1..range.end);
            if at == 0 {
                recovered.errors.extend(segment.first().map(|row| (*row, reason)));
            } else {
                // The rows before it come first; the bad row stands alone then, and fails again.
                pending.push(bad..bad + 1);
                pending.push(range.start..bad);
            }
            continue;
        }
        match (decoder.finish(), segment) {
            (Ok(batch), _) => {
                recovered.batches.push((segment.to_vec(), batch));
                *slot = Some(decoder);
            }
            (Err(reason), [row]) => recovered.errors.push((*row, reason)),
            (Err(_), _) => {
                let middle = range.start + segment.len() / 2;
                pending.push(middle..range.end);
                pending.push(range.start..middle);
            }
        }
    }
    Ok(recovered)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, UInt8Array};
    use arrow::datatypes::UInt8Type;
    use proptest::prelude::*;

    use super::*;

    /// Payload byte 255 is refused by `push`, 254 makes `finish` fail; a decoder that failed misreads everything after.
    struct Fragile<'c> {
        rows: Vec<u8>,
        broken: bool,
        pushes: &'c Cell<usize>,
    }

    impl Segment for Fragile<'_> {
        fn push(&mut self, payload: &[u8]) -> Result<(), String> {
            self.pushes.set(self.pushes.get() + 1);
            let byte = payload[0];
            self.rows.push(if self.broken { 0 } else { byte });
            if byte == 255 {
                self.broken = true;
                return Err("push".into());
            }
            Ok(())
        }

        fn finish(&mut self) -> Result<RecordBatch, String> {
            if self.rows.contains(&254) {
                self.broken = true;
                return Err("finish".into());
            }
            let column = Arc::new(UInt8Array::from(std::mem::take(&mut self.rows))) as ArrayRef;
            Ok(RecordBatch::try_from_iter([("x", column)]).unwrap())
        }
    }

    fn check(bytes: &[u8]) -> usize {
        let pushes = Cell::new(0);
        let make = || Ok(Fragile { rows: Vec::new(), broken: false, pushes: &pushes });
        let rows: Vec<u32> = (0..bytes.len() as u32).collect();
        let got = decode(&mut None, make, &rows, |r| &bytes[r as usize..=r as usize]).unwrap();
        let mut good = Vec::new();
        for (rows, batch) in &got.batches {
            assert_eq!(rows.len(), batch.num_rows());
            let values = batch.column(0).as_primitive::<UInt8Type>().values().to_vec();
            good.extend(rows.iter().copied().zip(values));
        }
        let expect = |want: &dyn Fn(u8) -> bool| -> Vec<(u32, u8)> {
            (0u32..).zip(bytes.iter().copied()).filter(|(_, b)| want(*b)).collect()
        };
        assert_eq!(good, expect(&|b| b < 254));
        let errors: Vec<u32> = got.errors.iter().map(|e| e.0).collect();
        assert_eq!(errors, expect(&|b| b >= 254).into_iter().map(|e| e.0).collect::<Vec<_>>());
        pushes.get()
    }

    proptest! {
        #[test]
        fn exactly_the_good_rows_and_one_error_per_bad_one(bytes in prop::collection::vec(250u8..=255, 0..200)) {
            check(&bytes);
        }
    }

    #[test]
    fn a_batch_full_of_bad_records_is_not_quadratic() {
        for byte in [254, 255] {
            assert!(check(&[byte; 1024]) <= 1024 * 12);
        }
        let mixed: Vec<u8> = (0..1024u32).map(|i| if i % 2 == 0 { 1 } else { 255 }).collect();
        assert!(check(&mixed) <= 1024 * 3);
    }
}
