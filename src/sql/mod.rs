//! Text to statements. Pure: no I/O, no clock, no async.

pub mod params;
