//! The local log: the suite, crashes, damage, several processes, retention and compaction.

use std::path::{Path, PathBuf};

use super::*;
use crate::connect::suite::{self, put, record, values};
use crate::connect::{Event, NewRecord};

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

async fn make(log: &Local, name: &str, partitions: i32, config: &[(&str, &str)]) {
    let config = config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    log.create_topic(NewTopic { name: name.into(), partitions, replicas: 1, config }).await.unwrap();
}

fn segment_path(dir: &Path, topic: &str, partition: i32, base: i64) -> PathBuf {
    segment::path(&dir.join("topics").join(topic).join(partition.to_string()), base, "log")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn noisy(partition: i32, count: usize, what: &str) -> Vec<NewRecord> {
    let noise =
        |i: usize| (0..60u64).map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9) ^ i as u64)).collect::<String>();
    (0..count).map(|i| record(partition, &i.to_string(), &format!("{what} {}", noise(i)))).collect()
}

#[tokio::test]
async fn the_local_log_passes_the_suite() {
    let dir = temp();
    suite::run(&Local::open(dir.path()).unwrap()).await;
}

#[tokio::test]
async fn what_was_written_survives_reopening() {
    let dir = temp();
    {
        let log = Local::open(dir.path()).unwrap();
        make(&log, "t", 2, &[("segment.bytes", "200000")]).await;
        put(&log, "t", vec![record(0, "a", "1"), record(1, "a", "2")]).await.unwrap();
        put(&log, "t", noisy(0, 5_000, "x")).await.unwrap();
    }
    let log = Local::open(dir.path()).unwrap();
    let seen = values(&log, "t").await.unwrap();
    assert_eq!((seen.len(), seen[0].as_str(), seen[5_001].as_str()), (5_002, "1", "2"));
    put(&log, "t", vec![record(1, "a", "3")]).await.unwrap();
    assert_eq!(values(&log, "t").await.unwrap()[5_002], "3");
    assert!(segment::list(&dir.path().join("topics/t/0")).unwrap().len() > 1);
}

#[tokio::test]
async fn a_second_writer_is_refused_and_a_reader_follows() {
    let dir = temp();
    let writer = Local::open(dir.path()).unwrap();
    let reader = Local::open(dir.path()).unwrap();
    assert!(reader.topics().await.unwrap().is_empty());
    make(&writer, "t", 2, &[("segment.bytes", "100000")]).await;
    for round in 1..=20 {
        put(&writer, "t", noisy(round % 2, 100, "x")).await.unwrap();
        assert_eq!(values(&reader, "t").await.unwrap().len(), 100 * round as usize);
    }
    let mut open = writer.writer("t").await.unwrap();
    open.append(noisy(0, 5_000, "open")).await.unwrap();
    assert_eq!(values(&reader, "t").await.unwrap().len(), 2_000);
    open.commit().await.unwrap();
    assert_eq!(values(&reader, "t").await.unwrap().len(), 7_000);
    let error = put(&reader, "t", vec![record(0, "k", "v")]).await.unwrap_err();
    let folder = dir.path().display();
    assert_eq!(error.message(), format!("another process is writing to the local log in {folder}"));
    writer.delete_topic("t").await.unwrap();
    make(&writer, "t", 1, &[]).await;
    assert!(values(&reader, "t").await.unwrap().is_empty());
    drop(writer);
    put(&reader, "t", vec![record(0, "k", "v")]).await.unwrap();
}

