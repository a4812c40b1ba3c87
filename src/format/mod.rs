//! Bytes to Arrow columns and back, one file per format. Knows bytes, schemas and Arrow; never topics, plans or SQL.
//!
//! A topic has two *sides*, key and value, each with a format of its own. [`by_name`] finds the format;
//! [`Format::fields`] turns a registered schema into columns; a [`Decoder`] turns a column of raw bytes into exactly the
//! columns a query uses, with one [`RecordError`] per record that could not be read; an [`Encoder`] does the reverse.

pub mod avro;
pub mod bisect;
pub mod conform;
pub mod infer;
pub mod json;
pub mod primitive;
pub mod raw;
#[cfg(test)]
pub(crate) mod testing;

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewArray, RecordBatch};
use arrow::datatypes::Fields;
use bytes::Bytes;

use crate::error::Result;
use crate::registry::{RegisteredSchema, SchemaId};

/// What a decoder must know about its side.
#[derive(Debug, Clone)]
pub struct DecodeSpec {
    /// All columns of the side, every field nullable at every level (a record that cannot be read is a row of nulls,
    /// and an unused part of a struct is null too).
    pub fields: Fields,
    /// The schema to read with, for formats that have writer and reader schemas.
    pub reader: Option<Arc<RegisteredSchema>>,
    /// The columns to produce, in this order.
    pub columns: Vec<ColumnUse>,
}

/// One column that a query uses, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnUse {
    /// Index into [`DecodeSpec::fields`].
    pub index: usize,
    /// When set, only these nested fields are used (paths of struct field names below the column); the other parts of
    /// the struct may be delivered as null. The column keeps its full type either way.
    pub paths: Option<Vec<Vec<String>>>,
}

impl ColumnUse {
    /// The whole column.
    pub fn whole(index: usize) -> Self {
        ColumnUse { index, paths: None }
    }
}

/// What an encoder must know about its side.
#[derive(Debug, Clone)]
pub struct EncodeSpec {
    /// The columns of the batches that will be encoded, in order.
    pub fields: Fields,
    /// The registered schema to write with, for formats that have one.
    pub writer: Option<Arc<RegisteredSchema>>,
}

/// Why one record of a batch could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// Row in the batch.
    pub row: usize,
    /// One sentence, without the record's bytes.
    pub reason: String,
    /// Dotted path of the field at fault, when the format can tell.
    pub path: Option<String>,
}

/// Decoded columns; each has as many rows as the input. Rows in `errors` and rows that were null (tombstones) are null in
/// every column.
#[derive(Debug)]
pub struct Decoded {
    /// One array per [`DecodeSpec::columns`] entry, of that field's exact type.
    pub columns: Vec<ArrayRef>,
    /// Ascending by row, at most one per row.
    pub errors: Vec<RecordError>,
}

/// Decodes one side of a topic. Not shared between threads; cheap enough to make one per scan stream.
pub trait Decoder: Send + Debug {
    /// Ids of writer schemas that occur in `values` and that [`learn`](Decoder::learn) has not been told yet, each once.
    fn unknown_ids(&self, values: &BinaryViewArray) -> Vec<SchemaId>;

    /// Tells the writer schema for `id`, or the sentence that says why it cannot be had (records with that id then become
    /// errors with this reason).
    fn learn(&mut self, id: SchemaId, schema: Result<Arc<RegisteredSchema>, String>);

    /// Decodes all rows. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// Only a defect or exhausted memory; bad records are [`Decoded::errors`].
    fn decode(&mut self, values: &BinaryViewArray) -> Result<Decoded>;
}

/// Encodes one side of a topic.
pub trait Encoder: Send + Debug {
    /// One payload per row, framed as consumers expect. A row whose columns are all null is a tombstone only when the caller
    /// says so; the encoder always writes a value.
    ///
    /// # Errors
    /// A value that the schema does not allow; the message names the column.
    fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<Bytes>>;
}

/// A serialisation format.
pub trait Format: Debug + Send + Sync {
    /// Its name in `WITH (value_format = …)`, lower case.
    fn name(&self) -> &'static str;

    /// Whether records carry a schema id in front (Confluent framing).
    fn uses_registry(&self) -> bool;

    /// The columns a registered schema gives, every field nullable at every level, names in the schema's spelling. A schema
    /// whose root is not a record gives one column, named `value`.
    ///
    /// # Errors
    /// The text is no schema of this format, or holds something that has no Arrow type.
    fn fields(&self, schema: &RegisteredSchema) -> Result<Fields>;

    /// The schema text to register for declared columns, `None` for formats without a registry.
    ///
    /// # Errors
    /// A column type that the format cannot hold.
    fn schema_for(&self, record_name: &str, fields: &Fields) -> Result<Option<String>>;

    /// A decoder for one scan stream.
    ///
    /// # Errors
    /// The spec's reader schema and fields do not fit together.
    fn decoder(&self, spec: DecodeSpec) -> Result<Box<dyn Decoder>>;

    /// An encoder for one statement.
    ///
    /// # Errors
    /// A column type that the format cannot hold.
    fn encoder(&self, spec: EncodeSpec) -> Result<Box<dyn Encoder>>;
}

/// Every format, in the order `SHOW` lists them.
pub fn all() -> [&'static dyn Format; 4] {
    [&avro::Avro, &json::Json, &primitive::Primitive, &raw::Raw]
}

/// The format called `name`, in any case.
pub fn by_name(name: &str) -> Option<&'static dyn Format> {
    all().into_iter().find(|f| f.name().eq_ignore_ascii_case(name))
}
