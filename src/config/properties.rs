//! Kafka client properties from flags, files and the environment.
