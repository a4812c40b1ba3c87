//! SQL type names and Arrow types, both ways. Knows no tables and no formats.
//!
//! | SQL | Arrow |
//! |---|---|
//! | BOOLEAN | Boolean |
//! | INT, INTEGER | Int32 |
//! | BIGINT | Int64 |
//! | REAL, FLOAT | Float32 |
//! | DOUBLE | Float64 |
//! | DECIMAL(p, s) | Decimal128 up to 38 digits, Decimal256 up to 76 |
//! | VARCHAR, STRING, TEXT | Utf8 |
//! | BYTES, BYTEA, VARBINARY | Binary |
//! | DATE | Date32 |
//! | TIME | Time32(ms) |
//! | TIMESTAMP | Timestamp(ms, UTC) |
//! | `ARRAY<T>` | List |
//! | `MAP<K, V>`, `MAP(K, V)` | Map |
//! | `STRUCT<a T, …>` | Struct |

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use sqlparser::ast;

use crate::error::{Error, Result};

/// The Arrow type of timestamps: milliseconds, UTC.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into()))
}

/// The Arrow type that a SQL type names; nested fields are nullable.
///
/// # Errors
/// A type that topics cannot hold.
pub fn from_sql(sql: &ast::DataType) -> Result<DataType> {
    use ast::DataType as Sql;
    Ok(match sql {
        Sql::Boolean | Sql::Bool => DataType::Boolean,
        Sql::Int(_) | Sql::Integer(_) | Sql::Int4(_) => DataType::Int32,
        Sql::BigInt(_) | Sql::Int8(_) => DataType::Int64,
        Sql::Real | Sql::Float(_) | Sql::Float4 => DataType::Float32,
        Sql::Double(_) | Sql::DoublePrecision | Sql::Float8 => DataType::Float64,
        Sql::Varchar(_) | Sql::String(_) | Sql::Text | Sql::Char(_) | Sql::CharacterVarying(_) => DataType::Utf8,
        Sql::Bytes(_) | Sql::Bytea | Sql::Varbinary(_) | Sql::Binary(_) => DataType::Binary,
        Sql::Date => DataType::Date32,
        Sql::Time(..) => DataType::Time32(TimeUnit::Millisecond),
        Sql::Timestamp(..) | Sql::Datetime(_) => timestamp(),
        Sql::Decimal(info) | Sql::Numeric(info) | Sql::Dec(info) => decimal(info)?,
        Sql::Array(element) => DataType::List(list_item(element)?),
        Sql::Map(key, value) => map(from_sql(key)?, from_sql(value)?),
        Sql::Struct(fields, _) => DataType::Struct(struct_fields(fields)?),
        Sql::Custom(name, _) if name.to_string().eq_ignore_ascii_case("string") => DataType::Utf8,
        Sql::Custom(name, _) if name.to_string().eq_ignore_ascii_case("bytes") => DataType::Binary,
        other => {
            return Err(Error::sql(format!("a topic cannot hold the type {other}")).with_hint(
                "use BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL(p, s), VARCHAR, BYTES, DATE, TIME, TIMESTAMP, ARRAY<T>, MAP<K, V> or STRUCT<…>",
            ));
        }
    })
}

fn decimal(info: &ast::ExactNumberInfo) -> Result<DataType> {
    let (precision, scale) = match info {
        ast::ExactNumberInfo::None => (38, 10),
        ast::ExactNumberInfo::Precision(p) => (*p, 0),
        ast::ExactNumberInfo::PrecisionAndScale(p, s) => (*p, *s),
    };
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(p @ 1..=38), Ok(s)) if s >= 0 && scale <= i64::from(p) => Ok(DataType::Decimal128(p, s)),
        (Ok(p @ 39..=76), Ok(s)) if s >= 0 && scale <= i64::from(p) => Ok(DataType::Decimal256(p, s)),
        _ => Err(Error::sql(format!("DECIMAL({precision}, {scale}) is out of range"))
            .with_hint("precision 1 to 76, scale 0 to the precision")),
    }
}

fn list_item(element: &ast::ArrayElemTypeDef) -> Result<FieldRef> {
    match element {
        ast::ArrayElemTypeDef::AngleBracket(t)
        | ast::ArrayElemTypeDef::SquareBracket(t, _)
        | ast::ArrayElemTypeDef::Parenthesis(t) => Ok(Arc::new(Field::new("item", from_sql(t)?, true))),
        ast::ArrayElemTypeDef::None => {
            Err(Error::sql("ARRAY needs the type of its elements").with_hint("ARRAY<VARCHAR>"))
        }
    }
}

fn map(key: DataType, value: DataType) -> DataType {
    let entries = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

fn struct_fields(fields: &[ast::StructField]) -> Result<Fields> {
    fields
        .iter()
        .map(|f| {
            let name = f.field_name.as_ref().ok_or_else(|| Error::sql("a STRUCT field needs a name"))?;
            Ok(Field::new(&name.value, from_sql(&f.field_type)?, true))
        })
        .collect()
}

/// The SQL name of an Arrow type, as DESCRIBE and table headers show it.
pub fn to_sql(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".into(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => "INT".into(),
        DataType::Int64 | DataType::UInt32 => "BIGINT".into(),
        DataType::UInt64 => "UBIGINT".into(),
        DataType::Float16 | DataType::Float32 => "REAL".into(),
        DataType::Float64 => "DOUBLE".into(),
        DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => format!("DECIMAL({p}, {s})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "BYTES".into()
        }
        DataType::Date32 | DataType::Date64 => "DATE".into(),
        DataType::Time32(_) | DataType::Time64(_) => "TIME".into(),
        DataType::Timestamp(..) => "TIMESTAMP".into(),
        DataType::Interval(_) | DataType::Duration(_) => "INTERVAL".into(),
        DataType::Dictionary(_, value) => to_sql(value),
        DataType::List(f) | DataType::LargeList(f) | DataType::FixedSizeList(f, _) => {
            format!("ARRAY<{}>", to_sql(f.data_type()))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(kv) => {
                let parts: Vec<String> = kv.iter().map(|f| to_sql(f.data_type())).collect();
                format!("MAP<{}>", parts.join(", "))
            }
            _ => "MAP".into(),
        },
        DataType::Struct(fields) => {
            let parts: Vec<String> = fields.iter().map(|f| format!("{} {}", f.name(), to_sql(f.data_type()))).collect();
            format!("STRUCT<{}>", parts.join(", "))
        }
        DataType::Null => "NULL".into(),
        other => other.to_string(),
    }
}
