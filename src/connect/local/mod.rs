//! Topics in a folder: the local log.
//!
//! ```text
//!   DIR/writer.lock                        held by the one process that writes
//!   DIR/transactions.json                  see `journal`
//!   DIR/topics/orders/topic.json           partitions and settings
//!   DIR/topics/orders/0/checkpoint.json    how far partition 0 is known to be good, see `partition`
//!   DIR/topics/orders/0/00….log            segments, see `segment`
//! ```
//! Any number of processes read while one writes. Nothing is opened or scanned before it is first used.

mod compact;
mod journal;
mod partition;
mod read;
mod retain;
mod segment;
pub(crate) mod topic;
mod write;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::batch::{Place, Sieve, first_at, write::marker};
use super::{Connector, Isolation, NewTopic, Range, ReadRequest, RecordStream, Topic, Writer};
use crate::error::{Error, Result};
use journal::Journal;
use partition::Partition;
use read::Job;
use segment::{Chunks, Index, Next};
use topic::{Policy, TopicFile};
pub use write::Appender;

/// A local log.
#[derive(Debug, Clone)]
pub struct Local {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    topics: Mutex<HashMap<String, Arc<TopicLog>>>,
    owner: Mutex<Option<Owner>>,
}

/// What only the writing process has.
#[derive(Debug)]
struct Owner {
    journal: Journal,
    /// Locked as long as it is open.
    _lock: File,
}

/// One topic.
#[derive(Debug)]
struct TopicLog {
    name: Arc<str>,
    dir: PathBuf,
    file: TopicFile,
    policy: Policy,
    partitions: Vec<Mutex<Partition>>,
    deleted: AtomicBool,
}

/// How often a reader looks again when another process commits while it looks.
const SNAPSHOT_TRIES: usize = 10_000;

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn missing(name: &str) -> Error {
    Error::sql(format!("topic {name} does not exist"))
}

impl TopicLog {
    fn load(dir: PathBuf, name: &str, file: TopicFile) -> Result<TopicLog> {
        let name: Arc<str> = name.into();
        let partitions = (0..file.partitions).map(|partition| {
            let place = Place { topic: Arc::clone(&name), partition, file: None };
            Mutex::new(Partition::new(place, dir.join(partition.to_string())))
        });
        let partitions = partitions.collect();
        let policy = Policy::parse(&file.config)?;
        Ok(TopicLog { name, dir, file, policy, partitions, deleted: AtomicBool::new(false) })
    }

    fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Relaxed)
    }

    fn partition(&self, number: i32) -> Result<&Mutex<Partition>> {
        usize::try_from(number).ok().and_then(|n| self.partitions.get(n)).ok_or_else(|| {
            Error::sql(format!("topic {} has no partition {number}", self.name))
                .with_hint(format!("it has {}, numbered from 0", self.file.partitions))
        })
    }
}

impl Inner {
    fn topics_dir(&self) -> PathBuf {
        self.dir.join("topics")
    }

    /// The topic as it is on disk now.
    fn find(&self, name: &str) -> Result<Option<Arc<TopicLog>>> {
        if topic::check_name(name).is_err() {
            return Ok(None);
        }
        let dir = self.topics_dir().join(name);
        let file = TopicFile::load(&dir)?;
        let mut topics = self.topics.lock();
        let Some(file) = file else {
            topics.remove(name);
            return Ok(None);
        };
        if let Some(known) = topics.get(name)
            && known.file == file
        {
            return Ok(Some(Arc::clone(known)));
        }
        let topic = Arc::new(TopicLog::load(dir, name, file)?);
        topics.insert(name.to_owned(), Arc::clone(&topic));
        Ok(Some(topic))
    }

    fn get(&self, name: &str) -> Result<Arc<TopicLog>> {
        self.find(name)?.ok_or_else(|| missing(name))
    }