#[tokio::test]
async fn a_tail_torn_anywhere_loses_nothing_before_it() {
    let dir = temp();
    {
        let log = Local::open(dir.path()).unwrap();
        make(&log, "t", 1, &[]).await;
        put(&log, "t", vec![record(0, "a", "first"), record(0, "b", "second")]).await.unwrap();
    }
    let path = segment_path(dir.path(), "t", 0, 0);
    let before = std::fs::metadata(&path).unwrap().len();
    let checkpoint = path.with_file_name("checkpoint.json");
    let old_checkpoint = std::fs::read(&checkpoint).unwrap();
    put(&Local::open(dir.path()).unwrap(), "t", vec![record(0, "c", "third")]).await.unwrap();
    let (full, new_checkpoint) = (std::fs::read(&path).unwrap(), std::fs::read(&checkpoint).unwrap());
    for checkpoints in [Some(&old_checkpoint), Some(&new_checkpoint), None] {
        for length in before..full.len() as u64 {
            std::fs::write(&path, &full[..length as usize]).unwrap();
            match checkpoints {
                Some(content) => std::fs::write(&checkpoint, content).unwrap(),
                None => std::fs::remove_file(&checkpoint).unwrap(),
            }
            let reader = Local::open(dir.path()).unwrap();
            assert_eq!(values(&reader, "t").await.unwrap(), ["first", "second"]);
            let writer = Local::open(dir.path()).unwrap();
            put(&writer, "t", vec![record(0, "d", "fourth")]).await.unwrap();
            assert_eq!(values(&writer, "t").await.unwrap(), ["first", "second", "fourth"]);
            assert_eq!(values(&reader, "t").await.unwrap(), ["first", "second", "fourth"]);
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_is_reported_with_its_place() {
    let dir = temp();
    {
        let log = Local::open(dir.path()).unwrap();
        make(&log, "t", 1, &[]).await;
        for value in ["one", "two", "six"] {
            put(&log, "t", vec![record(0, "k", value)]).await.unwrap();
        }
    }
    let path = segment_path(dir.path(), "t", 0, 0);
    let good = std::fs::read(&path).unwrap();
    let each = good.len() / 3;
    let checkpoint = path.with_file_name("checkpoint.json");
    let acknowledged = std::fs::read(&checkpoint).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bad).unwrap();
        let log = Local::open(dir.path()).unwrap();
        match values(&log, "t").await {
            // The leader epoch is outside the checksum and means nothing here.
            Ok(seen) => assert_eq!(seen, ["one", "two", "six"], "byte {at}"),
            Err(error) => {
                let expected = format!("topic t, partition 0, offset {}: record batch cannot be read: ", at / each);
                assert!(error.message().starts_with(&expected), "byte {at}: {error}");
                assert_eq!(error.detail().unwrap(), format!("in file {}", path.display()));
            }
        }
        // Opening for writing must not take it for a torn tail either.
        put(&log, "t", vec![record(0, "k", "fourth")]).await.unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() > good.len() as u64);
        drop(log);
        std::fs::write(&path, &good).unwrap();
        std::fs::write(&checkpoint, &acknowledged).unwrap();
    }
}

#[tokio::test]
async fn a_crash_leaves_all_of_a_statement_or_nothing() {
    let dir = temp();
    let log = Local::open(dir.path()).unwrap();
    make(&log, "t", 2, &[]).await;
    put(&log, "t", vec![record(0, "k", "before")]).await.unwrap();
    let crashed = |name: &str| {
        let copied = dir.path().with_extension(name);
        copy(dir.path(), &copied);
        copied
    };
    let mut appender = log.appender("t").unwrap();
    for record in noisy(0, 3_000, "x").into_iter().chain(noisy(1, 3_000, "y")) {
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        appender.push(record.partition, 5, key, value, std::iter::empty()).unwrap();
    }
    let open = crashed("open");
    let prepared = crashed("prepared");
    // As if the process had died right after it decided to commit.
    let mut journal = Journal::load(&prepared).unwrap();
    journal.prepared = vec![0];
    journal.store(&prepared).unwrap();
    let spilled = 6_000 - (appender.commit().unwrap() - 6_000) as usize;
    assert_eq!(values(&log, "t").await.unwrap().len(), 1 + spilled);

    for (copied, committed) in [(open, false), (prepared, true)] {
        let reader = Local::open(&copied).unwrap();
        let early = values(&reader, "t").await.unwrap();
        let writer = Local::open(&copied).unwrap();
        put(&writer, "t", vec![record(0, "k", "after")]).await.unwrap();
        let late = values(&reader, "t").await.unwrap();
        assert_eq!(late.len(), early.len() + 1);
        if committed {
            assert!(early.iter().any(|v| v.starts_with('x')) && early.iter().any(|v| v.starts_with('y')));
        } else {
            assert_eq!(late, ["before", "after"]);
        }
        assert!(Journal::load(&copied).unwrap().prepared.is_empty());
        std::fs::remove_dir_all(&copied).unwrap();
    }
}

#[tokio::test]
async fn a_reader_beside_a_writer_sees_whole_statements() {
    let dir = temp();
    let writer = Local::open(dir.path()).unwrap();
    make(&writer, "t", 3, &[("segment.bytes", "300000")]).await;
    let reading = {
        let reader = Local::open(dir.path()).unwrap();
        std::thread::spawn(move || {
            futures::executor::block_on(async {
                let mut looks = 0;
                loop {
                    let slices = reader.ranges("t", Isolation::ReadCommitted).await.unwrap();
                    let read = suite::read(&reader, "t", slices, suite::ALL, 2).await.unwrap();
                    let mut counts = [0; 3];
                    for raw in &read {
                        counts[raw.partition as usize] += raw.len;
                    }
                    assert!(counts[0] % 700 == 0 && counts.iter().all(|c| *c == counts[0]), "{counts:?}");
                    looks += 1;
                    if counts[0] == 700 * 20 {
                        return looks;
                    }
                }
            })
        })
    };
    for statement in 0..40 {
        let mut records = writer.writer("t").await.unwrap();
        for partition in 0..3 {
            records.append(noisy(partition, 700, "x")).await.unwrap();
        }
        if statement % 2 == 0 {
            records.commit().await.unwrap();
        } else {
            records.abort().await.unwrap();
        }
    }
    assert!(reading.join().unwrap() > 0);
}

