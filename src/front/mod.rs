//! The ways in.

pub mod saved;
