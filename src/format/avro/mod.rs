//! Avro records framed with the id of their writer's schema. Knows Avro and Arrow; the registry only as schemas it is
//! given.
//!
//! [`schema`] reads schema text, [`fields`] has the table of types, [`resolve`] plans the reading of an older or newer
//! schema, [`decode`] and [`fit`] read, [`encode`] writes.

mod decode;
mod encode;
mod fields;
mod fit;
mod resolve;
mod schema;
#[cfg(test)]
mod tests;

use arrow::datatypes::Fields;

use super::{DecodeSpec, Decoder, EncodeSpec, Encoder, Format};
use crate::error::{Error, Result};
use crate::registry::{RegisteredSchema, SchemaType};

/// The format `avro`.
#[derive(Debug)]
pub struct Avro;

impl Format for Avro {
    fn name(&self) -> &'static str {
        "avro"
    }

    fn uses_registry(&self) -> bool {
        true
    }

    fn fields(&self, schema: &RegisteredSchema) -> Result<Fields> {
        if schema.schema_type != SchemaType::Avro {
            return Err(Error::data(format!(
                "schema {} is written in {}, not in AVRO",
                schema.id,
                schema.schema_type.name()
            )));
        }
        Ok(fields::of_record(&schema::Node::parse(schema)?))
    }

    fn schema_for(&self, record_name: &str, fields: &Fields) -> Result<Option<String>> {
        fields::schema_text(record_name, fields).map(Some)
    }

    fn decoder(&self, spec: DecodeSpec) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(decode::AvroDecoder::new(spec)?))
    }

    fn encoder(&self, spec: EncodeSpec) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(encode::AvroEncoder::new(spec)?))
    }
}
