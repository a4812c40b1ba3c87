//! Raw records to result rows: early columns and their filters first, then, for what is left, the value's columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Int32Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringArray, StringViewArray, StringViewBuilder, StructArray, TimestampMillisecondArray,
};
use arrow::compute::{cast, filter};
use arrow::datatypes::{DataType, FieldRef, Fields, SchemaRef};
use datafusion::physical_expr::PhysicalExpr;

use crate::bounded::column::{Meta, Source};
use crate::bounded::statement::{OnError, Statement};
use crate::catalog::shape::{Shape, Side};
use crate::connect::{RawRecords, Want};
use crate::error::{Error, Result};
use crate::format::{ColumnUse, DecodeSpec, Decoded, Decoder, RecordError};

/// What a scan makes of each record; the same for all its streams.
#[derive(Debug, Clone)]
pub struct RowSpec {
    /// The topic.
    pub topic: Arc<str>,
    /// Its shape.
    pub shape: Arc<Shape>,
    /// Output columns.
    pub schema: SchemaRef,
    /// Where they come from.
    pub sources: Vec<Source>,
    /// Columns that the early filters read, and the filters over a batch of them.
    pub early: Option<EarlyFilter>,
    /// Per value column that is produced: how much of it.
    pub value_uses: Vec<ColumnUse>,
    /// Per key column that is needed.
    pub key_uses: Vec<ColumnUse>,
    /// Deliver only records that cannot be decoded.
    pub only_errors: bool,
    /// What becomes of records that cannot be decoded.
    pub on_error: OnError,
}

/// Predicates that need no value to be decoded.
#[derive(Debug, Clone)]
pub struct EarlyFilter {
    /// The columns they read.
    pub schema: SchemaRef,
    /// Where those come from.
    pub sources: Vec<Source>,
    /// Must all hold.
    pub predicates: Vec<Arc<dyn PhysicalExpr>>,
}

impl RowSpec {
    fn all_sources(&self) -> impl Iterator<Item = Source> {
        let early = self.early.iter().flat_map(|e| e.sources.iter().copied());
        self.sources.iter().copied().chain(early)
    }

    /// Whether values are decoded at all.
    pub fn decodes_values(&self) -> bool {
        self.only_errors
            || self.sources.iter().any(|s| matches!(s, Source::Value(_) | Source::Meta(Meta::Error | Meta::Field)))
            || (self.on_error != OnError::Null && !self.value_uses.is_empty())
    }

    /// What the reader must deliver.
    pub fn want(&self) -> Want {
        let uses = |f: fn(Source) -> bool| self.all_sources().any(f);
        let decodes = self.decodes_values();
        Want {
            positions: decodes || uses(|s| matches!(s, Source::Meta(Meta::Offset | Meta::Timestamp))),
            keys: self.only_errors || uses(|s| matches!(s, Source::Key(_) | Source::Meta(Meta::Key))),
            values: decodes || uses(|s| matches!(s, Source::Meta(Meta::Value | Meta::Raw | Meta::SchemaId))),
            headers: uses(|s| matches!(s, Source::Meta(Meta::Headers))),
            tombstones: false,
        }
    }
}

/// Makes rows for one stream of a scan.
#[derive(Debug)]
pub struct Rows {
    spec: Arc<RowSpec>,
    statement: Arc<Statement>,
    keys: Option<Box<dyn Decoder>>,
    values: Option<Box<dyn Decoder>>,
}

/// What became of some records.
#[derive(Debug, Default)]
pub struct Made {
    /// The rows that pass, if any.
    pub batch: Option<RecordBatch>,
    /// How many values were decoded for that.
    pub decoded: u64,
    /// How many records could not be.
    pub undecodable: u64,
}

/// What one batch of records looks like once decoded.
struct Parts {
    raw: RawRecords,
    keys: Vec<ArrayRef>,
    values: Vec<ArrayRef>,
    errors: Vec<RecordError>,
}

impl Rows {
    /// Prepares decoders for one stream.
    ///
    /// # Errors
    /// The format cannot produce the columns.
    pub fn new(spec: Arc<RowSpec>, statement: Arc<Statement>) -> Result<Self> {
        let decoder = |side: &Side, uses: &[ColumnUse]| {
            side.format.decoder(DecodeSpec {
                fields: side.fields.clone(),
                reader: side.reader.clone(),
                columns: uses.to_vec(),
            })
        };
        let keys = (!spec.key_uses.is_empty() && !spec.shape.key.is_raw())
            .then(|| decoder(&spec.shape.key, &spec.key_uses))
            .transpose()?;
        let values = spec.decodes_values().then(|| decoder(&spec.shape.value, &spec.value_uses)).transpose()?;
        Ok(Rows { spec, statement, keys, values })
    }

