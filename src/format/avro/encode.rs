//! Columns to framed Avro records of a registered schema. Knows schemas and Arrow; never asks a registry.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Fields, Float32Type, Float64Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, Time32MillisecondType, Time64MicrosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType,
};
use bytes::Bytes;
use serde_json::Value;

use super::fields;
use super::schema::{Decimal, Field, Fixed, FixedLogical, IntLogical, LongLogical, Node, Record, Unit};
use crate::error::{Error, Result};
use crate::format::conform::{Misfit, conform, find, suggestion};
use crate::format::{EncodeSpec, Encoder};
use crate::registry::wire;

/// Encodes framed Avro.
#[derive(Debug)]
pub(super) struct AvroEncoder {
    header: [u8; wire::HEADER_LEN],
    /// The schema's fields in its order.
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: String,
    node: Node,
    natural: DataType,
    source: From,
}

#[derive(Debug)]
enum From {
    /// Column of the batch.
    Batch(usize),
    /// The encoded default.
    Default(Vec<u8>),
}

impl AvroEncoder {
    pub(super) fn new(spec: EncodeSpec) -> Result<Self> {
        let Some(schema) = &spec.writer else {
            return Err(Error::internal("an Avro encoder needs a registered schema"));
        };
        let record = Node::parse(schema)?;
        covers(&record, &spec.fields, "")?;
        let mut columns = Vec::with_capacity(record.fields.len());
        for field in record.fields {
            let source = match find(&spec.fields, &field.name) {
                Some(index) => From::Batch(index),
                None => From::Default(missing(&field, schema.id)?),
            };
            let natural = fields::of_node(&field.node);
            columns.push(Column { name: field.name, node: field.node, natural, source });
        }
        Ok(AvroEncoder { header: wire::header(schema.id), columns })
    }
}

/// Refuses columns that the schema has no field for.
fn covers(record: &Record, columns: &Fields, path: &str) -> Result<()> {
    let available = fields::of_record(record);
    for column in columns {
        let Some(index) = find(&available, column.name()) else {
            let error =
                Error::sql(format!("the registered Avro schema has no field for column {path}{}", column.name()));
            return Err(match suggestion(&available, column.name()) {
                Some(hint) => error.with_hint(hint),
                None => error.with_hint("register a schema with that field, or leave the column out"),
            });
        };
        let Some(field) = record.fields.get(index) else { continue };
        if let ([Node::Record(inner)], DataType::Struct(children)) =
            (field.node.branches().0.as_slice(), column.data_type())
            && !inner.fields.is_empty()
        {
            covers(inner, children, &format!("{path}{}.", column.name()))?;
        }
    }
    Ok(())
}

/// The bytes of a field that the batch does not have.
fn missing(field: &Field, id: i32) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(default) = &field.default {
        return match write_default(&field.node, default, &mut bytes) {
            Some(()) => Ok(bytes),
            None => Err(Error::data(format!("the default of field {} in schema {id} is not of its type", field.name))),
        };
    }
    match &field.node {
        Node::Null => Ok(bytes),
        Node::Union(branches) if branches.contains(&Node::Null) => {
            write_index(branches.iter().position(|b| *b == Node::Null), &mut bytes);
            Ok(bytes)
        }
        _ => Err(Error::sql(format!("column {} is required by schema {id} and has no default", field.name))
            .with_hint("add it to the select list")),
    }
}

