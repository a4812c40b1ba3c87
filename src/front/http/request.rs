//! What a client asks. Knows JSON, headers and parameter types; runs nothing.
//!
//! ```json
//! {"sql": "SELECT … LIMIT :n", "params": {"n": 5, "since": {"type": "INTERVAL", "value": "7 days"}},
//!  "settings": {"on_error": "skip"}, "format": "ndjson"}
//! ```
//! A body of another content type (`text/plain`, `application/sql`, or none) is the SQL itself. The format is `ndjson`, `json`,
//! `csv` or `arrow`; without one the `Accept` header decides, and without that it is `ndjson`.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::error::{Error, Result, nearest};
use crate::sql::params::{ParamType, Params, Value};

/// The shape of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    Ndjson,
    /// One JSON document.
    Json,
    /// Comma-separated with a header.
    Csv,
    /// Arrow IPC stream.
    Arrow,
}

const FORMATS: &[(&str, Format, &str)] = &[
    ("ndjson", Format::Ndjson, "application/x-ndjson"),
    ("json", Format::Json, "application/json"),
    ("csv", Format::Csv, "text/csv; charset=utf-8"),
    ("arrow", Format::Arrow, "application/vnd.apache.arrow.stream"),
];

impl Format {
    /// Its media type.
    pub fn content_type(self) -> &'static str {
        FORMATS.iter().find(|(_, f, _)| *f == self).map_or("", |(_, _, media)| media)
    }

    fn by_name(name: &str) -> Result<Format> {
        FORMATS.iter().find(|(n, _, _)| n.eq_ignore_ascii_case(name)).map(|(_, f, _)| *f).ok_or_else(|| {
            let names: Vec<&str> = FORMATS.iter().map(|(n, _, _)| *n).collect();
            Error::usage(format!("there is no format \"{name}\"")).with_hint(format!("one of: {}", names.join(", ")))
        })
    }

    /// The first format that an `Accept` header admits; `None` when it admits none.
    fn accepted(accept: &str) -> Option<Format> {
        accept.split(',').find_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next()?.to_ascii_lowercase();
            if parts.any(|p| p.strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0))) {
                return None;
            }
            match media.as_str() {
                "*/*" | "application/*" | "application/ndjson" | "application/jsonl" => Some(Format::Ndjson),
                "text/*" => Some(Format::Csv),
                _ => FORMATS.iter().find(|(_, _, m)| m.split(';').next() == Some(&media)).map(|(_, f, _)| *f),
            }
        })
    }
}

/// A request, read.
#[derive(Debug)]
pub struct Query {
    /// Statements.
    pub sql: String,
    /// Their parameters.
    pub params: Params,
    /// Session settings.
    pub settings: Vec<(String, String)>,
    /// The shape of the answer.
    pub format: Format,
}

#[derive(Deserialize)]
struct Body {
    sql: String,
    #[serde(default)]
    params: BTreeMap<String, Json>,
    #[serde(default)]
    settings: BTreeMap<String, Json>,
    format: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Json>,
}

impl Query {
    /// Reads a request.
    ///
    /// # Errors
    /// A status and what is wrong: 400 for the body, 406 for `Accept`.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Query, (StatusCode, Error)> {
        let bad = |error| (StatusCode::BAD_REQUEST, error);
        let text = |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
        let media = text(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
        let accepted = match text(header::ACCEPT) {
            Some(accept) => Format::accepted(accept).ok_or_else(|| {
                let names: Vec<&str> = FORMATS.iter().map(|(_, _, m)| *m).collect();
                let error = Error::usage(format!("the answer cannot be {accept}"));
                (StatusCode::NOT_ACCEPTABLE, error.with_hint(format!("accept one of: {}", names.join(", "))))
            }),
            None => Ok(Format::Ndjson),
        };
        if !media.starts_with("application/json") {
            let sql = std::str::from_utf8(body).map_err(|_| bad(Error::usage("the body is not UTF-8 text")))?;
            return Ok(Query { sql: sql.into(), params: Params::new(), settings: Vec::new(), format: accepted? });
        }
        let body: Body = serde_json::from_slice(body).map_err(|e| {
            bad(Error::usage(format!("the body is not a query: {e}")).with_hint("send {\"sql\": \"SELECT 1\"}"))
        })?;
        if let Some(name) = body.rest.keys().next() {
            let error = Error::usage(format!("a query has no member \"{name}\""));
            let members = ["sql", "params", "settings", "format"];
            return Err(bad(match nearest(name, members) {
                Some(near) => error.with_hint(format!("did you mean \"{near}\"?")),
                None => error.with_hint(format!("it has: {}", members.join(", "))),
            }));
        }
        let format = match &body.format {
            Some(name) => Format::by_name(name).map_err(bad)?,
            None => accepted?,
        };
        let params = body.params.iter().map(|(n, v)| Ok((n.clone(), param(n, v)?))).collect::<Result<_>>();
        let settings = body.settings.into_iter().map(|(n, v)| (n, plain(&v))).collect();
        Ok(Query { sql: body.sql, params: params.map_err(bad)?, settings, format })
    }
}

