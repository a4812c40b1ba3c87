//! Writes the orders: into Kafka through rdkafka, into the local log through its appender.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use weir::connect::batch::write::HeaderRef;
use weir::connect::kafka::Kafka;
use weir::connect::local::Local;
use weir::connect::partitioner::partition_of;
use weir::connect::{Connector, NewTopic};
use weir::registry::local::Beside;
use weir::registry::{Registry, SchemaType};

use crate::orders::{Order, SCHEMA};
use crate::{AVRO, JSON, Result};

/// Partitions of every topic.
pub const PARTITIONS: i32 = 4;

/// Records that become visible together in the local log.
const COMMIT: u64 = 200_000;

/// Where the local log is below the bench's folder.
pub fn local(dir: &Path) -> PathBuf {
    dir.join("log")
}

fn topic(name: &str) -> NewTopic {
    let config = BTreeMap::from([("compression.type".to_string(), "lz4".to_string())]);
    NewTopic { name: name.into(), partitions: PARTITIONS, replicas: 1, config }
}

/// Makes a topic and writes `records` orders to it, each as `encode` makes it.
///
/// # Errors
/// The broker's.
pub fn fill_kafka(bootstrap: &str, name: &str, records: u64, encode: impl Fn(&Order, &mut Vec<u8>)) -> Result<()> {
    let kafka = Kafka::new(BTreeMap::from([("bootstrap.servers".to_string(), bootstrap.to_string())]))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(kafka.create_topic(topic(name)))?;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("compression.type", "lz4")
        .set("linger.ms", "50")
        .set("enable.idempotence", "true")
        .create()?;
    let mut value = Vec::new();
    for order in (0..records).map(Order::new) {
        value.clear();
        encode(&order, &mut value);
        let key = order.key();
        let mut record = BaseRecord::to(name)
            .partition(partition_of(key.as_bytes(), PARTITIONS))
            .key(key.as_bytes())
            .payload(value.as_slice())
            .timestamp(order.created_at_ms);
        while let Err((error, back)) = producer.send(record) {
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                return Err(error.into());
            }
            record = back;
            producer.poll(Duration::from_millis(10));
        }
    }
    producer.flush(Duration::from_secs(300))?;
    Ok(())
}

/// Makes the local log with both topics and the schema.
///
/// # Errors
/// The disk's.
pub fn fill_local(dir: &Path, records: u64) -> Result<()> {
    let log = Arc::new(Local::open(&local(dir))?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let beside = Beside::new(Arc::clone(&log) as Arc<dyn Connector>);
    let schema = runtime.block_on(beside.register(&format!("{AVRO}-value"), SchemaType::Avro, SCHEMA))?;
    block_on(log.create_topic(topic(AVRO)))?;
    block_on(log.create_topic(topic(JSON)))?;
    append(&log, AVRO, records, |order, out| order.avro(schema, out))?;
    append(&log, JSON, records, Order::json)
}

fn append(log: &Local, name: &str, records: u64, encode: impl Fn(&Order, &mut Vec<u8>)) -> Result<()> {
    let mut value = Vec::new();
    let mut next = 0;
    while next < records {
        let end = records.min(next + COMMIT);
        let mut appender = log.appender(name)?;
        for order in (next..end).map(Order::new) {
            value.clear();
            encode(&order, &mut value);
            let key = order.key();
            let none = std::iter::empty::<HeaderRef<'_>>();
            appender.push(None, order.created_at_ms, Some(key.as_bytes()), Some(&value), none)?;
        }
        appender.commit()?;
        next = end;
    }
    Ok(())
}
