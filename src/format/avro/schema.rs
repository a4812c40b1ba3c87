//! Avro schema text as a tree in which every name is written out. Knows Avro's specification and nothing of Arrow.
//!
//! Logical types that are not valid (a decimal wider than its `fixed`, a precision above 76, a duration that is not 12
//! bytes long, …) are dropped, as the specification asks: the value is then read as its underlying type. A `string` with
//! logical type `uuid` stays a string.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::registry::RegisteredSchema;

/// Nesting and size that a schema may reach once its names are written out.
const MAX_DEPTH: usize = 48;
const MAX_NODES: usize = 20_000;
/// A `fixed` may not be larger: a null of it takes as much memory as a value.
const MAX_FIXED_BYTES: u64 = 1 << 20;
/// The widest decimal that Arrow has.
const MAX_PRECISION: u64 = 76;

/// A type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Boolean,
    Int(Option<IntLogical>),
    Long(Option<LongLogical>),
    Float,
    Double,
    Bytes(Option<Decimal>),
    String,
    Fixed(Box<Fixed>),
    Enum(Box<Enum>),
    Array(Box<Node>),
    Map(Box<Node>),
    Record(Box<Record>),
    Union(Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntLogical {
    Date,
    TimeMillis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LongLogical {
    TimeMicros,
    Timestamp { unit: Unit, utc: bool },
}

/// Unit of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) precision: u8,
    pub(super) scale: u8,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fixed {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) size: i32,
    pub(super) logical: Option<FixedLogical>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FixedLogical {
    Decimal(Decimal),
    Uuid,
    Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Enum {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) symbols: Vec<String>,
    pub(super) default: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) default: Option<Value>,
    pub(super) node: Node,
}

impl Node {
    /// The tree of a registered schema; a root that is not a record is wrapped in a record with one field `value`, which
    /// has the same bytes.
    ///
    /// # Errors
    /// [`crate::error::Kind::Data`] when the text is not an Avro schema, or one that cannot become columns.
    pub(super) fn parse(schema: &RegisteredSchema) -> Result<Record> {
        let referenced: Vec<(&str, &str)> =
            schema.references.iter().map(|r| (r.name.as_str(), r.text.as_str())).collect();
        parse_text(&schema.text, &referenced).map_err(|reason| {
            Error::data(format!("schema {} cannot be read as Avro: {reason}", schema.id))
                .with_hint("declare the side with format 'raw' to see the bytes as they are")
        })
    }

    /// The branches other than `null`, and whether `null` is one. A type that is no union is its own only branch.
    pub(super) fn branches(&self) -> (Vec<&Node>, bool) {
        match self {
            Node::Null => (Vec::new(), true),
            Node::Union(all) => {
                let others: Vec<&Node> = all.iter().filter(|n| **n != Node::Null).collect();
                let nullable = others.len() < all.len();
                (others, nullable)
            }
            other => (vec![other], false),
        }
    }

    /// Whether a value may take no bytes at all.
    pub(super) fn may_be_empty(&self) -> bool {
        match self {
            Node::Null => true,
            Node::Record(r) => r.fields.iter().all(|f| f.node.may_be_empty()),
            Node::Fixed(f) => f.size == 0,
            _ => false,
        }
    }

    /// The name Avro has for the type: `long`, `array`, or a named type's unqualified name.
    pub(super) fn label(&self) -> &str {
        match self {
            Node::Null => "null",
            Node::Boolean => "boolean",
            Node::Int(_) => "int",
            Node::Long(_) => "long",
            Node::Float => "float",
            Node::Double => "double",
            Node::Bytes(_) => "bytes",
            Node::String => "string",
            Node::Array(_) => "array",
            Node::Map(_) => "map",
            Node::Union(_) => "union",
            Node::Fixed(f) => unqualified(&f.name),
            Node::Enum(e) => unqualified(&e.name),
            Node::Record(r) => unqualified(&r.name),
        }
    }

    /// The schema as JSON. Named types are called `name0`, `name1`, … through `names`, so that no two are the same.
    pub(super) fn emit(&self, names: &mut Names) -> Value {
        match self {
            Node::Null | Node::Boolean | Node::Float | Node::Double | Node::String => Value::from(self.label()),
            Node::Int(None) | Node::Long(None) | Node::Bytes(None) => Value::from(self.label()),
            Node::Int(Some(IntLogical::Date)) => json!({"type": "int", "logicalType": "date"}),
            Node::Int(Some(IntLogical::TimeMillis)) => json!({"type": "int", "logicalType": "time-millis"}),
            Node::Long(Some(logical)) => json!({"type": "long", "logicalType": logical.name()}),
            Node::Bytes(Some(d)) => {
                json!({"type": "bytes", "logicalType": "decimal", "precision": d.precision, "scale": d.scale})
            }
            Node::Fixed(f) => f.emit(names.next()),
            Node::Enum(e) => e.emit(names.next()),
            Node::Array(items) => json!({"type": "array", "items": items.emit(names)}),
            Node::Map(values) => json!({"type": "map", "values": values.emit(names)}),
            Node::Union(branches) => Value::Array(branches.iter().map(|b| b.emit(names)).collect()),
            Node::Record(r) => {
                let name = names.next();
                let mut fields = Vec::with_capacity(r.fields.len());
                for field in &r.fields {
                    let mut object = Map::new();
                    object.insert("name".into(), Value::from(field.name.as_str()));
                    object.insert("type".into(), field.node.emit(names));
                    if let Some(default) = &field.default {
                        object.insert("default".into(), default.clone());
                    }
                    fields.push(Value::Object(object));
                }
                json!({"type": "record", "name": name, "fields": fields})
            }
        }
    }
}

impl LongLogical {
    fn name(self) -> &'static str {
        match self {
            LongLogical::TimeMicros => "time-micros",
            LongLogical::Timestamp { unit: Unit::Millis, utc: true } => "timestamp-millis",
            LongLogical::Timestamp { unit: Unit::Micros, utc: true } => "timestamp-micros",
            LongLogical::Timestamp { unit: Unit::Nanos, utc: true } => "timestamp-nanos",
            LongLogical::Timestamp { unit: Unit::Millis, utc: false } => "local-timestamp-millis",
            LongLogical::Timestamp { unit: Unit::Micros, utc: false } => "local-timestamp-micros",
            LongLogical::Timestamp { unit: Unit::Nanos, utc: false } => "local-timestamp-nanos",
        }
    }

    fn by_name(name: &str) -> Option<Self> {
        let timestamp = |unit, utc| Some(LongLogical::Timestamp { unit, utc });
        match name {
            "time-micros" => Some(LongLogical::TimeMicros),
            "timestamp-millis" => timestamp(Unit::Millis, true),
            "timestamp-micros" => timestamp(Unit::Micros, true),
            "timestamp-nanos" => timestamp(Unit::Nanos, true),
            "local-timestamp-millis" => timestamp(Unit::Millis, false),
            "local-timestamp-micros" => timestamp(Unit::Micros, false),
            "local-timestamp-nanos" => timestamp(Unit::Nanos, false),
            _ => None,
        }
    }
}

