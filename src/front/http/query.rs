//! `POST /query`: one request, one session, one stream of bytes. Knows the session facade and the clock.
//!
//! ```text
//!   read body ─► slot free? ─► run until the first rows ─► 200 and stream ─► end, or error in the stream
//!      400 413      429          error: its own status        │ client gone, deadline, stop: the query is dropped
//! ```

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;

use super::App;
use super::body::{Chunk, body};
use super::encode::{ERROR, Encoder, RECEIPT, refusal};
use super::metrics::Running;
use super::request::{Format, Query};
use crate::error::{Error, Kind, Result};
use crate::render::plural;
use crate::session::response::Response as Item;
use crate::session::{Responses, Session};

/// Longest time a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Chunks that wait for a slow client before the query waits too.
const CHUNKS_AHEAD: usize = 4;

/// Bytes of an answer that wait for its end when only a broken connection could tell an error after them: what is no
/// longer has its error under a status.
const HELD_BYTES: usize = 64 << 10;

/// Answers one request.
pub async fn query(State(app): State<Arc<App>>, request: Request) -> Response {
    if let Err(refused) = app.access.check(request.headers()) {
        return refused.into_response();
    }
    let headers = request.headers().clone();
    let body = match tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => {
            let error = match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    let most = app.limits.max_body_bytes;
                    Error::new(Kind::Limit, format!("the body is larger than {most} bytes"))
                }
                _ => Error::usage(format!("the body cannot be read: {}", rejection.body_text())),
            };
            return refusal(&error, "", Some(rejection.status()));
        }
        Err(_) => return refusal(&Error::usage("the body did not arrive"), "", Some(StatusCode::REQUEST_TIMEOUT)),
    };
    let query = match Query::read(&headers, &body) {
        Ok(query) => query,
        Err((status, error)) => return refusal(&error, "", Some(status)),
    };
    let Ok(slot) = Arc::clone(&app.slots).try_acquire_owned() else {
        app.metrics.turned_away();
        let error =
            Error::new(Kind::Limit, format!("the limit of running queries ({}) is reached", app.limits.max_queries))
                .with_hint("try again in a moment");
        let mut response = refusal(&error, "", Some(StatusCode::TOO_MANY_REQUESTS));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return response;
    };
    let running = app.metrics.begin();
    let session = match session(&app, &query) {
        Ok(session) => session,
        Err(error) => {
            let mut running = running;
            running.failed(error.kind());
            return refusal(&error, "", None);
        }
    };
    let responses = session.execute(&query.sql, &query.params);
    let deadline = Instant::now() + app.timeout();
    let run = Run {
        encoder: Encoder::new(query.format),
        sql: query.sql,
        responses,
        rows: 0,
        ended: false,
        told: told(query.format, &headers),
        deadline,
        app,
        running,
        _slot: slot,
    };
    run.answer(query.format).await
}

/// A session with the server's settings, then the request's, which cannot raise the limit on rows.
fn session(app: &App, query: &Query) -> Result<Session> {
    let session = Session::new(Arc::clone(&app.engine));
    for (name, value) in app.settings.iter().chain(&query.settings) {
        session.set(name, value)?;
    }
    if let Some(most) = app.limits.max_rows {
        let asked = u64::try_from(session.settings().get_integer("max_rows")).unwrap_or(0);
        if asked == 0 || asked > most {
            session.set("max_rows", &most.to_string())?;
        }
    }
    Ok(session)
}

/// How a client learns whether the answer is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The format has a place for it.
    InBody,
    /// It takes trailers.
    InTrailers,
    /// Only by a connection that breaks off.
    ByBreakingOff,
}

