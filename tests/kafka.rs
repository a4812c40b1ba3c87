//! The Kafka connector against a real broker. `tests/kafka/run` starts one and names its listeners in `WEIR_TEST_KAFKA`
//! and its like; `security` goes through the listeners, `cluster` starts brokers of its own and loses them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "kafka/cluster.rs"]
mod cluster;
#[path = "kafka/security.rs"]
mod security;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray};
use bytes::Bytes;
use futures::executor::block_on;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use weir::connect::kafka::Kafka;
use weir::connect::{Connector, Event, Isolation, NewRecord, NewTopic, Range, ReadRequest, RecordStream, Want};
use weir::error::{Error, Kind};

const WAIT: Duration = Duration::from_secs(30);
const EVERYTHING: Want = Want { positions: true, keys: true, values: true, headers: true, tombstones: true };
const NOTHING: Want = Want { positions: false, keys: false, values: false, headers: false, tombstones: false };

fn broker() -> String {
    std::env::var("WEIR_TEST_KAFKA").expect("WEIR_TEST_KAFKA=host:port names no broker: use tests/kafka/run")
}

fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

fn kafka() -> Kafka {
    client(&[("bootstrap.servers", &broker())])
}

/// A connector with these properties, and with the reader that `WEIR_TEST_READER` names: all tests hold for both.
fn client(pairs: &[(&str, &str)]) -> Kafka {
    let mut properties = properties(pairs);
    properties
        .extend(std::env::var("WEIR_TEST_READER").ok().map(|reader| (weir::connect::kafka::READER.into(), reader)));
    Kafka::new(properties).unwrap()
}

/// Whether librdkafka reads.
fn through_librdkafka() -> bool {
    std::env::var("WEIR_TEST_READER").is_ok_and(|reader| reader == "librdkafka")
}

async fn make(kafka: &Kafka, name: &str, partitions: i32, config: &[(&str, &str)]) {
    let topic = NewTopic { name: name.into(), partitions, replicas: 1, config: properties(config) };
    kafka.create_topic(topic).await.unwrap();
}

fn record(partition: i32, key: Option<&str>, value: Option<&str>) -> NewRecord {
    NewRecord {
        partition: Some(partition),
        key: key.map(|k| Bytes::copy_from_slice(k.as_bytes())),
        value: value.map(|v| Bytes::copy_from_slice(v.as_bytes())),
        ..NewRecord::default()
    }
}

/// Writes values to one partition, in one transaction when there are several.
async fn write(kafka: &Kafka, topic: &str, partition: i32, values: &[&str]) {
    let mut writer = kafka.writer(topic).await.unwrap();
    writer.append(values.iter().map(|v| record(partition, Some(v), Some(v))).collect()).await.unwrap();
    assert_eq!(writer.commit().await.unwrap(), values.len() as u64);
}

fn plain_producer() -> BaseProducer {
    ClientConfig::new().set("bootstrap.servers", broker()).set("batch.num.messages", "100").create().unwrap()
}

fn produce(topic: &str, partition: i32, count: usize, size: usize) {
    let producer = plain_producer();
    let value = "v".repeat(size);
    for n in 0..count {
        let key = n.to_string();
        let mut next = BaseRecord::to(topic).partition(partition).key(&key).payload(&value);
        while let Err((_, back)) = producer.send(next) {
            next = back;
            producer.poll(Duration::from_millis(20));
        }
    }
    producer.flush(WAIT).unwrap();
}

/// A transaction left open until the producer is asked to end it.
fn open_transaction(topic: &str, partition: i32, values: &[&str]) -> BaseProducer {
    let id = format!("test-{topic}-{partition}");
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", broker()).set("transactional.id", id).create().unwrap();
    producer.init_transactions(WAIT).unwrap();
    producer.begin_transaction().unwrap();
    for value in values {
        let record = BaseRecord::<str, str>::to(topic).partition(partition).key(*value).payload(*value);
        producer.send(record).map_err(|(e, _)| e).unwrap();
    }
    producer.flush(WAIT).unwrap();
    producer
}

fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", broker()).create().unwrap()
}

fn request(topic: &str, slices: Vec<Range>, want: Want) -> ReadRequest {
    ReadRequest { topic: topic.into(), slices, want, isolation: Isolation::ReadCommitted, in_order: false, threads: 2 }
}

/// What a whole read gave.
#[derive(Debug, Default, PartialEq)]
struct Got {
    /// Partition, offset, key, value.
    rows: Vec<(i32, i64, Option<String>, Option<String>)>,
    ends: Vec<i32>,
    count: usize,
    tombstones: usize,
}

