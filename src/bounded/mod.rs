//! Queries that end.
