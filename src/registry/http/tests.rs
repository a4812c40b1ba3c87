//! The client against a small server of its own, which answers what each test says and remembers what it was asked.

use std::collections::{HashMap, VecDeque};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method as HttpMethod, StatusCode as Status, Uri};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;

use super::*;
use crate::error::Kind;

/// One answer of the server.
#[derive(Clone)]
enum Reply {
    Json(u16, Value),
    Text(u16, &'static str),
    Redirect(&'static str),
    /// Headers and half a body, then nothing more.
    Half,
    /// Nothing, until the client goes away.
    Silence,
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
struct Asked {
    method: String,
    path: String,
    login: Option<String>,
    body: String,
}

#[derive(Default)]
struct Script {
    /// Answers by path, each used once but for the last of a path, which stays.
    replies: HashMap<String, VecDeque<Reply>>,
    asked: Vec<Asked>,
}

type Shared = Arc<Mutex<Script>>;

/// A server on a free port of 127.0.0.1 until dropped.
struct Server {
    script: Shared,
    at: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    State(script): State<Shared>,
    method: HttpMethod,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let login = headers.get("authorization").map(|login| login.to_str().unwrap().to_string());
    let body = String::from_utf8(body.to_vec()).unwrap();
    let reply = {
        let mut script = script.lock();
        let path = uri.path().to_string();
        script.asked.push(Asked { method: method.to_string(), path: path.clone(), login, body });
        let left = script.replies.get_mut(&path);
        left.and_then(|left| if left.len() > 1 { left.pop_front() } else { left.front().cloned() })
    };
    match reply.unwrap_or(Reply::Text(404, "no such page")) {
        Reply::Json(status, body) => (Status::from_u16(status).unwrap(), body.to_string()).into_response(),
        Reply::Text(status, body) => (Status::from_u16(status).unwrap(), body).into_response(),
        Reply::Redirect(to) => {
            let mut response = Status::FOUND.into_response();
            response.headers_mut().insert("location", HeaderValue::from_static(to));
            response
        }
        Reply::Half => {
            let broken = futures::stream::iter([Ok("{\"sch"), Err(std::io::Error::other("the disk is gone"))]);
            axum::body::Body::from_stream(broken).into_response()
        }
        Reply::Silence => std::future::pending().await,
    }
}

impl Server {
    async fn start<const N: usize>(replies: [(&str, Reply); N]) -> Server {
        let mut script = Script::default();
        for (path, reply) in replies {
            script.replies.entry(path.to_string()).or_default().push_back(reply);
        }
        let script = Arc::new(Mutex::new(script));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(Arc::clone(&script));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Server { script, at, task }
    }

    fn asked(&self) -> Vec<Asked> {
        self.script.lock().asked.clone()
    }

    fn client(&self) -> Http {
        client(&[&self.at])
    }
}

fn client(urls: &[&str]) -> Http {
    let urls = urls.iter().map(|url| url.to_string()).collect();
    Http::new(Options { urls, ..Options::default() }).unwrap()
}

/// A URL at which nobody listens.
fn nobody() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", free.local_addr().unwrap())
}

fn error_code(status: u16, code: i32, message: &str) -> Reply {
    Reply::Json(status, json!({"error_code": code, "message": message}))
}

const ORDERS: &str = "/subjects/orders-value/versions/latest";

fn orders() -> Reply {
    Reply::Json(
        200,
        json!({"subject": "orders-value", "version": 3, "id": 7, "schemaType": "AVRO", "schema": "\"long\"", "guid": "x"}),
    )
}

fn bare(id: SchemaId, schema_type: SchemaType, text: &str) -> RegisteredSchema {
    RegisteredSchema { id, schema_type, text: text.into(), references: Vec::new() }
}

#[test]
fn a_subject_is_one_segment() {
    assert_eq!(escape("a/b c-value"), "a%2Fb%20c-value");
    assert_eq!(escape("ü"), "%C3%BC");
}

#[test]
fn credentials_are_not_shown() {
    for (url, plain) in [
        ("http://me:secret@host:8081/", "http://host:8081"),
        ("https://me:sec@ret@host/a@b", "https://host/a@b"),
        ("http://me:secret@host?x=@y", "http://host?x=@y"),
    ] {
        let options = Options {
            urls: vec![url.into()],
            basic: Some(("me".into(), "secret".into())),
            bearer: Some("secret".into()),
            ca_file: None,
        };
        let printed = format!("{options:?}");
        let http = Http::new(options).unwrap();
        assert_eq!(http.location(), plain);
        assert!(!format!("{http:?}{printed}").contains("sec"), "{http:?} {printed}");
    }
    let error = Http::new(Options { urls: vec!["me:secret@host:8081".into()], ..Options::default() }).unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::Usage, "\"host:8081\" is no URL of a registry"));
}

