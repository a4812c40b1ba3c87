//! What weir was told at start, as plain values: which cluster, which registry, which limits. No I/O but reading files and
//! environment variables that the caller names.

pub mod properties;
pub mod resolve;
pub mod settings;
pub mod translate;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Which peer serves the topics.
#[derive(Clone, PartialEq, Eq)]
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
#[derive(Clone, PartialEq, Eq, Default)]
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

/// Without secrets.
impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cluster::Local { dir } => f.debug_struct("Local").field("dir", dir).finish(),
            Cluster::Kafka { properties } => {
                let open = properties.iter().filter(|(name, _)| !translate::is_secret(name));
                f.debug_map().entries(open).finish()
            }
            Cluster::Memory => f.write_str("Memory"),
        }
    }
}

/// Without secrets.
impl fmt::Debug for RegistryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegistryConfig::None => f.write_str("None"),
            RegistryConfig::Beside => f.write_str("Beside"),
            RegistryConfig::Http { urls, ca_file, .. } => {
                f.debug_struct("Http").field("urls", urls).field("ca_file", ca_file).finish_non_exhaustive()
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        let properties = [("bootstrap.servers", "h:1"), ("sasl.password", "hunter2"), ("ssl.key.pem", "hunter2")];
        let cluster = Cluster::Kafka { properties: properties.map(|(n, v)| (n.into(), v.into())).into() };
        let registry = RegistryConfig::Http {
            urls: vec!["http://r".into()],
            basic: Some(("me".into(), "hunter2".into())),
            bearer: Some("hunter2".into()),
            ca_file: None,
        };
        let printed = format!("{:?}", Config { registry, ..Config::new(cluster) });
        assert!(printed.contains("h:1") && printed.contains("http://r") && !printed.contains("hunter2"), "{printed}");
    }
}