#[tokio::test]
async fn damage_beside_the_log_changes_no_row() {
    let dir = temp();
    {
        let log = Local::open(dir.path()).unwrap();
        make(&log, "t", 2, &[("segment.bytes", "300000")]).await;
        for round in 0..3 {
            put(&log, "t", noisy(0, 300, "x").into_iter().chain(noisy(1, 10, "y")).collect()).await.unwrap();
            let mut lost = log.writer("t").await.unwrap();
            lost.append(noisy(round % 2, 1_500, "lost")).await.unwrap();
            lost.abort().await.unwrap();
        }
    }
    let good = values(&Local::open(dir.path()).unwrap(), "t").await.unwrap();
    assert_eq!(good.len(), 930);
    let folder = dir.path().join("topics/t/0");
    let beside = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path());
    let mut beside: Vec<PathBuf> = beside.filter(|p| p.extension().is_none_or(|e| e != "log")).collect();
    beside.push(dir.path().join("transactions.json"));
    for path in beside {
        let content = std::fs::read(&path).unwrap();
        for at in (0..content.len()).step_by(content.len() / 5 + 1) {
            let mut bad = content.clone();
            bad[at] ^= 1 << (at % 8);
            std::fs::write(&path, bad).unwrap();
            match values(&Local::open(dir.path()).unwrap(), "t").await {
                Ok(seen) => assert!(seen == good, "{} byte {at}: {} rows", path.display(), seen.len()),
                Err(error) => assert_eq!(error.message(), format!("{} is damaged", path.display())),
            }
        }
        std::fs::write(&path, content).unwrap();
    }
}

#[tokio::test]
async fn retention_deletes_whole_segments() {
    let dir = temp();
    let log = Local::open(dir.path()).unwrap();
    make(&log, "small", 1, &[("segment.bytes", "2000"), ("retention.bytes", "5000")]).await;
    make(&log, "short", 1, &[("segment.bytes", "2000"), ("retention.ms", "1000")]).await;
    for round in 0..30 {
        put(&log, "small", noisy(0, 10, "s")).await.unwrap();
        let at = |r: NewRecord| NewRecord { timestamp_ms: Some(4_000_000_000_000 + round * 100), ..r };
        put(&log, "short", noisy(0, 10, "t").into_iter().map(at).collect()).await.unwrap();
    }
    let range = log.ranges("small", Isolation::ReadCommitted).await.unwrap()[0];
    assert!(range.start > 0 && range.end == 300, "{range:?}");
    assert_eq!(values(&log, "small").await.unwrap().len() as i64, range.end - range.start);
    assert_eq!(values(&log, "short").await.unwrap().len(), 300);
    log.maintain(4_000_000_003_000).unwrap();
    let range = log.ranges("short", Isolation::ReadCommitted).await.unwrap()[0];
    assert!((180..=200).contains(&range.start), "{range:?}");
    log.maintain(4_000_000_009_000).unwrap();
    let range = log.ranges("short", Isolation::ReadCommitted).await.unwrap()[0];
    assert_eq!((range.start, range.end), (300, 300));
    put(&log, "short", noisy(0, 1, "t")).await.unwrap();
    drop(log);
    let log = Local::open(dir.path()).unwrap();
    assert_eq!(values(&log, "short").await.unwrap().len(), 1);
}

