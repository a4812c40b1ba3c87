//! A writer's schema against a reader's: which bytes to read, and how what was read becomes columns. Knows schemas, never
//! records.
//!
//! The result is a pair of schemas for the decoder, both with all names written out and made equal, so that the decoder
//! has nothing left to resolve but promotions, enum symbols and defaults; plus a [`Fit`] per column. Rules:
//!
//! - Fields match by name, then by the reader's aliases. Records, enums and fixed types match whatever they are called,
//!   except inside unions, where the branch with the same name comes first.
//! - A reader's field that the writer does not have takes its default; without one it is null.
//! - What a query does not use is skipped, also inside nested records.
//! - Logical types that differ are read as the writer's and converted.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schema::{FixedLogical, Names, Node, Record, unqualified};

/// How much of a value is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Usage {
    /// All of it.
    Whole,
    /// These fields of a record.
    Parts(BTreeMap<String, Usage>),
}

impl Usage {
    /// Usage of the fields that `paths` name; an empty path is the whole value.
    pub(super) fn of_paths(paths: Option<&[Vec<String>]>) -> Self {
        let Some(paths) = paths else { return Usage::Whole };
        let mut usage = Usage::Parts(BTreeMap::new());
        paths.iter().for_each(|path| usage.add(path));
        usage
    }

    fn add(&mut self, path: &[String]) {
        let Usage::Parts(parts) = self else { return };
        match path {
            [] => *self = Usage::Whole,
            [first, rest @ ..] => {
                parts.entry(first.clone()).or_insert_with(|| Usage::Parts(BTreeMap::new())).add(rest);
            }
        }
    }

    /// Everything that either uses.
    pub(super) fn union(self, other: Usage) -> Self {
        match (self, other) {
            (Usage::Parts(mut a), Usage::Parts(b)) => {
                for (name, usage) in b {
                    let merged = match a.remove(&name) {
                        Some(mine) => mine.union(usage),
                        None => usage,
                    };
                    a.insert(name, merged);
                }
                Usage::Parts(a)
            }
            _ => Usage::Whole,
        }
    }

    fn part(&self, name: &str) -> Option<&Usage> {
        match self {
            Usage::Whole => Some(&Usage::Whole),
            Usage::Parts(parts) => parts.get(name),
        }
    }
}

/// How a decoded array becomes an array of the reader's type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fit {
    /// Nothing was read: all null.
    Null,
    /// The same type, or one that a cast converts.
    Cast,
    /// 16 bytes to text.
    Uuid,
    /// Per field of the target: the decoded field and its fit.
    Struct(Vec<(usize, Fit)>),
    /// The items of a list.
    List(Box<Fit>),
    /// The values of a map.
    Map(Box<Fit>),
    /// A value that becomes one branch of a union.
    Branch(usize, Box<Fit>),
    /// A union; per decoded branch the branch of the target, `None` for `null`.
    Union(Vec<Option<(usize, Fit)>>),
    /// A union whose branches all become the same type, `None` for `null`.
    Collapse(Vec<Option<Fit>>),
}

/// What to decode with.
#[derive(Debug)]
pub(super) struct Plan {
    /// The writer's schema.
    pub(super) writer: Value,
    /// The reader's schema, without what is not used.
    pub(super) reader: Value,
    /// Per field of the reader's record: decoded column and fit. Fields that are not used are [`Fit::Null`].
    pub(super) columns: Vec<(usize, Fit)>,
}

/// The plan for reading what `writer` wrote as `reader`, as far as `usage` uses it.
///
/// # Errors
/// The clause that says where the two do not fit.
pub(super) fn resolve(writer: &Record, reader: &Record, usage: &Usage) -> Result<Plan, String> {
    let mut resolver = Resolver::default();
    let Both { writer, reader, fit } = resolver.records(writer, reader, usage, true)?;
    match fit {
        Fit::Struct(columns) => Ok(Plan { writer, reader, columns }),
        _ => Err("the root is no record".into()),
    }
}

/// A piece of both schemas, with what to do with the array that comes out.
struct Both {
    writer: Value,
    reader: Value,
    fit: Fit,
}

#[derive(Default)]
struct Resolver {
    names: Names,
    defaults: usize,
}

impl Resolver {
    fn node(&mut self, writer: &Node, reader: &Node, usage: &Usage) -> Result<Both, String> {
        if let Node::Union(branches) = writer {
            return self.writer_union(branches, reader, usage);
        }
        if *writer == Node::Null {
            return Ok(Both { writer: json!("null"), reader: json!("null"), fit: Fit::Null });
        }
        match reader.branches().0.as_slice() {
            [only] if !matches!(reader, Node::Union(_)) => self.plain(writer, only, usage),
            [only] => self.node(writer, only, usage),
            several => {
                let (target, both) = self.branch(writer, several)?;
                Ok(Both { fit: Fit::Branch(target, Box::new(both.fit)), ..both })
            }
        }
    }

