//! Columns that grow by one JSON value at a time and can take the last row back. Knows Arrow and JSON text; never
//! batches or records.
//!
//! What a column takes:
//!
//! | column | JSON |
//! |---|---|
//! | text | text; any other value as its JSON text, as it stands in the record |
//! | `BOOLEAN` | `true`, `false` |
//! | `INT`, `BIGINT` | whole numbers in range (`5.0` and `1e3` are whole), or text that holds one |
//! | `REAL`, `DOUBLE` | numbers, or text that holds one |
//! | `DECIMAL(p, s)` | numbers or text with at most `s` digits after the point |
//! | `TIMESTAMP` | RFC 3339 text (a missing zone is UTC), or a whole number in the column's unit: epoch milliseconds |
//! | `DATE`, `TIME` | `2024-05-01` or days since 1970; `12:30:00.5` or a number in the column's unit |
//! | `BYTES` | base64 text |
//! | `STRUCT`, `ARRAY`, `MAP` | objects, arrays, objects |
//!
//! `null` and a field that is not there are null.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, ListArray, MapArray, PrimitiveArray, StringArray, StructArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, FieldRef, Fields, Float32Type, Float64Type, Int32Type, Int64Type,
    Time32MillisecondType, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType,
};

use super::keys::{After, Keys, Meaning};
use super::parse::{Kind, Malformed, Parser, unescaped};
use super::scalar;
use crate::error::{Error, Result};

/// Why a value does not fit, in a box so that a step that succeeds returns in a register.
#[derive(Debug)]
pub(super) struct Fault(Box<Why>);

#[derive(Debug)]
struct Why {
    reason: String,
    /// Innermost name first.
    path: Vec<String>,
}

impl Fault {
    #[cold]
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Fault(Box::new(Why { reason: reason.into(), path: Vec::new() }))
    }

    /// The fault as seen from outside of the field called `name`.
    #[cold]
    fn inside(mut self, name: &str) -> Self {
        self.0.path.push(name.to_string());
        self
    }

    /// The reason, and the dotted path of the field at fault.
    pub(super) fn into_parts(self) -> (String, Option<String>) {
        let Why { reason, mut path } = *self.0;
        path.reverse();
        (reason, (!path.is_empty()).then(|| path.join(".")))
    }
}

impl From<Malformed> for Fault {
    #[cold]
    fn from(malformed: Malformed) -> Self {
        Fault::new(format!("the record is not JSON: {} at byte {}", malformed.0.what, malformed.0.at))
    }
}

#[cold]
fn fault(reason: impl Into<String>) -> Fault {
    Fault::new(reason)
}

#[cold]
fn unexpected(wanted: &str, found: Kind) -> Fault {
    fault(format!("{wanted} is expected and {} was found", found.name()))
}

/// One column.
#[derive(Debug)]
pub(super) struct Column {
    valid: Vec<bool>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Boolean(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Date32(Vec<i32>),
    Time32(Vec<i32>),
    Time64(Vec<i64>),
    Timestamp(TimeUnit, Option<Arc<str>>, Vec<i64>),
    Decimal(u8, i8, Vec<i128>),
    Utf8(Var),
    Binary(Var),
    Struct(Record),
    List(FieldRef, Vec<i32>, Box<Column>),
    Map(FieldRef, Vec<i32>, Var, Box<Column>),
}

/// Bytes of varying length.
#[derive(Debug)]
struct Var {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
    /// How many bytes were taken the last time.
    taken: usize,
}

impl Var {
    fn new() -> Self {
        Var { offsets: vec![0], bytes: Vec::new(), taken: 0 }
    }

    /// Makes room for as many more rows, of as many bytes in all as the rows before.
    fn reserve(&mut self, rows: usize) {
        self.offsets.reserve(rows);
        self.bytes.reserve(self.taken);
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.bytes.extend_from_slice(bytes);
        match i32::try_from(self.bytes.len()) {
            Ok(end) => {
                self.offsets.push(end);
                Ok(())
            }
            Err(_) => Err(fault("the batch holds more than 2 GiB of one column")),
        }
    }

    fn push_empty(&mut self) {
        self.offsets.push(self.offsets.last().copied().unwrap_or_default());
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.bytes.truncate(last(&self.offsets));
    }

