//! The server: sessions behind HTTP. Knows requests and the session facade; nothing of topics, plans or formats.
//!
//! | route           | what                                                                                   |
//! |-----------------|----------------------------------------------------------------------------------------|
//! | `POST /query`   | runs statements, streams their results ([`request`] has the body, [`encode`] the answer) |
//! | `GET /health`   | `{"status":"ok"}`; needs no token                                                      |
//! | `GET /metrics`  | OpenMetrics text                                                                       |

mod auth;
mod body;
mod encode;
mod metrics;
mod query;
mod request;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::session::engine::Engine;
use metrics::Metrics;

/// How long connections get to hand out their last bytes after their queries were stopped.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// Longest time a request may take when nobody says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// What one query may use.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Longest time from request to last byte; five minutes by default.
    pub timeout: Option<Duration>,
    /// Most rows of one result; no limit by default.
    pub max_rows: Option<u64>,
    /// Queries at once.
    pub max_queries: usize,
    /// Bytes of a request body.
    pub max_body_bytes: usize,
}

/// How to serve.
#[derive(Debug, Clone)]
pub struct Setup {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// What clients must send as bearer token.
    pub token: Option<String>,
    /// How long running queries may go on after a signal.
    pub grace: Duration,
    /// Settings of every session.
    pub settings: Vec<(String, String)>,
    /// Limits of every query.
    pub limits: Limits,
}

/// What the handlers share.
#[derive(Debug)]
struct App {
    engine: Arc<Engine>,
    settings: Vec<(String, String)>,
    limits: Limits,
    access: auth::Access,
    metrics: Metrics,
    slots: Arc<Semaphore>,
    /// Cancelled when running queries must end.
    stop: CancellationToken,
}

impl App {
    fn timeout(&self) -> Duration {
        self.limits.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }
}

/// Serves until SIGINT or SIGTERM, then stops taking requests, lets running queries end for [`Setup::grace`] or until a
/// second signal, and stops those that are left. Says where it listens on standard error.
///
/// # Errors
/// [`Kind::Usage`]: an address beyond this machine without a token, or one that cannot be understood. [`Kind::Io`]: an
/// address that cannot be taken. Or as [`Engine::open`].
pub async fn serve(config: Config, setup: Setup) -> Result<()> {
    let address = address(&setup.listen, setup.token.is_some()).await?;
    let listener = TcpListener::bind(address).await.map_err(|e| {
        Error::io(format!("cannot listen on {address}"), e).with_hint("choose another address with --listen HOST:PORT")
    })?;
    let bound = listener.local_addr().map_err(|e| Error::io("cannot tell the address", e))?;
    let app = Arc::new(App {
        engine: Engine::open(config).await?,
        settings: setup.settings,
        slots: Arc::new(Semaphore::new(setup.limits.max_queries)),
        limits: setup.limits,
        access: auth::Access::new(setup.token.as_deref()),
        metrics: Metrics::new(),
        stop: CancellationToken::new(),
    });
    let closing = CancellationToken::new();
    let served =
        axum::serve(listener, router(Arc::clone(&app))).with_graceful_shutdown(closing.clone().cancelled_owned());
    let mut server = tokio::spawn(served.into_future());
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "listening on http://{bound}");
    let ended = tokio::select! {
        ended = &mut server => Some(ended),
        () = signalled() => None,
    };
    if let Some(ended) = ended {
        return match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::io("the server failed", error)),
            Err(error) => Err(Error::internal("the server ended in a panic").with_source(error)),
        };
    }
    closing.cancel();
    let in_time = tokio::select! {
        _ = &mut server => true,
        () = tokio::time::sleep(setup.grace) => false,
        () = signalled() => false,
    };
    if !in_time {
        app.stop.cancel();
        // What is not out by then belongs to clients that do not read.
        let _ = tokio::time::timeout(LAST_BYTES, server).await;
    }
    Ok(())
}

/// The address to take; beyond loopback only with a token.
async fn address(listen: &str, has_token: bool) -> Result<SocketAddr> {
    let full = if listen.starts_with(':') { format!("127.0.0.1{listen}") } else { listen.to_string() };
    let wrong =
        || Error::usage(format!("--listen {listen} is no address")).with_hint("write HOST:PORT, as 127.0.0.1:8088");
    let mut found = tokio::net::lookup_host(&full).await.map_err(|e| wrong().with_detail(e.to_string()))?;
    let address = found.next().ok_or_else(wrong)?;
    if !address.ip().is_loopback() && !has_token {
        return Err(Error::usage(format!("{listen} can be reached from other machines, and there is no token"))
            .with_hint("set WEIR_TOKEN (or --token), or listen on 127.0.0.1"));
    }
    Ok(address)
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/query", post(query::query))
        .route("/metrics", get(show_metrics))
        .route("/health", get(health))
        .fallback(|| async {
            let error =
                Error::usage("there is nothing at this path").with_hint("POST /query, GET /health, GET /metrics");
            encode::refusal(&error, "", Some(StatusCode::NOT_FOUND))
        })
        .method_not_allowed_fallback(|| async {
            let error =
                Error::usage("this path does not take this method").with_hint("POST /query, GET /health, GET /metrics");
            encode::refusal(&error, "", Some(StatusCode::METHOD_NOT_ALLOWED))
        })
        .layer(DefaultBodyLimit::max(app.limits.max_body_bytes))
        .with_state(app)
}

async fn health() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], "{\"status\":\"ok\"}\n").into_response()
}

async fn show_metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Err(refused) = app.access.check(&headers) {
        return refused.into_response();
    }
    match app.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => encode::refusal(&error, "", None),
    }
}

/// Ready when the process is asked to stop.
async fn signalled() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

/// The status that fits an error which ends a request before its first row.
fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Sql | Kind::Usage => StatusCode::BAD_REQUEST,
        Kind::Data => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Connect => StatusCode::BAD_GATEWAY,
        Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Kind::Limit => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Io | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn beyond_this_machine_only_with_a_token() {
        assert!(address("127.0.0.1:0", false).await.is_ok());
        assert!(address(":0", false).await.is_ok());
        assert!(address("0.0.0.0:0", true).await.is_ok());
        let error = address("0.0.0.0:0", false).await.unwrap_err();
        assert_eq!(error.message(), "0.0.0.0:0 can be reached from other machines, and there is no token");
        assert_eq!(error.kind(), Kind::Usage);
        assert_eq!(address("nowhere", true).await.unwrap_err().kind(), Kind::Usage);
    }
}