    /// The rows that `raw` gives.
    ///
    /// # Errors
    /// A record that cannot be decoded, when the policy is to fail.
    pub async fn make(&mut self, raw: RawRecords) -> Result<Made> {
        let mut made = Made::default();
        let mut errors = Vec::new();
        let keys = match (&mut self.keys, &raw.keys) {
            (Some(decoder), Some(bytes)) => {
                let decoded = decode(decoder.as_mut(), bytes, &self.statement).await?;
                errors = decoded.errors;
                for e in &mut errors {
                    e.reason = format!("key: {}", e.reason);
                }
                decoded.columns
            }
            _ => Vec::new(),
        };
        let mut parts = Parts { raw, keys, values: Vec::new(), errors };
        if let Some(early) = self.spec.early.clone() {
            let columns = early.sources.iter().map(|s| self.column(*s, &parts)).collect::<Result<Vec<_>>>()?;
            let batch = RecordBatch::try_new(Arc::clone(&early.schema), columns).map_err(arrow)?;
            let mask = all_true(&early.predicates, &batch)?;
            if mask.true_count() == 0 {
                return Ok(made);
            }
            if mask.true_count() < mask.len() {
                parts = keep(parts, &mask)?;
            }
        }
        if let (Some(decoder), Some(bytes)) = (&mut self.values, &parts.raw.values) {
            made.decoded = (bytes.len() - bytes.null_count()) as u64;
            let decoded = decode(decoder.as_mut(), bytes, &self.statement).await?;
            parts.values = decoded.columns;
            parts.errors.extend(decoded.errors);
            parts.errors.sort_by_key(|e| e.row);
            parts.errors.dedup_by_key(|e| e.row);
        }
        made.undecodable = parts.errors.len() as u64;
        made.batch = self.apply_policy(parts)?;
        Ok(made)
    }

    fn apply_policy(&self, mut parts: Parts) -> Result<Option<RecordBatch>> {
        let bad = |parts: &Parts, keep_bad: bool| -> BooleanArray {
            let mut mask = vec![!keep_bad; parts.raw.len];
            for e in &parts.errors {
                if let Some(m) = mask.get_mut(e.row) {
                    *m = keep_bad;
                }
            }
            BooleanArray::from(mask)
        };
        if self.spec.only_errors {
            let mask = bad(&parts, true);
            parts = keep(parts, &mask)?;
        } else if let Some(first) = parts.errors.first() {
            match self.spec.on_error {
                OnError::Null => {}
                OnError::Fail => return Err(self.failure(&parts.raw, first)),
                OnError::Skip => {
                    let mask = bad(&parts, false);
                    parts = keep(parts, &mask)?;
                }
            }
        }
        if parts.raw.len == 0 {
            return Ok(None);
        }
        let columns = self.spec.sources.iter().map(|s| self.column(*s, &parts)).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(parts.raw.len));
        let batch =
            RecordBatch::try_new_with_options(Arc::clone(&self.spec.schema), columns, &options).map_err(arrow)?;
        Ok(Some(batch))
    }

    fn failure(&self, raw: &RawRecords, error: &RecordError) -> Error {
        let offset = raw.offsets.as_ref().and_then(|o| o.get(error.row).copied()).unwrap_or(-1);
        let place = error.path.as_ref().map_or_else(String::new, |p| format!(" at {p}"));
        Error::data(format!(
            "record {offset} of {} partition {} cannot be decoded{place}: {}",
            self.spec.topic, raw.partition, error.reason
        ))
        .with_hint(format!(
            "SET on_error = 'null' or 'skip' goes on; SELECT * FROM errors('{}') shows them all",
            self.spec.topic
        ))
    }

    fn column(&self, source: Source, parts: &Parts) -> Result<ArrayRef> {
        let raw = &parts.raw;
        let missing = || Error::internal(format!("the reader of {} left out a column", self.spec.topic));
        Ok(match source {
            Source::Key(i) => position(&self.spec.key_uses, i, &parts.keys).ok_or_else(missing)?,
            Source::Value(i) => position(&self.spec.value_uses, i, &parts.values).ok_or_else(missing)?,
            Source::Meta(Meta::Key) => self.key_column(parts)?,
            Source::Meta(Meta::Value) => Arc::new(raw.values.clone().ok_or_else(missing)?),
            Source::Meta(Meta::Raw) => Arc::new(text_or_null(raw.values.as_ref().ok_or_else(missing)?)),
            Source::Meta(Meta::Topic) => Arc::new(StringArray::from(vec![&*self.spec.topic; raw.len])),
            Source::Meta(Meta::Partition) => Arc::new(Int32Array::from_value(raw.partition, raw.len)),
            Source::Meta(Meta::Offset) => Arc::new(Int64Array::new(raw.offsets.clone().ok_or_else(missing)?, None)),
            Source::Meta(Meta::Timestamp) => {
                let timestamps = raw.timestamps.clone().ok_or_else(missing)?;
                Arc::new(TimestampMillisecondArray::new(timestamps, None).with_timezone("+00:00"))
            }
            Source::Meta(Meta::Headers) => Arc::new(raw.headers.clone().ok_or_else(missing)?),
            Source::Meta(Meta::SchemaId) => Arc::new(schema_ids(raw.values.as_ref().ok_or_else(missing)?)),
            Source::Meta(Meta::Error) => Arc::new(error_text(parts, |e| Some(e.reason.clone()))),
            Source::Meta(Meta::Field) => Arc::new(error_text(parts, |e| e.path.clone())),
        })
    }

    fn key_column(&self, parts: &Parts) -> Result<ArrayRef> {
        let side = &self.spec.shape.key;
        let Some(bytes) = &parts.raw.keys else {
            return Err(Error::internal("the reader left out the keys"));
        };
        if side.is_raw() {
            return Ok(Arc::new(text_or_hex(bytes)));
        }
        let columns = (0..side.fields.len())
            .map(|i| position(&self.spec.key_uses, i, &parts.keys))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::internal("a key column was not decoded"))?;
        match crate::bounded::column::meta_type(Meta::Key, &self.spec.shape) {
            DataType::Struct(fields) => {
                let array = StructArray::try_new(fields, columns, bytes.nulls().cloned()).map_err(arrow)?;
                Ok(Arc::new(array))
            }
            _ => columns.into_iter().next().ok_or_else(|| Error::internal("a key without columns")),
        }
    }
}