impl Encoder for AvroEncoder {
    fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<Bytes>> {
        let mut arrays: Vec<Option<ArrayRef>> = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            arrays.push(match &column.source {
                From::Default(_) => None,
                From::Batch(index) => {
                    let array = batch.columns().get(*index);
                    let array = array.ok_or_else(|| Error::internal("a batch has fewer columns than announced"))?;
                    let fitted = conform(array, &column.natural, Misfit::Refuse);
                    Some(fitted.map_err(|e| {
                        Error::sql(format!("column {} does not fit the registered Avro schema: {e}", column.name))
                    })?)
                }
            });
        }
        let mut out = Vec::with_capacity(batch.num_rows() * 64);
        let mut ends = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            out.extend_from_slice(&self.header);
            for (column, array) in self.columns.iter().zip(&arrays) {
                match (&column.source, array) {
                    (From::Default(bytes), _) => out.extend_from_slice(bytes),
                    (From::Batch(_), Some(array)) => write(&column.node, array, row, &mut out)
                        .map_err(|Refused { path, reason }| refused(&column.name, &path, &reason))?,
                    (From::Batch(_), None) => return Err(Error::internal("a column was not prepared")),
                }
            }
            ends.push(out.len());
        }
        let all = Bytes::from(out);
        let mut start = 0;
        Ok(ends.into_iter().map(|end| all.slice(std::mem::replace(&mut start, end)..end)).collect())
    }
}

fn refused(column: &str, path: &str, reason: &str) -> Error {
    Error::sql(format!("column {column}{path} cannot be written: {reason}"))
}

/// A value that the schema does not allow; `path` grows on the way out.
struct Refused {
    path: String,
    reason: String,
}

fn refuse(reason: impl Into<String>) -> Refused {
    Refused { path: String::new(), reason: reason.into() }
}

fn write_long(value: i64, out: &mut Vec<u8>) {
    let mut zigzag = value.cast_unsigned() << 1 ^ (value >> 63).cast_unsigned();
    while zigzag >= 0x80 {
        out.push(u8::try_from(zigzag & 0x7F).unwrap_or_default() | 0x80);
        zigzag >>= 7;
    }
    out.push(u8::try_from(zigzag).unwrap_or_default());
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    write_long(i64::try_from(length).unwrap_or(i64::MAX), out);
}

