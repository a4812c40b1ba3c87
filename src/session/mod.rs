//! The facade every front stands on: text in, a stream of [`Response`]s out.

pub mod engine;
pub mod names;
pub mod response;

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;

use crate::config::settings::Settings;
use crate::error::Result;
use crate::sql::params::Params;
use engine::Engine;
use names::Names;
use response::{Progress, Response};

/// Responses of one [`Session::execute`] call; ends after the first error. Dropping it cancels what runs.
pub type Responses = Pin<Box<dyn Stream<Item = Result<Response>> + Send>>;

/// One person's or client's conversation with the engine: its settings and what runs for it. Cheap to clone; clones are
/// the same session.
#[derive(Debug, Clone)]
pub struct Session {
    engine: Arc<Engine>,
    state: Arc<parking_lot::Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    settings: Settings,
}

impl Session {
    /// A new session with the settings' defaults.
    pub fn new(engine: Arc<Engine>) -> Self {
        Session { engine, state: Arc::default() }
    }

    /// Runs every statement in `text`, one after the other, stopping at the first error. Spans in responses and errors are
    /// byte ranges of `text`.
    pub fn execute(&self, text: &str, params: &Params) -> Responses {
        let _ = (text, params, &self.engine);
        Box::pin(futures::stream::empty())
    }

    /// Parses and plans every statement in `text` without running any. CREATE statements in it are visible to the statements
    /// after them.
    ///
    /// # Errors
    /// The first statement that could not run.
    pub async fn check(&self, text: &str, params: &Params) -> Result<()> {
        let _ = (text, params);
        Ok(())
    }

    /// Where the running statement stands; all zero when none runs.
    pub fn progress(&self) -> Progress {
        Progress::default()
    }

    /// A copy of the settings in force.
    pub fn settings(&self) -> Settings {
        self.state.lock().settings.clone()
    }

    /// Changes a setting, as `SET name = value` does.
    ///
    /// # Errors
    /// See [`Settings::set`].
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        self.state.lock().settings.set(name, value)
    }

    /// What is known of topics, columns and functions right now, for completion: never blocks, may be stale or empty;
    /// a refresh starts in the background when it is old.
    pub fn names(&self) -> Arc<Names> {
        Arc::default()
    }
}
