//! One read: who reads which partition from which broker, and what happens when that changes.
//!
//! ```text
//!                    ┌─ fetcher (broker 1) ── packed batches ──┐
//!   Reader ── places ┤                                         ├── channel ── RecordStream: opened by its consumers
//!      ▲      slices └─ fetcher (broker 2) ── packed batches ──┘
//!      └──── slices that moved, or whose broker was lost ◄─┘
//! ```
//! A slice belongs to one fetcher at a time. A fetcher that cannot go on with a slice gives it back; the reader asks the
//! cluster who leads it now and places it again, until nothing has come for as long as patience lasts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use async_channel::Sender;

use super::answer::Topic;
use super::cluster::Cluster;
use super::fetcher::{Fetcher, Verdict};
use crate::connect::batch::{Place, Sieve};
use crate::connect::kafka::admin::missing;
use crate::connect::{Delivery, Event, Range, ReadRequest, RecordStream};
use crate::error::{Error, Result};

/// Between two attempts to place slices; doubled each time up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long to wait for a fetcher before looking whether anyone still listens.
const LOOK_UP: Duration = Duration::from_millis(50);

/// One slice of one partition on its way.
#[derive(Debug)]
pub(super) struct Slice {
    /// What is left to be read, and which batches of it.
    pub(super) sieve: Sieve,
    /// Leader epoch as of when it was placed; -1 for none.
    pub(super) epoch: i32,
    /// A replica that the leader sent us to.
    pub(super) nearer: Option<i32>,
    /// Where the log was seen to end, when that was before the slice's end.
    pub(super) log_end: Option<i64>,
}

impl Slice {
    /// The partition.
    pub(super) fn partition(&self) -> i32 {
        self.sieve.slice().partition
    }

    /// How far it got: `partition 0: offsets 0 to 17 of 100 read`.
    pub(super) fn progress(&self) -> String {
        let Range { partition, start, end } = self.sieve.slice();
        format!("partition {partition}: offsets {start} to {} of {end} read", self.sieve.position().min(end))
    }
}

/// What fetchers tell the reader.
#[derive(Debug)]
pub(super) enum Report {
    /// Something came.
    Moved,
    /// A slice was read to its end.
    Done,
    /// A slice is given back, and what for.
    Back(Box<Slice>, Option<Error>),
    /// The read is over: an error, or nobody listens.
    Over(Option<Error>),
}

/// What all fetchers of a read share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) cluster: Arc<Cluster>,
    pub(super) request: ReadRequest,
    pub(super) topic_id: [u8; 16],
    pub(super) sender: Sender<Result<Delivery>>,
}

impl Shared {
    /// Hands something over; false when nobody listens.
    pub(super) fn deliver(&self, delivery: Delivery) -> bool {
        self.sender.send_blocking(Ok(delivery)).is_ok()
    }
}

/// Starts a read. `patience` is how long nothing may come while brokers are lost.
///
/// # Errors
/// No thread can be started.
pub(super) fn start(cluster: Arc<Cluster>, request: ReadRequest, patience: Duration) -> Result<RecordStream> {
    let (sender, deliveries) = async_channel::bounded(request.threads.max(1) * 2 + 2);
    let name = format!("read {}", request.topic);
    let work = move || {
        if let Err(error) = read(cluster, request, &sender, patience) {
            // The first error is the last thing a stream says.
            let _unheard = sender.send_blocking(Err(error));
            sender.close();
        }
    };
    std::thread::Builder::new().name(name).spawn(work).map_err(|e| Error::io("starting a reading thread", e))?;
    Ok(RecordStream::new(deliveries))
}

