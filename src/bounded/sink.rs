//! Rows to records: what INSERT appends. All rows of a statement become visible together or not at all.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Schema, SchemaRef, TimestampMillisecondType};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::common::Result as PlanResult;
use datafusion::datasource::sink::DataSink;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType};
use futures::StreamExt as _;

use crate::bounded::column::{Columns, Meta, Source};
use crate::bounded::external;
use crate::catalog::shape::{Shape, Side};
use crate::connect::{Connector, NewRecord};
use crate::error::{Error, Result};
use crate::format::{EncodeSpec, Encoder};
use crate::registry::{Registry, SchemaType};
use crate::types;

/// Appends to one topic.
#[derive(Debug)]
pub struct TopicSink {
    topic: Arc<str>,
    shape: Arc<Shape>,
    columns: Columns,
    connector: Arc<dyn Connector>,
    registry: Option<Arc<dyn Registry>>,
}

/// The encoders of one statement, made when its first rows come.
struct Encoders {
    key: Option<Box<dyn Encoder>>,
    value: Box<dyn Encoder>,
}

impl TopicSink {
    /// A sink for rows with these columns.
    pub fn new(
        topic: Arc<str>,
        shape: Arc<Shape>,
        columns: Columns,
        connector: Arc<dyn Connector>,
        registry: Option<Arc<dyn Registry>>,
    ) -> Self {
        TopicSink { topic, shape, columns, connector, registry }
    }

    async fn append_all(&self, mut rows: SendableRecordBatchStream) -> Result<u64> {
        self.refuse_what_cannot_be_written()?;
        let mut encoders: Option<Encoders> = None;
        let mut writer = self.connector.writer(&self.topic).await?;
        while let Some(batch) = rows.next().await {
            let outcome = match batch {
                Err(e) => Err(crate::bounded::plan_error::plan_error(e)),
                Ok(batch) if batch.num_rows() == 0 => continue,
                Ok(batch) => self.records(&batch, &mut encoders).await,
            };
            let appended = match outcome {
                Ok(records) => writer.append(records).await,
                Err(e) => Err(e),
            };
            if let Err(e) = appended {
                writer.abort().await?;
                return Err(e);
            }
        }
        writer.commit().await
    }

    fn refuse_what_cannot_be_written(&self) -> Result<()> {
        if self.shape.value.is_raw() {
            return Err(Error::sql(format!("{} has no known format to write", self.topic)).with_hint(
                "declare one: CREATE STREAM name (columns) WITH (kafka_topic = '…', value_format = 'json')",
            ));
        }
        let read_only = [Meta::Topic, Meta::Offset, Meta::SchemaId, Meta::Error, Meta::Raw, Meta::Value];
        for (source, field) in self.columns.sources.iter().zip(self.columns.schema.fields()) {
            if let Source::Meta(meta) = source
                && read_only.contains(meta)
            {
                return Err(Error::sql(format!("column {} cannot be written", field.name()))
                    .with_hint("of the metadata columns, _key, _partition, _timestamp and _headers can"));
            }
        }
        Ok(())
    }

    async fn records(&self, batch: &RecordBatch, encoders: &mut Option<Encoders>) -> Result<Vec<NewRecord>> {
        let pick = |wanted: fn(&Source) -> Option<usize>, side: &Side| -> Result<RecordBatch> {
            self.side(batch, wanted, side)
        };
        let values = pick(|s| if let Source::Value(i) = s { Some(*i) } else { None }, &self.shape.value)?;
        let keys = self.key_batch(batch)?;
        if encoders.is_none() {
            let key = match &keys {
                Some(_) => Some(self.encoder(&self.shape.key, "key").await?),
                None => None,
            };
            *encoders = Some(Encoders { key, value: self.encoder(&self.shape.value, "value").await? });
        }
        let Some(encoders) = encoders else { return Err(Error::internal("no encoder")) };
        let payloads = encoders.value.encode(&values)?;
        let key_bytes = match (keys, &mut encoders.key) {
            (Some(keys), Some(encoder)) => {
                let encoded = encoder.encode(&keys)?;
                let null = |row| keys.columns().iter().all(|c| c.is_null(row));
                encoded.into_iter().enumerate().map(|(row, k)| (!null(row)).then_some(k)).collect()
            }
            _ => self.text_keys(batch)?,
        };
        let timestamps = self.meta(batch, Meta::Timestamp, &types::timestamp())?;
        let partitions = self.meta(batch, Meta::Partition, &DataType::Int32)?;
        let headers = self.meta(batch, Meta::Headers, &crate::connect::records::header_type())?;
        let mut records = Vec::with_capacity(payloads.len());
        for (row, value) in payloads.into_iter().enumerate() {
            let timestamp = timestamps.as_ref().map(|t| t.as_primitive::<TimestampMillisecondType>());
            let partition = partitions.as_ref().map(|p| p.as_primitive::<Int32Type>());
            records.push(NewRecord {
                partition: partition.filter(|p| p.is_valid(row)).map(|p| p.value(row)),
                key: key_bytes.get(row).cloned().flatten(),
                value: Some(value),
                headers: headers.as_ref().map_or_else(Vec::new, |h| header_entries(h, row)),
                timestamp_ms: timestamp.filter(|t| t.is_valid(row)).map(|t| t.value(row)),
            });
        }
        Ok(records)
    }