fn told(format: Format, headers: &HeaderMap) -> Told {
    let mut te = headers.get_all(header::TE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    match format {
        Format::Ndjson | Format::Json => Told::InBody,
        Format::Csv | Format::Arrow if te.any(|t| t.trim().eq_ignore_ascii_case("trailers")) => Told::InTrailers,
        Format::Csv | Format::Arrow => Told::ByBreakingOff,
    }
}

/// How a chunk reached the connection.
enum Handed {
    Taken,
    /// It did, but the query must end with this error.
    Late(Error),
    /// It did not: the client is gone or does not read, and nothing that follows would fit.
    Lost,
}

/// One running request. Dropping it stops the query, frees the slot and counts the request.
struct Run {
    responses: Responses,
    encoder: Encoder,
    sql: String,
    /// Rows of the result so far; zero between results.
    rows: u64,
    ended: bool,
    told: Told,
    deadline: Instant,
    app: Arc<App>,
    running: Running,
    _slot: OwnedSemaphorePermit,
}

impl Run {
    /// Runs until there is something that must be told with status 200, or to the error that has a status of its own.
    async fn answer(mut self, format: Format) -> Response {
        let mut first = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(item)) => {
                    let telling = matches!(item, Item::Rows(_) | Item::Receipt(_) | Item::Done { .. });
                    if let Err(error) = self.encode(&item, &mut first) {
                        return self.refuse(&error);
                    }
                    if telling && (self.told != Told::ByBreakingOff || first.len() > HELD_BYTES) {
                        break;
                    }
                }
                Ok(None) => {
                    self.ended = true;
                    break;
                }
                Err(error) => return self.refuse(&error),
            }
        }
        let told = self.told;
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        tokio::spawn(self.stream(first, sender));
        let mut response = body(receiver).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        match told {
            Told::InBody => {}
            Told::InTrailers => {
                headers.append(header::TRAILER, HeaderValue::from(RECEIPT));
                headers.append(header::TRAILER, HeaderValue::from(ERROR));
            }
            Told::ByBreakingOff => {
                headers.insert("x-weir-receipt", HeaderValue::from_static("omitted"));
            }
        }
        response
    }

    fn refuse(mut self, error: &Error) -> Response {
        self.running.failed(error.kind());
        refusal(error, &self.sql, None)
    }

    /// The next response, unless time is up or the server stops.
    async fn next(&mut self) -> Result<Option<Item>> {
        tokio::select! {
            biased;
            () = self.app.stop.cancelled() => Err(stopping()),
            () = tokio::time::sleep_until(self.deadline) => Err(out_of_time(self.app.timeout())),
            next = self.responses.next() => next.transpose(),
        }
    }

    /// Sends `chunk`, then everything that follows. Ends early when the client is gone.
    async fn stream(mut self, mut chunk: Vec<u8>, sender: mpsc::Sender<Chunk>) {
        let failed = loop {
            if !chunk.is_empty() {
                match self.hand_over(Bytes::from(std::mem::take(&mut chunk)), &sender).await {
                    Handed::Taken => {}
                    Handed::Late(error) => break Some(error),
                    Handed::Lost => return,
                }
            }
            if self.ended {
                break None;
            }
            let next = tokio::select! {
                () = sender.closed() => return,
                next = self.next() => next,
            };
            match next {
                Ok(Some(item)) => {
                    if let Err(error) = self.encode(&item, &mut chunk) {
                        break Some(error);
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        self.end(failed, chunk, &sender).await;
    }

    /// Hands `bytes` to the connection. When time is up or the server stops, the client gets a moment more to take them, so
    /// that the error can follow.
    async fn hand_over(&mut self, bytes: Bytes, sender: &mpsc::Sender<Chunk>) -> Handed {
        let mut sending = std::pin::pin!(sender.send(Chunk::More(bytes)));
        let error = tokio::select! {
            sent = &mut sending => return if sent.is_ok() { Handed::Taken } else { Handed::Lost },
            () = tokio::time::sleep_until(self.deadline) => out_of_time(self.app.timeout()),
            () = self.app.stop.cancelled() => stopping(),
        };
        if let Ok(Ok(())) = tokio::time::timeout(super::LAST_BYTES, sending).await {
            return Handed::Late(error);
        }
        self.running.failed(error.kind());
        Handed::Lost
    }

    /// Closes the answer and counts how it ended.
    async fn end(mut self, failed: Option<Error>, mut chunk: Vec<u8>, sender: &mpsc::Sender<Chunk>) {
        match &failed {
            Some(error) => self.running.failed(error.kind()),
            None => self.running.done(),
        }
        // The query itself ends here, however long the client takes for the rest.
        self.responses = Box::pin(futures::stream::empty());
        let failed = failed.map(|error| self.cut(error));
        if failed.is_some() && self.told == Told::ByBreakingOff {
            return;
        }
        let finished = self.encoder.finish(failed.as_ref().map(|e| (e, self.sql.as_str())), &mut chunk);
        let Ok(trailers) = finished else { return };
        let patience = self.deadline.max(Instant::now() + super::LAST_BYTES);
        tokio::select! {
            _ = sender.send(Chunk::Last(Bytes::from(chunk), trailers)) => {}
            () = tokio::time::sleep_until(patience) => {}
        }
    }

    /// An error that ends a result before its last row says how many rows there are.
    fn cut(&self, error: Error) -> Error {
        let early = matches!(error.kind(), Kind::Timeout | Kind::Limit | Kind::Cancelled);
        match self.rows {
            1.. if early && error.detail().is_none() => {
                error.with_detail(format!("The answer has the first {} of this result.", plural(self.rows, "row")))
            }
            _ => error,
        }
    }

    fn encode(&mut self, item: &Item, out: &mut Vec<u8>) -> Result<()> {
        match item {
            Item::Begin { .. } => Ok(()),
            Item::Schema(schema) => {
                self.rows = 0;
                self.encoder.schema(schema, out)
            }
            Item::Rows(batch) => {
                let rows = self.rows.saturating_add(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
                if let Some(most) = self.app.limits.max_rows
                    && rows > most
                {
                    return Err(Error::new(Kind::Limit, format!("a result of this server has at most {most} rows")));
                }
                self.rows = rows;
                self.running.rows(batch.num_rows());
                self.encoder.rows(batch, out)
            }
            Item::Receipt(receipt) => {
                if let Some(why) = &receipt.incomplete
                    && self.told == Told::ByBreakingOff
                {
                    return Err(Error::new(Kind::Limit, format!("the result is not whole: {why}")));
                }
                self.rows = 0;
                self.encoder.receipt(receipt, out)
            }
            Item::Notice(notice) => {
                self.encoder.notice(notice, out);
                Ok(())
            }
            Item::Done { message } => self.encoder.done(message, out),
        }
    }
}

fn out_of_time(limit: Duration) -> Error {
    let limit = crate::render::receipt::duration(limit);
    Error::new(Kind::Timeout, format!("the query took longer than {limit}"))
}

fn stopping() -> Error {
    Error::new(Kind::Cancelled, "the server is stopping")
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Schema};
    use axum::body::Body;
    use tokio::sync::Semaphore;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::config::{Cluster, Config};
    use crate::front::http::metrics::Metrics;
    use crate::front::http::{Limits, auth};
    use crate::session::engine::Engine;
    use crate::session::response::Receipt;

    async fn app(max_rows: Option<u64>) -> Arc<App> {
        Arc::new(App {
            engine: Engine::open(Config::new(Cluster::Memory)).await.unwrap(),
            settings: Vec::new(),
            limits: Limits { timeout: None, max_rows, max_queries: 1, max_body_bytes: 100 },
            access: auth::Access::new(None),
            metrics: Metrics::new(),
            slots: Arc::new(Semaphore::new(1)),
            stop: CancellationToken::new(),
        })
    }

    fn run(app: &Arc<App>, format: Format, responses: Responses) -> Run {
        Run {
            responses,
            encoder: Encoder::new(format),
            sql: "SELECT".into(),
            rows: 0,
            ended: false,
            told: told(format, &HeaderMap::new()),
            deadline: Instant::now() + app.timeout(),
            app: Arc::clone(app),
            running: app.metrics.begin(),
            _slot: Arc::clone(&app.slots).try_acquire_owned().unwrap(),
        }
    }

    fn items(rows: i64) -> Vec<Result<Item>> {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Int64Array::from_iter_values(0..rows))]);
        vec![Ok(Item::Schema(schema)), Ok(Item::Rows(batch.unwrap()))]
    }

    async fn outcome(app: &App, name: &str) -> bool {
        let line = format!("weir_queries_total{{outcome=\"{name}\"}} 1");
        let patience = Instant::now() + Duration::from_secs(10);
        while Instant::now() < patience {
            if app.metrics.text().unwrap().lines().any(|l| l == line) && app.slots.available_permits() == 1 {
                return true;
            }
            tokio::task::yield_now().await;
        }
        false
    }

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn an_error_before_rows_has_its_status_and_after_them_its_line() {
        let app = app(None).await;
        let early = futures::stream::iter([Err(Error::connect("no broker"))]);
        let response = run(&app, Format::Ndjson, Box::pin(early)).answer(Format::Ndjson).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert!(outcome(&app, "connect").await);

        let mut list = items(1);
        list.push(Err(Error::connect("broker lost")));
        let response = run(&app, Format::Ndjson, Box::pin(futures::stream::iter(list))).answer(Format::Ndjson).await;
        assert_eq!(response.status(), StatusCode::OK);
        let text = text(response).await;
        assert!(text.ends_with("{\"error\":{\"kind\":\"connect\",\"message\":\"broker lost\",\"detail\":null,\"hint\":null,\"span\":null}}\n"), "{text}");
    }

    #[tokio::test]
    async fn csv_breaks_off_when_it_is_not_whole() {
        let app = app(None).await;
        let cut = || Ok(Item::Receipt(Receipt { incomplete: Some("cut".into()), ..Receipt::default() }));
        let mut list = items(50_000);
        list.push(cut());
        let response = run(&app, Format::Csv, Box::pin(futures::stream::iter(list))).answer(Format::Csv).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(axum::body::to_bytes(response.into_body(), usize::MAX).await.is_err());
        assert!(outcome(&app, "limit").await);

        // What is short enough is known to be a part before any of it is sent.
        let mut list = items(1);
        list.push(cut());
        let response = run(&app, Format::Csv, Box::pin(futures::stream::iter(list))).answer(Format::Csv).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert!(text(response).await.contains("the result is not whole: cut"));
    }

    #[tokio::test]
    async fn a_request_cannot_raise_the_limit_on_rows() {
        let app = app(Some(5)).await;
        let most = |asked: &str| {
            let settings = vec![("max_rows".to_string(), asked.to_string())];
            let query = Query { sql: String::new(), params: Default::default(), settings, format: Format::Ndjson };
            session(&app, &query).unwrap().settings().get_integer("max_rows")
        };
        assert_eq!(["0", "6", "3"].map(most), [5, 5, 3]);
    }

    #[tokio::test]
    async fn a_client_that_leaves_stops_its_query() {
        let app = app(None).await;
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let endless = futures::stream::iter(items(1)).chain(futures::stream::once(async move {
            let _held = held;
            std::future::pending().await
        }));
        let response = run(&app, Format::Ndjson, Box::pin(endless)).answer(Format::Ndjson).await;
        drop(response);
        assert!(dropped.await.is_err(), "the stream is dropped, its sender with it");
        assert!(outcome(&app, "cancelled").await);
    }

    #[tokio::test]
    async fn time_is_limited_before_and_after_the_first_rows() {
        let mut app = app(None).await;
        Arc::get_mut(&mut app).unwrap().limits.timeout = Some(Duration::from_millis(20));
        let never = Box::pin(futures::stream::pending());
        let response = run(&app, Format::Ndjson, never).answer(Format::Ndjson).await;
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        let slow = Box::pin(futures::stream::iter(items(1)).chain(futures::stream::pending()));
        let text = text(run(&app, Format::Json, slow).answer(Format::Json).await).await;
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["error"]["message"], "the query took longer than 20 ms");
        assert_eq!(document["error"]["detail"], "The answer has the first 1 row of this result.");
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_loses_its_query_and_knows_it() {
        let mut app = app(None).await;
        Arc::get_mut(&mut app).unwrap().limits.timeout = Some(Duration::from_millis(20));
        let mut list = items(1);
        for _ in 0..20 {
            list.extend(items(1).into_iter().skip(1));
        }
        let response = run(&app, Format::Ndjson, Box::pin(futures::stream::iter(list))).answer(Format::Ndjson).await;
        assert!(outcome(&app, "timeout").await);
        assert!(axum::body::to_bytes(response.into_body(), usize::MAX).await.is_err());
    }

    #[tokio::test]
    async fn rows_beyond_the_limit_are_an_error() {
        let app = app(Some(2)).await;
        let responses = Box::pin(futures::stream::iter(items(3)));
        let response = run(&app, Format::Ndjson, responses).answer(Format::Ndjson).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_busy_server_says_when_to_come_back() {
        let app = app(None).await;
        let _slot = Arc::clone(&app.slots).try_acquire_owned().unwrap();
        let request = Request::post("/query").body(Body::from("SELECT 1")).unwrap();
        let response = query(State(Arc::clone(&app)), request).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
