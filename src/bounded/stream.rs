//! One stream of rows of a scan: deliveries of the reader are opened and decoded, by whoever polls the stream or, where
//! a single stream has to keep the log's order, several ahead on other threads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::physical_plan::metrics::{BaselineMetrics, Count, RecordOutput as _};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use parking_lot::Mutex;

use crate::bounded::plan_error::plan_error;
use crate::bounded::rows::{Made, RowSpec, Rows};
use crate::bounded::statement::{ScanCounts, Statement};
use crate::connect::{Delivery, Event, RawRecords, RecordStream};
use crate::error::{Error, Result};

/// The read that the streams of one execution share.
#[derive(Debug, Clone)]
pub(super) struct Running {
    stream: RecordStream,
    slices_left: Arc<AtomicUsize>,
    rows_left: Arc<AtomicUsize>,
    streams_left: Arc<AtomicUsize>,
}

impl Running {
    /// A read of `slices` slices that `streams` streams will share, which deliver no more than `limit` rows together.
    pub(super) fn start(stream: RecordStream, slices: usize, limit: Option<usize>, streams: usize) -> Self {
        Running {
            stream,
            slices_left: Arc::new(AtomicUsize::new(slices)),
            rows_left: Arc::new(AtomicUsize::new(limit.unwrap_or(usize::MAX))),
            streams_left: Arc::new(AtomicUsize::new(streams)),
        }
    }
}

/// What a stream makes of records, and where it counts them.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) spec: Arc<RowSpec>,
    pub(super) statement: Arc<Statement>,
    /// What records that are open count against.
    pub(super) pool: Arc<dyn MemoryPool>,
    pub(super) baseline: BaselineMetrics,
    pub(super) scanned: Count,
    pub(super) bytes: Count,
}

/// Where rows come from.
enum Feed {
    /// This stream makes them itself, a piece at a time.
    Own {
        rows: Box<Rows>,
        /// Records opened, and how many of them were taken.
        open: Box<Option<(RawRecords, usize)>>,
    },
    /// Others make them, some deliveries ahead; they come in order.
    Ahead { done: BoxStream<'static, Result<Done>>, made: VecDeque<Made> },
}

/// What became of one delivery.
enum Done {
    End,
    Records { len: usize, bytes: u64, tombstones: usize, made: VecDeque<Made>, held: MemoryReservation },
}

/// One stream of rows.
pub(super) struct Stream {
    running: Option<Running>,
    feed: Feed,
    work: Work,
    counts: Arc<ScanCounts>,
    /// Memory of the records that are open.
    held: MemoryReservation,
}

impl Stream {
    /// A stream that opens `ahead` deliveries at the same time.
    ///
    /// # Errors
    /// The format cannot produce the columns.
    pub(super) fn new(running: Running, work: Work, counts: Arc<ScanCounts>, ahead: usize) -> Result<Self> {
        let rows = Rows::new(Arc::clone(&work.spec), Arc::clone(&work.statement))?;
        let feed = if ahead > 1 {
            let pool = Arc::new(Mutex::new(vec![rows]));
            let done = work_ahead(running.stream.clone(), work.clone(), pool, ahead);
            Feed::Ahead { done, made: VecDeque::new() }
        } else {
            Feed::Own { rows: Box::new(rows), open: Box::default() }
        };
        let held = work.hold(0)?;
        Ok(Stream { running: Some(running), feed, work, counts, held })
    }

