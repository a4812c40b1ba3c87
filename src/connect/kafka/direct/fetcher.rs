//! The thread that fetches some slices from one broker: while what came last is handed over, the next answer is on its
//! way.

use std::sync::mpsc;
use std::time::Duration;

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::{ApiKey, FetchRequest};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::answer::{self, Fetched};
use super::cluster::{isolation_level, malformed, required, topic_name};
use super::code;
use super::connection::{Broken, Connection, Sent};
use super::reader::{Report, Shared, Slice, another};
use super::settings::Address;
use crate::connect::batch::{Aborted, Packed};
use crate::connect::{Delivery, Event, Range};
use crate::error::Error;

/// How long a broker may wait for records to come.
const MOST_WAIT: Duration = Duration::from_millis(250);
/// The first answer is small, for those who want few; each may be four times larger than the one before.
const FIRST_BYTES: i32 = 64 << 10;
/// All partitions of an answer together.
const MOST_BYTES: i32 = 4 << 20;
/// One partition of an answer at least, when there are many.
const LEAST_SHARE: i32 = 128 << 10;
/// Longest wait when a broker asks to be left alone.
const MOST_THROTTLE: Duration = Duration::from_secs(30);

/// How a fetcher ended.
#[derive(Debug)]
pub(super) enum Verdict {
    /// All slices were read or given back.
    Done,
    /// Nobody listens any more.
    Unheard,
    /// The read as a whole cannot go on.
    Over(Error),
    /// The connection failed.
    Lost(Error),
}

impl From<Broken> for Verdict {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Failed(failure) => Verdict::Lost(failure.error()),
            Broken::Unheard => Verdict::Unheard,
        }
    }
}

/// Some slices of one broker.
pub(super) struct Fetcher<'a> {
    shared: &'a Shared,
    at: &'a Address,
    slices: Vec<Slice>,
    report: &'a mpsc::Sender<Report>,
    bytes: i32,
}

impl<'a> Fetcher<'a> {
    /// A fetcher of `slices`, none of them done, from the broker at `at`.
    pub(super) fn new(
        shared: &'a Shared,
        at: &'a Address,
        slices: Vec<Slice>,
        report: &'a mpsc::Sender<Report>,
    ) -> Self {
        Fetcher { shared, at, slices, report, bytes: FIRST_BYTES }
    }

    /// Fetches until every slice is done or was given back.
    pub(super) fn run(&mut self) -> Verdict {
        match self.fetch() {
            Ok(()) => Verdict::Done,
            Err(verdict) => verdict,
        }
    }

    /// Gives all slices back, the connection having failed with `error`.
    pub(super) fn give_back(&mut self, error: &Error) {
        for slice in self.slices.drain(..) {
            let trouble = Error::connect(error.message().to_string());
            let trouble = trouble.with_hint(error.hint().unwrap_or("try again").to_string());
            // Nobody listens to reports once the read is over.
            let _over = self.report.send(Report::Back(Box::new(Slice { nearer: None, ..slice }), Some(trouble)));
        }
    }

    fn fetch(&mut self) -> Result<(), Verdict> {
        let opened = self.shared.cluster.connect(self.at).map_err(Broken::Failed)?;
        let mut connection = opened;
        let version = required(&connection, ApiKey::Fetch, (4, 13)).map_err(Broken::Failed)?;
        let heard = || !self.shared.sender.is_closed();
        let mut sent = self.ask(&mut connection, version)?;
        loop {
            let answer = connection.receive(sent, MOST_WAIT, &heard)?;
            let read = answer::fetch(answer, version).ok_or_else(|| malformed(&connection, "Fetch"));
            let answer = read.map_err(Broken::Failed)?;
            if answer.code != 0 {
                return Err(Verdict::Lost(code::error(
                    answer.code,
                    &format!("topic \"{}\"", self.shared.request.topic),
                )));
            }
            let deliveries = self.sort(answer.partitions)?;
            self.leave_alone(answer.throttle_ms)?;
            // The broker works on the next answer while this one is handed over.
            let next = if self.slices.is_empty() { None } else { Some(self.ask(&mut connection, version)) };
            for delivery in deliveries {
                if !self.shared.deliver(delivery) {
                    return Err(Verdict::Unheard);
                }
                // Waiting for a slow consumer is no silence of the broker's.
                let _over = self.report.send(Report::Moved);
            }
            // What came counts as read: it is handed over even when asking for more failed.
            match next {
                Some(next) => sent = next?,
                None => break,
            }
        }
        self.shared.cluster.keep(self.at, connection);
        Ok(())
    }

    fn ask(&mut self, connection: &mut Connection, version: i16) -> Result<Sent, Verdict> {
        let request = &self.shared.request;
        let slices = i32::try_from(self.slices.len()).unwrap_or(i32::MAX);
        let settings = self.shared.cluster.settings();
        let share = (self.bytes / slices.max(1)).max(LEAST_SHARE.min(self.bytes)).min(settings.partition_bytes);
        let partitions = self
            .slices
            .iter()
            .map(|slice| {
                FetchPartition::default()
                    .with_partition(slice.partition())
                    .with_current_leader_epoch(if version >= 9 { slice.epoch } else { -1 })
                    .with_fetch_offset(slice.sieve.position())
                    .with_partition_max_bytes(share)
            })
            .collect();
        let mut topic = FetchTopic::default().with_partitions(partitions);
        if version >= 13 {
            topic = topic.with_topic_id(Uuid::from_bytes(self.shared.topic_id));
        } else {
            topic = topic.with_topic(topic_name(&request.topic));
        }
        let mut fetch = FetchRequest::default()
            .with_max_wait_ms(i32::try_from(MOST_WAIT.as_millis()).unwrap_or(0))
            .with_min_bytes(1)
            .with_max_bytes(self.bytes.min(settings.answer_bytes))
            .with_isolation_level(isolation_level(request.isolation))
            .with_session_epoch(-1)
            .with_topics(vec![topic]);
        if let (Some(rack), true) = (&settings.rack, version >= 11) {
            fetch = fetch.with_rack_id(StrBytes::from_string(rack.clone()));
        }
        self.bytes = self.bytes.saturating_mul(4).min(MOST_BYTES);
        connection.send(ApiKey::Fetch, version, &fetch).map_err(|f| Broken::Failed(f).into())
    }

