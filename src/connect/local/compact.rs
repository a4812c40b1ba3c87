//! Compaction: of the records with the same key only the newest stays, at its own offset.
//!
//! ```text
//!   before   [a1 b1 a2 | c1 ✝b c2 | …active…]          batches keep covering every offset, with holes inside,
//!   after    [      a2 |    ✝b c2 | …active…]          so that damage to offsets is still found
//! ```
//! Closed segments are rewritten one by one, oldest first, each replaced in one step; a reader that has the old file
//! open reads the old file. Tombstones stay for `delete.retention.ms` after the first compaction that meets them
//! (KIP-534). Records of finished transactions come out as plain ones, and their markers are dropped.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, AsArray};

use super::journal::sync_dir;
use super::partition::Partition;
use super::segment::{self, Chunks, Next};
use super::topic::Policy;
use crate::connect::batch::{BatchBuilder, Header, Stamp, Walker};
use crate::connect::{Isolation, Range, RawRecords, Want};
use crate::error::{Error, Result};

const BATCH_BYTES: usize = 512 << 10;

/// Compacts the closed segments of `partition` when enough of them is new.
pub(super) fn compact(partition: &mut Partition, policy: &Policy, now_ms: i64) -> Result<()> {
    let stable = partition.ledger.stable(&[]);
    let next = partition.segments.iter().skip(1);
    let closed: Vec<Range> = partition
        .segments
        .iter()
        .zip(next)
        .map(|(start, end)| Range { partition: partition.place.partition, start: *start, end: *end })
        .take_while(|r| r.end <= stable)
        .collect();
    let expired = partition.horizon.is_some_and(|horizon| horizon <= now_ms);
    if !expired && !is_due(partition, &closed, policy)? {
        return Ok(());
    }
    let mut newest: HashMap<Vec<u8>, i64> = HashMap::new();
    for segment in &closed {
        each_batch(partition, segment, |_, raw| {
            let (Some(keys), Some(offsets)) = (&raw.keys, &raw.offsets) else { return Ok(()) };
            for (row, offset) in offsets.iter().enumerate().filter(|(row, _)| keys.is_valid(*row)) {
                match newest.get_mut(keys.value(row)) {
                    Some(known) => *known = *offset,
                    None => {
                        newest.insert(keys.value(row).to_vec(), *offset);
                    }
                }
            }
            Ok(())
        })?;
    }
    let mut horizon: Option<i64> = None;
    for segment in &closed {
        let kept = rewrite(partition, segment, policy, now_ms, &newest)?;
        horizon = horizon.into_iter().chain(kept).min();
    }
    if let Some(last) = closed.last() {
        partition.cleaned = last.end;
        partition.horizon = horizon;
        partition.ledger.aborted.retain(|t| t.last >= last.end);
        partition.checkpoint()?;
    }
    Ok(())
}

fn is_due(partition: &Partition, closed: &[Range], policy: &Policy) -> Result<bool> {
    let (mut dirty, mut total) = (0u64, 0u64);
    for segment in closed {
        let path = segment::path(&partition.dir, segment.start, "log");
        let size = std::fs::metadata(&path).map_err(|e| Error::io(format!("cannot read {}", path.display()), e))?.len();
        total += size;
        if segment.end > partition.cleaned {
            dirty += size;
        }
    }
    Ok(dirty > 0 && dirty as f64 >= policy.dirty_ratio * total as f64)
}

/// Calls `act` with the visible records of each batch of a segment, and with none for the other batches.
fn each_batch(
    partition: &Partition,
    segment: &Range,
    mut act: impl FnMut(&Header, &RawRecords) -> Result<()>,
) -> Result<()> {
    let failed = |e| Error::io(format!("cannot read segment {} in {}", segment.start, partition.dir.display()), e);
    let (file, name) = segment::open(&partition.dir, segment.start).map_err(failed)?;
    let limit = file.metadata().map_err(failed)?.len();
    let mut place = partition.place.clone();
    place.file = Some(Arc::clone(&name));
    let mut chunks = Chunks::new(file, name, 0, limit);
    let want = Want { positions: true, keys: true, values: true, headers: true, tombstones: true };
    let mut position = segment.start;
    loop {
        let (header, bytes) = match chunks.batch()? {
            Next::Batch { header, bytes, .. } => (header, bytes),
            Next::Broken(fault) => return Err(fault.at(&place, position)),
            Next::End if position == segment.end => return Ok(()),
            Next::End => return Err(place.error(position, "its segment file ends before it does")),
        };
        let mut walker =
            Walker::new(place.clone(), *segment, want, Isolation::ReadUncommitted).contiguous_from(position);
        walker.feed(bytes)?;
        let none = RawRecords::counted(segment.partition, 0, 0);
        let raw = if partition.ledger.is_aborted(&header) { None } else { walker.take()? };
        act(&header, &raw.unwrap_or(none))?;
        position = header.next_offset();
    }
}

