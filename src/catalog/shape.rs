//! The shape of a topic: which columns its keys and values give, and where that knowledge comes from.
//!
//! Order of look-up for a topic nobody declared: the registry's latest schema under `<topic>-key` and `<topic>-value`; else
//! the schema id in front of a sampled record; else columns inferred from sampled JSON; else text and bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{Field, Fields};

use crate::connect::{Connector, Event, Isolation, Range, ReadRequest, Want};
use crate::error::{Error, Result, nearest};
use crate::figure::{grouped, plural};
use crate::format::{self, Format, infer};
use crate::registry::{RegisteredSchema, Registry, SchemaType, SubjectVersion};

/// Where a side's columns come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A version of a subject.
    Registry {
        /// The subject.
        subject: String,
        /// Its version.
        version: i32,
        /// The schema's id.
        id: i32,
    },
    /// A schema id found in front of the records.
    SchemaId(i32),
    /// CREATE STREAM.
    Declared,
    /// A sample of the topic.
    Inferred(Sampled),
    /// Nothing is known: raw bytes.
    Unknown,
}

/// How much of a topic was looked at to infer columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sampled {
    /// Records that said something.
    pub records: u64,
    /// Offsets the topic had: an upper bound of its records.
    pub of: u64,
}

impl fmt::Display for Sampled {
    /// `200 of 1,204 records`, `5 records` when those were all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.records >= self.of {
            return f.write_str(&plural(self.records, "record"));
        }
        write!(f, "{} of {}", grouped(self.records), plural(self.of, "record"))
    }
}

/// One side of a topic: its keys or its values.
#[derive(Debug, Clone)]
pub struct Side {
    /// How the bytes are read.
    pub format: &'static dyn Format,
    /// The columns.
    pub fields: Fields,
    /// The schema to read with, where the format has one.
    pub reader: Option<Arc<RegisteredSchema>>,
    /// Where this comes from.
    pub origin: Origin,
    /// What the person should know about it (a subject whose format cannot be read, say).
    pub note: Option<String>,
}

impl Side {
    /// A side of which nothing is known.
    pub fn raw() -> Self {
        let fields = Fields::from(vec![
            Field::new("text", arrow::datatypes::DataType::Utf8, true),
            Field::new("bytes", arrow::datatypes::DataType::Binary, true),
        ]);
        Side { format: &format::raw::Raw, fields, reader: None, origin: Origin::Unknown, note: None }
    }

    /// Whether nothing is known of it.
    pub fn is_raw(&self) -> bool {
        self.format.name() == "raw"
    }

    /// Whether it is one column without a record around it (a primitive key, say).
    pub fn is_single_value(&self) -> bool {
        !self.is_raw() && self.fields.len() == 1 && self.fields.first().is_some_and(|f| f.name() == "value")
    }

    /// What its columns were inferred from, when they were.
    pub fn sampled(&self) -> Option<Sampled> {
        match self.origin {
            Origin::Inferred(sampled) => Some(sampled),
            _ => None,
        }
    }

    /// One line: `avro, orders-value version 2 (id 7)`.
    pub fn describe(&self) -> String {
        let name = self.format.name();
        match &self.origin {
            Origin::Registry { subject, version, id } => format!("{name}, {subject} version {version} (id {id})"),
            Origin::SchemaId(id) => format!("{name}, schema id {id}"),
            Origin::Declared => format!("{name}, declared"),
            Origin::Inferred(sampled) => format!("{name}, inferred from {sampled}"),
            Origin::Unknown => "raw bytes".to_string(),
        }
    }
}

/// The shape of a topic.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Key side.
    pub key: Side,
    /// Value side.
    pub value: Side,
}

impl Shape {
    /// What its columns were inferred from, when they were: those of values, else those of keys.
    pub fn sampled(&self) -> Option<Sampled> {
        self.value.sampled().or(self.key.sampled())
    }
}

/// Finds the shape of a topic that was not declared.
///
/// # Errors
/// The cluster or the registry cannot be asked.
pub async fn discover(
    connector: &dyn Connector,
    registry: Option<&dyn Registry>,
    topic: &str,
    sample_records: u64,
) -> Result<Shape> {
    let key = from_subject(registry, &format!("{topic}-key")).await?;
    let value = from_subject(registry, &format!("{topic}-value")).await?;
    if let (Some(key), Some(value)) = (&key, &value) {
        return Ok(Shape { key: key.clone(), value: value.clone() });
    }
    let sample = sample(connector, topic, sample_records).await?;
    let key = match key {
        Some(key) => key,
        None => from_sample(registry, &sample.keys, sample.of).await?,
    };
    let value = match value {
        Some(value) => value,
        None => from_sample(registry, &sample.values, sample.of).await?,
    };
    Ok(Shape { key, value })
}

async fn from_subject(registry: Option<&dyn Registry>, subject: &str) -> Result<Option<Side>> {
    let Some(registry) = registry else { return Ok(None) };
    let Some(found) = registry.latest(subject).await? else { return Ok(None) };
    Ok(from_registered(found))
}

/// The side a subject's version gives; `None` when records must be sampled all the same (JSON Schema, Protobuf: their bytes
/// are read by what they look like).
fn from_registered(found: SubjectVersion) -> Option<Side> {
    let SubjectVersion { subject, version, schema } = found;
    if schema.schema_type != SchemaType::Avro {
        return None;
    }
    let origin = Origin::Registry { subject, version, id: schema.id };
    Some(avro_side(schema, origin))
}