#[tokio::test]
async fn schemas_come_by_id_and_by_subject() {
    let server = Server::start([
        ("/schemas/ids/7", Reply::Json(200, json!({"schema": "\"long\""}))),
        ("/schemas/ids/8", Reply::Json(200, json!({"schema": "{}", "schemaType": "JSON"}))),
        ("/schemas/ids/9", Reply::Json(200, json!({"schema": "syntax = \"proto3\";", "schemaType": "PROTOBUF"}))),
        (ORDERS, orders()),
        ("/subjects/orders-value/versions/3", orders()),
        ("/subjects/orders-value/versions", Reply::Json(200, json!([1, 3]))),
        ("/subjects", Reply::Json(200, json!(["orders-value", "a-key"]))),
    ])
    .await;
    let http = server.client();
    assert_eq!(*http.by_id(7).await.unwrap().unwrap(), bare(7, SchemaType::Avro, "\"long\""));
    assert_eq!(http.by_id(8).await.unwrap().unwrap().schema_type, SchemaType::Json);
    assert_eq!(http.by_id(9).await.unwrap().unwrap().schema_type, SchemaType::Protobuf);
    let schema = Arc::new(bare(7, SchemaType::Avro, "\"long\""));
    let latest = SubjectVersion { subject: "orders-value".into(), version: 3, schema };
    assert_eq!(http.latest("orders-value").await.unwrap(), Some(latest.clone()));
    assert_eq!(http.version("orders-value", 3).await.unwrap(), Some(latest));
    assert_eq!(http.versions("orders-value").await.unwrap(), [1, 3]);
    assert_eq!(http.subjects().await.unwrap(), ["a-key", "orders-value"]);
}

#[tokio::test]
async fn schemas_are_registered_and_deleted() {
    let server = Server::start([
        ("/subjects/a%2Fb/versions", Reply::Json(200, json!({"id": 4}))),
        ("/subjects/a%2Fb", Reply::Json(200, json!([1]))),
        ("/subjects/gone", error_code(404, 40401, "Subject 'gone' not found.")),
    ])
    .await;
    let http = server.client();
    assert_eq!(http.register("a/b", SchemaType::Avro, "\"int\"").await.unwrap(), 4);
    assert_eq!(http.register("a/b", SchemaType::Json, "{}").await.unwrap(), 4);
    http.delete_subject("a/b").await.unwrap();
    http.delete_subject("gone").await.unwrap();
    let asked: Vec<String> = server.asked().iter().map(|a| format!("{} {} {}", a.method, a.path, a.body)).collect();
    assert_eq!(
        asked,
        [
            "POST /subjects/a%2Fb/versions {\"schema\":\"\\\"int\\\"\"}",
            "POST /subjects/a%2Fb/versions {\"schema\":\"{}\",\"schemaType\":\"JSON\"}",
            "DELETE /subjects/a%2Fb ",
            "DELETE /subjects/gone ",
        ]
    );
}

#[tokio::test]
async fn references_come_along_dependencies_first() {
    let refer = |name: &str| json!([{"name": name, "subject": name, "version": 1}]);
    let server = Server::start([
        ("/schemas/ids/1", Reply::Json(200, json!({"schema": "top", "references": refer("middle")}))),
        (
            "/subjects/middle/versions/1",
            Reply::Json(200, json!({"id": 2, "version": 1, "schema": "middle", "references": refer("base")})),
        ),
        // A circle ends.
        (
            "/subjects/base/versions/1",
            Reply::Json(200, json!({"id": 3, "version": 1, "schema": "base", "references": refer("middle")})),
        ),
        ("/schemas/ids/5", Reply::Json(200, json!({"schema": "top", "references": refer("lost")}))),
        ("/subjects/lost/versions/1", error_code(404, 40402, "Version 1 not found.")),
    ])
    .await;
    let http = server.client();
    let found = http.by_id(1).await.unwrap().unwrap();
    assert_eq!(found.references.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), ["base", "middle"]);
    let error = http.by_id(5).await.unwrap_err();
    assert_eq!(error.message(), "a schema refers to lost version 1, which the registry does not have");
}

