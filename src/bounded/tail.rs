//! `LAST n`: the newest n records of a topic by timestamp. Offsets are sparse (compaction, transaction markers), so windows
//! grow backwards from each partition's end until n records that exist have been seen.

use std::collections::HashMap;
use std::sync::Arc;

use crate::connect::{Connector, Event, Isolation, Range, ReadRequest, Want};
use crate::error::{Error, Result};

/// The records to deliver.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    /// Where they are.
    pub slices: Vec<Range>,
    /// Place in the result, oldest first, by partition and offset.
    pub rank: HashMap<(i32, i64), usize>,
}

/// Finds the newest `n` records among `snapshot`.
///
/// # Errors
/// The reader's.
pub async fn newest(
    connector: &dyn Connector,
    topic: &Arc<str>,
    snapshot: &[Range],
    n: u64,
    isolation: Isolation,
) -> Result<Tail> {
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    let mut found: Vec<(i64, i32, i64)> = Vec::new();
    let mut open: Vec<(Range, i64)> = snapshot.iter().filter(|r| r.end > r.start).map(|r| (*r, window(n))).collect();
    while !open.is_empty() && n > 0 {
        let slices = open.iter().map(|(r, w)| Range { start: r.end.saturating_sub(*w).max(r.start), ..*r }).collect();
        let mut seen: HashMap<i32, Vec<(i64, i32, i64)>> = positions(connector, topic, slices, isolation).await?;
        open = open
            .into_iter()
            .filter_map(|(range, width)| {
                let records = seen.remove(&range.partition).unwrap_or_default();
                let complete = records.len() >= n || range.end.saturating_sub(width) <= range.start;
                if complete {
                    let skip = records.len().saturating_sub(n);
                    found.extend(records.into_iter().skip(skip));
                    return None;
                }
                Some((range, width.saturating_mul(4)))
            })
            .collect();
    }
    found.sort_unstable();
    let skip = found.len().saturating_sub(n);
    let chosen = found.split_off(skip);
    let mut slices: HashMap<i32, Range> = HashMap::new();
    for (_, partition, offset) in &chosen {
        let slice =
            slices.entry(*partition).or_insert(Range { partition: *partition, start: *offset, end: offset + 1 });
        slice.start = slice.start.min(*offset);
        slice.end = slice.end.max(offset + 1);
    }
    let mut slices: Vec<Range> = slices.into_values().collect();
    slices.sort_unstable_by_key(|s| s.partition);
    let rank = chosen.into_iter().enumerate().map(|(i, (_, p, o))| ((p, o), i)).collect();
    Ok(Tail { slices, rank })
}

fn window(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX).saturating_add(16)
}

/// Timestamp, partition and offset of every record in the slices, by partition and in offset order.
async fn positions(
    connector: &dyn Connector,
    topic: &Arc<str>,
    slices: Vec<Range>,
    isolation: Isolation,
) -> Result<HashMap<i32, Vec<(i64, i32, i64)>>> {
    let mut left = slices.len();
    let want = Want { positions: true, ..Want::default() };
    let request = ReadRequest { topic: Arc::clone(topic), slices, want, isolation, in_order: true, threads: 1 };
    let stream = connector.read(request)?;
    let mut seen: HashMap<i32, Vec<(i64, i32, i64)>> = HashMap::new();
    while let Some(event) = stream.next().await {
        match event? {
            Event::End { .. } => left = left.saturating_sub(1),
            Event::Records(records) => {
                let (Some(offsets), Some(timestamps)) = (&records.offsets, &records.timestamps) else { continue };
                let rows = timestamps.iter().zip(offsets.iter()).map(|(t, o)| (*t, records.partition, *o));
                seen.entry(records.partition).or_default().extend(rows);
            }
        }
    }
    if left > 0 {
        return Err(Error::internal(format!("the reader of {topic} stopped before the end of {left} partitions")));
    }
    Ok(seen)
}
