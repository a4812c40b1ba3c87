//! One value without a schema, as Kafka's own serialisers write it. Knows bytes and Arrow.
//!
//! | column | bytes |
//! |---|---|
//! | text (`Utf8`) | UTF-8 |
//! | `Binary` | as they are |
//! | `Int32`, `Int64` | 4, 8 bytes big-endian |
//! | `Float32`, `Float64` | 4, 8 bytes big-endian |
//! | `Boolean` | one byte, 0 or 1 |

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BinaryViewArray, BooleanBuilder, PrimitiveBuilder, RecordBatch,
    StringBuilder,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Fields, Float32Type, Float64Type, Int32Type, Int64Type};
use bytes::Bytes;

use super::conform::{Misfit, conform};
use super::{DecodeSpec, Decoded, Decoder, EncodeSpec, Encoder, Format, RecordError};
use crate::error::{Error, Result};
use crate::registry::RegisteredSchema;

/// The format `kafka`.
#[derive(Debug)]
pub struct Primitive;

impl Format for Primitive {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn uses_registry(&self) -> bool {
        false
    }

    fn fields(&self, _: &RegisteredSchema) -> Result<Fields> {
        Err(Error::usage("format kafka has no schemas").with_hint("declare the one column of the side"))
    }

    fn schema_for(&self, _: &str, fields: &Fields) -> Result<Option<String>> {
        kind(fields).map(|_| None)
    }

    fn decoder(&self, spec: DecodeSpec) -> Result<Box<dyn Decoder>> {
        let kind = kind(&spec.fields)?;
        Ok(Box::new(PrimitiveDecoder { kind, outputs: spec.columns.len() }))
    }

    fn encoder(&self, spec: EncodeSpec) -> Result<Box<dyn Encoder>> {
        let kind = kind(&spec.fields)?;
        let column = spec.fields.first().map(|f| f.name().clone()).unwrap_or_default();
        Ok(Box::new(PrimitiveEncoder { kind, column }))
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Bytes,
    Int,
    Long,
    Float,
    Double,
    Boolean,
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Kind::Text => DataType::Utf8,
            Kind::Bytes => DataType::Binary,
            Kind::Int => DataType::Int32,
            Kind::Long => DataType::Int64,
            Kind::Float => DataType::Float32,
            Kind::Double => DataType::Float64,
            Kind::Boolean => DataType::Boolean,
        }
    }
}

fn kind(fields: &Fields) -> Result<Kind> {
    let [field] = fields.as_ref() else {
        return Err(Error::sql(format!("format kafka holds one column, and {} are declared", fields.len()))
            .with_hint("choose format json or avro for several columns"));
    };
    of_field(field)
}

fn of_field(field: &Field) -> Result<Kind> {
    Ok(match field.data_type() {
        DataType::Utf8 => Kind::Text,
        DataType::Binary => Kind::Bytes,
        DataType::Int32 => Kind::Int,
        DataType::Int64 => Kind::Long,
        DataType::Float32 => Kind::Float,
        DataType::Float64 => Kind::Double,
        DataType::Boolean => Kind::Boolean,
        other => {
            return Err(Error::sql(format!("format kafka cannot hold column {} of type {other}", field.name()))
                .with_hint("it holds text, BYTES, INT, BIGINT, REAL, DOUBLE and BOOLEAN"));
        }
    })
}

#[derive(Debug)]
struct PrimitiveDecoder {
    kind: Kind,
    outputs: usize,
}

impl Decoder for PrimitiveDecoder {
    fn unknown_ids(&self, _: &BinaryViewArray) -> Vec<i32> {
        Vec::new()
    }

    fn learn(&mut self, _: i32, _: Result<Arc<RegisteredSchema>, String>) {}

    fn decode(&mut self, values: &BinaryViewArray) -> Result<Decoded> {
        let mut errors = Vec::new();
        let column: ArrayRef = match self.kind {
            Kind::Text => text(values, &mut errors),
            Kind::Bytes => binary(values),
            Kind::Int => numbers::<Int32Type, 4>(values, i32::from_be_bytes, &mut errors),
            Kind::Long => numbers::<Int64Type, 8>(values, i64::from_be_bytes, &mut errors),
            Kind::Float => numbers::<Float32Type, 4>(values, f32::from_be_bytes, &mut errors),
            Kind::Double => numbers::<Float64Type, 8>(values, f64::from_be_bytes, &mut errors),
            Kind::Boolean => booleans(values, &mut errors),
        };
        Ok(Decoded { columns: vec![column; self.outputs], errors })
    }
}

fn wrong(row: usize, reason: String) -> RecordError {
    RecordError { row, reason, path: None }
}

