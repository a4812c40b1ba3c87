//! What lives once per process: the connector, the registry cache, the declared streams, the execution runtime.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use datafusion::execution::SessionState;
use datafusion::execution::context::SessionConfig;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use parking_lot::Mutex;

use crate::catalog::definitions::{self, Definitions, Stream};
use crate::catalog::shape::{self, Shape};
use crate::config::{Cluster, Config, RegistryConfig};
use crate::connect::kafka::Kafka;
use crate::connect::local::Local;
use crate::connect::memory::Memory;
use crate::connect::{Connector, Topic};
use crate::error::Result;
use crate::registry::Registry;
use crate::registry::cache::Cached;
use crate::registry::http::{self, Http};
use crate::registry::local::Beside;
use crate::session::names::Names;

/// How long what is known of topics and their shapes is believed.
const FRESH: Duration = Duration::from_secs(5);

/// How many of the greatest consumers of memory an error names when there is no more.
const CONSUMERS_NAMED: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(4);

/// The engine behind all sessions.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    connector: Arc<dyn Connector>,
    registry: Option<Arc<dyn Registry>>,
    state: std::sync::OnceLock<SessionState>,
    topics: Mutex<Option<(Instant, Arc<Vec<Topic>>)>>,
    definitions: Mutex<Option<(Instant, Arc<Definitions>)>>,
    shapes: Mutex<HashMap<String, (Instant, Arc<Shape>)>>,
    /// How often what is cached was dropped: what was asked for before must not come back after.
    changes: AtomicU64,
    pub(super) names: Mutex<(Option<Instant>, Arc<Names>)>,
}

impl Engine {
    /// Starts an engine. Makes no network call: a cluster is contacted when a statement first needs it. Must be called
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// A local log that cannot be opened, or properties librdkafka refuses.
    pub async fn open(config: Config) -> Result<Arc<Engine>> {
        let connector: Arc<dyn Connector> = match &config.cluster {
            Cluster::Local { dir } => Arc::new(Local::open(dir)?),
            Cluster::Kafka { properties } => Arc::new(Kafka::new(properties.clone())?),
            Cluster::Memory => Arc::new(Memory::new()),
        };
        Self::with_connector(config, connector)
    }

    /// An engine on a connector that is already there; `config.cluster` is not looked at.
    ///
    /// # Errors
    /// A registry configuration that cannot be used.
    pub fn with_connector(config: Config, connector: Arc<dyn Connector>) -> Result<Arc<Engine>> {
        let registry: Option<Arc<dyn Registry>> = match &config.registry {
            RegistryConfig::None => None,
            RegistryConfig::Beside => Some(Arc::new(Cached::new(Arc::new(Beside::new(Arc::clone(&connector)))))),
            RegistryConfig::Http { urls, basic, bearer, ca_file } => {
                let options = http::Options {
                    urls: urls.clone(),
                    basic: basic.clone(),
                    bearer: bearer.clone(),
                    ca_file: ca_file.clone(),
                };
                Some(Arc::new(Cached::new(Arc::new(Http::new(options)?))))
            }
        };
        Ok(Arc::new(Engine {
            config,
            connector,
            registry,
            state: std::sync::OnceLock::new(),
            topics: Mutex::default(),
            definitions: Mutex::default(),
            shapes: Mutex::default(),
            changes: AtomicU64::default(),
            names: Mutex::default(),
        }))
    }

    /// What it was started with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where topics are.
    pub fn connector(&self) -> &Arc<dyn Connector> {
        &self.connector
    }

    /// Where topics are, in words: `the local log /data`, `kafka broker:9092`.
    pub(super) fn place(&self) -> String {
        match (self.connector.kind(), self.connector.location()) {
            (kind, location) if kind == location => location,
            ("local", location) => format!("the local log {location}"),
            (kind, location) => format!("{kind} {location}"),
        }
    }

    /// Where schemas are.
    pub fn registry(&self) -> Option<&Arc<dyn Registry>> {
        self.registry.as_ref()
    }

    /// The planner's state that every statement starts from.
    ///
    /// # Errors
    /// A runtime that cannot be built (no folder to spill to).
    pub(super) fn state(&self) -> Result<&SessionState> {
        if let Some(state) = self.state.get() {
            return Ok(state);
        }
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(self.pool()).build_arc().map_err(super::plan_error)?;
        let mut config = SessionConfig::new()
            .with_default_catalog_and_schema("weir", "public")
            .with_create_default_catalog_and_schema(false)
            // The statement's catalog brings its own.
            .with_information_schema(false)
            .with_target_partitions(self.config.threads)
            .with_collect_statistics(false);
        // Scans have as many streams as there are threads; where they have one, the order of its rows is to be kept.
        config.options_mut().optimizer.enable_round_robin_repartition = false;
        config.options_mut().sql_parser.enable_ident_normalization = false;
        config.options_mut().sql_parser.collect_spans = true;
        config.options_mut().explain.format = datafusion::common::format::ExplainFormat::Indent;
        let mut state =
            SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features().build();
        for function in crate::function::scalars() {
            datafusion::execution::FunctionRegistry::register_udf(&mut state, function).map_err(super::plan_error)?;
        }
        Ok(self.state.get_or_init(|| state))
    }