/// Batches under construction, which together cover every offset of the segment.
struct Output<'a> {
    file: File,
    policy: &'a Policy,
    base: i64,
    builder: BatchBuilder,
    horizon: Option<i64>,
}

impl Output<'_> {
    /// Ends the batch so that it covers up to `end`.
    fn flush(&mut self, end: i64) -> Result<()> {
        if end <= self.base {
            return Ok(());
        }
        let last = i32::try_from(end - 1 - self.base).map_err(|e| Error::internal(e.to_string()))?;
        let stamp = Stamp {
            delete_horizon: self.horizon.is_some(),
            last_offset_delta: Some(last),
            ..Stamp::plain(self.base, self.policy.codec)
        };
        let batch = self.builder.finish(stamp)?;
        self.file.write_all(&batch).map_err(|e| Error::io("cannot write a compacted segment", e))?;
        self.base = end;
        self.horizon = None;
        Ok(())
    }

    fn keep(&mut self, raw: &RawRecords, row: usize, offset: i64, time: i64, horizon: Option<i64>) -> Result<()> {
        let wide = offset - self.base > i64::from(i32::MAX) / 2;
        if self.builder.bytes() >= BATCH_BYTES || wide || (!self.builder.is_empty() && self.horizon != horizon) {
            self.flush(offset)?;
        }
        if self.builder.is_empty() {
            self.horizon = horizon;
            self.builder = BatchBuilder::with_time_base(horizon.unwrap_or(time));
        }
        let delta = i32::try_from(offset - self.base).map_err(|e| Error::internal(e.to_string()))?;
        let key = raw.keys.as_ref().filter(|k| k.is_valid(row)).map(|k| k.value(row));
        let value = raw.values.as_ref().filter(|v| v.is_valid(row)).map(|v| v.value(row));
        let list = raw.headers.as_ref().map(|h| h.value(row));
        let headers: Vec<(&str, Option<&[u8]>)> = list.as_ref().map_or_else(Vec::new, |list| {
            let entries = list.as_struct();
            let (names, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_binary::<i32>());
            (0..entries.len()).map(|i| (names.value(i), values.is_valid(i).then(|| values.value(i)))).collect()
        });
        self.builder.push_at(delta, time, key, value, headers.into_iter())
    }
}

/// Rewrites one segment; returns when the first tombstone that stays in it may go.
fn rewrite(
    partition: &Partition,
    segment: &Range,
    policy: &Policy,
    now_ms: i64,
    newest: &HashMap<Vec<u8>, i64>,
) -> Result<Option<i64>> {
    let path = segment::path(&partition.dir, segment.start, "log");
    let cleaned = segment::path(&partition.dir, segment.start, "log.cleaned");
    let failed = |e| Error::io(format!("cannot compact {}", path.display()), e);
    let file = File::create(&cleaned).map_err(failed)?;
    let builder = BatchBuilder::default();
    let mut first_horizon: Option<i64> = None;
    let mut output = Output { file, policy, base: segment.start, builder, horizon: None };
    each_batch(partition, segment, |header, raw| {
        let (Some(keys), Some(values), Some(offsets), Some(times)) =
            (&raw.keys, &raw.values, &raw.offsets, &raw.timestamps)
        else {
            return Ok(());
        };
        for (row, (offset, time)) in offsets.iter().zip(times.iter()).enumerate() {
            // Kafka refuses records without a key here; those that are there from before lose nothing.
            if keys.is_valid(row) && newest.get(keys.value(row)) != Some(offset) {
                continue;
            }
            let mut horizon = None;
            if values.is_null(row) {
                let until = header.delete_horizon().unwrap_or(now_ms.saturating_add(policy.delete_retention_ms));
                if until <= now_ms {
                    continue;
                }
                horizon = Some(until);
                first_horizon = first_horizon.into_iter().chain(horizon).min();
            }
            output.keep(raw, row, *offset, *time, horizon)?;
        }
        Ok(())
    })?;
    output.flush(segment.end)?;
    output.file.sync_all().map_err(failed)?;
    std::fs::rename(&cleaned, &path).map_err(failed)?;
    sync_dir(&partition.dir)?;
    partition.reindex(segment.start)?;
    Ok(first_horizon)
}
