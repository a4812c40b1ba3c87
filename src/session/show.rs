//! SHOW, DESCRIBE and PRINT.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};

use crate::bounded::column::{Columns, METAS, Source, meta_type};
use crate::bounded::statement::width;
use crate::catalog::shape::Side;
use crate::config::settings::{SETTINGS, Settings, Type};
use crate::connect::Isolation;
use crate::error::{Error, Result, nearest};
use crate::figure::plural;
use crate::session::Session;
use crate::session::response::{LISTING, Notice, Response};
use crate::session::run::{Out, run_query, send, send_rows};
use crate::sql::ast::{Name, Show, Statement};
use crate::sql::params::Params;
use crate::sql::{parser, split};
use crate::types;

/// Answers SHOW.
pub async fn show(session: &Session, what: &Show, out: &Out) -> Result<()> {
    let started = Instant::now();
    let (batch, when_empty) = match what {
        Show::Topics { all } => (topics(session, *all).await?, Some(nothing_yet(session, "topics"))),
        Show::Streams => {
            let mut notice = Notice::new("no streams are declared; every topic is a table without a declaration too");
            notice.hint = Some(HOW_TO_DECLARE.to_string());
            (streams(session).await?, Some(notice))
        }
        Show::Tables => (tables(session).await?, Some(nothing_yet(session, "topics or streams"))),
        Show::Functions(pattern) => {
            let wanted = pattern.as_deref().unwrap_or_default();
            let notice = Notice::new(format!("no function has '{}' in its name", wanted.trim_matches('%')));
            (functions(session, pattern.as_deref())?, Some(notice))
        }
        Show::Settings => (settings(&session.settings(), SETTINGS.iter().map(|s| s.name)), None),
        Show::Setting(name) => {
            let found = Settings::find(&name.value).map_err(|e| not_shown(e, name))?;
            (settings(&session.settings(), std::iter::once(found.name)), None)
        }
    };
    if let Some(notice) = when_empty.filter(|_| batch.num_rows() == 0) {
        send(out, Response::Notice(notice)).await?;
    }
    send_rows(out, listing(batch)?, started).await
}

/// The rows as a list of things.
fn listing(batch: RecordBatch) -> Result<RecordBatch> {
    let metadata = [(LISTING.to_string(), String::new())].into();
    let schema = batch.schema().as_ref().clone().with_metadata(metadata);
    batch.with_schema(Arc::new(schema)).map_err(|e| Error::internal(format!("a list loses its columns: {e}")))
}

/// A word after SHOW that is no setting; what it says of settings goes when a list is meant.
fn not_shown(error: Error, name: &Name) -> Error {
    let error = error.with_span(name.span);
    match nearest(&name.value, ["TOPICS", "STREAMS", "TABLES", "FUNCTIONS", "SETTINGS"]) {
        Some(near) => error.with_hint(format!("did you mean SHOW {near}?")),
        None if error.hint().is_some_and(|hint| hint.starts_with("did you mean")) => error,
        None => error.with_hint("SHOW takes TOPICS, STREAMS, TABLES, FUNCTIONS, SETTINGS or the name of a setting"),
    }
}

/// What makes a stream, and its topic.
const HOW_TO_DECLARE: &str = "CREATE STREAM t (id BIGINT) WITH (value_format = 'json', partitions = 1) makes one";

/// What to say where there are none of `what`.
fn nothing_yet(session: &Session, what: &str) -> Notice {
    let place = session.engine().place();
    let mut notice = Notice::new(format!("{place} has no {what} yet"));
    notice.hint = Some(format!("{HOW_TO_DECLARE}; `weir demo` has some to try"));
    notice
}

fn rows(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .map_err(|e| Error::internal(format!("columns do not fit together: {e}")))
}

async fn topics(session: &Session, all: bool) -> Result<RecordBatch> {
    let engine = session.engine();
    let topics: Vec<_> = engine.connector().topics().await?.into_iter().filter(|t| all || !t.internal).collect();
    let mut records: Vec<Option<i64>> = Vec::with_capacity(topics.len());
    for topic in &topics {
        let ranges = engine.connector().ranges(&topic.name, Isolation::ReadCommitted).await;
        records.push(ranges.ok().and_then(|r| i64::try_from(width(&r)).ok()));
    }
    rows(vec![
        ("topic", Arc::new(StringArray::from_iter_values(topics.iter().map(|t| t.name.as_ref())))),
        ("partitions", Arc::new(Int32Array::from_iter_values(topics.iter().map(|t| t.partitions)))),
        ("offsets", Arc::new(Int64Array::from(records))),
    ])
}

