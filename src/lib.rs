//! weir: a SQL engine over Kafka topics.

#![warn(missing_docs)]
#![warn(clippy::unwrap_used, clippy::indexing_slicing, clippy::clone_on_ref_ptr)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing))]

pub mod error;

pub mod types;

pub mod sql;

pub mod registry;

pub mod config;

pub mod connect;

pub mod format;

pub mod catalog;

pub mod bounded;

pub mod session;

pub mod render;

pub mod front;
