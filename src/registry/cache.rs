//! One cache per process in front of a registry.
//!
//! | answer                              | believed                                                          |
//! |-------------------------------------|-------------------------------------------------------------------|
//! | schema by id                        | for good: an id never changes its meaning, not even when deleted  |
//! | latest version, version by number   | [`FRESH`]: others register and delete; a number may be given again |
//! | "no such id, subject or version"    | [`MISSING_FRESH`]: someone may be registering it right now        |
//! | lists of versions and of subjects   | not at all: who lists wants to see what is there                  |
//! | a failure                           | not at all                                                        |
//!
//! What this process registers or deletes is seen by it at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{RegisteredSchema, Registry, SchemaId, SchemaType, SubjectVersion};
use crate::error::Result;

/// How long a version under a subject, the latest among them, is believed.
const FRESH: Duration = Duration::from_secs(10);
/// How long an id or a version that was not there is believed missing.
const MISSING_FRESH: Duration = Duration::from_secs(3);
/// Entries of each kind; when there are more, that kind starts anew.
const MAX_ENTRIES: usize = 10_000;
/// Bytes of schemas kept by id; when there are more, they start anew.
const MAX_SCHEMA_BYTES: usize = 64 << 20;

/// A registry behind a cache.
#[derive(Debug)]
pub struct Cached {
    inner: Arc<dyn Registry>,
    kept: Mutex<Kept>,
    fresh: Duration,
    missing_fresh: Duration,
}

#[derive(Debug, Default)]
struct Kept {
    /// Counts what this process changed: an answer to a question from before a change is not kept.
    changes: u64,
    schemas: HashMap<SchemaId, Arc<RegisteredSchema>>,
    schema_bytes: usize,
    missing: HashMap<SchemaId, Instant>,
    /// By subject and version; no version is the latest.
    versions: HashMap<(String, Option<i32>), (Instant, Option<SubjectVersion>)>,
}

impl Kept {
    fn keep_schema(&mut self, id: SchemaId, schema: &Arc<RegisteredSchema>) {
        let bytes = bytes(schema);
        if bytes > MAX_SCHEMA_BYTES {
            return;
        }
        if self.schemas.len() >= MAX_ENTRIES || self.schema_bytes + bytes > MAX_SCHEMA_BYTES {
            self.schemas.clear();
            self.schema_bytes = 0;
        }
        if self.schemas.insert(id, Arc::clone(schema)).is_none() {
            self.schema_bytes += bytes;
        }
        self.missing.remove(&id);
    }

    fn keep_missing(&mut self, id: SchemaId) {
        if self.missing.len() >= MAX_ENTRIES {
            self.missing.clear();
        }
        self.missing.insert(id, Instant::now());
    }

    fn keep_version(&mut self, key: (String, Option<i32>), found: &Option<SubjectVersion>) {
        if self.versions.len() >= MAX_ENTRIES {
            self.versions.clear();
        }
        self.versions.insert(key, (Instant::now(), found.clone()));
    }

    /// Forgets what a change to `subject` may have made wrong.
    fn changed(&mut self, subject: &str) {
        self.changes += 1;
        self.versions.retain(|(s, _), _| s != subject);
        self.missing.clear();
    }
}

/// The memory that a schema takes, about.
fn bytes(schema: &RegisteredSchema) -> usize {
    schema.text.len() + schema.references.iter().map(|r| r.text.len()).sum::<usize>()
}

impl Cached {
    /// A cache in front of `inner`.
    pub fn new(inner: Arc<dyn Registry>) -> Self {
        Cached { inner, kept: Mutex::default(), fresh: FRESH, missing_fresh: MISSING_FRESH }
    }

    async fn subject_version(&self, subject: &str, version: Option<i32>) -> Result<Option<SubjectVersion>> {
        let key = (subject.to_string(), version);
        let changes = {
            let kept = self.kept.lock();
            if let Some((at, found)) = kept.versions.get(&key) {
                let fresh = if found.is_some() { self.fresh } else { self.missing_fresh };
                if at.elapsed() < fresh {
                    return Ok(found.clone());
                }
            }
            kept.changes
        };
        let found = match version {
            None => self.inner.latest(subject).await?,
            Some(version) => self.inner.version(subject, version).await?,
        };
        let mut kept = self.kept.lock();
        if kept.changes == changes {
            kept.keep_version(key, &found);
        }
        Ok(found)
    }
}

#[async_trait]
impl Registry for Cached {
    fn location(&self) -> String {
        self.inner.location()
    }

