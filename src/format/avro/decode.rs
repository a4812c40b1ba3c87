//! Framed Avro records to columns. Knows bytes and schemas; never asks a registry.
//!
//! ```text
//!   records   7 7 9 7 ? 9         one group per writer id, ? is no framed record
//!   groups    7: rows 0 1 3       each decoded by a decoder of its own, with recovery
//!             9: rows 2 5
//!   columns   0 1 3 | 2 5  ──take──►  0 1 2 3 null 5
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewArray, BooleanArray, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::{concat, filter, take};
use arrow::datatypes::Fields;
use arrow_avro::reader::{Decoder as AvroReader, ReaderBuilder};
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};

use super::fields;
use super::resolve::{Fit, Plan, Usage, resolve};
use super::schema::{Node, Record};
use crate::error::{Error, Result};
use crate::format::bisect::{self, Segment};
use crate::format::conform::{Misfit, conform, find, suggestion};
use crate::format::{DecodeSpec, Decoded, Decoder, RecordError};
use crate::registry::{RegisteredSchema, SchemaId, wire};

/// More rows than a batch ever has: a decoder is flushed when we say so.
const ROWS: usize = usize::MAX / 2;

/// Decodes framed Avro.
#[derive(Debug)]
pub(super) struct AvroDecoder {
    spec: DecodeSpec,
    /// Without a reader's schema, every writer's own is used.
    reader: Option<Arc<Record>>,
    writers: HashMap<SchemaId, Result<Writer, String>>,
}

/// Everything for the records of one writer's schema.
#[derive(Debug)]
struct Writer {
    source: Source,
    outputs: Vec<Output>,
    decoder: Option<AvroSegment>,
}

/// Where a column comes from; `None` when the schema does not have it.
type Output = Option<(usize, Fit, arrow::datatypes::DataType)>;

/// What a decoder is built from.
#[derive(Debug)]
struct Source {
    id: SchemaId,
    writer: AvroSchema,
    reader: AvroSchema,
}

impl AvroDecoder {
    pub(super) fn new(spec: DecodeSpec) -> Result<Self> {
        let reader = spec.reader.as_ref().map(|schema| Node::parse(schema)).transpose()?;
        for column in &spec.columns {
            let field = spec.fields.get(column.index);
            let field = field.ok_or_else(|| Error::internal("a used column is not among the side's columns"))?;
            if let Some(record) = &reader {
                let available = fields::of_record(record);
                if find(&available, field.name()).is_none() {
                    let error = Error::sql(format!("the Avro schema has no field {}", field.name()));
                    return Err(match suggestion(&available, field.name()) {
                        Some(hint) => error.with_hint(hint),
                        None => error,
                    });
                }
            }
        }
        Ok(AvroDecoder { spec, reader: reader.map(Arc::new), writers: HashMap::new() })
    }

    /// The writer's side of things, or the sentence that says why its records cannot be read.
    fn prepare(&self, id: SchemaId, schema: &RegisteredSchema) -> Result<Writer, String> {
        let written = Node::parse(schema).map_err(|e| e.message().to_string())?;
        let reader = self.reader.as_deref().unwrap_or(&written);
        let available = fields::of_record(reader);
        let mut usage = Usage::Parts(Default::default());
        let mut sources = Vec::with_capacity(self.spec.columns.len());
        for column in &self.spec.columns {
            let field = self.spec.fields.get(column.index);
            let source = field.and_then(|f| find(&available, f.name()));
            sources.push(source);
            if let Some(field) = source.and_then(|s| available.get(s)) {
                let part = Usage::of_paths(column.paths.as_deref());
                usage = usage.union(Usage::Parts([(field.name().clone(), part)].into()));
            }
        }
        let plan = resolve(&written, reader, &usage)
            .map_err(|e| format!("records of schema {id} cannot be read with the topic's schema: {e}"))?;
        let outputs = sources.into_iter().map(|s| output(&plan, &available, s)).collect();
        let (writer, reader) = (AvroSchema::new(plan.writer.to_string()), AvroSchema::new(plan.reader.to_string()));
        let source = Source { id, writer, reader };
        let decoder = source.build().map_err(|e| format!("records of schema {id} cannot be read: {}", e.message()))?;
        Ok(Writer { source, outputs, decoder: Some(decoder) })
    }