async fn next(stream: &RecordStream) -> Option<Result<Event, Error>> {
    tokio::time::timeout(Duration::from_secs(60), stream.next()).await.expect("a stream that goes on")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn collect(stream: RecordStream) -> Result<Got, Error> {
    let mut got = Got::default();
    while let Some(event) = next(&stream).await {
        match event? {
            Event::End { partition } => got.ends.push(partition),
            Event::Records(records) => {
                assert!(!got.ends.contains(&records.partition), "records after the end of a slice");
                assert!(records.len > 0, "an empty batch");
                got.count += records.len;
                got.tombstones += records.tombstones;
                for i in 0..records.offsets.as_ref().map_or(0, |o| o.len()) {
                    let cell = |c: &Option<arrow::array::BinaryViewArray>| {
                        c.as_ref().filter(|c| c.is_valid(i)).map(|c| text(c.value(i)))
                    };
                    let offset = records.offsets.as_ref().unwrap()[i];
                    got.rows.push((records.partition, offset, cell(&records.keys), cell(&records.values)));
                }
            }
        }
    }
    Ok(got)
}

async fn read_all(kafka: &Kafka, topic: &str, isolation: Isolation) -> Got {
    let slices = kafka.ranges(topic, isolation).await.unwrap();
    let request = ReadRequest { isolation, ..request(topic, slices.clone(), EVERYTHING) };
    let mut got = collect(kafka.read(request).unwrap()).await.unwrap();
    got.ends.sort_unstable();
    assert_eq!(got.ends, slices.iter().map(|s| s.partition).collect::<Vec<_>>(), "one end per slice");
    got.rows.sort();
    got
}

fn values(got: &Got) -> Vec<&str> {
    got.rows.iter().filter_map(|(_, _, _, value)| value.as_deref()).collect()
}

#[tokio::test]
async fn the_suite_of_all_connectors() {
    weir::connect::suite::run(&kafka()).await;
}

#[tokio::test]
async fn what_is_written_is_read() {
    let kafka = kafka();
    make(&kafka, "round", 3, &[("max.message.bytes", "2000000")]).await;
    let long = "x".repeat(300_000);
    let rows = [
        NewRecord {
            headers: vec![("h".into(), Some(Bytes::from_static(b"1"))), ("h".into(), None)],
            timestamp_ms: Some(1_700_000_000_123),
            ..record(0, Some("k"), Some("v"))
        },
        record(0, None, None),
        record(0, Some(""), Some("")),
        record(2, Some("a key that is longer than a view"), Some(&long)),
    ];
    let mut writer = kafka.writer("round").await.unwrap();
    writer.append(rows[..1].to_vec()).await.unwrap();
    writer.append(rows[1..].to_vec()).await.unwrap();
    assert_eq!(writer.commit().await.unwrap(), 4);

    let got = read_all(&kafka, "round", Isolation::ReadCommitted).await;
    let some = |s: &str| Some(s.to_string());
    let expected = vec![
        (0, 0, some("k"), some("v")),
        (0, 1, None, None),
        (0, 2, some(""), some("")),
        (2, 0, some("a key that is longer than a view"), Some(long)),
    ];
    assert_eq!(got.rows, expected);
    assert_eq!(got.tombstones, 1);

    let slice = vec![Range { partition: 0, start: 0, end: 1 }];
    let stream = kafka.read(request("round", slice, EVERYTHING)).unwrap();
    let Some(Ok(Event::Records(records))) = next(&stream).await else { panic!("no records") };
    assert_eq!(records.len, 1, "the slice ends where it was asked to");
    assert_eq!(records.timestamps.unwrap()[0], 1_700_000_000_123);
    let headers = records.headers.unwrap();
    assert_eq!(headers.data_type(), &weir::connect::records::header_type());
    let entries = headers.value(0);
    let entries = entries.as_struct();
    assert_eq!(entries.column(0).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("h"), Some("h")]);
    assert_eq!(entries.column(1).as_binary::<i32>().iter().collect::<Vec<_>>(), [Some(b"1".as_slice()), None]);
}

