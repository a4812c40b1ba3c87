//! What every connector must do: one suite that memory, the local log and a real Kafka pass. Uses nothing but
//! [`Connector`]. Offsets are compared only where every broker must agree on them: transactions may leave holes.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, AsArray, BinaryViewArray};
use bytes::Bytes;

use super::{Connector, Event, Isolation, NewRecord, NewTopic, Range, RawRecords, ReadRequest, Want};
use crate::error::{Error, Result};

/// Everything of a record.
pub const ALL: Want = Want { positions: true, keys: true, values: true, headers: true, tombstones: true };

/// A record as it was read; what was not wanted is `None` or empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Timestamp.
    pub timestamp: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub value: Option<Vec<u8>>,
    /// Headers in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The result of one case.
pub type Outcome<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// One case: its name and what it does.
pub type Case = (&'static str, for<'a> fn(&'a dyn Connector) -> Outcome<'a>);

/// All cases.
pub const CASES: &[Case] = &[
    ("topics are made, described and deleted", |c| Box::pin(topics(c))),
    ("a topic that is missing is not made by asking", |c| Box::pin(missing(c))),
    ("what is committed is read back", |c| Box::pin(committed(c))),
    ("what is aborted or dropped is never seen", |c| Box::pin(aborted(c))),
    ("partitions become visible together", |c| Box::pin(together(c))),
    ("an open writer hides what comes after it", |c| Box::pin(open_writer(c))),
    ("only what is wanted is delivered", |c| Box::pin(wants(c))),
    ("slices begin and end anywhere", |c| Box::pin(slices(c))),
    ("in order is in order", |c| Box::pin(in_order(c))),
    ("times find offsets", |c| Box::pin(times(c))),
    ("headers repeat and are null", |c| Box::pin(headers(c))),
    ("records without keys, chosen partitions, wrong partitions", |c| Box::pin(partitions(c))),
    ("a large statement and a large record", |c| Box::pin(large(c))),
    ("dropping the stream is safe", |c| Box::pin(dropped(c))),
];

/// Runs all cases on `connector`, each on topics of its own, which it deletes.
///
/// # Panics
/// When a case fails, naming all that did.
pub async fn run(connector: &dyn Connector) {
    let mut failures = Vec::new();
    for (name, case) in CASES {
        if let Err(error) = case(connector).await {
            failures.push(format!("{name}: {error}"));
        }
    }
    assert!(failures.is_empty(), "{} does not pass the suite:\n{}", connector.kind(), failures.join("\n"));
}

macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            return Err(Error::internal(format!($($what)+)));
        }
    };
}

/// A name no one else uses.
pub fn unique(what: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("suite-{what}-{}-{:x}-{number}", std::process::id(), now.as_nanos())
}

async fn make(c: &dyn Connector, partitions: i32) -> Result<String> {
    let name = unique("t");
    let new = NewTopic { name: name.clone(), partitions, replicas: 1, config: BTreeMap::new() };
    c.create_topic(new).await?;
    Ok(name)
}

/// A record for partition `partition`.
pub fn record(partition: i32, key: &str, value: &str) -> NewRecord {
    NewRecord {
        partition: Some(partition),
        key: Some(Bytes::copy_from_slice(key.as_bytes())),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: Vec::new(),
        timestamp_ms: Some(1_000),
    }
}

/// Appends `records` as one statement.
///
/// # Errors
/// The connector's.
pub async fn put(c: &dyn Connector, topic: &str, records: Vec<NewRecord>) -> Result<u64> {
    let mut writer = c.writer(topic).await?;
    writer.append(records).await?;
    writer.commit().await
}