    fn take(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        self.taken = self.bytes.len();
        (OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from_vec(std::mem::take(&mut self.bytes)))
    }
}

fn last(offsets: &[i32]) -> usize {
    offsets.last().and_then(|o| usize::try_from(*o).ok()).unwrap_or_default()
}

/// A child of an object.
#[derive(Debug)]
struct Child {
    column: Column,
    /// The row that the child's exact name was seen in, plus one: other spellings do not replace it.
    exact: usize,
}

/// An object's children, and how records have spelled and ordered its keys so far.
#[derive(Debug)]
pub(super) struct Record {
    fields: Fields,
    children: Vec<Option<Child>>,
    /// How many children are used.
    used: usize,
    keys: Keys,
}

impl Record {
    /// Children for the fields that `used` keeps.
    pub(super) fn new(fields: &Fields, used: impl Fn(usize) -> Option<Parts>) -> Result<Self> {
        let mut children = Vec::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            children.push(match used(index) {
                Some(parts) => {
                    let column = Column::new(field.data_type(), &parts)
                        .map_err(|data_type| unsupported(field.name(), &data_type))?;
                    Some(Child { column, exact: 0 })
                }
                None => None,
            });
        }
        let used = children.iter().flatten().count();
        Ok(Record { fields: fields.clone(), children, used, keys: Keys::default() })
    }

    /// What `key` means: the field of that name, else the only one that differs in case alone.
    #[cold]
    fn lookup(&self, key: &str) -> Meaning {
        let found = crate::format::conform::find(&self.fields, key);
        match found {
            Some(index) if self.children.get(index).is_some_and(Option::is_some) => {
                let exact = self.fields.get(index).is_some_and(|f| f.name() == key);
                Meaning::Child { index, exact }
            }
            _ => Meaning::Nothing,
        }
    }

    /// Consumes a key and its colon: what it means, and the place after it.
    #[inline]
    fn key(&mut self, parser: &mut Parser<'_>, after: After) -> Result<(Meaning, After), Fault> {
        if let Some(found) = self.keys.usual(parser, after) {
            return Ok(found);
        }
        parser.peek();
        let start = parser.at();
        let (key, escapes) = parser.key_raw()?;
        if let Some(found) = self.keys.find(key, after) {
            return Ok(found);
        }
        let meaning = if escapes { self.lookup(&unescaped(key)) } else { self.lookup(key) };
        Ok((meaning, self.keys.learn(key, parser.slice(start), meaning, after)))
    }

    /// Reads an object as row `row`. Of a name that occurs twice the last value counts.
    pub(super) fn read(&mut self, parser: &mut Parser<'_>, row: usize) -> Result<(), Fault> {
        let mut more = parser.open(b'}')?;
        let mut after = After::default();
        let mut read = 0;
        while more {
            let (meaning, next) = self.key(parser, after)?;
            after = next;
            match meaning {
                Meaning::Nothing => parser.pass()?,
                Meaning::Child { index, exact } => read += usize::from(self.child(index, exact, parser, row)?),
            }
            more = parser.next(b'}')?;
        }
        if read < self.used {
            self.fill(row + 1);
        }
        Ok(())
    }

    /// Reads a value of a child; whether it is the first one of this row.
    #[inline]
    fn child(&mut self, index: usize, exact: bool, parser: &mut Parser<'_>, row: usize) -> Result<bool, Fault> {
        let Some(Some(child)) = self.children.get_mut(index) else {
            parser.pass()?;
            return Ok(false);
        };
        let first = child.column.len() <= row;
        if !first {
            if child.exact == row + 1 && !exact {
                parser.pass()?;
                return Ok(false);
            }
            child.column.truncate(row);
        }
        if exact {
            child.exact = row + 1;
        }
        match child.column.read(parser) {
            Ok(()) => Ok(first),
            Err(fault) => Err(fault.inside(self.fields.get(index).map_or("", |f| f.name()))),
        }
    }

