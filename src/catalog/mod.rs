//! What tables there are: declared streams, and every topic by itself. Knows topics, schemas and formats; no plans.

pub mod definitions;
pub mod shape;