#[tokio::test]
async fn topics_come_and_go() {
    let kafka = kafka();
    assert_eq!(kafka.topic("comes").await.unwrap(), None);
    make(&kafka, "comes", 2, &[("retention.ms", "123456789")]).await;
    assert_eq!(kafka.topic("comes").await.unwrap().unwrap().partitions, 2);
    assert!(kafka.topics().await.unwrap().iter().any(|t| &*t.name == "comes" && !t.internal));
    assert_eq!(kafka.topic_config("comes").await.unwrap()["retention.ms"], "123456789");
    let again = NewTopic { name: "comes".into(), partitions: 1, replicas: 1, config: BTreeMap::new() };
    assert_eq!(kafka.create_topic(again).await.unwrap_err().message(), "topic \"comes\" is already there");
    let illegal = NewTopic { name: "not legal".into(), partitions: 1, replicas: 1, config: BTreeMap::new() };
    assert_eq!(kafka.create_topic(illegal).await.unwrap_err().message(), "topic \"not legal\" is not a legal name");
    kafka.delete_topic("comes").await.unwrap();
    assert_eq!(kafka.topic("comes").await.unwrap(), None);
    assert!(kafka.delete_topic("comes").await.is_err());
    assert!(kafka.ranges("comes", Isolation::ReadCommitted).await.is_err());
    assert!(kafka.writer("comes").await.is_err(), "writing creates no topic");
    let slice = vec![Range { partition: 0, start: 0, end: 5 }];
    let error = collect(kafka.read(request("comes", slice, NOTHING)).unwrap()).await.unwrap_err();
    let gone = "comes partition 0 is not there, or was deleted while reading";
    assert_eq!(error.message(), if through_librdkafka() { gone } else { "topic \"comes\" is not there" });
}

#[tokio::test]
async fn aborted_records_are_not_seen_and_do_not_hold_up_the_end() {
    let kafka = kafka();
    make(&kafka, "aborted", 1, &[]).await;
    write(&kafka, "aborted", 0, &["a", "b"]).await;
    let mut writer = kafka.writer("aborted").await.unwrap();
    writer.append(vec![record(0, None, Some("no")), record(0, None, Some("never"))]).await.unwrap();
    writer.abort().await.unwrap();
    let mut dropped = kafka.writer("aborted").await.unwrap();
    dropped.append(vec![record(0, None, Some("dropped")), record(0, None, Some("too"))]).await.unwrap();
    drop(dropped);
    open_transaction("aborted", 0, &["x", "y"]).abort_transaction(WAIT).unwrap();

    // The last offsets of the partition are an aborted transaction with its marker.
    let slices = settled(&kafka, "aborted").await;
    let got = collect(kafka.read(request("aborted", slices.clone(), EVERYTHING)).unwrap()).await.unwrap();
    assert_eq!(values(&got), ["a", "b"]);
    assert_eq!(got.ends, [0]);
    assert!(slices[0].end > 5, "markers take offsets: {slices:?}");
    write(&kafka, "aborted", 0, &["c", "d"]).await;
    assert_eq!(values(&read_all(&kafka, "aborted", Isolation::ReadCommitted).await), ["a", "b", "c", "d"]);
    // An old snapshot ends inside the log: the record past its end ends it.
    let got = collect(kafka.read(request("aborted", slices, EVERYTHING)).unwrap()).await.unwrap();
    assert_eq!(values(&got), ["a", "b"]);
    let all = read_all(&kafka, "aborted", Isolation::ReadUncommitted).await;
    assert!(values(&all).contains(&"x"));
}

