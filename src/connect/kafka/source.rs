//! Reading: a thread per client, each with some of the slices, feeding one bounded channel.
//!
//! ```text
//!   librdkafka client ── Queue ── Scan (a Columns per slice) ──┐
//!   librdkafka client ── Queue ── Scan ────────────────────────┴── channel ── RecordStream
//! ```
//! A slice has ended when its position reached `end`: after the record at `end - 1`, at a record past it, or where
//! librdkafka reports the end of the log (records in between may be control markers, aborted or compacted away).

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_channel::Sender;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::connect::{Delivery, Event, Isolation, Range, ReadRequest, RecordStream, Want};
use crate::error::{Error, Result};

use super::client::{Context, Journal, Properties};
use super::columns::Columns;
use super::error;
use super::queue::{Flow, Incoming, Queue};

/// Longest sleep before a reader looks whether anyone still listens.
const POLL: Duration = Duration::from_millis(50);
/// Batches ready to send after which the queue is left alone until they are sent.
const READY: usize = 4;
/// Fewer records than this in one go mean that the queue ran dry: what there is goes out at once.
const TRICKLE: usize = 512;
/// Without any complaint from the client, silence is borne this many times longer.
const QUIET: u32 = 10;

/// Starts the threads of one read. `patience` is how long nothing may arrive while the client reports trouble.
///
/// # Errors
/// A slice twice or of a negative partition.
pub(super) fn start(properties: &Properties, request: ReadRequest, patience: Duration) -> Result<RecordStream> {
    let mut partitions: Vec<i32> = request.slices.iter().map(|s| s.partition).collect();
    partitions.sort_unstable();
    if partitions.windows(2).any(|pair| pair.first() == pair.last()) || partitions.first().is_some_and(|p| *p < 0) {
        return Err(Error::internal(format!("{}: slices must be of different partitions", request.topic)));
    }
    let plans = plan(&request);
    let (sender, events) = async_channel::bounded(plans.len() * 2 + 2);
    for slices in plans {
        let reader = Reader {
            properties: properties.clone(),
            topic: Arc::clone(&request.topic),
            want: request.want,
            isolation: request.isolation,
            in_order: request.in_order,
            patience,
            sender: sender.clone(),
        };
        std::thread::Builder::new()
            .name(format!("read {}", request.topic))
            .spawn(move || reader.run(&slices))
            .map_err(|e| Error::io("starting a reading thread", e))?;
    }
    Ok(RecordStream::new(events))
}

/// Which thread reads which slices: all of them one after the other when order matters, else spread so that each
/// thread has about the same number of offsets.
fn plan(request: &ReadRequest) -> Vec<Vec<Range>> {
    if request.slices.is_empty() {
        return Vec::new();
    }
    let threads = if request.in_order { 1 } else { request.threads.clamp(1, request.slices.len()) };
    if threads == 1 {
        return vec![request.slices.clone()];
    }
    let mut largest_first = request.slices.clone();
    largest_first.sort_by_key(|slice| std::cmp::Reverse(slice.end.saturating_sub(slice.start)));
    let mut plans: Vec<(i64, Vec<Range>)> = vec![(0, Vec::new()); threads];
    for slice in largest_first {
        if let Some((load, slices)) = plans.iter_mut().min_by_key(|(load, slices)| (*load, slices.len())) {
            *load = load.saturating_add(slice.end.saturating_sub(slice.start).max(0));
            slices.push(slice);
        }
    }
    plans.into_iter().map(|(_, slices)| slices).collect()
}