    /// The next batch with rows; `None` at the end. After an error it ends.
    ///
    /// # Errors
    /// The reader's; a record that cannot be decoded, when the policy is to fail; an end before the end.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        match self.advance().await {
            Ok(Some(batch)) => Ok(Some(batch.record_output(&self.work.baseline))),
            done => {
                if let Some(running) = self.running.take().filter(|_| done.is_err()) {
                    running.stream.close();
                }
                done
            }
        }
    }

    async fn advance(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(made) = self.made().await? else { return Ok(None) };
            self.counts.decoded.fetch_add(made.decoded, Ordering::Relaxed);
            self.counts.undecodable.fetch_add(made.undecodable, Ordering::Relaxed);
            let Some(batch) = made.batch else { continue };
            let Some(running) = &self.running else { return Ok(None) };
            let rows = batch.num_rows();
            let before = running
                .rows_left
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| Some(left.saturating_sub(rows)));
            let allowed = before.unwrap_or(0);
            if allowed <= rows {
                running.stream.close();
                self.forget();
            }
            return Ok(if allowed == 0 { None } else { Some(batch.slice(0, rows.min(allowed))) });
        }
    }

    /// Drops what was opened and will not be used.
    fn forget(&mut self) {
        match &mut self.feed {
            Feed::Own { open, .. } => **open = None,
            Feed::Ahead { done, made } => {
                *done = futures::stream::empty().boxed();
                made.clear();
            }
        }
    }

    async fn made(&mut self) -> Result<Option<Made>> {
        loop {
            let Some(running) = &self.running else { return Ok(None) };
            let event = match &mut self.feed {
                Feed::Own { rows, open } => {
                    if let Some(piece) = next_piece(open, self.work.statement.batch_rows) {
                        self.counts.passed.fetch_add(piece.len as u64, Ordering::Relaxed);
                        let made = {
                            let elapsed = self.work.baseline.elapsed_compute().clone();
                            let _timer = elapsed.timer();
                            rows.make(piece).await?
                        };
                        // As long as there is something to read this task would never pause, and a task woken by it
                        // may wait on its thread, out of reach of the others.
                        tokio::task::yield_now().await;
                        return Ok(Some(made));
                    }
                    running.stream.next().await.transpose()?
                }
                Feed::Ahead { done, made } => {
                    if let Some(made) = made.pop_front() {
                        return Ok(Some(made));
                    }
                    match done.next().await.transpose()? {
                        None => None,
                        Some(Done::End) => Some(Event::End { partition: -1 }),
                        Some(Done::Records { len, bytes, tombstones, made: all, held }) => {
                            *made = all;
                            self.held = held;
                            self.counts.passed.fetch_add(len as u64, Ordering::Relaxed);
                            self.count(len, bytes, tombstones);
                            continue;
                        }
                    }
                }
            };
            match event {
                None => return self.finish().map(|()| None),
                Some(Event::End { .. }) => drop(running.slices_left.fetch_sub(1, Ordering::AcqRel)),
                Some(Event::Records(raw)) => {
                    self.count(raw.len, raw.bytes, raw.tombstones);
                    self.held = self.work.hold(raw.memory())?;
                    if let Feed::Own { open, .. } = &mut self.feed {
                        **open = Some((raw, 0));
                    }
                }
            }
        }
    }

    /// Nothing more comes. Another stream may hold an end of a slice that it has not counted yet; the last one to
    /// finish sees them all.
    fn finish(&self) -> Result<()> {
        let Some(running) = &self.running else { return Ok(()) };
        let last = running.streams_left.fetch_sub(1, Ordering::AcqRel) == 1;
        let left = running.slices_left.load(Ordering::Acquire);
        let satisfied = running.rows_left.load(Ordering::Acquire) == 0;
        if last && left == 0 {
            // Offsets without records were passed too.
            self.counts.passed.store(self.counts.to_pass, Ordering::Relaxed);
        }
        if last && left > 0 && !satisfied {
            let topic = &self.work.spec.topic;
            return Err(Error::internal(format!("the reader of {topic} stopped before the end of {left} partitions")));
        }
        Ok(())
    }

    fn count(&self, len: usize, bytes: u64, tombstones: usize) {
        self.counts.scanned.fetch_add(len as u64, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.counts.tombstones.fetch_add(tombstones as u64, Ordering::Relaxed);
        self.work.scanned.add(len);
        self.work.bytes.add(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
}

/// At most `size` of the records that are open.
fn next_piece(open: &mut Option<(RawRecords, usize)>, size: usize) -> Option<RawRecords> {
    let (raw, at) = open.take().filter(|(raw, at)| *at < raw.len)?;
    let len = size.min(raw.len - at);
    if at == 0 && len == raw.len {
        return Some(raw);
    }
    let piece = raw.slice(at, len);
    *open = Some((raw, at + len));
    Some(piece)
}

/// Opens and decodes up to `ahead` deliveries at the same time; what comes out is in the order they came in.
fn work_ahead(
    stream: RecordStream,
    work: Work,
    pool: Arc<Mutex<Vec<Rows>>>,
    ahead: usize,
) -> BoxStream<'static, Result<Done>> {
    let deliveries = futures::stream::unfold(stream, |stream| async move {
        let delivery = stream.receive().await?;
        Some((delivery, stream))
    });
    let tasks = deliveries.map(move |delivery| {
        let (work, pool) = (work.clone(), Arc::clone(&pool));
        async move {
            let delivery = delivery?;
            let task = SpawnedTask::spawn(async move { work.done(delivery, &pool).await });
            task.join_unwind().await.map_err(|e| Error::internal(format!("decoding was cut short: {e}")))?
        }
    });
    tasks.buffered(ahead).boxed()
}

impl Work {
    /// Sets memory aside for as long as what is returned lives.
    fn hold(&self, bytes: usize) -> Result<MemoryReservation> {
        let held = MemoryConsumer::new(format!("scan of {}", self.spec.topic)).register(&self.pool);
        held.try_resize(bytes).map_err(plan_error)?;
        Ok(held)
    }

    /// Opens and decodes one delivery, with decoders that nobody uses at the moment.
    async fn done(&self, delivery: Delivery, pool: &Mutex<Vec<Rows>>) -> Result<Done> {
        let raw = match delivery.open()? {
            Event::End { .. } => return Ok(Done::End),
            Event::Records(raw) => raw,
        };
        let (len, bytes, tombstones) = (raw.len, raw.bytes, raw.tombstones);
        let held = self.hold(raw.memory())?;
        let idle = pool.lock().pop();
        let mut rows = match idle {
            Some(rows) => rows,
            None => Rows::new(Arc::clone(&self.spec), Arc::clone(&self.statement))?,
        };
        let mut made = VecDeque::new();
        let mut open = Some((raw, 0));
        let elapsed = self.baseline.elapsed_compute().clone();
        while let Some(piece) = next_piece(&mut open, self.statement.batch_rows) {
            let _timer = elapsed.timer();
            made.push_back(rows.make(piece).await?);
        }
        pool.lock().push(rows);
        Ok(Done::Records { len, bytes, tombstones, made, held })
    }
}