impl Fixed {
    pub(super) fn emit(&self, name: String) -> Value {
        let mut object = Map::new();
        object.insert("type".into(), Value::from("fixed"));
        object.insert("name".into(), Value::from(name));
        object.insert("size".into(), Value::from(self.size));
        match self.logical {
            Some(FixedLogical::Decimal(d)) => {
                object.insert("logicalType".into(), Value::from("decimal"));
                object.insert("precision".into(), Value::from(d.precision));
                object.insert("scale".into(), Value::from(d.scale));
            }
            Some(FixedLogical::Duration) => {
                object.insert("logicalType".into(), Value::from("duration"));
            }
            Some(FixedLogical::Uuid) | None => {}
        }
        Value::Object(object)
    }
}

impl Enum {
    pub(super) fn emit(&self, name: String) -> Value {
        let mut value = json!({"type": "enum", "name": name, "symbols": self.symbols});
        if let (Some(default), Some(object)) = (&self.default, value.as_object_mut()) {
            object.insert("default".into(), Value::from(default.as_str()));
        }
        value
    }
}

/// Fresh names for named types.
#[derive(Debug, Default)]
pub(super) struct Names(usize);

impl Names {
    pub(super) fn next(&mut self) -> String {
        let name = format!("name{}", self.0);
        self.0 += 1;
        name
    }
}

