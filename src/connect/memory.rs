//! In-process topics.
