//! Segment files and their sparse indexes: names, reading in chunks, and where to begin. Kafka's own layout.
//!
//! ```text
//!   00000000000000000000.log        batches, one after the other
//!   00000000000000000000.index      (offset - base: u32, byte: u32) of a batch every 64 KiB
//!   00000000000000000000.timeindex  (greatest timestamp so far: i64, offset - base: u32) for the same places, and
//!                                   one for the whole segment when it is closed
//! ```
//! The indexes only save time: one that is missing, short or wrong is ignored by readers and rebuilt by the writer.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::connect::batch::{Fault, HEADER_BYTES, Header};
use crate::error::{Error, Result};

const CHUNK_BYTES: usize = 1 << 20;
const INDEX_EVERY_BYTES: u64 = 64 << 10;

/// The file of the segment that begins at offset `base`.
pub(super) fn path(dir: &Path, base: i64, extension: &str) -> PathBuf {
    dir.join(format!("{base:020}.{extension}"))
}

/// The base offsets of the segments in `dir`, ascending.
pub(super) fn list(dir: &Path) -> Result<Vec<i64>> {
    let failed = |e| Error::io(format!("cannot list {}", dir.display()), e);
    let mut bases = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let base = name.to_str().and_then(|n| n.strip_suffix(".log")).filter(|n| n.len() == 20);
        bases.extend(base.and_then(|b| b.parse::<i64>().ok()).filter(|b| *b >= 0));
    }
    bases.sort_unstable();
    Ok(bases)
}

/// A file read from front to back in chunks.
#[derive(Debug)]
pub(super) struct Chunks {
    file: Arc<File>,
    name: Arc<str>,
    next: u64,
    limit: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl Chunks {
    /// Reads `file` from byte `from` up to byte `limit` at most.
    pub(super) fn new(file: Arc<File>, name: Arc<str>, from: u64, limit: u64) -> Self {
        Chunks { file, name, next: from, limit, buffer: Vec::new(), at: 0 }
    }

    /// What is loaded and not consumed.
    pub(super) fn loaded(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or(&[])
    }

    /// Where in the file [`Chunks::loaded`] begins.
    pub(super) fn position(&self) -> u64 {
        self.next - self.loaded().len() as u64
    }

    /// Goes back to byte `position` of the file, which must not lie after the current one.
    pub(super) fn rewind(&mut self, position: u64) {
        self.buffer.clear();
        self.at = 0;
        self.next = position;
    }

    /// Loads more, so that at least `needed` bytes are loaded; false when the file has fewer.
    pub(super) fn load(&mut self, needed: usize) -> Result<bool> {
        if self.loaded().len() >= needed {
            return Ok(true);
        }
        if self.position().saturating_add(needed as u64) > self.limit {
            return Ok(false);
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let have = self.buffer.len();
        let room = self.limit.saturating_sub(self.next);
        let want = needed.max(CHUNK_BYTES).saturating_sub(have).min(usize::try_from(room).unwrap_or(usize::MAX));
        self.buffer.resize(have + want, 0);
        let mut filled = have;
        while let Some(target) = self.buffer.get_mut(filled..).filter(|t| !t.is_empty()) {
            match self.file.read_at(target, self.next) {
                Ok(0) => break,
                Ok(count) => {
                    filled += count;
                    self.next += count as u64;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io(format!("cannot read {}", self.name), e)),
            }
        }
        self.buffer.truncate(filled);
        Ok(filled >= needed)
    }

    /// The next batch, its checksum not yet compared.
    pub(super) fn batch(&mut self) -> Result<Next<'_>> {
        if !self.load(HEADER_BYTES)? {
            return Ok(Next::End);
        }
        let header = match Header::parse(self.loaded()) {
            Ok(Some(header)) => header,
            Ok(None) => return Ok(Next::End),
            Err(fault) => return Ok(Next::Broken(fault)),
        };
        if !self.load(header.total)? {
            return Ok(Next::End);
        }
        let position = self.position();
        let from = self.at;
        self.at += header.total;
        Ok(Next::Batch { position, bytes: self.buffer.get(from..self.at).unwrap_or(&[]), header })
    }
}

/// What follows in a segment.
pub(super) enum Next<'a> {
    /// A complete batch.
    Batch {
        /// Where it begins in the file.
        position: u64,
        /// Its header.
        header: Header,
        /// All of it.
        bytes: &'a [u8],
    },
    /// Less than a batch.
    End,
    /// Bytes that cannot be a batch.
    Broken(Fault),
}

/// Opens a segment for reading.
pub(super) fn open(dir: &Path, base: i64) -> std::io::Result<(Arc<File>, Arc<str>)> {
    let path = path(dir, base, "log");
    Ok((Arc::new(File::open(&path)?), path.display().to_string().into()))
}

/// A place in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Base offset of the batch.
    pub(super) offset: i64,
    /// Where it begins.
    pub(super) position: u64,
    /// The greatest timestamp in the segment before it.
    pub(super) before: i64,
}

/// The places known in one segment.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Index {
    /// Ascending.
    pub(super) entries: Vec<Entry>,
    /// The greatest timestamp in the whole segment and its last offset, once it is closed.
    pub(super) whole: Option<(i64, i64)>,
}

impl Index {
    /// Reads the indexes of a segment; empty when they are missing or make no sense.
    pub(super) fn load(dir: &Path, base: i64) -> Index {
        let read = |extension| std::fs::read(path(dir, base, extension)).unwrap_or_default();
        Self::parse(base, &read("index"), &read("timeindex")).unwrap_or_default()
    }