/// The part of a full name after the last dot.
pub(super) fn unqualified(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

/// See [`Node::parse`]; `references` are names and texts. The error is a clause that follows "because".
pub(super) fn parse_text(text: &str, references: &[(&str, &str)]) -> Result<Record, String> {
    let root = to_json(text)?;
    let mut others = Vec::with_capacity(references.len());
    for (name, text) in references {
        let value = to_json(text).map_err(|e| format!("its reference {name}: {e}"))?;
        others.push((*name, value));
    }
    let mut definitions = HashMap::new();
    for (name, value) in &others {
        collect(value, "", &mut definitions);
        if let Value::Object(_) = value {
            definitions.entry((*name).to_string()).or_insert((value, String::new()));
        }
    }
    collect(&root, "", &mut definitions);
    let mut parser = Parser { definitions, open: Vec::new(), depth: 0, nodes: 0 };
    match parser.node(&root, "")? {
        Node::Record(record) => Ok(*record),
        node => Ok(Record {
            name: "value".into(),
            aliases: Vec::new(),
            fields: vec![Field { name: "value".into(), aliases: Vec::new(), default: None, node }],
        }),
    }
}

/// Schema text is JSON; a registry may also hold a bare primitive name without quotes.
fn to_json(text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    if is_primitive(trimmed) {
        return Ok(Value::from(trimmed));
    }
    serde_json::from_str(trimmed).map_err(|e| format!("the text is not JSON ({e})"))
}

type Definitions<'a> = HashMap<String, (&'a Value, String)>;

/// Finds every named type below `value`, with the namespace it stands in.
fn collect<'a>(value: &'a Value, namespace: &str, into: &mut Definitions<'a>) {
    match value {
        Value::Array(branches) => branches.iter().for_each(|b| collect(b, namespace, into)),
        Value::Object(object) => {
            let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
            let mut inner = namespace.to_string();
            if is_named(kind)
                && let Some(name) = full_name(object, namespace)
            {
                inner = namespace_of(&name).to_string();
                into.entry(name).or_insert((value, namespace.to_string()));
            }
            for key in ["type", "items", "values"] {
                if let Some(child @ (Value::Object(_) | Value::Array(_))) = object.get(key) {
                    collect(child, &inner, into);
                }
            }
            for field in object.get("fields").and_then(Value::as_array).into_iter().flatten() {
                if let Some(child @ (Value::Object(_) | Value::Array(_))) = field.get("type") {
                    collect(child, &inner, into);
                }
            }
        }
        _ => {}
    }
}

fn is_named(kind: &str) -> bool {
    matches!(kind, "record" | "error" | "enum" | "fixed")
}

fn is_primitive(name: &str) -> bool {
    matches!(name, "null" | "boolean" | "int" | "long" | "float" | "double" | "bytes" | "string")
}

fn namespace_of(full: &str) -> &str {
    full.rsplit_once('.').map_or("", |(namespace, _)| namespace)
}

fn full_name(object: &Map<String, Value>, enclosing: &str) -> Option<String> {
    let name = object.get("name").and_then(Value::as_str)?;
    if name.contains('.') {
        return Some(name.to_string());
    }
    let namespace = object.get("namespace").and_then(Value::as_str).unwrap_or(enclosing);
    Some(if namespace.is_empty() { name.to_string() } else { format!("{namespace}.{name}") })
}

fn texts(object: &Map<String, Value>, key: &str) -> Vec<String> {
    let list = object.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
}

struct Parser<'a> {
    definitions: Definitions<'a>,
    open: Vec<String>,
    depth: usize,
    nodes: usize,
}