fn write_index(index: Option<usize>, out: &mut Vec<u8>) {
    write_length(index.unwrap_or_default(), out);
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Writes one value of `array`, whose type is the natural one of `node`.
fn write(node: &Node, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<(), Refused> {
    if let Node::Union(branches) = node {
        return write_union(branches, node, array, row, out);
    }
    if *node == Node::Null {
        return Ok(());
    }
    if matches!(node, Node::Record(r) if r.fields.is_empty()) {
        return Ok(());
    }
    if array.is_null(row) {
        return Err(refuse("it is NULL and the registered schema requires a value"));
    }
    match node {
        Node::Boolean => out.push(u8::from(array.as_boolean().value(row))),
        Node::Int(logical) => write_long(
            i64::from(match logical {
                None => array.as_primitive::<Int32Type>().value(row),
                Some(IntLogical::Date) => array.as_primitive::<Date32Type>().value(row),
                Some(IntLogical::TimeMillis) => array.as_primitive::<Time32MillisecondType>().value(row),
            }),
            out,
        ),
        Node::Long(logical) => write_long(
            match logical {
                None => array.as_primitive::<Int64Type>().value(row),
                Some(LongLogical::TimeMicros) => array.as_primitive::<Time64MicrosecondType>().value(row),
                Some(LongLogical::Timestamp { unit, .. }) => match unit {
                    Unit::Millis => array.as_primitive::<TimestampMillisecondType>().value(row),
                    Unit::Micros => array.as_primitive::<TimestampMicrosecondType>().value(row),
                    Unit::Nanos => array.as_primitive::<TimestampNanosecondType>().value(row),
                },
            },
            out,
        ),
        Node::Float => out.extend_from_slice(&array.as_primitive::<Float32Type>().value(row).to_le_bytes()),
        Node::Double => out.extend_from_slice(&array.as_primitive::<Float64Type>().value(row).to_le_bytes()),
        Node::Bytes(None) => write_bytes(array.as_binary::<i32>().value(row), out),
        Node::Bytes(Some(decimal)) => write_bytes(trimmed(&decimal_bytes(*decimal, array, row)), out),
        Node::String => write_bytes(array.as_string::<i32>().value(row).as_bytes(), out),
        Node::Enum(symbols) => {
            let text = array.as_string::<i32>().value(row);
            let position = symbols.symbols.iter().position(|s| s == text);
            if position.is_none() {
                return Err(refuse(format!("{text:?} is not a symbol of the enum {}", symbols.name)));
            }
            write_index(position, out);
        }
        Node::Fixed(fixed) => write_fixed(fixed, array, row, out)?,
        Node::Array(items) => {
            let values = array.as_list::<i32>().value(row);
            write_block(values.len(), out);
            for index in 0..values.len() {
                write(items, &values, index, out).map_err(|e| below("[]", e))?;
            }
            write_end(out);
        }
        Node::Map(values) => {
            let entries = array.as_map().value(row);
            write_block(entries.len(), out);
            let (keys, content) = (array.as_map().keys(), array.as_map().values());
            let start = array.as_map().value_offsets().get(row).copied().unwrap_or_default();
            let start = usize::try_from(start).unwrap_or_default();
            for index in start..start + entries.len() {
                write_bytes(keys.as_string::<i32>().value(index).as_bytes(), out);
                write(values, content, index, out).map_err(|e| below("[]", e))?;
            }
            write_end(out);
        }
        Node::Record(record) => {
            for (field, child) in record.fields.iter().zip(array.as_struct().columns()) {
                write(&field.node, child, row, out).map_err(|e| below(&format!(".{}", field.name), e))?;
            }
        }
        Node::Null | Node::Union(_) => {}
    }
    Ok(())
}

fn below(step: &str, refused: Refused) -> Refused {
    Refused { path: format!("{step}{}", refused.path), ..refused }
}

/// A block of items, unless there are none.
fn write_block(items: usize, out: &mut Vec<u8>) {
    if items > 0 {
        write_length(items, out);
    }
}

fn write_end(out: &mut Vec<u8>) {
    out.push(0);
}

fn write_union(branches: &[Node], node: &Node, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<(), Refused> {
    let null = branches.iter().position(|b| *b == Node::Null);
    let (others, _) = node.branches();
    // An empty record has no value to look at: it is there unless null may be.
    if array.is_null(row) || others.is_empty() {
        if null.is_none() {
            return Err(refuse("it is NULL and the registered schema requires a value"));
        }
        write_index(null, out);
        return Ok(());
    }
    if let [only] = others.as_slice() {
        write_index(branches.iter().position(|b| b == *only), out);
        return write(only, array, row, out);
    }
    let children = array.as_struct().columns();
    let mut set = others.iter().zip(children).filter(|(_, child)| child.is_valid(row));
    match (set.next(), set.next()) {
        (Some((branch, child)), None) => {
            write_index(branches.iter().position(|b| b == *branch), out);
            write(branch, child, row, out)
        }
        (None, _) if null.is_some() => {
            write_index(null, out);
            Ok(())
        }
        (None, _) => Err(refuse("no branch of the union is set")),
        (Some(_), Some(_)) => Err(refuse("more than one branch of the union is set")),
    }
}

/// Sixteen or thirty-two bytes of two's complement, big-endian.
fn decimal_bytes(decimal: Decimal, array: &ArrayRef, row: usize) -> Vec<u8> {
    if decimal.precision <= 38 {
        array.as_primitive::<Decimal128Type>().value(row).to_be_bytes().to_vec()
    } else {
        array.as_primitive::<Decimal256Type>().value(row).to_be_bytes().to_vec()
    }
}

/// The shortest two's complement with the same value.
fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        let Some(second) = rest.first() else { break };
        let redundant = (*first == 0 && *second < 0x80) || (*first == 0xFF && *second >= 0x80);
        if !redundant {
            break;
        }
        bytes = rest;
    }
    bytes
}

fn write_fixed(fixed: &Fixed, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<(), Refused> {
    match fixed.logical {
        None => out.extend_from_slice(array.as_fixed_size_binary().value(row)),
        Some(FixedLogical::Decimal(decimal)) => {
            let size = usize::try_from(fixed.size).unwrap_or_default();
            let full = decimal_bytes(decimal, array, row);
            let short = trimmed(&full);
            if short.len() > size {
                return Err(refuse(format!("the number needs more than {size} bytes")));
            }
            let fill = if short.first().is_some_and(|b| *b >= 0x80) { 0xFF } else { 0 };
            out.extend(std::iter::repeat_n(fill, size - short.len()));
            out.extend_from_slice(short);
        }
        Some(FixedLogical::Uuid) => {
            let text = array.as_string::<i32>().value(row);
            let bytes = parse_uuid(text).ok_or_else(|| refuse("the text is not a UUID"))?;
            out.extend_from_slice(&bytes);
        }
        Some(FixedLogical::Duration) => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            let parts = [i64::from(value.months), i64::from(value.days), value.nanoseconds / 1_000_000];
            for part in parts {
                let part = u32::try_from(part).map_err(|_| refuse("the interval is negative or too long for Avro"))?;
                out.extend_from_slice(&part.to_le_bytes());
            }
        }
    }
    Ok(())
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| *b != b'-')
        .map(|b| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let mut bytes = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |all, digit| all << 4 | digit);
    }
    Some(bytes)
}