    async fn by_id(&self, id: SchemaId) -> Result<Option<Arc<RegisteredSchema>>> {
        let changes = {
            let kept = self.kept.lock();
            if let Some(schema) = kept.schemas.get(&id) {
                return Ok(Some(Arc::clone(schema)));
            }
            if kept.missing.get(&id).is_some_and(|at| at.elapsed() < self.missing_fresh) {
                return Ok(None);
            }
            kept.changes
        };
        let found = self.inner.by_id(id).await?;
        let mut kept = self.kept.lock();
        match &found {
            Some(schema) => kept.keep_schema(id, schema),
            None if kept.changes == changes => kept.keep_missing(id),
            None => {}
        }
        Ok(found)
    }

    async fn latest(&self, subject: &str) -> Result<Option<SubjectVersion>> {
        self.subject_version(subject, None).await
    }

    async fn version(&self, subject: &str, version: i32) -> Result<Option<SubjectVersion>> {
        self.subject_version(subject, Some(version)).await
    }

    async fn versions(&self, subject: &str) -> Result<Vec<i32>> {
        self.inner.versions(subject).await
    }

    async fn subjects(&self) -> Result<Vec<String>> {
        self.inner.subjects().await
    }

    async fn register(&self, subject: &str, schema_type: SchemaType, text: &str) -> Result<SchemaId> {
        let registered = self.inner.register(subject, schema_type, text).await;
        // Also after a failure: the registry may have done it and only the answer was lost.
        self.kept.lock().changed(subject);
        registered
    }