/// Reads `slices` of `topic` to their ends, checking the rules of the stream: one end for each slice, offsets that
/// grow and lie inside, columns as long as they say.
///
/// # Errors
/// The connector's, or a rule that is broken.
pub async fn read(
    c: &dyn Connector,
    topic: &str,
    slices: Vec<Range>,
    want: Want,
    threads: usize,
) -> Result<Vec<RawRecords>> {
    let in_order = threads == 1;
    let isolation = Isolation::ReadCommitted;
    let request = ReadRequest { topic: topic.into(), slices: slices.clone(), want, isolation, in_order, threads };
    let stream = c.read(request)?;
    let mut open: BTreeMap<i32, Range> = slices.into_iter().map(|s| (s.partition, s)).collect();
    let mut out = Vec::new();
    while let Some(event) = stream.next().await {
        match event? {
            Event::End { partition } => {
                ensure!(open.remove(&partition).is_some(), "partition {partition} ended without being open");
            }
            Event::Records(raw) => {
                let Some(slice) = open.get_mut(&raw.partition) else {
                    return Err(Error::internal(format!("records of partition {} after its end", raw.partition)));
                };
                check(&raw, slice, want)?;
                out.push(raw);
            }
        }
    }
    ensure!(open.is_empty(), "the stream closed before {} slices had ended", open.len());
    Ok(out)
}

fn check(raw: &RawRecords, slice: &mut Range, want: Want) -> Result<()> {
    ensure!(raw.len > 0, "an event without records");
    let lengths = [
        raw.offsets.as_ref().map(|c| c.len()),
        raw.timestamps.as_ref().map(|c| c.len()),
        raw.keys.as_ref().map(Array::len),
        raw.values.as_ref().map(Array::len),
        raw.headers.as_ref().map(Array::len),
    ];
    ensure!(lengths.iter().flatten().all(|l| *l == raw.len), "columns of different lengths {lengths:?}");
    let wanted = [want.positions, want.positions, want.keys, want.values, want.headers];
    ensure!(lengths.iter().zip(wanted).all(|(l, w)| l.is_some() || !w), "a wanted column is missing");
    for offset in raw.offsets.iter().flatten() {
        ensure!((slice.start..slice.end).contains(offset), "offset {offset} is out of order or outside the slice");
        slice.start = offset + 1;
    }
    Ok(())
}

/// The rows of `raw`.
pub fn rows(raw: &RawRecords) -> Vec<Seen> {
    let bytes =
        |a: &Option<BinaryViewArray>, i: usize| a.as_ref().filter(|a| a.is_valid(i)).map(|a| a.value(i).to_vec());
    let number = |a: &Option<arrow::buffer::ScalarBuffer<i64>>, i: usize| a.as_ref().and_then(|a| a.get(i)).copied();
    (0..raw.len)
        .map(|i| Seen {
            partition: raw.partition,
            offset: number(&raw.offsets, i).unwrap_or(-1),
            timestamp: number(&raw.timestamps, i).unwrap_or(-1),
            key: bytes(&raw.keys, i),
            value: bytes(&raw.values, i),
            headers: raw.headers.as_ref().map_or_else(Vec::new, |h| {
                let entries = h.value(i);
                let entries = entries.as_struct();
                let (names, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_binary::<i32>());
                let value = |e| values.is_valid(e).then(|| values.value(e).to_vec());
                (0..entries.len()).map(|e| (names.value(e).to_owned(), value(e))).collect()
            }),
        })
        .collect()
}

/// All visible records of `topic`, by partition and offset.
///
/// # Errors
/// As [`read`].
pub async fn all(c: &dyn Connector, topic: &str) -> Result<Vec<Seen>> {
    let slices = c.ranges(topic, Isolation::ReadCommitted).await?;
    let mut seen: Vec<Seen> = read(c, topic, slices, ALL, 2).await?.iter().flat_map(rows).collect();
    seen.sort_by_key(|s| (s.partition, s.offset));
    Ok(seen)
}

/// The values of all visible records of `topic`, as text, by partition and offset.
///
/// # Errors
/// As [`read`].
pub async fn values(c: &dyn Connector, topic: &str) -> Result<Vec<String>> {
    let text = |v: Vec<u8>| String::from_utf8_lossy(&v).into_owned();
    Ok(all(c, topic).await?.into_iter().map(|s| s.value.map_or("null".to_owned(), text)).collect())
}