/// Ranges once no transaction is open any more: the last stable offset has met the high watermark.
async fn settled(kafka: &Kafka, topic: &str) -> Vec<Range> {
    let deadline = Instant::now() + WAIT;
    loop {
        let committed = kafka.ranges(topic, Isolation::ReadCommitted).await.unwrap();
        if committed == kafka.ranges(topic, Isolation::ReadUncommitted).await.unwrap() {
            return committed;
        }
        assert!(Instant::now() < deadline, "a transaction stays open: {committed:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_open_transaction_ends_what_committed_readers_see() {
    let kafka = kafka();
    make(&kafka, "open", 2, &[]).await;
    write(&kafka, "open", 0, &["a", "b"]).await;
    let before = settled(&kafka, "open").await;
    let producer = open_transaction("open", 0, &["c", "d"]);
    write(&kafka, "open", 0, &["e", "f"]).await;

    let committed = kafka.ranges("open", Isolation::ReadCommitted).await.unwrap();
    assert_eq!(committed, before, "the last stable offset stands where the open transaction starts");
    let uncommitted = kafka.ranges("open", Isolation::ReadUncommitted).await.unwrap();
    assert!(uncommitted[0].end >= before[0].end + 4);
    assert_eq!(values(&read_all(&kafka, "open", Isolation::ReadCommitted).await), ["a", "b"]);
    let all = read_all(&kafka, "open", Isolation::ReadUncommitted).await;
    assert_eq!(values(&all), ["a", "b", "c", "d", "e", "f"]);

    // A committed reader sent past the last stable offset says so; it does not stop short in silence.
    let impatient = Kafka::new(properties(&[("bootstrap.servers", &broker())])).unwrap();
    let impatient = impatient.with_patience(Duration::from_millis(500));
    let error = collect(impatient.read(request("open", uncommitted, EVERYTHING)).unwrap()).await.unwrap_err();
    assert!(error.message().starts_with("open partition 0 now ends at offset 3, before"), "{}", error.message());

    producer.commit_transaction(WAIT).unwrap();
    settled(&kafka, "open").await;
    let all = read_all(&kafka, "open", Isolation::ReadCommitted).await;
    assert_eq!(values(&all), ["a", "b", "c", "d", "e", "f"]);
}

#[tokio::test]
async fn a_compacted_topic_is_read_over_its_holes() {
    let kafka = kafka();
    let config = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "1048576"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("min.compaction.lag.ms", "0"),
        ("max.compaction.lag.ms", "100"),
    ];
    make(&kafka, "compacted", 1, &config).await;
    // Records a second apart: each starts a segment of its own, and all but the last can be compacted.
    let written: i64 = 20;
    for n in 0..written {
        let mut writer = kafka.writer("compacted").await.unwrap();
        let timestamp_ms = Some(1_700_000_000_000 + n * 1000);
        let next = record(0, Some(&format!("k{}", n % 2)), Some(&format!("v{n}")));
        writer.append(vec![NewRecord { timestamp_ms, ..next }]).await.unwrap();
        writer.commit().await.unwrap();
    }
    let deadline = Instant::now() + WAIT;
    let got = loop {
        let got = read_all(&kafka, "compacted", Isolation::ReadCommitted).await;
        if (got.count as i64) < written {
            break got;
        }
        assert!(Instant::now() < deadline, "nothing was compacted in time");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let range = kafka.ranges("compacted", Isolation::ReadCommitted).await.unwrap()[0];
    assert_eq!(range.end, written, "compaction leaves the end where it was");
    let last = |key: &str| got.rows.iter().rev().find(|r| r.2.as_deref() == Some(key)).unwrap().3.clone().unwrap();
    assert_eq!((last("k0"), last("k1")), ("v18".into(), "v19".into()));
    // A slice whose last offsets were compacted away ends at the first record past it.
    let hole = (0..range.end).find(|o| got.rows.iter().all(|r| r.1 != *o)).unwrap();
    let slice = vec![Range { partition: 0, start: hole, end: hole + 1 }];
    let nothing = collect(kafka.read(request("compacted", slice, EVERYTHING)).unwrap()).await.unwrap();
    assert_eq!((nothing.count, nothing.ends), (0, vec![0]));
}

#[tokio::test]
async fn empty_partitions_and_empty_slices_end_at_once() {
    let kafka = kafka();
    make(&kafka, "sparse", 4, &[]).await;
    write(&kafka, "sparse", 2, &["only"]).await;
    for in_order in [true, false] {
        let slices = kafka.ranges("sparse", Isolation::ReadCommitted).await.unwrap();
        let request = ReadRequest { in_order, ..request("sparse", slices, EVERYTHING) };
        let mut got = collect(kafka.read(request).unwrap()).await.unwrap();
        got.ends.sort_unstable();
        assert_eq!((values(&got), got.ends.clone()), (vec!["only"], vec![0, 1, 2, 3]));
    }
    assert_eq!(collect(kafka.read(request("sparse", Vec::new(), EVERYTHING)).unwrap()).await.unwrap(), Got::default());
}

#[tokio::test]
async fn a_partition_whose_tail_is_only_control_records_ends() {
    let kafka = kafka();
    make(&kafka, "markers", 1, &[]).await;
    write(&kafka, "markers", 0, &["a", "b"]).await;
    let range = settled(&kafka, "markers").await[0];
    assert_eq!(range, Range { partition: 0, start: 0, end: 3 }, "two records and a marker");
    let tail = vec![Range { start: 2, ..range }];
    let got = collect(kafka.read(request("markers", tail, EVERYTHING)).unwrap()).await.unwrap();
    assert_eq!((got.count, got.ends), (0, vec![0]));
    assert_eq!(values(&read_all(&kafka, "markers", Isolation::ReadCommitted).await), ["a", "b"]);
}

#[tokio::test]
async fn a_log_that_no_longer_starts_at_zero() {
    let kafka = kafka();
    make(&kafka, "cut", 1, &[]).await;
    write(&kafka, "cut", 0, &["a", "b", "c", "d"]).await;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("cut", 0, Offset::Offset(2)).unwrap();
    block_on(admin().delete_records(&list, &AdminOptions::new())).unwrap();
    let ranges = settled(&kafka, "cut").await;
    assert_eq!(ranges, [Range { partition: 0, start: 2, end: 5 }]);
    assert_eq!(values(&read_all(&kafka, "cut", Isolation::ReadCommitted).await), ["c", "d"]);
    // A snapshot from before the cut: what is gone is told, not skipped.
    let old = vec![Range { partition: 0, start: 0, end: 5 }];
    let error = collect(kafka.read(request("cut", old, EVERYTHING)).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
    assert_eq!(error.message(), "cut partition 0: the records from offset 0 on are gone");
}

#[tokio::test]
async fn a_topic_deleted_in_mid_scan_is_an_error() {
    let kafka = kafka();
    make(&kafka, "doomed", 1, &[]).await;
    produce("doomed", 0, 60_000, 1000);
    let slices = kafka.ranges("doomed", Isolation::ReadCommitted).await.unwrap();
    assert_eq!(slices[0].end, 60_000);
    let stream = kafka.read(request("doomed", slices, EVERYTHING)).unwrap();
    assert!(matches!(next(&stream).await, Some(Ok(Event::Records(_)))));
    kafka.delete_topic("doomed").await.unwrap();
    let error = collect(stream).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
    let gone = "doomed partition 0 is not there, or was deleted while reading";
    assert_eq!(error.message(), if through_librdkafka() { gone } else { "topic doomed was deleted while reading" });
    assert!(error.detail().unwrap().contains("of 60000 read"), "{:?}", error.detail());
}

#[tokio::test]
async fn counting_delivers_numbers_only() {
    let kafka = kafka();
    make(&kafka, "counted", 3, &[]).await;
    for partition in 0..3 {
        produce("counted", partition, 20_000, 50);
    }
    let mut writer = kafka.writer("counted").await.unwrap();
    writer.append(vec![record(0, Some("gone"), None)]).await.unwrap();
    writer.commit().await.unwrap();
    let slices = kafka.ranges("counted", Isolation::ReadCommitted).await.unwrap();
    let stream = kafka.read(request("counted", slices.clone(), NOTHING)).unwrap();
    let mut count = 0;
    while let Some(event) = next(&stream).await {
        if let Event::Records(r) = event.unwrap() {
            assert!(r.offsets.is_none() && r.keys.is_none() && r.values.is_none() && r.headers.is_none());
            assert_eq!(r.tombstones, 0);
            count += r.len;
        }
    }
    assert_eq!(count, 60_001);
    let want = Want { tombstones: true, ..NOTHING };
    let got = collect(kafka.read(request("counted", slices.clone(), want)).unwrap()).await.unwrap();
    assert_eq!((got.count, got.tombstones), (60_001, 1));

    // In order: partitions one after the other, in the order asked, offsets without a gap.
    let order = [2, 0, 1].map(|p| slices[p]).to_vec();
    let want = Want { positions: true, ..NOTHING };
    let got = collect(kafka.read(ReadRequest { in_order: true, ..request("counted", order, want) }).unwrap()).await;
    let got = got.unwrap();
    assert_eq!(got.ends, [2, 0, 1]);
    let seen: Vec<(i32, i64)> = got.rows.iter().map(|r| (r.0, r.1)).collect();
    let all = |p: i32, n: i64| (0..n).map(move |o| (p, o));
    let expected: Vec<(i32, i64)> = all(2, 20_000).chain(all(0, 20_001)).chain(all(1, 20_000)).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_dropped_stream_stops_its_threads() {
    let kafka = kafka();
    make(&kafka, "dropped", 2, &[]).await;
    produce("dropped", 0, 30_000, 1000);
    produce("dropped", 1, 30_000, 1000);
    let slices = kafka.ranges("dropped", Isolation::ReadCommitted).await.unwrap();
    let stream = kafka.read(request("dropped", slices, EVERYTHING)).unwrap();
    assert!(matches!(next(&stream).await, Some(Ok(Event::Records(_)))));
    let dropped = Instant::now();
    drop(stream);
    let deadline = dropped + Duration::from_secs(5);
    while reading_threads("dropped") > 0 {
        assert!(Instant::now() < deadline, "reading threads outlive their stream");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Threads of this process that read `topic`.
fn reading_threads(topic: &str) -> usize {
    let name = format!("read {topic}\n");
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.filter(|t| std::fs::read_to_string(t.as_ref().unwrap().path().join("comm")).is_ok_and(|c| c == name)).count()
}

#[tokio::test]
async fn offsets_by_time() {
    let kafka = kafka();
    make(&kafka, "timed", 2, &[]).await;
    let now = 1_700_000_000_000;
    let mut writer = kafka.writer("timed").await.unwrap();
    let at = |ms: i64| NewRecord { timestamp_ms: Some(now + ms), ..record(0, Some("k"), Some("v")) };
    writer.append(vec![at(0), at(100), at(50), at(200)]).await.unwrap();
    writer.commit().await.unwrap();
    for (ms, offset) in [(-1, Some(0)), (0, Some(0)), (1, Some(1)), (100, Some(1)), (101, Some(3)), (200, Some(3))] {
        assert_eq!(kafka.offsets_at("timed", now + ms).await.unwrap(), [(0, offset), (1, None)], "{ms}");
    }
    assert_eq!(kafka.offsets_at("timed", -5).await.unwrap(), [(0, Some(0)), (1, None)]);
}

#[tokio::test]
async fn keys_go_where_java_sends_them() {
    let kafka = kafka();
    make(&kafka, "keyed", 12, &[]).await;
    let mut writer = kafka.writer("keyed").await.unwrap();
    writer.append(vec![NewRecord { partition: None, ..record(0, Some("100:48069"), Some("v")) }]).await.unwrap();
    writer.commit().await.unwrap();
    let got = read_all(&kafka, "keyed", Isolation::ReadCommitted).await;
    assert_eq!(got.rows.iter().map(|r| r.0).collect::<Vec<_>>(), [9]);
}

#[tokio::test]
async fn what_cannot_be_written_says_why() {
    let kafka = kafka();
    make(&kafka, "refused", 2, &[("max.message.bytes", "1000")]).await;
    let mut writer = kafka.writer("refused").await.unwrap();
    let error = writer.append(vec![record(7, None, None)]).await.unwrap_err();
    assert_eq!(error.message(), "topic \"refused\" has no partition 7");
    let mut writer = kafka.writer("refused").await.unwrap();
    let noise: String =
        (0..5000u32).map(|n| char::from(33 + (n.wrapping_mul(2_654_435_761) >> 24) as u8 % 90)).collect();
    writer.append(vec![record(0, None, Some("fits")), record(0, None, Some(&noise))]).await.unwrap();
    let error = writer.commit().await.unwrap_err();
    assert_eq!(error.message(), "a record is larger than topic \"refused\" takes");
    settled(&kafka, "refused").await;
    assert_eq!(read_all(&kafka, "refused", Isolation::ReadCommitted).await.count, 0, "all or nothing");
}

#[tokio::test]
async fn nobody_joins_or_commits_to_a_group() {
    let kafka = Kafka::new(properties(&[("bootstrap.servers", &broker()), ("group.id", "theirs")])).unwrap();
    make(&kafka, "groupless", 1, &[]).await;
    write(&kafka, "groupless", 0, &["a", "b"]).await;
    read_all(&kafka, "groupless", Isolation::ReadCommitted).await;
    let consumer: rdkafka::consumer::BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", broker()).create().unwrap();
    let groups = rdkafka::consumer::Consumer::fetch_group_list(&consumer, None, WAIT).unwrap();
    let names: Vec<&str> = groups.groups().iter().map(|g| g.name()).collect();
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn every_codec_is_read() {
    let kafka = kafka();
    for codec in ["uncompressed", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("codec-{codec}");
        // The broker compresses what comes, however it came.
        make(&kafka, &topic, 1, &[("compression.type", codec)]).await;
        produce(&topic, 0, 3_000, 100);
        let got = read_all(&kafka, &topic, Isolation::ReadCommitted).await;
        assert_eq!(got.rows.len(), 3_000, "{codec}");
        for (n, (_, offset, key, value)) in (0..).zip(&got.rows) {
            assert_eq!((*offset, key.as_deref()), (n, Some(n.to_string().as_str())), "{codec}");
            assert_eq!(value.as_ref().map(String::len), Some(100), "{codec}");
        }
    }
}
