//! Columns from a sample of records that nobody described. Knows bytes and JSON; never topics.
//!
//! Whole numbers that somewhere have a fraction are `DOUBLE`; numbers too large for `BIGINT`, values of several kinds,
//! objects with very many names and everything that is nested very deeply are text, which shows non-text values as their
//! JSON. Text that looks like a time stays text. What was always null is text. Names keep the order they were first seen in.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use serde_json::Value;

use crate::registry::{SchemaId, wire};

/// An object below the root with more names than this is taken for a map with changing keys, and is text.
const MAX_NAMES: usize = 200;
/// At most this many columns are found.
const MAX_COLUMNS: usize = 1_000;
/// What lies deeper is text.
const MAX_DEPTH: usize = 12;
/// Conflicts that are reported by path.
const MAX_CONFLICTS: usize = 20;

/// What a sample looks like.
#[derive(Debug, Clone, PartialEq)]
pub enum Inference {
    /// JSON objects.
    Json {
        /// Their columns, every field nullable at every level; empty when all objects were empty.
        fields: Fields,
        /// How many of the sampled records were JSON objects.
        sampled: usize,
        /// Dotted paths of values that were of several kinds, and are text therefore.
        conflicts: Vec<String>,
    },
    /// Records framed with a schema id, as Avro and Protobuf serialisers write them.
    Framed {
        /// The id that occurs most often.
        id: SchemaId,
    },
    /// Text of no known form.
    Text,
    /// Other bytes, or nothing at all.
    Binary,
}

/// Says what `values` look like: what most of them are. Null and empty records should be left out by the caller; empty ones
/// count as text.
pub fn infer(values: &[&[u8]]) -> Inference {
    let mut root = Object::default();
    let mut conflicts = Conflicts::default();
    let (mut objects, mut texts, mut others) = (0, 0, 0);
    let mut ids: HashMap<SchemaId, usize> = HashMap::new();
    for value in values {
        let framed = wire::split(value);
        let document = framed.map_or(*value, |(_, document)| document);
        if let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(document) {
            objects += 1;
            for (name, value) in &object {
                root.see(name, value, MAX_COLUMNS, 0, "", &mut conflicts);
            }
        } else if let Some((id, _)) = framed {
            *ids.entry(id).or_default() += 1;
        } else if is_text(value) {
            texts += 1;
        } else {
            others += 1;
        }
    }
    let framed: usize = ids.values().sum();
    let most = objects.max(framed).max(texts).max(others);
    if most == 0 {
        return Inference::Binary;
    }
    if objects == most {
        return Inference::Json { fields: root.fields(), sampled: objects, conflicts: conflicts.paths };
    }
    let commonest = ids.into_iter().max_by_key(|(id, count)| (*count, -id));
    match commonest {
        Some((id, _)) if framed == most => Inference::Framed { id },
        _ if texts == most => Inference::Text,
        _ => Inference::Binary,
    }
}

fn is_text(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| !text.chars().any(|c| c.is_control() && !c.is_whitespace()))
}

#[derive(Debug, Default)]
struct Conflicts {
    paths: Vec<String>,
}

impl Conflicts {
    fn add(&mut self, path: &str) {
        if self.paths.len() < MAX_CONFLICTS && !self.paths.iter().any(|p| p == path) {
            self.paths.push(path.to_string());
        }
    }
}

/// What a value has been so far.
#[derive(Debug)]
enum Shape {
    Null,
    Boolean,
    Whole,
    Number,
    Text,
    Array(Box<Shape>),
    Object(Object),
    /// Several kinds, or too much.
    Anything,
}

/// Names in the order they were first seen.
#[derive(Debug, Default)]
struct Object {
    names: HashMap<String, usize>,
    shapes: Vec<(String, Shape)>,
    full: bool,
}

impl Object {
    fn see(&mut self, name: &str, value: &Value, limit: usize, depth: usize, above: &str, conflicts: &mut Conflicts) {
        let index = match self.names.get(name) {
            Some(index) => *index,
            None if self.shapes.len() >= limit => {
                self.full = true;
                return;
            }
            None => {
                self.names.insert(name.to_string(), self.shapes.len());
                self.shapes.push((name.to_string(), Shape::Null));
                self.shapes.len() - 1
            }
        };
        if let Some((_, shape)) = self.shapes.get_mut(index) {
            let path = if above.is_empty() { name.to_string() } else { format!("{above}.{name}") };
            shape.see(value, depth + 1, &path, conflicts);
        }
    }

    fn fields(&self) -> Fields {
        self.shapes.iter().map(|(name, shape)| Field::new(name, shape.data_type(), true)).collect()
    }
}

impl Shape {
    fn see(&mut self, value: &Value, depth: usize, path: &str, conflicts: &mut Conflicts) {
        if value.is_null() || matches!(self, Shape::Anything) {
            return;
        }
        if depth > MAX_DEPTH {
            *self = Shape::Anything;
            return;
        }
        if matches!(self, Shape::Null) {
            *self = match value {
                Value::Array(_) => Shape::Array(Box::new(Shape::Null)),
                Value::Object(_) => Shape::Object(Object::default()),
                other => Self::of_scalar(other),
            };
        }
        match (&mut *self, value) {
            (Shape::Array(inner), Value::Array(items)) => {
                items.iter().for_each(|item| inner.see(item, depth + 1, path, conflicts));
            }
            (Shape::Object(object), Value::Object(entries)) => {
                for (name, value) in entries {
                    object.see(name, value, MAX_NAMES, depth, path, conflicts);
                }
                if object.full {
                    *self = Shape::Anything;
                }
            }
            (Shape::Number, Value::Number(n)) if n.is_f64() || n.is_i64() => {}
            (Shape::Whole, Value::Number(n)) if n.is_f64() => *self = Shape::Number,
            (Shape::Whole, Value::Number(n)) if n.is_i64() => {}
            (Shape::Text, Value::String(_)) | (Shape::Boolean, Value::Bool(_)) | (Shape::Anything, _) => {}
            _ => {
                conflicts.add(path);
                *self = Shape::Anything;
            }
        }
    }

