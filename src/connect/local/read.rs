//! The reading threads of the local log.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use async_channel::Sender;
use parking_lot::Mutex;

use super::segment::{self, Chunks, Entry, Index, Next};
use crate::connect::batch::{Header, Walker};
use crate::connect::{Delivery, Event, RawRecords, RecordStream};
use crate::error::{Error, Result};

/// One slice to be read: everything a thread needs.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) partition: i32,
    pub(super) dir: PathBuf,
    /// Base offsets of the segments, ascending.
    pub(super) segments: Vec<i64>,
    pub(super) start: i64,
    pub(super) walker: Walker,
}

/// Reads `jobs` with up to `threads` threads.
pub(super) fn start(topic: &str, jobs: Vec<Job>, threads: usize) -> Result<RecordStream> {
    let threads = threads.clamp(1, jobs.len().max(1));
    let (sender, events) = async_channel::bounded(threads * 2 + 2);
    let jobs = Arc::new(Mutex::new(VecDeque::from(jobs)));
    for number in 0..threads {
        let (sender, jobs) = (sender.clone(), Arc::clone(&jobs));
        let name = format!("weir-read-{topic}-{number}");
        let thread = std::thread::Builder::new().name(name).spawn(move || work(&sender, &jobs));
        thread.map_err(|e| Error::io("cannot start a reading thread", e))?;
    }
    Ok(RecordStream::new(events))
}

fn work(sender: &Sender<Result<Delivery>>, jobs: &Mutex<VecDeque<Job>>) {
    loop {
        let Some(job) = jobs.lock().pop_front() else { return };
        let partition = job.partition;
        let event = match job.read(sender) {
            Ok(true) => Ok(Event::End { partition }.into()),
            Ok(false) => return,
            Err(error) => {
                jobs.lock().clear();
                Err(error)
            }
        };
        let failed = event.is_err();
        if sender.send_blocking(event).is_err() || failed {
            // Others end when they find the channel closed.
            sender.close();
            return;
        }
    }
}

impl Job {
    /// Reads the slice to its end; false when nobody listens any more.
    fn read(mut self, sender: &Sender<Result<Delivery>>) -> Result<bool> {
        let first = self.segments.partition_point(|base| *base <= self.start).saturating_sub(1);
        let mut begin = Some(self.start);
        for at in first..self.segments.len() {
            if self.walker.is_done() {
                break;
            }
            let Some(base) = self.segments.get(at).copied() else { break };
            let next = self.segments.get(at + 1).copied();
            if !self.segment(base, begin.take(), next, sender)? {
                return Ok(false);
            }
        }
        match self.walker.take()? {
            Some(raw) => Ok(send(sender, raw)),
            None => Ok(true),
        }
    }

    fn segment(
        &mut self,
        base: i64,
        from: Option<i64>,
        next: Option<i64>,
        sender: &Sender<Result<Delivery>>,
    ) -> Result<bool> {
        let (file, name) = segment::open(&self.dir, base).map_err(|e| self.gone(e))?;
        self.walker.set_file(Arc::clone(&name));
        let limit = file.metadata().map_err(|e| self.gone(e))?.len();
        if let Some(offset) = from {
            let entry = Index::load(&self.dir, base).seek(offset);
            let entry = entry.filter(|e| begins_at(&file, &name, e, limit));
            self.walker.restart(entry.map_or(base, |e| e.offset));
            let position = entry.map_or(0, |e| e.position);
            return self.chunks(Chunks::new(file, name, position, limit), next, sender);
        }
        if self.walker.position() != base {
            return Err(self.walker.place().error(self.walker.position(), "the segment before it ends early"));
        }
        self.chunks(Chunks::new(file, name, 0, limit), next, sender)
    }

    fn chunks(&mut self, mut chunks: Chunks, next: Option<i64>, sender: &Sender<Result<Delivery>>) -> Result<bool> {
        loop {
            if sender.is_closed() {
                return Ok(false);
            }
            let fed = self.walker.feed(chunks.loaded())?;
            chunks.consume(fed);
            if self.walker.is_full()
                && let Some(raw) = self.walker.take()?
                && !send(sender, raw)
            {
                return Ok(false);
            }
            if self.walker.is_done() || next == Some(self.walker.position()) {
                return Ok(true);
            }
            let needed = self.walker.needed(chunks.loaded())?;
            if !chunks.load(needed)? {
                return Err(self.walker.place().error(self.walker.position(), "its segment file ends before it does"));
            }
        }
    }

    fn gone(&self, e: std::io::Error) -> Error {
        let place = self.walker.place();
        let what = format!("cannot read partition {} of topic {}", self.partition, place.topic);
        if e.kind() == std::io::ErrorKind::NotFound {
            return Error::data(format!("{what}: it was deleted while it was being read"));
        }
        Error::io(what, e)
    }
}

/// Whether the batch that `entry` promises is there; an index may be older than a compacted segment.
pub(super) fn begins_at(file: &Arc<std::fs::File>, name: &Arc<str>, entry: &Entry, limit: u64) -> bool {
    let mut chunks = Chunks::new(Arc::clone(file), Arc::clone(name), entry.position, limit);
    let promised = |header: &Header| header.base_offset == entry.offset;
    matches!(chunks.batch(), Ok(Next::Batch { header, .. }) if promised(&header))
}

fn send(sender: &Sender<Result<Delivery>>, raw: RawRecords) -> bool {
    sender.send_blocking(Ok(Event::Records(raw).into())).is_ok()
}
