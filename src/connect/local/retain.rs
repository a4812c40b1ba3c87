//! Retention: whole segments go when they are too old or the partition is too large.

use super::partition::Partition;
use super::segment::{self, Chunks, Index, Next};
use super::topic::Policy;
use crate::error::{Error, Result};

/// Deletes the oldest segments of `partition` that `policy` no longer keeps. What an open transaction has written
/// is always kept.
pub(super) fn retain(partition: &mut Partition, policy: &Policy, now_ms: i64) -> Result<()> {
    if policy.retention_ms.is_none() && policy.retention_bytes.is_none() {
        return Ok(());
    }
    let mut sizes = Vec::with_capacity(partition.segments.len());
    for base in &partition.segments {
        let path = segment::path(&partition.dir, *base, "log");
        let meta = std::fs::metadata(&path).map_err(|e| Error::io(format!("cannot read {}", path.display()), e))?;
        sizes.push((*base, meta.len()));
    }
    let mut total: u64 = sizes.iter().map(|s| s.1).sum();
    let stable = partition.ledger.stable(&[]);
    let mut doomed = 0;
    for (at, (base, size)) in sizes.iter().enumerate() {
        let end = sizes.get(at + 1).map_or(partition.ledger.end, |s| s.0);
        if end > stable || *size == 0 {
            break;
        }
        let expired = match policy.retention_ms {
            Some(ms) => greatest_timestamp(partition, *base, end)? < now_ms.saturating_sub(ms),
            None => false,
        };
        let active = at + 1 == sizes.len();
        let surplus = !active && policy.retention_bytes.is_some_and(|limit| total - size >= limit);
        if !expired && !surplus {
            break;
        }
        total -= size;
        doomed += 1;
    }
    if doomed == 0 {
        return Ok(());
    }
    if doomed == sizes.len() {
        partition.roll()?;
    }
    let gone: Vec<i64> = partition.segments.drain(..doomed).collect();
    partition.ledger.start = partition.segments.first().copied().unwrap_or(partition.ledger.end);
    let start = partition.ledger.start;
    partition.ledger.aborted.retain(|t| t.last >= start);
    partition.cleaned = partition.cleaned.max(start);
    partition.checkpoint()?;
    for base in gone {
        for extension in ["log", "index", "timeindex"] {
            let path = segment::path(&partition.dir, base, extension);
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io(format!("cannot delete {}", path.display()), e));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The greatest timestamp in the segment at `base`, which ends before `end`.
fn greatest_timestamp(partition: &Partition, base: i64, end: i64) -> Result<i64> {
    if let Some((greatest, last)) = Index::load(&partition.dir, base).whole
        && last.checked_add(1) == Some(end)
    {
        return Ok(greatest);
    }
    let failed = |e| Error::io(format!("cannot read segment {base} in {}", partition.dir.display()), e);
    let (file, name) = segment::open(&partition.dir, base).map_err(failed)?;
    let limit = file.metadata().map_err(failed)?.len();
    let mut chunks = Chunks::new(file, name, 0, limit);
    let mut greatest = -1;
    while let Next::Batch { header, .. } = chunks.batch()? {
        greatest = greatest.max(header.max_timestamp);
    }
    Ok(greatest)
}
