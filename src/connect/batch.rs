//! Kafka record batches, format v2: walk them and write them.
