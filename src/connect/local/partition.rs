//! One partition: which segments it has, where its good bytes end, and appending to it.
//!
//! The log is the truth; `checkpoint.json` says how far it is known to be good, and [`Partition::refresh`] follows
//! from there whatever was appended since, by this process or another.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::journal::{checked, replace, sealed, sync_dir};
use super::segment::{self, Chunks, Index, IndexWriter, Next};
use crate::connect::batch::{Header, Place, write};
use crate::connect::ledger::Ledger;
use crate::error::{Error, Result};

/// The file `checkpoint.json`: everything before byte `position` of `segment` was acknowledged.
#[derive(Debug, Serialize, Deserialize)]
struct Checkpoint {
    segment: i64,
    position: u64,
    cleaned: i64,
    horizon: Option<i64>,
    ledger: Ledger,
}

/// What is known of one partition.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) place: Place,
    pub(super) dir: PathBuf,
    /// Base offsets, ascending; the last is the active one.
    pub(super) segments: Vec<i64>,
    pub(super) ledger: Ledger,
    /// Up to which offset the log has been compacted.
    pub(super) cleaned: i64,
    /// When the first of the tombstones that compaction has kept may go.
    pub(super) horizon: Option<i64>,
    tail: Option<Tail>,
}

#[derive(Debug)]
struct Tail {
    base: i64,
    file: Arc<File>,
    name: Arc<str>,
    inode: u64,
    position: u64,
    out: Option<Out>,
}

#[derive(Debug)]
struct Out {
    file: Arc<File>,
    index: IndexWriter,
}

impl Partition {
    /// The partition in `dir`, nothing of it read yet.
    pub(super) fn new(place: Place, dir: PathBuf) -> Self {
        Partition { place, dir, segments: Vec::new(), ledger: Ledger::default(), cleaned: 0, horizon: None, tail: None }
    }

    /// Makes the folder of a new, empty partition.
    pub(super) fn create(dir: &Path) -> Result<()> {
        let failed = |e| Error::io(format!("cannot make {}", dir.display()), e);
        std::fs::create_dir_all(dir).map_err(failed)?;
        File::create_new(segment::path(dir, 0, "log")).map_err(failed)?;
        sync_dir(dir)
    }

    /// Brings this up to what the files hold now: complete batches with right checksums.
    pub(super) fn refresh(&mut self) -> Result<()> {
        if !self.is_current() {
            self.load()?;
        }
        while self.follow()? {}
        Ok(())
    }

    /// Whether what is known is still a beginning of what is there.
    fn is_current(&self) -> bool {
        let Some(tail) = &self.tail else { return false };
        let same = std::fs::metadata(segment::path(&self.dir, tail.base, "log"))
            .is_ok_and(|m| m.ino() == tail.inode && m.len() >= tail.position);
        let first = self.segments.first().is_some_and(|f| segment::path(&self.dir, *f, "log").exists());
        same && first
    }

    fn load(&mut self) -> Result<()> {
        self.segments = segment::list(&self.dir)?;
        let Some(first) = self.segments.first().copied() else {
            return Err(Error::data(format!(
                "topic {}, partition {}: no segment files in {}",
                self.place.topic,
                self.place.partition,
                self.dir.display()
            )));
        };
        self.tail = None;
        let saved = std::fs::read(self.dir.join("checkpoint.json")).unwrap_or_default();
        if let Some(saved) = checked::<Checkpoint>(&saved)
            && self.segments.contains(&saved.segment)
            && self.open(saved.segment, saved.position)?
        {
            self.ledger = saved.ledger;
            self.cleaned = saved.cleaned;
            self.horizon = saved.horizon;
            self.ledger.start = first;
            self.segments.retain(|s| *s <= saved.segment);
            return Ok(());
        }
        self.ledger = Ledger { start: first, end: first, ..Ledger::default() };
        self.cleaned = first;
        self.open(first, 0)?;
        self.segments.truncate(1);
        Ok(())
    }

    /// Makes the segment at `base` the tail, good up to `position`; false when it is shorter.
    fn open(&mut self, base: i64, position: u64) -> Result<bool> {
        let failed = |e| Error::io(format!("cannot open segment {base} in {}", self.dir.display()), e);
        let (file, name) = segment::open(&self.dir, base).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        let enough = meta.len() >= position;
        if enough {
            self.tail = Some(Tail { base, file, name, inode: meta.ino(), position, out: None });
        }
        Ok(enough)
    }

    /// Follows the tail to its end; true when there is a next segment to follow.
    fn follow(&mut self) -> Result<bool> {
        let Some(tail) = &mut self.tail else { return Ok(false) };
        let length = tail.length()?;
        if length > tail.position {
            let mut chunks = Chunks::new(Arc::clone(&tail.file), Arc::clone(&tail.name), tail.position, length);
            while let Next::Batch { header, bytes, position } = chunks.batch()? {
                if header.base_offset != self.ledger.end {
                    break;
                }
                let good = header.check_crc(bytes).is_ok();
                let control = if good { header.control(bytes).ok().flatten() } else { None };
                // Damage in the middle is not a torn tail: it stays, and reading it will say so.
                if !good && !goes_on(&mut chunks, &header)? {
                    break;
                }
                self.ledger.apply(&header, control);
                tail.position = position + header.total as u64;
            }
        }
        let base = tail.base;
        let next = if segment::path(&self.dir, self.ledger.end, "log").exists() && self.ledger.end > base {
            Some(self.ledger.end)
        } else if length > tail.position {
            // Only damage ends a segment that is not the last one early; reading it will say so.
            let next = segment::list(&self.dir)?.into_iter().find(|s| *s > base);
            if next.is_some() && tail.length()? > length {
                return Ok(true);
            }
            next
        } else {
            None
        };
        let Some(next) = next else { return Ok(false) };
        self.ledger.end = next;
        self.segments.push(next);
        self.open(next, 0)
    }