fn read(
    cluster: Arc<Cluster>,
    request: ReadRequest,
    sender: &Sender<Result<Delivery>>,
    patience: Duration,
) -> Result<()> {
    let name = Arc::clone(&request.topic);
    let (empty, full): (Vec<Range>, Vec<Range>) = request.slices.iter().partition(|s| s.start >= s.end);
    if full.is_empty() {
        for slice in empty {
            if sender.send_blocking(Ok(Event::End { partition: slice.partition }.into())).is_err() {
                return Ok(());
            }
        }
        return Ok(());
    }
    let topic = cluster.topic(&name)?.ok_or_else(|| missing(&name))?;
    let shared = Arc::new(Shared { cluster, topic_id: topic.id, request, sender: sender.clone() });
    let mut reader = Reader { shared, patience, topic: Some(topic), latest: Instant::now(), trouble: None };
    if !reader.shared.request.in_order {
        let all = reader.shared.request.slices.clone();
        return reader.run(&all);
    }
    for slice in reader.shared.request.slices.clone() {
        if reader.shared.sender.is_closed() {
            return Ok(());
        }
        reader.run(&[slice])?;
    }
    Ok(())
}

struct Reader {
    shared: Arc<Shared>,
    patience: Duration,
    /// Who leads what; `None` when that must be asked again.
    topic: Option<Topic>,
    /// When something came last.
    latest: Instant,
    /// Why the last slice was given back.
    trouble: Option<Error>,
}

