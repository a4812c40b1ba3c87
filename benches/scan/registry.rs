//! A schema registry with one schema, on a port of this machine. Knows the four questions a reader asks.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::{AVRO, Result, orders};

/// The schema's id.
pub const SCHEMA_ID: i32 = 1;

type Answer = (StatusCode, Json<Value>);

/// Starts it on a thread of its own, which ends with the process; returns its URL.
///
/// # Errors
/// No port.
pub fn start() -> Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let routes = Router::new()
                .route("/subjects", get(async || Json(json!([subject()]))))
                .route("/subjects/{subject}/versions", get(versions))
                .route("/subjects/{subject}/versions/{version}", get(version))
                .route("/schemas/ids/{id}", get(by_id));
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => drop(axum::serve(listener, routes).await),
                Err(e) => eprintln!("registry: {e}"),
            }
        });
    });
    Ok(url)
}

fn subject() -> String {
    format!("{AVRO}-value")
}

fn answer(known: bool, body: Value) -> Answer {
    if known {
        (StatusCode::OK, Json(body))
    } else {
        (StatusCode::NOT_FOUND, Json(json!({"error_code": 40401, "message": "not found"})))
    }
}

async fn versions(Path(name): Path<String>) -> Answer {
    answer(name == subject(), json!([1]))
}

async fn version(Path((name, version)): Path<(String, String)>) -> Answer {
    let known = name == subject() && ["1", "latest"].contains(&version.as_str());
    answer(known, json!({"subject": name, "version": 1, "id": SCHEMA_ID, "schema": orders::SCHEMA}))
}

async fn by_id(Path(id): Path<i32>) -> Answer {
    answer(id == SCHEMA_ID, json!({"schema": orders::SCHEMA}))
}
