//! A registry kept in the topic `_schemas` of a connector, in the layout that Confluent's registry uses: JSON keys
//! `{"keytype":"SCHEMA","subject":…,"version":…,"magic":1}` and values `{"subject":…,"version":…,"id":…,"schema":…,
//! "deleted":…}`; `{"keytype":"DELETE_SUBJECT","subject":…,"magic":0}` with `{"subject":…,"version":…}` deletes the versions
//! up to that one. The topic is the truth; what is in memory is replayed from it when its end has moved.
//!
//! Ids start at 1 and are never given twice: deleted schemas stay in the topic, marked. Texts that differ in nothing but
//! white space and the order of attributes are one schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::schema_compatibility::SchemaCompatibility;
use arrow::array::Array;
use async_trait::async_trait;
use serde_json::{Value, json};

use super::{RegisteredSchema, Registry, SchemaId, SchemaType, SubjectVersion};
use crate::connect::{Connector, Event, Isolation, NewRecord, NewTopic, Range, ReadRequest, Want};
use crate::error::{Error, Result};

/// The topic.
pub const TOPIC: &str = "_schemas";

/// A registry beside the topics.
#[derive(Debug)]
pub struct Beside {
    connector: Arc<dyn Connector>,
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Offset that has been read up to.
    end: i64,
    by_id: BTreeMap<SchemaId, Arc<RegisteredSchema>>,
    subjects: BTreeMap<String, BTreeMap<i32, Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    schema: Arc<RegisteredSchema>,
    deleted: bool,
}

impl Beside {
    /// A registry in `connector`'s `_schemas` topic, which is made at the first registration.
    pub fn new(connector: Arc<dyn Connector>) -> Self {
        Beside { connector, state: tokio::sync::Mutex::default() }
    }

    /// The state, caught up with the topic.
    async fn caught_up(&self) -> Result<tokio::sync::MutexGuard<'_, State>> {
        let mut state = self.state.lock().await;
        if self.connector.topic(TOPIC).await?.is_none() {
            *state = State::default();
            return Ok(state);
        }
        let ranges = self.connector.ranges(TOPIC, Isolation::ReadCommitted).await?;
        let Some(range) = ranges.into_iter().next() else { return Ok(state) };
        if range.end < state.end {
            *state = State::default();
        }
        if range.end > state.end {
            let slices = vec![Range { start: range.start.max(state.end), ..range }];
            let want = Want { keys: true, values: true, ..Want::default() };
            let isolation = Isolation::ReadCommitted;
            let request = ReadRequest { topic: TOPIC.into(), slices, want, isolation, in_order: true, threads: 1 };
            let stream = self.connector.read(request)?;
            let mut ended = false;
            while let Some(event) = stream.next().await {
                let records = match event? {
                    Event::Records(records) => records,
                    Event::End { .. } => {
                        ended = true;
                        continue;
                    }
                };
                let (Some(keys), Some(values)) = (&records.keys, &records.values) else { continue };
                for i in 0..records.len {
                    if keys.is_valid(i) {
                        state.replay(keys.value(i), values.is_valid(i).then(|| values.value(i)));
                    }
                }
            }
            if !ended {
                return Err(Error::connect(format!("reading {TOPIC} broke off before offset {}", range.end))
                    .with_hint("try again"));
            }
            state.end = range.end;
        }
        Ok(state)
    }

    async fn write(&self, records: Vec<NewRecord>) -> Result<()> {
        if self.connector.topic(TOPIC).await?.is_none() {
            let config = BTreeMap::from([("cleanup.policy".to_string(), "compact".to_string())]);
            self.connector
                .create_topic(NewTopic { name: TOPIC.to_string(), partitions: 1, replicas: -1, config })
                .await?;
        }
        let mut writer = self.connector.writer(TOPIC).await?;
        writer.append(records).await?;
        writer.commit().await?;
        Ok(())
    }
}

