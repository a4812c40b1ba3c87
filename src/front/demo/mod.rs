//! `weir demo`: sample topics in a local log, and a tour of what can be asked of them.
//!
//! A folder that was filled holds `demo.json`, which says how; only topics named in [`topics::TOPICS`] and only in such a
//! folder are ever deleted.

mod avro;
mod random;
mod topics;
mod tour;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::cli::Demo;
use super::script::SourceError;
use super::show::{Outcome, Output};
use crate::config::{Cluster, Config};
use crate::error::{Error, Result};
use crate::render::grouped;
use crate::session::Session;
use crate::session::engine::Engine;
pub use topics::TOPICS;
pub use tour::{Stop, TOUR, run as tour};

/// Changes whenever the same size would give other records.
const LAYOUT: u64 = 1;
const MARKER: &str = "demo.json";

/// Where the sample topics live when nobody says: `demo` in the folder of the local log.
pub fn folder(data: &Path) -> PathBuf {
    data.join("demo")
}

/// Makes the sample topics where they are not there yet and runs the tour. Returns the session and how the tour ended.
///
/// # Errors
/// A folder that holds anything else or that another process writes to; a disk that refuses; the tour's first error.
pub async fn run(
    options: &Demo,
    config: Config,
    settings: &[(String, String)],
    output: &mut Output<'_>,
) -> Result<(Session, Outcome), Box<SourceError>> {
    let Cluster::Local { dir } = config.cluster.clone() else {
        return Err(Error::usage("the demo fills a local log, not a cluster").with_hint("leave -b out").into());
    };
    let engine = Engine::open(config).await?;
    let said = |e| Error::io("cannot write to standard error", e);
    let filled = Filled { size: options.size, layout: LAYOUT, complete: true };
    if Filled::read(&dir)? == Some(filled) && missing(&engine).await?.is_empty() {
        if !output.quiet {
            writeln!(output.talk, "the sample topics are in {}", dir.display()).map_err(said)?;
        }
    } else {
        let started = Instant::now();
        fill(&engine, &dir, options.size).await?;
        if !output.quiet {
            let took = started.elapsed().as_secs_f64();
            let size = grouped(options.size);
            writeln!(output.talk, "made sample topics with {size} orders in {} ({took:.1} s)", dir.display())
                .map_err(said)?;
        }
    }
    let session = Session::new(engine);
    for (name, value) in settings {
        session.set(name, value)?;
    }
    let outcome = tour(&session, output).await?;
    Ok((session, outcome))
}

/// Fills the log in `dir` with sample topics for `size` orders that end now; what an earlier call made is replaced.
///
/// # Errors
/// The folder holds topics that no earlier call made; a log that cannot be written.
pub async fn fill(engine: &Arc<Engine>, dir: &Path, size: u64) -> Result<()> {
    let there: Vec<_> = engine.connector().topics().await?.into_iter().filter(|t| !t.internal).collect();
    if Filled::read(dir)?.is_none()
        && let Some(topic) = there.first()
    {
        return Err(Error::usage(format!("{} holds other topics, such as {}", dir.display(), topic.name))
            .with_hint("name an empty or new folder with --dir DIR"));
    }
    // Written first: a folder that was left half filled is known to be ours.
    Filled { size, layout: LAYOUT, complete: false }.write(dir)?;
    for topic in there.iter().filter(|t| TOPICS.contains(&&*t.name)) {
        engine.connector().delete_topic(&topic.name).await?;
    }
    topics::make(engine, size, now_ms()).await?;
    Filled { size, layout: LAYOUT, complete: true }.write(dir)
}

async fn missing(engine: &Arc<Engine>) -> Result<Vec<&'static str>> {
    let there = engine.connector().topics().await?;
    Ok(TOPICS.iter().copied().filter(|name| !there.iter().any(|t| &*t.name == *name)).collect())
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What `demo.json` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Filled {
    size: u64,
    layout: u64,
    complete: bool,
}

impl Filled {
    fn read(dir: &Path) -> Result<Option<Filled>> {
        let path = dir.join(MARKER);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| {
                Error::usage(format!("{} is not what weir wrote: {e}", path.display()))
                    .with_hint("name another folder with --dir DIR")
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(format!("cannot read {}", path.display()), e)),
        }
    }

    fn write(self, dir: &Path) -> Result<()> {
        let path = dir.join(MARKER);
        let text = serde_json::to_vec(&self)
            .map_err(|e| Error::internal("the demo's marker cannot be written").with_source(e))?;
        let failed = |e| Error::io(format!("cannot write {}", path.display()), e);
        std::fs::create_dir_all(dir).map_err(failed)?;
        let partial = dir.join(format!("{MARKER}.partial"));
        std::fs::write(&partial, text).and_then(|()| std::fs::rename(&partial, &path)).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn engine(dir: &Path) -> Arc<Engine> {
        Engine::open(Config::new(Cluster::Local { dir: dir.into() })).await.unwrap()
    }

    async fn ends(engine: &Arc<Engine>) -> Vec<(String, i64)> {
        let mut ends = Vec::new();
        for topic in engine.connector().topics().await.unwrap().iter().filter(|t| !t.internal) {
            let ranges = engine.connector().ranges(&topic.name, Default::default()).await.unwrap();
            ends.push((topic.name.to_string(), ranges.iter().map(|r| r.end).sum()));
        }
        ends
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn filling_again_replaces_and_a_foreign_folder_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(dir.path()).await;
        fill(&engine, dir.path(), 60).await.unwrap();
        let once = ends(&engine).await;
        let names: Vec<&str> = once.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["clicks", "customers", "orders", "payments"]);
        fill(&engine, dir.path(), 60).await.unwrap();
        assert_eq!(ends(&engine).await, once);
        std::fs::remove_file(dir.path().join(MARKER)).unwrap();
        let error = fill(&engine, dir.path(), 60).await.unwrap_err();
        assert!(error.message().ends_with("holds other topics, such as clicks"), "{error}");
        assert_eq!(ends(&engine).await, once);
    }
}
