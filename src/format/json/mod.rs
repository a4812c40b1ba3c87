//! One JSON document per record. Knows JSON and Arrow; the registry only as schemas it is given.
//!
//! [`parse`] walks text, [`columns`] has the table of types and builds arrays, [`decode`] reads records, [`encode`] writes
//! them with arrow-json, [`schema`] turns JSON Schema into columns. Records of one topic are much alike: [`keys`] knows
//! which key to expect, [`guess`] reads values of the usual form; where a guess fails, the walk goes on from there byte by
//! byte, so that rows and errors never depend on it. Reading is our own: arrow-json cuts `5.7` to `5` for
//! whole numbers, knows names in one case only, cannot show an object as text, and fails a batch for one record.

mod columns;
mod decode;
mod encode;
mod guess;
mod keys;
#[cfg(test)]
mod laws;
mod parse;
mod scalar;
mod schema;
#[cfg(test)]
mod tests;

use arrow::datatypes::Fields;

use super::{DecodeSpec, Decoder, EncodeSpec, Encoder, Format};
use crate::error::{Error, Result};
use crate::registry::{RegisteredSchema, SchemaType};

/// The format `json`. A frame with a schema id in front of a document is skipped.
#[derive(Debug)]
pub struct Json;

impl Json {
    /// A decoder that takes no short cuts and looks at each byte: what [`Format::decoder`]'s is measured against, in what it
    /// gives and how fast.
    ///
    /// # Errors
    /// Those of [`Format::decoder`].
    pub fn checked(spec: DecodeSpec) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(decode::JsonDecoder::new(spec, false)?))
    }
}

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn uses_registry(&self) -> bool {
        false
    }

    fn fields(&self, schema: &RegisteredSchema) -> Result<Fields> {
        if schema.schema_type != SchemaType::Json {
            return Err(Error::data(format!(
                "schema {} is written in {}, not in JSON",
                schema.id,
                schema.schema_type.name()
            )));
        }
        schema::fields(schema)
    }

    fn schema_for(&self, _: &str, _: &Fields) -> Result<Option<String>> {
        Ok(None)
    }

    fn decoder(&self, spec: DecodeSpec) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(decode::JsonDecoder::new(spec, true)?))
    }

    fn encoder(&self, spec: EncodeSpec) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(encode::JsonEncoder::new(spec)?))
    }
}
