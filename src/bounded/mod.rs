//! Queries that end: topics as DataFusion tables. Knows connectors, formats and shapes; nothing of sessions or fronts.
//!
//! [`table`] is the provider, [`mod@column`] its columns, [`prune`] turns predicates into partitions and offsets, [`scan`] is the
//! plan node, `stream` what it runs, [`rows`] turns raw records into batches, [`tail`] finds the newest n, [`sink`] is the way in, [`usage`] reads
//! from a plan how much of each column it needs, [`statement`] is what all scans of one
//! statement share, [`receipt`] what they say of themselves, and [`mod@plan_error`] turns DataFusion's errors into ours.

pub mod column;
pub mod plan_error;
pub mod prune;
pub mod receipt;
pub mod rows;
pub mod scan;
pub mod sink;
pub mod statement;
mod stream;
pub mod table;
pub mod tail;
pub mod usage;

use datafusion::error::DataFusionError;

use crate::error::Error;

/// Our error inside DataFusion's; [`plan_error`] takes it out again.
pub fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
