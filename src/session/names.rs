//! The names a person can type, cached for completion and suggestions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, Field};

use crate::bounded::column::{Columns, METAS};
use crate::error::Result;
use crate::session::engine::Engine;

/// A snapshot of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Topics and declared streams.
    pub tables: Vec<TableNames>,
    /// Function names, lower case.
    pub functions: Vec<String>,
}

/// A table and its columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableNames {
    /// Name of the topic or stream.
    pub name: String,
    /// Column paths (`customer`, `customer.name`), visible columns first, then metadata columns. Empty when not loaded yet.
    pub columns: Vec<String>,
}

/// How old a snapshot may be before the next look starts a refresh.
const STALE: Duration = Duration::from_secs(15);

/// Topics whose columns are looked up for completion; the others are completed by name alone.
const WITH_COLUMNS: usize = 40;

/// The snapshot there is; starts a refresh in the background when it is old.
pub(super) fn current(engine: &Arc<Engine>) -> Arc<Names> {
    let mut names = engine.names.lock();
    if names.0.is_none_or(|at| at.elapsed() > STALE) && tokio::runtime::Handle::try_current().is_ok() {
        names.0 = Some(Instant::now());
        let engine = Arc::clone(engine);
        tokio::spawn(async move {
            // A cluster that cannot be asked leaves the old names; the statement that needs it will say why.
            if let Ok(fresh) = refresh(&engine).await {
                engine.names.lock().1 = Arc::new(fresh);
            }
        });
    }
    Arc::clone(&names.1)
}

async fn refresh(engine: &Arc<Engine>) -> Result<Names> {
    let state = engine.state()?;
    let mut functions: Vec<String> = state
        .scalar_functions()
        .keys()
        .chain(state.aggregate_functions().keys())
        .chain(state.window_functions().keys())
        .cloned()
        .collect();
    functions.sort();
    functions.dedup();
    let topics = engine.topics().await?;
    let definitions = engine.definitions().await?;
    let mut tables = Vec::new();
    for stream in definitions.iter() {
        let shape = engine.stream_shape(stream, 50).await?;
        tables.push(TableNames { name: stream.name.clone(), columns: paths(&Columns::of_topic(&shape, &[])) });
    }
    for topic in topics.iter().filter(|t| !t.internal && definitions.get(&t.name).is_none()) {
        let columns = if tables.len() < WITH_COLUMNS {
            let shape = engine.shape(&topic.name, 50).await?;
            paths(&Columns::of_topic(&shape, &[]))
        } else {
            Vec::new()
        };
        tables.push(TableNames { name: topic.name.to_string(), columns });
    }
    Ok(Names { tables, functions })
}

fn paths(columns: &Columns) -> Vec<String> {
    fn add(prefix: &str, field: &Field, into: &mut Vec<String>) {
        let path = format!("{prefix}{}", field.name());
        if let DataType::Struct(fields) = field.data_type() {
            let inner = format!("{path}.");
            into.push(path);
            fields.iter().for_each(|f| add(&inner, f, into));
        } else {
            into.push(path);
        }
    }
    let mut out = Vec::new();
    columns.schema.fields().iter().for_each(|f| add("", f, &mut out));
    out.extend(METAS.iter().map(|(_, name, _)| (*name).to_string()));
    out
}
