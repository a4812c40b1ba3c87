//! Json.
use super::{DecodeSpec, Decoder, EncodeSpec, Encoder, Format};
use crate::error::Result;
use crate::registry::RegisteredSchema;
use arrow::datatypes::Fields;

/// Json.
#[derive(Debug)]
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }
    fn uses_registry(&self) -> bool {
        todo!()
    }
    fn fields(&self, _: &RegisteredSchema) -> Result<Fields> {
        todo!()
    }
    fn schema_for(&self, _: &str, _: &Fields) -> Result<Option<String>> {
        todo!()
    }
    fn decoder(&self, _: DecodeSpec) -> Result<Box<dyn Decoder>> {
        todo!()
    }
    fn encoder(&self, _: EncodeSpec) -> Result<Box<dyn Encoder>> {
        todo!()
    }
}
