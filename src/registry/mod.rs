//! Schemas by subject, version and id: the seam to a schema registry. Knows nothing of topics' contents or of Arrow.
//!
//! [`http`] talks to a registry with Confluent's REST API, [`local`] keeps the same things in the `_schemas` topic of a
//! connector, [`cache`] stands in front of either, one per process.

pub mod cache;
pub mod http;
pub mod local;
pub mod wire;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;

/// The id a registry gave a schema; what framed records carry.
pub type SchemaId = i32;

/// The language a schema is written in. Names as in the registry's `schemaType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchemaType {
    /// `AVRO`, also when a registry names none.
    Avro,
    /// `JSON`.
    Json,
    /// `PROTOBUF`.
    Protobuf,
}

impl SchemaType {
    /// The registry's spelling.
    pub fn name(self) -> &'static str {
        match self {
            SchemaType::Avro => "AVRO",
            SchemaType::Json => "JSON",
            SchemaType::Protobuf => "PROTOBUF",
        }
    }
}

/// A reference from one schema to another, resolved: `text` is the referenced schema itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name the referring schema uses.
    pub name: String,
    /// Where it is registered.
    pub subject: String,
    /// Which version of it.
    pub version: i32,
    /// The schema's text.
    pub text: String,
}

/// One schema as registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSchema {
    /// Its id.
    pub id: SchemaId,
    /// Its language.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: Arc<str>,
    /// Everything it refers to, transitively, dependencies first.
    pub references: Vec<Reference>,
}

/// A schema under a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectVersion {
    /// The subject (`orders-value`).
    pub subject: String,
    /// Its version there, from 1.
    pub version: i32,
    /// The schema.
    pub schema: Arc<RegisteredSchema>,
}

/// A schema registry.
#[async_trait]
pub trait Registry: Debug + Send + Sync {
    /// Where it is, for banners and errors; never with credentials.
    fn location(&self) -> String;

    /// The schema with this id; `None` when the registry has none.
    ///
    /// # Errors
    /// [`crate::error::Kind::Connect`] when the registry cannot be asked.
    async fn by_id(&self, id: SchemaId) -> Result<Option<Arc<RegisteredSchema>>>;

    /// The newest version under `subject`; `None` when the subject is not there.
    async fn latest(&self, subject: &str) -> Result<Option<SubjectVersion>>;

    /// One version under `subject`.
    async fn version(&self, subject: &str, version: i32) -> Result<Option<SubjectVersion>>;

    /// Version numbers under `subject`, ascending; empty when it is not there.
    async fn versions(&self, subject: &str) -> Result<Vec<i32>>;

    /// All subjects, sorted.
    async fn subjects(&self) -> Result<Vec<String>>;

    /// Registers `text` under `subject`, or finds it there; returns its id.
    ///
    /// # Errors
    /// The text is not a schema, or is not compatible with what the subject holds.
    async fn register(&self, subject: &str, schema_type: SchemaType, text: &str) -> Result<SchemaId>;

    /// Forgets the subject (what `DROP … DELETE TOPIC` does).
    async fn delete_subject(&self, subject: &str) -> Result<()>;
}
