//! Client of a registry with Confluent's REST API. Several base URLs are tried in turn; a failure names the URL, what was
//! asked and why it failed, never a credential.
//!
//! What counts as "not there" is decided by the registry's own error code in the body of a 404: a 404 of a proxy or of
//! some other server is a failure, or a wrong URL would make every schema look missing. A redirect is a failure too: it
//! would send the credentials somewhere nobody named.

mod answer;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::{Value, json};

use super::{Reference, RegisteredSchema, Registry, SchemaId, SchemaType, SubjectVersion};
use crate::error::{Error, Result};
use answer::{Answer, Credentials, unreachable};

/// One request, connection included.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Rounds over all URLs before giving up.
const ROUNDS: usize = 2;
/// References followed for one schema, at most.
const MAX_REFERENCES: usize = 200;
/// Bytes of one answer, at most.
const MAX_ANSWER_BYTES: usize = 32 << 20;
/// The content type of requests and answers.
const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// How to reach a registry.
#[derive(Clone, Default)]
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

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let urls: Vec<String> = self.urls.iter().map(|url| shown(url)).collect();
        f.debug_struct("Options").field("urls", &urls).field("ca_file", &self.ca_file).finish_non_exhaustive()
    }
}

/// A registry behind HTTP.
pub struct Http {
    bases: Vec<Base>,
    /// Which base answered last; the next call begins there.
    preferred: AtomicUsize,
    basic: Option<(String, String)>,
    bearer: Option<String>,
    client: Client,
    timeout: Duration,
}

/// One base URL.
struct Base {
    url: String,
    /// The same without the credentials it may hold.
    shown: String,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("location", &self.location()).finish_non_exhaustive()
    }
}

impl Http {
    /// A client; makes no connection.
    ///
    /// # Errors
    /// No URL, one that is none, or a certificate file that cannot be read.
    pub fn new(options: Options) -> Result<Self> {
        if options.urls.is_empty() {
            return Err(Error::usage("the registry has no URL"));
        }
        let bases = options.urls.iter().map(|url| Base::new(url)).collect::<Result<Vec<_>>>()?;
        // Someone else may have installed a provider already; either serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")));
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
        let Options { basic, bearer, .. } = options;
        Ok(Http { bases, preferred: AtomicUsize::new(0), basic, bearer, client, timeout: TIMEOUT })
    }

