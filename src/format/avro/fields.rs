//! Avro types to Arrow types and back. Knows schemas, never bytes.
//!
//! | Avro | Arrow | back |
//! |---|---|---|
//! | `null`, empty record | `Utf8`, always null | |
//! | `boolean`, `int`, `long`, `float`, `double` | `Boolean`, `Int32`, `Int64`, `Float32`, `Float64` | the same |
//! | `string` (also `uuid`), `enum` | `Utf8` | `string` |
//! | `bytes`, `fixed(n)` | `Binary`, `FixedSizeBinary(n)` | `bytes`, `fixed` |
//! | `fixed` `uuid`, `duration` | `Utf8`, `Interval(MonthDayNano)` | `string`, `fixed(12)` |
//! | `decimal(p, s)` up to 38 / 76 digits | `Decimal128(p, s)` / `Decimal256(p, s)` | `bytes` `decimal` |
//! | `date`, `time-millis`, `time-micros` | `Date32`, `Time32(ms)`, `Time64(us)` | the same |
//! | `timestamp-millis`, `-micros`, `-nanos` | `Timestamp(unit, "+00:00")` | the same |
//! | `local-timestamp-…` | `Timestamp(unit, None)` | the same |
//! | `array`, `map` | `List`, `Map` with `Utf8` keys | the same |
//! | `record` | `Struct` | `record` |
//! | union of `null` and one type | that type | `["null", type]` |
//! | union of several types | `Struct` with one nullable field per branch, named after it | |

use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, FieldRef, Fields, IntervalUnit, TimeUnit};
use serde_json::{Map, Value, json};

use super::schema::{Decimal, FixedLogical, IntLogical, LongLogical, Node, Record, Unit};
use crate::error::{Error, Result};

/// The zone of timestamps that are instants.
pub(super) const UTC: &str = "+00:00";

/// The columns of a record.
pub(super) fn of_record(record: &Record) -> Fields {
    record.fields.iter().map(|f| ArrowField::new(&f.name, of_node(&f.node), true)).collect()
}

/// The Arrow type a type is read as.
pub(super) fn of_node(node: &Node) -> DataType {
    match node {
        Node::Null | Node::String | Node::Enum(_) => DataType::Utf8,
        Node::Boolean => DataType::Boolean,
        Node::Int(None) => DataType::Int32,
        Node::Int(Some(IntLogical::Date)) => DataType::Date32,
        Node::Int(Some(IntLogical::TimeMillis)) => DataType::Time32(TimeUnit::Millisecond),
        Node::Long(None) => DataType::Int64,
        Node::Long(Some(LongLogical::TimeMicros)) => DataType::Time64(TimeUnit::Microsecond),
        Node::Long(Some(LongLogical::Timestamp { unit, utc })) => {
            DataType::Timestamp(unit.arrow(), utc.then(|| UTC.into()))
        }
        Node::Float => DataType::Float32,
        Node::Double => DataType::Float64,
        Node::Bytes(None) => DataType::Binary,
        Node::Bytes(Some(decimal)) => decimal.arrow(),
        Node::Fixed(fixed) => match fixed.logical {
            None => DataType::FixedSizeBinary(fixed.size),
            Some(FixedLogical::Uuid) => DataType::Utf8,
            Some(FixedLogical::Duration) => DataType::Interval(IntervalUnit::MonthDayNano),
            Some(FixedLogical::Decimal(decimal)) => decimal.arrow(),
        },
        Node::Array(items) => DataType::List(item(of_node(items))),
        Node::Map(values) => DataType::Map(entries(of_node(values)), false),
        Node::Record(record) if record.fields.is_empty() => DataType::Utf8,
        Node::Record(record) => DataType::Struct(of_record(record)),
        Node::Union(_) => match node.branches().0.as_slice() {
            [] => DataType::Utf8,
            [only] => of_node(only),
            several => DataType::Struct(of_branches(several)),
        },
    }
}

/// One nullable field per branch of a union.
fn of_branches(branches: &[&Node]) -> Fields {
    let mut fields: Vec<ArrowField> = Vec::with_capacity(branches.len());
    for (index, branch) in branches.iter().enumerate() {
        let mut name = branch.label().to_string();
        if fields.iter().any(|f| *f.name() == name) {
            name = format!("{name}_{index}");
        }
        fields.push(ArrowField::new(name, of_node(branch), true));
    }
    fields.into()
}

/// The field inside a list.
pub(super) fn item(data_type: DataType) -> FieldRef {
    Arc::new(ArrowField::new("item", data_type, true))
}

/// The field inside a map.
pub(super) fn entries(value: DataType) -> FieldRef {
    let fields = vec![ArrowField::new("key", DataType::Utf8, false), ArrowField::new("value", value, true)];
    Arc::new(ArrowField::new("entries", DataType::Struct(fields.into()), false))
}