fn avro_side(schema: Arc<RegisteredSchema>, origin: Origin) -> Side {
    let format: &'static dyn Format = &format::avro::Avro;
    match format.fields(&schema) {
        Ok(fields) => Side { format, fields, reader: Some(schema), origin, note: None },
        Err(e) => Side { note: Some(format!("schema id {}: {e}; showing raw bytes", schema.id)), ..Side::raw() },
    }
}

async fn from_sample(registry: Option<&dyn Registry>, sample: &[Vec<u8>], of: u64) -> Result<Side> {
    let slices: Vec<&[u8]> = sample.iter().map(Vec::as_slice).collect();
    Ok(match infer::infer(&slices) {
        infer::Inference::Json { fields, sampled, .. } => {
            let sampled = Sampled { records: u64::try_from(sampled).unwrap_or(u64::MAX), of };
            Side { format: &format::json::Json, fields, reader: None, origin: Origin::Inferred(sampled), note: None }
        }
        infer::Inference::Framed { id } => match registry {
            None => {
                let note =
                    format!("records carry schema id {id}, but no registry is configured; name one with --registry");
                Side { note: Some(note), ..Side::raw() }
            }
            Some(registry) => match registry.by_id(id).await? {
                Some(schema) if schema.schema_type == SchemaType::Avro => avro_side(schema, Origin::SchemaId(id)),
                Some(schema) => {
                    let note =
                        format!("records have a {} schema (id {id}), shown as raw bytes", schema.schema_type.name());
                    Side { note: Some(note), ..Side::raw() }
                }
                None => {
                    let note = format!("records carry schema id {id}, which {} does not have", registry.location());
                    Side { note: Some(note), ..Side::raw() }
                }
            },
        },
        infer::Inference::Text | infer::Inference::Binary => Side::raw(),
    })
}

#[derive(Debug, Default)]
struct Sample {
    keys: Vec<Vec<u8>>,
    values: Vec<Vec<u8>>,
    /// Offsets the topic has.
    of: u64,
}

/// Looks at the newest and oldest records, half each, spread over the partitions.
async fn sample(connector: &dyn Connector, topic: &str, records: u64) -> Result<Sample> {
    let ranges = connector.ranges(topic, Isolation::ReadCommitted).await?;
    let filled = ranges.iter().filter(|r| r.end > r.start).count().max(1);
    let share = i64::try_from(records / 2 / filled as u64).unwrap_or(i64::MAX).max(1);
    // Both halves at once: each is a reader of its own, and most of its time is waiting.
    let (oldest, newest) =
        tokio::join!(part(connector, topic, &ranges, share, false), part(connector, topic, &ranges, share, true));
    let (mut sample, newest) = (oldest?, newest?);
    sample.keys.extend(newest.keys);
    sample.values.extend(newest.values);
    sample.of = ranges.iter().map(|r| u64::try_from(r.end.saturating_sub(r.start)).unwrap_or(0)).sum();
    Ok(sample)
}

/// The oldest `share` records of each partition, or the newest without those.
async fn part(connector: &dyn Connector, topic: &str, ranges: &[Range], share: i64, newest: bool) -> Result<Sample> {
    let mut sample = Sample::default();
    let slices: Vec<Range> = ranges
        .iter()
        .filter_map(|r| {
            let middle = r.end.saturating_sub(share).max(r.start.saturating_add(share).min(r.end));
            let slice = if newest {
                Range { start: middle, ..*r }
            } else {
                Range { end: r.start.saturating_add(share).min(r.end), ..*r }
            };
            (slice.end > slice.start).then_some(slice)
        })
        .collect();
    if slices.is_empty() {
        return Ok(sample);
    }
    let want = Want { keys: true, values: true, ..Want::default() };
    let isolation = Isolation::ReadCommitted;
    let request = ReadRequest { topic: topic.into(), slices, want, isolation, in_order: false, threads: 1 };
    let stream = connector.read(request)?;
    // Partitions may come in any interleaving; columns are named in the order they are first seen, so order is settled here.
    let mut by_partition: BTreeMap<i32, Sample> = BTreeMap::new();
    while let Some(event) = stream.next().await {
        let Event::Records(records) = event? else { continue };
        let seen = by_partition.entry(records.partition).or_default();
        for (column, into) in [(&records.keys, &mut seen.keys), (&records.values, &mut seen.values)] {
            let Some(column) = column else { continue };
            into.extend((0..column.len()).filter(|i| column.is_valid(*i)).map(|i| column.value(i).to_vec()));
        }
    }
    for seen in by_partition.into_values() {
        sample.keys.extend(seen.keys);
        sample.values.extend(seen.values);
    }
    Ok(sample)
}

/// The format of that name.
///
/// # Errors
/// There is none; the hint has the nearest, or all.
pub fn format_named(name: &str) -> Result<&'static dyn Format> {
    format::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = format::all().iter().map(|f| f.name()).collect();
        let error = Error::sql(format!("there is no format '{name}'"));
        match nearest(name, names.iter().copied()) {
            Some(near) => error.with_hint(format!("did you mean '{near}'? One of: {}", names.join(", "))),
            None => error.with_hint(format!("one of: {}", names.join(", "))),
        }
    })
}

/// The side that a declaration gives.
///
/// # Errors
/// No such format, or columns it cannot hold.
pub fn declared(format_name: &str, fields: Fields, reader: Option<Arc<RegisteredSchema>>) -> Result<Side> {
    let format = format_named(format_name)?;
    Ok(Side { format, fields, reader, origin: Origin::Declared, note: None })
}