fn position(uses: &[ColumnUse], index: usize, columns: &[ArrayRef]) -> Option<ArrayRef> {
    let at = uses.iter().position(|u| u.index == index)?;
    columns.get(at).map(Arc::clone)
}

async fn decode(decoder: &mut dyn Decoder, bytes: &BinaryViewArray, statement: &Statement) -> Result<Decoded> {
    for id in decoder.unknown_ids(bytes) {
        let schema = match &statement.registry {
            None => Err(format!("schema id {id} is unknown: no registry is configured")),
            Some(registry) => match registry.by_id(id).await {
                Ok(Some(schema)) => Ok(schema),
                Ok(None) => Err(format!("schema id {id} is unknown to {}", registry.location())),
                Err(e) => Err(format!("schema id {id} could not be fetched: {e}")),
            },
        };
        decoder.learn(id, schema);
    }
    decoder.decode(bytes)
}

fn all_true(predicates: &[Arc<dyn PhysicalExpr>], batch: &RecordBatch) -> Result<BooleanArray> {
    let mut mask: Option<BooleanArray> = None;
    for predicate in predicates {
        let array = predicate
            .evaluate(batch)
            .and_then(|v| v.into_array(batch.num_rows()))
            .map_err(|e| Error::sql(e.to_string()))?;
        let array = cast(&array, &DataType::Boolean).map_err(arrow)?;
        let holds: &BooleanArray =
            array.as_any().downcast_ref().ok_or_else(|| Error::internal("a predicate that is not boolean"))?;
        // The kernel turns NULL into false, and takes only arrays that have NULLs.
        let holds = if holds.null_count() > 0 { arrow::compute::prep_null_mask_filter(holds) } else { holds.clone() };
        mask = Some(match mask {
            None => holds,
            Some(mask) => arrow::compute::and(&mask, &holds).map_err(arrow)?,
        });
    }
    Ok(mask.unwrap_or_else(|| BooleanArray::from(vec![true; batch.num_rows()])))
}