/// Writes a default from its JSON form; `None` when it is not of the type.
fn write_default(node: &Node, value: &Value, out: &mut Vec<u8>) -> Option<()> {
    let latin1 = |value: &Value| -> Option<Vec<u8>> {
        value.as_str()?.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
    };
    match node {
        Node::Null => value.as_null()?,
        Node::Boolean => out.push(u8::from(value.as_bool()?)),
        Node::Int(_) => write_long(i64::from(i32::try_from(value.as_i64()?).ok()?), out),
        Node::Long(_) => write_long(value.as_i64()?, out),
        #[expect(clippy::cast_possible_truncation, reason = "a float default is rounded to a float")]
        Node::Float => out.extend_from_slice(&(value.as_f64()? as f32).to_le_bytes()),
        Node::Double => out.extend_from_slice(&value.as_f64()?.to_le_bytes()),
        Node::Bytes(_) => write_bytes(&latin1(value)?, out),
        Node::String => write_bytes(value.as_str()?.as_bytes(), out),
        Node::Fixed(fixed) => {
            let bytes = latin1(value)?;
            if i32::try_from(bytes.len()).ok()? != fixed.size {
                return None;
            }
            out.extend_from_slice(&bytes);
        }
        Node::Enum(symbols) => {
            let text = value.as_str()?;
            write_index(Some(symbols.symbols.iter().position(|s| s == text)?), out);
        }
        Node::Array(items) => {
            let values = value.as_array()?;
            write_block(values.len(), out);
            values.iter().try_for_each(|v| write_default(items, v, out))?;
            write_end(out);
        }
        Node::Map(values) => {
            let entries = value.as_object()?;
            write_block(entries.len(), out);
            for (key, value) in entries {
                write_bytes(key.as_bytes(), out);
                write_default(values, value, out)?;
            }
            write_end(out);
        }
        Node::Record(record) => {
            let object = value.as_object()?;
            for field in &record.fields {
                write_default(&field.node, object.get(&field.name).or(field.default.as_ref())?, out)?;
            }
        }
        // A default belongs to the first branch; null is also taken when it is another.
        Node::Union(branches) => {
            let index = match branches.iter().position(|b| *b == Node::Null) {
                Some(null) if value.is_null() => null,
                _ => 0,
            };
            write_index(Some(index), out);
            write_default(branches.get(index)?, value, out)?;
        }
    }
    Some(())
}
