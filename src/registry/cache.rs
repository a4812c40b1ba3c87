//! One cache per process in front of a registry.