/// The records for which the mask is true; error rows are renumbered.
fn keep(parts: Parts, mask: &BooleanArray) -> Result<Parts> {
    let pick = |a: &ArrayRef| filter(a, mask).map_err(arrow);
    let Parts { raw, keys, values, errors } = parts;
    let view = |a: Option<BinaryViewArray>| -> Result<Option<BinaryViewArray>> {
        a.map(|a| filter(&a, mask).map(|f| f.as_any().downcast_ref::<BinaryViewArray>().cloned()))
            .transpose()
            .map(Option::flatten)
            .map_err(arrow)
    };
    let longs = |a: Option<arrow::buffer::ScalarBuffer<i64>>| -> Result<Option<arrow::buffer::ScalarBuffer<i64>>> {
        let filtered = a.map(|a| filter(&Int64Array::new(a, None), mask)).transpose().map_err(arrow)?;
        Ok(filtered.and_then(|f| f.as_any().downcast_ref::<Int64Array>().map(|f| f.values().clone())))
    };
    let headers = raw.headers.map(|h| filter(&h, mask)).transpose().map_err(arrow)?;
    let raw = RawRecords {
        partition: raw.partition,
        len: mask.true_count(),
        offsets: longs(raw.offsets)?,
        timestamps: longs(raw.timestamps)?,
        keys: view(raw.keys)?,
        values: view(raw.values)?,
        headers: headers.and_then(|h| h.as_any().downcast_ref().cloned()),
        tombstones: raw.tombstones,
        bytes: raw.bytes,
    };
    let mut before = 0;
    let mut at = 0;
    let mut kept = Vec::new();
    for mut error in errors {
        while at < error.row {
            before += usize::from(mask.value(at));
            at += 1;
        }
        if mask.value(error.row) {
            error.row = before;
            kept.push(error);
        }
    }
    Ok(Parts {
        raw,
        keys: keys.iter().map(pick).collect::<Result<_>>()?,
        values: values.iter().map(pick).collect::<Result<_>>()?,
        errors: kept,
    })
}

fn error_text(parts: &Parts, text: impl Fn(&RecordError) -> Option<String>) -> StringArray {
    let mut out: Vec<Option<String>> = vec![None; parts.raw.len];
    for e in &parts.errors {
        if let Some(row) = out.get_mut(e.row) {
            *row = text(e);
        }
    }
    StringArray::from(out)
}

/// Bytes as text, NULL where they are not UTF-8. Zero-copy when all are.
pub fn text_or_null(bytes: &BinaryViewArray) -> StringViewArray {
    if let Ok(text) = bytes.clone().to_string_view() {
        return text;
    }
    bytes.iter().map(|b| b.and_then(|b| std::str::from_utf8(b).ok())).collect()
}

/// Bytes as text, as `\x…` where they are not UTF-8. Zero-copy when all are.
fn text_or_hex(bytes: &BinaryViewArray) -> StringViewArray {
    if let Ok(text) = bytes.clone().to_string_view() {
        return text;
    }
    let mut out = StringViewBuilder::with_capacity(bytes.len());
    for b in bytes {
        match b.map(std::str::from_utf8) {
            None => out.append_null(),
            Some(Ok(text)) => out.append_value(text),
            Some(Err(_)) => out.append_value(hex(b.unwrap_or_default())),
        }
    }
    out.finish()
}

/// `\x` and two digits per byte.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("\\x");
    for b in bytes {
        let written = write!(text, "{b:02x}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    text
}

fn schema_ids(values: &BinaryViewArray) -> Int32Array {
    values
        .iter()
        .map(|v| match v {
            Some([0, a, b, c, d, ..]) => Some(i32::from_be_bytes([*a, *b, *c, *d])),
            _ => None,
        })
        .collect()
}

fn arrow(error: arrow::error::ArrowError) -> Error {
    Error::internal(format!("columns do not fit together: {error}")).with_source(error)
}

/// The value columns of `uses` restricted to what `paths` names, by column name.
pub fn uses(
    fields: &Fields,
    wanted: &[usize],
    paths: Option<&std::collections::HashMap<String, Vec<Vec<String>>>>,
) -> Vec<ColumnUse> {
    wanted
        .iter()
        .map(|&index| {
            let of_column = fields.get(index).and_then(|f: &FieldRef| paths.and_then(|p| p.get(f.name())));
            ColumnUse { index, paths: of_column.cloned() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_not_text_show_as_hex() {
        let bytes = BinaryViewArray::from(vec![Some(b"ab".as_slice()), None, Some(&[0xff, 0x00])]);
        let text = text_or_hex(&bytes);
        assert_eq!(text.iter().collect::<Vec<_>>(), [Some("ab"), None, Some("\\xff00")]);
        assert!(text_or_null(&bytes).is_null(2));
    }
}