    async fn delete_subject(&self, subject: &str) -> Result<()> {
        let deleted = self.inner.delete_subject(subject).await;
        self.kept.lock().changed(subject);
        deleted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// A registry that knows what it was told, counts what it is asked, and can be made to fail.
    #[derive(Debug, Default)]
    struct Counting {
        state: Mutex<State>,
        /// Where something is registered while the next answer about a latest version is on its way.
        meanwhile: Mutex<Option<Arc<Cached>>>,
    }

    #[derive(Debug, Default)]
    struct State {
        asked: usize,
        fails: bool,
        latest: Option<SubjectVersion>,
    }

    impl Counting {
        fn ask(&self) -> Result<Option<SubjectVersion>> {
            let mut state = self.state.lock();
            state.asked += 1;
            if state.fails { Err(Error::connect("down")) } else { Ok(state.latest.clone()) }
        }
    }

    fn version(version: i32, id: SchemaId) -> SubjectVersion {
        let schema =
            RegisteredSchema { id, schema_type: SchemaType::Avro, text: "\"int\"".into(), references: Vec::new() };
        SubjectVersion { subject: "s".into(), version, schema: Arc::new(schema) }
    }

    #[async_trait]
    impl Registry for Counting {
        fn location(&self) -> String {
            "here".into()
        }
        async fn by_id(&self, id: SchemaId) -> Result<Option<Arc<RegisteredSchema>>> {
            Ok(self.ask()?.map(|v| v.schema).filter(|s| s.id == id))
        }
        async fn latest(&self, _: &str) -> Result<Option<SubjectVersion>> {
            let found = self.ask();
            let meanwhile = self.meanwhile.lock().take();
            if let Some(cache) = meanwhile {
                cache.register("s", SchemaType::Avro, "\"int\"").await?;
            }
            found
        }
        async fn version(&self, _: &str, version: i32) -> Result<Option<SubjectVersion>> {
            Ok(self.ask()?.filter(|v| v.version == version))
        }
        async fn versions(&self, _: &str) -> Result<Vec<i32>> {
            Ok(self.ask()?.iter().map(|v| v.version).collect())
        }
        async fn subjects(&self) -> Result<Vec<String>> {
            Ok(self.ask()?.into_iter().map(|v| v.subject).collect())
        }
        async fn register(&self, _: &str, _: SchemaType, _: &str) -> Result<SchemaId> {
            let next = self.state.lock().latest.as_ref().map_or(1, |v| v.version + 1);
            self.state.lock().latest = Some(version(next, next * 10));
            if self.state.lock().fails { Err(Error::connect("down")) } else { Ok(next * 10) }
        }
        async fn delete_subject(&self, _: &str) -> Result<()> {
            self.state.lock().latest = None;
            Ok(())
        }
    }

    fn cached() -> (Arc<Counting>, Cached) {
        let inner = Arc::new(Counting::default());
        (Arc::clone(&inner), Cached::new(inner))
    }

    /// How often the registry was asked since the last time.
    fn asked(inner: &Counting) -> usize {
        std::mem::take(&mut inner.state.lock().asked)
    }

    #[tokio::test]
    async fn an_id_is_asked_for_once_and_versions_once_in_a_while() {
        let (inner, mut cache) = cached();
        inner.state.lock().latest = Some(version(1, 10));
        for _ in 0..3 {
            assert_eq!(cache.by_id(10).await.unwrap().unwrap().id, 10);
            assert_eq!(cache.latest("s").await.unwrap(), Some(version(1, 10)));
            assert_eq!(cache.version("s", 1).await.unwrap(), Some(version(1, 10)));
            assert_eq!(cache.version("s", 2).await.unwrap(), None);
            assert_eq!(cache.by_id(11).await.unwrap(), None);
        }
        assert_eq!(asked(&inner), 5);
        for _ in 0..3 {
            assert_eq!(cache.versions("s").await.unwrap(), [1]);
            assert_eq!(cache.subjects().await.unwrap(), ["s"]);
        }
        assert_eq!(asked(&inner), 6);

        // Later: only the id is still believed.
        (cache.fresh, cache.missing_fresh) = (Duration::ZERO, Duration::ZERO);
        inner.state.lock().latest = Some(version(2, 20));
        assert_eq!(cache.by_id(10).await.unwrap().unwrap().id, 10);
        assert_eq!(asked(&inner), 0);
        assert_eq!(cache.latest("s").await.unwrap(), Some(version(2, 20)));
        assert_eq!(cache.version("s", 2).await.unwrap(), Some(version(2, 20)));
        assert_eq!(cache.by_id(20).await.unwrap().unwrap().id, 20);
        assert_eq!(asked(&inner), 3);
    }

    #[tokio::test]
    async fn own_changes_are_seen_at_once() {
        let (inner, cache) = cached();
        assert_eq!(cache.latest("s").await.unwrap(), None);
        assert_eq!(cache.by_id(10).await.unwrap(), None);
        assert_eq!(cache.register("s", SchemaType::Avro, "\"int\"").await.unwrap(), 10);
        assert_eq!(cache.latest("s").await.unwrap(), Some(version(1, 10)));
        assert!(cache.by_id(10).await.unwrap().is_some());
        // The registry did it and its answer was lost.
        inner.state.lock().fails = true;
        cache.register("s", SchemaType::Avro, "\"int\"").await.unwrap_err();
        inner.state.lock().fails = false;
        assert_eq!(cache.latest("s").await.unwrap(), Some(version(2, 20)));
        cache.delete_subject("s").await.unwrap();
        assert_eq!(cache.latest("s").await.unwrap(), None);
        assert!(cache.by_id(10).await.unwrap().is_some(), "records with this id are still there");
    }

    #[tokio::test]
    async fn an_answer_from_before_a_change_is_not_kept() {
        let (inner, cache) = cached();
        let cache = Arc::new(cache);
        inner.state.lock().latest = Some(version(1, 10));
        *inner.meanwhile.lock() = Some(Arc::clone(&cache));
        assert_eq!(cache.latest("s").await.unwrap(), Some(version(1, 10)));
        assert_eq!(cache.latest("s").await.unwrap(), Some(version(2, 20)));
    }

    #[tokio::test]
    async fn failures_are_not_kept() {
        let (inner, cache) = cached();
        inner.state.lock().fails = true;
        cache.latest("s").await.unwrap_err();
        cache.by_id(10).await.unwrap_err();
        inner.state.lock().fails = false;
        inner.state.lock().latest = Some(version(1, 10));
        assert!(cache.latest("s").await.unwrap().is_some());
        assert!(cache.by_id(10).await.unwrap().is_some());
    }

    #[test]
    fn nothing_grows_without_a_limit() {
        let mut kept = Kept::default();
        let text = "x".repeat(MAX_SCHEMA_BYTES / 4);
        for id in 0..20 {
            let text = text.as_str().into();
            let schema = RegisteredSchema { id, schema_type: SchemaType::Json, text, references: Vec::new() };
            kept.keep_schema(id, &Arc::new(schema));
            assert!(kept.schemas.values().map(|s| s.text.len()).sum::<usize>() <= MAX_SCHEMA_BYTES);
            assert!(kept.schemas.contains_key(&id));
        }
        for n in 0..i32::try_from(MAX_ENTRIES).unwrap() * 2 {
            kept.keep_missing(n);
            kept.keep_version(("s".into(), Some(n)), &None);
        }
        assert!(kept.missing.len() <= MAX_ENTRIES && kept.versions.len() <= MAX_ENTRIES);
    }
}