    /// Cuts a torn tail off; for the writer, when it opens.
    pub(super) fn cut(&mut self) -> Result<()> {
        let Some(tail) = &self.tail else { return Ok(()) };
        let path = segment::path(&self.dir, tail.base, "log");
        let failed = |e| Error::io(format!("cannot cut the torn end of {}", path.display()), e);
        let length = tail.file.metadata().map_err(failed)?.len();
        if length > tail.position {
            let file = File::options().write(true).open(&path).map_err(failed)?;
            file.set_len(tail.position).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        for (base, next) in self.segments.iter().zip(self.segments.iter().skip(1)) {
            let whole = Index::load(&self.dir, *base).whole;
            if whole.is_none_or(|(_, last)| last.checked_add(1) != Some(*next)) {
                self.reindex(*base)?;
            }
        }
        Ok(())
    }

    /// Builds the indexes of a closed segment anew.
    pub(super) fn reindex(&self, base: i64) -> Result<()> {
        for extension in ["index", "timeindex"] {
            match std::fs::remove_file(segment::path(&self.dir, base, extension)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("cannot remove an index", e));
                }
                _ => {}
            }
        }
        IndexWriter::resume(&self.dir, base, u64::MAX)?.close()
    }

    /// Appends a finished batch, giving it its offsets; whether a new segment was begun for it.
    pub(super) fn append(&mut self, batch: &mut [u8], segment_bytes: u64) -> Result<bool> {
        let full =
            self.tail.as_ref().is_some_and(|t| t.position > 0 && t.position + batch.len() as u64 > segment_bytes);
        if full {
            self.roll()?;
        }
        let end = self.ledger.end;
        write::set_base_offset(batch, end);
        let header = match Header::parse(batch) {
            Ok(Some(header)) => header,
            Ok(None) => return Err(Error::internal("a batch without a header was appended")),
            Err(fault) => return Err(fault.at(&self.place, end)),
        };
        let control = header.control(batch).map_err(|f| f.at(&self.place, end))?;
        let dir = self.dir.clone();
        let tail = self.tail.as_mut().ok_or_else(|| Error::internal("append before refresh"))?;
        let position = tail.position;
        let out = tail.out(&dir)?;
        if let Err(e) = out.file.write_all_at(batch, position) {
            // What was written of it must not stay between good batches.
            let _ = out.file.set_len(position);
            return Err(Error::io(format!("cannot append to {}", tail.name), e));
        }
        out.index.note(&header, position)?;
        tail.position += batch.len() as u64;
        self.ledger.apply(&header, control);
        Ok(full)
    }

    /// Closes the active segment and begins the next.
    pub(super) fn roll(&mut self) -> Result<()> {
        let dir = self.dir.clone();
        let Some(tail) = &mut self.tail else { return Ok(()) };
        if tail.position == 0 {
            return Ok(());
        }
        tail.out(&dir)?;
        if let Some(out) = tail.out.take() {
            out.file.sync_data().map_err(|e| Error::io(format!("cannot sync {}", tail.name), e))?;
            out.index.close()?;
        }
        let base = self.ledger.end;
        let path = segment::path(&dir, base, "log");
        File::create_new(&path).map_err(|e| Error::io(format!("cannot make {}", path.display()), e))?;
        sync_dir(&dir)?;
        self.segments.push(base);
        self.open(base, 0)?;
        Ok(())
    }

    /// What must be synced for everything appended to be durable.
    pub(super) fn unsynced(&self) -> Option<Arc<File>> {
        self.tail.as_ref().and_then(|t| t.out.as_ref()).map(|o| Arc::clone(&o.file))
    }

    /// Notes that everything so far is acknowledged.
    pub(super) fn checkpoint(&self) -> Result<()> {
        let Some(tail) = &self.tail else { return Ok(()) };
        let checkpoint = Checkpoint {
            segment: tail.base,
            position: tail.position,
            cleaned: self.cleaned,
            horizon: self.horizon,
            ledger: self.ledger.clone(),
        };
        replace(&self.dir, "checkpoint.json", &sealed(&checkpoint)?, false)
    }
}

impl Tail {
    fn length(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(|e| Error::io(format!("cannot read {}", self.name), e))?.len())
    }

    fn out(&mut self, dir: &Path) -> Result<&mut Out> {
        let out = match self.out.take() {
            Some(out) => out,
            None => {
                let file = File::options().write(true).open(segment::path(dir, self.base, "log"));
                let file = file.map_err(|e| Error::io(format!("cannot write {}", self.name), e))?;
                Out { file: Arc::new(file), index: IndexWriter::resume(dir, self.base, self.position)? }
            }
        };
        Ok(self.out.insert(out))
    }
}

/// Whether a good batch follows the one of `header`.
fn goes_on(chunks: &mut Chunks, header: &Header) -> Result<bool> {
    let (at, next) = (chunks.position(), header.next_offset());
    if !matches!(chunks.batch()?, Next::Batch { header, bytes, .. }
        if header.base_offset == next && header.check_crc(bytes).is_ok())
    {
        return Ok(false);
    }
    chunks.rewind(at);
    Ok(true)
}
