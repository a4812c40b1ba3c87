//! Orders as framed Avro.

use std::sync::Arc;

use weir::catalog::shape;