    /// Turns an answer into deliveries, and lets go of the slices that are done or must be read elsewhere.
    fn sort(&mut self, partitions: Vec<Fetched>) -> Result<Vec<Delivery>, Verdict> {
        let mut deliveries = Vec::new();
        // A broker leaves partitions out once an answer is full, but an answer without any record means that there are
        // none.
        let nothing = partitions.iter().all(|p| p.records.is_empty());
        for fetched in partitions {
            let Some(at) = self.slices.iter().position(|s| s.partition() == fetched.partition) else { continue };
            if fetched.code != 0 {
                self.trouble(at, &fetched)?;
                continue;
            }
            let Some(slice) = self.slices.get_mut(at) else { continue };
            if fetched.nearer >= 0 && slice.nearer != Some(fetched.nearer) {
                slice.nearer = Some(fetched.nearer);
                self.pass_back(at, None);
                continue;
            }
            let moved = take(slice, &fetched, nothing, &mut deliveries).map_err(Verdict::Over)?;
            if moved {
                let _over = self.report.send(Report::Moved);
            }
            if slice.sieve.is_done() {
                let slice = self.slices.swap_remove(at);
                deliveries.push(Event::End { partition: slice.partition() }.into());
                let _over = self.report.send(Report::Done);
            } else if slice.log_end.is_some() {
                self.pass_back(at, None);
            }
        }
        // Whoever came last comes first the next time: a full answer must not starve anyone.
        if self.slices.len() > 1 {
            self.slices.rotate_left(1);
        }
        Ok(deliveries)
    }

    fn pass_back(&mut self, at: usize, trouble: Option<Error>) {
        let slice = self.slices.swap_remove(at);
        let _over = self.report.send(Report::Back(Box::new(slice), trouble));
    }

    /// A partition that the broker could not serve: given back when another may, else the end of the read.
    fn trouble(&mut self, at: usize, fetched: &Fetched) -> Result<(), Verdict> {
        let topic = &self.shared.request.topic;
        let Some(slice) = self.slices.get_mut(at) else { return Ok(()) };
        let Range { partition, .. } = slice.sieve.slice();
        let what = format!("{topic} partition {partition}");
        let error = match fetched.code {
            code::OFFSET_OUT_OF_RANGE if slice.nearer.take().is_some() => Err(code::error(fetched.code, &what)),
            code::OFFSET_OUT_OF_RANGE => {
                Ok(Error::connect(format!("{what}: the records from offset {} on are gone", slice.sieve.position()))
                    .with_hint("retention or a deletion removed them while reading: try again"))
            }
            code::CORRUPT => {
                Ok(Error::data(format!("{what}: a batch at or after offset {} is broken", slice.sieve.position())))
            }
            code::INCONSISTENT_TOPIC_ID => Ok(another(topic)),
            // Whether it was deleted or only moved is for the cluster to say.
            other if code::is_passing(other) || code::is_missing(other) => Err(code::error(other, &what)),
            other => Ok(code::error(other, &what)),
        };
        match error {
            Ok(fatal) => Err(Verdict::Over(fatal.with_detail(slice.progress()))),
            Err(passing) => {
                slice.nearer = None;
                self.pass_back(at, Some(passing));
                Ok(())
            }
        }
    }

    /// Waits as long as the broker wants to be left alone.
    fn leave_alone(&self, throttle_ms: i32) -> Result<(), Verdict> {
        let mut left = Duration::from_millis(u64::try_from(throttle_ms).unwrap_or(0)).min(MOST_THROTTLE);
        while !left.is_zero() {
            if self.shared.sender.is_closed() {
                return Err(Verdict::Unheard);
            }
            let step = left.min(Duration::from_millis(50));
            std::thread::sleep(step);
            left -= step;
            let _over = self.report.send(Report::Moved);
        }
        Ok(())
    }
}

/// Takes the batches that came for one slice; whether it got anywhere.
fn take(slice: &mut Slice, fetched: &Fetched, nothing: bool, out: &mut Vec<Delivery>) -> Result<bool, Error> {
    let before = slice.sieve.position();
    slice.log_end = None;
    let aborted = fetched
        .aborted
        .iter()
        .map(|(first_offset, producer_id)| Aborted { first_offset: *first_offset, producer_id: *producer_id });
    slice.sieve.add_aborted(aborted);
    Packed::take_all(&mut slice.sieve, fetched.records.clone(), |packed| {
        out.push(Delivery::Packed(packed));
        true
    })?;
    if slice.sieve.position() > before || !nothing || slice.sieve.is_done() {
        return Ok(slice.sieve.position() > before);
    }
    let end = slice.sieve.slice().end;
    let visible = match fetched.stable {
        -1 => fetched.high_watermark,
        stable => stable.min(fetched.high_watermark),
    };
    if visible >= end {
        // The log goes on past the end of the slice, and no record is left before it.
        slice.sieve.exhaust();
        return Ok(true);
    }
    slice.log_end = Some(visible);
    Ok(false)
}