    fn side(&self, batch: &RecordBatch, wanted: fn(&Source) -> Option<usize>, side: &Side) -> Result<RecordBatch> {
        let columns = (0..side.fields.len())
            .map(|index| {
                let at = self.columns.sources.iter().position(|s| wanted(s) == Some(index));
                let data_type = side.fields.get(index).map_or(&DataType::Null, |f| f.data_type());
                match at.and_then(|at| batch.columns().get(at)) {
                    Some(column) => cast(column, data_type)
                        .map_err(|e| Error::sql(format!("a value does not fit its column: {e}")).with_source(e)),
                    None => Ok(arrow::array::new_null_array(data_type, batch.num_rows())),
                }
            })
            .collect::<Result<Vec<ArrayRef>>>()?;
        RecordBatch::try_new(Arc::new(Schema::new(side.fields.clone())), columns)
            .map_err(|e| Error::internal(format!("columns do not fit together: {e}")))
    }

    /// The key's columns, when the key has a format of its own.
    fn key_batch(&self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let side = &self.shape.key;
        if side.is_raw() {
            return Ok(None);
        }
        let whole = self.columns.sources.iter().position(|s| *s == Source::Meta(Meta::Key));
        if let Some(column) = whole.and_then(|at| batch.columns().get(at)) {
            let columns = match column.as_any().downcast_ref::<StructArray>() {
                Some(parts) if side.fields.len() == parts.num_columns() => parts.columns().to_vec(),
                _ => vec![Arc::clone(column)],
            };
            let schema = Arc::new(Schema::new(side.fields.clone()));
            return RecordBatch::try_new(schema, columns)
                .map(Some)
                .map_err(|e| Error::sql(format!("_key does not fit the topic's key: {e}")));
        }
        self.side(batch, |s| if let Source::Key(i) = s { Some(*i) } else { None }, side).map(Some)
    }

    fn text_keys(&self, batch: &RecordBatch) -> Result<Vec<Option<Bytes>>> {
        let keys = self.meta(batch, Meta::Key, &DataType::Utf8)?;
        Ok((0..batch.num_rows())
            .map(|row| {
                let keys = keys.as_ref()?.as_string::<i32>();
                keys.is_valid(row).then(|| Bytes::copy_from_slice(keys.value(row).as_bytes()))
            })
            .collect())
    }

    fn meta(&self, batch: &RecordBatch, meta: Meta, data_type: &DataType) -> Result<Option<ArrayRef>> {
        let at = self.columns.sources.iter().position(|s| *s == Source::Meta(meta));
        let Some(column) = at.and_then(|at| batch.columns().get(at)) else { return Ok(None) };
        cast(column, data_type).map(Some).map_err(|e| Error::sql(format!("a value does not fit its column: {e}")))
    }

    /// An encoder for one side; registers the schema first where the format has one and the topic none yet.
    async fn encoder(&self, side: &Side, suffix: &str) -> Result<Box<dyn Encoder>> {
        let mut writer = side.reader.clone();
        if writer.is_none() && side.format.uses_registry() {
            let Some(registry) = &self.registry else {
                return Err(Error::sql(format!("format {} needs a schema registry", side.format.name()))
                    .with_hint("name one with --registry URL"));
            };
            let record = self.topic.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            if let Some(text) = side.format.schema_for(&record, &side.fields)? {
                let subject = format!("{}-{suffix}", self.topic);
                let id = registry.register(&subject, SchemaType::Avro, &text).await?;
                writer = registry.by_id(id).await?;
            }
        }
        side.format.encoder(EncodeSpec { fields: side.fields.clone(), writer })
    }
}

fn header_entries(headers: &ArrayRef, row: usize) -> Vec<(String, Option<Bytes>)> {
    let list = headers.as_list::<i32>();
    if list.is_null(row) {
        return Vec::new();
    }
    let entries = list.value(row);
    let entries = entries.as_struct();
    let (Some(keys), Some(values)) = (entries.columns().first(), entries.columns().get(1)) else { return Vec::new() };
    let (keys, values) = (keys.as_string::<i32>(), values.as_binary::<i32>());
    (0..entries.len())
        .map(|i| (keys.value(i).to_string(), values.is_valid(i).then(|| Bytes::copy_from_slice(values.value(i)))))
        .collect()
}

impl DisplayAs for TopicSink {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicSink: topic={}, format={}", self.topic, self.shape.value.format.name())
    }
}

#[async_trait]
impl DataSink for TopicSink {
    fn schema(&self) -> &SchemaRef {
        &self.columns.schema
    }

    async fn write_all(&self, data: SendableRecordBatchStream, _: &Arc<TaskContext>) -> PlanResult<u64> {
        self.append_all(data).await.map_err(external)
    }
}
