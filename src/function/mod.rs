//! Functions that weir adds to DataFusion's. Knows Arrow and DataFusion; no topics.

pub mod length;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// Every added scalar function. Those that share a name with one of DataFusion's take its place.
pub fn scalars() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::new(length::length()), Arc::new(length::octet_length())]
}