#[tokio::test]
async fn only_the_registrys_own_404_means_missing() {
    let server = Server::start([
        ("/schemas/ids/1", error_code(404, 40403, "Schema 1 not found")),
        (ORDERS, error_code(404, 40401, "Subject 'orders-value' not found.")),
        ("/subjects/orders-value/versions/9", error_code(404, 40402, "Version 9 not found.")),
        ("/subjects/orders-value/versions", error_code(404, 40401, "Subject 'orders-value' not found.")),
        ("/schemas/ids/3", error_code(404, 404, "HTTP 404 Not Found")),
        ("/schemas/ids/4", Reply::Json(404, json!({"error": "Not Found"}))),
    ])
    .await;
    let http = server.client();
    assert_eq!(http.by_id(1).await.unwrap(), None);
    assert_eq!(http.latest("orders-value").await.unwrap(), None);
    assert_eq!(http.version("orders-value", 9).await.unwrap(), None);
    assert!(http.versions("orders-value").await.unwrap().is_empty());
    for id in [2, 3, 4] {
        let error = http.by_id(id).await.unwrap_err();
        let message = format!("{} has no registry: it answered /schemas/ids/{id} with 404 Not Found", server.at);
        assert_eq!((error.kind(), error.message()), (Kind::Connect, message.as_str()));
    }
}

#[tokio::test]
async fn a_refused_login_is_named_and_not_repeated() {
    let locked = || error_code(401, 40101, "Unauthorized");
    let server = Server::start([(ORDERS, locked()), ("/subjects", error_code(403, 40301, "User is denied"))]).await;
    let at = server.at.clone();
    let basic = Some(("me".to_string(), "hunter2".to_string()));
    let options = Options { urls: vec![at.clone()], ..Options::default() };
    let in_url = at.replace("http://", "http://me:hunter2@");
    for (options, message, property) in [
        (options.clone(), "wants a user and password, or a token", "basic.auth.user.info="),
        (Options { basic, ..options.clone() }, "refused the user or password", "basic.auth.user.info"),
        (
            Options { bearer: Some("hunter2".into()), ..options.clone() },
            "refused the token",
            "schema.registry.bearer.auth.token",
        ),
        (Options { urls: vec![in_url], ..options }, "refused the user or password", "basic.auth.user.info"),
    ] {
        let http = Http::new(options).unwrap();
        let error = http.latest("orders-value").await.unwrap_err();
        assert_eq!(error.message(), format!("the registry {at} {message}"));
        assert_eq!((error.kind(), error.detail()), (Kind::Connect, Some("Unauthorized")));
        assert!(error.hint().unwrap().contains(property), "{:?}", error.hint());
        let denied = http.subjects().await.unwrap_err();
        assert_eq!(denied.message(), format!("the registry {at} does not allow us /subjects (403 Forbidden)"));
        assert!(!format!("{error:?}{denied:?}{http:?}").contains("hunter2"));
    }
    let logins: Vec<Option<String>> = server.asked().into_iter().map(|a| a.login).collect();
    let sent = ["Basic bWU6aHVudGVyMg==", "Bearer hunter2", "Basic bWU6aHVudGVyMg=="].map(|s| Some(s.to_string()));
    // A refusal is not tried again: one request for each question.
    let [password, token, url] = sent;
    assert_eq!(logins, [None, None, password.clone(), password, token.clone(), token, url.clone(), url]);
}