    fn names(&self) -> Result<Vec<String>> {
        let dir = self.topics_dir();
        let failed = |e| Error::io(format!("cannot list {}", dir.display()), e);
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            names.extend(name.to_str().filter(|n| !n.starts_with('.')).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn all(&self) -> Result<Vec<Arc<TopicLog>>> {
        let mut all = Vec::new();
        for name in self.names()? {
            all.extend(self.find(&name)?);
        }
        Ok(all)
    }

    /// Looks at all partitions of `topic` at one moment, by `look`, which gets the producers whose transactions have
    /// decided to commit.
    fn snapshot<T>(&self, topic: &TopicLog, mut look: impl FnMut(&Partition, &[i64]) -> Result<T>) -> Result<Vec<T>> {
        for _ in 0..SNAPSHOT_TRIES {
            let before = Journal::load(&self.dir)?;
            let mut seen = Vec::with_capacity(topic.partitions.len());
            for partition in &topic.partitions {
                let mut partition = partition.lock();
                partition.refresh()?;
                seen.push(look(&partition, &before.prepared)?);
            }
            if Journal::load(&self.dir)?.generation == before.generation {
                return Ok(seen);
            }
            std::thread::yield_now();
        }
        Err(Error::connect(format!("the local log in {} changes too fast to be read", self.dir.display())))
    }

    /// Becomes the writer of the folder, if this is not it already.
    fn own<T>(&self, act: impl FnOnce(&mut Owner) -> Result<T>) -> Result<T> {
        let mut owner = self.owner.lock();
        if owner.is_none() {
            *owner = Some(self.open()?);
        }
        match owner.as_mut() {
            Some(owner) => act(owner),
            None => Err(Error::internal("no owner")),
        }
    }

    fn open(&self) -> Result<Owner> {
        let failed = |what: &str, e| Error::io(format!("cannot {what} {}", self.dir.display()), e);
        std::fs::create_dir_all(self.topics_dir()).map_err(|e| failed("make the folder", e))?;
        let lock = File::options().create(true).truncate(false).write(true).open(self.dir.join("writer.lock"));
        let lock = lock.map_err(|e| failed("write to", e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("another process is writing to the local log in {}", self.dir.display());
                return Err(Error::connect(what)
                    .with_hint("only one process may write at a time: stop the other one, or use another folder"));
            }
            Err(TryLockError::Error(e)) => return Err(failed("lock", e)),
        }
        let mut journal = Journal::load(&self.dir)?;
        let topics = self.all()?;
        for topic in &topics {
            for partition in &topic.partitions {
                let newest = recover(topic, &mut partition.lock(), &journal.prepared)?;
                journal.next_producer_id = journal.next_producer_id.max(newest.saturating_add(1));
            }
        }
        if !journal.prepared.is_empty() {
            journal.prepared.clear();
            journal.store(&self.dir)?;
        }
        self.sweep()?;
        for topic in &topics {
            // A damaged segment must not keep everyone from writing; whoever reads it is told, as is `maintain`.
            let _ = self.maintain_topic(topic, now_ms());
        }
        Ok(Owner { journal, _lock: lock })
    }

    /// Removes what half-made and half-deleted topics left.
    fn sweep(&self) -> Result<()> {
        let dir = self.topics_dir();
        let failed = |e| Error::io(format!("cannot tidy {}", dir.display()), e);
        for entry in std::fs::read_dir(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_some_and(|n| n.starts_with(".new-") || n.starts_with(".deleted-")) {
                std::fs::remove_dir_all(entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn next_producer(&self) -> Result<i64> {
        self.own(|owner| {
            let id = owner.journal.next_producer_id;
            let next = id.checked_add(1).ok_or_else(|| {
                Error::data(format!("the log in {} has no transaction ids left to give", self.dir.display()))
            })?;
            owner.journal.next_producer_id = next;
            Ok(id)
        })
    }

    /// Notes durably that the transaction of `producer` commits.
    fn prepare(&self, producer: i64) -> Result<()> {
        self.own(|owner| {
            owner.journal.prepared.push(producer);
            let stored = owner.journal.store(&self.dir);
            if stored.is_err() {
                owner.journal.prepared.retain(|id| *id != producer);
            }
            stored
        })
    }

    /// Notes that all markers of `producer` are written.
    fn settled(&self, producer: i64) -> Result<()> {
        self.own(|owner| {
            owner.journal.prepared.retain(|id| *id != producer);
            owner.journal.store(&self.dir)
        })
    }

    fn maintain_topic(&self, topic: &TopicLog, now_ms: i64) -> Result<()> {
        for partition in &topic.partitions {
            let mut partition = partition.lock();
            partition.refresh()?;
            if topic.policy.delete {
                retain::retain(&mut partition, &topic.policy, now_ms)?;
            }
            if topic.policy.compact {
                compact::compact(&mut partition, &topic.policy, now_ms)?;
            }
        }
        Ok(())
    }

    fn create(&self, new: &NewTopic) -> Result<()> {
        topic::check_name(&new.name)?;
        topic::check_config(&new.config)?;
        topic::check_partitions(new.partitions)?;
        self.own(|_| {
            let root = self.topics_dir();
            if self.find(&new.name)?.is_some() {
                return Err(Error::sql(format!("topic {} exists already", new.name)));
            }
            let id = format!("{:x}-{:x}", now_ms(), std::process::id());
            let made = root.join(format!(".new-{}", new.name));
            remove_tree(&made)?;
            for partition in 0..new.partitions {
                Partition::create(&made.join(partition.to_string()))?;
            }
            let unique = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let file =
                TopicFile { id: format!("{id}-{unique:x}"), partitions: new.partitions, config: new.config.clone() };
            let text = serde_json::to_vec_pretty(&file).map_err(|e| Error::internal(e.to_string()))?;
            journal::replace(&made, "topic.json", &text, true)?;
            let dir = root.join(&new.name);
            std::fs::rename(&made, &dir).map_err(|e| Error::io(format!("cannot make {}", dir.display()), e))?;
            journal::sync_dir(&root)
        })
    }

    fn delete(&self, name: &str) -> Result<()> {
        let topic = self.get(name)?;
        self.own(|_| {
            topic.deleted.store(true, Ordering::Relaxed);
            let gone = self.topics_dir().join(format!(".deleted-{name}"));
            remove_tree(&gone)?;
            let failed = |e| Error::io(format!("cannot delete {}", topic.dir.display()), e);
            std::fs::rename(&topic.dir, &gone).map_err(failed)?;
            self.topics.lock().remove(name);
            std::fs::remove_dir_all(&gone).map_err(failed)
        })
    }

    fn read(&self, request: ReadRequest) -> Result<RecordStream> {
        let topic = self.get(&request.topic)?;
        for slice in &request.slices {
            topic.partition(slice.partition)?;
        }
        let jobs = self.snapshot(&topic, |p, settled| Ok(job(p, &request, settled)))?;
        let mut jobs: HashMap<i32, Job> = jobs.into_iter().flatten().map(|job| (job.partition, job)).collect();
        let jobs = request.slices.iter().filter_map(|s| jobs.remove(&s.partition));
        read::start(&topic.name, jobs.collect(), if request.in_order { 1 } else { request.threads })
    }
}

fn remove_tree(dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("cannot remove {}", dir.display()), e))
        }
        _ => Ok(()),
    }
}

/// What a thread needs to read the slice of `request` in this partition.
fn job(p: &Partition, request: &ReadRequest, settled: &[i64]) -> Option<Job> {
    let wanted = request.slices.iter().find(|s| s.partition == p.place.partition)?;
    let there = p.ledger.range(p.place.partition, request.isolation, settled);
    let start = wanted.start.max(there.start);
    let slice = Range { partition: wanted.partition, start, end: wanted.end.min(there.end) };
    let mut sieve = Sieve::new(p.place.clone(), slice, request.want, request.isolation);
    sieve.add_aborted(p.ledger.aborted_in(&slice));
    let segments = p.segments.clone();
    Some(Job { partition: slice.partition, dir: p.dir.clone(), segments, start, sieve, chunk: read::FIRST_BYTES })
}

/// Makes a partition whole after a crash: cuts the torn tail, ends open transactions. Returns the newest producer.
fn recover(topic: &TopicLog, partition: &mut Partition, prepared: &[i64]) -> Result<i64> {
    partition.refresh()?;
    partition.cut()?;
    let newest = partition.ledger.open.keys().copied().chain(partition.ledger.aborted.iter().map(|a| a.producer_id));
    let newest = newest.max().unwrap_or(-1);
    let open: Vec<i64> = partition.ledger.open.keys().copied().collect();
    for id in &open {
        let mut batch = marker(*id, prepared.contains(id), now_ms())?;
        partition.append(&mut batch, topic.policy.segment_bytes)?;
    }
    if !open.is_empty() {
        if let Some(file) = partition.unsynced() {
            file.sync_data().map_err(|e| Error::io("cannot sync a segment", e))?;
        }
        partition.checkpoint()?;
    }
    Ok(newest)
}

/// The first offset in `partition` whose record is at or after `time`.
fn offset_at(partition: &Partition, time: i64) -> Result<Option<i64>> {
    for base in &partition.segments {
        let index = Index::load(&partition.dir, *base);
        let last = partition.segments.last() == Some(base);
        if !last && index.whole.is_some_and(|(greatest, _)| greatest < time) {
            continue;
        }
        let failed = |e| Error::io(format!("cannot read segment {base} in {}", partition.dir.display()), e);
        let (file, name) = segment::open(&partition.dir, *base).map_err(failed)?;
        let limit = file.metadata().map_err(failed)?.len();
        let entry = index.seek_time(time).filter(|e| read::begins_at(&file, &name, e, limit));
        let mut place = partition.place.clone();
        place.file = Some(Arc::clone(&name));
        let mut chunks = Chunks::new(file, name, entry.map_or(0, |e| e.position), limit);
        while let Next::Batch { header, bytes, .. } = chunks.batch()? {
            if header.base_offset >= partition.ledger.end {
                break;
            }
            if header.is_control() || header.max_timestamp < time {
                continue;
            }
            let found = first_at(&place, &header, bytes, time)?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

impl Local {
    /// The log in `dir`, which need not exist yet. Nothing is read.
    ///
    /// # Errors
    /// `dir` is there and is not a folder.
    pub fn open(dir: &Path) -> Result<Local> {
        if dir.exists() && !dir.is_dir() {
            return Err(Error::usage(format!("{} is not a folder", dir.display())));
        }
        let inner = Inner { dir: dir.to_owned(), topics: Mutex::default(), owner: Mutex::new(None) };
        Ok(Local { inner: Arc::new(inner) })
    }

    /// Starts appending to `topic`, without async: the way to load much.
    ///
    /// # Errors
    /// There is no such topic, or another process writes here.
    pub fn appender(&self, topic: &str) -> Result<Appender> {
        self.inner.own(|_| Ok(()))?;
        Appender::new(Arc::clone(&self.inner), self.inner.get(topic)?)
    }

    /// Applies retention and compaction to all topics, as of `now_ms`. Done by itself when the log is opened for
    /// writing and when a commit has filled a segment.
    ///
    /// # Errors
    /// Another process writes here, or the disk refuses.
    pub fn maintain(&self, now_ms: i64) -> Result<()> {
        self.inner.own(|_| Ok(()))?;
        self.inner.all()?.iter().try_for_each(|topic| self.inner.maintain_topic(topic, now_ms))
    }
}

#[async_trait]
impl Connector for Local {
    fn kind(&self) -> &'static str {
        "local"
    }

    fn location(&self) -> String {
        self.inner.dir.display().to_string()
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        Ok(self.inner.all()?.iter().map(|t| described(t)).collect())
    }

    async fn topic(&self, name: &str) -> Result<Option<Topic>> {
        Ok(self.inner.find(name)?.map(|t| described(&t)))
    }

    async fn topic_config(&self, name: &str) -> Result<BTreeMap<String, String>> {
        Ok(self.inner.get(name)?.file.settings())
    }

    async fn ranges(&self, topic: &str, isolation: Isolation) -> Result<Vec<Range>> {
        let topic = self.inner.get(topic)?;
        self.inner.snapshot(&topic, |p, settled| Ok(p.ledger.range(p.place.partition, isolation, settled)))
    }

    async fn offsets_at(&self, topic: &str, timestamp_ms: i64) -> Result<Vec<(i32, Option<i64>)>> {
        let topic = self.inner.get(topic)?;
        self.inner.snapshot(&topic, |p, _| Ok((p.place.partition, offset_at(p, timestamp_ms)?)))
    }

    fn read(&self, request: ReadRequest) -> Result<RecordStream> {
        self.inner.read(request)
    }

    async fn writer(&self, topic: &str) -> Result<Box<dyn Writer>> {
        Ok(Box::new(self.appender(topic)?))
    }

    async fn create_topic(&self, topic: NewTopic) -> Result<()> {
        self.inner.create(&topic)
    }

    async fn delete_topic(&self, name: &str) -> Result<()> {
        self.inner.delete(name)
    }
}

fn described(topic: &TopicLog) -> Topic {
    Topic { name: Arc::clone(&topic.name), partitions: topic.file.partitions, internal: topic.name.starts_with('_') }
}
