//! Bytes as they are, for looking at a topic that nothing else can read. Knows bytes.
//!
//! Two columns: `text` (null when the bytes are not UTF-8) and `bytes`. No record is ever an error.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Fields};
use bytes::Bytes;

use super::conform::{Misfit, conform, find};
use super::{DecodeSpec, Decoded, Decoder, EncodeSpec, Encoder, Format, primitive};
use crate::error::{Error, Result};
use crate::registry::RegisteredSchema;

/// The format `raw`.
#[derive(Debug)]
pub struct Raw;

/// The columns of every side in this format.
pub fn columns() -> Fields {
    vec![Field::new("text", DataType::Utf8, true), Field::new("bytes", DataType::Binary, true)].into()
}

impl Format for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn uses_registry(&self) -> bool {
        false
    }

    fn fields(&self, _: &RegisteredSchema) -> Result<Fields> {
        Ok(columns())
    }

    fn schema_for(&self, _: &str, _: &Fields) -> Result<Option<String>> {
        Ok(None)
    }

    fn decoder(&self, spec: DecodeSpec) -> Result<Box<dyn Decoder>> {
        let mut parts = Vec::with_capacity(spec.columns.len());
        for column in &spec.columns {
            let field = spec.fields.get(column.index);
            let field = field.ok_or_else(|| Error::internal("a used column is not among the side's columns"))?;
            parts.push(match (field.name().to_lowercase().as_str(), field.data_type()) {
                ("text", DataType::Utf8) => Part::Text,
                ("bytes", DataType::Binary) => Part::Bytes,
                _ => {
                    return Err(Error::sql(format!("format raw has no column {} of its type", field.name()))
                        .with_hint("its columns are \"text\" and \"bytes\""));
                }
            });
        }
        Ok(Box::new(RawDecoder { parts }))
    }

    fn encoder(&self, spec: EncodeSpec) -> Result<Box<dyn Encoder>> {
        let (text, bytes) = (find(&spec.fields, "text"), find(&spec.fields, "bytes"));
        if spec.fields.len() != usize::from(text.is_some()) + usize::from(bytes.is_some()) || spec.fields.is_empty() {
            return Err(Error::sql("format raw writes the columns \"text\" and \"bytes\" only"));
        }
        Ok(Box::new(RawEncoder { text, bytes }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Text,
    Bytes,
}

#[derive(Debug)]
struct RawDecoder {
    parts: Vec<Part>,
}

impl Decoder for RawDecoder {
    fn unknown_ids(&self, _: &BinaryViewArray) -> Vec<i32> {
        Vec::new()
    }

    fn learn(&mut self, _: i32, _: Result<Arc<RegisteredSchema>, String>) {}

    fn decode(&mut self, values: &BinaryViewArray) -> Result<Decoded> {
        let columns = self.parts.iter().map(|part| match part {
            Part::Text => text(values),
            Part::Bytes => primitive::binary(values),
        });
        Ok(Decoded { columns: columns.collect(), errors: Vec::new() })
    }
}

fn text(values: &BinaryViewArray) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(values.len(), values.len() * 16);
    values.iter().for_each(|value| builder.append_option(value.and_then(|v| std::str::from_utf8(v).ok())));
    Arc::new(builder.finish())
}

#[derive(Debug)]
struct RawEncoder {
    text: Option<usize>,
    bytes: Option<usize>,
}

impl Encoder for RawEncoder {
    /// `bytes` where it is set, else `text`; a row with neither is empty.
    fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<Bytes>> {
        let column = |index: Option<usize>, name: &str| -> Result<Option<ArrayRef>> {
            let Some(array) = index.and_then(|i| batch.columns().get(i)) else { return Ok(None) };
            let binary = conform(array, &DataType::Binary, Misfit::Refuse);
            binary.map(Some).map_err(|e| Error::sql(format!("column {name} cannot be written: {e}")))
        };
        let (text, bytes) = (column(self.text, "text")?, column(self.bytes, "bytes")?);
        let one = |array: &Option<ArrayRef>, row: usize| {
            let array = array.as_ref().filter(|a| a.is_valid(row))?;
            Some(Bytes::copy_from_slice(array.as_binary::<i32>().value(row)))
        };
        Ok((0..batch.num_rows()).map(|row| one(&bytes, row).or_else(|| one(&text, row)).unwrap_or_default()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::ColumnUse;

    #[test]
    fn text_is_null_when_it_is_none_and_bytes_always_come_back() {
        let spec =
            DecodeSpec { fields: columns(), reader: None, columns: vec![ColumnUse::whole(0), ColumnUse::whole(1)] };
        let values: BinaryViewArray = vec![Some(b"hi".as_slice()), Some(&[0xFF]), None].into();
        let got = Raw.decoder(spec).unwrap().decode(&values).unwrap();
        assert!(got.errors.is_empty());
        assert_eq!(got.columns[0].as_string::<i32>().iter().collect::<Vec<_>>(), [Some("hi"), None, None]);
        let batch =
            RecordBatch::try_from_iter([("text", Arc::clone(&got.columns[0])), ("bytes", Arc::clone(&got.columns[1]))]);
        let mut encoder = Raw.encoder(EncodeSpec { fields: columns(), writer: None }).unwrap();
        let back = encoder.encode(&batch.unwrap()).unwrap();
        assert_eq!(back, [Bytes::from_static(b"hi"), Bytes::from_static(&[0xFF]), Bytes::new()]);
    }
}