    /// The branch of `several` that `writer` fits best.
    fn branch(&mut self, writer: &Node, several: &[&Node]) -> Result<(usize, Both), String> {
        let same = several.iter().position(|r| r.label() == writer.label());
        let others = (0..several.len()).filter(|i| Some(*i) != same);
        for index in same.into_iter().chain(others) {
            if let Some(reader) = several.get(index)
                && let Ok(both) = self.node(writer, reader, &Usage::Whole)
            {
                return Ok((index, both));
            }
        }
        Err(format!("{} is none of the branches of the union", writer.label()))
    }

    fn writer_union(&mut self, branches: &[Node], reader: &Node, usage: &Usage) -> Result<Both, String> {
        let nullable = branches.len() == 2 && branches.contains(&Node::Null);
        let (targets, _) = reader.branches();
        if let (true, Some(inner)) = (nullable, branches.iter().find(|b| **b != Node::Null)) {
            if targets.is_empty() {
                return Ok(Both { writer: emit_all(branches, &mut self.names), reader: json!("null"), fit: Fit::Null });
            }
            let both = self.node(inner, reader, usage)?;
            let null_first = branches.first() == Some(&Node::Null);
            let wrap = |inner: Value| if null_first { json!(["null", inner]) } else { json!([inner, "null"]) };
            return Ok(Both { writer: wrap(both.writer), reader: wrap(both.reader), fit: both.fit });
        }
        let (mut writers, mut readers) = (Vec::new(), Vec::new());
        let (mut fits, mut matched) = (Vec::new(), false);
        for branch in branches {
            if *branch == Node::Null {
                writers.push(json!("null"));
                readers.push(json!("null"));
                fits.push(None);
                continue;
            }
            match self.branch(branch, &targets) {
                Ok((target, both)) => {
                    writers.push(both.writer);
                    readers.push(both.reader);
                    fits.push(Some((target, both.fit)));
                    matched = true;
                }
                Err(_) => writers.push(branch.emit(&mut self.names)),
            }
        }
        if !matched {
            return Err(format!("no branch of the written union can be read as {}", reader.label()));
        }
        let fit = if targets.len() == 1 {
            Fit::Collapse(fits.into_iter().map(|f| f.map(|(_, fit)| fit)).collect())
        } else {
            Fit::Union(fits)
        };
        Ok(Both { writer: Value::Array(writers), reader: Value::Array(readers), fit })
    }

    /// Two types that are no unions.
    fn plain(&mut self, writer: &Node, reader: &Node, usage: &Usage) -> Result<Both, String> {
        match (writer, reader) {
            (Node::Record(w), Node::Record(r)) => self.records(w, r, usage, false),
            (Node::Array(w), Node::Array(r)) => {
                let both = self.node(w, r, &Usage::Whole)?;
                let wrap = |items: Value| json!({"type": "array", "items": items});
                Ok(Both { writer: wrap(both.writer), reader: wrap(both.reader), fit: Fit::List(Box::new(both.fit)) })
            }
            (Node::Map(w), Node::Map(r)) => {
                let both = self.node(w, r, &Usage::Whole)?;
                let wrap = |values: Value| json!({"type": "map", "values": values});
                Ok(Both { writer: wrap(both.writer), reader: wrap(both.reader), fit: Fit::Map(Box::new(both.fit)) })
            }
            (Node::Enum(w), Node::Enum(r)) => {
                let name = self.names.next();
                Ok(Both { writer: w.emit(name.clone()), reader: r.emit(name), fit: Fit::Cast })
            }
            (Node::Fixed(w), Node::Fixed(r)) if w.size == r.size => {
                let name = self.names.next();
                let decimals = [w.logical, r.logical].iter().all(|l| matches!(l, Some(FixedLogical::Decimal(_))));
                let source = if decimals { w } else { r };
                let fit = if r.logical == Some(FixedLogical::Uuid) { Fit::Uuid } else { Fit::Cast };
                Ok(Both { writer: w.emit(name.clone()), reader: source.emit(name), fit })
            }
            _ => self.primitives(writer, reader),
        }
    }