    /// Rows by writer id; errors for those that are not framed.
    fn groups(values: &BinaryViewArray, errors: &mut Vec<RecordError>) -> Vec<(SchemaId, Vec<u32>)> {
        let mut groups: Vec<(SchemaId, Vec<u32>)> = Vec::new();
        let mut last = 0;
        for (row, number) in (0..values.len()).zip(0u32..) {
            if values.is_null(row) {
                continue;
            }
            let record = values.value(row);
            let Some((id, _)) = wire::split(record) else {
                let reason = format!("the record is not framed with a schema id: it {}", wire::looks_like(record));
                errors.push(RecordError { row, reason, path: None });
                continue;
            };
            match groups.get_mut(last) {
                Some((same, rows)) if *same == id => rows.push(number),
                _ => match groups.iter().position(|(known, _)| *known == id) {
                    Some(found) => {
                        last = found;
                        if let Some((_, rows)) = groups.get_mut(found) {
                            rows.push(number);
                        }
                    }
                    None => {
                        last = groups.len();
                        let mut rows = Vec::with_capacity(if groups.is_empty() { values.len() } else { 16 });
                        rows.push(number);
                        groups.push((id, rows));
                    }
                },
            }
        }
        groups
    }

    /// Rows and columns of the records of one writer.
    fn group(
        &mut self,
        id: SchemaId,
        rows: &[u32],
        values: &BinaryViewArray,
        pieces: &mut Vec<Piece>,
        errors: &mut Vec<RecordError>,
    ) -> Result<()> {
        let refused = |row: u32, reason: String| RecordError { row: row as usize, reason, path: None };
        let writer = match self.writers.get_mut(&id) {
            Some(Ok(writer)) => writer,
            Some(Err(reason)) => {
                errors.extend(rows.iter().map(|row| refused(*row, reason.clone())));
                return Ok(());
            }
            None => {
                let reason = format!("schema {id} has not been looked up");
                errors.extend(rows.iter().map(|row| refused(*row, reason.clone())));
                return Ok(());
            }
        };
        let source = &writer.source;
        let recovered = bisect::decode(&mut writer.decoder, || source.build(), rows, |row| values.value(row as usize))?;
        errors.extend(recovered.errors.into_iter().map(|(row, reason)| refused(row, reason)));
        for (rows, batch) in recovered.batches {
            let mut columns = Vec::with_capacity(writer.outputs.len());
            let mut misfits: Vec<Option<String>> = Vec::new();
            for (output, column) in writer.outputs.iter().zip(&self.spec.columns) {
                let field = self.spec.fields.get(column.index);
                let field = field.ok_or_else(|| Error::internal("a used column is not among the side's columns"))?;
                let array = match output {
                    Some((index, fit, natural)) => fitted(&batch, *index, fit, natural)?,
                    None => new_null_array(field.data_type(), batch.num_rows()),
                };
                let fits = conform(&array, field.data_type(), Misfit::Null)
                    .map_err(|e| Error::sql(format!("column {} cannot be read: {e}", field.name())))?;
                if array.null_count() < fits.null_count() {
                    misfits.resize(rows.len(), None);
                    for (row, misfit) in misfits.iter_mut().enumerate() {
                        if array.is_valid(row) && fits.is_null(row) {
                            *misfit = Some(field.name().clone());
                        }
                    }
                }
                columns.push(fits);
            }
            let (rows, columns) = without(rows, columns, misfits, errors)?;
            pieces.push((rows, columns));
        }
        Ok(())
    }
}