/// Why a reader stopped early.
enum Stop {
    /// Nobody listens any more.
    Unheard,
    /// It failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

struct Reader {
    properties: Properties,
    topic: Arc<str>,
    want: Want,
    isolation: Isolation,
    in_order: bool,
    patience: Duration,
    sender: Sender<Result<Delivery>>,
}

struct Client {
    queue: Queue,
    consumer: Arc<BaseConsumer<Context>>,
    journal: Arc<Journal>,
}

impl Reader {
    fn run(self, slices: &[Range]) {
        if let Err(Stop::Failed(error)) = self.read(slices) {
            // The first error is the last thing a stream says: closing it ends the other threads too.
            let _unheard = self.sender.send_blocking(Err(error));
            self.sender.close();
        }
    }

    fn read(&self, slices: &[Range]) -> Result<(), Stop> {
        let empty = |slice: &&Range| slice.start >= slice.end;
        if slices.iter().all(|slice| empty(&slice)) {
            return self.end_all(slices.iter());
        }
        let client = self.connect()?;
        if self.in_order {
            for slice in slices {
                if empty(&slice) {
                    self.end_all([slice])?;
                } else {
                    self.scan(&client, &[*slice])?;
                }
            }
            return Ok(());
        }
        self.end_all(slices.iter().filter(empty))?;
        let full: Vec<Range> = slices.iter().filter(|s| !empty(s)).copied().collect();
        self.scan(&client, &full)
    }

    fn connect(&self) -> Result<Client> {
        let context = Context::default();
        let consumer: BaseConsumer<Context> =
            self.properties.reader(self.isolation).create_with_context(context.clone()).map_err(error::of_config)?;
        let consumer = Arc::new(consumer);
        Ok(Client { queue: Queue::new(Arc::clone(&consumer))?, consumer, journal: context.journal })
    }

    fn end_all<'a>(&self, slices: impl IntoIterator<Item = &'a Range>) -> Result<(), Stop> {
        slices.into_iter().try_for_each(|slice| self.send(Event::End { partition: slice.partition }))
    }

    fn send(&self, event: Event) -> Result<(), Stop> {
        self.sender.send_blocking(Ok(event.into())).map_err(|_| Stop::Unheard)
    }

    /// Reads `slices`, none of them empty, at the same time.
    fn scan(&self, client: &Client, slices: &[Range]) -> Result<(), Stop> {
        let mut scan = Scan::new(&self.topic, slices, self.want);
        self.assign(client, slices)?;
        loop {
            if self.sender.is_closed() {
                return Err(Stop::Unheard);
            }
            serve_events(&client.consumer)?;
            let served = client.queue.serve(POLL, |incoming| scan.take(&incoming));
            if let Some(error) = scan.failure.take() {
                return Err(Stop::Failed(error));
            }
            if served < TRICKLE {
                scan.flush()?;
            }
            for event in scan.ready.drain(..) {
                self.send(event)?;
            }
            if scan.open == 0 {
                return Ok(());
            }
            self.pause(client, &mut scan.ended)?;
            if scan.moved {
                scan.moved = false;
                client.journal.clear();
                scan.latest = Instant::now();
            } else {
                self.check_patience(client, &scan)?;
            }
        }
    }

    fn assign(&self, client: &Client, slices: &[Range]) -> Result<()> {
        let failed = |e| error::of_kafka(&e, &format!("topic \"{}\"", self.topic));
        let mut list = TopicPartitionList::new();
        for slice in slices {
            client.queue.adopt(&self.topic, slice.partition)?;
            list.add_partition_offset(&self.topic, slice.partition, Offset::Offset(slice.start.max(0)))
                .map_err(failed)?;
        }
        client.consumer.assign(&list).map_err(failed)
    }

    /// Stops fetching partitions whose slices have ended.
    fn pause(&self, client: &Client, ended: &mut Vec<i32>) -> Result<()> {
        if ended.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for partition in ended.drain(..) {
            list.add_partition(&self.topic, partition);
        }
        client.consumer.pause(&list).map_err(|e| error::of_kafka(&e, &format!("topic \"{}\"", self.topic)))
    }

