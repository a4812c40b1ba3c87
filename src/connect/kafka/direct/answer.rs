//! What brokers answer: the few responses that reading needs, taken apart without trusting a single length in them.
//! Layouts are those of Kafka's message definitions, at the versions that each function names.

use bytes::Bytes;

/// Bytes of one response, read from the front. Every reader returns `None` when they do not suffice.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    bytes: Bytes,
    /// Whether lengths are varints and structures end in tagged fields (KIP-482).
    flexible: bool,
}

impl Answer {
    /// The body of a response, after its header.
    pub(super) fn new(bytes: Bytes, flexible: bool) -> Self {
        Answer { bytes, flexible }
    }

    /// The rest of it in the other form: headers and bodies need not agree.
    pub(super) fn with_flexible(self, flexible: bool) -> Self {
        Answer { flexible, ..self }
    }

    fn take(&mut self, count: usize) -> Option<Bytes> {
        (count <= self.bytes.len()).then(|| self.bytes.split_to(count))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let found = *self.bytes.first_chunk::<N>()?;
        self.take(N)?;
        Some(found)
    }

    fn bool(&mut self) -> Option<bool> {
        self.array::<1>().map(|[byte]| byte != 0)
    }

    /// A 16-bit number.
    pub(super) fn short(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    /// A 32-bit number.
    pub(super) fn int(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    fn long(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(value).ok();
            }
        }
        None
    }

    /// A length; the inner `None` is null.
    fn length(&mut self, short: bool) -> Option<Option<usize>> {
        if self.flexible {
            return self.varint().map(|n| n.checked_sub(1).map(|n| n as usize));
        }
        let length = if short { i64::from(self.short()?) } else { i64::from(self.int()?) };
        if length == -1 {
            return Some(None);
        }
        usize::try_from(length).ok().map(Some)
    }

    /// A string, empty for null; what is not UTF-8 is replaced.
    fn string(&mut self) -> Option<Option<String>> {
        match self.length(true)? {
            None => Some(None),
            Some(length) => self.take(length).map(|b| Some(String::from_utf8_lossy(&b).into_owned())),
        }
    }

    /// Bytes, empty for null.
    fn blob(&mut self) -> Option<Bytes> {
        match self.length(false)? {
            None => Some(Bytes::new()),
            Some(length) => self.take(length),
        }
    }

    /// A list. No more room is made than the bytes could fill.
    fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.length(false)?.unwrap_or(0);
        if length > self.bytes.len() {
            return None;
        }
        let mut list = Vec::with_capacity(length.min(1 << 10));
        for _ in 0..length {
            list.push(each(self)?);
        }
        Some(list)
    }

    /// Passes over tagged fields.
    pub(super) fn tags(&mut self) -> Option<()> {
        if !self.flexible {
            return Some(());
        }
        for _ in 0..self.varint()? {
            self.varint()?;
            let size = self.varint()? as usize;
            self.take(size)?;
        }
        Some(())
    }
}

/// Which versions of one request a broker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Versions {
    /// The request.
    pub(super) api: i16,
    /// The least.
    pub(super) min: i16,
    /// The greatest.
    pub(super) max: i16,
}

/// ApiVersions, versions 0 to 3: error code and what is supported.
pub(super) fn api_versions(mut a: Answer, version: i16) -> Option<(i16, Vec<Versions>)> {
    a.flexible = version >= 3;
    let code = a.short()?;
    let versions = a.list(|a| {
        let versions = Versions { api: a.short()?, min: a.short()?, max: a.short()? };
        a.tags()?;
        Some(versions)
    })?;
    Some((code, versions))
}

/// SaslHandshake, version 1: error code and the mechanisms offered.
pub(super) fn handshake(mut a: Answer) -> Option<(i16, Vec<String>)> {
    Some((a.short()?, a.list(|a| a.string().map(Option::unwrap_or_default))?))
}

/// SaslAuthenticate, versions 0 to 2: error code, the broker's words, and its message.
pub(super) fn authenticate(mut a: Answer) -> Option<(i16, String, Bytes)> {
    Some((a.short()?, a.string()?.unwrap_or_default(), a.blob()?))
}

/// A broker as the cluster advertises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broker {
    /// Its number.
    pub(super) id: i32,
    /// Its name.
    pub(super) host: String,
    /// Its port.
    pub(super) port: i32,
}

/// A partition as the cluster describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partition {
    /// What is wrong with it, 0 for nothing.
    pub(super) code: i16,
    /// Its number.
    pub(super) index: i32,
    /// The broker that leads it, -1 for none.
    pub(super) leader: i32,
    /// The leader's epoch, -1 when not told.
    pub(super) epoch: i32,
}

/// A topic as the cluster describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    /// What is wrong with it, 0 for nothing.
    pub(super) code: i16,
    /// Its name.
    pub(super) name: String,
    /// Its identity, zero when not told: a topic made anew under the same name has another.
    pub(super) id: [u8; 16],
    /// Whether it is Kafka's own.
    pub(super) internal: bool,
    /// Its partitions, in any order.
    pub(super) partitions: Vec<Partition>,
}

