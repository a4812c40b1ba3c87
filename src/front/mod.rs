//! The ways in.

pub mod cli;
pub mod demo;
pub mod http;
pub mod saved;
pub mod script;
pub mod shell;
pub mod show;
pub mod start;