async fn topics(c: &dyn Connector) -> Result<()> {
    let name = make(c, 3).await?;
    let topic = c.topic(&name).await?;
    ensure!(topic.as_ref().is_some_and(|t| t.partitions == 3 && &*t.name == name.as_str() && !t.internal), "{topic:?}");
    ensure!(c.topics().await?.iter().any(|t| *t.name == *name), "it is not listed");
    let again = NewTopic { name: name.clone(), partitions: 1, replicas: 1, ..Default::default() };
    ensure!(c.create_topic(again).await.is_err(), "it was made twice");
    let bad = NewTopic { name: "no spaces".into(), partitions: 1, replicas: 1, ..Default::default() };
    ensure!(c.create_topic(bad).await.is_err(), "a name with a space was allowed");
    c.topic_config(&name).await?;
    let ranges = c.ranges(&name, Isolation::ReadCommitted).await?;
    ensure!(ranges.iter().map(|r| (r.partition, r.start, r.end)).eq([(0, 0, 0), (1, 0, 0), (2, 0, 0)]), "{ranges:?}");
    c.delete_topic(&name).await?;
    ensure!(c.topic(&name).await?.is_none(), "it is still there");
    ensure!(c.delete_topic(&name).await.is_err(), "it was deleted twice");

    let compacted = unique("compacted");
    let config = BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]);
    c.create_topic(NewTopic { name: compacted.clone(), partitions: 1, replicas: 1, config }).await?;
    let config = c.topic_config(&compacted).await?;
    ensure!(config.get("cleanup.policy").is_some_and(|v| v == "compact"), "its settings were forgotten: {config:?}");
    c.delete_topic(&compacted).await
}

async fn missing(c: &dyn Connector) -> Result<()> {
    let name = unique("missing");
    ensure!(c.topic(&name).await?.is_none(), "it is there");
    ensure!(c.ranges(&name, Isolation::ReadCommitted).await.is_err(), "it has ranges");
    ensure!(c.writer(&name).await.is_err(), "it has a writer");
    ensure!(c.topic_config(&name).await.is_err(), "it has settings");
    ensure!(c.offsets_at(&name, 0).await.is_err(), "it has offsets");
    ensure!(c.topic(&name).await?.is_none(), "it was made by asking");
    Ok(())
}

async fn committed(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 1).await?;
    let tombstone = NewRecord { value: None, ..record(0, "b", "") };
    let empty = record(0, "", "");
    let keyless = NewRecord { key: None, timestamp_ms: Some(2_000), ..record(0, "", "v") };
    let count = put(c, &topic, vec![record(0, "a", "1"), tombstone, empty, keyless]).await?;
    ensure!(count == 4, "commit said {count}");
    let seen = all(c, &topic).await?;
    let shape: Vec<_> = seen.iter().map(|s| (s.key.as_deref(), s.value.as_deref(), s.timestamp)).collect();
    type Row = (Option<&'static [u8]>, Option<&'static [u8]>, i64);
    let expected: [Row; 4] = [
        (Some(b"a"), Some(b"1"), 1_000),
        (Some(b"b"), None, 1_000),
        (Some(b""), Some(b""), 1_000),
        (None, Some(b"v"), 2_000),
    ];
    ensure!(shape == expected, "{seen:?}");
    ensure!(put(c, &topic, vec![]).await? == 0, "nothing was something");
    put(c, &topic, vec![record(0, "c", "2")]).await?;
    let seen = values(c, &topic).await?;
    ensure!(seen == ["1", "null", "", "v", "2"], "{seen:?}");
    c.delete_topic(&topic).await
}