    fn of_scalar(value: &Value) -> Self {
        match value {
            Value::Bool(_) => Shape::Boolean,
            Value::Number(n) if n.is_i64() => Shape::Whole,
            Value::Number(n) if n.is_f64() => Shape::Number,
            Value::String(_) => Shape::Text,
            _ => Shape::Anything,
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Shape::Boolean => DataType::Boolean,
            Shape::Whole => DataType::Int64,
            Shape::Number => DataType::Float64,
            Shape::Null | Shape::Text | Shape::Anything => DataType::Utf8,
            Shape::Array(inner) => DataType::List(Arc::new(Field::new("item", inner.data_type(), true))),
            Shape::Object(object) if object.shapes.is_empty() => DataType::Utf8,
            Shape::Object(object) => DataType::Struct(object.fields()),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, BinaryViewArray};
    use proptest::prelude::*;

    use super::*;
    use crate::format::{ColumnUse, DecodeSpec, Format, json::Json};

    fn of(values: &[&str]) -> Inference {
        infer(&values.iter().map(|v| v.as_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn kinds_widen_and_mix() {
        let records = [
            r#"{"id":1,"price":2,"tags":["a"],"at":"2024-05-01T00:00:00Z","who":{"name":"x","age":null},"odd":1,"big":18446744073709551615}"#,
            r#"{"id":2,"price":2.5,"tags":[],"none":null,"who":{"age":3},"odd":"x","empty":{}}"#,
        ];
        let Inference::Json { fields, sampled, conflicts } = of(&records) else { panic!() };
        let shown: Vec<String> = fields.iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
        let person = DataType::Struct(
            vec![Field::new("name", DataType::Utf8, true), Field::new("age", DataType::Int64, true)].into(),
        );
        assert_eq!(fields[2].data_type(), &DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))));
        assert_eq!(fields[4].data_type(), &person);
        let plain: Vec<&str> = shown.iter().map(String::as_str).filter(|s| !s.contains('(')).collect();
        assert_eq!(plain, ["id Int64", "price Float64", "at Utf8", "odd Utf8", "big Utf8", "none Utf8", "empty Utf8"]);
        assert_eq!((sampled, conflicts), (2, vec!["odd".to_string()]));
    }

    #[test]
    fn other_samples_have_their_names() {
        assert_eq!(of(&["hello", "world"]), Inference::Text);
        assert_eq!(of(&[]), Inference::Binary);
        assert_eq!(infer(&[&[0xFF, 1], &[0xFE]]), Inference::Binary);
        assert_eq!(
            infer(&[&[0, 0, 0, 0, 7, 2], &[0, 0, 0, 0, 7, 4], &[0, 0, 0, 0, 8, 4]]),
            Inference::Framed { id: 7 }
        );
        assert!(matches!(infer(&[b"\x00\x00\x00\x00\x07{\"a\":1}"]), Inference::Json { .. }));
    }

    #[test]
    fn maps_with_changing_keys_and_deep_nests_are_text() {
        let entries: Vec<String> = (0..5_000).map(|i| format!("\"k{i}\":{i}")).collect();
        let wide = format!("{{\"m\":{{{}}}}}", entries.join(","));
        let deep = format!("{{\"d\":{}1{}}}", "[".repeat(60), "]".repeat(60));
        let Inference::Json { fields, .. } = of(&[&wide, &deep]) else { panic!() };
        assert_eq!(fields[0].data_type(), &DataType::Utf8);
        assert_eq!(fields.len(), 2);
        let root = format!("{{{}}}", entries.join(","));
        let Inference::Json { fields, .. } = of(&[&root]) else { panic!() };
        assert_eq!(fields.len(), MAX_COLUMNS);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9f64).prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec(("[a-c]", inner), 0..3)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_sampled_record_can_be_read_with_what_was_inferred(
            records in prop::collection::vec(prop::collection::vec(("[a-c]", json()), 0..4), 1..6)
        ) {
            let texts: Vec<String> = records
                .into_iter()
                .map(|entries| Value::Object(entries.into_iter().collect()).to_string())
                .collect();
            let samples: Vec<&[u8]> = texts.iter().map(|t| t.as_bytes()).collect();
            let Inference::Json { fields, sampled, .. } = infer(&samples) else { panic!() };
            prop_assert_eq!(sampled, samples.len());
            let columns = (0..fields.len()).map(ColumnUse::whole).collect();
            let mut decoder = Json.decoder(DecodeSpec { fields, reader: None, columns }).unwrap();
            let values: BinaryViewArray = samples.iter().map(|s| Some(*s)).collect();
            let got = decoder.decode(&values).unwrap();
            prop_assert!(got.errors.is_empty(), "{:?}", got.errors);
            prop_assert!(got.columns.iter().all(|c| c.len() == samples.len()));
        }
    }
}