#[tokio::test]
async fn what_the_registry_refuses_to_register_is_the_schemas_fault() {
    let server = Server::start([
        ("/subjects/a/versions", error_code(409, 409, "Schema being registered is incompatible")),
        ("/subjects/b/versions", error_code(422, 42201, "Input schema is an invalid Avro schema")),
    ])
    .await;
    let http = server.client();
    for (subject, status, detail) in [
        ("a", "409 Conflict", "Schema being registered is incompatible"),
        ("b", "422 Unprocessable Entity", "Input schema is an invalid Avro schema"),
    ] {
        let error = http.register(subject, SchemaType::Avro, "\"int\"").await.unwrap_err();
        assert_eq!(
            error.message(),
            format!("the registry {} refused /subjects/{subject}/versions: {status}", server.at)
        );
        assert_eq!((error.kind(), error.detail()), (Kind::Data, Some(detail)));
        assert!(error.hint().is_some());
    }
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_server_error_is_tried_again_but_not_for_ever() {
    let broken = || error_code(500, 50001, "Error in the backend data store");
    let server = Server::start([(ORDERS, broken()), (ORDERS, orders()), ("/subjects", broken())]).await;
    let http = server.client();
    assert_eq!(http.latest("orders-value").await.unwrap().unwrap().version, 3);
    assert_eq!(server.asked().len(), 2);
    let error = http.subjects().await.unwrap_err();
    assert_eq!(error.message(), format!("the registry {} refused /subjects: 500 Internal Server Error", server.at));
    assert_eq!(error.detail(), Some("Error in the backend data store"));
    assert_eq!(server.asked().len(), 2 + ROUNDS);
}

#[tokio::test]
async fn silence_and_half_an_answer_are_errors() {
    let server = Server::start([
        ("/subjects", Reply::Silence),
        (ORDERS, Reply::Half),
        ("/schemas/ids/1", Reply::Half),
        ("/schemas/ids/1", Reply::Json(200, json!({"schema": "\"int\""}))),
    ])
    .await;
    let http = server.client().with_timeout(Duration::from_millis(100));
    let error = http.subjects().await.unwrap_err();
    assert_eq!(error.message(), format!("the registry {} did not answer in time", server.at));
    let error = http.latest("orders-value").await.unwrap_err();
    assert!(error.message().starts_with(&format!("the registry {} broke off", server.at)), "{}", error.message());
    assert_eq!(http.by_id(1).await.unwrap().unwrap().text.as_ref(), "\"int\"");
}

#[tokio::test]
async fn a_redirect_is_told_and_takes_no_credentials_along() {
    let elsewhere = "https://you:other@elsewhere.example/subjects";
    let server = Server::start([("/subjects", Reply::Redirect(elsewhere))]).await;
    let error = server.client().subjects().await.unwrap_err();
    assert_eq!(
        error.message(),
        format!("the registry {} redirects /subjects to https://elsewhere.example/subjects (302 Found)", server.at)
    );
}

#[tokio::test]
async fn answers_of_another_shape_are_errors() {
    let server = Server::start([
        ("/schemas/ids/1", Reply::Text(200, "<html>Sign in</html>")),
        ("/schemas/ids/2", Reply::Json(200, json!({"schemas": []}))),
        ("/schemas/ids/3", Reply::Json(200, json!({"schema": "x", "schemaType": "XSD"}))),
        (ORDERS, Reply::Json(200, json!({"schema": "\"int\"", "id": "7", "version": 1}))),
        ("/subjects", Reply::Json(200, json!({"subjects": []}))),
        ("/subjects/a/versions", Reply::Json(200, json!([1, "2"]))),
    ])
    .await;
    let (http, at) = (server.client(), &server.at);
    let odd = |path: &str, what: &str| format!("the registry {at} answered {path} {what}");
    let html = http.by_id(1).await.unwrap_err();
    assert_eq!(html.message(), odd("/schemas/ids/1", "with something that is not JSON"));
    assert_eq!((html.detail(), html.hint()), (Some("<html>Sign in</html>"), Some("is this the registry's URL?")));
    assert_eq!(http.by_id(2).await.unwrap_err().message(), odd("/schemas/ids/2", "without a schema"));
    assert_eq!(http.by_id(3).await.unwrap_err().message(), "schema 3 of the registry is written in XSD");
    assert_eq!(http.latest("orders-value").await.unwrap_err().message(), odd(ORDERS, "without id and version"));
    assert_eq!(http.subjects().await.unwrap_err().message(), odd("/subjects", "without a list"));
    assert_eq!(http.versions("a").await.unwrap_err().message(), odd("/subjects/a/versions", "without a list"));
    let register = http.register("a", SchemaType::Avro, "\"int\"").await.unwrap_err();
    assert_eq!(register.message(), odd("/subjects/a/versions", "without the new schema's id"));
}

#[tokio::test]
async fn urls_are_tried_in_turn_and_the_one_that_answered_comes_first() {
    let broken = Server::start([(ORDERS, Reply::Text(503, "starting"))]).await;
    let well = Server::start([(ORDERS, orders()), ("/schemas/ids/1", error_code(404, 40403, "not found"))]).await;
    let stopped = nobody();
    let http = client(&[&stopped, &broken.at, &format!("{}/", well.at)]);
    assert_eq!(http.location(), format!("{stopped}, {}, {}", broken.at, well.at));
    assert_eq!(http.latest("orders-value").await.unwrap().unwrap().version, 3);
    assert_eq!(http.by_id(1).await.unwrap(), None);
    assert_eq!((broken.asked().len(), well.asked().len()), (1, 2));

    let none = client(&[&broken.at, &stopped]).latest("orders-value").await.unwrap_err();
    assert_eq!(none.kind(), Kind::Connect);
    let unreached = format!("the registry {stopped} cannot be reached: ");
    assert!(none.message().starts_with(&unreached), "{}", none.message());
    assert_eq!(broken.asked().len(), 1 + ROUNDS);
}