    /// Sets how long one request may take, connection included; 5 s at first.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Http {
        self.timeout = timeout;
        self
    }

    /// One call; `None` when the registry says that there is no such thing. Every URL is tried, beginning with the one
    /// that answered last, [`ROUNDS`] times: a URL that cannot be reached, breaks off, fails by its own account (5xx) or
    /// is no registry's is followed by the next; what a registry refuses is refused.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Option<Value>> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut last = Error::connect("the registry was not asked");
        for attempt in 0..self.bases.len() * ROUNDS {
            let index = (first + attempt) % self.bases.len();
            let Some(base) = self.bases.get(index) else { continue };
            match self.attempt(base, &method, path, body.as_ref()).await {
                Ok(Answer::Found(value)) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(Some(value));
                }
                Ok(Answer::Missing) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(None);
                }
                Ok(Answer::Refused(error)) => return Err(error),
                Ok(Answer::Failed(error)) | Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// One request to one URL. An error when there was no answer.
    async fn attempt(&self, base: &Base, method: &Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let request = self.request(base, method, path, body);
        let mut response = request.send().await.map_err(|e| unreachable(&base.shown, &e))?;
        let status = response.status();
        let redirect = response.headers().get("location").and_then(|to| to.to_str().ok()).map(shown);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(&base.shown, &e))? {
            if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Ok(Answer::Refused(Error::connect(format!(
                    "the registry {} answered {path} with more than {} MiB",
                    base.shown,
                    MAX_ANSWER_BYTES >> 20
                ))));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(answer::read(&base.shown, path, status, redirect.as_deref(), &bytes, self.credentials(base)))
    }

    fn request(&self, base: &Base, method: &Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", base.url))
            .timeout(self.timeout)
            .header("accept", CONTENT_TYPE);
        if let Some((user, password)) = &self.basic {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(token) = &self.bearer {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", CONTENT_TYPE).body(body.to_string());
        }
        request
    }

    fn credentials(&self, base: &Base) -> Credentials {
        if self.bearer.is_some() {
            Credentials::Token
        } else if self.basic.is_some() || base.url != base.shown {
            Credentials::Password
        } else {
            Credentials::None
        }
    }

    async fn get(&self, path: &str) -> Result<Option<Value>> {
        self.call(Method::GET, path, None).await
    }

    /// The error for an answer that is JSON of the wrong shape.
    fn odd(&self, path: &str, missing: &str) -> Error {
        Error::connect(format!("the registry {} answered {path} {missing}", self.location()))
            .with_hint("is this the registry's URL?")
    }

    async fn schema(&self, id: SchemaId, path: &str, body: &Value) -> Result<Arc<RegisteredSchema>> {
        let text = body.get("schema").and_then(Value::as_str);
        let text = text.ok_or_else(|| self.odd(path, "without a schema"))?;
        let schema_type = match body.get("schemaType").and_then(Value::as_str) {
            Some("AVRO") | None => SchemaType::Avro,
            Some("JSON") => SchemaType::Json,
            Some("PROTOBUF") => SchemaType::Protobuf,
            Some(other) => {
                return Err(Error::data(format!("schema {id} of the registry is written in {other}"))
                    .with_hint("AVRO, JSON and PROTOBUF are understood"));
            }
        };
        let references = self.references(body).await?;
        Ok(Arc::new(RegisteredSchema { id, schema_type, text: text.into(), references }))
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
            let Some(body) = self.get(&path).await? else {
                return Err(Error::data(format!(
                    "a schema refers to {subject} version {version}, which the registry does not have"
                )));
            };
            let text = body.get("schema").and_then(Value::as_str);
            let text = text.ok_or_else(|| self.odd(&path, "without a schema"))?.to_string();
            open.extend(named(&body));
            found.push(Reference { name, subject, version, text });
        }
        found.reverse();
        Ok(found)
    }

    async fn subject_version(&self, subject: &str, version: &str) -> Result<Option<SubjectVersion>> {
        let path = format!("/subjects/{}/versions/{version}", escape(subject));
        let Some(body) = self.get(&path).await? else { return Ok(None) };
        let (Some(id), Some(version)) = (integer(&body, "id"), integer(&body, "version")) else {
            return Err(self.odd(&path, "without id and version"));
        };
        let schema = self.schema(id, &path, &body).await?;
        Ok(Some(SubjectVersion { subject: subject.to_string(), version, schema }))
    }

    /// A list of what `item` reads; empty when the registry has no such thing.
    async fn list<T>(&self, path: &str, item: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>> {
        let Some(body) = self.get(path).await? else { return Ok(Vec::new()) };
        let items = body.as_array().and_then(|list| list.iter().map(item).collect::<Option<Vec<T>>>());
        items.ok_or_else(|| self.odd(path, "without a list"))
    }
}

impl Base {
    fn new(url: &str) -> Result<Base> {
        let shown = shown(url);
        let parsed = Url::parse(url).ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        if parsed.is_none() {
            return Err(Error::usage(format!("\"{shown}\" is no URL of a registry"))
                .with_hint("write http://HOST:PORT or https://HOST:PORT"));
        }
        Ok(Base { url: url.trim_end_matches('/').to_string(), shown })
    }
}

/// A URL without the credentials it may hold.
fn shown(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.rsplit('@').next().unwrap_or_default().to_string();
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

fn named(body: &Value) -> Vec<(String, String, i32)> {
    let list = body.get("references").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |r: &Value, key: &str| r.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    list.iter().filter_map(|r| Some((text(r, "name"), text(r, "subject"), integer(r, "version")?))).collect()
}

fn integer(body: &Value, key: &str) -> Option<i32> {
    body.get(key).and_then(number)
}

fn number(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|n| i32::try_from(n).ok())
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

#[async_trait]
impl Registry for Http {
    fn location(&self) -> String {
        self.bases.iter().map(|base| base.shown.as_str()).collect::<Vec<_>>().join(", ")
    }

    async fn by_id(&self, id: SchemaId) -> Result<Option<Arc<RegisteredSchema>>> {
        let path = format!("/schemas/ids/{id}");
        match self.get(&path).await? {
            Some(body) => self.schema(id, &path, &body).await.map(Some),
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
        self.list(&format!("/subjects/{}/versions", escape(subject)), number).await
    }

    async fn subjects(&self) -> Result<Vec<String>> {
        let mut subjects = self.list("/subjects", |item| item.as_str().map(ToString::to_string)).await?;
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
        answer.as_ref().and_then(|a| integer(a, "id")).ok_or_else(|| self.odd(&path, "without the new schema's id"))
    }

    async fn delete_subject(&self, subject: &str) -> Result<()> {
        self.call(Method::DELETE, &format!("/subjects/{}", escape(subject)), None).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
