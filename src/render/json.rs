//! JSON: one array, or one object per line. Knows Arrow; nothing of terminals.
//!
//! Whole numbers and decimals are numbers with all their digits (a reader that uses doubles rounds them, not weir); a float
//! that is no number is null; times are ISO 8601, with `Z` for those in UTC; bytes are hex; structs, lists and maps are
//! objects and arrays; NULL is null. When two columns share a name the later ones get `_2`, `_3`, …, since JSON readers keep
//! only one of equal names.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UnionArray};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_json::writer::NullableEncoder;
use arrow_json::writer::{LineDelimited, Writer, WriterBuilder};
use arrow_json::{Encoder, EncoderFactory, EncoderOptions};

use super::value::unshowable;

/// Writes one result.
#[derive(Debug)]
pub struct Json {
    array: bool,
    begun: bool,
    /// The result's schema with names made unique.
    unique: Option<SchemaRef>,
}

impl Json {
    /// `[`, objects separated by commas, `]`.
    pub fn array() -> Self {
        Json { array: true, begun: false, unique: None }
    }

    /// One object per line.
    pub fn lines() -> Self {
        Json { array: false, begun: false, unique: None }
    }

    /// Writes a batch.
    ///
    /// # Errors
    /// As [`super::Renderer::rows`].
    pub fn rows(&mut self, schema: &SchemaRef, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let unique = Arc::clone(self.unique.get_or_insert_with(|| unique_names(schema, batch)));
        let batch = RecordBatch::try_new(unique, batch.columns().to_vec()).map_err(unshowable)?;
        let lines = lines(&batch)?;
        if !self.array {
            return out.write_all(&lines);
        }
        // No line feed is ever inside an object: in strings it is escaped.
        let mut text = Vec::with_capacity(lines.len() + batch.num_rows());
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            text.extend_from_slice(if std::mem::replace(&mut self.begun, true) { b",\n" } else { b"[\n" });
            text.extend_from_slice(line);
        }
        out.write_all(&text)
    }

    /// Closes the array.
    ///
    /// # Errors
    /// As [`super::Renderer::finish`].
    pub fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match (self.array, self.begun) {
            (true, true) => out.write_all(b"\n]\n"),
            (true, false) => out.write_all(b"[]\n"),
            (false, _) => Ok(()),
        }
    }
}

/// Each value of a column as JSON.
///
/// # Errors
/// A value that has no JSON.
pub fn column(field: &FieldRef, array: &ArrayRef) -> io::Result<Vec<String>> {
    let options = options();
    let mut encoder = arrow_json::writer::make_encoder(field, array.as_ref(), &options).map_err(unshowable)?;
    (0..array.len())
        .map(|row| {
            let mut bytes = Vec::new();
            if encoder.is_null(row) {
                bytes.extend_from_slice(b"null");
            } else {
                encoder.encode(row, &mut bytes);
            }
            String::from_utf8(bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
        })
        .collect()
}

fn options() -> EncoderOptions {
    EncoderOptions::default().with_explicit_nulls(true).with_encoder_factory(Arc::new(Unions))
}

fn lines(batch: &RecordBatch) -> io::Result<Vec<u8>> {
    let builder = WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(Unions));
    let mut writer: Writer<_, LineDelimited> = builder.build(Vec::new());
    writer.write(batch).map_err(unshowable)?;
    writer.finish().map_err(unshowable)?;
    Ok(writer.into_inner())
}

fn unique_names(schema: &SchemaRef, batch: &RecordBatch) -> SchemaRef {
    let mut used: HashSet<String> = HashSet::new();
    let mut fields = Vec::with_capacity(schema.fields().len());
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        let mut name = field.name().clone();
        let mut number = 2;
        while !used.insert(name.clone()) {
            name = format!("{}_{number}", field.name());
            number += 1;
        }
        let field = field.as_ref().clone().with_name(name).with_data_type(array.data_type().clone());
        fields.push(field.with_nullable(true));
    }
    Arc::new(Schema::new(fields))
}

/// Adds unions, which arrow-json has no encoder for: the value of the branch that is set.
#[derive(Debug)]
struct Unions;

impl EncoderFactory for Unions {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let Some(union) = array.as_any().downcast_ref::<UnionArray>() else { return Ok(None) };
        let DataType::Union(fields, _) = union.data_type() else { return Ok(None) };
        let branches = fields
            .iter()
            .map(|(id, field)| {
                arrow_json::writer::make_encoder(field, union.child(id).as_ref(), options).map(|encoder| (id, encoder))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Some(NullableEncoder::new(Box::new(UnionEncoder { union, branches }), union.logical_nulls())))
    }
}

struct UnionEncoder<'a> {
    union: &'a UnionArray,
    branches: Vec<(i8, NullableEncoder<'a>)>,
}

impl Encoder for UnionEncoder<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let (id, offset) = (self.union.type_id(row), self.union.value_offset(row));
        match self.branches.iter_mut().find(|(branch, _)| *branch == id) {
            Some((_, encoder)) if !encoder.is_null(offset) => encoder.encode(offset, out),
            _ => out.extend_from_slice(b"null"),
        }
    }
}