fn text(values: &BinaryViewArray, errors: &mut Vec<RecordError>) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(values.len(), values.len() * 16);
    for (row, value) in values.iter().enumerate() {
        match value.map(std::str::from_utf8) {
            Some(Ok(text)) => builder.append_value(text),
            Some(Err(_)) => {
                errors.push(wrong(row, "the bytes are not UTF-8 text".into()));
                builder.append_null();
            }
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

pub(super) fn binary(values: &BinaryViewArray) -> ArrayRef {
    let mut builder = BinaryBuilder::with_capacity(values.len(), values.len() * 16);
    values.iter().for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

fn numbers<T: ArrowPrimitiveType, const N: usize>(
    values: &BinaryViewArray,
    read: fn([u8; N]) -> T::Native,
    errors: &mut Vec<RecordError>,
) -> ArrayRef {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        let Some(bytes) = value else {
            builder.append_null();
            continue;
        };
        match <[u8; N]>::try_from(bytes) {
            Ok(bytes) => builder.append_value(read(bytes)),
            Err(_) => {
                errors.push(wrong(row, format!("{} bytes where {N} are expected", bytes.len())));
                builder.append_null();
            }
        }
    }
    Arc::new(builder.finish())
}

fn booleans(values: &BinaryViewArray, errors: &mut Vec<RecordError>) -> ArrayRef {
    let mut builder = BooleanBuilder::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        match value {
            Some([0]) => builder.append_value(false),
            Some([1]) => builder.append_value(true),
            Some(_) => {
                errors.push(wrong(row, "a boolean is one byte, 0 or 1".into()));
                builder.append_null();
            }
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

#[derive(Debug)]
struct PrimitiveEncoder {
    kind: Kind,
    column: String,
}

impl Encoder for PrimitiveEncoder {
    fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<Bytes>> {
        let [column] = batch.columns() else {
            return Err(Error::internal("format kafka encodes one column"));
        };
        let array = conform(column, &self.kind.data_type(), Misfit::Refuse)
            .map_err(|e| Error::sql(format!("column {} cannot be written: {e}", self.column)))?;
        (0..array.len()).map(|row| self.one(&array, row)).collect()
    }
}

impl PrimitiveEncoder {
    fn one(&self, array: &ArrayRef, row: usize) -> Result<Bytes> {
        if array.is_null(row) {
            return Err(Error::sql(format!("column {} is NULL, which format kafka cannot write", self.column))
                .with_hint("filter the rows with IS NOT NULL, or choose another format"));
        }
        Ok(match self.kind {
            Kind::Text => Bytes::copy_from_slice(array.as_string::<i32>().value(row).as_bytes()),
            Kind::Bytes => Bytes::copy_from_slice(array.as_binary::<i32>().value(row)),
            Kind::Int => Bytes::copy_from_slice(&array.as_primitive::<Int32Type>().value(row).to_be_bytes()),
            Kind::Long => Bytes::copy_from_slice(&array.as_primitive::<Int64Type>().value(row).to_be_bytes()),
            Kind::Float => Bytes::copy_from_slice(&array.as_primitive::<Float32Type>().value(row).to_be_bytes()),
            Kind::Double => Bytes::copy_from_slice(&array.as_primitive::<Float64Type>().value(row).to_be_bytes()),
            Kind::Boolean => Bytes::copy_from_slice(&[u8::from(array.as_boolean().value(row))]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::ColumnUse;

    fn decode(data_type: DataType, values: Vec<Option<&[u8]>>) -> Decoded {
        let fields = Fields::from(vec![Field::new("k", data_type, true)]);
        let spec = DecodeSpec { fields, reader: None, columns: vec![ColumnUse::whole(0)] };
        Primitive.decoder(spec).unwrap().decode(&BinaryViewArray::from(values)).unwrap()
    }

    #[test]
    fn each_type_has_its_bytes_and_comes_back() {
        let cases: [(DataType, &[u8], &[u8]); 6] = [
            (DataType::Int32, &[0, 0, 0, 7], &[1]),
            (DataType::Int64, &[255; 8], &[1, 2, 3, 4]),
            (DataType::Float64, &[0x40, 0x09, 0x21, 0xFB, 0x54, 0x44, 0x2D, 0x18], &[]),
            (DataType::Utf8, b"key", &[0xFF]),
            (DataType::Boolean, &[1], &[2]),
            (DataType::Float32, &[0x3F, 0x80, 0, 0], &[0; 5]),
        ];
        for (data_type, good, bad) in cases {
            let got = decode(data_type.clone(), vec![Some(good), None, Some(bad)]);
            assert_eq!(got.columns[0].data_type(), &data_type);
            assert_eq!(got.columns[0].null_count(), 2);
            assert_eq!(got.errors.iter().map(|e| e.row).collect::<Vec<_>>(), [2]);
            let fields = Fields::from(vec![Field::new("k", data_type, true)]);
            let batch = RecordBatch::try_from_iter([("k", got.columns[0].slice(0, 1))]).unwrap();
            let mut encoder = Primitive.encoder(EncodeSpec { fields, writer: None }).unwrap();
            assert_eq!(encoder.encode(&batch).unwrap(), [Bytes::copy_from_slice(good)]);
        }
    }

    #[test]
    fn a_null_and_a_second_column_are_refused() {
        let fields = Fields::from(vec![Field::new("k", DataType::Int64, true)]);
        let mut encoder = Primitive.encoder(EncodeSpec { fields: fields.clone(), writer: None }).unwrap();
        let null = arrow::array::new_null_array(&DataType::Int64, 1);
        let error = encoder.encode(&RecordBatch::try_from_iter([("k", null)]).unwrap()).unwrap_err();
        assert!(error.message().contains("column k is NULL"));
        let two = Fields::from(vec![Arc::clone(&fields[0]), Arc::clone(&fields[0])]);
        assert!(Primitive.encoder(EncodeSpec { fields: two, writer: None }).is_err());
    }
}