#[tokio::test]
async fn compaction_keeps_the_newest_of_each_key_at_its_offset() {
    let dir = temp();
    let log = Local::open(dir.path()).unwrap();
    let config = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "2000"),
        ("min.cleanable.dirty.ratio", "0"),
        ("delete.retention.ms", "1000000"),
    ];
    make(&log, "t", 1, &config).await;
    for round in 0..16i64 {
        let key = format!("k{}", round % 4);
        let mut newest = record(0, &key, &format!("{round} {}", "x".repeat(50)));
        newest.headers = vec![("round".to_owned(), Some(bytes::Bytes::from(round.to_string())))];
        let gone = NewRecord { value: None, ..record(0, &format!("gone{}", round % 3), "") };
        put(&log, "t", noisy(0, 5, "n").into_iter().chain([newest, gone]).collect()).await.unwrap();
        if round == 8 {
            let mut lost = log.writer("t").await.unwrap();
            lost.append(noisy(0, 1_500, "lost")).await.unwrap();
            lost.abort().await.unwrap();
        }
    }
    let before = suite::all(&log, "t").await.unwrap();
    let end = log.ranges("t", Isolation::ReadCommitted).await.unwrap();
    let active = *segment::list(&dir.path().join("topics/t/0")).unwrap().last().unwrap();
    let stale = Local::open(dir.path()).unwrap();
    let expected = || {
        let closed = before.iter().filter(|s| s.offset < active);
        let mut newest: HashMap<_, _> = HashMap::new();
        for seen in closed {
            newest.insert(seen.key.clone(), seen.clone());
        }
        let mut left: Vec<_> = newest.into_values().collect();
        left.extend(before.iter().filter(|s| s.offset >= active).cloned());
        left.sort_by_key(|s| s.offset);
        left
    };
    assert!(values(&stale, "t").await.unwrap().len() <= before.len());
    log.maintain(now_ms()).unwrap();
    assert!(suite::all(&log, "t").await.unwrap() == expected(), "wrong rows in the writing process");
    assert!(suite::all(&stale, "t").await.unwrap() == expected(), "wrong rows in a reading process");
    assert_eq!(log.ranges("t", Isolation::ReadCommitted).await.unwrap(), end);
    put(&log, "t", noisy(0, 60, "n")).await.unwrap();
    log.maintain(now_ms() + 100_000_000).unwrap();
    let left = suite::all(&log, "t").await.unwrap();
    assert!(!left.iter().any(|s| s.value.is_none() && s.offset < active), "tombstones were kept for ever");
    drop(log);
    assert!(suite::all(&Local::open(dir.path()).unwrap(), "t").await.unwrap() == left, "wrong rows after reopening");
}

#[tokio::test]
async fn damaged_or_missing_indexes_only_cost_time() {
    let dir = temp();
    let log = Local::open(dir.path()).unwrap();
    make(&log, "t", 1, &[("segment.bytes", "1000000"), ("compression.type", "none")]).await;
    for round in 0..40 {
        let at = |r: NewRecord| NewRecord { timestamp_ms: Some(1_000 + round), ..r };
        put(&log, "t", noisy(0, 150, "x").into_iter().map(at).collect()).await.unwrap();
    }
    let folder = dir.path().join("topics/t/0");
    assert!(!Index::load(&folder, 0).entries.is_empty());
    let slice = vec![Range { partition: 0, start: 1_234, end: 1_240 }];
    let good = suite::read(&log, "t", slice.clone(), suite::ALL, 1).await.unwrap();
    let good: Vec<_> = good.iter().flat_map(suite::rows).collect();
    assert_eq!(good.len(), 6);
    for damage in [None, Some(vec![7u8; 999]), Some(vec![])] {
        for base in segment::list(&folder).unwrap() {
            for extension in ["index", "timeindex"] {
                let path = segment::path(&folder, base, extension);
                match &damage {
                    Some(bytes) => std::fs::write(path, bytes).unwrap(),
                    None => std::fs::remove_file(path).unwrap(),
                }
            }
        }
        let reader = Local::open(dir.path()).unwrap();
        let seen = suite::read(&reader, "t", slice.clone(), suite::ALL, 1).await.unwrap();
        assert_eq!(seen.iter().flat_map(suite::rows).collect::<Vec<_>>(), good);
        assert_eq!(reader.offsets_at("t", 1_039).await.unwrap(), [(0, Some(39 * 150))]);
    }
    drop(log);
    let log = Local::open(dir.path()).unwrap();
    put(&log, "t", noisy(0, 1, "x")).await.unwrap();
    assert!(!Index::load(&folder, 0).entries.is_empty() && Index::load(&folder, 0).whole.is_some());
    assert_eq!(log.offsets_at("t", 1_020).await.unwrap(), [(0, Some(20 * 150))]);
}

#[tokio::test]
async fn a_dropped_stream_ends_its_threads() {
    let dir = temp();
    let log = Local::open(dir.path()).unwrap();
    make(&log, "stopping", 1, &[]).await;
    put(&log, "stopping", noisy(0, 60_000, "x")).await.unwrap();
    let slices = log.ranges("stopping", Isolation::ReadCommitted).await.unwrap();
    let isolation = Isolation::ReadCommitted;
    let request =
        ReadRequest { topic: "stopping".into(), slices, want: suite::ALL, isolation, in_order: true, threads: 1 };
    let stream = log.read(request).unwrap();
    assert!(matches!(stream.next().await.unwrap().unwrap(), Event::Records(_)));
    let weak = stream.downgrade();
    drop(stream);
    assert!(weak.upgrade().is_none());
}