    fn check_patience(&self, client: &Client, scan: &Scan<'_>) -> Result<()> {
        let silent = scan.latest.elapsed();
        if silent < self.patience {
            return Ok(());
        }
        if let Some((slice, at)) = scan.slices.iter().find_map(|s| Some((s, s.log_end?))) {
            return Err(Error::connect(format!(
                "{} partition {} now ends at offset {at}, before {} where this read was to end",
                self.topic, slice.range.partition, slice.range.end
            ))
            .with_detail(scan.progress())
            .with_hint("the log was cut back or a transaction is open: try again"));
        }
        if client.journal.troubled_since(scan.latest) {
            let cause = client.journal.diagnosis(&self.properties.brokers());
            return Err(Error::connect(format!("reading {} broke off: {}", self.topic, cause.message()))
                .with_detail(scan.progress())
                .with_hint(cause.hint().unwrap_or("try again").to_string())
                .with_source(cause));
        }
        if silent < self.patience.saturating_mul(QUIET) {
            return Ok(());
        }
        Err(Error::connect(format!("reading {} broke off: nothing came for {} s", self.topic, silent.as_secs()))
            .with_detail(scan.progress())
            .with_hint("check the brokers, then try again"))
    }
}

/// Passes what the client has to say to its journal. Only a fatal error ends the read here; the others show as silence.
fn serve_events(consumer: &BaseConsumer<Context>) -> Result<()> {
    while let Some(event) = consumer.poll(Duration::ZERO) {
        match event {
            Ok(_) => return Err(Error::internal("a record came past the reader's queue")),
            Err(rdkafka::error::KafkaError::MessageConsumptionFatal(code)) => {
                return Err(error::of_code(code, "the Kafka client"));
            }
            Err(_) => {}
        }
    }
    Ok(())
}

/// The state of several slices being read by one client.
struct Scan<'a> {
    topic: &'a str,
    slices: Vec<Slice>,
    /// Slices not ended.
    open: usize,
    /// Partitions that ended and are still being fetched.
    ended: Vec<i32>,
    ready: Vec<Event>,
    failure: Option<Error>,
    /// Whether anything came since `latest` was set.
    moved: bool,
    latest: Instant,
}

struct Slice {
    range: Range,
    /// The next offset we have not seen.
    position: i64,
    /// Where the log was seen to end, if that was before the slice's end.
    log_end: Option<i64>,
    columns: Columns,
    done: bool,
}

impl<'a> Scan<'a> {
    fn new(topic: &'a str, slices: &[Range], want: Want) -> Self {
        let slices: Vec<Slice> = slices
            .iter()
            .map(|range| Slice {
                range: *range,
                position: range.start,
                log_end: None,
                columns: Columns::new(range.partition, want),
                done: false,
            })
            .collect();
        Scan {
            topic,
            open: slices.len(),
            slices,
            ended: Vec::new(),
            ready: Vec::new(),
            failure: None,
            moved: false,
            latest: Instant::now(),
        }
    }

    fn take(&mut self, incoming: &Incoming<'_>) -> Flow {
        match self.try_take(incoming) {
            Ok(()) if self.open > 0 && self.ready.len() < READY => Flow::More,
            Ok(()) => Flow::Stop,
            Err(error) => {
                self.failure = Some(error);
                Flow::Stop
            }
        }
    }

    fn try_take(&mut self, incoming: &Incoming<'_>) -> Result<()> {
        let partition = incoming.partition();
        let Some(slice) = self.slices.iter_mut().find(|s| s.range.partition == partition) else {
            return Ok(());
        };
        if slice.done {
            return Ok(());
        }
        if let Some(code) = incoming.error() {
            if code != RDKafkaErrorCode::PartitionEOF {
                return refuse(code, incoming, self.topic, slice);
            }
            let at = incoming.offset();
            slice.position = slice.position.max(at);
            if slice.position < slice.range.end {
                slice.log_end = Some(at);
                return Ok(());
            }
        } else {
            self.moved = true;
            slice.log_end = None;
            let offset = incoming.offset();
            if offset < slice.position {
                return Ok(());
            }
            slice.position = offset.saturating_add(1);
            if offset < slice.range.end {
                slice.columns.push(incoming)?;
            }
            if slice.columns.is_full() {
                self.ready.push(Event::Records(slice.columns.take()?));
            }
        }
        if slice.position >= slice.range.end {
            slice.done = true;
            self.moved = true;
            if !slice.columns.is_empty() {
                self.ready.push(Event::Records(slice.columns.take()?));
            }
            self.ready.push(Event::End { partition });
            self.ended.push(partition);
            self.open -= 1;
        }
        Ok(())
    }