    /// What one statement runs in: memory of its own, up to the limit, and the folder to spill to that all share.
    ///
    /// # Errors
    /// As [`Engine::state`].
    pub(super) fn runtime(&self) -> Result<Arc<RuntimeEnv>> {
        RuntimeEnvBuilder::from_runtime_env(self.state()?.runtime_env())
            .with_memory_pool(self.pool())
            .build_arc()
            .map_err(super::plan_error)
    }

    fn pool(&self) -> Arc<dyn MemoryPool> {
        Arc::new(TrackConsumersPool::new(FairSpillPool::new(self.config.memory_bytes), CONSUMERS_NAMED))
    }

    /// All topics, at most a few seconds old.
    pub(super) async fn topics(&self) -> Result<Arc<Vec<Topic>>> {
        let cached = self.topics.lock().as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, t)| Arc::clone(t));
        if let Some(topics) = cached {
            return Ok(topics);
        }
        let before = self.changes.load(Ordering::SeqCst);
        let topics = Arc::new(self.connector.topics().await?);
        let mut cached = self.topics.lock();
        if self.changes.load(Ordering::SeqCst) == before {
            *cached = Some((Instant::now(), Arc::clone(&topics)));
        }
        Ok(topics)
    }

    /// The declared streams, at most a few seconds old.
    pub(super) async fn definitions(&self) -> Result<Arc<Definitions>> {
        let cached =
            self.definitions.lock().as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, d)| Arc::clone(d));
        if let Some(definitions) = cached {
            return Ok(definitions);
        }
        let before = self.changes.load(Ordering::SeqCst);
        // The list of topics is needed anyway, and tells whether there is anything to load.
        let declared = self.topics().await?.iter().any(|t| &*t.name == definitions::TOPIC);
        let loaded = if declared { Definitions::load(self.connector.as_ref()).await? } else { Definitions::default() };
        let loaded = Arc::new(loaded);
        let mut cached = self.definitions.lock();
        if self.changes.load(Ordering::SeqCst) == before {
            *cached = Some((Instant::now(), Arc::clone(&loaded)));
        }
        Ok(loaded)
    }

    /// Writes a definition's statement down.
    pub(super) async fn define(&self, text: &str) -> Result<()> {
        definitions::record(self.connector.as_ref(), text).await?;
        self.forget();
        Ok(())
    }

    /// Drops everything cached about topics, after a change that this process made.
    pub(super) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        *self.topics.lock() = None;
        *self.definitions.lock() = None;
        self.shapes.lock().clear();
        self.names.lock().0 = None;
    }

    /// The shape of a topic that nobody declared.
    pub(super) async fn shape(&self, topic: &str, sample_records: u64) -> Result<Arc<Shape>> {
        let cached = self.shapes.lock().get(topic).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, s)| Arc::clone(s));
        if let Some(shape) = cached {
            return Ok(shape);
        }
        let before = self.changes.load(Ordering::SeqCst);
        let registry = self.registry.as_deref();
        let found = Arc::new(shape::discover(self.connector.as_ref(), registry, topic, sample_records).await?);
        let mut cached = self.shapes.lock();
        if self.changes.load(Ordering::SeqCst) == before {
            cached.insert(topic.to_string(), (Instant::now(), Arc::clone(&found)));
        }
        Ok(found)
    }

    /// The shape of a declared stream.
    pub(super) async fn stream_shape(&self, stream: &Stream, sample_records: u64) -> Result<Arc<Shape>> {
        let exists = self.topics().await?.iter().any(|t| t.name == stream.topic);
        let keys_and_values = stream.columns.iter().any(|(_, key)| *key) && stream.columns.iter().any(|(_, key)| !*key);
        let needs_discovery = exists && (!keys_and_values || stream.value_format.as_deref() == Some("avro"));
        let found = if needs_discovery { Some(self.shape(&stream.topic, sample_records).await?) } else { None };
        Ok(Arc::new(stream.shape(found.as_deref())?))
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;
    use crate::error::Kind;
    use crate::session::response::Response;
    use crate::session::{Responses, Session};
    use crate::sql::params::Params;

    const JOIN: &str =
        "SELECT a.value FROM generate_series(1, 100000) a JOIN generate_series(1, 100000) b ON a.value = b.value";

    async fn join(memory_bytes: usize) -> (Session, Responses) {
        let config = Config { memory_bytes, threads: 2, ..Config::new(Cluster::Memory) };
        let session = Session::new(Engine::open(config).await.unwrap());
        let responses = session.execute(JOIN, &Params::new());
        (session, responses)
    }

    async fn rows(responses: &mut Responses) -> Result<u64> {
        while let Some(response) = responses.next().await {
            if let Response::Receipt(receipt) = response? {
                return Ok(receipt.rows);
            }
        }
        Ok(0)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_statement_has_memory_of_its_own() {
        // As much as one such statement needs: two do not fit in it together.
        let mut memory_bytes = 1 << 18;
        while let Err(error) = rows(&mut join(memory_bytes).await.1).await {
            assert_eq!(error.kind(), Kind::Limit);
            assert_eq!(error.message(), "the query needs more memory than it may use");
            memory_bytes *= 2;
        }
        assert!(memory_bytes > 1 << 18);
        let (session, mut held) = join(memory_bytes).await;
        while !matches!(held.next().await.unwrap().unwrap(), Response::Rows(_)) {}
        let second = Session::new(Arc::clone(session.engine()));
        assert_eq!(rows(&mut second.execute(JOIN, &Params::new())).await.unwrap(), 100_000);
        assert_eq!(rows(&mut held).await.unwrap(), 100_000);
    }
}