impl State {
    /// Applies one record. What cannot be read is skipped: another registry may keep more kinds of record here.
    fn replay(&mut self, key: &[u8], value: Option<&[u8]>) {
        let Ok(key) = serde_json::from_slice::<Value>(key) else { return };
        let Some(subject) = key.get("subject").and_then(Value::as_str) else { return };
        let body = value.map(serde_json::from_slice::<Value>);
        match (key.get("keytype").and_then(Value::as_str), integer(key.get("version")), body) {
            (Some("SCHEMA"), Some(version), Some(Ok(body))) => self.replay_schema(subject, version, &body),
            (Some("SCHEMA"), Some(version), None) => {
                if let Some(versions) = self.subjects.get_mut(subject) {
                    versions.remove(&version);
                }
            }
            (Some("DELETE_SUBJECT"), _, Some(Ok(body))) => {
                let Some(last) = integer(body.get("version")) else { return };
                for (_, entry) in self.subjects.get_mut(subject).into_iter().flat_map(|v| v.range_mut(..=last)) {
                    entry.deleted = true;
                }
            }
            _ => {}
        }
    }

    fn replay_schema(&mut self, subject: &str, version: i32, value: &Value) {
        let (Some(id), Some(text)) = (integer(value.get("id")), value.get("schema").and_then(Value::as_str)) else {
            return;
        };
        let schema_type = match value.get("schemaType").and_then(Value::as_str) {
            Some("AVRO") | None => SchemaType::Avro,
            Some("JSON") => SchemaType::Json,
            Some("PROTOBUF") => SchemaType::Protobuf,
            Some(_) => return,
        };
        let schema = Arc::clone(self.by_id.entry(id).or_insert_with(|| {
            Arc::new(RegisteredSchema { id, schema_type, text: text.into(), references: Vec::new() })
        }));
        let deleted = value.get("deleted").and_then(Value::as_bool).unwrap_or(false);
        self.subjects.entry(subject.to_string()).or_default().insert(version, Entry { schema, deleted });
    }

    fn live(&self, subject: &str) -> impl DoubleEndedIterator<Item = (i32, &Entry)> {
        self.subjects.get(subject).into_iter().flatten().filter(|(_, e)| !e.deleted).map(|(v, e)| (*v, e))
    }
}

fn integer(value: Option<&Value>) -> Option<i32> {
    value.and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok())
}

/// The number after the last one given; from 1.
fn after(last: Option<&i32>, what: &str) -> Result<i32> {
    let next = last.map_or(Some(1), |last| last.max(&0).checked_add(1));
    next.ok_or_else(|| {
        Error::data(format!("{TOPIC} has no {what} left to give: something wrote the highest one there"))
    })
}

/// A schema's text without what does not matter: white space, the order of attributes, `{"type":"int"}` for `"int"`.
#[derive(Debug, PartialEq)]
enum Canonical<'a> {
    Json(Value),
    /// Protobuf, and what is no JSON.
    Text(&'a str),
}

impl<'a> Canonical<'a> {
    fn new(schema_type: SchemaType, text: &'a str) -> Self {
        match (schema_type, serde_json::from_str(text)) {
            (SchemaType::Avro, Ok(value)) => Canonical::Json(shortest(value)),
            (SchemaType::Json, Ok(value)) => Canonical::Json(value),
            (SchemaType::Protobuf, _) | (_, Err(_)) => Canonical::Text(text),
        }
    }
}

/// An Avro schema with every primitive type as its bare name.
fn shortest(schema: Value) -> Value {
    match schema {
        Value::Object(mut attributes) => {
            for (name, value) in &mut attributes {
                if name != "default" {
                    *value = shortest(value.take());
                }
            }
            match attributes.get("type") {
                Some(Value::String(name)) if attributes.len() == 1 => Value::String(name.clone()),
                _ => Value::Object(attributes),
            }
        }
        Value::Array(list) => Value::Array(list.into_iter().map(shortest).collect()),
        other => other,
    }
}