async fn aborted(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 2).await?;
    put(c, &topic, vec![record(0, "k", "before")]).await?;
    let mut writer = c.writer(&topic).await?;
    writer.append(vec![record(0, "k", "aborted"), record(1, "k", "aborted")]).await?;
    writer.abort().await?;
    let mut writer = c.writer(&topic).await?;
    writer.append(many(2, 6_000, "dropped")).await?;
    drop(writer);
    put(c, &topic, vec![record(0, "k", "after"), record(1, "k", "after")]).await?;
    let seen = values(c, &topic).await?;
    ensure!(seen == ["before", "after", "after"], "{:?} …", seen.iter().take(9).collect::<Vec<_>>());
    let slices = c.ranges(&topic, Isolation::ReadCommitted).await?;
    let counted: usize = read(c, &topic, slices, Want::default(), 2).await?.iter().map(|r| r.len).sum();
    ensure!(counted == 3, "{counted} were counted");
    c.delete_topic(&topic).await
}

/// Enough records of a few hundred bytes to need several batches.
fn many(partitions: i32, count: usize, what: &str) -> Vec<NewRecord> {
    let partition = |i: usize| i32::try_from(i).unwrap_or(0) % partitions;
    let noise =
        |i: usize| (0..40u64).map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9) ^ (i as u64))).collect::<String>();
    (0..count).map(|i| record(partition(i), &i.to_string(), &format!("{what} {}", noise(i)))).collect()
}

async fn together(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 3).await?;
    let mut writer = c.writer(&topic).await?;
    writer.append(many(3, 9_000, "x")).await?;
    let visible = |ranges: Vec<Range>| ranges.iter().map(|r| r.end - r.start).sum::<i64>();
    let before = visible(c.ranges(&topic, Isolation::ReadCommitted).await?);
    ensure!(before == 0, "{before} offsets are visible before the commit");
    ensure!(all(c, &topic).await?.is_empty(), "records are visible before the commit");
    let count = writer.commit().await?;
    let seen = all(c, &topic).await?;
    ensure!(count == 9_000 && seen.len() == 9_000, "{count} were committed, {} are visible", seen.len());
    for partition in 0..3 {
        let keys = seen.iter().filter(|s| s.partition == partition).map(|s| s.key.clone().unwrap_or_default());
        let expected = (0..9_000).filter(|i| i % 3 == partition).map(|i| i.to_string().into_bytes());
        ensure!(keys.eq(expected), "partition {partition} does not have its records in order");
    }
    c.delete_topic(&topic).await
}

async fn open_writer(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 1).await?;
    put(c, &topic, vec![record(0, "k", "first")]).await?;
    let mut open = c.writer(&topic).await?;
    open.append(many(1, 6_000, "open")).await?;
    put(c, &topic, vec![record(0, "k", "second")]).await?;
    let committed = c.ranges(&topic, Isolation::ReadCommitted).await?;
    let all_ends = c.ranges(&topic, Isolation::ReadUncommitted).await?;
    ensure!(committed.iter().zip(&all_ends).all(|(a, b)| a.end <= b.end), "{committed:?} {all_ends:?}");
    let seen = values(c, &topic).await?;
    ensure!(seen.first().is_some_and(|v| v == "first"), "{seen:?}");
    ensure!(!seen.iter().any(|v| v.starts_with("open")), "an open transaction is visible");
    open.abort().await?;
    let seen = values(c, &topic).await?;
    ensure!(seen == ["first", "second"], "{seen:?}");
    c.delete_topic(&topic).await
}

async fn wants(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 2).await?;
    let mut records = many(2, 3_000, "w");
    for (i, record) in records.iter_mut().enumerate() {
        if i % 10 == 0 {
            record.value = None;
        }
    }
    put(c, &topic, records).await?;
    let slices = c.ranges(&topic, Isolation::ReadCommitted).await?;
    let keys = Want { keys: true, ..Want::default() };
    let values = Want { values: true, ..Want::default() };
    let headers = Want { headers: true, ..Want::default() };
    let tombstones = Want { tombstones: true, ..Want::default() };
    let positions = Want { positions: true, ..Want::default() };
    for want in [Want::default(), keys, values, headers, tombstones, positions, ALL] {
        let read = read(c, &topic, slices.clone(), want, 2).await?;
        let count: usize = read.iter().map(|r| r.len).sum();
        ensure!(count == 3_000, "{count} for {want:?}");
        if want.tombstones || want.values {
            let nulls: usize = read.iter().map(|r| r.tombstones).sum();
            ensure!(nulls == 300, "{nulls} tombstones for {want:?}");
        }
        if want.keys {
            let mut keys: Vec<_> = read.iter().flat_map(rows).filter_map(|s| s.key).collect();
            keys.sort_unstable();
            keys.dedup();
            ensure!(keys.len() == 3_000, "{} keys for {want:?}", keys.len());
        }
    }
    let ranges = vec![Range { partition: 1, start: 0, end: 0 }];
    ensure!(read(c, &topic, ranges, ALL, 1).await?.is_empty(), "an empty slice has records");
    ensure!(read(c, &topic, vec![], ALL, 1).await?.is_empty(), "no slices have records");
    c.delete_topic(&topic).await
}