    /// Makes room for as many more rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        for child in self.children.iter_mut().flatten() {
            child.column.reserve(rows);
        }
    }

    /// Makes every child `rows` long; what is missing is null.
    pub(super) fn fill(&mut self, rows: usize) {
        for child in self.children.iter_mut().flatten() {
            while child.column.len() < rows {
                child.column.push_null();
            }
        }
    }

    /// Forgets everything after the first `rows` rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        for child in self.children.iter_mut().flatten() {
            child.column.truncate(rows);
            child.exact = 0;
        }
    }

    /// The values so far of child `index`, `None` when it is not used. Starts again with no rows.
    pub(super) fn take(&mut self, index: usize) -> Option<Result<ArrayRef>> {
        let field = self.fields.get(index)?;
        let child = self.children.get_mut(index)?.as_mut()?;
        child.exact = 0;
        Some(child.column.take(field.data_type()))
    }

    /// Reads one value into child `index`.
    pub(super) fn read_one(&mut self, index: usize, parser: &mut Parser<'_>, row: usize) -> Result<(), Fault> {
        self.child(index, true, parser, row)?;
        self.fill(row + 1);
        Ok(())
    }
}

fn unsupported(name: &str, data_type: &DataType) -> Error {
    Error::sql(format!("format json cannot read column {name} as {data_type}"))
        .with_hint("declare it as text and CAST it in the query")
}

/// Which parts of a value are used: the whole when empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts(pub(super) Option<Vec<Vec<String>>>);

impl Parts {
    /// The parts below field `name`, `None` when it is not used.
    fn below(&self, name: &str) -> Option<Parts> {
        let Some(paths) = &self.0 else { return Some(Parts(None)) };
        let mut rest = Vec::new();
        for path in paths {
            match path.as_slice() {
                [] => return Some(Parts(None)),
                [first, tail @ ..] if first == name => rest.push(tail.to_vec()),
                _ => {}
            }
        }
        if rest.iter().any(Vec::is_empty) {
            return Some(Parts(None));
        }
        (!rest.is_empty()).then_some(Parts(Some(rest)))
    }
}

impl Column {
    /// An empty column; the type at fault when JSON has nothing for it.
    fn new(data_type: &DataType, parts: &Parts) -> Result<Self, DataType> {
        let values = match data_type {
            DataType::Boolean => Values::Boolean(Vec::new()),
            DataType::Int32 => Values::Int32(Vec::new()),
            DataType::Int64 => Values::Int64(Vec::new()),
            DataType::Float32 => Values::Float32(Vec::new()),
            DataType::Float64 => Values::Float64(Vec::new()),
            DataType::Date32 => Values::Date32(Vec::new()),
            DataType::Time32(TimeUnit::Millisecond) => Values::Time32(Vec::new()),
            DataType::Time64(TimeUnit::Microsecond) => Values::Time64(Vec::new()),
            DataType::Timestamp(unit, zone) if *unit != TimeUnit::Second => {
                Values::Timestamp(*unit, zone.clone(), Vec::new())
            }
            DataType::Decimal128(precision, scale) if *scale >= 0 => Values::Decimal(*precision, *scale, Vec::new()),
            DataType::Utf8 => Values::Utf8(Var::new()),
            DataType::Binary => Values::Binary(Var::new()),
            DataType::Struct(fields) => {
                let used = |index: usize| parts.below(fields.get(index)?.name());
                let record = Record::new(fields, used).map_err(|_| data_type.clone())?;
                Values::Struct(record)
            }
            DataType::List(item) => {
                let inner = Column::new(item.data_type(), &Parts::default())?;
                Values::List(Arc::clone(item), vec![0], Box::new(inner))
            }
            DataType::Map(entries, false) => match entries.data_type() {
                DataType::Struct(pair) => match pair.as_ref() {
                    [key, value] if *key.data_type() == DataType::Utf8 => {
                        let inner = Column::new(value.data_type(), &Parts::default())?;
                        Values::Map(Arc::clone(entries), vec![0], Var::new(), Box::new(inner))
                    }
                    _ => return Err(data_type.clone()),
                },
                _ => return Err(data_type.clone()),
            },
            other => return Err(other.clone()),
        };
        Ok(Column { valid: Vec::new(), values })
    }

    #[inline]
    fn len(&self) -> usize {
        self.valid.len()
    }

