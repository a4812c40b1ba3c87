//! Client of a registry with Confluent's REST API. Several base URLs are tried in turn; a failure names the URL, what was
//! asked and why it failed, never a credential.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::{Reference, RegisteredSchema, Registry, SchemaId, SchemaType, SubjectVersion};
use crate::error::{Error, Result};

/// One request, connection included.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Rounds over all URLs before giving up.
const ROUNDS: usize = 2;
/// References followed for one schema, at most.
const MAX_REFERENCES: usize = 200;
/// The content type of requests and answers.
const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// How to reach a registry.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Base URLs.
    pub urls: Vec<String>,
    /// `user`, `password`.
    pub basic: Option<(String, String)>,
    /// Bearer token.
    pub bearer: Option<String>,
    /// PEM file with certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// A registry behind HTTP.
pub struct Http {
    urls: Vec<String>,
    basic: Option<(String, String)>,
    bearer: Option<String>,
    client: Client,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("urls", &self.urls).finish_non_exhaustive()
    }
}

impl Http {
    /// A client; makes no connection.
    ///
    /// # Errors
    /// No URL, or a certificate file that cannot be read.
    pub fn new(options: Options) -> Result<Self> {
        if options.urls.is_empty() {
            return Err(Error::usage("the registry has no URL"));
        }
        // Someone else may have installed a provider already; either serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder().timeout(TIMEOUT).user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = &options.ca_file {
            let refused = |e: &dyn std::fmt::Display| {
                Error::usage(format!("cannot read the registry's certificates in {}: {e}", file.display()))
            };
            let pem = std::fs::read(file).map_err(|e| refused(&e))?;
            for certificate in reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| refused(&e))? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let client = builder.build().map_err(|e| Error::usage(format!("cannot set up the registry client: {e}")))?;
        let urls = options.urls.iter().map(|u| u.trim_end_matches('/').to_string()).collect();
        Ok(Http { urls, basic: options.basic, bearer: options.bearer, client })
    }

    /// One call; `None` for a 404.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Option<Value>> {
        let mut last = Error::connect("the registry was not asked");
        for url in std::iter::repeat_n(&self.urls, ROUNDS).flatten() {
            let mut request =
                self.client.request(method.clone(), format!("{url}{path}")).header("accept", CONTENT_TYPE);
            if let Some((user, password)) = &self.basic {
                request = request.basic_auth(user, Some(password));
            }
            if let Some(token) = &self.bearer {
                request = request.bearer_auth(token);
            }
            if let Some(body) = &body {
                request = request.header("content-type", CONTENT_TYPE).body(body.to_string());
            }
            match request.send().await {
                Err(e) => last = unreachable(&self.shown(url), &e),
                Ok(response) => {
                    let status = response.status();
                    let text = response.text().await.unwrap_or_default();
                    if status == StatusCode::NOT_FOUND {
                        return Ok(None);
                    }
                    if status.is_success() {
                        return serde_json::from_str(&text).map(Some).map_err(|e| {
                            Error::connect(format!(
                                "{} answered {path} with something that is not JSON: {e}",
                                self.shown(url)
                            ))
                            .with_hint("is this the registry's URL?")
                        });
                    }
                    last = refused(&self.shown(url), path, status, &text);
                    if !status.is_server_error() {
                        return Err(last);
                    }
                }
            }
        }
        Err(last)
    }

    /// A URL without the credentials it may hold.
    fn shown(&self, url: &str) -> String {
        match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
            _ => url.to_string(),
        }
    }

    async fn schema(&self, id: SchemaId, body: &Value) -> Result<Option<Arc<RegisteredSchema>>> {
        let Some(text) = body.get("schema").and_then(Value::as_str) else { return Ok(None) };
        let schema_type = match body.get("schemaType").and_then(Value::as_str) {
            Some("JSON") => SchemaType::Json,
            Some("PROTOBUF") => SchemaType::Protobuf,
            _ => SchemaType::Avro,
        };
        let references = self.references(body).await?;
        Ok(Some(Arc::new(RegisteredSchema { id, schema_type, text: text.into(), references })))
    }

    /// Everything a schema refers to, transitively, dependencies first.
    async fn references(&self, body: &Value) -> Result<Vec<Reference>> {
        let mut found: Vec<Reference> = Vec::new();
        let mut seen: HashSet<(String, i32)> = HashSet::new();
        let mut open = named(body);
        while let Some((name, subject, version)) = open.pop() {
            if !seen.insert((subject.clone(), version)) {
                continue;
            }
            if seen.len() > MAX_REFERENCES {
                return Err(Error::data(format!("a schema refers to more than {MAX_REFERENCES} others")));
            }
            let path = format!("/subjects/{}/versions/{version}", escape(&subject));
            let Some(body) = self.call(Method::GET, &path, None).await? else {
                return Err(Error::data(format!(
                    "a schema refers to {subject} version {version}, which the registry does not have"
                )));
            };
            let text = body.get("schema").and_then(Value::as_str).unwrap_or_default().to_string();
            open.extend(named(&body));
            found.push(Reference { name, subject, version, text });
        }
        found.reverse();
        Ok(found)
    }

    async fn subject_version(&self, subject: &str, version: &str) -> Result<Option<SubjectVersion>> {
        let path = format!("/subjects/{}/versions/{version}", escape(subject));
        let Some(body) = self.call(Method::GET, &path, None).await? else { return Ok(None) };
        let (Some(id), Some(version)) = (integer(&body, "id"), integer(&body, "version")) else {
            return Err(Error::connect(format!("{} described {subject} without id and version", self.location())));
        };
        let schema = self.schema(id, &body).await?;
        Ok(schema.map(|schema| SubjectVersion { subject: subject.to_string(), version, schema }))
    }
}

