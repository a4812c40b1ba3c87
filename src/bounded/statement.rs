//! What every scan of one statement shares: one snapshot of end offsets per topic, the settings in force, the counts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::bounded::receipt::{Progress, TopicReceipt};
use crate::bounded::usage::Usage;
use crate::catalog::shape::Sampled;
use crate::connect::{Connector, Isolation, Range};
use crate::error::Result;
use crate::registry::Registry;

/// What becomes of a record that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Its row stays, its columns NULL.
    Null,
    /// Its row is left out.
    Skip,
    /// It ends the query.
    Fail,
}

/// One running statement.
#[derive(Debug)]
pub struct Statement {
    /// Where topics are.
    pub connector: Arc<dyn Connector>,
    /// Where schemas are, if anywhere.
    pub registry: Option<Arc<dyn Registry>>,
    /// Transaction visibility.
    pub isolation: Isolation,
    /// The policy for bad records.
    pub on_error: OnError,
    /// Rows per batch.
    pub batch_rows: usize,
    /// Threads for reading, and streams for decoding.
    pub threads: usize,
    /// What the plan needs of each column, and whether order matters; set once the plan is known.
    pub usage: OnceLock<Usage>,
    snapshots: tokio::sync::Mutex<HashMap<Arc<str>, Arc<Vec<Range>>>>,
    scans: Mutex<Vec<Arc<ScanCounts>>>,
}

impl Statement {
    /// A statement that has read nothing yet.
    pub fn new(
        connector: Arc<dyn Connector>,
        registry: Option<Arc<dyn Registry>>,
        isolation: Isolation,
        on_error: OnError,
        batch_rows: usize,
        threads: usize,
    ) -> Self {
        Statement {
            connector,
            registry,
            isolation,
            on_error,
            batch_rows,
            threads: threads.max(1),
            usage: OnceLock::new(),
            snapshots: tokio::sync::Mutex::default(),
            scans: Mutex::default(),
        }
    }

    /// The offsets of `topic` for this statement: taken at the first call, the same ever after.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub async fn snapshot(&self, topic: &Arc<str>) -> Result<Arc<Vec<Range>>> {
        let mut snapshots = self.snapshots.lock().await;
        if let Some(found) = snapshots.get(topic) {
            return Ok(Arc::clone(found));
        }
        let taken = Arc::new(self.connector.ranges(topic, self.isolation).await?);
        snapshots.insert(Arc::clone(topic), Arc::clone(&taken));
        Ok(taken)
    }

    /// Registers a scan for the receipt.
    pub fn add_scan(&self, counts: ScanCounts) -> Arc<ScanCounts> {
        let counts = Arc::new(counts);
        self.scans.lock().push(Arc::clone(&counts));
        counts
    }

    /// One entry per scan, in the order they were planned.
    pub fn receipts(&self) -> Vec<TopicReceipt> {
        self.scans.lock().iter().map(|s| s.receipt()).collect()
    }

    /// Where all scans stand together.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for scan in self.scans.lock().iter() {
            progress.done += scan.passed.load(Ordering::Relaxed).min(scan.to_pass);
            progress.total += scan.to_pass;
            progress.bytes += scan.bytes.load(Ordering::Relaxed);
        }
        progress
    }
}

/// What one scan has counted.
#[derive(Debug, Default)]
pub struct ScanCounts {
    /// The topic.
    pub topic: Arc<str>,
    /// The snapshot's width over all partitions.
    pub in_range: u64,
    /// Partitions of the topic.
    pub partitions: usize,
    /// What is read.
    pub slices: Vec<Range>,
    /// Width of the slices together.
    pub to_pass: u64,
    /// Offsets passed.
    pub passed: AtomicU64,
    /// Records delivered by the reader.
    pub scanned: AtomicU64,
    /// Bytes read.
    pub bytes: AtomicU64,
    /// Null values seen.
    pub tombstones: AtomicU64,
    /// Values decoded.
    pub decoded: AtomicU64,
    /// Records that could not be decoded.
    pub undecodable: AtomicU64,
    /// Whether values are looked at, so that tombstones are known.
    pub sees_values: bool,
    /// Whether values are decoded, so that undecodable records are known.
    pub decodes: bool,
    /// What the topic's columns were inferred from.
    pub inferred: Option<Sampled>,
}

impl ScanCounts {
    fn receipt(&self) -> TopicReceipt {
        TopicReceipt {
            topic: self.topic.to_string(),
            scanned: self.scanned.load(Ordering::Relaxed),
            in_range: self.in_range,
            partitions_read: self.slices.len(),
            partitions: self.partitions,
            offsets: self.slices.iter().map(|s| (s.partition, s.start, s.end)).collect(),
            bytes: self.bytes.load(Ordering::Relaxed),
            tombstones: self.sees_values.then(|| self.tombstones.load(Ordering::Relaxed)),
            undecodable: self.decodes.then(|| self.undecodable.load(Ordering::Relaxed)),
            decoded: self.decoded.load(Ordering::Relaxed),
            inferred: self.inferred,
        }
    }
}

/// How many offsets the slices cover.
pub fn width(slices: &[Range]) -> u64 {
    slices.iter().map(|s| u64::try_from(s.end.saturating_sub(s.start)).unwrap_or(0)).sum()
}
