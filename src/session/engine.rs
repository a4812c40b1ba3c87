//! What lives once per process: the connector, the registry cache, the execution runtime.

use std::sync::Arc;

use crate::config::Config;
use crate::error::Result;

/// The engine behind all sessions.
#[derive(Debug)]
pub struct Engine {
    config: Config,
}

impl Engine {
    /// Starts an engine. Makes no network call: a cluster is contacted when a statement first needs it. Must be called
    /// inside a tokio runtime.
    ///
    /// # Errors
    /// A local log that cannot be opened, or properties librdkafka refuses.
    pub async fn open(config: Config) -> Result<Arc<Engine>> {
        Ok(Arc::new(Engine { config }))
    }

    /// What it was started with.
    pub fn config(&self) -> &Config {
        &self.config
    }
}
