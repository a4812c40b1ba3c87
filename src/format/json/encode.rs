//! Columns to JSON documents, one object per row, with arrow-json. Knows Arrow.
//!
//! Nulls are written out, timestamps as RFC 3339 text, bytes as base64.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StructArray, new_empty_array};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::error::ArrowError;
use arrow_json::writer::{Encoder as ArrowEncoder, EncoderFactory, EncoderOptions, NullableEncoder, make_encoder};
use bytes::Bytes;

use super::scalar;
use crate::error::{Error, Result};
use crate::format::{EncodeSpec, Encoder};

/// Encodes JSON.
#[derive(Debug)]
pub(super) struct JsonEncoder {
    options: EncoderOptions,
    fields: Fields,
}

impl JsonEncoder {
    pub(super) fn new(spec: EncodeSpec) -> Result<Self> {
        let options = EncoderOptions::default().with_explicit_nulls(true).with_encoder_factory(Arc::new(BytesAsBase64));
        for field in &spec.fields {
            let empty = new_empty_array(field.data_type());
            make_encoder(field, empty.as_ref(), &options).map_err(|_| {
                Error::sql(format!("format json cannot write column {} of type {}", field.name(), field.data_type()))
                    .with_hint("CAST it to text or to a number")
            })?;
        }
        Ok(JsonEncoder { options, fields: spec.fields })
    }
}

impl Encoder for JsonEncoder {
    fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<Bytes>> {
        let rows = batch.num_rows();
        let wrong = |e: ArrowError| Error::internal(format!("rows cannot be written as JSON: {e}"));
        let fields: Fields = self
            .fields
            .iter()
            .zip(batch.columns())
            .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true))
            .collect();
        let columns = batch.columns().to_vec();
        let all = StructArray::try_new_with_length(fields.clone(), columns, None, rows).map_err(wrong)?;
        let root: FieldRef = Arc::new(Field::new("", DataType::Struct(fields), true));
        let mut encoder = make_encoder(&root, &all, &self.options).map_err(wrong)?;
        let mut out = Vec::with_capacity(rows * 64);
        let mut ends = Vec::with_capacity(rows);
        for row in 0..rows {
            encoder.encode(row, &mut out);
            ends.push(out.len());
        }
        let out = Bytes::from(out);
        let mut start = 0;
        Ok(ends.into_iter().map(|end| out.slice(std::mem::replace(&mut start, end)..end)).collect())
    }
}

/// Bytes as base64 text, which is what JSON clients of Kafka expect; arrow-json would write hexadecimal digits.
#[derive(Debug)]
struct BytesAsBase64;

impl EncoderFactory for BytesAsBase64 {
    fn make_default_encoder<'a>(
        &self,
        _: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let value: Box<dyn Fn(usize) -> &'a [u8] + 'a> = match array.data_type() {
            DataType::Binary => {
                let bytes = array.as_binary::<i32>();
                Box::new(move |row| bytes.value(row))
            }
            DataType::LargeBinary => {
                let bytes = array.as_binary::<i64>();
                Box::new(move |row| bytes.value(row))
            }
            DataType::BinaryView => {
                let bytes = array.as_binary_view();
                Box::new(move |row| bytes.value(row))
            }
            DataType::FixedSizeBinary(_) => {
                let bytes = array.as_fixed_size_binary();
                Box::new(move |row| bytes.value(row))
            }
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(Box::new(Base64(value)), array.nulls().cloned())))
    }
}

struct Base64<'a>(Box<dyn Fn(usize) -> &'a [u8] + 'a>);

impl ArrowEncoder for Base64<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        out.push(b'"');
        scalar::to_base64((self.0)(row), out);
        out.push(b'"');
    }
}