    fn reserve(&mut self, rows: usize) {
        self.valid.reserve(rows);
        match &mut self.values {
            Values::Boolean(v) => v.reserve(rows),
            Values::Int32(v) | Values::Date32(v) | Values::Time32(v) => v.reserve(rows),
            Values::Int64(v) | Values::Time64(v) | Values::Timestamp(_, _, v) => v.reserve(rows),
            Values::Float32(v) => v.reserve(rows),
            Values::Float64(v) => v.reserve(rows),
            Values::Decimal(_, _, v) => v.reserve(rows),
            Values::Utf8(v) | Values::Binary(v) => v.reserve(rows),
            Values::Struct(record) => record.reserve(rows),
            Values::List(_, offsets, _) | Values::Map(_, offsets, _, _) => offsets.reserve(rows),
        }
    }

    fn push_null(&mut self) {
        self.valid.push(false);
        match &mut self.values {
            Values::Boolean(v) => v.push(false),
            Values::Int32(v) | Values::Date32(v) | Values::Time32(v) => v.push(0),
            Values::Int64(v) | Values::Time64(v) | Values::Timestamp(_, _, v) => v.push(0),
            Values::Float32(v) => v.push(0.0),
            Values::Float64(v) => v.push(0.0),
            Values::Decimal(_, _, v) => v.push(0),
            Values::Utf8(v) | Values::Binary(v) => v.push_empty(),
            Values::Struct(record) => record.fill(self.valid.len()),
            Values::List(_, offsets, _) | Values::Map(_, offsets, _, _) => {
                offsets.push(offsets.last().copied().unwrap_or_default());
            }
        }
    }

    /// Forgets everything after the first `rows` rows, also what a failed value left behind.
    fn truncate(&mut self, rows: usize) {
        self.valid.truncate(rows);
        match &mut self.values {
            Values::Boolean(v) => v.truncate(rows),
            Values::Int32(v) | Values::Date32(v) | Values::Time32(v) => v.truncate(rows),
            Values::Int64(v) | Values::Time64(v) | Values::Timestamp(_, _, v) => v.truncate(rows),
            Values::Float32(v) => v.truncate(rows),
            Values::Float64(v) => v.truncate(rows),
            Values::Decimal(_, _, v) => v.truncate(rows),
            Values::Utf8(v) | Values::Binary(v) => v.truncate(rows),
            Values::Struct(record) => record.truncate(rows),
            Values::List(_, offsets, inner) => {
                offsets.truncate(rows + 1);
                inner.truncate(last(offsets));
            }
            Values::Map(_, offsets, keys, inner) => {
                offsets.truncate(rows + 1);
                keys.truncate(last(offsets));
                inner.truncate(last(offsets));
            }
        }
    }

    /// Appends the value that comes next.
    fn read(&mut self, parser: &mut Parser<'_>) -> Result<(), Fault> {
        let kind = parser.kind()?;
        if kind == Kind::Null {
            parser.null()?;
            self.push_null();
            return Ok(());
        }
        let row = self.valid.len();
        match &mut self.values {
            Values::Utf8(v) => match kind {
                Kind::Text => v.push(parser.text()?.as_bytes())?,
                _ => v.push(parser.skip()?.as_bytes())?,
            },
            Values::Int64(v) => v.push(whole(parser, kind, "BIGINT")?),
            Values::Int32(v) => {
                let value = whole(parser, kind, "INT")?;
                v.push(i32::try_from(value).map_err(|_| fault("the number is out of range for INT"))?);
            }
            Values::Float64(v) => v.push(float(parser, kind, "DOUBLE")?),
            #[expect(clippy::cast_possible_truncation, reason = "a REAL column rounds to what it can hold")]
            Values::Float32(v) => v.push(float(parser, kind, "REAL")? as f32),
            Values::Boolean(v) => match kind {
                Kind::Bool => v.push(parser.boolean()?),
                other => return Err(unexpected("BOOLEAN", other)),
            },
            Values::Timestamp(unit, _, v) => v.push(match kind {
                Kind::Text => scalar::timestamp(&parser.text()?, *unit)
                    .ok_or_else(|| fault("the text is no timestamp that the column can hold"))?,
                _ => whole(parser, kind, "TIMESTAMP")?,
            }),
            Values::Decimal(precision, scale, v) => {
                let value = scalar::decimal(&digits(parser, kind, "DECIMAL")?, *precision, *scale);
                v.push(value.ok_or_else(|| fault(format!("the number does not fit DECIMAL({precision}, {scale})")))?);
            }
            Values::Date32(v) => v.push(match kind {
                Kind::Text => scalar::date(&parser.text()?).ok_or_else(|| fault("the text is no date"))?,
                _ => i32::try_from(whole(parser, kind, "DATE")?).map_err(|_| fault("the date is out of range"))?,
            }),
            Values::Time32(v) => {
                let micros = time(parser, kind, 1_000)?;
                v.push(i32::try_from(micros / 1_000).map_err(|_| fault("the time is out of range"))?);
            }
            Values::Time64(v) => v.push(time(parser, kind, 1)?),
            Values::Binary(v) => match kind {
                Kind::Text => {
                    let bytes = scalar::from_base64(&parser.text()?);
                    v.push(&bytes.ok_or_else(|| fault("the text is not base64"))?)?;
                }
                other => return Err(unexpected("base64 text", other)),
            },
            Values::Struct(record) => match kind {
                Kind::Object => record.read(parser, row)?,
                other => return Err(unexpected("an object", other)),
            },
            Values::List(_, offsets, inner) => {
                list(parser, kind, inner)?;
                offsets.push(offset(inner.len())?);
            }
            Values::Map(_, offsets, keys, inner) => {
                map(parser, kind, keys, inner)?;
                offsets.push(offset(inner.len())?);
            }
        }
        self.valid.push(true);
        Ok(())
    }