/// Rows, and their columns.
type Piece = (Vec<u32>, Vec<ArrayRef>);

/// The piece without the rows in which a column, named in `misfits`, cannot hold the value; those are errors.
fn without(
    rows: Vec<u32>,
    columns: Vec<ArrayRef>,
    misfits: Vec<Option<String>>,
    errors: &mut Vec<RecordError>,
) -> Result<Piece> {
    if misfits.is_empty() {
        return Ok((rows, columns));
    }
    let keep: BooleanArray = misfits.iter().map(|m| Some(m.is_none())).collect();
    let mut left = Vec::with_capacity(rows.len());
    for (row, misfit) in rows.into_iter().zip(misfits) {
        match misfit {
            None => left.push(row),
            Some(name) => errors.push(RecordError {
                row: row as usize,
                reason: "the value does not fit the declared type of the column".into(),
                path: Some(name),
            }),
        }
    }
    let kept = columns.iter().map(|column| filter(column, &keep)).collect::<Result<Vec<_>, _>>();
    Ok((left, kept.map_err(|e| Error::internal(format!("Avro columns cannot be filtered: {e}")))?))
}

fn output(plan: &Plan, available: &Fields, source: Option<usize>) -> Output {
    let source = source?;
    let (index, fit) = plan.columns.get(source)?;
    Some((*index, fit.clone(), available.get(source)?.data_type().clone()))
}

fn fitted(batch: &RecordBatch, index: usize, fit: &Fit, natural: &arrow::datatypes::DataType) -> Result<ArrayRef> {
    match (fit, batch.columns().get(index)) {
        (Fit::Null, _) => Ok(new_null_array(natural, batch.num_rows())),
        (fit, Some(array)) => fit.apply(array, natural),
        (_, None) => Err(Error::internal("a planned Avro column was not decoded")),
    }
}

impl Decoder for AvroDecoder {
    fn unknown_ids(&self, values: &BinaryViewArray) -> Vec<SchemaId> {
        let mut unknown = Vec::new();
        let mut last = None;
        for record in values.iter().flatten() {
            let Some((id, _)) = wire::split(record) else { continue };
            if last == Some(id) {
                continue;
            }
            last = Some(id);
            if !self.writers.contains_key(&id) && !unknown.contains(&id) {
                unknown.push(id);
            }
        }
        unknown
    }

    fn learn(&mut self, id: SchemaId, schema: Result<Arc<RegisteredSchema>, String>) {
        let writer = schema.and_then(|schema| self.prepare(id, &schema));
        self.writers.insert(id, writer);
    }

    fn decode(&mut self, values: &BinaryViewArray) -> Result<Decoded> {
        let mut errors = Vec::new();
        let mut pieces = Vec::new();
        for (id, rows) in Self::groups(values, &mut errors) {
            self.group(id, &rows, values, &mut pieces, &mut errors)?;
        }
        errors.sort_by_key(|e| e.row);
        let columns = assemble(&self.spec, pieces, values.len())?;
        Ok(Decoded { columns, errors })
    }
}

/// Puts rows back where they came from; rows of no piece are null.
fn assemble(spec: &DecodeSpec, mut pieces: Vec<Piece>, len: usize) -> Result<Vec<ArrayRef>> {
    if let [(rows, columns)] = pieces.as_mut_slice()
        && rows.len() == len
    {
        return Ok(std::mem::take(columns));
    }
    let mut places: Vec<Option<u32>> = vec![None; len];
    for (row, number) in pieces.iter().flat_map(|(rows, _)| rows).zip(0u32..) {
        if let Some(place) = places.get_mut(*row as usize) {
            *place = Some(number);
        }
    }
    let places = UInt32Array::from(places);
    let mut columns = Vec::with_capacity(spec.columns.len());
    for (index, column) in spec.columns.iter().enumerate() {
        let parts: Vec<&dyn Array> = pieces.iter().filter_map(|(_, c)| c.get(index)).map(AsRef::as_ref).collect();
        let field = spec.fields.get(column.index);
        let field = field.ok_or_else(|| Error::internal("a used column is not among the side's columns"))?;
        columns.push(if parts.is_empty() {
            new_null_array(field.data_type(), len)
        } else {
            let joined = concat(&parts).map_err(|e| Error::internal(format!("Avro columns do not join: {e}")))?;
            take(&joined, &places, None).map_err(|e| Error::internal(format!("Avro columns do not join: {e}")))?
        });
    }
    Ok(columns)
}

