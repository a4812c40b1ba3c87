//! Declared streams.