async fn streams(session: &Session) -> Result<RecordBatch> {
    let definitions = session.engine().definitions().await?;
    let list: Vec<_> = definitions.iter().collect();
    rows(vec![
        ("stream", Arc::new(StringArray::from_iter_values(list.iter().map(|s| s.name.as_str())))),
        ("topic", Arc::new(StringArray::from_iter_values(list.iter().map(|s| s.topic.as_ref())))),
        ("value_format", Arc::new(list.iter().map(|s| s.value_format.as_deref()).collect::<StringArray>())),
        ("statement", Arc::new(StringArray::from_iter_values(list.iter().map(|s| s.text.as_str())))),
    ])
}

/// Topics that are not book-keeping, and streams; a stream stands in front of the topic of its name.
async fn tables(session: &Session) -> Result<RecordBatch> {
    let engine = session.engine();
    let definitions = engine.definitions().await?;
    let topics = engine.connector().topics().await?;
    let mut list: Vec<(String, &str, Arc<str>)> =
        definitions.iter().map(|s| (s.name.clone(), "stream", Arc::clone(&s.topic))).collect();
    let plain = topics.iter().filter(|t| !t.internal && definitions.get(&t.name).is_none());
    list.extend(plain.map(|t| (t.name.to_string(), "topic", Arc::clone(&t.name))));
    list.sort();
    let mut partitions = Vec::with_capacity(list.len());
    let mut offsets = Vec::with_capacity(list.len());
    for (_, _, topic) in &list {
        partitions.push(topics.iter().find(|t| t.name == *topic).map(|t| t.partitions));
        let ranges = engine.connector().ranges(topic, Isolation::ReadCommitted).await;
        offsets.push(ranges.ok().and_then(|r| i64::try_from(width(&r)).ok()));
    }
    rows(vec![
        ("name", Arc::new(StringArray::from_iter_values(list.iter().map(|t| t.0.as_str())))),
        ("kind", Arc::new(StringArray::from_iter_values(list.iter().map(|t| t.1)))),
        ("topic", Arc::new(StringArray::from_iter_values(list.iter().map(|t| t.2.as_ref())))),
        ("partitions", Arc::new(Int32Array::from(partitions))),
        ("offsets", Arc::new(Int64Array::from(offsets))),
    ])
}

fn functions(session: &Session, pattern: Option<&str>) -> Result<RecordBatch> {
    let state = session.engine().state()?;
    let mut list: Vec<(String, &str, String)> = Vec::new();
    let about = |doc: Option<&datafusion::logical_expr::Documentation>| {
        doc.map_or_else(String::new, |d| d.description.lines().next().unwrap_or("").to_string())
    };
    list.extend(state.scalar_functions().iter().map(|(n, f)| (n.clone(), "scalar", about(f.documentation()))));
    list.extend(state.aggregate_functions().iter().map(|(n, f)| (n.clone(), "aggregate", about(f.documentation()))));
    list.extend(state.window_functions().iter().map(|(n, f)| (n.clone(), "window", about(f.documentation()))));
    if let Some(pattern) = pattern {
        let wanted = pattern.trim_matches('%').to_lowercase();
        list.retain(|(name, _, _)| name.contains(&wanted));
    }
    list.sort();
    rows(vec![
        ("function", Arc::new(StringArray::from_iter_values(list.iter().map(|f| f.0.as_str())))),
        ("kind", Arc::new(StringArray::from_iter_values(list.iter().map(|f| f.1)))),
        ("description", Arc::new(StringArray::from_iter_values(list.iter().map(|f| f.2.as_str())))),
    ])
}

fn settings(values: &Settings, names: impl Iterator<Item = &'static str>) -> RecordBatch {
    let list: Vec<_> = names.filter_map(|n| Settings::find(n).ok()).collect();
    let allowed = list.iter().map(|s| match s.r#type {
        Type::Choice(words) => words.join(" | "),
        Type::Integer { min, max: i64::MAX } => format!("whole number from {min}"),
        Type::Integer { min, max } => format!("{min} to {max}"),
        Type::Text => "text".to_string(),
    });
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("setting", Arc::new(StringArray::from_iter_values(list.iter().map(|s| s.name))), true),
        ("value", Arc::new(StringArray::from_iter_values(list.iter().map(|s| values.get(s.name)))), true),
        ("default", Arc::new(StringArray::from_iter_values(list.iter().map(|s| s.default))), true),
        ("allowed", Arc::new(StringArray::from_iter_values(allowed)), true),
        ("description", Arc::new(StringArray::from_iter_values(list.iter().map(|s| s.doc))), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns)
        .unwrap_or_else(|_| RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty())))
}