async fn slices(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 1).await?;
    put(c, &topic, many(1, 500, "a")).await?;
    put(c, &topic, many(1, 5_000, "b")).await?;
    let everything = all(c, &topic).await?;
    let offsets: Vec<i64> = everything.iter().map(|s| s.offset).collect();
    ensure!(offsets.len() == 5_500, "{} records", offsets.len());
    for (from, to) in [(0, 1), (3, 7), (250, 500), (499, 501), (700, 4_000), (5_499, 5_500), (9, 9)] {
        let at = |i: usize| offsets.get(i).copied().unwrap_or(i64::MAX);
        let end = if from == to { at(from) } else { at(to - 1) + 1 };
        let slice = vec![Range { partition: 0, start: at(from), end }];
        let expected = everything.get(from..to).unwrap_or(&[]);
        let seen: Vec<Seen> = read(c, &topic, slice.clone(), ALL, 1).await?.iter().flat_map(rows).collect();
        ensure!(seen == expected, "{slice:?} gave {} records", seen.len());
        let counted: usize = read(c, &topic, slice.clone(), Want::default(), 1).await?.iter().map(|r| r.len).sum();
        ensure!(counted == to - from, "{slice:?} counted {counted}");
    }
    c.delete_topic(&topic).await
}

async fn in_order(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 4).await?;
    put(c, &topic, many(3, 6_000, "o")).await?;
    let mut slices = c.ranges(&topic, Isolation::ReadCommitted).await?;
    slices.reverse();
    let read = read(c, &topic, slices, ALL, 1).await?;
    let order: Vec<i32> = read.iter().map(|r| r.partition).collect();
    ensure!(order.iter().rev().is_sorted(), "{order:?}");
    ensure!(read.iter().map(|r| r.len).sum::<usize>() == 6_000, "not all of it");
    c.delete_topic(&topic).await
}

async fn times(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 2).await?;
    let at = |ms: i64, value: &str| NewRecord { timestamp_ms: Some(ms), ..record(0, "k", value) };
    put(c, &topic, vec![at(1_000, "a"), at(3_000, "b"), at(2_000, "c")]).await?;
    put(c, &topic, vec![at(4_000, "d"), at(2_500, "e")]).await?;
    let everything = all(c, &topic).await?;
    for time in [0, 1_000, 1_001, 2_500, 3_000, 3_001, 4_000, 4_001] {
        let offsets = c.offsets_at(&topic, time).await?;
        let Some((0, found)) = offsets.first().copied() else {
            return Err(Error::internal(format!("at {time}: {offsets:?}")));
        };
        let late = everything.iter().find(|s| s.timestamp >= time).map(|s| s.offset);
        ensure!(late.is_none_or(|late| found.is_some_and(|f| f <= late)), "at {time}: {found:?} skips {late:?}");
        // A transaction's marker has an offset and a time of its own; a record that is found is late enough.
        let record = everything.iter().find(|s| Some(s.offset) == found);
        ensure!(record.is_none_or(|r| r.timestamp >= time), "at {time}: {found:?} is too early");
        ensure!(offsets.get(1) == Some(&(1, None)), "an empty partition has a time: {offsets:?}");
    }
    c.delete_topic(&topic).await
}