    /// The array of everything so far, of type `data_type`; the column starts again with no rows.
    fn take(&mut self, data_type: &DataType) -> Result<ArrayRef> {
        fn plain<T: ArrowPrimitiveType>(values: &mut Vec<T::Native>, nulls: Option<NullBuffer>) -> PrimitiveArray<T> {
            PrimitiveArray::new(ScalarBuffer::from(std::mem::take(values)), nulls)
        }
        let len = self.valid.len();
        let all = !self.valid.contains(&false);
        let valid = std::mem::take(&mut self.valid);
        let nulls = (!all).then(|| NullBuffer::from(valid));
        let defect = |e: arrow::error::ArrowError| Error::internal(format!("JSON columns do not fit: {e}"));
        Ok(match &mut self.values {
            Values::Boolean(v) => Arc::new(BooleanArray::new(BooleanBuffer::from(std::mem::take(v)), nulls)),
            Values::Int32(v) => Arc::new(plain::<Int32Type>(v, nulls)),
            Values::Int64(v) => Arc::new(plain::<Int64Type>(v, nulls)),
            Values::Float32(v) => Arc::new(plain::<Float32Type>(v, nulls)),
            Values::Float64(v) => Arc::new(plain::<Float64Type>(v, nulls)),
            Values::Date32(v) => Arc::new(plain::<Date32Type>(v, nulls)),
            Values::Time32(v) => Arc::new(plain::<Time32MillisecondType>(v, nulls)),
            Values::Time64(v) => Arc::new(plain::<Time64MicrosecondType>(v, nulls)),
            Values::Timestamp(unit, zone, v) => match unit {
                TimeUnit::Microsecond => {
                    Arc::new(plain::<TimestampMicrosecondType>(v, nulls).with_timezone_opt(zone.clone()))
                }
                TimeUnit::Nanosecond => {
                    Arc::new(plain::<TimestampNanosecondType>(v, nulls).with_timezone_opt(zone.clone()))
                }
                TimeUnit::Millisecond | TimeUnit::Second => {
                    Arc::new(plain::<TimestampMillisecondType>(v, nulls).with_timezone_opt(zone.clone()))
                }
            },
            Values::Decimal(precision, scale, v) => {
                let array = Decimal128Array::new(ScalarBuffer::from(std::mem::take(v)), nulls);
                Arc::new(array.with_precision_and_scale(*precision, *scale).map_err(defect)?)
            }
            Values::Utf8(v) => {
                let (offsets, bytes) = v.take();
                Arc::new(StringArray::try_new(offsets, bytes, nulls).map_err(defect)?)
            }
            Values::Binary(v) => {
                let (offsets, bytes) = v.take();
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls).map_err(defect)?)
            }
            Values::Struct(record) => {
                let fields = record.fields.clone();
                let mut children = Vec::with_capacity(fields.len());
                for (index, field) in fields.iter().enumerate() {
                    let null = || Ok(arrow::array::new_null_array(field.data_type(), len));
                    children.push(record.take(index).unwrap_or_else(null)?);
                }
                Arc::new(StructArray::try_new_with_length(fields, children, nulls, len).map_err(defect)?)
            }
            Values::List(item, offsets, inner) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, vec![0])));
                let values = inner.take(item.data_type())?;
                Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls).map_err(defect)?)
            }
            Values::Map(entries, offsets, keys, inner) => {
                let DataType::Struct(pair) = entries.data_type() else {
                    return Err(Error::internal(format!("{data_type} is no map")));
                };
                let value = pair.last().map_or(&DataType::Utf8, |f| f.data_type());
                let (key_offsets, bytes) = keys.take();
                let keys = StringArray::try_new(key_offsets, bytes, None).map_err(defect)?;
                let content = StructArray::try_new(pair.clone(), vec![Arc::new(keys), inner.take(value)?], None);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, vec![0])));
                let map = MapArray::try_new(Arc::clone(entries), offsets, content.map_err(defect)?, nulls, false);
                Arc::new(map.map_err(defect)?)
            }
        })
    }
}