impl Reader {
    /// Reads `ranges` at the same time, to their ends.
    fn run(&mut self, ranges: &[Range]) -> Result<()> {
        let request = &self.shared.request;
        let mut waiting = Vec::new();
        for range in ranges {
            if range.start >= range.end {
                self.shared.deliver(Event::End { partition: range.partition }.into());
                continue;
            }
            let place = Place { topic: Arc::clone(&request.topic), partition: range.partition, file: None };
            let sieve = Sieve::new(place, *range, request.want, request.isolation);
            waiting.push(Slice { sieve, epoch: -1, nearer: None, log_end: None });
        }
        let mut open = waiting.len();
        let (report, reports) = mpsc::channel();
        let mut pause = PAUSE;
        self.latest = Instant::now();
        while open > 0 {
            if !waiting.is_empty() {
                waiting = self.place(waiting, &report)?;
                if !waiting.is_empty() {
                    self.topic = None;
                }
            }
            let heard = reports.recv_timeout(if waiting.is_empty() { LOOK_UP } else { pause }).ok();
            for heard in heard.into_iter().chain(reports.try_iter()) {
                match heard {
                    Report::Moved => {
                        self.latest = Instant::now();
                        pause = PAUSE;
                    }
                    Report::Done => open -= 1,
                    Report::Back(slice, trouble) => {
                        if trouble.is_some() {
                            // A nearer replica is not asked again once it failed.
                            self.trouble = trouble;
                            self.topic = None;
                        }
                        waiting.push(*slice);
                    }
                    Report::Over(None) => return Ok(()),
                    Report::Over(Some(error)) => return Err(error),
                }
            }
            if self.shared.sender.is_closed() {
                return Ok(());
            }
            if !waiting.is_empty() {
                self.check_patience(&waiting)?;
                if self.topic.is_none() {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        Ok(())
    }

    /// Starts a fetcher for every broker that leads some of `slices`; gives back those without a leader.
    fn place(&mut self, slices: Vec<Slice>, report: &mpsc::Sender<Report>) -> Result<Vec<Slice>> {
        let name = &self.shared.request.topic;
        let topic = match self.topic.take() {
            Some(topic) => topic,
            None => match self.shared.cluster.topic(name) {
                Ok(Some(topic)) => topic,
                Ok(None) => {
                    let far = slices.first().map(Slice::progress).unwrap_or_default();
                    return Err(Error::connect(format!("topic {name} was deleted while reading"))
                        .with_detail(far)
                        .with_hint("SHOW TOPICS lists what is there"));
                }
                Err(trouble) => {
                    self.trouble = Some(trouble);
                    return Ok(slices);
                }
            },
        };
        if topic.id != self.shared.topic_id {
            return Err(another(name));
        }
        let mut left = Vec::new();
        let mut by_broker: BTreeMap<i32, Vec<Slice>> = BTreeMap::new();
        for mut slice in slices {
            let number = slice.partition();
            let partition = topic.partitions.iter().find(|p| p.index == number);
            let Some(partition) = partition else {
                return Err(Error::sql(format!("topic \"{name}\" has no partition {number}")));
            };
            let broker = slice.nearer.unwrap_or(partition.leader);
            if broker < 0 {
                self.trouble = Some(Error::connect(format!("{name} partition {number} has no leader")));
                left.push(slice);
                continue;
            }
            slice.epoch = partition.epoch;
            by_broker.entry(broker).or_default().push(slice);
        }
        self.topic = Some(topic);
        for (broker, slices) in by_broker {
            self.start(broker, slices, report, &mut left)?;
        }
        Ok(left)
    }

    fn start(
        &mut self,
        broker: i32,
        slices: Vec<Slice>,
        report: &mpsc::Sender<Report>,
        left: &mut Vec<Slice>,
    ) -> Result<()> {
        let Some(at) = self.shared.cluster.address(broker) else {
            left.extend(slices.into_iter().map(|s| Slice { nearer: None, ..s }));
            return Ok(());
        };
        // While one connection waits for its broker another can be read.
        let shares = self.shared.request.threads.min(slices.len()).max(1);
        let mut parts: Vec<Vec<Slice>> = (0..shares).map(|_| Vec::new()).collect();
        for (i, slice) in slices.into_iter().enumerate() {
            if let Some(part) = parts.get_mut(i % shares) {
                part.push(slice);
            }
        }
        for slices in parts {
            let (shared, report, at) = (Arc::clone(&self.shared), report.clone(), at.clone());
            let name = format!("fetch {} from {broker}", self.shared.request.topic);
            let work = move || {
                let mut fetcher = Fetcher::new(&shared, &at, slices, &report);
                match fetcher.run() {
                    Verdict::Done => {}
                    Verdict::Unheard => drop(report.send(Report::Over(None))),
                    Verdict::Over(error) => drop(report.send(Report::Over(Some(error)))),
                    Verdict::Lost(error) => fetcher.give_back(&error),
                }
            };
            std::thread::Builder::new()
                .name(name)
                .spawn(work)
                .map_err(|e| Error::io("starting a reading thread", e))?;
        }
        Ok(())
    }

    fn check_patience(&mut self, waiting: &[Slice]) -> Result<()> {
        if self.latest.elapsed() < self.patience {
            return Ok(());
        }
        let name = &self.shared.request.topic;
        let mut far: Vec<String> = waiting.iter().take(8).map(Slice::progress).collect();
        if waiting.len() > far.len() {
            far.push(format!("and {} more partitions", waiting.len() - far.len()));
        }
        let far = far.join("\n");
        if let Some((slice, at)) = waiting.iter().find_map(|s| Some((s, s.log_end?))) {
            let Range { partition, end, .. } = slice.sieve.slice();
            return Err(Error::connect(format!(
                "{name} partition {partition} now ends at offset {at}, before {end} where this read was to end"
            ))
            .with_detail(far)
            .with_hint("the log was cut back or a transaction is open: try again"));
        }
        let trouble = self.trouble.take();
        let cause =
            trouble.unwrap_or_else(|| Error::connect(format!("nothing came for {} s", self.patience.as_secs())));
        Err(Error::connect(format!("reading {name} broke off: {}", cause.message()))
            .with_detail(far)
            .with_hint(cause.hint().unwrap_or("check the brokers, then try again").to_string())
            .with_source(cause))
    }
}

/// The error of a topic that is not the one whose offsets were taken.
pub(super) fn another(name: &str) -> Error {
    Error::connect(format!("topic {name} was deleted and made anew while reading"))
        .with_hint("run the statement again to read the new one")
}
