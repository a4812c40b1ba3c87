//! What lives once per process: the connector, the registry cache, the declared streams, the execution runtime.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::execution::SessionState;
use datafusion::execution::context::SessionConfig;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use parking_lot::Mutex;

use crate::catalog::definitions::{self, Definitions, Stream};
use crate::catalog::shape::{self, Shape};
use crate::config::{Cluster, Config, RegistryConfig};
use crate::connect::kafka::Kafka;
use crate::connect::local::Local;
use crate::connect::memory::Memory;
use crate::connect::{Connector, Topic};
use crate::error::{Error, Result};
use crate::registry::Registry;
use crate::registry::cache::Cached;
use crate::registry::http::{self, Http};
use crate::registry::local::Beside;
use crate::session::names::Names;

/// How long what is known of topics and their shapes is believed.
const FRESH: Duration = Duration::from_secs(5);

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
        let pool = FairSpillPool::new(self.config.memory_bytes);
        let consumers = std::num::NonZeroUsize::new(5).ok_or_else(|| Error::internal("five is zero"))?;
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(TrackConsumersPool::new(pool, consumers)))
            .build_arc()
            .map_err(super::plan_error)?;
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

    /// All topics, at most a few seconds old.
    pub(super) async fn topics(&self) -> Result<Arc<Vec<Topic>>> {
        let cached = self.topics.lock().as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, t)| Arc::clone(t));
        if let Some(topics) = cached {
            return Ok(topics);
        }
        let topics = Arc::new(self.connector.topics().await?);
        *self.topics.lock() = Some((Instant::now(), Arc::clone(&topics)));
        Ok(topics)
    }

    /// The declared streams, at most a few seconds old.
    pub(super) async fn definitions(&self) -> Result<Arc<Definitions>> {
        let cached =
            self.definitions.lock().as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, d)| Arc::clone(d));
        if let Some(definitions) = cached {
            return Ok(definitions);
        }
        // The list of topics is needed anyway, and tells whether there is anything to load.
        let declared = self.topics().await?.iter().any(|t| &*t.name == definitions::TOPIC);
        let loaded = if declared { Definitions::load(self.connector.as_ref()).await? } else { Definitions::default() };
        let loaded = Arc::new(loaded);
        *self.definitions.lock() = Some((Instant::now(), Arc::clone(&loaded)));
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
        let registry = self.registry.as_deref();
        let found = Arc::new(shape::discover(self.connector.as_ref(), registry, topic, sample_records).await?);
        self.shapes.lock().insert(topic.to_string(), (Instant::now(), Arc::clone(&found)));
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