/// Appends the items of an array.
fn list(parser: &mut Parser<'_>, kind: Kind, items: &mut Column) -> Result<(), Fault> {
    if kind != Kind::Array {
        return Err(unexpected("an array", kind));
    }
    let mut more = parser.open(b']')?;
    while more {
        items.read(parser)?;
        more = parser.next(b']')?;
    }
    Ok(())
}

/// Appends the entries of an object whose names are data.
fn map(parser: &mut Parser<'_>, kind: Kind, keys: &mut Var, values: &mut Column) -> Result<(), Fault> {
    if kind != Kind::Object {
        return Err(unexpected("an object", kind));
    }
    let mut more = parser.open(b'}')?;
    while more {
        let key = parser.key()?;
        keys.push(key.as_bytes())?;
        values.read(parser).map_err(|fault| fault.inside(&key))?;
        more = parser.next(b'}')?;
    }
    Ok(())
}

fn offset(length: usize) -> Result<i32, Fault> {
    i32::try_from(length).map_err(|_| fault("the batch holds too many items of one column"))
}

/// The text of a number, or text that should hold one.
#[inline]
fn digits<'a>(parser: &mut Parser<'a>, kind: Kind, wanted: &str) -> Result<Cow<'a, str>, Fault> {
    match kind {
        Kind::Number => Ok(Cow::Borrowed(parser.number()?.0)),
        Kind::Text => Ok(parser.text()?),
        other => Err(unexpected(wanted, other)),
    }
}

#[inline]
fn whole(parser: &mut Parser<'_>, kind: Kind, wanted: &str) -> Result<i64, Fault> {
    if let Some(value) = parser.usual_whole() {
        return Ok(value);
    }
    let text = digits(parser, kind, wanted)?;
    match text.parse() {
        Ok(value) => Ok(value),
        Err(_) => scalar::whole(&text).map_err(|problem| fault(format!("{problem} for {wanted}"))),
    }
}

#[inline]
fn float(parser: &mut Parser<'_>, kind: Kind, wanted: &str) -> Result<f64, Fault> {
    if let Some(value) = parser.usual_float() {
        return Ok(value);
    }
    let text = digits(parser, kind, wanted)?;
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() || kind == Kind::Text => Ok(value),
        Ok(_) => Err(fault(format!("the number is out of range for {wanted}"))),
        Err(_) => Err(fault(format!("the text is no number for {wanted}"))),
    }
}

/// Microseconds since midnight; a number counts in units of `unit_micros`.
fn time(parser: &mut Parser<'_>, kind: Kind, unit_micros: i64) -> Result<i64, Fault> {
    let micros = match kind {
        Kind::Text => scalar::time_micros(&parser.text()?),
        _ => whole(parser, kind, "TIME")?.checked_mul(unit_micros),
    };
    micros.filter(|m| (0..86_400_000_000).contains(m)).ok_or_else(|| fault("the value is no time of day"))
}
