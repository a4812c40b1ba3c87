//! The columns of a topic's table: those of its key, those of its value, and metadata columns, which are there for every
//! topic but not part of `*`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::catalog::shape::Shape;
use crate::connect::records::header_type;
use crate::types;

/// A metadata column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meta {
    /// The key, decoded by the key's format; text (hex when it is not text) where nothing is known of it.
    Key,
    /// The value's bytes.
    Value,
    /// The value as text, NULL when it is not UTF-8.
    Raw,
    /// The topic's name.
    Topic,
    /// The partition.
    Partition,
    /// The offset.
    Offset,
    /// The record's timestamp.
    Timestamp,
    /// The headers.
    Headers,
    /// The schema id in front of the value.
    SchemaId,
    /// Why the record could not be decoded.
    Error,
    /// The field at fault; only in `errors('topic')`.
    Field,
}

/// The metadata columns of every topic, in the order DESCRIBE shows them: column, name, what it is.
pub const METAS: &[(Meta, &str, &str)] = &[
    (Meta::Key, "_key", "the record's key, decoded; as text (hex when not UTF-8) where its format is unknown"),
    (Meta::Value, "_value", "the value's bytes as they came"),
    (Meta::Raw, "_raw", "the value as text, NULL when it is not UTF-8"),
    (Meta::Topic, "_topic", "the topic's name"),
    (Meta::Partition, "_partition", "the partition"),
    (Meta::Offset, "_offset", "the offset in the partition"),
    (Meta::Timestamp, "_timestamp", "the record's timestamp"),
    (Meta::Headers, "_headers", "the headers, in order"),
    (Meta::SchemaId, "_schema_id", "the schema id in front of the value, if any"),
    (Meta::Error, "_error", "why the record could not be decoded, NULL when it could"),
];

/// The metadata column called `name`, in any case.
pub fn meta_by_name(name: &str) -> Option<Meta> {
    METAS.iter().find(|(_, n, _)| n.eq_ignore_ascii_case(name)).map(|(m, _, _)| *m)
}

/// Where a column's content comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Field of the key side.
    Key(usize),
    /// Field of the value side.
    Value(usize),
    /// Metadata.
    Meta(Meta),
}

impl Source {
    /// Whether it can be computed before any value is decoded.
    pub fn is_early(self) -> bool {
        !matches!(self, Source::Value(_) | Source::Meta(Meta::Error | Meta::Field))
    }
}

/// The Arrow type of a metadata column of a topic with this shape.
pub fn meta_type(meta: Meta, shape: &Shape) -> DataType {
    match meta {
        Meta::Key if shape.key.is_raw() => DataType::Utf8View,
        Meta::Key if shape.key.fields.len() == 1 && (shape.key.is_single_value() || is_primitive(shape)) => {
            shape.key.fields.first().map_or(DataType::Utf8View, |f| f.data_type().clone())
        }
        Meta::Key => DataType::Struct(shape.key.fields.clone()),
        Meta::Value => DataType::BinaryView,
        Meta::Raw => DataType::Utf8View,
        Meta::Topic | Meta::Error | Meta::Field => DataType::Utf8,
        Meta::Partition | Meta::SchemaId => DataType::Int32,
        Meta::Offset => DataType::Int64,
        Meta::Timestamp => types::timestamp(),
        Meta::Headers => header_type(),
    }
}

/// Whether keys are a bare primitive (format `kafka`), whose only column is the key itself.
fn is_primitive(shape: &Shape) -> bool {
    shape.key.format.name() == "kafka"
}

/// Columns and where they come from, in step.
#[derive(Debug, Clone)]
pub struct Columns {
    /// Names and types.
    pub schema: SchemaRef,
    /// Sources, one per field.
    pub sources: Vec<Source>,
}

impl Columns {
    /// A topic's table: visible columns, then the metadata columns that a statement mentions.
    pub fn of_topic(shape: &Shape, mentioned: &[Meta]) -> Self {
        let mut fields: Vec<Arc<Field>> = Vec::new();
        let mut sources = Vec::new();
        if !shape.key.is_raw() && !shape.key.is_single_value() {
            for (i, field) in shape.key.fields.iter().enumerate() {
                if !shape.value.fields.iter().any(|v| v.name() == field.name()) {
                    fields.push(Arc::clone(field));
                    sources.push(Source::Key(i));
                }
            }
        }
        for (i, field) in shape.value.fields.iter().enumerate() {
            fields.push(Arc::clone(field));
            sources.push(Source::Value(i));
        }
        Self::with_metas(fields, sources, shape, mentioned)
    }

    /// The table of `errors('topic')`.
    pub fn of_errors(shape: &Shape) -> Self {
        let metas = [
            Meta::Partition,
            Meta::Offset,
            Meta::Timestamp,
            Meta::Error,
            Meta::Field,
            Meta::SchemaId,
            Meta::Key,
            Meta::Raw,
            Meta::Value,
        ];
        Self::with_metas(Vec::new(), Vec::new(), shape, &metas)
    }

    fn with_metas(mut fields: Vec<Arc<Field>>, mut sources: Vec<Source>, shape: &Shape, metas: &[Meta]) -> Self {
        for meta in metas {
            let name = match meta {
                Meta::Field => "_field",
                other => METAS.iter().find(|(m, _, _)| m == other).map_or("", |(_, n, _)| *n),
            };
            if fields.iter().any(|f| f.name() == name) {
                continue;
            }
            let nullable = !matches!(meta, Meta::Topic | Meta::Partition | Meta::Offset);
            fields.push(Arc::new(Field::new(name, meta_type(*meta, shape), nullable)));
            sources.push(Source::Meta(*meta));
        }
        Columns { schema: Arc::new(Schema::new(fields)), sources }
    }
}
