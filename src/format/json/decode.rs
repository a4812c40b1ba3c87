//! JSON records to columns, one pass over the bytes. Knows records and nulls; what a value may be is [`columns`]' matter.
//!
//! A record that fails is taken back from every column, so the others are not touched by it.
//!
//! [`columns`]: super::columns

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewArray};

use super::columns::{Fault, Parts, Record};
use super::parse::{Kind, Parser};
use crate::error::{Error, Result};
use crate::format::{DecodeSpec, Decoded, Decoder, RecordError};
use crate::registry::{RegisteredSchema, wire};

/// Decodes JSON.
#[derive(Debug)]
pub(super) struct JsonDecoder {
    spec: DecodeSpec,
    record: Record,
    /// A side of one column named `value` also takes documents that are no objects.
    single: bool,
    guesses: bool,
}

impl JsonDecoder {
    /// A decoder that guesses, or one that checks each byte for what it is; they give the same.
    pub(super) fn new(spec: DecodeSpec, guesses: bool) -> Result<Self> {
        let used = |index: usize| {
            let mut uses = spec.columns.iter().filter(|c| c.index == index);
            let mut parts = Parts(uses.next()?.paths.clone());
            for more in uses {
                parts = Parts(match (parts.0, &more.paths) {
                    (Some(a), Some(b)) => Some(a.into_iter().chain(b.iter().cloned()).collect()),
                    _ => None,
                });
            }
            Some(parts)
        };
        let record = Record::new(&spec.fields, used)?;
        let single = matches!(spec.fields.as_ref(), [only] if only.name().eq_ignore_ascii_case("value"));
        Ok(JsonDecoder { spec, record, single, guesses })
    }

    #[inline]
    fn read(&mut self, bytes: &[u8], row: usize) -> Result<(), Fault> {
        let document = match bytes.first() {
            Some(0) => wire::split(bytes).map_or(bytes, |(_, document)| document),
            _ => bytes,
        };
        let Ok(text) = std::str::from_utf8(document) else {
            return Err(Fault::new("the record is not JSON: it is not UTF-8 text"));
        };
        let mut parser = if self.guesses { Parser::guessing(text) } else { Parser::checked(text) };
        match parser.kind()? {
            Kind::Object => self.record.read(&mut parser, row)?,
            _ if self.single => self.record.read_one(0, &mut parser, row)?,
            other => {
                parser.skip()?;
                parser.end()?;
                return Err(Fault::new(format!("the record is {}, not an object", other.name())));
            }
        }
        Ok(parser.end()?)
    }
}

impl Decoder for JsonDecoder {
    fn unknown_ids(&self, _: &BinaryViewArray) -> Vec<i32> {
        Vec::new()
    }

    fn learn(&mut self, _: i32, _: Result<Arc<RegisteredSchema>, String>) {}

    fn decode(&mut self, values: &BinaryViewArray) -> Result<Decoded> {
        let mut errors = Vec::new();
        self.record.reserve(values.len());
        for row in 0..values.len() {
            if values.is_null(row) {
                self.record.fill(row + 1);
            } else if let Err(fault) = self.read(values.value(row), row) {
                self.record.truncate(row);
                self.record.fill(row + 1);
                let (reason, path) = fault.into_parts();
                errors.push(RecordError { row, reason, path });
            }
        }
        let mut taken: Vec<Option<ArrayRef>> = vec![None; self.spec.fields.len()];
        let mut columns = Vec::with_capacity(self.spec.columns.len());
        for column in &self.spec.columns {
            let missing = || Error::internal("a used column is not among the side's columns");
            let slot = taken.get_mut(column.index).ok_or_else(missing)?;
            let array = match slot {
                Some(array) => Arc::clone(array),
                None => self.record.take(column.index).ok_or_else(missing)??,
            };
            *slot = Some(Arc::clone(&array));
            columns.push(array);
        }
        Ok(Decoded { columns, errors })
    }
}