impl Unit {
    pub(super) fn arrow(self) -> TimeUnit {
        match self {
            Unit::Millis => TimeUnit::Millisecond,
            Unit::Micros => TimeUnit::Microsecond,
            Unit::Nanos => TimeUnit::Nanosecond,
        }
    }
}

impl Decimal {
    pub(super) fn arrow(self) -> DataType {
        // A scale is at most 76, so it fits.
        let scale = i8::try_from(self.scale).unwrap_or(i8::MAX);
        if self.precision <= 38 {
            DataType::Decimal128(self.precision, scale)
        } else {
            DataType::Decimal256(self.precision, scale)
        }
    }
}

/// Schema text for declared columns: a record whose fields are all `["null", type]` with default null.
///
/// # Errors
/// [`crate::error::Kind::Sql`] for a column type that Avro cannot hold or a name that is not an Avro name.
pub(super) fn schema_text(record_name: &str, fields: &Fields) -> Result<String> {
    let mut namer = Namer { taken: vec![record_name.to_string()] };
    let record = record(record_name, fields, "", &mut namer)?;
    Ok(record.to_string())
}

struct Namer {
    taken: Vec<String>,
}

impl Namer {
    /// A type name made from the path of a field, not used before.
    fn fresh(&mut self, path: &str) -> String {
        let base: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let mut name = base.clone();
        let mut number = 2;
        while self.taken.contains(&name) {
            name = format!("{base}_{number}");
            number += 1;
        }
        self.taken.push(name.clone());
        name
    }
}

fn record(name: &str, fields: &Fields, path: &str, namer: &mut Namer) -> Result<Value> {
    let mut list = Vec::with_capacity(fields.len());
    for field in fields {
        let path = if path.is_empty() { field.name().clone() } else { format!("{path}.{}", field.name()) };
        if !is_name(field.name()) {
            return Err(Error::sql(format!("column {path} has a name that Avro does not allow"))
                .with_detail("Avro names are letters, digits and underscores, not starting with a digit")
                .with_hint("rename the column with AS"));
        }
        let mut object = Map::new();
        object.insert("name".into(), Value::from(field.name().as_str()));
        object.insert("type".into(), json!(["null", type_of(field.data_type(), &path, namer)?]));
        object.insert("default".into(), Value::Null);
        list.push(Value::Object(object));
    }
    Ok(json!({"type": "record", "name": name, "fields": list}))
}

/// Whether Avro allows the name.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn type_of(data_type: &DataType, path: &str, namer: &mut Namer) -> Result<Value> {
    let logical = |base: &str, name: &str| json!({"type": base, "logicalType": name});
    Ok(match data_type {
        DataType::Boolean => json!("boolean"),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => json!("int"),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => json!("long"),
        DataType::Float16 | DataType::Float32 => json!("float"),
        DataType::Float64 => json!("double"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => json!("string"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => json!("bytes"),
        DataType::Dictionary(_, value) => type_of(value, path, namer)?,
        DataType::FixedSizeBinary(size) => json!({"type": "fixed", "name": namer.fresh(path), "size": size}),
        DataType::Date32 | DataType::Date64 => logical("int", "date"),
        DataType::Time32(_) => logical("int", "time-millis"),
        DataType::Time64(_) => logical("long", "time-micros"),
        DataType::Timestamp(unit, zone) => {
            let unit = match unit {
                TimeUnit::Second | TimeUnit::Millisecond => "millis",
                TimeUnit::Microsecond => "micros",
                TimeUnit::Nanosecond => "nanos",
            };
            let local = if zone.is_some() { "" } else { "local-" };
            logical("long", &format!("{local}timestamp-{unit}"))
        }
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) if *scale >= 0 => {
            json!({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale})
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            json!({"type": "fixed", "name": namer.fresh(path), "size": 12, "logicalType": "duration"})
        }
        DataType::List(item) | DataType::LargeList(item) => {
            json!({"type": "array", "items": ["null", type_of(item.data_type(), &format!("{path}.item"), namer)?]})
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                let value = pair.get(1).map(|f| f.data_type().clone()).unwrap_or(DataType::Null);
                json!({"type": "map", "values": ["null", type_of(&value, &format!("{path}.value"), namer)?]})
            }
            _ => return Err(unsupported(data_type, path)),
        },
        DataType::Struct(fields) if !fields.is_empty() => {
            let name = namer.fresh(path);
            record(&name, fields, path, namer)?
        }
        other => return Err(unsupported(other, path)),
    })
}

fn unsupported(data_type: &DataType, path: &str) -> Error {
    Error::sql(format!("column {path} of type {data_type} cannot be written as Avro"))
        .with_hint("CAST it to a type that Avro has, or choose another value_format")
}
