//! The ways in.

pub mod shell;
pub mod show;
