//! One cache per process in front of a registry: schemas by id are kept for good (an id never changes its meaning), what
//! moves is believed for a short while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{RegisteredSchema, Registry, SchemaId, SchemaType, SubjectVersion};
use crate::error::Result;

/// How long a subject's latest version is believed.
const LATEST_FRESH: Duration = Duration::from_secs(10);
/// How long an id or a subject that was not there is believed missing.
const MISSING_FRESH: Duration = Duration::from_secs(3);
/// Schemas kept; when there are more the cache starts anew.
const MAX_ENTRIES: usize = 10_000;

type Timed<T> = (Instant, Option<T>);

/// A registry behind a cache.
#[derive(Debug)]
pub struct Cached {
    inner: Arc<dyn Registry>,
    by_id: Mutex<HashMap<SchemaId, Timed<Arc<RegisteredSchema>>>>,
    latest: Mutex<HashMap<String, Timed<SubjectVersion>>>,
}

impl Cached {
    /// A cache in front of `inner`.
    pub fn new(inner: Arc<dyn Registry>) -> Self {
        Cached { inner, by_id: Mutex::default(), latest: Mutex::default() }
    }
}

fn room<K, V>(map: &mut HashMap<K, V>) {
    if map.len() >= MAX_ENTRIES {
        map.clear();
    }
}

#[async_trait]
impl Registry for Cached {
    fn location(&self) -> String {
        self.inner.location()
    }

    async fn by_id(&self, id: SchemaId) -> Result<Option<Arc<RegisteredSchema>>> {
        let known = self.by_id.lock().get(&id).cloned();
        match known {
            Some((_, Some(schema))) => return Ok(Some(schema)),
            Some((at, None)) if at.elapsed() < MISSING_FRESH => return Ok(None),
            _ => {}
        }
        let found = self.inner.by_id(id).await?;
        let mut by_id = self.by_id.lock();
        room(&mut by_id);
        by_id.insert(id, (Instant::now(), found.clone()));
        Ok(found)
    }

    async fn latest(&self, subject: &str) -> Result<Option<SubjectVersion>> {
        let known = self.latest.lock().get(subject).cloned();
        if let Some((at, found)) = known {
            let fresh = if found.is_some() { LATEST_FRESH } else { MISSING_FRESH };
            if at.elapsed() < fresh {
                return Ok(found);
            }
        }
        let found = self.inner.latest(subject).await?;
        let mut latest = self.latest.lock();
        room(&mut latest);
        latest.insert(subject.to_string(), (Instant::now(), found.clone()));
        Ok(found)
    }

    async fn version(&self, subject: &str, version: i32) -> Result<Option<SubjectVersion>> {
        self.inner.version(subject, version).await
    }

    async fn versions(&self, subject: &str) -> Result<Vec<i32>> {
        self.inner.versions(subject).await
    }

    async fn subjects(&self) -> Result<Vec<String>> {
        self.inner.subjects().await
    }

    async fn register(&self, subject: &str, schema_type: SchemaType, text: &str) -> Result<SchemaId> {
        let id = self.inner.register(subject, schema_type, text).await?;
        self.latest.lock().remove(subject);
        self.by_id.lock().retain(|_, (_, schema)| schema.is_some());
        Ok(id)
    }

    async fn delete_subject(&self, subject: &str) -> Result<()> {
        self.inner.delete_subject(subject).await?;
        self.latest.lock().remove(subject);
        Ok(())
    }
}
