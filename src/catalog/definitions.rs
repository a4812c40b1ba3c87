//! Declared streams, kept as an append-only log of statements in the topic `_weir_statements` beside the data, so that every
//! connector keeps them the same way. Replaying the log gives the definitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{Field, Fields};

use crate::catalog::shape::{self, Shape, Side};
use crate::connect::{Connector, Event, Isolation, NewRecord, NewTopic, ReadRequest, Want};
use crate::error::{Error, Result, Span};
use crate::sql::ast::{CreateStream, Property, Statement};
use crate::sql::{parser, split};
use crate::types;

/// The topic that holds the statements.
pub const TOPIC: &str = "_weir_statements";

/// One declared stream.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its name, in its own spelling.
    pub name: String,
    /// The topic it reads and writes.
    pub topic: Arc<str>,
    /// Format of the values, as declared; `None` when columns come from the registry or a sample.
    pub value_format: Option<String>,
    /// Format of the keys.
    pub key_format: String,
    /// Declared columns: name, type, key.
    pub columns: Vec<(Field, bool)>,
    /// Partitions of a topic that must be made.
    pub partitions: Option<i32>,
    /// The statement's text.
    pub text: String,
}

impl Stream {
    /// Reads a parsed CREATE STREAM, whose text is `text`.
    ///
    /// # Errors
    /// Unknown or missing properties, types that topics cannot hold.
    pub fn new(create: &CreateStream, text: &str) -> Result<Self> {
        let mut stream = Stream {
            name: create.name.value.clone(),
            topic: create.name.value.as_str().into(),
            value_format: None,
            key_format: "kafka".to_string(),
            columns: Vec::new(),
            partitions: None,
            text: text.to_string(),
        };
        for Property { name, name_span, value, value_span } in &create.with {
            match name.as_str() {
                "kafka_topic" | "topic" => stream.topic = value.as_str().into(),
                "value_format" | "format" => stream.value_format = Some(format_name(value, *value_span)?),
                "key_format" => stream.key_format = format_name(value, *value_span)?,
                "partitions" => {
                    let n = value.parse::<i32>().ok().filter(|n| *n > 0);
                    stream.partitions = Some(n.ok_or_else(|| {
                        Error::sql(format!("partitions cannot be '{value}'"))
                            .with_span(*value_span)
                            .with_hint("a whole number of at least 1")
                    })?);
                }
                other => {
                    let names = ["kafka_topic", "value_format", "key_format", "partitions"];
                    let error = Error::sql(format!("CREATE STREAM has no property \"{other}\"")).with_span(*name_span);
                    return Err(match crate::error::nearest(other, names) {
                        Some(near) => error.with_hint(format!("did you mean {near}?")),
                        None => error.with_hint(format!("one of: {}", names.join(", "))),
                    });
                }
            }
        }
        for column in &create.columns {
            let data_type = types::from_sql(&column.data_type).map_err(|e| e.with_span(column.type_span))?;
            if stream.columns.iter().any(|(f, _)| f.name().eq_ignore_ascii_case(&column.name)) {
                return Err(Error::sql(format!("column \"{}\" is declared twice", column.name)).with_span(column.span));
            }
            stream.columns.push((Field::new(&column.name, data_type, true), column.key));
        }
        if !stream.columns.is_empty() && stream.value_format.is_none() {
            return Err(Error::sql(format!("stream {} declares columns but no format", stream.name))
                .with_span(create.name.span)
                .with_hint("add value_format = 'json' or 'avro' to WITH"));
        }
        Ok(stream)
    }