impl<'a> Parser<'a> {
    fn node(&mut self, value: &'a Value, namespace: &str) -> Result<Node, String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || self.depth >= MAX_DEPTH {
            return Err("it is nested too deeply or too large".into());
        }
        self.depth += 1;
        let node = match value {
            Value::String(name) => self.named(name, None, namespace),
            Value::Array(branches) => self.union(branches, namespace),
            Value::Object(object) => self.object(object, namespace),
            _ => Err("a type is neither a name, an object nor a list".into()),
        };
        self.depth -= 1;
        node
    }

    fn union(&mut self, branches: &'a [Value], namespace: &str) -> Result<Node, String> {
        let mut nodes: Vec<Node> = Vec::with_capacity(branches.len());
        for branch in branches {
            let node = self.node(branch, namespace)?;
            if matches!(node, Node::Union(_)) {
                return Err("a union holds another union".into());
            }
            if nodes.iter().any(|n| same_branch(n, &node)) {
                return Err(format!("a union holds {} twice", node.label()));
            }
            nodes.push(node);
        }
        if nodes.is_empty() {
            return Err("a union has no branches".into());
        }
        Ok(Node::Union(nodes))
    }

    fn object(&mut self, object: &'a Map<String, Value>, namespace: &str) -> Result<Node, String> {
        match object.get("type") {
            Some(Value::String(kind)) => match kind.as_str() {
                "array" => {
                    let items = self.node(object.get("items").ok_or("an array has no \"items\"")?, namespace)?;
                    if items.may_be_empty() {
                        return Err("it has an array whose items have no bytes".into());
                    }
                    Ok(Node::Array(Box::new(items)))
                }
                "map" => {
                    let values = self.node(object.get("values").ok_or("a map has no \"values\"")?, namespace)?;
                    Ok(Node::Map(Box::new(values)))
                }
                kind if is_named(kind) => self.definition(object, kind, namespace),
                name => self.named(name, Some(object), namespace),
            },
            Some(nested @ (Value::Object(_) | Value::Array(_))) => self.node(nested, namespace),
            _ => Err("a type object has no \"type\"".into()),
        }
    }

    /// A primitive, or a type defined elsewhere.
    fn named(
        &mut self,
        name: &str,
        attributes: Option<&'a Map<String, Value>>,
        namespace: &str,
    ) -> Result<Node, String> {
        let logical = attributes.and_then(|a| a.get("logicalType")).and_then(Value::as_str).unwrap_or_default();
        Ok(match name {
            "null" => Node::Null,
            "boolean" => Node::Boolean,
            "int" => Node::Int(match logical {
                "date" => Some(IntLogical::Date),
                "time-millis" => Some(IntLogical::TimeMillis),
                _ => None,
            }),
            "long" => Node::Long(LongLogical::by_name(logical)),
            "float" => Node::Float,
            "double" => Node::Double,
            "bytes" => Node::Bytes(attributes.filter(|_| logical == "decimal").and_then(|a| decimal(a, None))),
            "string" => Node::String,
            reference => return self.reference(reference, namespace),
        })
    }

    fn reference(&mut self, name: &str, namespace: &str) -> Result<Node, String> {
        let qualified =
            if name.contains('.') || namespace.is_empty() { name.to_string() } else { format!("{namespace}.{name}") };
        let found = self.definitions.get(&qualified).or_else(|| self.definitions.get(name)).cloned();
        match found {
            Some((value, namespace)) => self.node(value, &namespace),
            None => Err(format!("the type {name} is not defined")),
        }
    }

    fn definition(&mut self, object: &'a Map<String, Value>, kind: &str, namespace: &str) -> Result<Node, String> {
        let name = full_name(object, namespace).ok_or_else(|| format!("{kind} has no name"))?;
        let aliases = texts(object, "aliases");
        match kind {
            "enum" => {
                let symbols = texts(object, "symbols");
                let default = object.get("default").and_then(Value::as_str).map(str::to_string);
                let default = default.filter(|d| symbols.contains(d));
                if symbols.is_empty() {
                    return Err(format!("the enum {name} has no symbols"));
                }
                Ok(Node::Enum(Box::new(Enum { name, aliases, symbols, default })))
            }
            "fixed" => {
                let size = object.get("size").and_then(Value::as_u64).filter(|s| (1..=MAX_FIXED_BYTES).contains(s));
                let size = size.ok_or_else(|| format!("the fixed {name} has no size from 1 to {MAX_FIXED_BYTES}"))?;
                let logical = match object.get("logicalType").and_then(Value::as_str) {
                    Some("decimal") => decimal(object, Some(size)).map(FixedLogical::Decimal),
                    Some("uuid") if size == 16 => Some(FixedLogical::Uuid),
                    Some("duration") if size == 12 => Some(FixedLogical::Duration),
                    _ => None,
                };
                let size = i32::try_from(size).map_err(|e| e.to_string())?;
                Ok(Node::Fixed(Box::new(Fixed { name, aliases, size, logical })))
            }
            _ => {
                if self.open.contains(&name) {
                    return Err(format!("the type {name} contains itself, which columns cannot express"));
                }
                self.open.push(name.clone());
                let fields = self.fields(object, &name);
                self.open.pop();
                Ok(Node::Record(Box::new(Record { name, aliases, fields: fields? })))
            }
        }
    }

    fn fields(&mut self, object: &'a Map<String, Value>, name: &str) -> Result<Vec<Field>, String> {
        let list = object.get("fields").and_then(Value::as_array);
        let list = list.ok_or_else(|| format!("the record {name} has no \"fields\""))?;
        let namespace = namespace_of(name).to_string();
        let mut fields: Vec<Field> = Vec::with_capacity(list.len());
        for item in list {
            let field = item.as_object().ok_or_else(|| format!("a field of {name} is no object"))?;
            let field_name = field.get("name").and_then(Value::as_str);
            let field_name = field_name.ok_or_else(|| format!("a field of {name} has no name"))?;
            if fields.iter().any(|f| f.name == field_name) {
                return Err(format!("the record {name} has two fields named {field_name}"));
            }
            let value = field.get("type").ok_or_else(|| format!("the field {field_name} has no type"))?;
            // A logical type written beside "type" instead of inside it is a common slip, and Avro ignores it.
            let node = self.node(value, &namespace)?;
            fields.push(Field {
                name: field_name.to_string(),
                aliases: texts(field, "aliases"),
                default: field.get("default").cloned(),
                node,
            });
        }
        Ok(fields)
    }
}