fn named(body: &Value) -> Vec<(String, String, i32)> {
    let list = body.get("references").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |r: &Value, key: &str| r.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    list.iter().filter_map(|r| Some((text(r, "name"), text(r, "subject"), integer(r, "version")?))).collect()
}

fn integer(body: &Value, key: &str) -> Option<i32> {
    body.get(key).and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok())
}

/// A subject as one segment of a path.
fn escape(subject: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(subject.len());
    for b in subject.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            let written = write!(out, "%{b:02X}");
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
    }
    out
}

fn unreachable(url: &str, error: &reqwest::Error) -> Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let phase = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "cannot be reached"
    } else {
        "broke off"
    };
    Error::connect(format!("the registry {url} {phase}: {cause}"))
        .with_hint("check --registry, and that the registry runs")
}

fn refused(url: &str, path: &str, status: StatusCode, body: &str) -> Error {
    let message = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|b| b.get("message").and_then(Value::as_str).map(ToString::to_string))
        .unwrap_or_else(|| body.lines().next().unwrap_or("").chars().take(200).collect());
    let error = Error::connect(format!("the registry {url} refused {path}: {status}"));
    let error = if message.is_empty() { error } else { error.with_detail(message) };
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            error.with_hint("check the registry's user and password (basic.auth.user.info) or token")
        }
        StatusCode::CONFLICT => {
            error.with_kind(crate::error::Kind::Data).with_hint("the schema is not compatible with the subject's")
        }
        _ => error,
    }
}

#[async_trait]
impl Registry for Http {
    fn location(&self) -> String {
        self.urls.iter().map(|u| self.shown(u)).collect::<Vec<_>>().join(", ")
    }

    async fn by_id(&self, id: SchemaId) -> Result<Option<Arc<RegisteredSchema>>> {
        match self.call(Method::GET, &format!("/schemas/ids/{id}"), None).await? {
            Some(body) => self.schema(id, &body).await,
            None => Ok(None),
        }
    }

    async fn latest(&self, subject: &str) -> Result<Option<SubjectVersion>> {
        self.subject_version(subject, "latest").await
    }

    async fn version(&self, subject: &str, version: i32) -> Result<Option<SubjectVersion>> {
        self.subject_version(subject, &version.to_string()).await
    }

    async fn versions(&self, subject: &str) -> Result<Vec<i32>> {
        let body = self.call(Method::GET, &format!("/subjects/{}/versions", escape(subject)), None).await?;
        let list = body.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Ok(list.iter().filter_map(Value::as_i64).filter_map(|n| i32::try_from(n).ok()).collect())
    }

    async fn subjects(&self) -> Result<Vec<String>> {
        let body = self.call(Method::GET, "/subjects", None).await?;
        let list = body.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut subjects: Vec<String> = list.iter().filter_map(Value::as_str).map(ToString::to_string).collect();
        subjects.sort();
        Ok(subjects)
    }

    async fn register(&self, subject: &str, schema_type: SchemaType, text: &str) -> Result<SchemaId> {
        let body = match schema_type {
            SchemaType::Avro => json!({"schema": text}),
            other => json!({"schema": text, "schemaType": other.name()}),
        };
        let path = format!("/subjects/{}/versions", escape(subject));
        let answer = self.call(Method::POST, &path, Some(body)).await?;
        answer
            .as_ref()
            .and_then(|a| integer(a, "id"))
            .ok_or_else(|| Error::connect(format!("{} did not say which id {subject} got", self.location())))
    }

    async fn delete_subject(&self, subject: &str) -> Result<()> {
        self.call(Method::DELETE, &format!("/subjects/{}", escape(subject)), None).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_segment() {
        assert_eq!(escape("a/b c-value"), "a%2Fb%20c-value");
    }

    #[test]
    fn credentials_are_not_shown() {
        let http =
            Http::new(Options { urls: vec!["http://me:secret@host:8081/".into()], ..Options::default() }).unwrap();
        assert_eq!(http.location(), "http://host:8081");
    }
}
