//! Runs a text statement by statement and sends what each answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use tokio::sync::mpsc::Sender;

use crate::bounded::plan_error;
use crate::bounded::statement::Statement as Running;
use crate::bounded::usage::Usage;
use crate::config::settings::Settings;
use crate::error::{Error, Kind, Result, Span};
use crate::figure::plural;
use crate::session::prepare::Prepared;
use crate::session::response::{LINES, Receipt, Response};
use crate::session::{Session, copy, define, show};
use crate::sql::ast::{Query, QueryKind, Statement};
use crate::sql::params::Params;
use crate::sql::split::Places;
use crate::sql::{parser, split};

/// Where responses go; closed when nobody listens any more.
pub type Out = Sender<Result<Response>>;

/// Runs every statement of `text`; the first error is sent and ends it.
pub async fn script(session: Session, text: String, params: Params, out: Out) {
    let number = session.begin();
    if let Err(error) = statements(&session, &text, &params, &out).await {
        // A failed send means that nobody listens: nobody wants the error either.
        let _ = out.send(Err(error)).await;
    }
    session.end(number);
}

async fn statements(session: &Session, text: &str, params: &Params, out: &Out) -> Result<()> {
    let places = Places::new(text);
    for piece in split::split(text)? {
        send(out, Response::Begin { span: piece.span }).await?;
        let statement = parser::parse(&piece, &places)?;
        let timeout = session.settings().get_integer("timeout_ms");
        let work: BoxFuture<'_, Result<()>> = Box::pin(one(
            session,
            statement,
            text.get(piece.span.start..piece.span.end).unwrap_or(""),
            params,
            &places,
            out,
        ));
        match u64::try_from(timeout) {
            Ok(ms) if ms > 0 => match tokio::time::timeout(Duration::from_millis(ms), work).await {
                Ok(done) => done?,
                Err(_) => {
                    return Err(Error::new(Kind::Timeout, format!("the statement took longer than {ms} ms"))
                        .with_span(Span::new(piece.span.start, piece.span.start))
                        .with_hint("SET timeout_ms = 0 removes the limit"));
                }
            },
            _ => work.await?,
        }
    }
    Ok(())
}

async fn one(
    session: &Session,
    statement: Statement,
    text: &str,
    params: &Params,
    places: &Places<'_>,
    out: &Out,
) -> Result<()> {
    match statement {
        Statement::Query(query) => run_query(session, &query, params, places, out).await,
        Statement::CreateStream(create) => define::create(session, &create, text, out).await,
        Statement::DropStream { name, if_exists, delete_topic } => {
            define::drop_stream(session, &name, if_exists, delete_topic, out).await
        }
        Statement::Copy { query, path, path_span } => {
            copy::copy(session, &query, params, places, &copy::Target { path, span: path_span }, out).await
        }
        Statement::Show(what) => show::show(session, &what, out).await,
        Statement::Describe(name) => show::describe(session, &name, out).await,
        Statement::Print { topic, from_beginning, limit } => {
            show::print(session, &topic, from_beginning, limit, out).await
        }
        Statement::Set { name, value, value_span } => {
            Settings::find(&name.value).map_err(|e| e.with_span(name.span))?;
            session.set(&name.value, &value).map_err(|e| e.with_span(value_span))?;
            let message = format!("{} = {}", name.value, session.settings().get(&name.value));
            send(out, Response::Done { message }).await
        }
        Statement::Unset(name) => {
            session.unset(&name.value).map_err(|e| e.with_span(name.span))?;
            let message = format!("{} = {}", name.value, session.settings().get(&name.value));
            send(out, Response::Done { message }).await
        }
    }
}

