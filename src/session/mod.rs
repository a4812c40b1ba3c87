//! The facade every front stands on: text in, a stream of [`Response`]s out.

mod copy;
mod define;
pub mod engine;
mod information;
pub mod names;
mod prepare;
mod resolve;
pub mod response;
mod run;
mod show;
mod suggest;

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{FutureExt as _, Stream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::bounded::column::Meta;
pub use crate::bounded::plan_error::plan_error;
use crate::bounded::statement::{OnError, Statement as Running};
use crate::catalog::definitions::{Definitions, Stream as DeclaredStream};
use crate::config::settings::Settings;
use crate::connect::Isolation;
use crate::error::{Error, Result};
use crate::sql::ast::{Query, Statement};
use crate::sql::params::Params;
use crate::sql::split::Places;
use crate::sql::{parser, split};
use engine::Engine;
use names::Names;
use prepare::Prepared;
pub use resolve::FILE_KINDS;
use resolve::Resolver;
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
    running: Option<Arc<Running>>,
    /// How many texts were begun.
    texts: u64,
    /// Topics that were spoken about; never more than there are.
    mentioned: HashSet<String>,
}

impl Session {
    /// A new session with the settings' defaults.
    pub fn new(engine: Arc<Engine>) -> Self {
        Session { engine, state: Arc::default() }
    }

    /// Runs every statement in `text`, one after the other, stopping at the first error. Spans in responses and errors are
    /// byte ranges of `text`. Must be called inside a tokio runtime.
    pub fn execute(&self, text: &str, params: &Params) -> Responses {
        let (out, responses) = mpsc::channel(4);
        let task = tokio::spawn(run::script(self.clone(), text.to_string(), params.clone(), out));
        Box::pin(TaskResponses { responses, task })
    }

    /// Parses and plans every statement in `text` without running any. CREATE statements in it are visible to the statements
    /// after them.
    ///
    /// # Errors
    /// The first statement that could not run.
    pub async fn check(&self, text: &str, params: &Params) -> Result<()> {
        let places = Places::new(text);
        let mut definitions = self.engine.definitions().await?.as_ref().clone();
        for piece in split::split(text)? {
            match parser::parse(&piece, &places)? {
                Statement::Query(query) | Statement::Copy { query, .. } => {
                    self.prepare(&query, params, &places, Some(Arc::new(definitions.clone()))).await?;
                }
                Statement::CreateStream(create) => {
                    let stream =
                        DeclaredStream::new(&create, text.get(piece.span.start..piece.span.end).unwrap_or(""))?;
                    stream.shape(None)?;
                    definitions.add(stream);
                }
                Statement::DropStream { name, .. } => {
                    definitions.remove(&name.value);
                }
                Statement::Set { name, value, value_span } => {
                    Settings::find(&name.value).map_err(|e| e.with_span(name.span))?;
                    self.settings().set(&name.value, &value).map_err(|e| e.with_span(value_span))?;
                }
                Statement::Unset(name) => {
                    Settings::find(&name.value).map_err(|e| e.with_span(name.span))?;
                }
                Statement::Describe(name) | Statement::Print { topic: name, .. } => {
                    self.resolver(Vec::new()).await?.find(&name.value).await.map_err(|e| e.with_span(name.span))?;
                }
                Statement::Show(_) => {}
            }
        }
        Ok(())
    }

    /// Where the running statement stands; all zero when none runs.
    pub fn progress(&self) -> Progress {
        self.state.lock().running.as_ref().map_or_else(Progress::default, |r| r.progress())
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

    /// Puts a setting back to its default, as `UNSET name` does.
    ///
    /// # Errors
    /// See [`Settings::unset`].
    pub fn unset(&self, name: &str) -> Result<()> {
        self.state.lock().settings.unset(name)
    }

    /// What is known of topics, columns and functions right now, for completion: never blocks, may be stale or empty;
    /// a refresh starts in the background when it is old.
    pub fn names(&self) -> Arc<Names> {
        names::current(&self.engine)
    }

    /// The engine behind it.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Whether nothing was said about `topic` in this session yet.
    fn first_word_about(&self, topic: &str) -> bool {
        self.state.lock().mentioned.insert(topic.to_string())
    }

    fn set_running(&self, running: Arc<Running>) {
        self.state.lock().running = Some(running);
    }

    /// Begins a text; the number tells it from those before, which may end later when they were stopped.
    fn begin(&self) -> u64 {
        let mut state = self.state.lock();
        state.texts += 1;
        state.texts
    }

    /// Ends the text with this number: nothing of it runs any more.
    fn end(&self, text: u64) {
        let mut state = self.state.lock();
        if state.texts == text {
            state.running = None;
        }
    }

    fn statement(&self) -> Arc<Running> {
        let settings = self.settings();
        let isolation = match settings.get("isolation") {
            "read_uncommitted" => Isolation::ReadUncommitted,
            _ => Isolation::ReadCommitted,
        };
        let on_error = match settings.get("on_error") {
            "skip" => OnError::Skip,
            "fail" => OnError::Fail,
            _ => OnError::Null,
        };
        let batch_rows = usize::try_from(settings.get_integer("batch_rows")).unwrap_or(8192).max(1);
        Arc::new(Running::new(
            Arc::clone(self.engine.connector()),
            self.engine.registry().map(Arc::clone),
            isolation,
            on_error,
            batch_rows,
            self.engine.config().threads,
        ))
    }

    fn sample_records(&self) -> u64 {
        u64::try_from(self.settings().get_integer("sample_records")).unwrap_or(200)
    }

    async fn prepare(
        &self,
        query: &Query,
        params: &Params,
        places: &Places<'_>,
        definitions: Option<Arc<Definitions>>,
    ) -> Result<Prepared> {
        let definitions = match definitions {
            Some(definitions) => definitions,
            None if prepare::names_no_table(query) => Arc::default(),
            None => self.engine.definitions().await?,
        };
        prepare::prepare(&self.engine, definitions, self.statement(), query, params, places, self.sample_records())
            .await
    }

    async fn resolver(&self, mentioned: Vec<Meta>) -> Result<Resolver> {
        let definitions = self.engine.definitions().await?;
        let engine = Arc::clone(&self.engine);
        Ok(Resolver::new(engine, definitions, self.statement(), mentioned, self.sample_records()))
    }
}

/// The responses of a task; aborts it when dropped.
struct TaskResponses {
    responses: mpsc::Receiver<Result<Response>>,
    task: JoinHandle<()>,
}

impl Stream for TaskResponses {
    type Item = Result<Response>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.responses.poll_recv(cx) {
            Poll::Ready(None) => match self.task.poll_unpin(cx) {
                Poll::Ready(Err(e)) if e.is_panic() => {
                    // The task is done: polling it again would panic, so replace it.
                    self.task = tokio::spawn(async {});
                    Poll::Ready(Some(Err(Error::internal("the statement's task failed unexpectedly")
                        .with_hint("this is a defect in weir; please report it with the statement"))))
                }
                Poll::Pending => Poll::Pending,
                Poll::Ready(_) => {
                    self.task = tokio::spawn(async {});
                    Poll::Ready(None)
                }
            },
            other => other,
        }
    }
}

impl Drop for TaskResponses {
    fn drop(&mut self) {
        self.task.abort();
    }
}