async fn headers(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 1).await?;
    let headers = vec![
        ("trace".to_owned(), Some(Bytes::from_static(b"1"))),
        ("trace".to_owned(), Some(Bytes::from_static(b""))),
        ("gone".to_owned(), None),
        ("trace".to_owned(), Some(Bytes::from_static(&[0xff, 0]))),
    ];
    let with = NewRecord { headers: headers.clone(), ..record(0, "k", "v") };
    put(c, &topic, vec![with, record(0, "k", "w")]).await?;
    let seen = all(c, &topic).await?;
    let expected: Vec<_> = headers.into_iter().map(|(n, v)| (n, v.map(|v| v.to_vec()))).collect();
    ensure!(seen.iter().map(|s| &s.headers).eq([&expected, &vec![]]), "{seen:?}");
    c.delete_topic(&topic).await
}

async fn partitions(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 12).await?;
    let keyed = NewRecord { partition: None, ..record(0, "100:48069", "v") };
    put(c, &topic, vec![keyed, record(2, "100:48069", "w")]).await?;
    let seen: Vec<i32> = all(c, &topic).await?.iter().map(|s| s.partition).collect();
    ensure!(seen == [2, 9], "{seen:?}");
    let keyless = || NewRecord { key: None, partition: None, ..record(0, "", "n") };
    put(c, &topic, (0..100).map(|_| keyless()).collect()).await?;
    ensure!(all(c, &topic).await?.len() == 102, "records without a key were lost");
    let mut writer = c.writer(&topic).await?;
    let wrong = writer.append(vec![record(12, "k", "v")]).await;
    let wrong = match wrong {
        Ok(()) => writer.commit().await.map(|_| ()),
        refused => refused,
    };
    ensure!(wrong.is_err(), "partition 12 of 12 took a record");
    let request = ReadRequest {
        topic: Arc::from(topic.as_str()),
        slices: vec![Range { partition: 12, start: 0, end: 1 }],
        want: ALL,
        isolation: Isolation::ReadCommitted,
        in_order: true,
        threads: 1,
    };
    ensure!(c.read(request).is_err(), "partition 12 of 12 was read");
    c.delete_topic(&topic).await
}

async fn large(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 2).await?;
    let big: Vec<u8> = (0..900_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let big = Bytes::from(big);
    let mut writer = c.writer(&topic).await?;
    writer.append(vec![NewRecord { value: Some(big.clone()), ..record(0, "big", "") }]).await?;
    for part in 0..4 {
        writer.append(many(2, 10_000, &part.to_string())).await?;
    }
    let count = writer.commit().await?;
    let seen = all(c, &topic).await?;
    ensure!(count == 40_001 && seen.len() == 40_001, "{count} written, {} read", seen.len());
    let found = seen.iter().find(|s| s.key.as_deref() == Some(b"big")).and_then(|s| s.value.as_deref());
    ensure!(found == Some(&big[..]), "the large record came back different");
    c.delete_topic(&topic).await
}

async fn dropped(c: &dyn Connector) -> Result<()> {
    let topic = make(c, 4).await?;
    for _ in 0..4 {
        put(c, &topic, many(4, 8_000, "d")).await?;
    }
    let slices = c.ranges(&topic, Isolation::ReadCommitted).await?;
    let isolation = Isolation::ReadCommitted;
    for _ in 0..3 {
        let topic = Arc::from(topic.as_str());
        let request = ReadRequest { topic, slices: slices.clone(), want: ALL, isolation, in_order: false, threads: 4 };
        let stream = c.read(request)?;
        let first = stream.next().await.ok_or_else(|| Error::internal("nothing came"))??;
        ensure!(matches!(first, Event::Records(_)), "{first:?} came first");
        let watch = stream.downgrade();
        drop(stream);
        ensure!(watch.upgrade().is_none(), "a dropped stream is still held");
    }
    ensure!(all(c, &topic).await?.len() == 32_000, "not all of it after that");
    c.delete_topic(&topic).await
}