impl Source {
    fn build(&self) -> Result<AvroSegment> {
        let id = u32::try_from(self.id).map_err(|_| Error::internal("a schema id is negative"))?;
        let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
        let built = store.set(Fingerprint::Id(id), self.writer.clone()).and_then(|_| {
            ReaderBuilder::new()
                .with_writer_schema_store(store)
                .with_active_fingerprint(Fingerprint::Id(id))
                .with_reader_schema(self.reader.clone())
                .with_batch_size(ROWS)
                .build_decoder()
        });
        match built {
            Ok(decoder) => Ok(AvroSegment { id: self.id, decoder }),
            Err(e) => Err(Error::data(format!("its schema is not supported ({e})")).with_source(e)),
        }
    }
}

/// The library's decoder, which is not transactional: after any error, and after bytes that were not exactly one record,
/// what it holds cannot be trusted.
#[derive(Debug)]
struct AvroSegment {
    id: SchemaId,
    decoder: AvroReader,
}

impl AvroSegment {
    /// Whether the decoder has read a second frame and waits for its record. Only then is a byte that starts no frame
    /// not refused for that.
    #[cold]
    fn waits(&mut self) -> bool {
        !matches!(self.decoder.decode(&[0xFF]), Err(e) if e.to_string().contains("Missing magic"))
    }

    #[cold]
    fn reason(&self, result: Result<usize, arrow_avro::errors::AvroError>, before: usize) -> String {
        let id = self.id;
        let leftover = || format!("bytes are left over after a record of schema {id}");
        match result {
            Ok(_) if self.decoder.capacity() == before => {
                format!("the record ends before a record of schema {id} is complete")
            }
            Ok(_) => leftover(),
            Err(_) if self.decoder.capacity() < before => leftover(),
            Err(e) => format!("the bytes are not a record of schema {id}: {e}"),
        }
    }
}

impl Segment for AvroSegment {
    fn push(&mut self, payload: &[u8]) -> Result<(), String> {
        let before = self.decoder.capacity();
        // A record without bytes is only seen when something follows the frame; a lone zero byte is read as the start of
        // the next frame and left alone.
        let padded: [u8; wire::HEADER_LEN + 1];
        let bytes = if payload.len() == wire::HEADER_LEN {
            let [a, b, c, d, e] = wire::header(self.id);
            padded = [a, b, c, d, e, 0];
            padded.as_slice()
        } else {
            payload
        };
        let result = self.decoder.decode(bytes);
        match result {
            Ok(consumed) if consumed == payload.len() && before.checked_sub(1) == Some(self.decoder.capacity()) => {
                if payload.len() > wire::HEADER_LEN && payload.ends_with(&wire::header(self.id)) && self.waits() {
                    return Err(format!("bytes are left over after a record of schema {}", self.id));
                }
                Ok(())
            }
            other => Err(self.reason(other, before)),
        }
    }

    fn finish(&mut self) -> Result<RecordBatch, String> {
        let id = self.id;
        match self.decoder.flush() {
            Ok(Some(batch)) => Ok(batch),
            Ok(None) => Err(format!("no record of schema {id} was read")),
            Err(e) => Err(format!("the bytes are not a record of schema {id}: {e}")),
        }
    }
}