fn record(subject: &str, version: i32, schema: &RegisteredSchema, deleted: bool) -> NewRecord {
    let key = json!({"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1});
    let mut value = json!({"subject": subject, "version": version, "id": schema.id});
    if schema.schema_type != SchemaType::Avro
        && let Some(value) = value.as_object_mut()
    {
        value.insert("schemaType".to_string(), json!(schema.schema_type.name()));
    }
    if let Some(value) = value.as_object_mut() {
        value.insert("schema".to_string(), json!(&*schema.text));
        value.insert("deleted".to_string(), json!(deleted));
    }
    NewRecord {
        partition: Some(0),
        key: Some(key.to_string().into()),
        value: Some(value.to_string().into()),
        ..NewRecord::default()
    }
}

/// BACKWARD, the default level: a reader with the new schema must read what the newest one wrote.
fn check_backward(subject: &str, newest: &RegisteredSchema, text: &str) -> Result<()> {
    if newest.schema_type != SchemaType::Avro {
        return Ok(());
    }
    let writer = parse(&newest.text)?;
    let reader = parse(text)?;
    SchemaCompatibility::can_read(&writer, &reader).map(|_| ()).map_err(|e| {
        Error::data(format!("the schema is not compatible with the latest version under {subject}"))
            .with_detail(e.to_string())
            .with_hint("a new field needs a default; a field's type may only be widened")
            .with_source(e)
    })
}

fn parse(text: &str) -> Result<Schema> {
    Schema::parse_str(text).map_err(|e| Error::data(format!("this is not an Avro schema: {e}")).with_source(e))
}

#[async_trait]
impl Registry for Beside {
    fn location(&self) -> String {
        format!("the registry beside {}", self.connector.location())
    }

    async fn by_id(&self, id: SchemaId) -> Result<Option<Arc<RegisteredSchema>>> {
        Ok(self.caught_up().await?.by_id.get(&id).map(Arc::clone))
    }

    async fn latest(&self, subject: &str) -> Result<Option<SubjectVersion>> {
        let state = self.caught_up().await?;
        Ok(state.live(subject).next_back().map(|(version, e)| SubjectVersion {
            subject: subject.to_string(),
            version,
            schema: Arc::clone(&e.schema),
        }))
    }

    async fn version(&self, subject: &str, version: i32) -> Result<Option<SubjectVersion>> {
        let state = self.caught_up().await?;
        Ok(state.live(subject).find(|(v, _)| *v == version).map(|(version, e)| SubjectVersion {
            subject: subject.to_string(),
            version,
            schema: Arc::clone(&e.schema),
        }))
    }

    async fn versions(&self, subject: &str) -> Result<Vec<i32>> {
        Ok(self.caught_up().await?.live(subject).map(|(v, _)| v).collect())
    }

    async fn subjects(&self) -> Result<Vec<String>> {
        let state = self.caught_up().await?;
        let live = state.subjects.iter().filter(|(_, versions)| versions.values().any(|e| !e.deleted));
        Ok(live.map(|(s, _)| s.clone()).collect())
    }

    async fn register(&self, subject: &str, schema_type: SchemaType, text: &str) -> Result<SchemaId> {
        if schema_type == SchemaType::Avro {
            parse(text)?;
        }
        let state = self.caught_up().await?;
        let wanted = Canonical::new(schema_type, text);
        let same =
            |s: &RegisteredSchema| s.schema_type == schema_type && wanted == Canonical::new(schema_type, &s.text);
        if let Some((_, entry)) = state.live(subject).find(|(_, e)| same(&e.schema)) {
            return Ok(entry.schema.id);
        }
        if schema_type == SchemaType::Avro
            && let Some((_, newest)) = state.live(subject).next_back()
        {
            check_backward(subject, &newest.schema, text)?;
        }
        let id = match state.by_id.values().find(|s| same(s)) {
            Some(known) => known.id,
            None => after(state.by_id.keys().next_back(), "ids")?,
        };
        let version = after(state.subjects.get(subject).and_then(|v| v.keys().next_back()), "versions")?;
        let schema = RegisteredSchema { id, schema_type, text: text.into(), references: Vec::new() };
        // The lock is held over the write, so that no two registrations of this process take one id.
        self.write(vec![record(subject, version, &schema, false)]).await?;
        drop(state);
        Ok(id)
    }

    async fn delete_subject(&self, subject: &str) -> Result<()> {
        let state = self.caught_up().await?;
        let marks: Vec<NewRecord> = state.live(subject).map(|(v, e)| record(subject, v, &e.schema, true)).collect();
        if !marks.is_empty() {
            self.write(marks).await?;
        }
        drop(state);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
