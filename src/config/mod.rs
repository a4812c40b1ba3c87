//! What weir was told at start, as plain values: which cluster, which registry, which limits. No I/O but reading files and
//! environment variables that the caller names.

pub mod properties;
pub mod resolve;
pub mod settings;
pub mod translate;

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which peer serves the topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cluster {
    /// The local log in a folder.
    Local {
        /// The folder; made when missing.
        dir: PathBuf,
    },
    /// A Kafka cluster.
    Kafka {
        /// librdkafka properties, `bootstrap.servers` among them.
        properties: BTreeMap<String, String>,
    },
    /// In-process topics, gone at exit; for tests.
    Memory,
}

/// Which schema registry to use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RegistryConfig {
    /// None: framed records show their raw bytes.
    #[default]
    None,
    /// Beside the topics, in `_schemas` (local log and memory).
    Beside,
    /// A server with Confluent's REST API.
    Http {
        /// Base URLs, tried in turn.
        urls: Vec<String>,
        /// `user`, `password` for basic authentication.
        basic: Option<(String, String)>,
        /// Bearer token.
        bearer: Option<String>,
        /// PEM file with the certificates to trust, beside the system's.
        ca_file: Option<PathBuf>,
    },
}

/// Everything an [`crate::session::engine::Engine`] needs to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Topics.
    pub cluster: Cluster,
    /// Schemas.
    pub registry: RegistryConfig,
    /// Bytes of memory that one statement may use; more spills to disk.
    pub memory_bytes: usize,
    /// Threads for execution and reading; the machine's cores by default.
    pub threads: usize,
    /// Whether statements may name files (`FROM 'x.csv'`, `COPY … TO`). Servers say no.
    pub files: bool,
    /// Whether statements may write to topics.
    pub writes: bool,
}

impl Config {
    /// The defaults around `cluster`, with the registry that fits it.
    pub fn new(cluster: Cluster) -> Self {
        let registry = match cluster {
            Cluster::Kafka { .. } => RegistryConfig::None,
            Cluster::Local { .. } | Cluster::Memory => RegistryConfig::Beside,
        };
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Config { cluster, registry, memory_bytes: 256 << 20, threads, files: true, writes: true }
    }
}