    /// Makes everything taken so far ready.
    fn flush(&mut self) -> Result<()> {
        for slice in self.slices.iter_mut().filter(|s| !s.columns.is_empty()) {
            self.ready.push(Event::Records(slice.columns.take()?));
        }
        Ok(())
    }

    /// How far every slice got.
    fn progress(&self) -> String {
        let mut lines: Vec<String> = self
            .slices
            .iter()
            .take(8)
            .map(|s| {
                let Range { partition, start, end } = s.range;
                format!("partition {partition}: offsets {start} to {} of {end} read", s.position.min(end))
            })
            .collect();
        if self.slices.len() > lines.len() {
            lines.push(format!("and {} more partitions", self.slices.len() - lines.len()));
        }
        lines.join("\n")
    }
}

/// The error for a partition that cannot go on; nothing for what the client itself will try again.
fn refuse(code: RDKafkaErrorCode, incoming: &Incoming<'_>, topic: &str, slice: &Slice) -> Result<()> {
    use RDKafkaErrorCode as Code;
    let Range { partition, start, end } = slice.range;
    let far = format!("partition {partition}: offsets {start} to {} of {end} read", slice.position);
    match code {
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::OperationTimedOut
        | Code::RequestTimedOut
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::NetworkException
        | Code::PollExceeded => Ok(()),
        Code::AutoOffsetReset | Code::OffsetOutOfRange => {
            let message =
                format!("{topic} partition {partition}: the records from offset {} on are gone", slice.position);
            Err(Error::connect(message)
                .with_detail(format!("{far}; {}", incoming.reason()))
                .with_hint("retention or a deletion removed them while reading: try again"))
        }
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicId => {
            Err(Error::connect(format!("{topic} partition {partition} is not there, or was deleted while reading"))
                .with_detail(far)
                .with_hint("SHOW TOPICS lists what is there"))
        }
        Code::BadMessage | Code::BadCompression | Code::InvalidMessage => Err(Error::data(format!(
            "{topic} partition {partition}: a batch at or after offset {} is broken",
            slice.position
        ))
        .with_detail(format!("{far}; {}", incoming.reason()))),
        _ => {
            let error = error::of_code(code, &format!("{topic} partition {partition}"));
            Err(error.with_detail(format!("{far}; {}", incoming.reason())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(sizes: &[i64], threads: usize, in_order: bool) -> ReadRequest {
        let slices = (0..).zip(sizes).map(|(partition, size)| Range { partition, start: 10, end: 10 + size }).collect();
        let want = Want::default();
        ReadRequest { topic: "t".into(), slices, want, isolation: Isolation::default(), in_order, threads }
    }

    #[test]
    fn slices_are_spread_by_size_and_none_is_lost() {
        let plans = plan(&request(&[100, 10, 90, 0, 20], 2, false));
        let loads: Vec<i64> = plans.iter().map(|p| p.iter().map(|s| s.end - s.start).sum()).collect();
        assert_eq!(loads, [110, 110]);
        assert_eq!(plans.iter().map(Vec::len).sum::<usize>(), 5);
    }

    #[test]
    fn order_needs_one_thread() {
        let request = request(&[1, 2, 3], 8, true);
        assert_eq!(plan(&request), vec![request.slices.clone()]);
    }
}