/// Answers DESCRIBE: the columns as rows, the topic as notices.
pub async fn describe(session: &Session, name: &Name, out: &Out) -> Result<()> {
    let started = Instant::now();
    let resolver = session.resolver(Vec::new()).await?;
    let (topic, shape) = resolver.find(&name.value).await.map_err(|e| e.with_span(name.span))?;
    session.first_word_about(&topic);
    let columns = Columns::of_topic(&shape, &[]);
    let mut list: Vec<(String, String, &str, String)> = Vec::new();
    for (field, source) in columns.schema.fields().iter().zip(&columns.sources) {
        let from = if matches!(source, Source::Key(_)) { "key" } else { "value" };
        list.push((field.name().clone(), types::to_sql(field.data_type()), from, String::new()));
    }
    for (meta, name, about) in METAS {
        list.push(((*name).to_string(), types::to_sql(&meta_type(*meta, &shape)), "metadata", (*about).to_string()));
    }
    let connector = session.engine().connector();
    if connector.topic(&topic).await?.is_some() {
        let ranges = connector.ranges(&topic, Isolation::ReadCommitted).await?;
        let partitions = plural(u64::try_from(ranges.len()).unwrap_or(u64::MAX), "partition");
        let message = format!("topic {topic}: {partitions}, {}", plural(width(&ranges), "offset"));
        send(out, Response::Notice(Notice::new(message))).await?;
    }
    let side = |side: &Side| {
        let note = side.note.as_ref().map_or_else(String::new, |n| format!(" ({n})"));
        format!("{}{note}", side.describe())
    };
    let message = format!("key: {}; value: {}", side(&shape.key), side(&shape.value));
    send(out, Response::Notice(Notice::new(message))).await?;
    let batch = rows(vec![
        ("column", Arc::new(StringArray::from_iter_values(list.iter().map(|c| c.0.as_str())))),
        ("type", Arc::new(StringArray::from_iter_values(list.iter().map(|c| c.1.as_str())))),
        ("from", Arc::new(StringArray::from_iter_values(list.iter().map(|c| c.2)))),
        ("description", Arc::new(StringArray::from_iter_values(list.iter().map(|c| c.3.as_str())))),
    ])?;
    send_rows(out, listing(batch)?, started).await
}

/// Answers PRINT with the records as they are: keys, values, headers and the formats found.
pub async fn print(session: &Session, topic: &Name, from_beginning: bool, limit: Option<u64>, out: &Out) -> Result<()> {
    let resolver = session.resolver(Vec::new()).await?;
    let (found, shape) = resolver.find(&topic.value).await.map_err(|e| e.with_span(topic.span))?;
    let message = format!("{found}: key {}; value {}", shape.key.describe(), shape.value.describe());
    send(out, Response::Notice(Notice::new(message))).await?;
    session.first_word_about(&found);
    let quote = |s: &str| s.replace('"', "\"\"");
    let value = if shape.value.format.uses_registry() && !shape.value.fields.is_empty() {
        let parts: Vec<String> = shape
            .value
            .fields
            .iter()
            .map(|f| format!("'{}', \"{}\"", f.name().replace('\'', "''"), quote(f.name())))
            .collect();
        format!("named_struct({}) AS value", parts.join(", "))
    } else if shape.value.is_raw() {
        "coalesce(_raw, '\\x' || encode(_value, 'hex')) AS value".to_string()
    } else {
        "_raw AS value".to_string()
    };
    let limit = limit.unwrap_or(20);
    let from = if from_beginning { format!("LIMIT {limit}") } else { format!("LAST {limit}") };
    let sql = format!(
        "SELECT _partition, _offset, _timestamp, _key, {value}, _headers, _error FROM \"{}\" {from}",
        quote(&topic.value)
    );
    let places = split::Places::new(&sql);
    for piece in split::split(&sql)? {
        if let Statement::Query(query) = parser::parse(&piece, &places)? {
            run_query(session, &query, &Params::new(), &places, out).await?;
        }
    }
    Ok(())
}
