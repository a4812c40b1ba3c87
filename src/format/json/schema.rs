//! JSON Schema to columns. Knows the keywords that decide a type and ignores all that only validate.
//!
//! `object` with `properties` is a struct, with `additionalProperties` alone a map; `array` a list; `integer` a `BIGINT`
//! (`INT` when `connect.type` says `int32`); `number` a `DOUBLE`; `boolean` and `string` are themselves. A type list or
//! `oneOf`/`anyOf` of one type and `null` is that type. Whatever has no one type is text that shows the JSON.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::registry::RegisteredSchema;

/// Nesting beyond this, which is also where a schema that refers to itself ends, is text.
const MAX_DEPTH: usize = 12;
const MAX_FIELDS: usize = 5_000;

/// The columns of a registered JSON Schema; one column `value` when its root is no object with properties.
///
/// # Errors
/// The text is not JSON, or has too many fields.
pub(super) fn fields(schema: &RegisteredSchema) -> Result<Fields> {
    let root: Value = serde_json::from_str(&schema.text)
        .map_err(|e| Error::data(format!("schema {} is not JSON: {e}", schema.id)).with_source(e))?;
    let mut reader = Reader { root: &root, fields: 0 };
    let data_type = reader.data_type(&root, 0);
    if reader.fields > MAX_FIELDS {
        return Err(Error::data(format!("schema {} has more than {MAX_FIELDS} fields", schema.id)));
    }
    Ok(match data_type {
        DataType::Struct(fields) => fields,
        other => vec![Field::new("value", other, true)].into(),
    })
}

struct Reader<'a> {
    root: &'a Value,
    fields: usize,
}

impl<'a> Reader<'a> {
    fn data_type(&mut self, schema: &'a Value, depth: usize) -> DataType {
        if depth > MAX_DEPTH || self.fields > MAX_FIELDS {
            return DataType::Utf8;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let found = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return found.map_or(DataType::Utf8, |target| self.data_type(target, depth + 1));
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(options) = schema.get(key).and_then(Value::as_array) {
                let mut real = options.iter().filter(|o| o.get("type").and_then(Value::as_str) != Some("null"));
                return match (real.next(), real.next()) {
                    (Some(only), None) => self.data_type(only, depth + 1),
                    _ => DataType::Utf8,
                };
            }
        }
        let kinds: Vec<&str> = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).filter(|k| *k != "null").collect(),
            _ if schema.get("properties").is_some() => vec!["object"],
            _ => Vec::new(),
        };
        match kinds.as_slice() {
            ["integer", "number"] | ["number", "integer"] => DataType::Float64,
            [kind] => self.one(kind, schema, depth),
            _ => DataType::Utf8,
        }
    }

    fn one(&mut self, kind: &str, schema: &'a Value, depth: usize) -> DataType {
        match kind {
            "integer" => match schema.get("connect.type").and_then(Value::as_str) {
                Some("int8" | "int16" | "int32") => DataType::Int32,
                _ => DataType::Int64,
            },
            "number" => DataType::Float64,
            "boolean" => DataType::Boolean,
            "array" => match schema.get("items") {
                Some(items @ Value::Object(_)) => {
                    let item = self.data_type(items, depth + 1);
                    DataType::List(Arc::new(Field::new("item", item, true)))
                }
                _ => DataType::Utf8,
            },
            "object" => self.object(schema, depth),
            _ => DataType::Utf8,
        }
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> DataType {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|p| !p.is_empty()) {
            let mut fields = Vec::with_capacity(properties.len());
            for (name, schema) in properties {
                self.fields += 1;
                fields.push(Field::new(name, self.data_type(schema, depth + 1), true));
            }
            return DataType::Struct(fields.into());
        }
        match schema.get("additionalProperties") {
            Some(values @ Value::Object(_)) => {
                let value = self.data_type(values, depth + 1);
                let pair = vec![Field::new("key", DataType::Utf8, false), Field::new("value", value, true)];
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair.into()), false)), false)
            }
            _ => DataType::Utf8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::SchemaType;

    fn of(text: &str) -> Fields {
        let schema =
            RegisteredSchema { id: 1, schema_type: SchemaType::Json, text: text.into(), references: Vec::new() };
        fields(&schema).unwrap()
    }

    #[test]
    fn properties_are_columns() {
        let got = of(r##"{"type":"object","properties":{
                "id":{"type":"integer"},"small":{"type":"integer","connect.type":"int32"},"x":{"type":["null","number"]},
                "tags":{"type":"array","items":{"type":"string"}},"home":{"$ref":"#/definitions/a"},
                "m":{"type":"object","additionalProperties":{"type":"boolean"}},"any":{}, 
                "o":{"oneOf":[{"type":"null"},{"type":"boolean"}]}},
              "definitions":{"a":{"type":"object","properties":{"zip":{"type":"string"},"next":{"$ref":"#/definitions/a"}}}}}"##);
        let names: Vec<&str> = got.iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, ["id", "small", "x", "tags", "home", "m", "any", "o"]);
        assert_eq!(got[0].data_type(), &DataType::Int64);
        assert_eq!(got[1].data_type(), &DataType::Int32);
        assert_eq!(got[2].data_type(), &DataType::Float64);
        assert!(matches!(got[4].data_type(), DataType::Struct(f) if f.len() == 2));
        assert!(matches!(got[5].data_type(), DataType::Map(_, _)));
        assert_eq!(got[6].data_type(), &DataType::Utf8);
        assert_eq!(got[7].data_type(), &DataType::Boolean);
        assert_eq!(of(r#"{"type":"string"}"#)[0].name(), "value");
    }
}
