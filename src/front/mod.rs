//! The ways in: shell, scripts, saved queries, the demo, the server. Each is a thin skin over a session.

pub mod cli;
pub mod demo;
pub mod http;
pub mod saved;
pub mod script;
pub mod shell;
pub mod show;
pub mod start;
