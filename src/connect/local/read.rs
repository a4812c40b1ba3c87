//! The reading threads of the local log.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use async_channel::Sender;
use bytes::Bytes;
use parking_lot::Mutex;

use super::segment::{self, Chunks, Entry, Index, Next};
use crate::connect::batch::{Header, Packed, Sieve};
use crate::connect::{Delivery, Event, RecordStream};
use crate::error::{Error, Result};

/// One slice to be read: everything a thread needs.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) partition: i32,
    pub(super) dir: PathBuf,
    /// Base offsets of the segments, ascending.
    pub(super) segments: Vec<i64>,
    pub(super) start: i64,
    pub(super) sieve: Sieve,
    /// How much to read at once.
    pub(super) chunk: usize,
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

/// The first chunk is small, for those who want few; each may be four times larger than the one before.
pub(super) const FIRST_BYTES: usize = 64 << 10;
const MOST_BYTES: usize = 1 << 20;

impl Job {
    /// Reads the slice to its end; false when nobody listens any more.
    fn read(mut self, sender: &Sender<Result<Delivery>>) -> Result<bool> {
        let first = self.segments.partition_point(|base| *base <= self.start).saturating_sub(1);
        let mut begin = Some(self.start);
        for at in first..self.segments.len() {
            if self.sieve.is_done() {
                break;
            }
            let Some(base) = self.segments.get(at).copied() else { break };
            let next = self.segments.get(at + 1).copied();
            if !self.segment(base, begin.take(), next, sender)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn segment(
        &mut self,
        base: i64,
        from: Option<i64>,
        next: Option<i64>,
        sender: &Sender<Result<Delivery>>,
    ) -> Result<bool> {
        let (file, name) = segment::open(&self.dir, base).map_err(|e| self.gone(e))?;
        self.sieve.set_file(Arc::clone(&name));
        let limit = file.metadata().map_err(|e| self.gone(e))?.len();
        let mut position = 0;
        if let Some(offset) = from {
            let entry = Index::load(&self.dir, base).seek(offset);
            let entry = entry.filter(|e| begins_at(&file, &name, e, limit));
            self.sieve.restart(entry.map_or(base, |e| e.offset));
            position = entry.map_or(0, |e| e.position);
        } else if self.sieve.position() != base {
            return Err(self.sieve.place().error(self.sieve.position(), "the segment before it ends early"));
        }
        self.batches(&file, position, limit, next, sender)
    }

    /// Hands over the batches between two bytes of a segment, as they lie there.
    fn batches(
        &mut self,
        file: &File,
        mut position: u64,
        limit: u64,
        next: Option<i64>,
        sender: &Sender<Result<Delivery>>,
    ) -> Result<bool> {
        let mut left = Bytes::new();
        loop {
            if sender.is_closed() {
                return Ok(false);
            }
            let needed = self.sieve.needed(&left)?;
            let room = limit.saturating_sub(position);
            if needed as u64 > room.saturating_add(left.len() as u64) {
                return Err(self.sieve.place().error(self.sieve.position(), "its segment file ends before it does"));
            }
            let more = self.chunk.max(needed).saturating_sub(left.len());
            let more = more.min(usize::try_from(room).unwrap_or(usize::MAX));
            let mut chunk = Vec::with_capacity(left.len() + more);
            chunk.extend_from_slice(&left);
            chunk.resize(left.len() + more, 0);
            let target = chunk.get_mut(left.len()..).unwrap_or(&mut []);
            file.read_exact_at(target, position).map_err(|e| self.gone(e))?;
            position += more as u64;
            self.chunk = self.chunk.saturating_mul(4).min(MOST_BYTES);
            let mut heard = true;
            left = Packed::take_all(&mut self.sieve, chunk.into(), |packed| {
                heard = sender.send_blocking(Ok(Delivery::Packed(packed))).is_ok();
                heard
            })?;
            if !heard {
                return Ok(false);
            }
            if self.sieve.is_done() || next == Some(self.sieve.position()) {
                return Ok(true);
            }
        }
    }

    fn gone(&self, e: std::io::Error) -> Error {
        let place = self.sieve.place();
        let what = format!("cannot read partition {} of topic {}", self.partition, place.topic);
        if e.kind() == std::io::ErrorKind::UnexpectedEof {
            return place.error(self.sieve.position(), "its segment file ends before it does");
        }
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