/// Metadata, versions 4 to 12.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metadata {
    /// Who is there.
    pub(super) brokers: Vec<Broker>,
    /// What was asked for.
    pub(super) topics: Vec<Topic>,
}

/// Reads [`Metadata`].
pub(super) fn metadata(mut a: Answer, version: i16) -> Option<Metadata> {
    let _throttled = a.int()?;
    let brokers = a.list(|a| {
        let broker = Broker { id: a.int()?, host: a.string()?.unwrap_or_default(), port: a.int()? };
        let _rack = a.string()?;
        a.tags()?;
        Some(broker)
    })?;
    let _cluster = a.string()?;
    let _controller = a.int()?;
    let topics = a.list(|a| topic(a, version))?;
    Some(Metadata { brokers, topics })
}

fn topic(a: &mut Answer, version: i16) -> Option<Topic> {
    let code = a.short()?;
    let name = a.string()?.unwrap_or_default();
    let id = if version >= 10 { a.array()? } else { [0; 16] };
    let internal = a.bool()?;
    let partitions = a.list(|a| {
        let (code, index, leader) = (a.short()?, a.int()?, a.int()?);
        let epoch = if version >= 7 { a.int()? } else { -1 };
        let _replicas = a.list(Answer::int)?;
        let _in_sync = a.list(Answer::int)?;
        if version >= 5 {
            let _offline = a.list(Answer::int)?;
        }
        a.tags()?;
        Some(Partition { code, index, leader, epoch })
    })?;
    if version >= 8 {
        let _operations = a.int()?;
    }
    a.tags()?;
    Some(Topic { code, name, id, internal, partitions })
}

/// One partition's answer to ListOffsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    /// The partition.
    pub(super) partition: i32,
    /// What is wrong, 0 for nothing.
    pub(super) code: i16,
    /// The offset, -1 for none.
    pub(super) offset: i64,
}

/// ListOffsets, versions 2 to 7, of one topic.
pub(super) fn list_offsets(mut a: Answer, version: i16) -> Option<Vec<Offset>> {
    let _throttled = a.int()?;
    let topics = a.list(|a| {
        let _name = a.string()?;
        let partitions = a.list(|a| {
            let (partition, code) = (a.int()?, a.short()?);
            let _timestamp = a.long()?;
            let offset = a.long()?;
            if version >= 4 {
                let _epoch = a.int()?;
            }
            a.tags()?;
            Some(Offset { partition, code, offset })
        })?;
        a.tags()?;
        Some(partitions)
    })?;
    Some(topics.into_iter().flatten().collect())
}

/// What was fetched of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fetched {
    /// The partition.
    pub(super) partition: i32,
    /// What is wrong, 0 for nothing.
    pub(super) code: i16,
    /// Where the log ends for all readers; -1 when not told.
    pub(super) high_watermark: i64,
    /// Where it ends for committed readers; -1 when not told.
    pub(super) stable: i64,
    /// Where the log begins; -1 when not told.
    pub(super) log_start: i64,
    /// First offset and producer of transactions that were taken back.
    pub(super) aborted: Vec<(i64, i64)>,
    /// A broker nearer to us that has it, -1 for none.
    pub(super) nearer: i32,
    /// Record batches, the last perhaps cut short.
    pub(super) records: Bytes,
}

/// Fetch, versions 4 to 13, of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fetch {
    /// How long to leave the broker alone.
    pub(super) throttle_ms: i32,
    /// What is wrong with all of it, 0 for nothing.
    pub(super) code: i16,
    /// By partition.
    pub(super) partitions: Vec<Fetched>,
}

/// Reads [`Fetch`].
pub(super) fn fetch(mut a: Answer, version: i16) -> Option<Fetch> {
    let throttle_ms = a.int()?;
    let mut code = 0;
    if version >= 7 {
        code = a.short()?;
        let _session = a.int()?;
    }
    let topics = a.list(|a| {
        if version >= 13 {
            let _id: [u8; 16] = a.array()?;
        } else {
            let _name = a.string()?;
        }
        let partitions = a.list(|a| fetched(a, version))?;
        a.tags()?;
        Some(partitions)
    })?;
    Some(Fetch { throttle_ms, code, partitions: topics.into_iter().flatten().collect() })
}

fn fetched(a: &mut Answer, version: i16) -> Option<Fetched> {
    let (partition, code, high_watermark, stable) = (a.int()?, a.short()?, a.long()?, a.long()?);
    let log_start = if version >= 5 { a.long()? } else { -1 };
    let aborted = a.list(|a| {
        let producer = a.long()?;
        let first = a.long()?;
        a.tags()?;
        Some((first, producer))
    })?;
    let nearer = if version >= 11 { a.int()? } else { -1 };
    let records = a.blob()?;
    a.tags()?;
    Some(Fetched { partition, code, high_watermark, stable, log_start, aborted, nearer, records })
}
