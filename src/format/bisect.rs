//! Finds the records that cannot be decoded.
