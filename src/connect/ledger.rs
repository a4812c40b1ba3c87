//! What the batches of one partition say about its offsets and transactions. Knows headers only, not where they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::batch::{Aborted, Control, Header};
use super::{Isolation, Range};

/// A transaction that was taken back: its records lie in `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// The producer.
    pub producer_id: i64,
    /// Its first record's offset.
    pub first: i64,
    /// The marker's offset.
    pub last: i64,
}

/// Start, end, open and aborted transactions of one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Log start offset.
    pub start: i64,
    /// One past the last offset.
    pub end: i64,
    /// First offset of each open transaction, by producer.
    pub open: BTreeMap<i64, i64>,
    /// Aborted transactions, in the order of their markers.
    pub aborted: Vec<Undone>,
}

impl Ledger {
    /// Takes the next batch into account; `control` is what it says when it is a marker.
    pub fn apply(&mut self, header: &Header, control: Option<Control>) {
        let producer_id = header.producer_id;
        match control {
            None if header.is_transactional() => {
                self.open.entry(producer_id).or_insert(header.base_offset);
            }
            None | Some(Control::Other) => {}
            Some(Control::Commit) => {
                self.open.remove(&producer_id);
            }
            Some(Control::Abort) => {
                if let Some(first) = self.open.remove(&producer_id) {
                    self.aborted.push(Undone { producer_id, first, last: header.last_offset() });
                }
            }
        }
        self.end = header.next_offset();
    }

    /// One past the last offset a committed reader may see. `settled` producers have decided to commit even where
    /// their marker is still missing.
    pub fn stable(&self, settled: &[i64]) -> i64 {
        self.open.iter().filter(|(id, _)| !settled.contains(id)).map(|(_, first)| *first).min().unwrap_or(self.end)
    }

    /// The offsets a reader of `isolation` may see.
    pub fn range(&self, partition: i32, isolation: Isolation, settled: &[i64]) -> Range {
        let end = match isolation {
            Isolation::ReadCommitted => self.stable(settled),
            Isolation::ReadUncommitted => self.end,
        };
        Range { partition, start: self.start.min(end), end }
    }

    /// The aborted transactions a reader of `range` meets.
    pub fn aborted_in(&self, range: &Range) -> Vec<Aborted> {
        self.aborted
            .iter()
            .filter(|t| t.first < range.end && t.last >= range.start)
            .map(|t| Aborted { first_offset: t.first, producer_id: t.producer_id })
            .collect()
    }

    /// Whether the batch of `header` belongs to an aborted transaction.
    pub fn is_aborted(&self, header: &Header) -> bool {
        header.is_transactional()
            && self
                .aborted
                .iter()
                .any(|t| t.producer_id == header.producer_id && (t.first..=t.last).contains(&header.base_offset))
    }
}
