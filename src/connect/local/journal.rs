//! The file that makes a transaction over several partitions one: those that have decided to commit and whose
//! markers may not all be written yet.
//!
//! ```text
//!   append…        fsync data      journal: prepared      markers      journal: gone
//!   ────────────────────────────────────┼──────────────────────────────────┼────────►
//!   a crash here: aborted at next open  │ a crash here: completed at next open
//! ```
//! Readers in other processes read it before and after they look at the partitions: when its generation stayed the
//! same, what they saw was one moment.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The file `transactions.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Grows with every change.
    pub(super) generation: u64,
    /// For the next transaction.
    pub(super) next_producer_id: i64,
    /// Producers whose transactions have decided to commit.
    pub(super) prepared: Vec<i64>,
}

impl Journal {
    /// Reads it; empty when there is none.
    pub(super) fn load(dir: &Path) -> Result<Journal> {
        let path = dir.join("transactions.json");
        match std::fs::read(&path) {
            Ok(text) => checked(&text).ok_or_else(|| Error::data(format!("{} is damaged", path.display()))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Journal::default()),
            Err(e) => Err(Error::io(format!("cannot read {}", path.display()), e)),
        }
    }

    /// Replaces the file by this, durably.
    pub(super) fn store(&mut self, dir: &Path) -> Result<()> {
        self.generation = self.generation.wrapping_add(1);
        replace(dir, "transactions.json", &sealed(self)?, true)
    }
}

/// `content` as a line of JSON and a line with its checksum.
pub(super) fn sealed(content: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(content).map_err(|e| Error::internal(e.to_string()))?;
    let seal = format!("\n{:08x}\n", crc32c::crc32c(&text));
    text.extend_from_slice(seal.as_bytes());
    Ok(text)
}

/// What [`sealed`] was given; `None` when the text is damaged.
pub(super) fn checked<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    let (content, seal) = text.split_at_checked(text.len().checked_sub(10)?)?;
    let right = format!("\n{:08x}\n", crc32c::crc32c(content));
    (seal == right.as_bytes()).then(|| serde_json::from_slice(content).ok()).flatten()
}

/// Replaces the file `name` in `dir` in one step.
pub(super) fn replace(dir: &Path, name: &str, content: &[u8], durable: bool) -> Result<()> {
    let (path, new) = (dir.join(name), dir.join(format!("{name}.new")));
    let failed = |e| Error::io(format!("cannot write {}", path.display()), e);
    let mut file = File::create(&new).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    if durable {
        file.sync_all().map_err(failed)?;
    }
    std::fs::rename(&new, &path).map_err(failed)?;
    if durable { sync_dir(dir) } else { Ok(()) }
}

/// Makes names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> Result<()> {
    let synced = File::open(dir).and_then(|d| d.sync_all());
    synced.map_err(|e| Error::io(format!("cannot sync {}", dir.display()), e))
}
