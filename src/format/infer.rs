//! Columns from a sample of records.
