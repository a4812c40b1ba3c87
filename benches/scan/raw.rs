//! What weir is measured against: rdkafka's `BaseConsumer`, one client, a queue and a thread per partition, tuned.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::Result;
use crate::topics::PARTITIONS;

const PATIENCE: Duration = Duration::from_secs(60);

/// Reads the whole topic, touching every key and value; returns how many records there were.
///
/// # Errors
/// The consumer's; a partition that does not end.
pub fn consume(bootstrap: &str, topic: &str) -> Result<u64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "weir-bench")
        .set("client.id", "weir-bench")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10")
        .set("fetch.queue.backoff.ms", "2")
        .set("fetch.message.max.bytes", "262144")
        .set("queued.min.messages", "100000")
        .create()?;
    let consumer = Arc::new(consumer);
    let mut partitions = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        partitions.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&partitions)?;
    let queues: Vec<_> = (0..PARTITIONS).filter_map(|p| consumer.split_partition_queue(topic, p)).collect();
    if queues.len() != PARTITIONS as usize {
        return Err("a partition has no queue".into());
    }
    let (records, bytes, ended) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let failed = AtomicBool::new(false);
    let take = |message: std::result::Result<rdkafka::message::BorrowedMessage<'_>, KafkaError>| match message {
        Ok(message) => {
            records.fetch_add(1, Ordering::Relaxed);
            let size = message.key_len() + message.payload_len();
            bytes.fetch_add(size as u64, Ordering::Relaxed);
            true
        }
        Err(KafkaError::PartitionEOF(_)) => {
            ended.fetch_add(1, Ordering::Relaxed);
            false
        }
        Err(e) => {
            eprintln!("rdkafka: {e}");
            failed.store(true, Ordering::Relaxed);
            false
        }
    };
    std::thread::scope(|scope| {
        let take = &take;
        for queue in &queues {
            scope.spawn(move || {
                while let Some(message) = queue.poll(PATIENCE) {
                    if !take(message) {
                        break;
                    }
                }
            });
        }
        // What arrived before its partition had a queue of its own lies here.
        while let Some(message) = consumer.poll(Duration::ZERO) {
            take(message);
        }
    });
    if failed.into_inner() || ended.into_inner() < PARTITIONS as u64 {
        return Err(format!("{topic} was not read to its end").into());
    }
    eprintln!("{} bytes", bytes.into_inner());
    // The process ends next; closing the client first would take time in which nothing is read.
    std::mem::forget((queues, consumer));
    Ok(records.into_inner())
}