/// A JSON scalar as the text a person would have typed.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn param(name: &str, value: &Json) -> Result<Value> {
    let fail = |what: String, hint: &str| Err(Error::usage(format!("parameter {name} {what}")).with_hint(hint));
    Ok(match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(*value),
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Integer(whole),
            (None, Some(double)) if !number.is_u64() => Value::Double(double),
            _ => return fail(format!("does not fit a BIGINT: {number}"), "send it as text"),
        },
        Json::Array(_) => return fail("is an array".into(), "send one value"),
        Json::Object(object) => {
            let (Some(Json::String(type_name)), Some(value), 2) =
                (object.get("type"), object.get("value"), object.len())
            else {
                return fail("is not a value".into(), "send {\"type\": \"INTERVAL\", \"value\": \"7 days\"}");
            };
            let Some(r#type) = ParamType::by_name(type_name) else {
                let names: Vec<&str> = ParamType::names().collect();
                let hint = format!("one of: {}", names.join(", "));
                return fail(format!("has the unknown type {type_name}"), &hint);
            };
            match value {
                Json::Null => Value::Null,
                Json::Array(_) | Json::Object(_) => return fail("is not a value".into(), r#type.example()),
                scalar => match r#type.parse(&plain(scalar)) {
                    Some(value) => value,
                    None => return fail(format!("expects {}, got {scalar}", r#type.name()), r#type.example()),
                },
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, accept: Option<&str>, body: &str) -> Result<Query, (u16, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        Query::read(&headers, body.as_bytes()).map_err(|(s, e)| (s.as_u16(), e.message().to_string()))
    }

    #[test]
    fn json_bodies_carry_typed_parameters() {
        let body = r#"{"sql":"x","params":{"n":5,"d":0.5,"t":"a","z":null,"i":{"type":"interval","value":"7 days"}},"settings":{"batch_rows":10}}"#;
        let query = read("application/json", None, body).unwrap();
        assert_eq!(query.params["n"], Value::Integer(5));
        assert_eq!(query.params["d"], Value::Double(0.5));
        assert_eq!(query.params["i"], Value::Interval(0, 7, 0));
        assert_eq!(query.params["z"], Value::Null);
        assert_eq!(query.settings, [("batch_rows".to_string(), "10".to_string())]);
        assert_eq!(query.format, Format::Ndjson);
    }

    #[test]
    fn text_is_sql_and_accept_chooses() {
        let query = read("text/plain", Some("text/csv"), "SELECT 1").unwrap();
        assert_eq!((query.sql.as_str(), query.format), ("SELECT 1", Format::Csv));
        let arrow = read("text/plain", Some("text/html;q=0, application/vnd.apache.arrow.stream"), "").unwrap();
        assert_eq!(arrow.format, Format::Arrow);
        assert_eq!(read("text/plain", Some("image/png"), "").unwrap_err().0, 406);
        let named = read("application/json", Some("image/png"), r#"{"sql":"","format":"csv"}"#).unwrap();
        assert_eq!(named.format, Format::Csv);
    }

    #[test]
    fn mistakes_are_named() {
        for (body, message) in [
            ("{", "the body is not a query: EOF while parsing an object at line 1 column 1"),
            (r#"{"sql":"","parms":{}}"#, "a query has no member \"parms\""),
            (r#"{"sql":"","format":"xml"}"#, "there is no format \"xml\""),
            (r#"{"sql":"","params":{"n":{"type":"INT","value":"ten"}}}"#, "parameter n expects INT, got \"ten\""),
            (
                r#"{"sql":"","params":{"n":18446744073709551615}}"#,
                "parameter n does not fit a BIGINT: 18446744073709551615",
            ),
            (r#"{"sql":"","params":{"n":[1]}}"#, "parameter n is an array"),
        ] {
            assert_eq!(read("application/json", None, body).unwrap_err(), (400, message.to_string()));
        }
    }
}