    /// The shape that the declaration gives; sides it leaves open come from `found`.
    ///
    /// # Errors
    /// A format that is not there or cannot hold the columns.
    pub fn shape(&self, found: Option<&Shape>) -> Result<Shape> {
        let side = |key: bool| -> Fields {
            self.columns.iter().filter(|(_, k)| *k == key).map(|(f, _)| Arc::new(f.clone())).collect()
        };
        let (keys, values) = (side(true), side(false));
        let key = match (keys.is_empty(), found) {
            (false, _) => shape::declared(&self.key_format, keys, found.and_then(|f| f.key.reader.clone()))?,
            (true, Some(found)) => found.key.clone(),
            (true, None) => Side::raw(),
        };
        let value = match (&self.value_format, found) {
            (Some(format), _) if !values.is_empty() => {
                shape::declared(format, values, found.and_then(|f| f.value.reader.clone()))?
            }
            (_, Some(found)) => found.value.clone(),
            (_, None) => Side::raw(),
        };
        Ok(Shape { key, value })
    }
}

/// The name of a format in lower case, when there is such a format.
fn format_name(written: &str, span: Span) -> Result<String> {
    let name = written.to_lowercase();
    shape::format_named(&name).map(|_| name).map_err(|e| e.with_span(span))
}

/// All declared streams at one moment, by lower-case name.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    streams: BTreeMap<String, Arc<Stream>>,
}

impl Definitions {
    /// Replays the log.
    ///
    /// # Errors
    /// The topic cannot be read, or holds a statement that this version cannot read.
    pub async fn load(connector: &dyn Connector) -> Result<Self> {
        let mut definitions = Definitions::default();
        if connector.topic(TOPIC).await?.is_none() {
            return Ok(definitions);
        }
        let request = ReadRequest {
            topic: TOPIC.into(),
            slices: connector.ranges(TOPIC, Isolation::ReadCommitted).await?,
            want: Want { values: true, ..Want::default() },
            isolation: Isolation::ReadCommitted,
            in_order: true,
            threads: 1,
        };
        let stream = connector.read(request)?;
        while let Some(event) = stream.next().await {
            let Event::Records(records) = event? else { continue };
            let Some(values) = records.values else { continue };
            for i in (0..values.len()).filter(|i| values.is_valid(*i)) {
                definitions.replay(&String::from_utf8_lossy(values.value(i)))?;
            }
        }
        Ok(definitions)
    }

    fn replay(&mut self, text: &str) -> Result<()> {
        let unreadable =
            |e: Error| Error::data(format!("{TOPIC} holds a statement that cannot be read: {e}")).with_detail(text);
        let places = split::Places::new(text);
        for piece in split::split(text).map_err(unreadable)? {
            match parser::parse(&piece, &places).map_err(unreadable)? {
                Statement::CreateStream(create) => {
                    let stream = Stream::new(&create, text).map_err(unreadable)?;
                    self.add(stream);
                }
                Statement::DropStream { name, .. } => {
                    self.remove(&name.value);
                }
                _ => return Err(unreadable(Error::internal("it does not define anything"))),
            }
        }
        Ok(())
    }

    /// The stream called `name`, in any case.
    pub fn get(&self, name: &str) -> Option<Arc<Stream>> {
        self.streams.get(&name.to_lowercase()).map(Arc::clone)
    }

    /// Adds or replaces a stream.
    pub fn add(&mut self, stream: Stream) {
        self.streams.insert(stream.name.to_lowercase(), Arc::new(stream));
    }

    /// Takes a stream out; whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.streams.remove(&name.to_lowercase()).is_some()
    }

    /// All streams by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Stream>> {
        self.streams.values()
    }
}

/// Appends a statement to the log, making the topic when it is missing.
///
/// # Errors
/// The cluster refuses.
pub async fn record(connector: &dyn Connector, text: &str) -> Result<()> {
    if connector.topic(TOPIC).await?.is_none() {
        let config = BTreeMap::from([("retention.ms".to_string(), "-1".to_string())]);
        connector.create_topic(NewTopic { name: TOPIC.to_string(), partitions: 1, replicas: 1, config }).await?;
    }
    let mut writer = connector.writer(TOPIC).await?;
    let value = Some(text.as_bytes().to_vec().into());
    writer.append(vec![NewRecord { partition: Some(0), value, ..NewRecord::default() }]).await?;
    writer.commit().await?;
    Ok(())
}