fn same_branch(a: &Node, b: &Node) -> bool {
    let name = |n: &Node| match n {
        Node::Fixed(f) => Some(f.name.clone()),
        Node::Enum(e) => Some(e.name.clone()),
        Node::Record(r) => Some(r.name.clone()),
        _ => None,
    };
    match (name(a), name(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a.label() == b.label(),
        _ => false,
    }
}

/// A decimal's attributes, `None` when they are not valid for `size` bytes.
fn decimal(object: &Map<String, Value>, size: Option<u64>) -> Option<Decimal> {
    let precision = object.get("precision").and_then(Value::as_u64).filter(|p| (1..=MAX_PRECISION).contains(p))?;
    let scale = match object.get("scale") {
        None => 0,
        Some(value) => value.as_u64().filter(|s| *s <= precision)?,
    };
    if let Some(size) = size {
        // Digits that `size` bytes of two's complement can hold: floor(log10(2^(8·size − 1) − 1)).
        let bits = u32::try_from(size.checked_mul(8)?.checked_sub(1)?).ok()?;
        let digits = (f64::from(bits) * std::f64::consts::LOG10_2).floor();
        if size > 32 || f64::from(u32::try_from(precision).ok()?) > digits {
            return None;
        }
    }
    Some(Decimal { precision: u8::try_from(precision).ok()?, scale: u8::try_from(scale).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_out_through_namespaces_and_references() {
        let text = r#"{"type":"record","name":"Order","namespace":"a.b","fields":[
            {"name":"home","type":{"type":"record","name":"Addr","fields":[{"name":"zip","type":"int"}]}},
            {"name":"work","type":"Addr"},{"name":"c","type":"x.Color"}]}"#;
        let color = r#"{"type":"enum","name":"Color","namespace":"x","symbols":["RED"]}"#;
        let record = parse_text(text, &[("x.Color", color)]).unwrap();
        assert_eq!(record.name, "a.b.Order");
        assert_eq!(record.fields[0].node, record.fields[1].node);
        assert_eq!(record.fields[2].node.label(), "Color");
    }

    #[test]
    fn recursion_and_explosion_are_sentences() {
        let list = r#"{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}]}"#;
        assert!(parse_text(list, &[]).unwrap_err().contains("contains itself"));
        let mut text = r#"{"type":"record","name":"R0","fields":[{"name":"x","type":"int"}]}"#.to_string();
        for i in 1..40 {
            text = format!(
                r#"{{"type":"record","name":"R{i}","fields":[{{"name":"a","type":{text}}},{{"name":"b","type":"R{}"}}]}}"#,
                i - 1
            );
        }
        assert!(parse_text(&text, &[]).is_err());
    }

    #[test]
    fn invalid_logical_types_fall_back_to_their_base() {
        let text = r#"{"type":"record","name":"R","fields":[
            {"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":77,"scale":2}},
            {"name":"b","type":{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":5}},
            {"name":"c","type":{"type":"fixed","name":"G","size":2,"logicalType":"decimal","precision":4,"scale":1}},
            {"name":"d","type":{"type":"string","logicalType":"uuid"}}]}"#;
        let record = parse_text(text, &[]).unwrap();
        assert_eq!(record.fields[0].node, Node::Bytes(None));
        let logical = |i: usize| match &record.fields[i].node {
            Node::Fixed(f) => f.logical,
            other => panic!("{other:?}"),
        };
        assert_eq!(logical(1), None);
        assert_eq!(logical(2), Some(FixedLogical::Decimal(Decimal { precision: 4, scale: 1 })));
        assert_eq!(record.fields[3].node, Node::String);
    }

    #[test]
    fn a_root_that_is_no_record_is_wrapped() {
        for text in ["\"long\"", "long", r#"{"type":"long"}"#] {
            let record = parse_text(text, &[]).unwrap();
            assert_eq!(record.fields[0].name, "value");
            assert_eq!(record.fields[0].node, Node::Long(None));
        }
    }
}