    fn primitives(&mut self, writer: &Node, reader: &Node) -> Result<Both, String> {
        let promotes = matches!(
            (writer, reader),
            (Node::Int(_), Node::Long(_) | Node::Float | Node::Double)
                | (Node::Long(_), Node::Float | Node::Double)
                | (Node::Float, Node::Double)
                | (Node::String, Node::Bytes(None))
                | (Node::Bytes(None), Node::String)
        );
        let same_base = matches!(
            (writer, reader),
            (Node::Boolean, Node::Boolean)
                | (Node::Int(_), Node::Int(_))
                | (Node::Long(_), Node::Long(_))
                | (Node::Float, Node::Float)
                | (Node::Double, Node::Double)
                | (Node::Bytes(_), Node::Bytes(_))
                | (Node::String, Node::String)
        );
        if !promotes && !same_base {
            return Err(format!("{} was written and {} is expected", writer.label(), reader.label()));
        }
        let both_logical = match (writer, reader) {
            (Node::Int(a), Node::Int(b)) => a.is_some() && b.is_some(),
            (Node::Long(a), Node::Long(b)) => a.is_some() && b.is_some(),
            (Node::Bytes(a), Node::Bytes(b)) => a.is_some() && b.is_some(),
            _ => false,
        };
        let source = if both_logical { writer } else { reader };
        Ok(Both { writer: writer.emit(&mut self.names), reader: source.emit(&mut self.names), fit: Fit::Cast })
    }

    fn records(&mut self, writer: &Record, reader: &Record, usage: &Usage, root: bool) -> Result<Both, String> {
        let name = self.names.next();
        let mut written: Vec<Option<Value>> = vec![None; writer.fields.len()];
        let mut readers = Vec::new();
        let mut fits = Vec::with_capacity(reader.fields.len());
        for field in &reader.fields {
            let Some(usage) = usage.part(&field.name) else {
                fits.push((0, Fit::Null));
                continue;
            };
            let by_name = |name: &str| writer.fields.iter().position(|w| w.name == name);
            let source = by_name(&field.name).or_else(|| field.aliases.iter().find_map(|a| by_name(a)));
            let slot = source.and_then(|s| Some((writer.fields.get(s)?, written.get_mut(s)?)));
            let Some((from, slot @ None)) = slot else {
                fits.push(self.absent(field, &mut readers)?);
                continue;
            };
            let both = self.node(&from.node, &field.node, usage).map_err(|e| format!("{e} in field {}", field.name))?;
            *slot = Some(both.writer);
            if both.fit == Fit::Null {
                fits.push((0, Fit::Null));
                continue;
            }
            fits.push((readers.len(), both.fit));
            readers.push(named(&from.name, both.reader, None));
        }
        if readers.is_empty() && !root {
            self.filler(writer, &mut written, &mut readers)?;
        }
        let mut writers = Vec::with_capacity(writer.fields.len());
        for (field, emitted) in writer.fields.iter().zip(written) {
            let node = emitted.unwrap_or_else(|| field.node.emit(&mut self.names));
            writers.push(named(&field.name, node, None));
        }
        let wrap = |fields: Vec<Value>| json!({"type": "record", "name": name, "fields": fields});
        Ok(Both { writer: wrap(writers), reader: wrap(readers), fit: Fit::Struct(fits) })
    }

    /// One field, so that a nested record that is only asked whether it is null has something to carry that.
    fn filler(&mut self, writer: &Record, written: &mut [Option<Value>], into: &mut Vec<Value>) -> Result<(), String> {
        let free = writer.fields.iter().zip(written).find(|(f, slot)| slot.is_none() && !f.node.may_be_empty());
        let Some((field, slot)) = free else {
            return Err(format!("the record {} was written without fields", unqualified(&writer.name)));
        };
        let both = self.node(&field.node, &field.node, &Usage::Whole)?;
        *slot = Some(both.writer);
        into.push(named(&field.name, both.reader, None));
        Ok(())
    }

    /// A field that was not written. A default belongs to the first branch of a union.
    fn absent(&mut self, field: &super::schema::Field, into: &mut Vec<Value>) -> Result<(usize, Fit), String> {
        let node = match &field.node {
            Node::Union(branches) => branches.first(),
            other => Some(other),
        };
        let branch = field.node.branches().0.len() > 1;
        let (Some(node), Some(default)) = (node, field.default.as_ref().filter(|d| !d.is_null())) else {
            return Ok((0, Fit::Null));
        };
        let both = self.node(node, node, &Usage::Whole)?;
        let column = into.len();
        into.push(named(&format!("weir_default_{}", self.defaults), both.reader, Some(default.clone())));
        self.defaults += 1;
        let fit = if branch { Fit::Branch(0, Box::new(both.fit)) } else { both.fit };
        Ok((column, fit))
    }
}

fn emit_all(branches: &[Node], names: &mut Names) -> Value {
    Value::Array(branches.iter().map(|b| b.emit(names)).collect())
}

fn named(name: &str, node: Value, default: Option<Value>) -> Value {
    let mut object = Map::new();
    object.insert("name".into(), Value::from(name));
    object.insert("type".into(), node);
    if let Some(default) = default {
        object.insert("default".into(), default);
    }
    Value::Object(object)
}