/// Runs a SELECT, EXPLAIN or INSERT.
pub async fn run_query(
    session: &Session,
    query: &Query,
    params: &Params,
    places: &Places<'_>,
    out: &Out,
) -> Result<()> {
    let started = Instant::now();
    if query.kind == QueryKind::Insert && !session.engine().config().writes {
        return Err(Error::sql("writing to topics is off here").with_hint("start without --read-only"));
    }
    let (mut rows, running) = start(session, query, params, places, out).await?;
    if query.kind == QueryKind::Insert {
        let mut inserted = 0;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(|e| plan_error::located(e, places))?;
            inserted += batch.column(0).as_primitive_opt::<UInt64Type>().map_or(0, |c| c.iter().flatten().sum::<u64>());
        }
        session.engine().forget();
        return send(out, Response::Done { message: format!("inserted {}", plural(inserted, "record")) }).await;
    }
    if query.kind == QueryKind::Explain {
        return send_plan(out, rows, started, places).await;
    }
    send(out, Response::Schema(rows.schema())).await?;
    let limit = u64::try_from(session.settings().get_integer("max_rows")).ok().filter(|n| *n > 0);
    let mut receipt = Receipt::default();
    while let Some(batch) = rows.next().await {
        let mut batch: RecordBatch = batch.map_err(|e| plan_error::located(e, places))?;
        if let Some(limit) = limit {
            let left = usize::try_from(limit - receipt.rows).unwrap_or(usize::MAX);
            if batch.num_rows() > left {
                batch = batch.slice(0, left);
                receipt.incomplete = Some(format!("cut after {limit} rows (max_rows)"));
            }
        }
        receipt.rows += batch.num_rows() as u64;
        if batch.num_rows() > 0 {
            send(out, Response::Rows(batch)).await?;
        }
        if receipt.incomplete.is_some() {
            break;
        }
    }
    drop(rows);
    receipt.elapsed = started.elapsed();
    receipt.topics = running.receipts();
    send(out, Response::Receipt(receipt)).await
}

/// Sends a plan as lines of text, one a row.
async fn send_plan(
    out: &Out,
    mut rows: SendableRecordBatchStream,
    started: Instant,
    places: &Places<'_>,
) -> Result<()> {
    let mut lines: Vec<String> = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|e| plan_error::located(e, places))?;
        let text = |column: usize| {
            let column = batch.columns().get(column).map(|c| arrow::compute::cast(c, &DataType::Utf8));
            column.transpose().map_err(|e| Error::internal(format!("a plan that is not text: {e}")))
        };
        let (Some(kinds), Some(plans)) = (text(0)?, text(1)?) else { continue };
        for (kind, plan) in kinds.as_string::<i32>().iter().zip(plans.as_string::<i32>()) {
            lines.push(format!("{}:", kind.unwrap_or_default().to_lowercase().replace('_', " ")));
            lines.extend(plan.unwrap_or_default().lines().map(|l| format!("  {l}")));
        }
    }
    let column: ArrayRef = Arc::new(StringArray::from(lines));
    let field = Field::new("plan", DataType::Utf8, false).with_metadata([(LINES.to_string(), String::new())].into());
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column])
        .map_err(|e| Error::internal(format!("columns do not fit together: {e}")))?;
    send_rows(out, batch, started).await
}

/// Plans a query and starts it; sends its notices.
pub async fn start(
    session: &Session,
    query: &Query,
    params: &Params,
    places: &Places<'_>,
    out: &Out,
) -> Result<(SendableRecordBatchStream, Arc<Running>)> {
    let prepared = session.prepare(query, params, places, None).await?;
    for notice in &prepared.notes {
        if notice.about.as_deref().is_none_or(|topic| session.first_word_about(topic)) {
            send(out, Response::Notice(notice.clone())).await?;
        }
    }
    session.set_running(Arc::clone(&prepared.statement));
    let running = Arc::clone(&prepared.statement);
    let rows = execute(prepared).await.map_err(|e| plan_error::located(e, places))?;
    Ok((rows, running))
}

async fn execute(prepared: Prepared) -> datafusion::common::Result<SendableRecordBatchStream> {
    let Prepared { plan, state, statement, .. } = prepared;
    let plan = state.optimize(&plan)?;
    let usage = Usage::of(&plan)?;
    if statement.usage.set(usage).is_err() {
        return Err(crate::bounded::external(Error::internal("a statement was planned twice")));
    }
    let planner = Arc::clone(state.query_planner());
    let physical = planner.create_physical_plan(&plan, &state).await?;
    execute_stream(physical, state.task_ctx())
}

/// Sends one response.
///
/// # Errors
/// [`Kind::Cancelled`] when nobody listens any more.
pub async fn send(out: &Out, response: Response) -> Result<()> {
    out.send(Ok(response)).await.map_err(|_| Error::new(Kind::Cancelled, "cancelled"))
}

/// Sends a small result that no scan made.
///
/// # Errors
/// As [`send`].
pub async fn send_rows(out: &Out, batch: RecordBatch, started: Instant) -> Result<()> {
    send(out, Response::Schema(batch.schema())).await?;
    let rows = batch.num_rows() as u64;
    if rows > 0 {
        send(out, Response::Rows(batch)).await?;
    }
    send(out, Response::Receipt(Receipt { rows, elapsed: started.elapsed(), ..Receipt::default() })).await
}
