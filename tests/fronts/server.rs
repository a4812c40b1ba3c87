//! `weir serve`: each statement is a request, with the settings that the statements before it left, and not at the start of
//! its text.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use weir::error::{Error, Kind};
use weir::render::error::position;
use weir::render::value::type_name;
use weir::render::{Format, Look, Renderer};
use weir::session::response::{Receipt, Response, TopicReceipt};

use super::inside::Ran;
use super::{Place, Reference, changed, difference, parts};
use crate::set_up::server::Server;

/// What stands before each statement.
const BEFORE: &str = "-- żółw\n  ";

/// Runs a whole file; returns how many statements ran.
pub async fn run(place: &Place, reference: &Reference) -> Result<usize, String> {
    let mut failures = String::new();
    let mut count = 0;
    for part in parts(&reference.all) {
        let data = place.data.to_str().unwrap();
        let server = Server::start_in(&place.home, &["--threads", "2", "--allow-files", "--data", data], None);
        for ran in part {
            failures.extend(ask(&server, place, &reference.place, ran).await);
            count += 1;
        }
        assert_eq!(server.stop(), 0);
        place.produce(part).await;
    }
    if failures.is_empty() { Ok(count) } else { Err(failures) }
}

async fn ask(server: &Server, place: &Place, before: &Place, ran: &Ran) -> Option<String> {
    let text = format!("{BEFORE}{}", place.typed(&ran.block.statement));
    let param = |p: &super::file::Param| (p.name.clone(), json!({"type": p.r#type, "value": p.value}));
    let setting = |(name, value): (&str, String)| (name.to_string(), Json::String(value));
    let request = json!({
        "sql": text,
        "params": ran.block.params.iter().map(param).collect::<serde_json::Map<_, _>>(),
        "settings": changed(&ran.settings).into_iter().map(setting).collect::<serde_json::Map<_, _>>(),
        "format": "ndjson",
    });
    let response = server.post(&request.to_string()).send().await.unwrap();
    let status = response.status().as_u16();
    let lines = response.text().await.unwrap();
    let lines = lines.lines().map(|line| timeless(serde_json::from_str(line).unwrap()));
    let got: String = lines.map(|line| format!("{line}\n")).collect();
    let (code, expected) = expected(ran, &text);
    let expected: String = expected.into_iter().map(|line| format!("{}\n", timeless(line))).collect();
    let shown = ran.block.statement.lines().next().unwrap_or_default();
    let status = (status != code).then(|| format!("the server's status for {shown} is {status}, not {code}\n"));
    let what = format!("the server's answer to {shown}");
    let found = [difference(&what, &before.anywhere(&expected), &place.anywhere(&got)), status];
    found.into_iter().flatten().reduce(|a, b| a + &b)
}

/// The status and the lines that tell what came in process.
fn expected(ran: &Ran, text: &str) -> (u16, Vec<Json>) {
    let error = ran.error.as_ref().map(|e| (e.kind(), json!({"error": error(e, text)})));
    let begun = |r: &Response| matches!(r, Response::Rows(_) | Response::Receipt(_) | Response::Done { .. });
    match error {
        Some((kind, line)) if !ran.responses.iter().any(begun) => (status(kind), vec![line]),
        error => (200, ran.responses.iter().scan(None, lines).flatten().chain(error.map(|(_, line)| line)).collect()),
    }
}

fn lines(renderer: &mut Option<Renderer>, response: &Response) -> Option<Vec<Json>> {
    Some(match response {
        Response::Begin { .. } => Vec::new(),
        Response::Schema(schema) => {
            let look = Look { format: Format::Ndjson, width: None, color: false };
            *renderer = Some(Renderer::new(Arc::clone(schema), look));
            let column = |f: &Arc<arrow::datatypes::Field>| json!({"name": f.name(), "type": type_name(f.data_type())});
            vec![json!({"schema": schema.fields().iter().map(column).collect::<Vec<_>>()})]
        }
        Response::Rows(batch) => {
            let mut text = Vec::new();
            renderer.as_mut().unwrap().rows(batch, &mut text).unwrap();
            let row = |line: &str| json!({"row": serde_json::from_str::<Json>(line).unwrap()});
            std::str::from_utf8(&text).unwrap().lines().map(row).collect()
        }
        Response::Receipt(it) => vec![json!({"receipt": receipt(it)})],
        // What a topic's columns were inferred from is in its receipts.
        Response::Notice(it) if it.about.is_some() => Vec::new(),
        Response::Notice(it) => vec![json!({"notice": {"message": it.message, "hint": it.hint}})],
        Response::Done { message } => vec![json!({"done": message})],
    })
}

fn receipt(receipt: &Receipt) -> Json {
    let offsets = |t: &TopicReceipt| -> Vec<Json> {
        t.offsets.iter().map(|(p, start, end)| json!({"partition": p, "start": start, "end": end})).collect()
    };
    let topic = |t: &TopicReceipt| {
        json!({
            "topic": t.topic, "scanned": t.scanned, "in_range": t.in_range, "partitions_read": t.partitions_read,
            "partitions": t.partitions, "offsets": offsets(t), "bytes": t.bytes, "tombstones": t.tombstones,
            "undecodable": t.undecodable, "decoded": t.decoded,
            "inferred_from": t.inferred.map(|sampled| json!({"records": sampled.records, "of": sampled.of})),
        })
    };
    let topics: Vec<Json> = receipt.topics.iter().map(topic).collect();
    json!({"rows": receipt.rows, "elapsed_ms": 0, "incomplete": receipt.incomplete, "topics": topics})
}

fn error(error: &Error, text: &str) -> Json {
    let span = error.span().map(|span| {
        let (start, end) = (BEFORE.len() + span.start, BEFORE.len() + span.end);
        let (line, column) = position(text, start);
        json!({"start": start, "end": end, "line": line, "column": column})
    });
    json!({
        "kind": error.kind().name(), "message": error.message(), "detail": error.detail(), "hint": error.hint(),
        "span": span,
    })
}

fn status(kind: Kind) -> u16 {
    match kind {
        Kind::Sql | Kind::Usage => 400,
        Kind::Limit => 413,
        Kind::Data => 422,
        Kind::Io | Kind::Internal => 500,
        Kind::Connect => 502,
        Kind::Cancelled => 503,
        Kind::Timeout => 504,
    }
}

/// A line without what differs from run to run: how long it took.
fn timeless(mut line: Json) -> Json {
    if let Some(elapsed) = line.pointer_mut("/receipt/elapsed_ms") {
        *elapsed = json!(0);
    }
    line
}