    fn parse(base: i64, places: &[u8], times: &[u8]) -> Option<Index> {
        let mut entries: Vec<Entry> = Vec::with_capacity(places.len() / 8);
        let (places, _) = places.as_chunks::<8>();
        let (times, _) = times.as_chunks::<12>();
        for (place, time) in places.iter().zip(times) {
            let place = u64::from_be_bytes(*place);
            let (before, last) = Self::time(base, time)?;
            let offset = base.checked_add((place >> 32).cast_signed())?;
            let entry = Entry { offset, position: place & 0xffff_ffff, before };
            let grows = entries.last().is_none_or(|e| e.offset < entry.offset && e.position < entry.position);
            if !grows || last.checked_add(1) != Some(entry.offset) {
                return None;
            }
            entries.push(entry);
        }
        let whole = times.get(places.len()).map(|t| Self::time(base, t)).unwrap_or_default();
        Some(Index { entries, whole })
    }

    fn time(base: i64, bytes: &[u8; 12]) -> Option<(i64, i64)> {
        let (time, offset) = bytes.split_first_chunk::<8>()?;
        let offset = u32::from_be_bytes(*offset.first_chunk::<4>()?);
        Some((i64::from_be_bytes(*time), base.checked_add(i64::from(offset))?))
    }

    /// Where to begin for `offset`: the last known place at or before it.
    pub(super) fn seek(&self, offset: i64) -> Option<Entry> {
        let after = self.entries.partition_point(|e| e.offset <= offset);
        self.entries.get(after.checked_sub(1)?).copied()
    }

    /// Where to begin for the first record at or after `time`.
    pub(super) fn seek_time(&self, time: i64) -> Option<Entry> {
        let after = self.entries.partition_point(|e| e.before < time);
        self.entries.get(after.checked_sub(1)?).copied()
    }
}

/// Writes the indexes of a segment as batches are appended to it.
#[derive(Debug)]
pub(super) struct IndexWriter {
    base: i64,
    places: File,
    times: File,
    count: u64,
    last_position: u64,
    greatest: i64,
    last_offset: i64,
}

impl IndexWriter {
    /// Goes on with the indexes of the segment at `base`, whose good bytes end at `end`; builds what is missing.
    pub(super) fn resume(dir: &Path, base: i64, end: u64) -> Result<IndexWriter> {
        let mut index = Index::load(dir, base);
        index.entries.retain(|e| e.position < end);
        let open = |extension: &str| {
            let path = path(dir, base, extension);
            let file = File::options().create(true).truncate(false).write(true).open(&path);
            file.map_err(|e| Error::io(format!("cannot write {}", path.display()), e))
        };
        let (file, name) = self::open(dir, base).map_err(|e| Error::io("cannot read a segment", e))?;
        let mut writer = IndexWriter {
            base,
            places: open("index")?,
            times: open("timeindex")?,
            count: 0,
            last_position: 0,
            greatest: -1,
            last_offset: base - 1,
        };
        // An entry is trusted when a batch with its offset begins there.
        let last = index.entries.iter().rposition(|e| {
            let mut chunks = Chunks::new(Arc::clone(&file), Arc::clone(&name), e.position, end);
            matches!(chunks.batch(), Ok(Next::Batch { header, .. }) if header.base_offset == e.offset)
        });
        if let Some((i, entry)) = last.and_then(|i| Some((i, index.entries.get(i)?))) {
            writer.count = i as u64 + 1;
            writer.last_position = entry.position;
            writer.greatest = entry.before;
        }
        let cut = |file: &File, len: u64| file.set_len(len).map_err(|e| Error::io("cannot cut an index", e));
        cut(&writer.places, writer.count * 8)?;
        cut(&writer.times, writer.count * 12)?;
        let mut chunks = Chunks::new(file, name, writer.last_position, end);
        while let Next::Batch { position, header, .. } = chunks.batch()? {
            writer.note(&header, position)?;
        }
        Ok(writer)
    }

    /// Takes the batch of `header`, which begins at `position`, into account.
    pub(super) fn note(&mut self, header: &Header, position: u64) -> Result<()> {
        if position >= self.last_position + INDEX_EVERY_BYTES {
            let offset = u32::try_from(header.base_offset - self.base);
            if let (Ok(offset), Ok(place)) = (offset, u32::try_from(position)) {
                let entry = u64::from(offset) << 32 | u64::from(place);
                self.put_time(self.greatest, header.base_offset - 1)?;
                let failed = |e| Error::io("cannot write an index", e);
                self.places.write_all_at(&entry.to_be_bytes(), self.count * 8).map_err(failed)?;
                self.count += 1;
                self.last_position = position;
            }
        }
        self.greatest = self.greatest.max(header.max_timestamp);
        self.last_offset = header.last_offset();
        Ok(())
    }

    /// Ends the segment.
    pub(super) fn close(mut self) -> Result<()> {
        if self.last_offset >= self.base {
            self.put_time(self.greatest, self.last_offset)?;
        }
        Ok(())
    }

    fn put_time(&mut self, time: i64, offset: i64) -> Result<()> {
        let mut entry = [0; 12];
        let offset = u32::try_from(offset - self.base).unwrap_or(u32::MAX).to_be_bytes();
        for (to, from) in entry.iter_mut().zip(time.to_be_bytes().iter().chain(&offset)) {
            *to = *from;
        }
        self.times.write_all_at(&entry, self.count * 12).map_err(|e| Error::io("cannot write an index", e))
    }
}
